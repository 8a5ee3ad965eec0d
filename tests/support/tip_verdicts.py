"""Verdicts counted again, by other means: from the files in which the service remembers what its sources have said, how far
and for how long each is trusted, and the time that a verdict says it is of."""
import ipaddress
import math
import pathlib
import struct

WINDOW = 90 * 86400
FLOORS = (0.3, 0.6, 0.9)
SLACK = 1e-9
LISTED, NEVER_SCORED, SUBTREE = 1, 2 | 16, 1
KINDS = {1: "ip", 2: "net", 3: "domain"}


class Times:
    def __init__(self, packed):
        self.first, self.since, self.last, self.returned, self.flags, self.state = struct.unpack("<IIIHBB", packed)
        self.is_listed = bool(self.state & LISTED)


def read_seen(path):
    """{value: Times} of a file NAME-VERSION.seen."""
    data = pathlib.Path(path).read_bytes()
    assert data[:8] == b"TIPSEEN1"
    n_ip4, n_text, n_arena = struct.unpack_from("<QQQ", data, 24)
    at, found = 64, {}
    for _ in range(n_ip4):
        found[str(ipaddress.IPv4Address(struct.unpack_from("<I", data, at)[0]))] = Times(data[at + 4:at + 20])
        at += 20
    arena = at + 24 * n_text
    assert len(data) == arena + n_arena
    for _ in range(n_text):
        text, length, _, _ = struct.unpack_from("<IHBB", data, at)
        found[data[arena + text:arena + text + length].decode()] = Times(data[at + 8:at + 24])
        at += 24
    return found


class Source:
    """What one says, and how much that is worth."""

    def __init__(self, seen, weight, half_life=0, append=False, group=None, derived_from=(), trusted=True, final=False,
                 whole=False):
        self.seen, self.weight, self.half_life, self.append = seen, weight, half_life, append
        self.group, self.derived_from, self.trusted, self.final = group, set(derived_from), trusted, final
        self.whole = whole

    def share(self, value, at):
        times = self.seen.get(value)
        if times is None or times.flags & NEVER_SCORED:
            return 0.0
        by_start = self.append and self.half_life
        if times.is_listed and not by_start:
            return self.weight
        if not self.half_life or (not times.is_listed and at - times.last > WINDOW):
            return 0.0
        age = max(0, at - (times.since if by_start else times.last))
        share = self.weight * 2 ** (-age / self.half_life)
        return share if share >= 0.001 else 0.0


def independent(sources, a, b):
    one, two = sources[a], sources[b]
    kin = {b, two.group} & one.derived_from or {a, one.group} & two.derived_from
    return one.group != two.group and not kin and one.trusted and two.trusted


def score(sources, value, at):
    """(score, share of the lists, shares by source) at a time."""
    shares = {name: share for name, source in sources.items() if (share := source.share(value, at)) > 0}
    listed = 1 - math.prod(1 - share for share in shares.values())
    standing = [name for name, share in shares.items() if share >= 0.05 - SLACK]
    final = any(sources[name].final and share >= 0.9 - SLACK for name, share in shares.items())
    pair = any(independent(sources, a, b) for a in standing for b in standing if a < b)
    return (listed if final or pair else min(listed, 0.89)), listed, shares


def tier(number):
    return sum(number >= floor - SLACK for floor in FLOORS)


def step(sources, value, at):
    """Another one has to be told."""
    found, listed, _ = score(sources, value, at)
    return (tier(found), int(found * 20 + 0.5 + SLACK), listed >= 0.05 - SLACK) if tier(found) else None


def check(sources, verdict, at):
    """One verdict as it was told, of a time; fails with what differs."""
    value = verdict.indicator.value
    found, listed, shares = score(sources, value, at)
    assert abs(verdict.score - found) < 1e-9, (value, at, verdict.score, found)
    assert verdict.tier == tier(found), (value, at)
    assert abs(dict(verdict.families).get("list", 0) - listed) < 1e-9, (value, at, dict(verdict.families))
    assert verdict.reason_count == len(shares), (value, at, shares)
    strongest = sorted(shares.values(), reverse=True)[:3]
    assert all(abs(r.weight - shares[r.source]) < 1e-9 for r in verdict.reasons), (value, at, shares)
    assert all(abs(r.weight - s) < 1e-9 for r, s in zip(verdict.reasons, strongest, strict=True)), (value, at, shares)
    assert verdict.subtree == any(sources[name].seen[value].flags & SUBTREE for name in shares), (value, at)
    most = max(sorted(shares), key=shares.get, default=None)
    assert verdict.whole == bool(most and sources[most].whole and verdict.indicator.kind == 2), (value, at)
    check_times(sources, verdict, at)


def check_times(sources, verdict, at):
    value, now = verdict.indicator.value, step(sources, verdict.indicator.value, at)
    fades = {name for name in sources if sources[name].share(value, at) > sources[name].share(value, at + 10 ** 8)}
    change, end = verdict.next_change_unix_ms // 1000, verdict.expires_unix_ms // 1000
    if not fades or now is None:
        assert (change, end) == (0, 0), (value, at, change, end)
        return
    if change:
        assert step(sources, value, change - 1) == now != step(sources, value, change), (value, at, change)
    else:
        assert step(sources, value, at + 10 ** 8) == now, (value, at)
    if end:
        assert step(sources, value, end - 1) and not step(sources, value, end), (value, at, end)
    else:
        assert step(sources, value, at + 10 ** 8), (value, at)
