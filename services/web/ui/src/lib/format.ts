// Numbers and times as people read them: always UTC, always the same width where they stand below each other.
const LOCALE = "en";
const whole = new Intl.NumberFormat(LOCALE);
const short = new Intl.NumberFormat(LOCALE, {notation: "compact", maximumFractionDigits: 1});
const relative = new Intl.RelativeTimeFormat("en-GB", // its "min" is no "m"
  {numeric: "always", style: "narrow"});

export const NOTHING = "–";

export function count(value: number | null | undefined): string {
  return value == null ? NOTHING : whole.format(value);
}

export function compact(value: number | null | undefined): string {
  return value == null ? NOTHING : value < 10_000 ? whole.format(value) : short.format(value);
}

export function rate(value: number | null | undefined): string {
  if (value == null) return NOTHING;
  if (value > 0 && value < 0.1) return "< 0.1/s";
  return value === 0 ? "0/s" : `${value < 10 ? value.toFixed(1) : compact(Math.round(value))}/s`;
}

export function score(value: number | null | undefined): string {
  return value == null ? NOTHING : value.toFixed(2);
}

const BYTES = ["B", "KiB", "MiB", "GiB", "TiB"];

export function bytes(value: number | null | undefined): string {
  if (value == null) return NOTHING;
  let unit = 0;
  for (; value >= 1024 && unit < BYTES.length - 1; unit++) value /= 1024;
  return `${unit && value < 100 ? value.toFixed(1) : Math.round(value)} ${BYTES[unit]}`;
}

const UNITS: Array<[Intl.RelativeTimeFormatUnit, string, number]> = [
  ["day", "d", 86_400_000],
  ["hour", "h", 3_600_000],
  ["minute", "min", 60_000],
  ["second", "s", 1000],
];

/** 90061000 is "1 d 1 h", 61000 is "1 min 1 s", 250 is "250 ms". */
export function duration(ms: number | null | undefined): string {
  if (ms == null) return NOTHING;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const first = UNITS.findIndex(([, , size]) => ms >= size);
  const [, name, size] = UNITS[first]!;
  const next = UNITS[first + 1];
  const rest = next ? Math.floor((ms % size) / next[2]) : 0;
  return `${Math.floor(ms / size)} ${name}` + (next && rest ? ` ${rest} ${next[1]}` : "");
}

/** "3 min ago", "in 2 h". */
export function ago(time: string, now: number): string {
  const difference = Date.parse(time) - now;
  if (Number.isNaN(difference)) return NOTHING;
  if (Math.abs(difference) < 1000) return "now";
  const [unit, , size] = UNITS.find(([, , each]) => Math.abs(difference) >= each) ?? UNITS[3]!;
  return relative.format(Math.trunc(difference / size), unit);
}

/** "2026-11-22 08:58:47" in UTC; with milliseconds where order matters. */
export function utc(time: string | null | undefined, withMs = false): string {
  const date = time ? new Date(time) : null;
  if (!date || Number.isNaN(date.getTime())) return NOTHING;
  return date.toISOString().replace("T", " ").slice(0, withMs ? 23 : 19);
}

export function percent(part: number, of: number): string {
  return of > 0 ? `${((100 * part) / of).toFixed(part && part / of < 0.1 ? 1 : 0)} %` : NOTHING;
}

export function plural(n: number, one: string, many = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : many}`;
}
