"""Verdicts counted again, by other means: from the files in which the service remembers what its sources have said, how far
and for how long each is trusted, and the time that a verdict says it is of."""
import bisect
import ipaddress
import json
import math
import pathlib
import struct

WINDOW = 90 * 86400
FLOORS = (0.3, 0.6, 0.9)
SLACK = 1e-9
LISTED, STATED, NEVER_SCORED, SUBTREE = 1, 4, 2 | 16, 1
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


class Exempt:
    """A directory of warning lists: what it takes from a score."""

    ROLES = {"infrastructure": 0, "resolver": 0, "sinkhole": 0, "peer": 0, "top_site": 0.25, "scanner": 0.25}
    KNOWN = {"public-dns-v4": "resolver", "public-dns-v6": "resolver", "cloudflare": "infrastructure",
             "tranco10k": "top_site", "shodan-scanning": "scanner"}

    def __init__(self, directory=None):
        self.names, self.nets = [], []  # in the order of their strength
        self.all, self.by_net = {}, {}
        found = []
        for path in sorted(pathlib.Path(directory).glob("*.json")) if directory else ():
            role = self.KNOWN.get(path.stem, path.stem.split("-")[0])
            if role in self.ROLES:
                found.append((list(self.ROLES).index(role), path.stem, role, json.loads(path.read_text())["list"]))
        for _, name, role, entries in sorted(found):
            for entry in entries:
                try:
                    net = ipaddress.ip_network(entry)
                    self.nets.append((net, role, f"{role}:{name}"))
                    self.by_net.setdefault((self.ROLES[role], net), f"{role}:{name}")
                except ValueError:
                    self.names.append((entry, role, f"{role}:{name}"))

    @staticmethod
    def names_it(entry, role, value):
        below = entry.startswith(".") and role != "top_site" and value.endswith(entry)
        return below or value == entry.lstrip(".")

    def joined(self, version, left):
        nets = [net for net, role, _ in self.nets if net.version == version and self.ROLES[role] <= left]
        return list(ipaddress.collapse_addresses(nets))

    def of_net(self, net):
        """All of it has to lie in entries of that strength, in however many of them."""
        for left in (0, 0.25):
            nets = self.all.setdefault((net.version, left), None) or self.joined(net.version, left)
            self.all[net.version, left] = nets
            at = bisect.bisect_right(nets, net.network_address, key=lambda n: n.network_address) - 1
            if at >= 0 and net.subnet_of(nets[at]):
                return left, self.by_net.get((left, net))
        return 1, None

    def of(self, value):
        """(what is left of each 1, `role:list` or, of what lies inside a block, None)."""
        try:
            return self.of_net(ipaddress.ip_network(value))
        except ValueError:
            return next(((self.ROLES[role], name) for entry, role, name in self.names if self.names_it(entry, role, value)),
                        (1, None))


NOTHING = Exempt()


def tier(number):
    return sum(number >= floor - SLACK for floor in FLOORS)


def step(sources, value, at, exempt=NOTHING):
    """Another one has to be told."""
    found, listed, _ = score(sources, value, at)
    if exempt.of(value)[0] < 1:
        return "exempt" if tier(found) else None
    return (tier(found), int(found * 20 + 0.5 + SLACK), listed >= 0.05 - SLACK) if tier(found) else None


def check_exempt(verdict, exempt, found):
    """What a list has taken is said, and by which; returns what is left and the reasons behind that one."""
    left, name = exempt.of(verdict.indicator.value)
    if left == 1 or not found:
        assert "allow" not in dict(verdict.families)
        return found, list(verdict.reasons)
    assert abs(dict(verdict.families)["allow"] - (left - 1) * found) < 1e-9, dict(verdict.families)
    assert name is None or verdict.reasons[0].source == name, (verdict.indicator.value, verdict.reasons[0])
    assert abs(verdict.reasons[0].weight - left * found) < 1e-9 and not verdict.subtree and not verdict.whole
    return left * found, list(verdict.reasons)[1:]


def check(sources, verdict, at, exempt=NOTHING):
    """One verdict as it was told, of a time; fails with what differs."""
    value = verdict.indicator.value
    found, listed, shares = score(sources, value, at)
    found, reasons = check_exempt(verdict, exempt, found)
    is_exempt = len(reasons) < len(verdict.reasons)
    assert abs(verdict.score - found) < 1e-9, (value, at, verdict.score, found)
    assert verdict.tier == tier(found), (value, at)
    assert abs(dict(verdict.families).get("list", 0) - listed) < 1e-9, (value, at, dict(verdict.families))
    assert verdict.reason_count == len(shares) + is_exempt, (value, at, shares)
    strongest = sorted(shares.values(), reverse=True)[:3 - is_exempt]
    assert all(abs(r.weight - shares[r.source]) < 1e-9 for r in reasons), (value, at, shares)
    assert all(abs(r.weight - s) < 1e-9 for r, s in zip(reasons, strongest, strict=True)), (value, at, shares)
    assert is_exempt or verdict.subtree == any(sources[name].seen[value].flags & SUBTREE for name in shares), (value, at)
    most = max(sorted(shares), key=shares.get, default=None)
    assert is_exempt or verdict.whole == bool(most and sources[most].whole and verdict.indicator.kind == 2), (value, at)
    check_times(sources, verdict, at, exempt)


def check_times(sources, verdict, at, exempt=NOTHING):
    value, stand = verdict.indicator.value, lambda when: step(sources, verdict.indicator.value, when, exempt)
    now = stand(at)
    fades = {name for name in sources if sources[name].share(value, at) > sources[name].share(value, at + 10 ** 8)}
    change, end = verdict.next_change_unix_ms // 1000, verdict.expires_unix_ms // 1000
    if not fades or now is None:
        assert (change, end) == (0, 0), (value, at, change, end)
        return
    if change:
        assert stand(change - 1) == now != stand(change), (value, at, change)
    else:
        assert stand(at + 10 ** 8) == now, (value, at)
    if end:
        assert stand(end - 1) and not stand(end), (value, at, end)
    else:
        assert now == "exempt" or stand(at + 10 ** 8), (value, at)
