// What the picture of weights is drawn from, and the newest lead in words.
import type {SourceWeight} from "../../api/schema";
import {count} from "../../lib/format";
import type {Line} from "../../parts/Chart";

type Part = "weight" | "trust" | "independence" | "lead" | "freshness";

const PARTS: Array<[part: Part, label: string, colour: string]> = [
  ["weight", "Weight", "--accent"],
  ["trust", "Trust", "--good"],
  ["independence", "Independence", "--warn"],
  ["lead", "Lead", "--bad"],
  ["freshness", "Freshness", "--ink-quiet"],
];

/** Oldest first; parts that were not measured leave a gap. */
export function weightLines(rows: SourceWeight[]): {times: number[]; lines: Line[]} {
  const told = [...rows].sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
  return {
    times: told.map((row) => Date.parse(row.at) / 1000),
    lines: PARTS.map(([part, label, colour]) => ({
      label, colour, values: told.map((row) => (part === "weight" || row.measured_at ? row[part] : null)),
    })),
  };
}

const numberOf = (value: unknown): number => (typeof value === "number" ? value : 0);

/** Of what it shares with others: how early it is, and from whom it has most. */
export function leadOf({counts, lead}: SourceWeight): string {
  const shared = Math.round(numberOf(counts.n_shared));
  const copied = Math.round(numberOf(counts.n_copied));
  const early = shared ? `Lead ${lead.toFixed(2)}: it shares ${count(shared)} entries with other lists (1 would be: always first).` : "It shares no entry with another list.";
  return copied && counts.copied_from ? `${early} ${String(counts.copied_from)} had ${count(copied)} of them first.` : early;
}
