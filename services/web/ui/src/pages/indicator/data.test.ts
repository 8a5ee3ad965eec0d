import assert from "node:assert/strict";
import {test} from "node:test";
import {fieldOfTime, timeOfField} from "./data";

test("the as-of field is UTC, whatever the browser's zone", () => {
  assert.equal(timeOfField("2026-11-22T08:58"), "2026-11-22T08:58:00.000Z");
  assert.equal(fieldOfTime("2026-11-22T08:58:47.410Z"), "2026-11-22T08:58:47.410");
  assert.equal(fieldOfTime("2026-11-22T08:58:47.000Z"), "2026-11-22T08:58:47");
  assert.equal(timeOfField(fieldOfTime("2026-11-22T08:58:47.410Z")), "2026-11-22T08:58:47.410Z");
  assert.equal(timeOfField(""), "");
  assert.equal(fieldOfTime("nonsense"), "");
});
