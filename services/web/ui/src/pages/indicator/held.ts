import type {Told} from "../../api/schema";

/** Whether the row is what held at the time of the page; "": now. */
export function isHeldAt({from, to}: Pick<Told, "from" | "to">, at: string): boolean {
  if (!at) return to === null;
  return Date.parse(from) <= Date.parse(at) && (to === null || Date.parse(to) > Date.parse(at));
}

/** "list 0.60, trap 0.50"; the strongest first. */
export function wordsOfFamilies(families: Record<string, number>): string {
  const rows = Object.entries(families).sort(([, a], [, b]) => b - a);
  return rows.map(([family, share]) => `${family} ${share.toFixed(2)}`).join(", ") || "–";
}
