// The columns of the machine room; the names of fields are those of bus.query (broker/README.md).
import type {Service} from "../../api/schema";
import {bytes, count, duration, rate, utc} from "../../lib/format";
import {Ago, State} from "../../parts/Marks";
import type {Column} from "../../parts/Table";

export type Row = {[name: string]: unknown};

const num = (value: unknown): number | null => (typeof value === "number" ? value : null);
const str = (value: unknown): string => (value == null || value === "" ? "–" : String(value));

const text = (head: string, name: string): Column<Row> => ({head, cell: (row) => str(row[name])});
const counted = (head: string, name: string): Column<Row> => ({head, cell: (row) => count(num(row[name])), kind: "number"});
const rated = (head: string, name: string): Column<Row> => ({head, cell: (row) => rate(num(row[name])), kind: "number"});
const lasting = (head: string, name: string, unitMs = 1): Column<Row> => ({
  head, kind: "number", cell: (row) => { const value = num(row[name]); return duration(value === null ? null : value * unitMs); },
});

const SILENT_MS = 15_000;

export const servicesAt = (now: number): Column<Service>[] => [
  {head: "Service", cell: (row) => row.name},
  {head: "State", cell: (row) => <State state={now - Date.parse(row.heard_at) > SILENT_MS ? "silent" : row.ready ? "ready" : "not ready"} />},
  {head: "Bus", cell: (row) => <State state={row.insecure ? "insecure" : "keys"} />},
  {head: "Up", cell: (row) => duration(row.uptime_s * 1000), kind: "number"},
  {head: "Memory", cell: (row) => bytes(row.rss_bytes), kind: "number"},
  {head: "Outbox", cell: (row) => count(row.outbox_events), kind: "number"},
  {head: "Version", cell: (row) => row.version},
  {head: "Heard", cell: (row) => <Ago at={row.heard_at} now={now} />},
  {head: "Detail", cell: (row) => row.detail || "–"},
];

export const ALARMS: Column<Row>[] = [text("Alarm", "name"), text("What", "detail"), text("Since", "since")];

export const PUBLISHERS: Column<Row>[] = [
  text("Publisher", "publisher"),
  {head: "Session", cell: (row) => <State state={row.up ? "yes" : "away"} />},
  rated("Now", "events_per_s"), rated("Last minute", "events_per_s_60s"), counted("Events", "events"),
  counted("Not acked", "window_events"), lasting("Oldest", "oldest_unacked_ms"), lasting("Heard", "heard_ago_ms"),
];

export const CONSUMERS: Column<Row>[] = [
  text("Consumer", "consumer"), counted("Behind", "lag_events"), lasting("Oldest", "lag_s", 1000),
  rated("Now", "events_per_s"), rated("Last minute", "events_per_s_60s"), lasting("Seen", "seen_ago_ms"),
  {head: "Note", cell: (row) => row.overtaken ? <State state="lost" /> : row.required ? "required" : "–"},
];

export const QUEUES: Column<Row>[] = [
  {head: "Queue", cell: (row) => <span class="code">{str(row.queue)}</span>},
  counted("Waiting", "waiting"), counted("Running", "running"), counted("Workers", "workers"), counted("Done", "done"),
  counted("Failed", "failed"), rated("Ended", "ended_per_s_60s"), lasting("Oldest", "oldest_waiting_ms"),
];

export const DOORS: Column<Row>[] = [
  {head: "Marking", cell: (row) => <span class={`mark tlp tlp-${str(row.tlp)}`}>TLP:{str(row.tlp).toUpperCase()}</span>},
  {head: "Endpoint", cell: (row) => <span class="code">{str(row.endpoint)}</span>},
  counted("Subscriptions", "subscriptions"), counted("Sent", "sent"), rated("Now", "sent_per_s"), counted("Dropped", "dropped"),
];

/** Any flat object as facts: the ending of a name tells its unit. */
export function factsOf(row: Row): Array<[string, string]> {
  return Object.entries(row)
    .filter(([, value]) => value === null || typeof value !== "object")
    .map(([name, value]) => factOf(name, value));
}

const UNITS: Array<[ending: RegExp, show: (value: number) => string]> = [
  [/_?bytes_per_s(_60s)?$/, (value) => `${bytes(value)}/s`],
  [/_per_s(_60s)?$/, rate],
  [/_?bytes$/, bytes],
  [/_ms$/, (value) => (value < 10 ? `${value.toFixed(1)} ms` : duration(value))],
  [/_s$/, (value) => duration(value * 1000)],
];

function factOf(name: string, value: unknown): [string, string] {
  const label = name.replace(/_per_s_60s$/, " a second, last minute").replace(/_per_s$/, " a second, now")
    .replace(/_(ms|s|at|bytes)$/, "").replace(/_/g, " ");
  if (typeof value === "boolean") return [label, value ? "yes" : "no"];
  if (typeof value === "number") return [label, (UNITS.find(([ending]) => ending.test(name))?.[1] ?? count)(value)];
  return [label, name.endsWith("_at") && typeof value === "string" ? utc(value) : str(value)];
}
