import assert from "node:assert/strict";
import {test} from "node:test";
import {allowDeed} from "./deeds";

test("an entry says its scope and its end only when it has them", () => {
  assert.deepEqual(allowDeed("allow_add", "192.0.2.0/24").request, {service: "blacklist", action: "allow_add", target: "192.0.2.0/24"});
  assert.deepEqual(allowDeed("deny_add", "a.test", {scope: "subtree"}, "2026-12-01T00:00:00.000Z").request, {
    service: "blacklist", action: "deny_add", target: "a.test", params: {scope: "subtree"}, expires: "2026-12-01T00:00:00.000Z",
  });
});

test("removing says what ends", () => {
  assert.equal(allowDeed("allow_remove", "a.test").what, "Allow a.test no longer");
});
