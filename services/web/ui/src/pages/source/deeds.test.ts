import assert from "node:assert/strict";
import {test} from "node:test";
import {sourceDeeds} from "./deeds";

test("only the scheduler runs a module; the rest is for blacklist", () => {
  const requests = sourceDeeds("drop", null).map((deed) => deed.request);
  assert.deepEqual(requests[0], {service: "scheduler", action: "run", target: "blacklist/drop", params: {force: "true"}});
  assert.deepEqual(requests.slice(1).map((request) => `${request.service} ${request.action} ${request.target}`), [
    "blacklist hold drop", "blacklist release drop", "blacklist enable drop", "blacklist disable drop", "blacklist retire drop",
    "blacklist baseline drop",
  ]);
});

test("what would change nothing is not offered", () => {
  const now = {held: true, held_until: null, hold_reason: "", enabled: true, override: ""} as const;
  const labels = (more: object) => sourceDeeds("drop", {...now, ...more}).map((deed) => deed.label);
  assert.deepEqual(labels({}), ["Run now", "Release", "Disable", "Retire", "Baseline"]);
  assert.deepEqual(labels({held: false, enabled: false}), ["Run now", "Hold", "Enable", "Retire", "Baseline"]);
  assert.deepEqual(labels({held: false, enabled: false, override: "retired"}), ["Run now", "Enable", "Baseline"]);
});
