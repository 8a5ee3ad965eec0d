import assert from "node:assert/strict";
import {test} from "node:test";
import type {Export} from "../../api/schema";
import {emptyWords, exportDeeds, exportHref, heldWords} from "./deeds";

const view = (more: Partial<Export> = {}): Export => ({
  name: "mail", title: "", format: "plain", tier: "block", audience: "amber", public: false, state: "written", why: "", entries: 10, would_have: 10,
  would_lose: 0, skipped: 0, serial: 1, generated: null, checked: null, runs: 0, released: false, files: [], ...more,
});

test("release is offered for what is held, and names the view", () => {
  assert.deepEqual(exportDeeds(view()).map((deed) => deed.request), [{service: "blacklist", action: "export_run", target: "mail"}]);
  assert.deepEqual(exportDeeds(view({state: "held"})).map((deed) => deed.request.action), ["export_run", "export_release"]);
});

test("why it is held, with numbers when there are some", () => {
  assert.equal(heldWords(view({why: "too many entries"})), "too many entries. What was published before stays.");
  assert.equal(heldWords(view({would_have: 3, would_lose: 8})), "It would have 3 entries and lose 8 of 10. What was published before stays.");
});

test("a file's address holds whatever its name is", () => {
  assert.equal(exportHref("mail", "a b.txt"), "/export/mail/a%20b.txt");
});

test("an empty page promises no more than the token sees", () => {
  const session = (audience: "clear" | "amber") => ({name: "a", scopes: ["read" as const], audience, expires_at: null});
  assert.match(emptyWords(session("amber")), /blacklist\.exports/);
  assert.equal(emptyWords(session("clear")), "No view is published for the audience of your token.");
});
