// One indicator: the answer first (its tier), then the sum behind it, then who says so with the very line of the list.
import type {Allow, Indicator, Inherited} from "../../api/schema";
import {score} from "../../lib/format";
import {useParam} from "../../lib/router";
import {Action} from "../../parts/Action";
import {Fact, IndicatorLink, SourceLink, Tier, Time} from "../../parts/Marks";
import {Show} from "../../parts/States";
import type {PageProps} from "../index";
import {allowDeed} from "../allow/deeds";
import {fieldOfTime, timeOfField, useIndicator} from "./data";
import {coming} from "./endings";
import {wordOfSource, wordsOfAnswer} from "./words";
import {Listings} from "./Listings";
import {Removal} from "./Removal";
import {Sum} from "./Sum";
import {Told} from "./Told";

const KINDS: Record<string, string> = {ip: "Address", net: "Network", domain: "Domain", url: "URL", endpoint: "Endpoint"};

function AsOf({at, setAt}: {at: string; setAt: (at: string) => void}) {
  return (
    <div class="bar as-of">
      <label><span>As of (UTC)</span>
        <input type="datetime-local" step={0.001} value={fieldOfTime(at)} onChange={(event) => setAt(timeOfField(event.currentTarget.value))} />
      </label>
      {at && <button type="button" onClick={() => setAt("")}>Back to now</button>}
    </div>
  );
}

function OperatorSays({entries}: {entries: Allow[]}) {
  return (
    <>
      {entries.map((entry) => (
        <p class={`notice ${entry.kind === "deny" ? "bad" : "good"}`}>
          <strong>{entry.own ? "One of our own networks" : entry.kind === "allow" ? "Allowed" : "Denied"} by {entry.actor || "the configuration"}</strong>
          {" "}as <span class="code">{entry.indicator}</span>{entry.reason && `: ${entry.reason}`}{entry.until && <>, until <Time at={entry.until} /></>}.
          {" "}This comes before any score.
        </p>
      ))}
    </>
  );
}

function Answer({data, at}: {data: Indicator; at: string}) {
  const tier = data.verdict?.tier ?? "none";
  const next = coming(data.verdict?.next_change_at, data.at, Date.now());
  const end = coming(data.verdict?.expires_at, data.at, Date.now());
  return (
    <section class={`answer edge-${tier}`} aria-label="Verdict">
      <div class="answer-head">
        <Tier tier={tier} />
        <span class="answer-score">{tier === "none" ? "below watch" : score(data.verdict?.score)}</span>
        <p>{wordsOfAnswer(data, at)}</p>
      </div>
      <dl class="facts">
        <Fact name="Kind">{KINDS[data.kind] ?? data.kind}</Fact>
        <Fact name="Canonical form"><span class="code">{data.value}</span></Fact>
        <Fact name="Known since"><Time at={data.verdict?.first_seen ?? data.listings.map((row) => row.first_seen).filter(Boolean).sort()[0]} /></Fact>
        <Fact name="Score since"><Time at={data.verdict?.updated_at} /></Fact>
        <Fact name="Will change"><Time at={next} /></Fact>
        <Fact name="Below watch"><Time at={end} /></Fact>
        <Fact name="Moved by">{data.verdict?.cause_source ? `${data.verdict.cause_source}, version ${data.verdict.cause_version ?? "?"}` : "–"}</Fact>
      </dl>
    </section>
  );
}

function Inherits({from, isSure}: {from: Inherited | null; isSure: boolean}) {
  if (!from) return null;
  const by = wordOfSource(from.source);
  return (
    <p class="notice">
      Inherits {score(from.score)} <Tier tier={from.tier} /> from <IndicatorLink value={from.value} />
      {by && <> ({by.words}{by.list && <SourceLink name={by.list} />})</>}
      {from.share < 1 && <>, {from.share.toPrecision(3)} of its score</>}{isSure ? "." : ", unless a reference list exempts it: what was told does not say."}
    </p>
  );
}

export function IndicatorPage({place, name, session}: PageProps) {
  const [at, setAt] = useParam(place, "at");
  const loaded = useIndicator(name, at);
  return (
    <>
      <AsOf at={at} setAt={setAt} />
      <Show from={loaded}>
        {(data) => (
          <>
            {at && <p class="notice">As of then, as far as history is kept: what was listed with the weights of that time, and the verdict that was told.</p>}
            <OperatorSays entries={data.allow} />
            <Answer data={data} at={at} />
            <Inherits from={data.inherited} isSure={data.inherited_by === "lookup"} />
            <Sum data={data} />
            <Removal data={data} />
            <Listings listings={data.listings} hasMore={data.more} />
            <Told history={data.history} at={at} setAt={setAt} />
            {!at && (
              <p class="buttons">
                <Action session={session} onDone={loaded.reload} deed={allowDeed("allow_add", data.value)} />
                <Action session={session} onDone={loaded.reload} deed={allowDeed("deny_add", data.value)} look="danger" />
              </p>
            )}
          </>
        )}
      </Show>
    </>
  );
}
