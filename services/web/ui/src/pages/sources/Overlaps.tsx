// What lists have in common: a map of all with all, and a table with the same numbers beside it.
import {useMemo} from "preact/hooks";
import type {Overlap} from "../../api/schema";
import {apiPath} from "../../lib/api";
import {count, score} from "../../lib/format";
import {useParam, type Place} from "../../lib/router";
import {useApi} from "../../lib/useApi";
import {SourceLink, Time} from "../../parts/Marks";
import {CsvLink, type Page} from "../../parts/More";
import {Show} from "../../parts/States";
import {Table, type Column} from "../../parts/Table";
import {earlier, mapOf, type Picture} from "./overlap";

const COLUMNS: Column<Overlap>[] = [
  {head: "List", cell: (row) => <SourceLink name={row.source} />},
  {head: "Other list", cell: (row) => <SourceLink name={row.other} />},
  {head: "Alike", cell: (row) => <strong>{score(row.similarity)}</strong>, kind: "number"},
  {head: "Of the list", cell: (row) => score(row.share), kind: "number"},
  {head: "Of the other", cell: (row) => score(row.share_other), kind: "number"},
  {head: "Both have", cell: (row) => count(Math.round(row.n_shared)), kind: "number"},
  {head: "Earlier", cell: (row) => earlier(row)},
  {head: "As of", cell: (row) => <Time at={row.at} />},
];

const FAINTEST = 0.12; // of what is shared at all

/** A picture of the table, so hidden from screen readers; the numbers are those of the rows. */
function Heat({names, shares}: Picture) {
  const n = names.length;
  return (
    <div class={`heat${n > 12 ? " heat-many" : ""}`} aria-hidden="true"
      style={{gridTemplateColumns: `fit-content(11rem) repeat(${n}, minmax(0, 1fr))`, maxWidth: `${11 + 2.4 * n}rem`}}>
      <span />
      {names.map((_, column) => <span class="heat-no">{column + 1}</span>)}
      {names.map((name, row) => [
        <span class="heat-name" title={name}><b>{row + 1}</b> {name}</span>,
        ...shares[row]!.map((share, column) => (
          <i class={row === column ? "heat-self" : ""} style={{opacity: row === column ? 1 : share ? FAINTEST + (1 - FAINTEST) * share : 0}}
            title={row === column ? name : `${name}: ${share === null ? "nothing told" : `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`} is in ${names[column]} too`} />
        )),
      ])}
    </div>
  );
}

function Drawn({page, text, order}: {page: Page<Overlap>; text: string; order: string}) {
  const picture = useMemo(() => mapOf(page.items, text, order), [page, text, order]);
  return (
    <>
      <div class="beside">
        {picture.names.length > 1 && <Heat {...picture} />}
        <Table caption={`Overlaps, ${order === "name" ? "by name" : "most alike first"}`} columns={COLUMNS} rows={picture.pairs}
          rowKey={(row) => `${row.source} ${row.other}`}
          empty={text ? "No list that fits has entries in common with another." : "No two lists have entries in common, or none was weighed yet."} />
      </div>
      {picture.nAll > picture.names.length && <p class="quiet">The {picture.names.length} of {picture.nAll} lists that are most like another one; filter by name for the others.</p>}
      {page.next && <p class="quiet">Of the {count(page.items.length)} pairs that are most alike; <code>tip source overlaps</code> has all.</p>}
    </>
  );
}

export function Overlaps({place, text}: {place: Place; text: string}) {
  const [order, setOrder] = useParam(place, "order");
  const loaded = useApi<Page<Overlap>>(apiPath("overlaps", {limit: "1000"}), 60_000);
  return (
    <section>
      <h2>What lists have in common</h2>
      <p class="quiet">The stronger the colour, the more of the list on the left is in the list with the number above, too. Alike is what both have, of all that either has.</p>
      <div class="bar">
        <label><span>Order</span>
          <select value={order} onChange={(event) => setOrder(event.currentTarget.value)}>
            <option value="">alike together</option>
            <option value="name">by name</option>
          </select>
        </label>
        <CsvLink path="overlaps" params={{limit: "1000"}} />
      </div>
      <Show from={loaded}>{(page) => <Drawn page={page} text={text} order={order} />}</Show>
    </section>
  );
}
