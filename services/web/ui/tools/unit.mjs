// The unit tests: TypeScript made into JavaScript by Vite's own esbuild, then run by node's test runner.
import {build} from "esbuild";
import {spawnSync} from "node:child_process";
import {mkdtempSync, readdirSync, rmSync} from "node:fs";
import {join} from "node:path";

function testsIn(folder) {
  return readdirSync(folder, {withFileTypes: true}).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? testsIn(path) : path.endsWith(".test.ts") ? [path] : [];
  });
}

const entryPoints = testsIn("src");
const outdir = mkdtempSync("unit-");
try {
  await build({entryPoints, outdir, outbase: "src", bundle: true, platform: "node", format: "esm", outExtension: {".js": ".mjs"}, logLevel: "warning"});
  const built = entryPoints.map((path) => join(outdir, path.slice("src/".length).replace(/\.ts$/, ".mjs")));
  process.exitCode = spawnSync(process.execPath, ["--test", ...built], {stdio: "inherit"}).status ?? 1;
} finally {
  rmSync(outdir, {recursive: true, force: true});
}
