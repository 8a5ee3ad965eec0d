// What has to happen for a verdict to go, a sentence each; what would have had to, when it is looked at as of a time.
import type {Indicator, Listing} from "../../api/schema";
import {duration, utc} from "../../lib/format";

const OWN: Record<string, string> = {
  trap: "No more of it in spamtraps: that share halves every 3 days",
  flux: "No more of it in fast-flux networks: that share halves every 7 days",
  smtp: "No more bad behaviour at the SMTP door: that share halves every day",
};

const NEVER_SCORED = 2 | 16; // flags: special use, public suffix

/** A time that is still to come at the time of the page; null: none, or over. */
export function coming(time: string | null | undefined, at: string | null, now: number): string | null {
  return time && Date.parse(time) > (at ? Date.parse(at) : now) ? time : null;
}

function delisted({source, half_life_ms, append_only}: Listing, isPast: boolean): string {
  if (append_only && half_life_ms) return `${source} removes hardly anything: what it said halves every ${duration(half_life_ms)} by itself.`;
  const rest = half_life_ms ? `what that list said of it halves every ${duration(half_life_ms)} from then on` : "from then on that list counts no more";
  return `It ${isPast ? "would have had" : "has"} to be delisted at ${source}; ${rest}.`;
}

export function removalWords({verdict, listings, allow, value, at}: Indicator, now = Date.now()): string[] {
  if (!verdict || verdict.tier === "none") return [];
  const denied = allow.find((entry) => entry.kind === "deny");
  const counted = listings.filter((row) => row.relation === "exact" && row.listed && !(row.flags & NEVER_SCORED));
  const own = Object.keys(verdict.families).flatMap((family) => (OWN[family] ? [`${OWN[family]}.`] : []));
  const next = coming(verdict.next_change_at, at, now);
  const end = coming(verdict.expires_at, at, now);
  const [has, changes, is, can] = at ? ["had", "would have changed", "would have been", "could have allowed"] : ["has", "changes", "is", "can allow"];
  return [
    ...(denied ? [`The deny entry ${denied.indicator} ${has} to be taken off.`] : []),
    ...new Set(counted.map((row) => delisted(row, Boolean(at)))),
    ...own,
    ...(next ? [`By time alone it ${changes} next at ${utc(next)} UTC.`] : []),
    ...(end ? [`By time alone it ${is} below watch at ${utc(end)} UTC.`] : []),
    `An operator ${can} ${value}: that comes before any score.`,
  ];
}
