"""An independent recount of lists: what a source of a kind and type holds, in Python's own words.

It shares nothing with the C parsers but the written rules: strict dotted quads, prefixes masked, /32 and /128 are hosts,
no default routes, nothing wider than /8 (IPv4) or /19 (IPv6), names as lower-case A-labels, URLs in RFC 3986 normal form.
"""
import csv
import datetime
import io
import ipaddress
import json
import re
import urllib.parse

LABEL = re.compile(r"[a-z0-9_-]{1,63}\Z")  # inner labels may begin or end with a hyphen: such names resolve
QUAD = re.compile(r"(0|[1-9][0-9]{0,2})(\.(0|[1-9][0-9]{0,2})){3}\Z")
SCHEMES = {"http": 80, "https": 443, "ftp": 21}


def address(text):
    if ":" not in text and not QUAD.match(text):
        return None
    if "%" in text:
        return None
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def net(text):
    """An address or a prefix."""
    base, slash, bits = text.partition("/")
    host = address(base)
    if host is None:
        return None
    if not slash:
        return ("ip", str(host))
    if not re.fullmatch(r"0|[1-9][0-9]{0,2}", bits) or int(bits) > host.max_prefixlen:
        return None
    found = ipaddress.ip_network((host, int(bits)), strict=False)
    if found.prefixlen == host.max_prefixlen:
        return ("ip", str(host))
    if found.prefixlen < (8 if host.version == 4 else 19):
        return None
    return ("net", str(found))


def domain(text):
    if not text.isascii():
        try:
            text = text.encode("idna").decode()
        except UnicodeError:
            return None
    name = text.lower().removesuffix(".")
    name = name[2:] if name.startswith("*.") else name.removeprefix(".")
    labels = name.split(".")
    if len(labels) < 2 or len(name) > 253 or not all(LABEL.match(label) for label in labels):
        return None
    last = labels[-1]
    if last.isdigit() or re.fullmatch(r"0x[0-9a-f]*", last) or last[0] in "-_" or last[-1] == "-" or "_" in last:
        return None
    return ("domain", name)


def endpoint(text):
    host, colon, port = text.rpartition(":")
    if not colon or not re.fullmatch(r"[1-9][0-9]{0,4}", port) or int(port) > 65535:
        return None
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        return None
    found = address(host)
    if found is None:
        return None
    return ("endpoint", f"[{found}]:{port}" if found.version == 6 else f"{found}:{port}")


UNRESERVED = set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
ALLOWED = UNRESERVED | set(b"!$&'()*+,;=:@/?")


def escaped(text):
    """RFC 3986 section 6.2.2: unreserved decoded, the rest in upper-case hex, what a URL may not hold escaped."""
    raw, out, i = text.encode(), bytearray(), 0
    while i < len(raw):
        if raw[i] == 0x25 and re.fullmatch(rb"[0-9A-Fa-f]{2}", raw[i + 1:i + 3]):
            byte = int(raw[i + 1:i + 3], 16)
            out += bytes([byte]) if byte in UNRESERVED else b"%%%02X" % byte
            i += 3
            continue
        out += bytes([raw[i]]) if raw[i] in ALLOWED else b"%%%02X" % raw[i]
        i += 1
    return out.decode()


def without_dots(path):
    """RFC 3986 section 5.2.4."""
    out = []
    parts = path.split("/")[1:]
    for i, part in enumerate(parts):
        last = i == len(parts) - 1
        if part == "..":
            if out:
                out.pop()
            if last:
                out.append("")
        elif part == ".":
            if last:
                out.append("")
        else:
            out.append(part)
    return "/" + "/".join(out)


def url(text):
    scheme, found, rest = text.partition("://")
    if not found:
        scheme, rest = "http", text
    scheme = scheme.lower()
    if scheme not in SCHEMES or any(ord(c) < 32 or ord(c) == 127 for c in text):
        return None
    rest = rest.split("#", 1)[0]
    at = min([rest.find(c) for c in "/?" if c in rest] or [len(rest)])
    authority, tail = rest[:at], rest[at:]
    if "@" in authority:
        user, _, authority = authority.partition("@")
        if not found or "@" in authority or not re.fullmatch(r"(?:[A-Za-z0-9._~!$&'()*+,;=:-]|%[0-9A-Fa-f]{2})*", user):
            return None
    port = ""
    if authority.startswith("["):
        host, _, after = authority[1:].partition("]")
        port = after.removeprefix(":")
        found = address(host)
        host = f"[{found}]" if found is not None and found.version == 6 else found and str(found)
    else:
        host, _, port = authority.partition(":")
        found = address(host)
        host = str(found) if found is not None else (domain(host) or (None, None))[1]
    if host is None or (port and (not port.isdigit() or not 0 < int(port) < 65536)):
        return None
    path, query_mark, query = tail.partition("?")
    path = without_dots(escaped(path or "/"))
    value = f"{scheme}://{host}"
    if port and int(port) != SCHEMES[scheme]:
        value += f":{int(port)}"
    value += path + (query_mark + escaped(query) if query_mark else "")
    return ("url", value) if len(value) <= 2048 else None


def asn(text):
    digits = re.fullmatch(r"(?:[Aa][Ss])?([1-9][0-9]{0,9})", text)
    return ("asn", "AS" + digits[1]) if digits and int(digits[1]) < 2**32 - 1 else None


def hashed(text):
    return ("hash", text.lower()) if re.fullmatch(r"([0-9A-Fa-f]{32}|[0-9A-Fa-f]{40}|[0-9A-Fa-f]{64})", text) else None


def email_domain(text):
    name = text.removeprefix("@")
    found = None if "@" in name else domain(name)
    return found and ("email_domain", "@" + found[1])


def auto(text):
    if text.startswith("@"):
        return email_domain(text)
    if re.fullmatch(r"[Aa][Ss][0-9]+", text):
        return asn(text)
    if hashed(text):
        return hashed(text)
    if "://" in text:
        return url(text)
    if net(text) or re.fullmatch(r"[0-9.]+(/[0-9]+)?", text):
        return net(text)
    if endpoint(text):
        return endpoint(text)
    if "/" in text:
        return url(text)
    return domain(text)


def only(parse, *kinds):
    def typed(text):
        found = parse(text)
        return found if found and found[0] in kinds else None
    return typed


def family(version):
    def typed(text):
        found = address(text)
        return ("ip", str(found)) if found is not None and found.version == version else None
    return typed


TYPES = {"ip4": family(4), "ip6": family(6), "net": net, "domain": domain, "url": url, "ip:port": endpoint, "auto": auto,
         "asn": asn, "hash": hashed, "email_domain": email_domain}


def lines(body, comment="#", column=None, separator=None):
    for line in body.decode("utf-8-sig", "surrogateescape").split("\n"):
        for mark in comment:
            line = line.split(mark, 1)[0]
        fields = line.strip().split(separator)
        if fields and fields[0]:
            yield fields[column or 0].strip() if len(fields) > (column or 0) else ""


def hosts(body):
    sinks = {"0.0.0.0", "127.0.0.1", "::", "::1"}
    skipped = {"localhost", "localhost.localdomain", "local", "broadcasthost", "0.0.0.0"}
    for line in body.decode("utf-8-sig", "surrogateescape").split("\n"):
        fields = line.split("#", 1)[0].split()
        if len(fields) > 1 and fields[0] in sinks:
            yield from (name for name in fields[1:] if name not in skipped and not name.startswith("ip6-"))


def table(body, column=0, header=True):
    rows = csv.reader(io.StringIO(body.decode("utf-8-sig"), newline=""), skipinitialspace=True)
    for i, row in enumerate(rows):
        if row and not (header and i == 0) and not row[0].startswith("#"):
            yield row[column].strip() if len(row) > column else ""


def when(text, now):
    """Seconds since 1970 of a time as lists write it; None: none, or one that nobody believes."""
    try:
        if re.fullmatch(r"[0-9]{1,10}", text):
            at = int(text)
        else:
            if not re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}($|[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2})", text):
                return None
            made = datetime.datetime.fromisoformat(re.sub(r"\.[0-9]+", "", text.removesuffix(" UTC").replace("t", "T")))
            at = int(made.replace(tzinfo=made.tzinfo or datetime.timezone.utc).timestamp())
    except ValueError:
        return None
    return at if 631152000 <= at <= now else None


def stated(body, type_name, columns, now):
    """{value: when the table itself says that it saw it}, the latest of all its rows; `columns`: of the value, then those
    of times, the one that goes before first."""
    found = {}
    for row in csv.reader(io.StringIO(body.decode("utf-8-sig"), newline=""), skipinitialspace=True):
        value = TYPES[type_name](row[columns[0]].strip()) if len(row) > columns[0] else None
        times = [when(row[column].strip(), now) for column in columns[1:] if len(row) > column]
        at = next((at for at in times if at), None)
        if value and at:
            found[value[1]] = max(at, found.get(value[1], 0))
    return found


def warninglist(body):
    yield from json.loads(body)["list"]


def recount(values, type_name):
    """The set of (kind, value) that a list of values holds."""
    return {found for found in map(TYPES[type_name], values) if found}


def ranges(body):
    """name:a-b, split at the last colon of the name; each range as its minimal prefixes."""
    for line in body.decode().splitlines():
        first, dash, last = line.rpartition("-")
        first = address(first.rpartition(":")[2].strip()) if dash else None
        last = address(last.strip())
        if first is not None and last is not None and first.version == last.version and first <= last:
            yield from map(str, ipaddress.summarize_address_range(first, last))


def rpz(body):
    """A policy zone without an origin, one record a line."""
    for line in body.decode("utf-8-sig").split("\n"):
        words = line.split(";", 1)[0].split()
        if len(words) < 3 or words[0].startswith("$"):
            continue
        owner, kind, target = words[0].lower(), words[-2].upper(), words[-1].lower()
        if kind not in ("CNAME", "A", "AAAA") or target == "rpz-passthru.":
            continue
        if owner.endswith((".rpz-ip", ".rpz-nsip")):
            bits, *parts = owner.rpartition(".")[0].split(".")
            six = "zz" in parts or len(parts) > 4
            groups = ["" if part == "zz" else part for part in reversed(parts)]
            text = (":" if six else ".").join(groups)
            text = ":" + text if six and groups[0] == "" else text
            yield f"{text}:/{bits}" if six and groups[-1] == "" else f"{text}/{bits}"
        else:
            yield owner


def rbldnsd(body):
    """Hosts, prefixes and names; what is excluded is taken out of what stands beside it or around it."""
    listed, excluded = set(), set()
    for line in body.decode("utf-8-sig").splitlines():
        line = line.strip()
        if not line or line[0] in "#;$" or (line[0] == ":" and line[:2] != "::"):
            continue
        word = line.removeprefix("!").split()[0]
        if re.fullmatch(r"[0-9]+(\.[0-9]+){0,2}", word):  # 192.0.2 is 192.0.2.0/24
            n = word.count(".") + 1
            word += ".0" * (4 - n) + f"/{8 * n}"
        found = auto(word)
        if found:
            (excluded if line[0] == "!" else listed).add(found)
    holes = [ipaddress.ip_network(value) for kind, value in excluded if kind in ("ip", "net")]
    spans = [(hole.version, int(hole[0]), int(hole[-1]), hole) for hole in holes]
    for kind, value in listed - excluded:
        if kind != "net":
            yield value
            continue
        whole = ipaddress.ip_network(value)
        first, last = int(whole[0]), int(whole[-1])
        rest = [whole]
        for hole in [h for version, a, b, h in spans if version == whole.version and first <= a and b <= last]:
            rest = [part for left in rest for part in
                    (left.address_exclude(hole) if hole.subnet_of(left) else [] if left.subnet_of(hole) else [left])]
        yield from map(str, rest)


def adblock(body):
    for line in body.decode("utf-8-sig").splitlines():
        found = re.fullmatch(r"\|\|([^/^|*$~,=?&#@:%\s.][^/^|*$~,=?&#@:%\s]*)\^", line.strip())
        if found:
            yield found.group(1)


def extract(body):
    """Addresses and prefixes wherever they stand as whole words in what a reader sees; of endpoints the address."""
    text = re.sub(r"(?is)<(script|style)\b.*?</\1[^>]*>", " ", body.decode("utf-8-sig", "surrogateescape"))
    text = re.sub(r"(?s)</?[a-zA-Z!][^>]*>", " ", text)
    text = re.sub(r"(?i)(https?|ftp)://[^\s\"'<>`{}|\\^]*", " ", text)
    for word in re.findall(r"[0-9A-Za-z._:/%@\[\]-]+", text):
        word = word.strip("./-%@[]") if "[" not in word or "]" not in word else word
        port = endpoint(word)
        yield (port[1].rpartition(":")[0] if port else word).strip("[]")
