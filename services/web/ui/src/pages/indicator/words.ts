// The answer in a sentence: what to do about an indicator, and on whose word.
import type {Indicator} from "../../api/schema";
import {plural} from "../../lib/format";
import {exemptOf, isList} from "../../lib/score";

const ADVICE: Record<string, string> = {
  block: "Refuse it.",
  slow: "Slow it down.",
  watch: "Keep an eye on it.",
  none: "Nothing speaks against it strongly enough.",
};

const RANK = ["none", "watch", "slow", "block"];
const OUTER = new Set(["around", "parent", "host"]); // what is said of them holds for what is in them

const rank = (tier: string | null | undefined) => RANK.indexOf(tier ?? "none");

/** What it inherits, when that is worse than itself; where nobody knows that, what the worst of what it belongs to is. */
function wordsOfOuter(data: Indicator): string {
  const own = rank(data.verdict?.tier);
  if (data.inherited_by !== "unknown") {
    const from = data.inherited;
    return from && rank(from.tier) > own ? `it inherits ${from.tier} from ${from.value}` : "";
  }
  const outer = data.listings.filter((row) => row.listed && OUTER.has(row.relation) && rank(row.tier) > own);
  const [worst] = outer.sort((a, b) => rank(b.tier) - rank(a.tier));
  return worst ? `${worst.value}, which it belongs to, has tier ${worst.tier}` : "";
}

function adviceOf(data: Indicator): string {
  const own = data.verdict?.tier ?? "none", outer = wordsOfOuter(data), exempt = exemptOf(data.verdict?.reasons ?? []);
  if (data.allow[0]?.kind === "allow") return "The operators allow it.";
  if (outer) return `By itself ${own === "none" ? "nothing" : own}, but ${outer}.`;
  const advice = ADVICE[own] ?? "";
  if (!exempt) return advice;
  const words = `The ${exempt.role} list ${exempt.list} exempts it`;
  return own === "none" ? `${words}.` : `${words} in part. ${advice}`; // some lists leave a quarter, which may still be enough
}

/** On whose word it inherits; a list has a page, and that nobody was named is no word. */
export function wordOfSource(source: string | null): {words: string; list: string | null} | null {
  if (!source) return null;
  if (source === "operator") return {words: "the operators", list: null};
  return isList({source}) ? {words: "list ", list: source} : {words: source, list: null};
}

export function wordsOfAnswer(data: Indicator, at: string): string {
  const listed = data.listings.filter((row) => row.listed).length;
  const advice = adviceOf(data);
  const words = listed ? `${plural(listed, "listing")} in force ${listed === 1 ? "bears" : "bear"} on it.` : "No list has it now.";
  return `${at ? "It was so then. " : ""}${advice} ${words}`;
}
