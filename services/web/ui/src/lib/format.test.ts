import assert from "node:assert/strict";
import {test} from "node:test";
import {ago, bytes, compact, count, duration, percent, plural, rate, utc} from "./format";

test("numbers", () => {
  assert.equal(count(1234567), "1,234,567");
  assert.equal(count(null), "–");
  assert.equal(compact(9999), "9,999");
  assert.equal(compact(1_250_000), "1.3M");
  assert.equal(rate(0), "0/s");
  assert.equal(rate(0.01), "< 0.1/s");
  assert.equal(rate(3.14159), "3.1/s");
  assert.equal(plural(1, "source"), "1 source");
  assert.equal(plural(0, "source"), "0 sources");
  assert.equal(percent(1, 40), "2.5 %");
  assert.equal(percent(1, 0), "–");
});

test("bytes", () => {
  assert.equal(bytes(0), "0 B");
  assert.equal(bytes(1536), "1.5 KiB");
  assert.equal(bytes(64 * 1024 ** 2), "64.0 MiB");
  assert.equal(bytes(300 * 1024), "300 KiB");
});

test("durations and times", () => {
  assert.equal(duration(250), "250 ms");
  assert.equal(duration(61_000), "1 min 1 s");
  assert.equal(duration(90_061_000), "1 d 1 h");
  assert.equal(duration(3_600_000), "1 h");
  const now = Date.parse("2026-11-22T09:00:00Z");
  assert.equal(ago("2026-11-22T08:57:00Z", now), "3 min ago");
  assert.equal(ago("2026-11-22T09:00:00.200Z", now), "now");
  assert.equal(ago("nonsense", now), "–");
  assert.equal(utc("2026-11-22T08:58:47.410Z"), "2026-11-22 08:58:47");
  assert.equal(utc("2026-11-22T08:58:47.410Z", true), "2026-11-22 08:58:47.410");
  assert.equal(utc("nonsense"), "–");
});
