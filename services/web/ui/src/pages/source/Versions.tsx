import {useMemo} from "preact/hooks";
import type {SourceVersion} from "../../api/schema";
import {bytes, count} from "../../lib/format";
import {Chart, type Line} from "../../parts/Chart";
import {Time} from "../../parts/Marks";
import {Table, type Column} from "../../parts/Table";

const COLUMNS: Column<SourceVersion>[] = [
  {head: "Version", cell: (row) => count(row.version)},
  {head: "At", cell: (row) => <Time at={row.at} />},
  {head: "Why", cell: (row) => row.reason},
  {head: "Entries", cell: (row) => count(row.n_entries), kind: "number"},
  {head: "Added", cell: (row) => count(row.n_added), kind: "number"},
  {head: "Removed", cell: (row) => count(row.n_removed), kind: "number"},
  {head: "Rejected", cell: (row) => count(row.n_rejected), kind: "number"},
  {head: "Size", cell: (row) => bytes(row.n_bytes), kind: "number"},
];

function linesOf(rows: SourceVersion[]): Line[] {
  return [
    {label: "Entries", colour: "--accent", values: rows.map((row) => row.n_entries)},
    {label: "Added", colour: "--good", values: rows.map((row) => row.n_added), isBars: true},
    {label: "Removed", colour: "--bad", values: rows.map((row) => -row.n_removed), isBars: true},
  ];
}

export function Versions({history}: {history: SourceVersion[]}) {
  const newest = history.at(0)?.version ?? 0;
  const rows = useMemo(() => [...history].sort((a, b) => a.version - b.version), [newest, history.length]);
  const drawn = useMemo(() => ({times: rows.map((row) => Date.parse(row.at) / 1000), lines: linesOf(rows)}), [rows]);
  return (
    <section>
      <h2>Versions</h2>
      <div class="beside">
        {rows.length > 1 && <Chart {...drawn} />}
        <Table caption="Versions, newest first" columns={COLUMNS} rows={[...rows].reverse()} rowKey={(row) => row.version}
          empty="No version yet: it has not been fetched with success." />
      </div>
    </section>
  );
}
