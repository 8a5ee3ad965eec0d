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
  await page.goto(`${world.url}/login#t=${world.reader}`);
  await page.getByRole("heading", {name: "Overview"}).waitFor();
  assert.ok(!page.url().includes(world.reader));
  assert.ok(asked.every((url) => !url.includes("?") || !url.includes(world.reader)), "never in a query");
  await context.close();
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
  await page.getByText("0.91", {exact: true}).waitFor();
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
  await page.show("/feed");
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
  await page.getByText("3 listings in force bear on it").waitFor();
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
