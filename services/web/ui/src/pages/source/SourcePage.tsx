// One list: how it is, its versions as a picture and as a table, what was rejected and why, and the operator's hand.
import type {SourceOperator, SourcePage as Data} from "../../api/schema";
import {apiPath} from "../../lib/api";
import {bytes, count, percent, score} from "../../lib/format";
import {useApi} from "../../lib/useApi";
import {Action} from "../../parts/Action";
import {Ago, Fact, State, Tlp, Time, useNow} from "../../parts/Marks";
import {CsvLink} from "../../parts/More";
import {Show} from "../../parts/States";
import type {PageProps} from "../index";
import {sourceDeeds} from "./deeds";
import {Rejects} from "./Rejects";
import {Versions} from "./Versions";
import {Weights} from "./Weights";

function Health({data}: {data: Data}) {
  const now = useNow();
  const {source} = data;
  return (
    <section class={`answer edge-${source.state === "failed" ? "block" : "none"}`} aria-label="Health">
      <div class="answer-head">
        <State state={source.state ?? "unknown"} />
        <p>{[source.reason, source.detail].filter(Boolean).join(": ") || "Nothing said yet."}</p>
      </div>
      <dl class="facts">
        <Fact name="Entries">{count(source.n_entries)}</Fact>
        <Fact name="Lines">{count(source.n_lines)}</Fact>
        <Fact name="Rejected">{count(source.n_rejected)} <span class="quiet">({percent(source.n_rejected ?? 0, source.n_lines ?? 0)})</span></Fact>
        <Fact name="Weight">{score(source.weight)}</Fact>
        <Fact name="Version">{count(source.version)}{source.updating && ", updating"}</Fact>
        <Fact name="Size">{bytes(source.n_bytes)}</Fact>
        <Fact name="Last good"><Ago at={source.last_ok_at} now={now} /></Fact>
        <Fact name="Last failed"><Ago at={source.last_failed_at} now={now} /></Fact>
        <Fact name="Failures in a row">{count(source.n_failures)}</Fact>
        <Fact name="Next"><Ago at={source.next_at} now={now} /></Fact>
        <Fact name="First seen"><Time at={source.first_seen} /></Fact>
        <Fact name="Marking">{source.tlp ? <Tlp tlp={source.tlp} /> : "–"}</Fact>
      </dl>
      <p class="quiet">From <span class="code">{source.url ?? "–"}</span></p>
    </section>
  );
}

/** Storage hears of it with the next collection; blacklist knows it now. */
function Standing({now}: {now: SourceOperator | null}) {
  if (!now || (!now.held && now.enabled)) return null;
  return (
    <section class="notice warn" aria-label="What operators decided">
      {now.held && (
        <p><strong>Held{now.held_until && <> until <Time at={now.held_until} /></>}.</strong> {now.hold_reason && `${now.hold_reason}. `}
          It is fetched, but nothing of it is published; what it lists stays.</p>
      )}
      {now.override === "retired" && <p><strong>Retired by an operator.</strong> It is not fetched, and lists nothing any more.</p>}
      {!now.enabled && now.override !== "retired" && <p><strong>Disabled{now.override ? " by an operator" : " in its file"}.</strong> It is not fetched; what it lists stays.</p>}
    </section>
  );
}

export function SourcePage({name, session}: PageProps) {
  const loaded = useApi<Data>(apiPath(`sources/${encodeURIComponent(name)}`), 5000);
  return (
    <Show from={loaded}>
      {(data) => (
        <>
          <Health data={data} />
          <Standing now={data.operator} />
          <p class="buttons">
            {sourceDeeds(data.source.name, data.operator).map((deed) => (
              <Action key={deed.label} session={session} deed={deed} onDone={loaded.reload} look={["disable", "retire"].includes(deed.request.action) ? "danger" : ""} />
            ))}
            <CsvLink path={`sources/${encodeURIComponent(name)}/entries`} />
          </p>
          <Weights name={name} />
          <Versions history={data.history} />
          <Rejects data={data} />
        </>
      )}
    </Show>
  );
}
