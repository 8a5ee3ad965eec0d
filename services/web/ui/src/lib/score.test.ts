import assert from "node:assert/strict";
import {test} from "node:test";
import {exemptOf, formulaOf, isCapped, isList, isWhole, stepsOf} from "./score";

const REASONS = [
  {source: "lab-hosts", weight: 0.6},
  {source: "lab-feed", weight: 0.55},
  {source: "lab-table", weight: 0.5},
];

test("each source adds its share of the doubt that is left", () => {
  const steps = stepsOf(REASONS);
  assert.deepEqual(steps.map((step) => step.adds.toFixed(3)), ["0.600", "0.220", "0.090"]);
  assert.equal(steps.at(-1)?.score.toFixed(2), "0.91");
  assert.equal(formulaOf(REASONS), "1 − (1 − 0.60) × (1 − 0.55) × (1 − 0.50) = 0.91");
});

test("a sum of some reasons is not taken for the whole", () => {
  assert.ok(isWhole(REASONS, 0.91));
  assert.ok(!isWhole(REASONS.slice(0, 2), 0.91));
  assert.ok(isWhole([], 0));
  assert.equal(formulaOf([]), "");
});

test("what one thing alone stands behind is capped; own observations are no list", () => {
  assert.ok(isCapped([{source: "drop", weight: 0.95}], 0.89));
  assert.ok(!isCapped([{source: "drop", weight: 0.95}], 0.95));
  assert.ok(!isCapped([{source: "drop", weight: 0.89}], 0.89));
  assert.deepEqual(["drop", "trap", "flux", "smtp"].map((source) => isList({source})), [true, false, false, false]);
});

test("a reference list is told, and is no part of the sum", () => {
  const reasons = [{source: "top_site:tranco10k", weight: 0.2}, {source: "drop", weight: 0.8}];
  assert.deepEqual(exemptOf(reasons), {role: "top site", list: "tranco10k", left: 0.2});
  assert.equal(exemptOf([{source: "resolver:public-dns-v4", weight: 0}])?.left, 0);
  assert.equal(exemptOf(REASONS), null);
  assert.equal(exemptOf([]), null);
  assert.deepEqual(stepsOf(reasons).map((step) => step.source), ["drop"]);
  assert.equal(formulaOf(reasons), "1 − (1 − 0.80) = 0.80");
  assert.ok(!isList({source: "top_site:tranco10k"}));
});
