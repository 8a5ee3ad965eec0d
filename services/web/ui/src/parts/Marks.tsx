// Small marks with one meaning everywhere. Colour never stands alone: the word is always there.
import {useEffect, useState} from "preact/hooks";
import {ago, utc} from "../lib/format";
import {indicatorHref, sourceHref} from "../lib/router";
import {isList} from "../lib/score";

export function Tier({tier}: {tier: string}) {
  return <span class={`mark tier-${tier}`}>{tier}</span>;
}

const GOOD = new Set(["ok", "ready", "done", "live", "yes", "allow"]);
const BAD = new Set(["failed", "overdue", "not ready", "silent", "insecure", "no", "deny", "lost"]);

export function State({state}: {state: string}) {
  const look = GOOD.has(state) ? "good" : BAD.has(state) ? "bad" : "plain";
  return <span class={`mark ${look}`}>{state}</span>;
}

export function Tlp({tlp}: {tlp: string | null | undefined}) {
  return tlp ? <span class={`mark tlp tlp-${tlp}`}>TLP:{tlp.toUpperCase()}</span> : null;
}

/** The clock of the page, one tick a second for all. */
export function useNow(everyMs = 1000): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}

/** A moment: UTC to the second, and how long ago in the tooltip. */
export function Time({at, withMs = false}: {at: string | null | undefined; withMs?: boolean}) {
  if (!at) return <span class="quiet">–</span>;
  return <time dateTime={at} title={`${ago(at, Date.now())} (UTC)`}>{utc(at, withMs)}</time>;
}

export function Ago({at, now}: {at: string | null | undefined; now: number}) {
  if (!at) return <span class="quiet">–</span>;
  return <time dateTime={at} title={`${utc(at)} UTC`}>{ago(at, now)}</time>;
}

export function IndicatorLink({value}: {value: string}) {
  return <a class="code" href={indicatorHref(value)}>{value}</a>;
}

export function SourceLink({name}: {name: string}) {
  return <a href={sourceHref(name)}>{name}</a>;
}

/** What a score rests on: a list, which has a page, or what TIP saw itself. */
export function ReasonName({name}: {name: string}) {
  return isList({source: name}) ? <SourceLink name={name} /> : <span>{name}</span>;
}

export function Fact({name, children}: {name: string; children: preact.ComponentChildren}) {
  return <div class="fact"><dt>{name}</dt><dd>{children}</dd></div>;
}
