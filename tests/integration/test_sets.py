"""The set engine on generated lists: every number as Python counts it address by address, the union as iprange prints it.

The twin of tests/corpus/test_sets.py, with IPv6.
"""
import collections
import ipaddress
import itertools

import pytest

import tip_sets

LISTS = 9
# where lists meet: the ends of the space, and the middle
BASES = {4: [0, 0x0A000000, 0x7FFFFE00, 0xC0000200, 2**32 - 2048],
         6: [0x2001 << 112, (0x2A00 << 112) + 2**64 - 1024, (0x2A00 << 112) + 2**96 - 512, 2**128 - 2048]}
ADDRESS = {4: ipaddress.IPv4Address, 6: ipaddress.IPv6Address}


def entry(rng, family):
    """(text, numbers) of a host, a prefix or a range in some corner."""
    bits = 32 if family == 4 else 128
    low = rng.choice(BASES[family]) + rng.randrange(1024)
    shape = rng.choice(["host"] * 6 + ["prefix", "range"])
    if shape == "host":
        return str(ADDRESS[family](low)), range(low, low + 1)
    if shape == "prefix":
        size = rng.randint(0, 7)
        low = low >> size << size
        return f"{ADDRESS[family](low)}/{bits - size}", range(low, low + 2**size)
    high = low + rng.randrange(200)
    return f"{ADDRESS[family](low)}-{ADDRESS[family](high)}", range(low, high + 1)


@pytest.fixture(params=[4, 6])
def world(request, rng, tmp_path):
    """family, files, and the numbers in each."""
    lists, members = {}, {}
    for i in range(LISTS):
        made = [entry(rng, request.param) for _ in range(rng.choice([0, 3, 400, 900]) if i else 500)]
        if i % 3 == 2:
            made.sort(key=lambda one: one[1].start)
        lists[f"list{i}"] = [text for text, _ in made]
        members[f"list{i}"] = set(itertools.chain.from_iterable(numbers for _, numbers in made))
    return request.param, tip_sets.write(tmp_path, lists), members


def test_every_number_is_that_of_a_recount(world):
    family, files, members = world
    found = tip_sets.rows("metrics", files, family)
    held = collections.Counter(itertools.chain.from_iterable(members.values()))
    times = collections.Counter(held.values())
    assert found.pop(("union", "", "")) == len(held)
    for k in range(1, LISTS + 1):
        assert found.pop((f"listed_in_{k}", "", "")) == times[k]
    for name, numbers in members.items():
        assert found.pop(("volume", name, "")) == len(numbers)
        assert found.pop(("exclusive", name, "")) == sum(held[n] == 1 for n in numbers)
    for one, other in itertools.combinations(files, 2):
        assert found.pop(("common", one, other)) == len(members[one] & members[other])
    assert not found


def test_the_union_is_the_fewest_prefixes(world):
    family, files, members = world
    addresses = [ADDRESS[family](n) for n in sorted(set().union(*members.values()))]
    nets = ipaddress.collapse_addresses(addresses)
    expected = "".join(f"{str(net).removesuffix('/32' if family == 4 else '/128')}\n" for net in nets)
    assert tip_sets.ours("union", *files.values()).decode() == expected
    if family == 4:
        assert tip_sets.iprange_union(files.values()).decode() == expected


def test_what_is_common_is_what_iprange_says(world):
    family, files, _ = world
    if family == 6:
        pytest.skip("Debian's iprange knows IPv4 only")
    files = {name: path for name, path in files.items() if path.stat().st_size}
    found = tip_sets.rows("metrics", files)
    theirs = tip_sets.iprange_common(files)
    assert len(theirs) >= len(files) * (len(files) - 1) // 2
    for (one, other), count in theirs.items():
        assert found.get(("common", one, other), found.get(("common", other, one))) == count, (one, other)


def test_differences(world):
    family, files, members = world
    for old, new in itertools.permutations(list(files)[:4], 2):
        found = tip_sets.rows("diff", {"old": files[old], "new": files[new]}, family)
        assert found["added", "", ""] == len(members[new] - members[old])
        assert found["removed", "", ""] == len(members[old] - members[new])
