"""Measured weights on generated lists: every number as a recount from the raw deliveries has it, and what must hold of any.

The twin of tests/corpus/test_weights.py.
"""
import math

import pytest

from tip_weights import DAY, World, differences, recount, scores

START = 1_700_000_000


def some(rng, n, base=0):
    """n entries: hosts mostly, networks and names."""
    made = set()
    while len(made) < n:
        i = base + rng.randrange(3 * n)
        shape = rng.randrange(10)
        if shape < 7:
            made.add(f"45.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}")
        elif shape < 8:
            made.add(f"91.{i >> 8 & 255}.{i & 255}.0/24")
        else:
            made.add(f"host{i}.victim{i % 7}.com")
    return made


def churned(rng, held, part, pool):
    held = set(held)
    for entry in rng.sample(sorted(held), int(len(held) * part)):
        held.discard(entry)
    held |= set(rng.sample(pool, min(len(pool), int(len(held) * part) + 1)))
    return held


@pytest.fixture
def world(rng, tmp_path):
    """Seven sources over up to 200 days: two of one maintainer, an aggregator that says so, one that hardly changes."""
    world = World(tmp_path)
    pool = sorted(some(rng, 900))
    world.source("alpha", category="spam")
    world.source("beta", group="house", category="phishing", interval=900)
    world.source("beta2", group="house")
    world.source("all", derived_from=["alpha", "house"], interval=DAY)
    world.source("gamma", category="malware", interval=7200)
    world.source("rare", category="c2", interval=DAY)
    world.source("silent")
    held = {name: set(rng.sample(pool, rng.randrange(60, 300))) for name in world.sources}
    held["beta"] |= {"10.1.2.3", "co.uk"}
    churn = {"alpha": 0.1, "beta": 0.5, "beta2": 0.2, "all": 0.15, "gamma": 0.03, "rare": 0.0001, "silent": 0}
    steps = rng.choice([4, 12, 25])
    for step in range(steps):
        for name in world.sources:
            at = START + step * 8 * DAY + rng.randrange(3 * DAY)
            if name == "silent" and step:
                continue
            if step and rng.random() < 0.2:
                world.confirm(at, name)
                continue
            if step:
                held[name] = churned(rng, held[name], churn[name], pool)
            world.deliver(at, name, held[name])
    world.roles = {"infrastructure": rng.sample([e for e in pool if "/" not in e], 20) + ["45.0.4.0/22"],
                   "top_site": rng.sample([e for e in pool if "victim" in e], 5),
                   "sinkhole": [".victim3.com"], "scanner": ["45.0.0.0/24"]}
    for entry in rng.sample(pool, 80):
        at, what = START + rng.randrange(steps * 8) * DAY, rng.choice(["trap", "flux", "smtp", "abandonment"])
        depth, because = rng.randrange(6), rng.choice([None, None, "alpha"])
        world.observed += [(entry, at + later, what, depth, because) for later in (0, 9 * DAY)]  # and again, too late
    world.observed.sort()
    world.exposure = rng.choice([0, 500, 40000])
    world.end = START + (steps + rng.randrange(10)) * 8 * DAY + 3 * DAY
    return world


def test_every_number_is_that_of_a_recount(world):
    assert differences(world.weigh(world.end), recount(world, world.end)) == []


def test_what_two_sources_share_is_one_number(world):
    weighed = world.weigh(world.end)
    shares = {(a, b): weighed[a][f"shared:{b}"] for a in weighed for b in weighed if a != b}
    assert any(shares.values())
    for (a, b), shared in shares.items():
        assert shared == shares[b, a] <= min(weighed[a]["n_scored"], weighed[b]["n_scored"]) * (1 + 1e-12)
        assert weighed[a][f"first:{b}"] == weighed[b][f"late:{a}"]
        assert weighed[a][f"first:{b}"] + weighed[a][f"late:{b}"] <= shared * (1 + 1e-12)


def test_what_is_never_scored_is_not_shared(tmp_path):
    world = World(tmp_path)
    for at, name in enumerate(("one", "two", "three")):
        world.source(name)
        world.deliver(START + at, name, ["45.1.1.1", "10.0.0.1", "co.uk", "bad.victim.com"][:4 - at])
    weighed = world.weigh(START + 2)
    assert [weighed["one"][f"shared:{other}"] for other in ("two", "three")] == [1, 1]
    assert [weighed["two"][f"{what}:one"] for what in ("first", "late")] == [0, 1]


def test_the_order_of_arrival_does_not_matter(world, rng):
    expected = world.weigh(world.end)
    names = list(world.sources)
    rng.shuffle(names)
    world.sources = {name: world.sources[name] for name in names}
    rng.shuffle(world.deliveries)
    world.deliveries.sort(key=lambda one: one[0])
    assert differences(world.weigh(world.end), expected) == []


def test_replay_is_idempotent(world):
    """The same version delivered again says nothing but that it is still so."""
    expected = world.weigh(world.end)
    last = {}
    for at, name, entries in world.deliveries:
        last[name] = (at, entries if entries is not None else last[name][1])
    world.deliveries += [(at, name, entries) for name, (at, entries) in last.items()]
    assert differences(world.weigh(world.end), expected) == []


@pytest.mark.parametrize("late", [-600, 0, 1, 3600, 20 * DAY])
@pytest.mark.parametrize("name", ["aaa", "zzz"])
def test_a_pure_copy_moves_no_score(rng, tmp_path, late, name):
    """Whenever it comes and whatever it is called. One that comes before what it copies is the list, and that its copy.

    The lists are an hour apart: one that was also before a third list would be no copy but news to it.
    """
    world = World(tmp_path)
    pool = sorted(some(rng, 4000))
    sizes = {"big": 1500, "mid": 500, "small": 60, "tiny": 5}
    for (source, n), hour in zip(sizes.items(), rng.sample(range(24), len(sizes))):
        world.source(source)
        world.deliver(START + hour * 3600, source, rng.sample(pool, n))
    end = START + 30 * DAY
    for source in list(world.sources):
        world.confirm(end, source)
    before = scores(world, world.weigh(end))
    for copied in ("big", "mid", "small"):
        copy = World(tmp_path)
        copy.sources, copy.deliveries = dict(world.sources), list(world.deliveries)
        copy.source(name)
        at, _, entries = next(one for one in world.deliveries if one[1] == copied)
        copy.deliver(at + late, name, entries)
        copy.confirm(end, name)
        after = scores(copy, copy.weigh(end))
        moved = max(abs(after[entry] - before[entry]) for entry in before)
        assert moved <= 0.05, (copied, moved)


def test_padding_lowers_trust(rng, tmp_path):
    trusts = []
    pool = sorted(some(rng, 3000))
    for n in (0, 1, 10, 100, 1000):
        world = World(tmp_path)
        world.source("padded")
        world.deliver(START, "padded", pool + [f"10.0.{i >> 8}.{i & 255}" for i in range(n)])
        weighed = world.weigh(START)["padded"]
        assert weighed["hits_special_use"] == n and weighed["independence"] == 1
        trusts.append(weighed["trust"])
    assert trusts == sorted(trusts, reverse=True) and len(set(trusts)) == len(trusts)
    assert trusts[0] == 0.5 and trusts[-1] < 0.01


def test_padding_does_not_hide_a_copy(rng, tmp_path):
    world = World(tmp_path)
    entries = sorted(some(rng, 500))
    world.source("first")
    world.source("copy")
    world.deliver(START, "first", entries)
    world.deliver(START + 60, "copy", entries + [f"10.0.{i >> 8}.{i & 255}" for i in range(2000)])
    assert world.weigh(START + 60)["copy"]["independence"] == 0.05


@pytest.mark.parametrize("said", [["original"], ["house"]])
def test_an_original_is_no_copy_of_what_is_made_of_it(rng, tmp_path, said):
    """It may be added long after the aggregator that says whom it takes from."""
    world = World(tmp_path)
    entries = sorted(some(rng, 400))
    world.source("all", derived_from=said)
    world.source("original", group="house")
    world.deliver(START, "all", entries + [f"46.1.{n >> 8}.{n & 255}" for n in range(900)])
    world.deliver(START + DAY, "original", entries)
    weighed = world.weigh(START + DAY)
    assert differences(weighed, recount(world, START + DAY)) == []
    original = weighed["original"]
    assert (original["independence"], original["n_copied"], original["copied_from"]) == (1, 0, "-")
    assert (original["n_shared"], original["lead"]) == (0, 0.5)
    world.sources["all"]["derived_from"] = []
    assert world.weigh(START + DAY)["original"]["independence"] == 0.05, "one that does not say so"


def test_lead_goes_to_who_is_first(rng, tmp_path):
    world = World(tmp_path)
    entries = sorted(some(rng, 400))
    world.source("early")
    world.source("late")
    world.deliver(START, "early", entries[:200])
    world.deliver(START + DAY, "late", entries[100:])
    weighed = world.weigh(START + DAY)
    assert weighed["early"]["lead"] == 1 and weighed["early"]["n_shared"] == 100
    assert math.isclose(weighed["late"]["lead"], 0.5) and weighed["late"]["n_copied"] == 100
    assert weighed["late"]["copied_from"] == "early" and math.isclose(weighed["late"]["independence"], 2 / 3)


def test_what_is_forgotten_and_what_decays(tmp_path):
    world = World(tmp_path)
    world.source("one", interval=DAY)
    world.deliver(START, "one", ["45.1.1.1", "10.0.0.1"])
    world.deliver(START + DAY, "one", ["45.1.1.1"])
    after = world.weigh(START + 30 * DAY)["one"]
    assert math.isclose(after["hits_special_use"], 0.5) and math.isclose(after["n_entries"], 1.5)
    world.deliver(START + 92 * DAY, "one", ["45.1.1.1", "45.1.1.2"])
    assert world.weigh(START + 92 * DAY)["one"]["n_entries"] == 2
