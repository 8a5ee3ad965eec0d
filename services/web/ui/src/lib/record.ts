// An event of the bus in one line of words. Unknown kinds are shown as what they are: new ones will come.
import type {Record as Wire} from "../api/schema";
import {plural} from "./format";

export interface Entry {
  seq: number;
  topic: string;
  kind: string;
  publisher: string;
  tlp: string;
  at: string;
  data: Record<string, unknown>;
}

/** tip-web sends an event with its stamp beside it, or flat; both are read. */
export function entryOf(wire: Wire): Entry {
  const all = wire as Record<string, unknown>;
  const stamp = (all.stamp ?? {}) as Record<string, unknown>;
  const text = (...names: unknown[]) => String(names.find((value) => value != null) ?? "");
  return {
    seq: Number(all.seq ?? stamp.seq ?? 0),
    topic: text(all.topic, stamp.topic),
    kind: text(all.kind),
    publisher: text(all.publisher, stamp.publisher),
    tlp: text(all.tlp, stamp.tlp),
    at: text(all.commit_time, stamp.committed_at, all.observed_at),
    data: (all.data ?? all.payload ?? {}) as Record<string, unknown>,
  };
}

type Data = Record<string, unknown>;
const list = (value: unknown) => (Array.isArray(value) ? value.length : number(value)); // of a long one only how many
const text = (value: unknown) => (value == null ? "" : String(value));
const number = (value: unknown) => (typeof value === "number" ? value : 0);

function source(data: Data): string {
  const changes = [
    number(data.n_added) && `+${number(data.n_added)}`,
    number(data.n_removed) && `−${number(data.n_removed)}`,
    number(data.n_rejected) && `${plural(number(data.n_rejected), "line")} rejected`,
  ].filter(Boolean);
  return `${text(data.source)}: ${text(data.detail) || text(data.reason)}${changes.length ? ` (${changes.join(", ")})` : ""}`;
}

function verdicts(data: Data): string {
  const tiers: Record<string, number> = {};
  for (const verdict of Array.isArray(data.verdicts) ? (data.verdicts as Data[]) : [])
    tiers[text(verdict.tier)] = (tiers[text(verdict.tier)] ?? 0) + 1;
  const parts = ["block", "slow", "watch", "none"].filter((tier) => tiers[tier]).map((tier) => `${tiers[tier]} ${tier}`);
  return `${plural(list(data.verdicts), "verdict")} moved by ${text(data.cause_source) || "time"}${parts.length ? `: ${parts.join(", ")}` : ""}`;
}

const WORDS = new Map<string, (data: Data) => string>(Object.entries({
  "source.ok": source,
  "source.failed": source,
  "source.held": (d) => `${text(d.source)}: ${text(d.detail) || "held"}`,
  "verdict.changes": verdicts,
  "listing.delta": (d) => `${text(d.source)}: ${list(d.added)} added, ${list(d.removed)} removed, version ${text(d.to_version)}`,
  "listing.baseline": (d) => `${text(d.source)}: full set, ${plural(list(d.entries ?? d.added), "entry", "entries")} in this part`,
  "schedule.due": (d) => `${text(d.module)}${d.target ? `/${text(d.target)}` : ""} is due${d.force ? ", by hand" : ""}`,
  "schedule.done": (d) => `${text(d.module)}: ${text(d.summary)}`,
  "schedule.failed": (d) => `${text(d.module)}: ${text(d.summary) || text(d.reason)}`,
  "schedule.overdue": (d) => `${text(d.module)} did not end in time`,
  "control.applied": (d) => `${text(d.actor)}: ${text(d.action)} ${text(d.target)}${d.reason ? ` (${text(d.reason)})` : ""}`,
  "control.allow": (d) => `allow and deny list: ${plural(list(d.added), "entry", "entries")} added, ${list(d.removed)} removed`,
  "system.hello": (d) => `${text(d.service)} started, version ${text(d.version)}`,
  "system.goodbye": (d) => `${text(d.service)} ended`,
  "system.heartbeat": (d) => `${text(d.service)} ${d.ready ? "is ready" : `is not ready: ${text(d.detail)}`}`,
  "system.alarm": (d) => `${text(d.name)}: ${text(d.detail)}`,
} satisfies Record<string, (data: Data) => string>));

function bareWords(entry: Entry): string {
  const about = shortTopic(entry.topic).slice(entry.kind.length).replace(/^\.|\.$/g, "");
  return `${entry.kind.replace(".", ", ")}${about ? `: ${about}` : ""}`;
}

/** The event in words; without any, its first fields. */
export function wordsOf(entry: Entry): string {
  if (Object.keys(entry.data).length === 0) return bareWords(entry); // large ones come without what is in them
  const words = WORDS.get(entry.kind)?.(entry.data);
  if (words) return words;
  const fields = Object.entries(entry.data).filter(([, value]) => value !== null && typeof value !== "object");
  return fields.slice(0, 4).map(([name, value]) => `${name} ${String(value)}`).join(", ");
}

const BAD = new Set(["source.failed", "schedule.failed", "schedule.overdue", "system.alarm", "bus.damaged"]);
export const isBad = (entry: Entry): boolean => BAD.has(entry.kind) || entry.data.raised === true;

/** "v1.listing.delta.drop." as people type it: "listing.delta.drop." */
export const shortTopic = (topic: string): string => topic.replace(/^v1\./, "");
