import assert from "node:assert/strict";
import {test} from "node:test";
import {canOperate, tokenOfHash} from "../../lib/session";

test("a one-time link carries its token behind #", () => {
  assert.equal(tokenOfHash("#t=abc_DEF-1"), "abc_DEF-1");
  assert.equal(tokenOfHash("#other"), "");
  assert.equal(tokenOfHash(""), "");
});

test("only the scope operate operates", () => {
  const session = {name: "a", audience: "amber" as const, expires_at: null};
  assert.ok(canOperate({...session, scopes: ["read", "operate"]}));
  assert.ok(!canOperate({...session, scopes: ["read"]}));
  assert.ok(!canOperate("none"));
});
