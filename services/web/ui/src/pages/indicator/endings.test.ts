import assert from "node:assert/strict";
import {test} from "node:test";
import type {Indicator} from "../../api/schema";
import {coming, removalWords} from "./endings";

const NOW = Date.parse("2026-11-22T12:00:00Z");
const listing = {relation: "exact", listed: true, source: "drop", flags: 0, half_life_ms: 7 * 86_400_000};
const verdict = {tier: "slow", families: {list: 0.6}, next_change_at: null, expires_at: null};
const data = (more: object) => ({value: "192.0.2.7", at: null, allow: [], listings: [], verdict, ...more}) as unknown as Indicator;

test("nothing has to go where nothing was told", () => {
  assert.deepEqual(removalWords(data({verdict: null, listings: [listing]})), []);
  assert.deepEqual(removalWords(data({verdict: {...verdict, tier: "none"}})), []);
});

test("each list once, own observations, time, and always the operator", () => {
  const listings = [listing, listing, {...listing, source: "old", listed: false}, {...listing, source: "net", relation: "around"}];
  const words = removalWords(data({listings, verdict: {...verdict, families: {list: 0.6, trap: 0.5}, expires_at: "2026-12-01T00:00:00.000Z"}}), NOW);
  assert.deepEqual(words.map((sentence) => sentence.split(" ").slice(0, 6).join(" ")), [
    "It has to be delisted at", "No more of it in spamtraps:", "By time alone it is below", "An operator can allow 192.0.2.7: that",
  ]);
  assert.match(words[2]!, /2026-12-01 00:00:00 UTC/);
});

test("what never counts, has no half-life, or is over", () => {
  const listings = [{...listing, flags: 2}, {...listing, source: "old", half_life_ms: 0}, {...listing, source: "gone", listed: null}];
  const told = {...verdict, next_change_at: "2026-11-22T11:59:59.000Z", expires_at: "2026-11-22T12:00:00.000Z"};
  const words = removalWords(data({listings, verdict: told}), NOW);
  assert.deepEqual(words.slice(0, -1), ["It has to be delisted at old; from then on that list counts no more."]);
  const feed = {...listing, source: "feed", append_only: true};
  assert.equal(removalWords(data({listings: [feed], verdict: told}), NOW)[0], "feed removes hardly anything: what it said halves every 7 d by itself.");
  const then = removalWords(data({listings: [listing], verdict: told, at: "2026-11-22T11:00:00.000Z"}), NOW);
  assert.equal(then[0], "It would have had to be delisted at drop; what that list said of it halves every 7 d from then on.");
  assert.match(then[2]!, /^By time alone it would have been below watch at 2026-11-22 12:00:00 UTC/);
  assert.equal(coming(null, null, NOW), null);
});
