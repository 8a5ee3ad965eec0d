"""tip_test_weights, and every number of it counted again from the raw deliveries, by other means and without its code."""
import collections
import ipaddress
import math
import subprocess

import tip_harness

DAY = 86400
WINDOW = 90 * DAY
MEMORY = 30 * DAY
QUARTER = 900
PENALTY = {"special_use": 1, "public_suffix": 1, "infrastructure": 1, "resolver": 1, "sinkhole": 1, "top_site": 0.5,
           "peer": 1, "scanner": 0}
DEFAULT_DAYS = {"other": 7, "spam": 7, "c2": 14, "malware": 60, "phishing": 1, "fraud": 90, "hijacked": 365}
BASIS = {"category": 0, "measured": 1, "beyond": 2, "append_only": 3}
FIRST = {"trap": 0.5, "flux": 0.4, "smtp": 0.3, "abandonment": 0}


class World:
    """Sources, what they delivered and when; the same commands for the program and for the recount."""

    def __init__(self, folder):
        self.folder, self.sources, self.roles, self.observed, self.exposure = folder, {}, {}, [], 0
        self.deliveries = []  # (time, source, entries or None for the same again)

    def source(self, name, group=None, category="other", interval=3600, derived_from=()):
        self.sources[name] = {"group": group or name, "category": category, "interval": interval,
                              "derived_from": list(derived_from)}

    def deliver(self, at, name, entries):
        self.deliveries.append((at, name, frozenset(entries)))

    def confirm(self, at, name):
        self.deliveries.append((at, name, None))

    def script(self, now):
        lines = [f"source {n} {s['group']} {s['category']} {s['interval']} {','.join(s['derived_from']) or '-'}"
                 for n, s in self.sources.items()]
        for number, (at, name, entries) in enumerate(self.deliveries):
            if entries is None:
                lines.append(f"confirm {at} {name}")
                continue
            path = self.folder / f"{number}.txt"
            path.write_text("".join(f"{entry}\n" for entry in entries))
            lines.append(f"deliver {at} {name} {path}")
        for role, entries in self.roles.items():
            path = self.folder / f"role-{role}"
            path.write_text("".join(f"{entry}\n" for entry in entries))
            lines.append(f"role {role} {path}")
        for value, at, what, depth, because in self.observed:
            lines.append(f"observe {at} {value} {what} {depth} {because or '-'}")
        return "\n".join([*lines, f"exposure {self.exposure}", f"now {now}", ""])

    def weigh(self, now):
        """{source: {number's name: number}}"""
        done = subprocess.run([tip_harness.binary("tip_test_weights")], input=self.script(now).encode(),
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=600)
        assert done.returncode == 0, done.stderr[-500:]
        found = collections.defaultdict(dict)
        for line in done.stdout.decode().splitlines():
            source, name, value = line.split("\t")
            found[source][name] = value if name == "copied_from" else float(value)
        return dict(found)


def is_special(entry):
    try:
        return ipaddress.ip_network(entry, strict=False).subnet_of(ipaddress.ip_network("10.0.0.0/8"))
    except (ValueError, TypeError):
        return False


def is_suffix(entry):
    return entry in ("co.uk", "com.au")


def scored(entry):
    return not is_special(entry) and not is_suffix(entry)


class Known:
    """What a source has said of an entry."""

    def __init__(self, now, stock):
        self.first = self.since = self.last = now
        self.listed, self.stock = True, stock


def histories(world, now):
    """{source: ({entry: Known}, first fetch, last ok)} from the deliveries alone."""
    found = {}
    for name in world.sources:
        known, born, ok = {}, 0, 0
        for at, _, entries in (d for d in world.deliveries if d[1] == name):
            if entries is None:
                ok = at
                continue
            for entry, one in known.items():
                if one.listed and entry not in entries:
                    one.listed, one.last = False, max(one.last, ok)
            for entry in entries:
                one = known.get(entry)
                if one is None or (not one.listed and at - one.last > WINDOW):
                    known[entry] = Known(at, stock=not born)
                elif not one.listed:
                    one.listed, one.since, one.stock = True, at, False
                known[entry].last = at
            known = {e: k for e, k in known.items() if k.listed or k.last >= at - WINDOW}
            born, ok = born or at, at
        found[name] = {e: k for e, k in known.items() if k.listed or k.last >= now - WINDOW}, born, ok
    return found


def memory(one, now):
    return 1.0 if one.listed or one.last >= now else 2 ** (-(now - one.last) / MEMORY)


def roles_of(world, entry):
    hit = {"special_use"} if is_special(entry) else set()
    if is_suffix(entry):
        hit.add("public_suffix")
    for role, listed in world.roles.items():
        for ref in listed:
            try:
                if ipaddress.ip_network(entry).overlaps(ipaddress.ip_network(ref)):
                    hit.add(role)
            except (ValueError, TypeError):
                tree = ref.startswith(".") and role != "top_site"
                if entry == ref.lstrip(".") or (tree and entry.endswith(ref)):
                    hit.add(role)
    return hit


def below(a, b, x):
    """I_x(a, b) by its power series (DLMF 8.17.8), from the side where it is quick."""
    if x > a / (a + b):
        return 1 - below(b, a, 1 - x)
    term = total = 1.0
    n = 0
    while abs(term) > 1e-18 * total:
        term *= (a + b + n) / (a + 1 + n) * x
        total += term
        n += 1
    return math.exp(a * math.log(x) + b * math.log1p(-x) + math.lgamma(a + b) - math.lgamma(a + 1) - math.lgamma(b)) * total


def quantile(a, b, p):
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if below(a, b, middle) < p else (low, middle)
    return (low + high) / 2


def trust_of(n):
    """(P, its interval) from counts."""
    t = n["n_confirmed"] * min(1, 1e4 / n["exposure"]) if n["exposure"] else n["n_confirmed"]
    f = n["penalties"] * min(1, 1e4 / n["n_entries"]) if n["n_entries"] else n["penalties"]
    return (t + 2) / (t + 5 * f + 4), quantile(t + 2, 5 * f + 2, 0.05), quantile(t + 2, 5 * f + 2, 0.95)


def independence_of(n):
    return max(0.05, (n["n_exclusive"] - n["n_copied"]) / n["n_scored"]) if n["n_scored"] else 1.0


def product_of(n):
    """P, I, N, R and the weight from counts alone, as anybody can who has the event."""
    trust, low, high = trust_of(n)
    independence = independence_of(n)
    lead = n["lead_sum"] / n["n_shared"] if n["n_shared"] >= 30 else 0.5
    fresh = min(1, 2 ** (-(n["now"] - n["ok"]) / (4 * n["interval"]))) if n["ok"] else 0.0
    return {"trust": trust, "trust_low": low, "trust_high": high, "independence": independence, "lead": lead,
            "freshness": fresh, "weight": trust * independence * (0.5 + 0.5 * lead) * fresh}


def half_life(known, born, category, now):
    held = [one for one in known.values() if (now if one.listed else one.last) > now - 60 * DAY]
    left = sum(not one.listed for one in held)
    risk = []  # (age when it came into sight, age at its end, removed?)
    for one in known.values():
        end = now if one.listed else one.last
        if not one.stock and end >= now - WINDOW:
            risk.append((max(0, now - WINDOW - one.since) // QUARTER, (end - one.since) // QUARTER, not one.listed))
    alive, median = 1.0, None
    for age in sorted({end for _, end, removed in risk if removed}):
        n = sum(start <= age <= end for start, end, _ in risk)
        alive *= 1 - sum(end == age and removed for _, end, removed in risk) / n
        if alive <= 0.5 and median is None:
            median = age
    usual, seen = DEFAULT_DAYS[category] * DAY, now - born
    clamp = lambda s: min(max(s, DAY // 4), 180 * DAY)
    if seen >= 60 * DAY and left < 0.01 * len(held):
        basis, life = "append_only", usual
    elif len(risk) < 30:
        basis, life = "category", usual
    elif median is not None:
        basis, life = "measured", clamp(median * QUARTER)
    elif seen >= 60 * DAY:
        basis, life = "beyond", max(usual, clamp(max(end for _, end, _ in risk) * QUARTER))
    else:
        basis, life = "category", usual
    return {"half_life_s": life, "basis": BASIS[basis], "n_known": len(risk), "n_removed": sum(r for *_, r in risk),
            "n_held_60d": len(held), "n_removed_60d": left}


def confirmed(world, name, known, now):
    best = {}
    for value, at, what, depth, because in world.observed:
        one = known.get(value)
        if (one and scored(value) and FIRST[what] and depth <= 3 and name not in (because or "").split()
                and one.since <= at <= one.since + 7 * DAY):
            best[value] = max(best.get(value, 0), 2 ** (-max(0, now - at) / MEMORY))
    return math.fsum(best.values())


def parents_of(world, name):
    """Of what it says it is made."""
    said = set(world.sources[name]["derived_from"])
    return {o for o, source in world.sources.items() if o != name and {o, source["group"]} & said}


def overlap(mine, theirs, now):
    """Shared, had first, had late: of what two sources know, each entry as the one counts it for which it counts less."""
    both = {e: min(memory(mine[e], now), memory(theirs[e], now)) for e in mine.keys() & theirs.keys() if scored(e)}
    sign = {e: mine[e].first - theirs[e].first for e in both}
    return tuple(math.fsum(n for e, n in both.items() if chosen(sign[e]))
                 for chosen in (lambda s: True, lambda s: s < 0, lambda s: s > 0))


def recount(world, now):
    """As World.weigh."""
    past = histories(world, now)
    holders = collections.defaultdict(dict)
    for name, (known, _, _) in past.items():
        for entry, one in known.items():
            if scored(entry):
                holders[entry][name] = one
    group = {name: s["group"] for name, s in world.sources.items()}
    counts = {}
    for name, source in world.sources.items():
        known, _, ok = past[name]
        mine = {e: memory(k, now) for e, k in known.items()}
        hits = {e: roles_of(world, e) for e in mine}
        parents = parents_of(world, name)
        own = [e for e in mine if scored(e)]
        exclusive = [e for e in own if not parents & set(holders[e])]
        copied = {o: math.fsum(mine[e] for e in exclusive if o in holders[e]
                               and (holders[e][o].first, o) < (known[e].first, name))
                  for o in world.sources if group[o] != group[name] and name not in parents_of(world, o)}
        most = max(copied.values(), default=0)
        counts[name] = n = {
            "n_entries": math.fsum(mine.values()), "exposure": world.exposure,
            "n_confirmed": confirmed(world, name, known, now),
            "penalties": math.fsum(m * max((PENALTY[r] for r in hits[e]), default=0) for e, m in mine.items()),
            **{f"hits_{role}": math.fsum(mine[e] for e in mine if role in hits[e]) for role in PENALTY},
            "n_scored": math.fsum(mine[e] for e in own), "n_exclusive": math.fsum(mine[e] for e in exclusive),
            "n_copied": most, "copied_from": min((o for o in copied if copied[o] == most), default="-") if most else "-",
            "now": now, "ok": ok, "interval": source["interval"]}
        n["independence"] = independence_of(n)
    for name, n in counts.items():
        known = past[name][0]
        shared, lead = [], []
        for entry, one in known.items():
            seen = [holders[entry][o].first for o in holders[entry] if group[o] != group[name]
                    and name not in parents_of(world, o) and counts[o]["independence"] >= 0.5] if scored(entry) else []
            if seen:
                shared.append(memory(one, now))
                lead.append(shared[-1] * 2 ** (-(one.first - min(one.first, *seen)) / DAY))
        n["n_shared"], n["lead_sum"] = math.fsum(shared), math.fsum(lead)
        n |= half_life(known, past[name][1], world.sources[name]["category"], now)
    for name, n in counts.items():
        n |= product_of(n)
        del n["now"], n["ok"], n["interval"], n["exposure"]
        for other in counts.keys() - {name}:
            n[f"shared:{other}"], n[f"first:{other}"], n[f"late:{other}"] = overlap(past[name][0], past[other][0], now)
    return counts


def differences(found, expected, by=1e-9):
    """What is further apart than it may be; sums of many entries relatively."""
    wrong = []
    for name, numbers in expected.items():
        for key, value in numbers.items():
            got = found[name][key]
            if got != value if key == "copied_from" else abs(got - value) > by * max(1, abs(value)):
                wrong.append((name, key, got, value))
    return wrong


def scores(world, weights):
    """Noisy-or of what is listed now, as verdicts are made."""
    doubt = collections.defaultdict(lambda: 1.0)
    for name, (known, _, _) in histories(world, math.inf).items():
        for entry, one in known.items():
            if one.listed and scored(entry):
                doubt[entry] *= 1 - weights[name]["weight"]
    return {entry: 1 - left for entry, left in doubt.items()}
