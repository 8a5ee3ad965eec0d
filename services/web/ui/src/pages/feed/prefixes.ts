// Topic prefixes as people type them: "listing.delta." for "v1.listing.delta.".
export const PRESETS = [
  {label: "Lists", prefix: "listing."},
  {label: "Sources", prefix: "source."},
  {label: "Verdicts", prefix: "verdict."},
  {label: "Schedule", prefix: "schedule."},
  {label: "Operators", prefix: "control."},
  {label: "System", prefix: "system."},
];

const PREFIXES_MAX = 16; // as many as tip-web takes

export function prefixesOf(typed: string): string[] {
  const words = typed.toLowerCase().split(/[\s,]+/).map((word) => word.replace(/^v1\./, "").replace(/[^a-z0-9_.-]/g, ""));
  return [...new Set(words.filter(Boolean))].slice(0, PREFIXES_MAX);
}
