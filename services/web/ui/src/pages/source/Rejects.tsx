import type {SourcePage} from "../../api/schema";
import {count} from "../../lib/format";
import {Table, type Column} from "../../parts/Table";

const REASONS: Column<[string, number]>[] = [
  {head: "Reason", cell: ([reason]) => reason},
  {head: "Lines", cell: ([, lines]) => count(lines), kind: "number"},
];

const SAMPLE: Column<SourcePage["reject_sample"][number]>[] = [
  {head: "Line", cell: (row) => count(row.line), kind: "number"},
  {head: "Reason", cell: (row) => row.reason},
  {head: "As it stands in the list", cell: (row) => <code class="evidence">{row.raw}</code>},
];

export function Rejects({data}: {data: SourcePage}) {
  const reasons = Object.entries(data.rejected).sort((a, b) => b[1] - a[1]);
  return (
    <section>
      <h2>Rejected lines</h2>
      <Table caption="Rejected lines by reason" columns={REASONS} rows={reasons} rowKey={([reason]) => reason} empty="Every line of the last version was understood." />
      {data.reject_sample.length > 0 && (
        <Table caption="Some of the rejected lines" columns={SAMPLE} rows={data.reject_sample} rowKey={(row) => row.line} empty="" />
      )}
    </section>
  );
}
