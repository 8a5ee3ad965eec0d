// The first page: what is wrong, in words; then the loop, moving; then what happened last.
import type {Overview} from "../../api/schema";
import {compact, count, rate} from "../../lib/format";
import {troublesOf, type Trouble} from "../../lib/health";
import {useNow} from "../../parts/Marks";
import {Failed, Show} from "../../parts/States";
import type {PageProps} from "../index";
import {useOverview} from "./data";
import {Loop} from "./Loop";
import {loopOf, totalRate} from "./stops";
import {Recent} from "./Recent";

const TROUBLES_MAX = 6;

function Wrong({troubles, isKnown}: {troubles: Trouble[]; isKnown: boolean}) {
  if (troubles.length === 0)
    return isKnown ? <p class="notice good" role="status"><strong>All is well.</strong> Every service is ready, every source works, nothing is behind.</p> : null;
  return (
    <section class={`notice ${troubles[0]!.level}`} aria-label="What is wrong">
      <ul class="plain">
        {troubles.slice(0, TROUBLES_MAX).map((trouble) => (
          <li key={trouble.text}><a href={trouble.href}>{trouble.text}</a> <span class="quiet">{trouble.todo}</span></li>
        ))}
      </ul>
      {troubles.length > TROUBLES_MAX && <p class="quiet">and {troubles.length - TROUBLES_MAX} more: see <a href="/sources?state=trouble">Sources</a> and <a href="/system">System</a></p>}
    </section>
  );
}

function Number({name, value, note, href, look = ""}: {name: string; value: string; note: string; href: string; look?: string}) {
  return (
    <li class={look}>
      <a href={href}><span class="name">{name}</span> <span class="value">{value}</span> <span class="quiet">{note}</span></a>
    </li>
  );
}

function Numbers({overview}: {overview: Overview}) {
  const {verdicts} = overview;
  const failing = overview.sources_failing;
  return (
    <ul class="numbers" aria-label="In numbers">
      <Number name="Block" value={compact(verdicts.block ?? 0)} note="score from 0.90" href="/verdicts?tier=block" look="edge-block" />
      <Number name="Slow" value={compact(verdicts.slow ?? 0)} note="from 0.60" href="/verdicts?tier=slow" look="edge-slow" />
      <Number name="Watch" value={compact(verdicts.watch ?? 0)} note="from 0.30" href="/verdicts?tier=watch" look="edge-watch" />
      <Number name="Listings" value={compact(overview.listings)} note="in force" href="/sources" />
      <Number name="Sources" value={count(overview.sources)} note={failing ? `${failing} failing` : "all well"} href="/sources" look={failing ? "edge-block" : ""} />
      <Number name="Events" value={rate(totalRate(overview))} note={`${count(overview.head_seq)} so far`} href="/feed" />
    </ul>
  );
}

export function OverviewPage(_: PageProps) {
  const {overview, status, sources} = useOverview();
  const now = useNow(3000);
  const troubles = troublesOf(overview.data, status.data, sources.data?.items ?? [], now);
  return (
    <>
      {!overview.failure && status.failure && <Failed failure={status.failure} />}
      <Wrong troubles={troubles} isKnown={status.data !== null && sources.data !== null} />
      <Show from={overview}>
        {(data) => (
          <>
            <Numbers overview={data} />
            <Loop loop={loopOf(data, status.data)} />
            <Recent recent={data.recent} />
          </>
        )}
      </Show>
    </>
  );
}
