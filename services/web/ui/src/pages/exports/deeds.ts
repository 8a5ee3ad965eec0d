// What an operator can do to a view, where its files are, and why it is held, in words.
import type {Export} from "../../api/schema";
import {count} from "../../lib/format";
import type {SessionState} from "../../lib/session";
import type {Deed} from "../../parts/Action";

export function exportDeeds(view: Export): Deed[] {
  const deed = (label: string, action: string, what: string): Deed => ({
    label, what: `View ${view.name} ${what}`, request: {service: "blacklist", action, target: view.name},
  });
  const run = deed("Work out now", "export_run", "is worked out now");
  return view.state === "held" ? [run, deed("Release", "export_release", "is published this once, although it would lose so much")] : [run];
}

export const exportHref = (view: string, file: string): string => `/export/${encodeURIComponent(view)}/${encodeURIComponent(file)}`;

export function heldWords({entries, would_have, would_lose, why}: Export): string {
  const loss = would_lose > 0 ? ` It would have ${count(would_have)} entries and lose ${count(would_lose)} of ${count(entries)}.` : "";
  return `${why ? `${why}.` : ""}${loss} What was published before stays.`.trim();
}

/** Who may not see everything is not told that there is nothing. */
export function emptyWords(session: SessionState): string {
  const seesAll = typeof session === "object" && session.audience === "amber";
  return seesAll ? "No view is published. Put views under blacklist.exports in tip.yaml." : "No view is published for the audience of your token.";
}
