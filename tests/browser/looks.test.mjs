// Every page: nothing breaks the policy, the address alone brings it back, it can be used by everybody, and on a phone.
import assert from "node:assert/strict";
import {readFileSync} from "node:fs";
import {createRequire} from "node:module";
import {after, before, test} from "node:test";
import {openBrowser, openPage, openWorld} from "./browser.mjs";
import {PAGES} from "./pages.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const SHOTS = process.env.TIP_SHOTS; // a directory for screenshots, for people to look at
let world, browser;

before(async () => {
  world = await openWorld();
  browser = await openBrowser();
  await world.tell("serve hosts");
  await world.tell("run hosts");
});
after(async () => {
  await browser?.close();
  await world?.close();
});

async function violations(page) {
  await page.evaluate(AXE); // by the debugger: the page's own policy would refuse it
  const result = await page.evaluate((values) => globalThis.axe.run({runOnly: {type: "tag", values}}), RULES);
  return result.violations.flatMap(({id, nodes}) => nodes.map((node) => `${id}: ${node.html.slice(0, 160)} ${node.failureSummary ?? ""}`));
}

for (const colorScheme of ["light", "dark"]) {
  test(`every page, ${colorScheme}: what it should show, nothing refused, accessible to all`, async () => {
    const page = await openPage(browser, world, {colorScheme});
    const found = [];
    for (const {name, path, sees} of PAGES) {
      await page.show(path);
      await page.getByText(sees).first().waitFor();
      found.push(...(await violations(page)).map((text) => `${name}: ${text}`));
      if (SHOTS) await page.screenshot({path: `${SHOTS}/${name}-${colorScheme}.png`, fullPage: true});
    }
    assert.deepEqual(found, []);
    assert.deepEqual(page.complaints, []);
    await page.context().close();
  });
}

test("every page at 360 px: nothing sticks out, and the menu is there", async () => {
  const page = await openPage(browser, world, {viewport: {width: 360, height: 740}, deviceScaleFactor: 2});
  for (const {name, path} of PAGES) {
    await page.show(path);
    const [wide, inside] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    assert.ok(wide <= inside, `${name} is ${wide} px wide in ${inside}`);
    assert.ok(await page.getByRole("link", {name: "Overview"}).isVisible(), name);
    if (SHOTS) await page.screenshot({path: `${SHOTS}/${name}-phone.png`, fullPage: true});
  }
  await page.context().close();
});

test("a link to a state of a page brings that state back, also after a reload", async () => {
  const page = await openPage(browser, world);
  await page.show("/verdicts");
  await page.getByLabel("Tier").selectOption("block");
  await page.waitForURL("**/verdicts?tier=block");
  const seen = async () => {
    await page.getByText("Asking …").waitFor({state: "detached"});
    return page.getByRole("cell", {name: /^(block|slow|watch)$/}).allInnerTexts();
  };
  await page.getByRole("cell", {name: "slow"}).first().waitFor({state: "detached"});
  assert.deepEqual(await seen(), ["block"]);
  await page.reload();
  await page.getByRole("cell", {name: "block"}).waitFor();
  assert.equal(await page.getByLabel("Tier").inputValue(), "block");
  assert.deepEqual(await seen(), ["block"]);

  await page.show("/sources?q=ost");
  const listed = page.getByRole("table", {name: "Sources"}).locator("tbody a");
  assert.deepEqual((await listed.allInnerTexts()).sort(), ["hostile", "hosts"]);
  await page.show("/feed");
  await page.getByRole("button", {name: "Schedule"}).click();
  await page.reload();
  assert.equal(await page.getByRole("button", {name: "Schedule"}).getAttribute("aria-pressed"), "true");
  await page.context().close();
});

test("a map of what lists share stands beside a table, and its filter and order are in the address", async () => {
  const page = await openPage(browser, world);
  await page.show("/sources");
  const pairs = () => page.getByRole("table", {name: /^Overlaps/}).locator("tbody tr");
  const told = async () => (await pairs().evaluateAll((rows) => rows.map((row) => [...row.cells].slice(0, 2).map((cell) => cell.innerText).join(" ")))).sort();
  const lists = ["feed", "hosts", "table"]; // each has 192.0.2.7; the network around it in one of them is another entry
  await pairs().nth(2).waitFor();
  assert.deepEqual(await told(), ["feed hosts", "feed table", "hosts table"]);
  const squares = await page.locator(".heat i").evaluateAll((all) => all.map((one) => getComputedStyle(one).opacity));
  assert.equal(squares.length, lists.length ** 2);
  assert.ok(squares.filter((opacity) => opacity !== "1").every((opacity) => Number(opacity) > 0.1 && Number(opacity) < 0.2), String(squares));
  assert.match(await pairs().filter({hasText: "feed"}).first().innerText(), /0\.0\d/);

  await page.getByLabel("Name holds").fill("tab");
  await pairs().nth(2).waitFor({state: "detached"});
  assert.deepEqual(await told(), ["feed table", "hosts table"]);
  await page.getByLabel("Order").selectOption("name");
  await page.waitForURL("**/sources?q=tab&order=name");
  const names = () => page.locator(".heat-name").evaluateAll((all) => all.map((one) => one.title));
  assert.deepEqual(await names(), lists);
  await page.reload();
  await pairs().first().waitFor();
  assert.deepEqual([await told(), await names()], [["feed table", "hosts table"], lists]);
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

test("the theme can be switched, and stays", async () => {
  const page = await openPage(browser, world, {colorScheme: "light"});
  await page.show("/sources/hosts");
  const ground = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  const light = await ground();
  await page.getByRole("button", {name: "Theme: system"}).click();
  const dark = await ground();
  assert.notEqual(dark, light);
  await page.reload();
  await page.getByRole("button", {name: "Theme: dark"}).waitFor();
  assert.equal(await ground(), dark);
  await page.locator(".chart canvas").first().waitFor();
  await page.getByRole("table", {name: "Versions, newest first"}).waitFor(); // beside it
  await page.context().close();
});
