// What an operator can do to a list. Only the scheduler starts a module; the rest is blacklist's. What would change nothing
// is not offered, as far as it is known how the list stands.
import type {SourceOperator} from "../../api/schema";
import type {Deed} from "../../parts/Action";

type Row = [label: string, action: string, what: string, isOffered: (now: SourceOperator) => boolean];

const DEEDS: Row[] = [
  ["Hold", "hold", "is fetched and compared, but nothing of it is published; what it lists stays", (now) => !now.held && now.override !== "retired"],
  ["Release", "release", "is not held any more, and due at once", (now) => now.held],
  ["Enable", "enable", "is fetched, whatever its file says", (now) => !now.enabled],
  ["Disable", "disable", "is not fetched, whatever its file says; what it lists stays", (now) => now.enabled],
  ["Retire", "retire", "lists nothing any more, and is not fetched; its file stays", (now) => now.override !== "retired"],
  ["Baseline", "baseline", "sends all its entries again, for whoever lost some", () => true],
];

export function sourceDeeds(name: string, now: SourceOperator | null): Deed[] {
  const run: Deed = {
    label: "Run now", what: `Source ${name} is fetched now, whatever its interval`,
    request: {service: "scheduler", action: "run", target: `blacklist/${name}`, params: {force: "true"}},
  };
  return [run, ...DEEDS.filter(([, , , isOffered]) => !now || isOffered(now)).map(([label, action, what]) => ({
    label, what: `Source ${name} ${what}`, request: {service: "blacklist", action, target: name},
  }))];
}
