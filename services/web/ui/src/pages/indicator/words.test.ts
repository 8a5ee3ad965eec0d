import assert from "node:assert/strict";
import {test} from "node:test";
import type {Allow, Indicator, Inherited, Listing, Reason} from "../../api/schema";
import {wordOfSource, wordsOfAnswer} from "./words";

const row = (relation: string, value: string, tier: string | null, listed = true) => ({relation, value, tier, listed}) as unknown as Listing;
const page = (tier: string | null, listings: Listing[], more: Partial<Indicator> = {}) =>
  ({verdict: tier ? {tier, reasons: []} : null, listings, allow: [], inherited: null, inherited_by: "unknown", ...more}) as unknown as Indicator;
const around = [row("around", "192.0.2.0/28", "block")];

test("what it inherits is said when it is worse than itself, as it is known", () => {
  const inherited = {value: "192.0.2.0/28", tier: "slow"} as unknown as Inherited;
  assert.equal(wordsOfAnswer(page("watch", around, {inherited, inherited_by: "lookup"}), ""),
    "By itself watch, but it inherits slow from 192.0.2.0/28. 1 listing in force bears on it.");
  assert.equal(wordsOfAnswer(page("slow", around, {inherited, inherited_by: "storage"}), "then"),
    "It was so then. Slow it down. 1 listing in force bears on it.");
  assert.equal(wordsOfAnswer(page(null, around, {inherited_by: "lookup"}), ""),
    "Nothing speaks against it strongly enough. 1 listing in force bears on it.", "it is exempt: its network says nothing of it");
});

test("who takes it from all lists stands first", () => {
  const reasons = [{source: "resolver:public-dns-v4", weight: 0}] as unknown as Reason[];
  const allow = [{kind: "allow"}] as unknown as Allow[];
  const exempt = page("none", around, {inherited_by: "lookup"});
  exempt.verdict!.reasons = reasons;
  assert.equal(wordsOfAnswer(exempt, ""), "The resolver list public-dns-v4 exempts it. 1 listing in force bears on it.");
  exempt.verdict!.reasons = [{source: "top_site:tranco10k", weight: 0.25}] as unknown as Reason[];
  exempt.verdict!.tier = "watch";
  assert.equal(wordsOfAnswer(exempt, ""),
    "The top site list tranco10k exempts it in part. Keep an eye on it. 1 listing in force bears on it.", "what is left still counts");
  assert.equal(wordsOfAnswer(page("none", around, {allow}), ""), "The operators allow it. 1 listing in force bears on it.");
});

test("only a list that was named has a page", () => {
  assert.deepEqual(["drop", "operator", "trap", "top_site:tranco10k", null].map((source) => wordOfSource(source)), [
    {words: "list ", list: "drop"}, {words: "the operators", list: null}, {words: "trap", list: null},
    {words: "top_site:tranco10k", list: null}, null]);
});

test("where nobody knows what it inherits the tier of what it belongs to is said", () => {
  assert.equal(wordsOfAnswer(page(null, [row("around", "192.0.2.0/28", "slow"), row("around", "192.0.0.0/16", "watch")]), ""),
    "By itself nothing, but 192.0.2.0/28, which it belongs to, has tier slow. 2 listings in force bear on it.");
  assert.equal(wordsOfAnswer(page("block", [row("exact", "192.0.2.7", "block"), row("around", "192.0.2.0/28", "slow")]), ""),
    "Refuse it. 2 listings in force bear on it.");
  assert.equal(wordsOfAnswer(page(null, [row("inside", "192.0.2.7", "block")]), ""),
    "Nothing speaks against it strongly enough. 1 listing in force bears on it.", "what is in it says nothing of it");
  assert.equal(wordsOfAnswer(page(null, [row("around", "192.0.2.0/28", "slow", false)]), ""),
    "Nothing speaks against it strongly enough. No list has it now.");
});
