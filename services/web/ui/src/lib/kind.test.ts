import assert from "node:assert/strict";
import {test} from "node:test";
import {guess, refang} from "./kind";

const CASES: Array<[string, string]> = [
  ["192.0.2.7", "IPv4 address"],
  ["192.0.2.256", "text"],
  ["2001:db8::1", "IPv6 address"],
  ["2001:db8::/32", "network"],
  ["192.0.2.0/24", "network"],
  ["http://evil.test/a?b", "URL"],
  ["192.0.2.7:8080", "endpoint"],
  ["AS64496", "AS number"],
  ["d41d8cd98f00b204e9800998ecf8427e", "hash"],
  ["@mail.example", "mail domain"],
  ["[2001:db8::1]:25", "endpoint"],
  ["host.botnet1.test", "domain"],
  ["bücher.example", "domain"],
  ["drop_v4", "source"],
  ["<script>", "text"],
  ["", "text"],
];

for (const [typed, wanted] of CASES)
  test(`"${typed}" looks like ${wanted}`, () => assert.equal(guess(typed, ["drop_v4"]), wanted));

test("defanged indicators are read as meant", () => {
  assert.equal(refang(" hxxps://evil[.]test/x "), "https://evil.test/x");
  assert.equal(guess("192[.]0[.]2[.]7"), "IPv4 address");
});
