import assert from "node:assert/strict";
import {test} from "node:test";
import type {Indicator, Listing} from "../../api/schema";
import {wordsOfAnswer} from "./words";

const row = (relation: string, value: string, tier: string | null, listed = true) => ({relation, value, tier, listed}) as unknown as Listing;
const page = (tier: string | null, listings: Listing[]) => ({verdict: tier ? {tier} : null, listings}) as unknown as Indicator;

test("what it belongs to is said when it is worse than itself", () => {
  assert.equal(wordsOfAnswer(page(null, [row("around", "192.0.2.0/28", "slow"), row("around", "192.0.0.0/16", "watch")]), ""),
    "By itself nothing, but 192.0.2.0/28, which it belongs to, has tier slow. 2 listings in force bear on it.");
  assert.equal(wordsOfAnswer(page("block", [row("exact", "192.0.2.7", "block"), row("around", "192.0.2.0/28", "slow")]), ""),
    "Refuse it. 2 listings in force bear on it.");
  assert.equal(wordsOfAnswer(page(null, [row("inside", "192.0.2.7", "block")]), ""),
    "Nothing speaks against it strongly enough. 1 listing in force bears on it.", "what is in it says nothing of it");
  assert.equal(wordsOfAnswer(page(null, [row("around", "192.0.2.0/28", "slow", false)]), ""),
    "Nothing speaks against it strongly enough. No list has it now.");
});
