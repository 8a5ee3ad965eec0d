// The four actions on the one allow and deny list.
import type {Deed} from "../../parts/Action";

export type AllowAction = "allow_add" | "allow_remove" | "deny_add" | "deny_remove";

const WORDS: Record<AllowAction, [label: string, before: string, after: string]> = {
  allow_add: ["Allow", "Allow", ": its score becomes 0"],
  deny_add: ["Deny", "Deny", ": it is blocked, whatever the lists say"],
  allow_remove: ["Remove", "Allow", " no longer"],
  deny_remove: ["Remove", "Deny", " no longer"],
};

/** As on the command line: a network means what is inside it, `*.NAME` what is below. */
export const usualScope = (indicator: string): "exact" | "subtree" =>
  /^\s*\*\.|^[^/]*[.:][^/]*\/\d+\s*$/.test(indicator) ? "subtree" : "exact";

export function allowDeed(action: AllowAction, indicator: string, params?: Record<string, string>, expires?: string): Deed {
  const [label, before, after] = WORDS[action];
  return {
    label, what: `${before} ${indicator}${after}`,
    request: {service: "blacklist", action, target: indicator, ...(params ? {params} : {}), ...(expires ? {expires} : {})},
  };
}
