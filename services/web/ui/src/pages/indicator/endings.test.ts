import assert from "node:assert/strict";
import {test} from "node:test";
import type {Indicator} from "../../api/schema";
import {removalWords} from "./endings";

const listing = {relation: "exact", listed: true, source: "drop"};
const verdict = {tier: "slow", families: {list: 0.6}, next_change_at: null, expires_at: null};
const data = (more: object) => ({value: "192.0.2.7", allow: [], listings: [], verdict, ...more}) as unknown as Indicator;

test("nothing has to go where nothing was told", () => {
  assert.deepEqual(removalWords(data({verdict: null, listings: [listing]})), []);
  assert.deepEqual(removalWords(data({verdict: {...verdict, tier: "none"}})), []);
});

test("each list once, own observations, time, and always the operator", () => {
  const listings = [listing, listing, {...listing, source: "old", listed: false}, {...listing, source: "net", relation: "around"}];
  const words = removalWords(data({listings, verdict: {...verdict, families: {list: 0.6, trap: 0.5}, expires_at: "2026-12-01T00:00:00.000Z"}}));
  assert.deepEqual(words.map((sentence) => sentence.split(" ").slice(0, 6).join(" ")), [
    "It has to be delisted at", "No more of it in spamtraps:", "By time alone it is below", "An operator can allow 192.0.2.7: that",
  ]);
  assert.match(words[2]!, /2026-12-01 00:00:00 UTC/);
});
