// What the map of overlaps is drawn from: which lists, in which order, and what one has of the other.
import type {Overlap} from "../../api/schema";

export const SHOWN = 30; // lists on the map

export interface Picture {
  names: string[];
  nAll: number; // lists that share entries with another, before SHOWN
  shares: Array<Array<number | null>>; // of the row's list, what the column's has too; null: nothing that was told
  pairs: Overlap[]; // of the names, in the same order
}

type Beside = Map<string, Map<string, Overlap>>;

/** Each pair from both sides: the first name is the one whose share `share` is. */
function besideOf(pairs: Overlap[]): Beside {
  const beside: Beside = new Map();
  const put = (pair: Overlap) => beside.set(pair.source, (beside.get(pair.source) ?? new Map()).set(pair.other, pair));
  for (const pair of pairs) {
    put(pair);
    put({...pair, source: pair.other, other: pair.source, share: pair.share_other, share_other: pair.share, n_first: pair.n_late,
      n_late: pair.n_first, n_scored: pair.n_scored_other, n_scored_other: pair.n_scored});
  }
  return beside;
}

const byName = (a: string, b: string) => a.localeCompare(b, "en");

/** From the strongest on, next to each the one that is most like it: what belongs together stands together. */
function chained(names: string[], beside: Beside): string[] {
  const left = new Set(names);
  const chain: string[] = [];
  for (let next = names[0]; next !== undefined;) {
    chain.push(next);
    left.delete(next);
    const of = beside.get(next);
    let best: string | undefined;
    for (const name of left) if (best === undefined || (of?.get(name)?.similarity ?? 0) > (of?.get(best)?.similarity ?? 0)) best = name;
    next = best;
  }
  return chain;
}

/** The lists of the pairs in which a name holds the text; those most alike with another when there are many. */
export function mapOf(pairs: Overlap[], text: string, order: string): Picture {
  const sought = text.trim().toLowerCase();
  const chosen = pairs.filter((pair) => pair.source.includes(sought) || pair.other.includes(sought));
  const beside = besideOf(chosen);
  const strongest = (name: string) => Math.max(...[...beside.get(name)!.values()].map((pair) => pair.similarity));
  const all = [...beside.keys()].sort((a, b) => strongest(b) - strongest(a) || byName(a, b));
  const top = all.slice(0, SHOWN);
  const names = order === "name" ? top.sort(byName) : chained(top, beside);
  const shown = new Set(names);
  const rows = chosen.filter((pair) => shown.has(pair.source) && shown.has(pair.other));
  return {
    names, nAll: all.length,
    shares: names.map((row) => names.map((column) => beside.get(row)?.get(column)?.share ?? null)),
    pairs: rows.sort((a, b) => (order === "name" ? 0 : b.similarity - a.similarity) || byName(a.source, b.source) || byName(a.other, b.other)),
  };
}

/** Who had first what both have. */
export function earlier({source, other, n_shared, n_first, n_late}: Overlap): string {
  if (n_shared <= 0 || n_first === n_late) return "neither";
  const most = Math.max(n_first, n_late);
  return `${n_first > n_late ? source : other}, ${Math.round((100 * most) / n_shared)} %`;
}
