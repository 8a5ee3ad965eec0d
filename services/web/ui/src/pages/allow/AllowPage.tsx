// The one list of an operator's own judgements. They come before any score, so they are few and each has a reason.
import {useState} from "preact/hooks";
import type {Allow} from "../../api/schema";
import {canOperate, type SessionState} from "../../lib/session";
import {useApi} from "../../lib/useApi";
import {Action} from "../../parts/Action";
import {IndicatorLink, State, Time} from "../../parts/Marks";
import {CsvLink, type Page} from "../../parts/More";
import {Show} from "../../parts/States";
import {Table, type Column} from "../../parts/Table";
import {timeOfField} from "../indicator/data";
import type {PageProps} from "../index";
import {allowDeed, usualScope} from "./deeds";

function columnsFor(session: SessionState, reload: () => void): Column<Allow>[] {
  return [
    {head: "Says", cell: (row) => <State state={row.kind} />},
    {head: "Indicator", cell: (row) => <IndicatorLink value={row.indicator} />},
    {head: "Reach", cell: (row) => (row.scope === "subtree" ? "and all inside or below" : "this very one")},
    {head: "Reason", cell: (row) => (row.own ? "one of our own networks" : row.reason)},
    {head: "By", cell: (row) => row.actor || "the configuration"},
    {head: "Since", cell: (row) => <Time at={row.since} />},
    {head: "Until", cell: (row) => (row.until ? <Time at={row.until} /> : <span class="quiet">no end</span>)},
    {head: "Action", cell: (row) => (row.own ? <span class="quiet">in tip.yaml</span> : (
      <Action session={session} onDone={reload} look="small"
        deed={allowDeed(row.kind === "allow" ? "allow_remove" : "deny_remove", row.indicator, {scope: row.scope})} />
    ))},
  ];
}

function Add({session, onDone}: {session: SessionState; onDone: () => void}) {
  const [indicator, setIndicator] = useState("");
  const [chosen, setScope] = useState("");
  const [until, setUntil] = useState("");
  const scope = chosen || usualScope(indicator);
  const deed = (action: "allow_add" | "deny_add") => allowDeed(action, indicator.trim(), {scope}, timeOfField(until));
  return (
    <section class="card">
      <h2>Add</h2>
      <div class="bar">
        <label class="grow"><span>Address, network or domain</span>
          <input value={indicator} onInput={(event) => setIndicator(event.currentTarget.value)} autocomplete="off" spellcheck={false}
            placeholder="192.0.2.0/24 or example.org" />
        </label>
        <label><span>Reach</span>
          <select value={scope} onChange={(event) => setScope(event.currentTarget.value)}>
            <option value="exact">this very one</option>
            <option value="subtree">and all inside or below</option>
          </select>
        </label>
        <label><span>Until (UTC), if it ends</span>
          <input type="datetime-local" value={until} onChange={(event) => setUntil(event.currentTarget.value)} />
        </label>
        <span class="buttons">
          <Action session={session} onDone={onDone} deed={deed("allow_add")} look="main" isOff={indicator.trim() === ""} />
          <Action session={session} onDone={onDone} deed={deed("deny_add")} look="danger" isOff={indicator.trim() === ""} />
        </span>
      </div>
    </section>
  );
}

export function AllowPage({session}: PageProps) {
  const loaded = useApi<Page<Allow>>("/api/v1/allow", 10_000);
  return (
    <>
      <p class="quiet">What stands here comes before any score: allowed becomes 0, denied is blocked.</p>
      {canOperate(session) ? <Add session={session} onDone={loaded.reload} />
        : <p class="notice">Your token may read only. To change this list, log in with one of scope operate.</p>}
      <Show from={loaded}>
        {(page) => <Table caption="Allow and deny list" columns={columnsFor(session, loaded.reload)} rows={page.items}
          rowKey={(row) => `${row.kind} ${row.indicator} ${row.scope}`} empty="Nothing is allowed or denied by hand. Add an entry above, or: tip allow add 192.0.2.0/24 --reason …" />}
      </Show>
      <p><CsvLink path="allow" /></p>
    </>
  );
}
