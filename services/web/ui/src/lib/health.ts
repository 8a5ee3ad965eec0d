// What is wrong, in words: worst first, each with what to do about it. Nothing found is said too, by the page.
import type {Overview, Source, Status} from "../api/schema";
import {bytes, count, duration, plural} from "./format";

export interface Trouble {
  level: "bad" | "warn";
  text: string;
  todo: string;
  href: string;
}

type Row = Record<string, unknown>;
const SILENT_MS = 15_000;
const LAG_EVENTS = 10_000;

const num = (value: unknown): number => (typeof value === "number" ? value : 0);
const str = (value: unknown): string => (value == null ? "" : String(value));

function servicesTrouble(status: Status, now: number): Trouble[] {
  const found: Trouble[] = [];
  for (const service of status.services) {
    const silence = now - Date.parse(service.heard_at);
    if (silence > SILENT_MS)
      found.push({level: "bad", href: "/system", text: `${service.name} has not been heard for ${duration(silence)}.`,
        todo: `See whether tip-${service.name} runs, and its log.`});
    else if (!service.ready)
      found.push({level: "bad", href: "/system", text: `${service.name} is not ready${service.detail ? `: ${service.detail}` : ""}.`,
        todo: "It says so itself; its log has more."});
  }
  return found;
}

function alarmsTrouble(status: Status): Trouble[] {
  return (status.alarms as Row[]).filter((alarm) => alarm.raised !== false).map((alarm) => ({
    level: "bad", href: "/system", todo: "The table of alarms in broker/README.md says when it ends.",
    text: `Alarm ${str(alarm.name ?? alarm.alarm)}${alarm.detail ? `: ${str(alarm.detail)}` : ""}.`,
  }));
}

function consumersTrouble(status: Status): Trouble[] {
  return (status.consumers as Row[]).filter((row) => num(row.lag_events) > LAG_EVENTS || row.overtaken === true).map((row) => ({
    level: row.overtaken ? "bad" : "warn", href: "/system",
    text: row.overtaken ? `${str(row.consumer)} lost events: they were gone before it read them.`
      : `${str(row.consumer)} is ${count(num(row.lag_events))} events behind.`,
    todo: row.overtaken ? "It must take the owners' state again." : "It catches up, or it is too slow: watch the number.",
  }));
}

function journalTrouble(status: Status): Trouble[] {
  const journal = status.journal as Row;
  if (journal.no_space === true)
    return [{level: "bad", href: "/system", text: "The journal has no room on its disk: publishers wait.", todo: "Make room; it goes on by itself."}];
  if (journal.held === true)
    return [{level: "bad", href: "/system", text: `The journal is full (${bytes(num(journal.size_bytes))}): publishers wait for storage.`,
      todo: "See why storage does not read."}];
  return [];
}

const WELL = new Set(["ok", "new", "disabled"]);

export function sourceTrouble(source: Source): Trouble | null {
  if (source.state === null || WELL.has(source.state)) return null;
  const failures = (source.n_failures ?? 0) > 1 ? `, ${plural(source.n_failures ?? 0, "time")} in a row` : "";
  return {level: "warn", href: `/sources/${encodeURIComponent(source.name)}`,
    text: `Source ${source.name}: ${source.state}${source.reason ? ` (${source.reason}${failures})` : ""}.`,
    todo: source.detail || "Its page has the reason and the history."};
}

export function troublesOf(overview: Overview | null, status: Status | null, sources: Source[], now: number): Trouble[] {
  const found: Trouble[] = status
    ? [...servicesTrouble(status, now), ...alarmsTrouble(status), ...journalTrouble(status), ...consumersTrouble(status)] : [];
  found.push(...sources.map(sourceTrouble).filter((trouble) => trouble !== null));
  if (overview && overview.storage_lag_events > LAG_EVENTS)
    found.push({level: "warn", href: "/system", text: `Storage is ${count(overview.storage_lag_events)} events behind.`,
      todo: "What this page shows is that much older."});
  if (status?.services.some((service) => service.insecure))
    found.push({level: "warn", href: "/system", text: "The bus runs without keys: whoever reaches it may publish and read everything.",
      todo: "Fine in a lab. Otherwise: tip keys init."});
  return found.sort((a, b) => Number(b.level === "bad") - Number(a.level === "bad"));
}
