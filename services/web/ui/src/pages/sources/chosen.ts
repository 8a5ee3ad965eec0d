import type {Source} from "../../api/schema";
import {sourceTrouble} from "../../lib/health";

/** The sources that fit the filter, those in trouble first, then by name. */
export function chosen(sources: Source[], text: string, state: string): Source[] {
  const isBad = (source: Source) => sourceTrouble(source) !== null;
  return sources
    .filter((source) => source.name.includes(text.trim().toLowerCase()))
    .filter((source) => !state || isBad(source) === (state === "trouble"))
    .sort((a, b) => Number(isBad(b)) - Number(isBad(a)) || a.name.localeCompare(b.name, "en"));
}
