// How far a list was trusted over time, and the parts that made it: a picture, and a table with the same numbers beside it.
import {useMemo} from "preact/hooks";
import type {SourceWeight} from "../../api/schema";
import {apiPath} from "../../lib/api";
import {duration, score} from "../../lib/format";
import {useApi} from "../../lib/useApi";
import {Chart} from "../../parts/Chart";
import {Time} from "../../parts/Marks";
import {CsvLink, type Page} from "../../parts/More";
import {Show} from "../../parts/States";
import {Table, type Column} from "../../parts/Table";
import {leadOf, weightLines} from "./drawn";

/** The one in force, and why. */
function halfLife({law_half_life_ms, law_basis}: SourceWeight): string {
  if (law_half_life_ms === null) return "–";
  return `${law_half_life_ms ? duration(law_half_life_ms) : "none"}${law_basis === "file" ? " (its file)" : ""}`;
}

const COLUMNS: Column<SourceWeight>[] = [
  {head: "At", cell: (row) => <Time at={row.at} />},
  {head: "Weight", cell: (row) => <strong>{score(row.weight)}</strong>, kind: "number"},
  {head: "Why", cell: (row) => (row.fixed ? `${row.reason}: its file says so` : row.reason)},
  {head: "Measured", cell: (row) => (row.measured_at ? score(row.measured) : "–"), kind: "number"},
  {head: "Trust", cell: (row) => (row.measured_at ? score(row.trust) : "–"), kind: "number"},
  {head: "Independence", cell: (row) => (row.measured_at ? score(row.independence) : "–"), kind: "number"},
  {head: "Lead", cell: (row) => (row.measured_at ? score(row.lead) : "–"), kind: "number"},
  {head: "Freshness", cell: (row) => (row.measured_at ? score(row.freshness) : "–"), kind: "number"},
  {head: "Half-life", cell: (row) => halfLife(row), kind: "number"},
];

const SHOWN = 50; // in the table; the picture has all of them

function Told({rows}: {rows: SourceWeight[]}) {
  const newest = rows.at(0)?.at ?? "";
  const drawn = useMemo(() => weightLines(rows), [newest, rows.length]);
  return (
    <>
      {rows[0]?.measured_at && <p class="quiet">{leadOf(rows[0])}</p>}
      <div class="beside">
        {drawn.times.length > 1 && <Chart {...drawn} />}
        <Table caption="Weights, newest first" columns={COLUMNS} rows={rows.slice(0, SHOWN)} rowKey={(row) => row.at}
          empty="No weight was told yet: it is weighed when it has been fetched." />
      </div>
      {rows.length > SHOWN && <p class="quiet">The newest {SHOWN} of {rows.length}; the CSV has the rest.</p>}
    </>
  );
}

export function Weights({name}: {name: string}) {
  const path = `sources/${encodeURIComponent(name)}/weights`;
  const loaded = useApi<Page<SourceWeight>>(apiPath(path), 30_000);
  return (
    <section>
      <h2>Weight over time</h2>
      <p class="quiet">Measured is trust × independence × (0.5 + 0.5 × lead) × freshness. <CsvLink path={path} /></p>
      <Show from={loaded}>{(page) => <Told rows={page.items} />}</Show>
    </section>
  );
}
