// The loop as data: who takes part, what each says to the others and how often. The picture and its table read this.
import type {Overview, Service, Status} from "../../api/schema";

export interface Stop {
  name: string;
  label: string;
  classes: string[]; // of events, which it publishes
  rate: number;
  there: "ready" | "trouble" | "absent" | "unknown";
  note: string;
}

export interface Loop {
  producers: Stop[];
  readers: Stop[];
  rate: number;
  head: number;
}

const PRODUCERS: Array<[name: string, label: string, classes: string[], note: string]> = [
  ["scheduler", "Scheduler", ["schedule"], "says what is due"],
  ["blacklist", "Blacklist", ["listing", "source", "verdict"], "lists, scores"],
  ["spamtrap", "Spamtrap", ["trap", "mail"], "senders, URLs, names"],
  ["flux", "Flux", ["flux"], "names that move"],
  ["traffic-control", "Traffic control", ["session", "traffic"], "slows senders"],
];

const READERS: Array<[name: string, label: string]> = [["storage", "Storage"], ["web", "This page"]];

function stateOf(services: Service[] | undefined, name: string): Stop["there"] {
  if (!services) return "unknown";
  const ours = services.filter((service) => service.name === name || service.name.startsWith(`${name}.`));
  if (ours.length === 0) return "absent";
  return ours.every((service) => service.ready) ? "ready" : "trouble";
}

export const totalRate = (overview: Overview): number => Object.values(overview.events_per_s).reduce((sum, one) => sum + one, 0);

function readerNote(name: string, overview: Overview): string {
  if (name !== "storage") return "the same events";
  return overview.storage_lag_events ? `${overview.storage_lag_events} behind` : "up to date";
}

export function loopOf(overview: Overview, status: Status | null): Loop {
  const rates = overview.events_per_s;
  const outside = (status?.consumers ?? []).filter((row) => !/^(storage|blacklist|scheduler|web)\b/.test(String(row.consumer)));
  const producers = PRODUCERS.map(([name, label, classes, note]) => ({
    name, label, classes, note, there: stateOf(status?.services, name),
    rate: classes.reduce((sum, one) => sum + (rates[one] ?? 0), 0),
  }));
  const readers = READERS.map(([name, label]): Stop => ({
    name, label, classes: [], rate: totalRate(overview), note: readerNote(name, overview),
    there: name === "web" ? "ready" : stateOf(status?.services, name),
  }));
  readers.push({
    name: "outside", label: "Consumers", classes: [], rate: totalRate(overview), there: outside.length ? "ready" : "absent",
    note: outside.length ? `${outside.length} durable` : "none durable",
  });
  return {producers, readers, rate: totalRate(overview), head: overview.head_seq};
}

/** How long a dash takes along its line: quicker with more events, never a blur. 0: it stands still. */
export function secondsOf(rate: number): number {
  return rate <= 0 ? 0 : Math.min(8, Math.max(0.6, 4 / Math.sqrt(rate)));
}
