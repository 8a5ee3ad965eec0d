// The answer in a sentence: what to do about an indicator, and on whose word.
import type {Indicator, Listing} from "../../api/schema";
import {plural} from "../../lib/format";

const ADVICE: Record<string, string> = {
  block: "Refuse it.",
  slow: "Slow it down.",
  watch: "Keep an eye on it.",
  none: "Nothing speaks against it strongly enough.",
};

const RANK = ["none", "watch", "slow", "block"];
const OUTER = new Set(["around", "parent", "host"]); // what is said of them holds for what is in them

const rank = (row: Listing) => RANK.indexOf(row.tier ?? "none");

/** The worst of what it belongs to, when that is worse than itself. */
export function worstAround(data: Indicator): Listing | null {
  const own = RANK.indexOf(data.verdict?.tier ?? "none");
  const outer = data.listings.filter((row) => row.listed && OUTER.has(row.relation) && rank(row) > own);
  return outer.sort((a, b) => rank(b) - rank(a))[0] ?? null;
}

export function wordsOfAnswer(data: Indicator, at: string): string {
  const worst = worstAround(data);
  const listed = data.listings.filter((row) => row.listed).length;
  const own = data.verdict?.tier ?? "none";
  const advice = worst ? `By itself ${own === "none" ? "nothing" : own}, but ${worst.value}, which it belongs to, has tier ${worst.tier}.` : ADVICE[own] ?? "";
  const words = listed ? `${plural(listed, "listing")} in force ${listed === 1 ? "bears" : "bear"} on it.` : "No list has it now.";
  return `${at ? "It was so then. " : ""}${advice} ${words}`;
}
