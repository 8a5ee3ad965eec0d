import assert from "node:assert/strict";
import {test} from "node:test";
import {prefixesOf} from "./prefixes";

test("prefixes as typed", () => {
  assert.deepEqual(prefixesOf(" v1.listing.delta.  verdict.,verdict. "), ["listing.delta.", "verdict."]);
  assert.deepEqual(prefixesOf(""), []);
  assert.deepEqual(prefixesOf("<b>"), ["b"]);
  assert.equal(prefixesOf(Array.from({length: 40}, (_, i) => `a${i}.`).join(" ")).length, 16);
});
