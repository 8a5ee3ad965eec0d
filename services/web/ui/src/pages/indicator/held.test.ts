import assert from "node:assert/strict";
import {test} from "node:test";
import {isHeldAt, wordsOfFamilies} from "./held";

test("a row holds from its beginning to before its end", () => {
  const row = {from: "2026-11-22T01:00:00.000Z", to: "2026-11-22T02:00:00.000Z"};
  const held = ["2026-11-22T00:59:59.999Z", "2026-11-22T01:00:00.000Z", "2026-11-22T01:59:59.999Z", "2026-11-22T02:00:00.000Z"].map((at) => isHeldAt(row, at));
  assert.deepEqual(held, [false, true, true, false]);
  assert.equal(isHeldAt(row, ""), false);
  assert.equal(isHeldAt({...row, to: null}, ""), true);
});

test("families in words", () => {
  assert.equal(wordsOfFamilies({list: 0.5, trap: 0.75}), "trap 0.75, list 0.50");
  assert.equal(wordsOfFamilies({}), "–");
});
