// What has to happen for a verdict to go, a sentence each.
import type {Indicator} from "../../api/schema";
import {utc} from "../../lib/format";

const OWN: Record<string, string> = {
  trap: "No more of it in spamtraps: that share halves every 3 days",
  flux: "No more of it in fast-flux networks: that share halves every 7 days",
  smtp: "No more bad behaviour at the SMTP door: that share halves every day",
};

export function removalWords({verdict, listings, allow, value}: Indicator): string[] {
  if (!verdict || verdict.tier === "none") return [];
  const denied = allow.find((entry) => entry.kind === "deny");
  const sources = [...new Set(listings.filter((row) => row.relation === "exact" && row.listed).map((row) => row.source))];
  const own = Object.keys(verdict.families).flatMap((family) => (OWN[family] ? [`${OWN[family]}.`] : []));
  return [
    ...(denied ? [`The deny entry ${denied.indicator} has to be taken off.`] : []),
    ...sources.map((source) => `It has to be delisted at ${source}; what that list said of it then fades with its half-life.`),
    ...own,
    ...(verdict.next_change_at ? [`By time alone it changes next at ${utc(verdict.next_change_at)} UTC.`] : []),
    ...(verdict.expires_at ? [`By time alone it is below watch at ${utc(verdict.expires_at)} UTC.`] : []),
    `An operator can allow ${value}: that comes before any score.`,
  ];
}
