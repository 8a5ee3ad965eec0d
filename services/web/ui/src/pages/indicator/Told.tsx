// What was told of it from when to when; each row leads to the page as of then.
import type {Told as Row} from "../../api/schema";
import {score} from "../../lib/format";
import {Tier, Time} from "../../parts/Marks";
import {Table, type Column} from "../../parts/Table";
import {isHeldAt, wordsOfFamilies} from "./held";

const columns = (at: string, setAt: (at: string) => void): Column<Row>[] => [
  {head: "From", cell: (row) => <Time at={row.from} withMs />},
  {head: "To", cell: (row) => (row.to ? <Time at={row.to} withMs /> : "holds")},
  {head: "Tier", cell: (row) => <Tier tier={row.tier} />},
  {head: "Score", cell: (row) => score(row.score), kind: "number"},
  {head: "Families", cell: (row) => wordsOfFamilies(row.families)},
  {head: "Moved by", cell: (row) => row.cause_source ?? "–"},
  {head: "Page", cell: (row) => (isHeldAt(row, at)
    ? <span class="quiet">shown</span>
    : <button type="button" onClick={() => setAt(row.from)}>As of then</button>)},
];

export function Told({history, at, setAt}: {history: Row[]; at: string; setAt: (at: string) => void}) {
  return (
    <section>
      <h2>What was told of it</h2>
      <Table caption="Verdicts, newest first" columns={columns(at, setAt)} rows={history} rowKey={(row) => row.from}
        empty="Nothing was told of this very indicator, as far as history is kept." />
    </section>
  );
}
