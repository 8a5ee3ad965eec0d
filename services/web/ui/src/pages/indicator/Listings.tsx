// Who says so: what lists it now with the very line, and below what listed it once.
import type {Listing} from "../../api/schema";
import {count} from "../../lib/format";
import {IndicatorLink, SourceLink, Tier, Time} from "../../parts/Marks";
import {Table, type Column} from "../../parts/Table";

const RELATIONS: Record<string, string> = {
  exact: "this very one",
  host: "its host",
  parent: "a domain above it",
  around: "a network around it",
  on: "on it",
  inside: "inside it",
  below: "below it",
};

const WHO: Column<Listing>[] = [
  {head: "Source", cell: (row) => <SourceLink name={row.source} />},
  {head: "Weight", cell: (row) => row.weight?.toFixed(2) ?? "–", kind: "number"},
  {head: "Lists", cell: (row) => <IndicatorLink value={row.value} />},
  {head: "Which is", cell: (row) => RELATIONS[row.relation] ?? row.relation},
  {head: "With verdict", cell: (row) => (row.tier ? <Tier tier={row.tier} /> : "–")},
];

const NOW: Column<Listing>[] = [
  ...WHO,
  {head: "Listed since", cell: (row) => <Since row={row} />},
  {head: "Confirmed", cell: (row) => <Time at={row.last_seen} />},
  {head: "Evidence", cell: (row) => <Evidence row={row} />},
];

const BEFORE: Column<Listing>[] = [
  ...WHO,
  {head: "First seen", cell: (row) => <Time at={row.first_seen} />},
  {head: "Removed", cell: (row) => (row.listed === null ? "not kept" : <Time at={row.removed_at} />)},
  {head: "Times", cell: (row) => count(row.n_times), kind: "number"},
];

/** A list that removes hardly anything may say itself how old an entry is. */
function Since({row}: {row: Listing}) {
  return (
    <>
      <Time at={row.listed_at} />
      {row.append_only && row.stated_at && <div class="quiet">seen, it says: <Time at={row.stated_at} /></div>}
    </>
  );
}

function Evidence({row}: {row: Listing}) {
  return (
    <>
      <span class="quiet">version {row.version ?? "–"}, line {row.line ?? "–"}</span>
      {row.raw && <code class="evidence">{row.raw.trim()}</code>}
    </>
  );
}

const key = (row: Listing) => `${row.source} ${row.kind} ${row.value} ${row.listed_at}`;

export function Listings({listings, hasMore}: {listings: Listing[]; hasMore: boolean}) {
  const now = listings.filter((row) => row.listed);
  const before = listings.filter((row) => !row.listed);
  return (
    <>
      <section>
        <h2>Who lists it</h2>
        <Table caption="Listings in force" columns={NOW} rows={now} rowKey={key} empty="No source lists it, or a network or domain it belongs to." />
        {hasMore && <p class="quiet">There are more listings than are shown here.</p>}
      </section>
      <section>
        <h2>History</h2>
        <Table caption="Listings that ended, or of which nothing is kept" columns={BEFORE} rows={before} rowKey={key} empty="No listing of it has ended so far." />
      </section>
    </>
  );
}
