// The score as a sum one can follow: each reason removes its share of the doubt that is left.
// score = 1 - (1 - w1)(1 - w2)...
import type {Reason} from "../api/schema";

export interface Step {
  source: string;
  weight: number;
  adds: number; // to the score
  score: number; // after it
}

export const TIERS: Array<[tier: string, from: number]> = [
  ["block", 0.9],
  ["slow", 0.6],
  ["watch", 0.3],
];

export function stepsOf(reasons: Reason[]): Step[] {
  let doubt = 1;
  return reasons.filter((reason) => !exemptOf([reason])).map(({source, weight}) => {
    const adds = doubt * weight;
    doubt -= adds;
    return {source, weight, adds, score: 1 - doubt};
  });
}

export function formulaOf(reasons: Reason[]): string {
  const factors = stepsOf(reasons).map(({weight}) => `(1 − ${weight.toFixed(2)})`).join(" × ");
  const last = stepsOf(reasons).at(-1);
  return last ? `1 − ${factors} = ${last.score.toFixed(2)}` : "";
}

/** Whether the weights shown lead to the score said: not all reasons are sent, and an operator's word is no sum. */
export function isWhole(reasons: Reason[], score: number): boolean {
  return Math.abs((stepsOf(reasons).at(-1)?.score ?? 0) - score) < 0.006;
}

const CAP = 0.89; // below block, which takes two things that know nothing of each other

/** Whether it was told lower than its sum since one thing alone stands behind it. */
export function isCapped(reasons: Reason[], score: number): boolean {
  return Math.abs(score - CAP) < 1e-6 && (stepsOf(reasons).at(-1)?.score ?? 0) > CAP + 1e-6;
}

const OWN = new Set(["trap", "flux", "smtp"]);

/** Whether a reason is a list, which has a page; the others are what TIP saw itself. */
export const isList = ({source}: Pick<Reason, "source">): boolean => !OWN.has(source) && !source.includes(":");

/** The reference list that has put the score down: it comes first, and is called `role:list` as no source is. What it has
 * left is its weight. */
export function exemptOf(reasons: Reason[]): {role: string; list: string; left: number} | null {
  const [first] = reasons;
  const [role, list] = first?.source.split(":") ?? [];
  return first && role && list ? {role: role.replace("_", " "), list, left: first.weight} : null;
}
