// What goes out as files for other programs: each view, how it stands, and what is held back and why.
import type {Export} from "../../api/schema";
import {bytes, count} from "../../lib/format";
import {useApi} from "../../lib/useApi";
import {Action} from "../../parts/Action";
import {Ago, State, Tier, Tlp, useNow} from "../../parts/Marks";
import {Show} from "../../parts/States";
import {Table, type Column} from "../../parts/Table";
import type {PageProps} from "../index";
import {emptyWords, exportDeeds, exportHref, heldWords} from "./deeds";

function Files({view}: {view: Export}) {
  if (view.files.length === 0) return <span class="quiet">none yet</span>;
  return (
    <>
      {view.files.map((file) => (
        <div key={file.name}>
          <a class="code" href={exportHref(view.name, file.name)} download>{file.name}</a> <span class="quiet">{bytes(file.bytes)}</span>
        </div>
      ))}
    </>
  );
}

function columnsAt(now: number, actions: (view: Export) => preact.ComponentChildren): Column<Export>[] {
  return [
    {head: "View", cell: (row) => <><strong>{row.name}</strong>{row.title && <div class="quiet">{row.title}</div>}</>},
    {head: "State", cell: (row) => <><State state={row.state} />{row.why && <div class="quiet">{row.why}</div>}</>},
    {head: "Format", cell: (row) => row.format},
    {head: "From tier", cell: (row) => <Tier tier={row.tier} />},
    {head: "For", cell: (row) => <><Tlp tlp={row.audience} />{row.public && <div class="quiet">public: no token</div>}</>},
    {head: "Entries", cell: (row) => count(row.entries), kind: "number"},
    {head: "Serial", cell: (row) => count(row.serial), kind: "number"},
    {head: "Published", cell: (row) => <Ago at={row.generated} now={now} />},
    {head: "Worked out", cell: (row) => <Ago at={row.checked} now={now} />},
    {head: "Files", cell: (row) => <Files view={row} />},
    {head: "Do", cell: actions},
  ];
}

function Held({views}: {views: Export[]}) {
  return (
    <>
      {views.filter((view) => view.state === "held").map((view) => (
        <p key={view.name} class="notice warn" role="status"><strong>{view.name} is held.</strong> {heldWords(view)}</p>
      ))}
    </>
  );
}

export function ExportsPage({session}: PageProps) {
  const now = useNow();
  const loaded = useApi<{items: Export[]}>("/api/v1/exports", 10_000);
  const actions = (view: Export) => (
    <span class="buttons">
      {exportDeeds(view).map((deed) => <Action key={deed.label} session={session} deed={deed} onDone={loaded.reload} />)}
    </span>
  );
  return (
    <Show from={loaded}>
      {({items}) => (
        <>
          <Held views={items} />
          <Table caption="Exports" columns={columnsAt(now, actions)} rows={items} rowKey={(row) => row.name}
            rowClass={(row) => (row.state === "failed" ? "bad" : "")}
            empty={emptyWords(session)} />
        </>
      )}
    </Show>
  );
}
