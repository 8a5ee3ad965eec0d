// What an operator can do to a list. Only the scheduler starts a module; the rest is blacklist's.
import type {Deed} from "../../parts/Action";

const DEEDS: Array<[label: string, action: string, what: string]> = [
  ["Hold", "hold", "keeps its entries and is not fetched any more"],
  ["Release", "release", "is fetched again"],
  ["Enable", "enable", "counts again"],
  ["Disable", "disable", "loses its entries and is not fetched any more"],
  ["Baseline", "baseline", "sends all its entries again, for whoever lost some"],
];

export function sourceDeeds(name: string): Deed[] {
  const run: Deed = {
    label: "Run now", what: `Source ${name} is fetched now, whatever its interval`,
    request: {service: "scheduler", action: "run", target: `blacklist/${name}`, params: {force: "true"}},
  };
  return [run, ...DEEDS.map(([label, action, what]) => ({
    label, what: `Source ${name} ${what}`, request: {service: "blacklist", action, target: name},
  }))];
}
