import assert from "node:assert/strict";
import {test} from "node:test";
import {entryOf, wordsOf, type Entry} from "./record";

const entry = (kind: string, data: Record<string, unknown>): Entry => ({
  seq: 1, topic: `v1.${kind}.`, kind, publisher: "x", tlp: "amber", at: "", data,
});

test("an event is read flat, and with its stamp beside it", () => {
  const stamp = {seq: 7, topic: "v1.a.b.", publisher: "blacklist", tlp: "green", committed_at: "T"};
  const nested = entryOf({kind: "a.b", stamp, data: {x: 1}} as never);
  const flat = entryOf({kind: "a.b", seq: 7, topic: "v1.a.b.", publisher: "blacklist", tlp: "green", commit_time: "T", data: {x: 1}});
  assert.deepEqual(nested, flat);
  assert.equal(nested.seq, 7);
});

test("events in words", () => {
  assert.equal(wordsOf(entry("listing.delta", {source: "drop", added: [1, 2], removed: [], to_version: 4})),
    "drop: 2 added, 0 removed, version 4");
  assert.equal(wordsOf(entry("verdict.changes", {cause_source: "feed", verdicts: [{tier: "block"}, {tier: "none"}, {tier: "block"}]})),
    "3 verdicts moved by feed: 2 block, 1 none");
  assert.equal(wordsOf(entry("source.ok", {source: "drop", reason: "updated", n_added: 3, n_rejected: 1})),
    "drop: updated (+3, 1 line rejected)");
});

test("an unknown kind shows its first fields, a broken one does no harm", () => {
  assert.equal(wordsOf(entry("flux.state", {domain: "a.test", n: 3, deep: {}})), "domain a.test, n 3");
  assert.equal(wordsOf(entry("verdict.changes", {verdicts: "no list"})), "0 verdicts moved by time");
  assert.equal(wordsOf(entry("constructor", {x: 1})), "x 1");
});

test("what operators did, in words", () => {
  assert.equal(wordsOf(entry("source.held", {source: "drop", reason: "held", detail: "held: 1 would be added"})), "drop: held: 1 would be added");
  assert.equal(wordsOf(entry("control.allow", {added: [{}], removed: []})), "allow and deny list: 1 entry added, 0 removed");
});

test("a long event has numbers where its lists were", () => {
  assert.equal(wordsOf(entry("listing.delta", {source: "drop", added: 700, removed: 3, to_version: 4})), "drop: 700 added, 3 removed, version 4");
  assert.equal(wordsOf(entry("verdict.changes", {cause_source: "feed", verdicts: 213})), "213 verdicts moved by feed");
});

test("an event that came without its inside says what its topic says", () => {
  assert.equal(wordsOf({...entry("listing.baseline", {}), topic: "v1.listing.baseline.drop."}), "listing, baseline: drop");
  assert.equal(wordsOf(entry("bus.head", {})), "bus, head");
});
