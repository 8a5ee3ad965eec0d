// lock.mjs FILE...: takes the download addresses out of package-lock.json; names, versions and checksums stay. (npm's own
// omit-lockfile-registry-resolved also loses the optional packages of other platforms, and then `npm ci` refuses.)
import {readFileSync, writeFileSync} from "node:fs";

for (const file of process.argv.slice(2)) {
  const lock = JSON.parse(readFileSync(file, "utf8"));
  for (const entry of Object.values(lock.packages)) delete entry.resolved;
  writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
}
