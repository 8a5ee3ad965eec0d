// What operators did: the stored stream of applied controls, newest first.
import type {Audit} from "../../api/schema";
import {useParam} from "../../lib/router";
import {State, Time} from "../../parts/Marks";
import {CsvLink, MoreButton, usePages} from "../../parts/More";
import {Show} from "../../parts/States";
import {Table, type Column} from "../../parts/Table";
import type {PageProps} from "../index";

const COLUMNS: Column<Audit>[] = [
  {head: "At", cell: (row) => <Time at={row.applied_at} />},
  {head: "Who", cell: (row) => row.actor},
  {head: "Service", cell: (row) => row.service},
  {head: "Action", cell: (row) => row.action},
  {head: "Target", cell: (row) => <span class="code">{row.target || "–"}</span>},
  {head: "Reason", cell: (row) => row.reason || "–"},
  {head: "Result", cell: (row) => <><State state={row.ok ? "done" : "failed"} /> {row.result}</>},
];

export function AuditPage({place}: PageProps) {
  const [service, setService] = useParam(place, "service");
  const pages = usePages<Audit>("audit", {service}, 5000);
  return (
    <>
      <div class="bar">
        <label><span>Service</span>
          <select value={service} onChange={(event) => setService(event.currentTarget.value)}>
            <option value="">all</option>
            {["blacklist", "scheduler", "web"].map((name) => <option value={name}>{name}</option>)}
          </select>
        </label>
        <CsvLink path="audit" params={{service}} />
      </div>
      <Show from={pages}>
        {() => <Table caption="Actions, newest first" columns={COLUMNS} rows={pages.rows} rowKey={(row) => `${row.call_id} ${row.applied_at}`}
          rowClass={(row) => (row.ok ? "" : "bad")} empty="No operator has done anything yet. Actions from these pages and from tip appear here." />}
      </Show>
      <MoreButton pages={pages} />
    </>
  );
}
