"""A list as its owner publishes it: versions as baselines and deltas in parts, and what a reader must then hold."""
import os
import time

from tip_wire import event, pb

KINDS = {pb.KIND_IP: "ip", pb.KIND_NET: "net", pb.KIND_DOMAIN: "domain", pb.KIND_URL: "url", pb.KIND_ENDPOINT: "endpoint",
         pb.KIND_ASN: "asn", pb.KIND_HASH: "hash", pb.KIND_EMAIL_DOMAIN: "email_domain"}
SUBTREE = 1


def indicator(kind, value):
    return pb.Indicator(kind=kind, value=value)


def entry(kind, value, flags=0, line=1, raw=None):
    return pb.ListingEntry(indicator=indicator(kind, value), flags=flags, line=line,
                           raw=raw if raw is not None else value.encode()[:256])


class Lister:
    """set: (kind, value) -> flags, of the newest version; versions count from 1."""

    def __init__(self, name, part_entries=100):
        self.name, self.part_entries = name, part_entries
        self.stream, self.version, self.set = os.urandom(16), 0, {}
        self.fetched_unix_ms = int(time.time() * 1000)
        self.confirmed_unix_ms = 0  # of what a delta removes

    def topic(self, kind):
        return f"v1.{kind}.{self.name.replace('.', '_')}."

    def chunks(self, rows):
        rows = list(rows)
        return [rows[i:i + self.part_entries] for i in range(0, len(rows), self.part_entries)] or [[]]

    def baseline(self):
        """The full set as (topic, event) pairs, one a part."""
        parts, baseline_id = self.chunks(self.set.items()), os.urandom(16)
        return [(self.topic("listing.baseline"),
                 event("listing.baseline", source=self.name, stream=self.stream, version=self.version,
                       baseline_id=baseline_id, part=i, n_parts=len(parts), fetched_unix_ms=self.fetched_unix_ms,
                       entries=[entry(kind, value, flags, line) for line, ((kind, value), flags)
                                in enumerate(rows, 1)]))
                for i, rows in enumerate(parts, 1)]

    def step(self, new):
        """The version after this one: its pairs. The first is a baseline."""
        old, self.set = self.set, dict(new)
        self.version += 1
        if self.version == 1:
            return self.baseline()
        changes = [("added", key) for key in new if key not in old]
        changes += [("changed", key) for key in new if key in old and old[key] != new[key]]
        changes += [("removed", key) for key in old if key not in new]
        parts = self.chunks(changes)
        return [self.delta(rows, i, len(parts)) for i, rows in enumerate(parts, 1)]

    def delta(self, rows, part, n_parts):
        lists = {"added": [], "changed": [], "removed": []}
        for what, (kind, value) in rows:
            lists[what].append(indicator(kind, value) if what == "removed" else
                               entry(kind, value, self.set[kind, value], line=part))
        return (self.topic("listing.delta"),
                event("listing.delta", source=self.name, stream=self.stream, from_version=self.version - 1,
                      to_version=self.version, part=part, n_parts=n_parts, fetched_unix_ms=self.fetched_unix_ms,
                      confirmed_unix_ms=self.confirmed_unix_ms, **lists))

    def ok(self, reason="changed", **fields):
        """The source.ok of the newest version, as a pair."""
        fields = {"weight": 0.5, "n_entries": len(self.set), "n_lines": len(self.set), **fields}
        return (self.topic("source.ok"),
                event("source.ok", source=self.name, reason=reason, stream=self.stream, version=self.version, **fields))

    def expected(self):
        """What tip.listing must hold as listed: {(kind, value, flags)}."""
        return {(kind, value, flags) for (kind, value), flags in self.set.items()}


def random_indicator(rng):
    """One of a few thousand, so that lists overlap: (kind, value)."""
    kind = rng.choice(list(KINDS))
    four = f"192.0.2.{rng.randrange(256)}" if rng.random() < 0.5 else f"203.0.113.{rng.randrange(256)}"
    six = f"2001:db8::{rng.randrange(1, 64):x}"
    name = ".".join(rng.choices(["a", "b", "mail", "www", "shop"], k=rng.randrange(3))
                    + [f"host{rng.randrange(40)}", "test"])
    if kind == pb.KIND_IP:
        return kind, rng.choice([four, six])
    if kind == pb.KIND_NET:
        bits = rng.randrange(24, 32)
        host = rng.randrange(256) & (0xFF << (32 - bits)) & 0xFF
        return kind, rng.choice([f"192.0.2.{host}/{bits}", "2001:db8::/64", "2001:db8::/32", "192.0.0.0/16"])
    if kind == pb.KIND_DOMAIN:
        return kind, name
    if kind == pb.KIND_URL:
        return kind, f"http://{rng.choice([name, four])}/{rng.randrange(20)}"
    if kind == pb.KIND_ASN:
        return kind, f"AS{rng.randrange(64496, 64512)}"
    if kind == pb.KIND_HASH:
        return kind, f"{rng.randrange(1000):0{rng.choice([32, 40, 64])}x}"
    if kind == pb.KIND_EMAIL_DOMAIN:
        return kind, f"@{name}"
    return kind, f"{four}:{rng.choice([25, 80, 443])}"


def random_set(rng, old, size):
    """A successor of `old`: some leave, some come, some change their flags."""
    new = {key: flags for key, flags in old.items() if rng.random() > 0.2}
    while len(new) < size:
        kind, value = random_indicator(rng)
        new[kind, value] = rng.choice([0, 0, 0, 2, SUBTREE if kind == pb.KIND_DOMAIN else 0])
    for key in rng.sample(sorted(new), k=min(len(new), 3)):
        new[key] ^= 2
    return new
