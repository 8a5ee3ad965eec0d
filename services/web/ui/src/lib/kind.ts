// What somebody typed into the search box, by its looks alone: a hint while typing. The service decides what it is.

export type Guess = "IPv4 address" | "IPv6 address" | "network" | "domain" | "URL" | "endpoint" | "AS number" | "hash" | "mail domain" | "source" | "text";

const IPV4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/;
const DOMAIN = /^(?=.{1,253}$)([\p{L}\p{N}_]([\p{L}\p{N}_-]{0,61}[\p{L}\p{N}])?\.)+(?!\d+\.?$)[\p{L}\p{N}-]{2,63}\.?$/u;

export function isIpv4(text: string): boolean {
  const parts = IPV4.exec(text);
  return parts !== null && parts.slice(1).every((part) => Number(part) <= 255);
}

export function isIpv6(text: string): boolean {
  if (!/^[0-9a-f:.]+$/i.test(text) || !text.includes(":")) return false;
  try {
    return new URL(`http://[${text}]/`).hostname.length > 2;
  } catch {
    return false;
  }
}

/** People paste what reports write: hxxp://evil[.]test is meant to be read as http://evil.test. */
export function refang(text: string): string {
  return text.trim().replace(/^hxxp/i, "http").replace(/\[\.\]|\(\.\)|\[dot\]/gi, ".").replace(/\[:\]/g, ":");
}

export function guess(typed: string, sources: string[] = []): Guess {
  const text = refang(typed);
  const [address = "", bits = "", ...more] = text.split("/");
  if (sources.includes(text)) return "source";
  if (isIpv4(text)) return "IPv4 address";
  if (isIpv6(text)) return "IPv6 address";
  if (more.length === 0 && /^\d{1,3}$/.test(bits) && (isIpv4(address) || isIpv6(address))) return "network";
  if (/^[a-z][a-z0-9+.-]*:\/\/\S+$/i.test(text)) return "URL";
  if (/^(\[[0-9a-f:.]+\]|[^\s:/]+):\d{1,5}$/i.test(text)) return "endpoint";
  if (/^as\d{1,10}$/i.test(text)) return "AS number";
  if (/^([0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64})$/i.test(text)) return "hash";
  if (text.startsWith("@") && DOMAIN.test(text.slice(1))) return "mail domain";
  return DOMAIN.test(text) ? "domain" : "text";
}
