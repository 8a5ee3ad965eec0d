import assert from "node:assert/strict";
import {test} from "node:test";
import type {SourceWeight} from "../../api/schema";
import {leadOf, weightLines} from "./drawn";

const told = (at: string, more: Partial<SourceWeight> = {}): SourceWeight => ({
  at, weight: 0.5, before: 0.4, reason: "measured", fixed: false, measured_at: at, measured: 0.5, trust: 0.9, independence: 0.8, lead: 0.7,
  freshness: 1, half_life_ms: 1000, law_half_life_ms: 1000, law_basis: "measured", law_append: false, counts: {}, ...more,
});

test("a picture goes from old to new, and what was not measured is no line", () => {
  const {times, lines} = weightLines([told("2026-11-22T02:00:00.000Z"), told("2026-11-22T01:00:00.000Z", {measured_at: null, weight: 0.3})]);
  assert.equal(times[1]! - times[0]!, 3600);
  assert.deepEqual(lines.map((line) => [line.label, ...line.values]), [
    ["Weight", 0.3, 0.5], ["Trust", null, 0.9], ["Independence", null, 0.8], ["Lead", null, 0.7], ["Freshness", null, 1],
  ]);
});

test("the lead in words", () => {
  const at = "2026-11-22T02:00:00.000Z";
  assert.match(leadOf(told(at)), /shares no entry/);
  const words = leadOf(told(at, {counts: {n_shared: 1200, n_copied: 300, copied_from: "drop"}}));
  assert.match(words, /Lead 0\.70: it shares 1,200 entries/);
  assert.match(words, /drop had 300 of them first/);
});
