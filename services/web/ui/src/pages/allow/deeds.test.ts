import assert from "node:assert/strict";
import {test} from "node:test";
import {allowDeed, usualScope} from "./deeds";

test("an entry says its scope and its end only when it has them", () => {
  assert.deepEqual(allowDeed("allow_add", "192.0.2.0/24").request, {service: "blacklist", action: "allow_add", target: "192.0.2.0/24"});
  assert.deepEqual(allowDeed("deny_add", "a.test", {scope: "subtree"}, "2026-12-01T00:00:00.000Z").request, {
    service: "blacklist", action: "deny_add", target: "a.test", params: {scope: "subtree"}, expires: "2026-12-01T00:00:00.000Z",
  });
});

test("a network means what is inside it, unless one says otherwise", () => {
  for (const text of ["192.0.2.0/24", "2001:db8::/32", "*.example.org", " 10.0.0.0/8 "]) assert.equal(usualScope(text), "subtree", text);
  for (const text of ["", "192.0.2.1", "example.org", "2001:db8::1", "http://a.test/1"]) assert.equal(usualScope(text), "exact", text);
});

test("removing says what ends", () => {
  assert.equal(allowDeed("allow_remove", "a.test").what, "Allow a.test no longer");
});
