import type {Source} from "../../api/schema";
import {count, score} from "../../lib/format";
import {Ago, SourceLink, State, Tlp, useNow} from "../../parts/Marks";
import {Table, type Column} from "../../parts/Table";

const columnsAt = (now: number): Column<Source>[] => [
  {head: "Source", cell: (row) => <SourceLink name={row.name} />},
  {head: "State", cell: (row) => <State state={row.state ?? "unknown"} />},
  {head: "Last word", cell: (row) => row.reason ?? "–"},
  {head: "Weight", cell: (row) => score(row.weight), kind: "number"},
  {head: "Lead", cell: (row) => score(row.lead), kind: "number"},
  {head: "Entries", cell: (row) => count(row.n_entries), kind: "number"},
  {head: "Rejected", cell: (row) => count(row.n_rejected), kind: "number"},
  {head: "Version", cell: (row) => count(row.version), kind: "number"},
  {head: "Last good", cell: (row) => <Ago at={row.last_ok_at} now={now} />},
  {head: "Next", cell: (row) => <Ago at={row.next_at} now={now} />},
  {head: "Marking", cell: (row) => <Tlp tlp={row.tlp} />},
];

export function SourcesTable({sources, isFiltered}: {sources: Source[]; isFiltered: boolean}) {
  const now = useNow();
  return <Table caption="Sources" columns={columnsAt(now)} rows={sources} rowKey={(row) => row.name}
    rowClass={(row) => (row.state === "failed" ? "bad" : "")}
    empty={isFiltered ? "No source fits. Clear the filter." : "No source yet: put a file a list into sources.d, then tip run blacklist."} />;
}
