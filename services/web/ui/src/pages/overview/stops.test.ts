import assert from "node:assert/strict";
import {test} from "node:test";
import type {Overview, Service, Status} from "../../api/schema";
import {loopOf, secondsOf, totalRate} from "./stops";

const overview: Overview = {
  simulated: true, head_seq: 9, journal_id: "", sources: 1, sources_failing: 0, listings: 0, verdicts: {},
  events_per_s: {listing: 1, verdict: 2, schedule: 0.5}, storage_lag_events: 3, storage_age_ms: 1, recent: [],
};
const status = {services: [{name: "blacklist", ready: true}, {name: "scheduler", ready: false}] as Service[],
  consumers: [{consumer: "storage"}, {consumer: "soc"}]} as unknown as Status;

test("a stop carries the rates of its classes", () => {
  const loop = loopOf(overview, status);
  assert.deepEqual(loop.producers.map((stop) => stop.rate), [0.5, 3, 0, 0, 0]);
  assert.deepEqual(loop.producers.map((stop) => stop.there), ["trouble", "ready", "absent", "absent", "absent"]);
  assert.equal(totalRate(overview), 3.5);
});

test("readers say how far they are", () => {
  const [storage, , outside] = loopOf(overview, status).readers;
  assert.equal(storage?.note, "3 behind");
  assert.equal(outside?.note, "1 durable");
  assert.equal(loopOf(overview, null).producers[0]?.there, "unknown");
});

test("more events move quicker, within bounds", () => {
  assert.equal(secondsOf(0), 0);
  assert.ok(secondsOf(1) > secondsOf(10));
  assert.equal(secondsOf(1e9), 0.6);
  assert.equal(secondsOf(1e-9), 8);
});
