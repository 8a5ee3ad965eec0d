import assert from "node:assert/strict";
import {test} from "node:test";
import type {Source} from "../../api/schema";
import {chosen} from "./chosen";

const SOURCES = [["b", "ok"], ["a", "ok"], ["c", "failed"], ["d", "new"]].map(([name, state]) => ({name, state})) as Source[];
const names = (text: string, state: string) => chosen(SOURCES, text, state).map((source) => source.name).join("");

test("trouble first, then by name", () => assert.equal(names("", ""), "cabd"));
test("by state and by name", () => {
  assert.equal(names("", "trouble"), "c");
  assert.equal(names("", "ok"), "abd");
  assert.equal(names(" A", ""), "a");
});
