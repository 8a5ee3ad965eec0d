"""Exports as their readers take them: every file by the rules of its format alone, and the programs that are made for it.

Each reader gives the set of what the file lists, in canonical text: addresses, prefixes, names, `*.name` for all below.
"""
import csv
import hashlib
import io
import ipaddress
import json
import re
import socket
import struct
import subprocess
import uuid

from tip_harness import Process, free_port, wait_for

NAMESPACE = "[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"


def lines(text, comment="#"):
    return [line for line in text.splitlines() if line and not line.startswith(comment)]


def head(text, comment="# "):
    """The comments: name -> values, with the digest of what follows them checked."""
    found = {}
    rows = text.splitlines(keepends=True)
    n = next((i for i, row in enumerate(rows) if not row.startswith(comment)), len(rows))
    for row in rows[:n]:
        key, _, value = row[len(comment):].rstrip("\n").partition(": ")
        found.setdefault(key, []).append(value)
    body = "".join(rows[n:])
    assert found["sha256"] == [hashlib.sha256(body.encode()).hexdigest()]
    return found


def net(text):
    found = ipaddress.ip_network(text)
    return str(found.network_address) if found.prefixlen == found.max_prefixlen else str(found)


def plain(text):
    return set(lines(text))


def table(text):
    rows = list(csv.DictReader(io.StringIO(text)))
    return {row["indicator"] for row in rows} | {"*." + row["indicator"] for row in rows if row["scope"] == "subtree"}


def ndjson(text):
    rows = [json.loads(line) for line in text.splitlines()]
    return {row["indicator"] for row in rows} | {"*." + row["indicator"] for row in rows if row["scope"] == "subtree"}


def rbldnsd(text):
    """Entries without the three of RFC 5782, with their answers checked for shape."""
    found = set()
    for line in lines(text):
        if line[0] in "$:":
            continue
        value, answer = line.split(" ", 1)
        assert re.fullmatch(r":127\.0\.\d{1,3}\.[2-4]:[^\n$]+", answer), line
        if value in ("127.0.0.2", "0:0:0:0:0:ffff:7f00:2", "test"):
            continue
        if value.startswith("."):
            found |= {value[1:], "*" + value}
        else:
            found.add(value)
    return found


def rpz(text):
    found = set()
    for line in lines(text, ";"):
        owner, _, rest = line.partition(" ")
        if rest != "CNAME .":
            continue
        if owner.endswith(".rpz-ip"):
            bits, *parts = owner.removesuffix(".rpz-ip").split(".")
            parts.reverse()
            if len(parts) == 4 and "zz" not in parts:
                address = ".".join(parts)
            else:
                address = ":".join("" if part == "zz" else part for part in parts)
                address = ":" + address if parts[0] == "zz" else address
                address = address + ":" if parts[-1] == "zz" else address
            found.add(net(f"{address}/{bits}"))
        else:
            found.add(owner)
    return found


def ipset(text):
    return {net(line.split()[2]) for line in lines(text) if line.startswith("add ")}


def nft(text):
    return {net(value) for block in re.findall(r"add element inet tip \S+ \{([^}]*)\}", text)
            for value in block.replace("\n", "").replace(" ", "").split(",")}


def covered(values):
    """Addresses and prefixes as the fewest prefixes that hold the same."""
    found = [ipaddress.ip_network(value) for value in values]
    return {row for version in (4, 6) for row in ipaddress.collapse_addresses(
        row for row in found if row.version == version)}


def nft_sets(ruleset):
    """What `nft -j list ruleset` says is in all sets; auto-merge makes ranges of neighbours."""
    found = set()
    for row in json.loads(ruleset)["nftables"]:
        for value in row.get("set", {}).get("elem", []):
            if isinstance(value, str):
                found.add(value)
            elif "prefix" in value:
                found.add(f"{value['prefix']['addr']}/{value['prefix']['len']}")
            else:
                first, last = (ipaddress.ip_address(end) for end in value["range"])
                found |= {str(part) for part in ipaddress.summarize_address_range(first, last)}
    return found


def cidr(text):
    """Longest prefixes first, family by family: the first match is the most specific."""
    found = [ipaddress.ip_network(line.split("\t")[0]) for line in lines(text)]
    for version in (4, 6):
        bits = [row.prefixlen for row in found if row.version == version]
        assert bits == sorted(bits, reverse=True)
    return {net(str(row)) for row in found}


def texthash(text):
    return {"*" + key if key.startswith(".") else key for key in (line.split("\t")[0] for line in lines(text))}


# ---- STIX 2.1 ----

STIX_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
STIX_MARKINGS = {"clear": "613f2e26-407d-48c7-9eca-b8e91df99dc9", "green": "34098fce-860f-48ae-8e50-ebd3cc5e41da",
                 "amber": "f88d31f6-486f-44da-b317-01333bde0b82"}
STIX_STRING = r"'((?:[^'\\]|\\['\\])*)'"
STIX_PATTERNS = [
    (re.compile(rf"\[(ipv[46])-addr:value (=|ISSUBSET) {STIX_STRING}\]"), lambda m: {net(m[3])}),
    (re.compile(rf"\[domain-name:value = {STIX_STRING}( OR domain-name:value MATCHES {STIX_STRING})?\]"),
     lambda m: {m[1]} | ({"*." + m[1]} if m[2] else set())),
    (re.compile(rf"\[url:value = {STIX_STRING}\]"), lambda m: {re.sub(r"\\(.)", r"\1", m[1])}),
    (re.compile(r"\[network-traffic:dst_ref\.type = 'ipv([46])-addr' AND network-traffic:dst_ref\.value = '([^']+)' AND "
                r"network-traffic:dst_port = (\d+)\]"),
     lambda m: {f"[{m[2]}]:{m[3]}" if m[1] == "6" else f"{m[2]}:{m[3]}"}),
    (re.compile(r"\[autonomous-system:number = (\d+)\]"), lambda m: {f"AS{m[1]}"}),
    (re.compile(r"\[file:hashes\.(?:MD5 = '([0-9a-f]{32})'|'SHA-1' = '([0-9a-f]{40})'|'SHA-256' = '([0-9a-f]{64})')\]"),
     lambda m: {m[1] or m[2] or m[3]}),
    (re.compile(r"\[email-addr:value MATCHES '(@[a-z0-9_\[\].-]+)\$'\]"), lambda m: {m[1].replace("[.]", ".")}),
]


def stix_pattern(pattern):
    for form, values in STIX_PATTERNS:
        found = form.fullmatch(pattern)
        if found:
            if "domain-name:value MATCHES" in pattern:
                assert re.search(found[3], "a." + found[1]) and not re.search(found[3], "x" + found[1])
            return values(found)
    raise AssertionError(f"no pattern: {pattern}")


def stix_common(thing):
    """Section 3.1 and 3.2 of the specification: what every object has."""
    kind, _, rest = thing["id"].partition("--")
    assert kind == thing["type"] and str(uuid.UUID(rest)) == rest and thing["spec_version"] == "2.1"
    assert STIX_TIME.fullmatch(thing["created"])
    if "modified" in thing:
        assert STIX_TIME.fullmatch(thing["modified"]) and thing["modified"] >= thing["created"]


def stix(text, audience):
    """Sections 3, 4.6 (identity), 4.7 (indicator), 7.2 (markings), 8 (bundle), 9 (patterns)."""
    bundle = json.loads(text)
    assert set(bundle) == {"type", "id", "objects"} and bundle["type"] == "bundle"
    assert re.fullmatch(f"bundle--{NAMESPACE}", bundle["id"])
    identity, marking, *indicators = bundle["objects"]
    for thing in bundle["objects"]:
        stix_common(thing)
    assert identity["type"] == "identity" and identity["identity_class"] == "system" and identity["name"]
    assert all(ref["source_name"] and ref["description"] for ref in identity.get("external_references", []))
    assert marking["id"] == "marking-definition--" + STIX_MARKINGS[audience] and marking["definition_type"] == "tlp"
    assert len({thing["id"] for thing in bundle["objects"]}) == len(bundle["objects"])
    found = set()
    for row in indicators:
        assert row["type"] == "indicator" and row["pattern_type"] == "stix" and row["pattern_version"] == "2.1"
        assert row["created_by_ref"] == identity["id"] and row["object_marking_refs"] == [marking["id"]]
        assert STIX_TIME.fullmatch(row["valid_from"]) and STIX_TIME.fullmatch(row["valid_until"])
        assert row["valid_until"] > row["valid_from"] and row["valid_until"] > row["modified"]
        assert isinstance(row["confidence"], int) and 0 <= row["confidence"] <= 100
        assert row["indicator_types"] and all(isinstance(label, str) and label for label in row["labels"])
        assert re.fullmatch(f"indicator--{NAMESPACE}", row["id"])
        found |= stix_pattern(row["pattern"])
    return found


# ---- MISP ----

MISP_TYPES = {"ip-src": "Network activity", "domain": "Network activity", "url": "Network activity",
              "ip-dst|port": "Network activity", "AS": "Network activity", "email-src": "Network activity",
              "md5": "Payload delivery", "sha1": "Payload delivery", "sha256": "Payload delivery"}


def misp_event(event, head_of):
    for key in ("info", "date", "timestamp", "analysis", "threat_level_id", "Orgc", "Tag"):
        assert event[key] == head_of[key], key
    assert event["published"] is True and event["publish_timestamp"].isdigit()
    assert len({row["uuid"] for row in event["Attribute"]}) == len(event["Attribute"])


def misp(read, audience):
    """The feed as MISP takes it: manifest.json, hashes.csv, UUID.json. read(name) gives a file's text."""
    manifest = json.loads(read("manifest.json"))
    (name, head_of), = manifest.items()
    assert str(uuid.UUID(name)) == name
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", head_of["date"]) and head_of["timestamp"].isdigit()
    assert head_of["analysis"] in "012" and head_of["threat_level_id"] in "1234"
    assert head_of["Orgc"]["name"] and uuid.UUID(head_of["Orgc"]["uuid"])
    assert {"name": f"tlp:{audience}"} in head_of["Tag"]
    event = json.loads(read(f"{name}.json"))["Event"]
    assert event["uuid"] == name
    misp_event(event, head_of)
    found, hashes = set(), set()
    for row in event["Attribute"]:
        assert uuid.UUID(row["uuid"]) and row["timestamp"].isdigit() and isinstance(row["to_ids"], bool)
        if row["type"] == "comment":
            assert not row["to_ids"] and row["category"] == "Internal reference"
            continue
        assert row["category"] == MISP_TYPES[row["type"]] and row["to_ids"]
        parts = row["value"].split("|") if "|" in row["type"] else [row["value"]]
        hashes |= {(hashlib.md5(part.encode()).hexdigest(), name) for part in parts}
        if row["type"] == "ip-dst|port":
            found.add(f"[{parts[0]}]:{parts[1]}" if ":" in parts[0] else f"{parts[0]}:{parts[1]}")
        elif row["type"] == "AS":
            found.add("AS" + row["value"])
        else:
            found |= {row["value"]} | ({"*." + row["value"]} if row["comment"].endswith("all below it") else set())
    assert {tuple(line.split(",")) for line in read("hashes.csv").splitlines()} == hashes
    return found


# ---- the programs ----

def alone(*command, stdin=""):
    """In a network namespace of its own, as its root: nothing of this machine's is touched."""
    return subprocess.run(["unshare", "-rn", *command], input=stdin, capture_output=True, text=True, timeout=120)


class Rbldnsd(Process):
    """Debian's rbldnsd on a port of its own; zones are (zone, type, path)."""

    def __init__(self, site, zones):
        self.port = free_port()
        super().__init__(site, "rbldnsd", ["/usr/sbin/rbldnsd", "-n", "-v", "-c", "1s", "-b", f"127.0.0.1/{self.port}",
                                           *[f"{zone}:{kind}:{path}" for zone, kind, path in zones]])
        self.zone = zones[0][0]
        site.add(self)

    def start(self, deadline_s=10):
        self.spawn()
        wait_for(self.is_answering, deadline_s, "rbldnsd answers")
        return self

    def is_answering(self):
        try:
            return ask(self.port, f"2.0.0.127.{self.zone}") is not None
        except OSError:
            return False


def ask(port, name, kind=1):
    """One question by UDP: the addresses of the answer, [] for a name that is not there."""
    query = struct.pack(">HHHHHH", 4242, 0x0100, 1, 0, 0, 0) + b"".join(
        bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0" + struct.pack(">HH", kind, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(2)
        sock.connect(("127.0.0.1", port))
        sock.send(query)
        answer = sock.recv(4096)
    number, flags, _, n_answers, _, _ = struct.unpack(">HHHHHH", answer[:12])
    assert number == 4242 and flags & 0x8000
    found, at = [], len(query)
    for _ in range(n_answers):
        at += 2 if answer[at] & 0xc0 else answer.index(b"\0", at) - at + 1
        kind, _, _, length = struct.unpack(">HHIH", answer[at:at + 10])
        at += 10
        if kind == 1:
            found.append(socket.inet_ntoa(answer[at:at + length]))
        at += length
    return found


def reversed4(address, zone):
    return ".".join(reversed(address.split("."))) + "." + zone


def reversed6(address, zone):
    return ".".join(reversed(ipaddress.ip_address(address).exploded.replace(":", ""))) + "." + zone
