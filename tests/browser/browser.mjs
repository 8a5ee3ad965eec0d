// Debian's Chromium by playwright-core, offline but for the page under test, and the real chain behind it (world.py).
import {spawn} from "node:child_process";
import {createInterface} from "node:readline";
import {fileURLToPath} from "node:url";
import {chromium} from "playwright-core";

const ARGS = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run",
  "--disable-default-apps", "--disable-gpu", "--disable-dev-shm-usage", "--mute-audio"];

export async function openBrowser() {
  return chromium.launch({executablePath: process.env.TIP_CHROMIUM ?? "/usr/bin/chromium", headless: true, args: ARGS});
}

/** The chain as a child process: `url`, tokens, and `tell("end web")`. */
export async function openWorld() {
  const child = spawn("/usr/bin/python3", ["-B", fileURLToPath(new URL("world.py", import.meta.url))], {stdio: ["pipe", "pipe", "inherit"]});
  const lines = createInterface({input: child.stdout})[Symbol.asyncIterator]();
  const answer = async () => {
    const line = await lines.next();
    if (line.done) throw new Error("world.py ended; its words are above");
    return JSON.parse(line.value);
  };
  const tell = (command) => {
    child.stdin.write(`${command}\n`);
    return answer();
  };
  const close = () => new Promise((done) => {
    child.once("exit", done);
    child.stdin.end("quit\n");
  });
  return {...(await answer()), tell, close};
}

/** A page that is logged in, and that collects whatever the browser complains about. */
export async function openPage(browser, world, options = {}) {
  const context = await browser.newContext({viewport: {width: 1280, height: 860}, reducedMotion: "reduce", ...options});
  const login = await context.request.post(`${world.url}/api/v1/session`, {data: {token: options.token ?? world.token}, headers: {Origin: world.url}});
  if (!login.ok()) throw new Error(`login: ${login.status()} ${await login.text()}`);
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  page.complaints = [];
  page.on("pageerror", (error) => page.complaints.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error" && !/Failed to load resource/.test(message.text())) page.complaints.push(message.text());
  });
  page.show = async (path) => {
    await page.goto(world.url + path);
    await page.locator("main h1").waitFor();
    await page.waitForFunction(() => !document.body.innerText.includes("Asking …")); // in none of its parts
  };
  return page;
}
