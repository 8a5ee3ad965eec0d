import assert from "node:assert/strict";
import {test} from "node:test";
import type {Overlap} from "../../api/schema";
import {earlier, mapOf, SHOWN} from "./overlap";

function pair(source: string, other: string, similarity: number, more: Partial<Overlap> = {}): Overlap {
  return {source, other, similarity, share: similarity, share_other: 2 * similarity, n_shared: 10, n_first: 8, n_late: 1, n_scored: 100,
    n_scored_other: 50, at: null, ...more};
}

const PAIRS = [pair("a", "d", 0.4), pair("b", "c", 0.3), pair("c", "d", 0.2), pair("a", "b", 0.1)];

test("next to each stands the one most like it, or the next name", () => {
  assert.deepEqual(mapOf(PAIRS, "", "").names, ["a", "d", "c", "b"]);
  assert.deepEqual(mapOf(PAIRS, "", "name").names, ["a", "b", "c", "d"]);
});

test("a cell says what of its row the column has too, from either side; the list itself and what was not told are nothing", () => {
  const {shares} = mapOf(PAIRS, "", "name");
  assert.deepEqual(shares, [[null, 0.1, null, 0.4], [0.2, null, 0.3, null], [null, 0.6, null, 0.2], [0.8, null, 0.4, null]]);
});

test("a filter leaves the pairs of the lists that fit, and the table goes with the map", () => {
  const {names, pairs, nAll} = mapOf(PAIRS, " B ", "");
  assert.deepEqual([names, nAll], [["b", "c", "a"], 3]);
  assert.deepEqual(pairs.map(({source, other}) => source + other), ["bc", "ab"]);
  assert.deepEqual(mapOf(PAIRS, "", "name").pairs.map(({source, other}) => source + other), ["ab", "ad", "bc", "cd"]);
  assert.deepEqual(mapOf(PAIRS, "x", "").names, []);
});

test("of many lists those that are most like another one are shown", () => {
  const many = Array.from({length: 50}, (_, i) => pair(`m${i}`, `n${i}`, (i + 1) / 100));
  const {names, nAll, pairs} = mapOf(many, "", "");
  assert.deepEqual([names.length, nAll, pairs.length], [SHOWN, 100, SHOWN / 2]);
  assert.ok(names.includes("m49") && !names.includes("m0"));
});

test("who was first, in words", () => {
  assert.equal(earlier(PAIRS[0]!), "a, 80 %");
  assert.equal(earlier(pair("a", "b", 0.5, {n_first: 0, n_late: 10})), "b, 100 %");
  assert.equal(earlier(pair("a", "b", 0.5, {n_first: 0, n_late: 0})), "neither");
});
