import assert from "node:assert/strict";
import {test} from "node:test";
import type {Service, Source, Status} from "../api/schema";
import {troublesOf} from "./health";

const NOW = Date.parse("2026-11-22T09:00:00Z");
const service = (more: Partial<Service>): Service => ({
  name: "storage", ready: true, detail: "", version: "1", uptime_s: 1, rss_bytes: 1, outbox_events: 0, insecure: false,
  simulated: false, heard_at: "2026-11-22T08:59:59Z", ...more,
});
const status = (more: Partial<Status>): Status => ({
  services: [], publishers: [], consumers: [], queues: [], doors: [], journal: {}, storage: {}, alarms: [], ...more,
});
const words = (state: Status, sources: Source[] = []) => troublesOf(null, state, sources, NOW).map((trouble) => trouble.text);

test("nothing wrong is nothing", () => assert.deepEqual(words(status({services: [service({})]})), []));

test("silent, unready and insecure services, the bad ones first", () => {
  assert.deepEqual(words(status({services: [
    service({name: "a", insecure: true}),
    service({name: "b", ready: false, detail: "no database"}),
    service({name: "c", heard_at: "2026-11-22T08:58:00Z"}),
  ]})), [
    "b is not ready: no database.",
    "c has not been heard for 2 min.",
    "The bus runs without keys: whoever reaches it may publish and read everything.",
  ]);
});

test("sources that fail are named with the reason", () => {
  const source = {name: "drop", state: "failed", reason: "timeout", n_failures: 3, detail: "no answer"} as Source;
  assert.deepEqual(words(status({}), [source]), ["Source drop: failed (timeout, 3 times in a row)."]);
  assert.deepEqual(words(status({}), [{...source, state: "ok"}]), []);
});

test("a full disk and a consumer behind", () => {
  const found = words(status({journal: {no_space: true}, consumers: [{consumer: "x", lag_events: 20_000}]}));
  assert.equal(found.length, 2);
  assert.match(found[0]!, /no room/);
  assert.match(found[1]!, /20,000 events behind/);
});
