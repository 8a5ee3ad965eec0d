import type {Record as Wire} from "../../api/schema";
import {utc} from "../../lib/format";
import {entryOf, isBad, shortTopic, wordsOf, type Entry} from "../../lib/record";
import {Table, type Column} from "../../parts/Table";

const COLUMNS: Column<Entry>[] = [
  {head: "Time", cell: (entry) => utc(entry.at).slice(11), kind: "code"},
  {head: "What", cell: (entry) => wordsOf(entry) || entry.kind},
  {head: "Topic", cell: (entry) => shortTopic(entry.topic), kind: "code extra"},
];

const SHOWN = 12;

export function Recent({recent}: {recent: Wire[]}) {
  const entries = recent.map(entryOf).sort((a, b) => b.seq - a.seq).slice(0, SHOWN);
  return (
    <section>
      <h2>Lately <a class="aside" href="/feed">All, live</a></h2>
      <Table caption="Recent events, newest first" columns={COLUMNS} rows={entries} rowKey={(entry, index) => entry.seq || `x${index}`}
        rowClass={(entry) => (isBad(entry) ? "bad" : "")} empty="Nothing has happened yet." />
    </section>
  );
}
