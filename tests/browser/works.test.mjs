// What people do with the pages: log in, search, watch, pause, work by keyboard, act, and go on after a restart.
import assert from "node:assert/strict";
import {after, before, test} from "node:test";
import {openBrowser, openPage, openWorld} from "./browser.mjs";

let world, browser;

before(async () => {
  world = await openWorld();
  browser = await openBrowser();
});
after(async () => {
  await browser?.close();
  await world?.close();
});

const rows = (page) => page.locator("tbody tr").count();
const activeId = (page) => page.evaluate(() => document.activeElement?.id ?? "");

test("who is not logged in sees the door; a wrong token is refused in words, the right one lets in where one wanted to go", async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(`${world.url}/sources/hosts`);
  await page.getByLabel("Token").fill("wrong");
  await page.getByRole("button", {name: "Log in"}).click();
  await page.getByText("This token is not known").waitFor();
  await page.getByLabel("Token").fill(world.reader);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", {name: "hosts"}).waitFor();
  assert.equal(await page.getByRole("button", {name: "Hold"}).count(), 0, "a reader has no buttons to act");
  await page.getByRole("button", {name: "Log out"}).click();
  await page.getByLabel("Token").waitFor();
  await context.close();
});

test("a one-time link's secret leaves the address before it is used", async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  const asked = [];
  page.on("request", (request) => asked.push(request.url()));
  const secret = new URL(world.link).hash.replace("#t=", "");
  await page.goto(world.link); // the very one that the log shows at a first start
  await page.getByRole("heading", {name: "Overview"}).waitFor();
  assert.ok(secret.length > 40 && !page.url().includes(secret));
  assert.ok(asked.length > 2 && asked.every((url) => !url.split("#")[0].includes(secret)), "never in what a server sees of an address");
  await page.getByText("first-start, read and operate").waitFor();
  await context.close();

  const second = await browser.newContext();
  const late = await second.newPage();
  await late.goto(world.link);
  await late.getByText("or was a one-time link that has been used").waitFor();
  await second.close();
});

test("search by keyboard alone: / goes there, the kind is guessed, Enter opens", async () => {
  const page = await openPage(browser, world);
  await page.show("/system");
  await page.keyboard.press("/");
  assert.equal(await activeId(page), "search");
  await page.keyboard.type("192[.]0[.]2[.]7");
  await page.getByText("IPv4 address").waitFor();
  await page.keyboard.press("Enter");
  await page.getByRole("heading", {name: "192.0.2.7"}).waitFor();
  await page.locator(".answer-score", {hasText: "0.91"}).waitFor();
  assert.equal(await page.evaluate(() => document.activeElement?.tagName), "H1", "a screen reader hears where it is");
  await page.getByText("1 − (1 − 0.60) × (1 − 0.55) × (1 − 0.50) = 0.91").waitFor();
  await page.keyboard.press("/");
  await page.keyboard.type("hosts");
  await page.getByText("source", {exact: true}).waitFor();
  await page.keyboard.press("Enter");
  await page.waitForURL("**/sources/hosts");
  await page.context().close();
});

test("every control is reached by Tab, and one sees where one is", async () => {
  const page = await openPage(browser, world);
  await page.show("/feed?prefix=nothing."); // each event would be one more
  const reached = new Set();
  for (let i = 0; i < 40; i++) {
    await page.keyboard.press("Tab");
    const [name, width] = await page.evaluate(() => {
      const element = document.activeElement;
      return [element?.textContent || element?.getAttribute("name") || element?.id, getComputedStyle(element).outlineWidth];
    });
    reached.add(name);
    if (name) assert.notEqual(width, "0px", `the focus on ${name} can be seen`);
  }
  for (const name of ["To the content", "Overview", "System", "search", "Lists", "prefix", "Filter", "Pause", "Log out"])
    assert.ok(reached.has(name), `${name} is not among ${[...reached]}`);
  await page.context().close();
});

test("as of a time before anything was known, it was not listed", async () => {
  const page = await openPage(browser, world);
  await page.show("/indicator/192.0.2.7?at=2020-01-01T00:00:00.000Z");
  await page.getByText("No source lists it").waitFor();
  await page.getByRole("button", {name: "Back to now"}).click();
  await page.getByText("4 listings in force bear on it").waitFor();
  await page.context().close();
});

test("what lists hold is text, wherever it is shown", async () => {
  const page = await openPage(browser, world);
  for (const path of ["/sources/hostile", "/indicator/203.0.113.66", `/indicator/${encodeURIComponent(world.hostile)}`,
    `/sources/${encodeURIComponent(world.hostile)}`, `/feed?prefix=${encodeURIComponent(world.hostile)}`, `/sources?q=${encodeURIComponent(world.hostile)}`]) {
    await page.show(path);
    assert.equal(await page.locator("img[src=x]").count(), 0, path);
  }
  await page.show("/sources/hostile");
  await page.getByText("<img", {exact: false}).first().waitFor();
  assert.equal(await page.evaluate(() => window.hacked), undefined);
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

test("an action says first what it would do, wants a reason, and is in the audit with it", async () => {
  const page = await openPage(browser, world);
  await page.show("/sources/names");
  await page.getByRole("button", {name: "Run now"}).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText("It would be done.").waitFor();
  await dialog.getByRole("button", {name: "Run now"}).click();
  assert.ok(await dialog.isVisible(), "not without a reason");
  await dialog.getByLabel("Reason").fill("a look at it");
  await dialog.getByRole("button", {name: "Run now"}).click();
  await dialog.waitFor({state: "hidden"});
  await page.show("/audit");
  await page.getByRole("row", {name: /run.*blacklist\/names.*a look at it/}).waitFor();
  await page.context().close();
});

const dialogOf = (page) => page.getByRole("dialog");

/** A button, its dialog with what it would do, a reason, done. */
async function act(page, button, would, reason) {
  await button.click();
  await dialogOf(page).getByText(would).first().waitFor();
  await dialogOf(page).getByLabel("Reason").fill(reason);
  await dialogOf(page).locator("button[type=submit]").click();
  await dialogOf(page).waitFor({state: "hidden"});
}

test("a network is allowed, said why, listed, in the audit, and removed; one's own cannot be", async () => {
  const page = await openPage(browser, world);
  await page.show("/allow");
  const own = page.getByRole("row", {name: new RegExp(world.own)});
  await own.getByText("in tip.yaml").waitFor();
  assert.equal(await own.getByRole("button").count(), 0, "no button to remove what the configuration says");
  assert.ok(await page.getByRole("button", {name: "Allow"}).isDisabled(), "nothing is named yet");

  await page.getByLabel("Address, network or domain").fill("192.0.2.0/26");
  assert.equal(await page.getByLabel("Reach").inputValue(), "subtree", "a network means what is inside it");
  await page.getByRole("button", {name: "Allow"}).click();
  await dialogOf(page).getByText("would allow 192.0.2.0/26 and everything inside").waitFor();
  await dialogOf(page).getByRole("button", {name: "Cancel"}).click();
  assert.equal(await page.getByRole("row", {name: /192\.0\.2\.0\/26/}).count(), 0, "a dry run changes nothing");
  await act(page, page.getByRole("button", {name: "Allow"}), "would allow 192.0.2.0/26", "our partner's lab");
  const row = page.getByRole("row", {name: /192\.0\.2\.0\/26/});
  await row.getByText("our partner's lab").waitFor();
  await row.getByText("and all inside or below").waitFor();

  await page.show("/indicator/192.0.2.7");
  await page.getByText("Allowed by browser-operate@web").waitFor();
  await page.locator(".answer").getByText("none", {exact: true}).waitFor({timeout: 30_000}); // verdicts follow

  await page.show("/allow");
  await page.getByLabel("Address, network or domain").fill("203.0.113.200");
  await page.getByRole("button", {name: "Deny"}).click();
  await dialogOf(page).getByText("it is one of your own networks").waitFor();
  assert.ok(await dialogOf(page).locator("button[type=submit]").isDisabled(), "what would be refused cannot be sent");
  await page.keyboard.press("Escape");

  await act(page, row.getByRole("button", {name: "Remove"}), "would be removed", "the lab is gone");
  await row.waitFor({state: "detached"});
  await page.show("/audit");
  await page.getByRole("row", {name: /allow_add.*192\.0\.2\.0\/26.*our partner's lab/}).waitFor();
  await page.getByRole("row", {name: /allow_remove.*192\.0\.2\.0\/26.*the lab is gone/}).waitFor();
  await page.show("/indicator/192.0.2.7");
  await page.locator(".answer").getByText("block", {exact: true}).waitFor({timeout: 30_000});
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

test("a source that is held says so at once, and offers its release", async () => {
  const page = await openPage(browser, world);
  await page.show("/sources/table");
  assert.equal(await page.getByRole("button", {name: "Release"}).count(), 0);
  await act(page, page.getByRole("button", {name: "Hold"}), "would be held", "looks odd");
  await page.getByLabel("What operators decided").getByText("looks odd").waitFor();
  assert.equal(await page.getByRole("button", {name: "Hold"}).count(), 0);
  await act(page, page.getByRole("button", {name: "Release"}), "would", "looks well again");
  await page.getByLabel("What operators decided").waitFor({state: "detached"});
  await page.context().close();
});

test("an address inside a listed network says so", async () => {
  const page = await openPage(browser, world);
  await page.show("/indicator/192.0.2.9");
  await page.getByText("By itself nothing, but it inherits watch from 192.0.2.0/28.").waitFor();
  await page.getByRole("row", {name: /table.*a network around it.*watch/}).waitFor();
  await page.context().close();
});

test("the feed begins with what was, not empty", async () => {
  const page = await openPage(browser, world);
  await page.show("/feed?prefix=schedule.");
  await page.getByText("blacklist is due, by hand").first().waitFor();
  assert.equal(await page.getByRole("alert").count(), 0, "no gap is told before the first event");
  await page.context().close();
});

test("the feed is live, holds while paused, and goes on after tip-web and the broker were away", async () => {
  const page = await openPage(browser, world);
  await page.show("/feed?prefix=schedule.");
  await page.getByText("Live", {exact: true}).waitFor();
  await world.tell("run names");
  await page.getByText("blacklist/names is due, by hand").first().waitFor();
  await page.getByRole("button", {name: "Pause"}).click();
  const before = await rows(page);
  await world.tell("run names");
  await page.getByText(/Paused, [1-9]\d* waiting/).waitFor();
  assert.equal(await rows(page), before, "nothing moves while paused");
  await page.getByRole("button", {name: "Go on"}).click();
  await page.waitForFunction((n) => document.querySelectorAll("tbody tr").length > n, before);

  const seen = await rows(page);
  await world.tell("end web");
  await page.getByText("Connection lost").waitFor();
  await world.tell("run names"); // while nobody looks
  await world.tell("start web");
  await page.getByText("Live", {exact: true}).waitFor({timeout: 30_000});
  await page.waitForFunction((n) => document.querySelectorAll("tbody tr").length >= n + 2, seen, {timeout: 30_000});

  const later = await rows(page);
  await world.tell("end broker");
  await world.tell("start broker");
  await world.tell("run names");
  await page.waitForFunction((n) => document.querySelectorAll("tbody tr").length >= n + 2, later, {timeout: 45_000});
  await page.context().close();
});
