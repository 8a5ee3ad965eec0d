"""What lists have in common, from the events to the table, the API and the command line, against counts of its own."""
import csv
import io
import itertools
import json

import pytest

from test_storage import Store, pages, publish, store  # noqa: F401
from tip_chain import Chain
from tip_harness import wait_for
from tip_lister import Lister
from tip_web import Web
from tip_wire import event, pb

AUDIENCES = {"clear": 1, "green": 2, "amber": 3}
START_MS = 1_790_000_000_000
LIMIT = 10_000


def told(lister, at_ms, n_scored, overlaps, n_all=None):
    """overlaps: {other: (n_scored, n_shared, n_first, n_late)}"""
    pairs = [pb.SourceOverlap(source=other, n_scored=of, n_shared=n, n_first=first, n_late=late)
             for other, (of, n, first, late) in overlaps.items()]
    return lister.topic("source.weight"), event(
        "source.weight", source=lister.name, weight=0.5, reason="measured", measured_unix_ms=at_ms, measured=0.5,
        overlaps=pairs, overlap_count=len(pairs) if n_all is None else n_all, overlaps_unix_ms=at_ms,
        overlaps_scored=n_scored)


def swapped(pair):
    at, mine, theirs, n, first, late = pair
    return at, theirs, mine, n, late, first


def oracle(markings, words, audience):
    """{(one, other): (at, n_scored, n_scored_other, n_shared, n_first, n_late)} of each pair, from either side.

    words: (source, marking, at, n_scored, overlaps, n_all), in the order in which they were told.
    """
    newest = {}
    for word in words:
        source, marking, at = word[:3]
        if max(marking, markings[source]) <= audience and (source not in newest or newest[source][2] <= at):
            newest[source] = word
    found = {}
    for source, _, at, mine, overlaps, _ in newest.values():
        for other, (theirs, n, first, late) in overlaps.items():
            if markings[other] > audience:
                continue
            beside = newest.get(other)
            if beside and beside[2] > at and len(beside[4]) >= beside[5] and beside[1] >= markings[source] \
                    and source not in beside[4]:
                continue
            pair = (at, mine, theirs, n, first, late)
            for key, one in (((source, other), pair), ((other, source), swapped(pair))):
                if key not in found or found[key][0] < at:
                    found[key] = one
    return found


def check(row, pair):
    at, mine, theirs, n, first, late = pair
    numbers = {"n_scored": mine, "n_scored_other": theirs, "n_shared": n, "n_first": first, "n_late": late,
               "share": n / mine, "share_other": n / theirs, "similarity": n / (mine + theirs - n)}
    assert {name: float(row[name]) for name in numbers} == pytest.approx(numbers, rel=1e-12), row


def test_the_newest_word_of_either_side_holds_for_each_audience(store, pub, caller, rng):  # noqa: F811
    names = [f"list.{i}" for i in range(7)]
    listers = {name: Lister(name) for name in names}
    markings = {name: rng.randrange(1, 4) for name in names}
    words = []
    store.start()
    for name in names:
        pub.publish_all([listers[name].ok()], markings[name])
    for turn in range(40):
        name = rng.choice(names)
        marking, mine = rng.randrange(markings[name], 4), rng.uniform(50, 99)
        may = [other for other in names if other != name and markings[other] <= marking]
        overlaps = {other: (rng.uniform(50, 99), rng.uniform(1, 50), rng.uniform(0, 9), rng.uniform(0, 9))
                    for other in rng.sample(may, rng.randrange(len(may) + 1))}
        at = START_MS + 1000 * turn
        words.append((name, marking, at, mine, overlaps, len(overlaps) + rng.randrange(2)))
        pub.publish_all([told(listers[name], at, mine, overlaps, words[-1][-1])], marking)
    store.wait_stored(pub.flush(30))
    for audience, sees in AUDIENCES.items():
        expected = oracle(markings, words, sees)
        rows = caller.query("source_overlaps", audience=audience, limit=LIMIT)
        assert {(row["source"], row["other"]) for row in rows} == {key for key in expected if key[0] < key[1]}
        assert [row["similarity"] for row in rows] == sorted((row["similarity"] for row in rows), key=float, reverse=True)
        assert pages(caller, "source_overlaps", 3, audience=audience) == rows
        for row in rows:
            check(row, expected[row["source"], row["other"]])
        for name in names:
            mine = caller.query("source_overlaps", source=name, audience=audience)
            assert {row["other"] for row in mine} == {other for one, other in expected if one == name}
            for row in mine:
                check(row, expected[name, row["other"]])
    assert store.one("select count(*) from tip.source_weight where counts ? 'overlaps'") == 0, "they stand once"


def test_a_list_that_is_marked_stricter_takes_its_overlaps_along(store, pub, caller):  # noqa: F811
    one, canary = Lister("one"), Lister("canary.list")
    store.start()
    pub.publish_all([one.ok(), canary.ok()], 1)
    pub.publish_all([told(one, START_MS, 10, {"canary.list": (20, 5, 3, 2), "never.stored": (9, 9, 9, 0)})], 1)
    store.wait_stored(pub.flush(30))
    row, = caller.query("source_overlaps", audience="clear")
    assert (row["source"], row["other"], float(row["n_first"])) == ("canary.list", "one", 2)
    pub.publish_all([canary.ok()], 3)
    store.wait_stored(pub.flush(30))
    for audience, n in {"clear": 0, "green": 0, "amber": 1}.items():
        assert len(caller.query("source_overlaps", audience=audience)) == n, audience
        assert len(caller.query("source_overlaps", source="canary.list", audience=audience)) == n, audience
        assert "canary" not in json.dumps(caller.query("source_weight", source="one", audience="clear"))


# ---- the whole way ----

@pytest.fixture
def chain(site, rng):
    made = Chain(site, blacklist={"interval_floor": "1s"})
    pool = [f"45.{rng.randrange(256)}.{i >> 8}.{i & 255}" for i in range(900)]
    pool += [f"host{i}.victim{i % 9}.com" for i in range(300)] + [f"91.{i}.0.0/16" for i in range(30)]
    made.bodies = {f"list-{i}": set(rng.sample(pool, rng.randrange(30, 700))) for i in range(6)}
    made.bodies["copy"] = set(made.bodies["list-0"])
    made.bodies["apart"] = {"46.1.1.1", "10.0.0.1"}
    made.bodies["list-1"].add("10.0.0.1")  # never counts
    for name, entries in made.bodies.items():
        made.source(name, "".join(f"{entry}\n" for entry in sorted(entries)))
    made.start()
    made.run()
    return made


def counted(bodies):
    """{(one, other): (n_scored, n_scored_other, n_shared)}, from the lists themselves."""
    bodies = {name: entries - {"10.0.0.1"} for name, entries in bodies.items()}
    return {(one, other): (len(bodies[one]), len(bodies[other]), len(bodies[one] & bodies[other]))
            for one, other in itertools.permutations(sorted(bodies), 2) if bodies[one] & bodies[other]}


def numbers(rows):
    return {(row["source"], row["other"]): tuple(float(row[name]) for name in ("n_scored", "n_scored_other", "n_shared"))
            for row in rows}


def tip(chain, *argv):
    done = chain.site.run_program(["tip", "--config", chain.site.config_path, "source", "overlaps", *argv])
    return done.stdout if isinstance(done.stdout, str) else done.stdout.decode()


def test_every_pair_of_real_lists_is_that_of_a_recount(chain):
    expected = counted(chain.bodies)
    once = {key: n for key, n in expected.items() if key[0] < key[1]}
    wait_for(lambda: numbers(chain.caller.query("source_overlaps")) == once, 60,
             lambda: f"{chain.caller.query('source_overlaps')} is not {once}")
    first, = [row for row in chain.caller.query("source_overlaps", source="copy") if row["other"] == "list-0"]
    assert float(first["similarity"]) == float(first["share"]) == 1
    for row in chain.caller.query("source_overlaps"):
        assert float(row["n_first"]) in (0, float(row["n_shared"])), "each was fetched once"
        assert float(row["n_late"]) in (0, float(row["n_shared"])) and not float(row["n_first"]) * float(row["n_late"])

    web = Web(chain.site).start()
    web.follow_link()
    items, cursor = [], {}
    while cursor is not None:
        page = web.get("/api/v1/overlaps", limit=4, **cursor).json
        items += page["items"]
        cursor = {"cursor": page["next"]} if page["next"] else None
    assert numbers(items) == once
    mine = web.get("/api/v1/overlaps", source="list-0").json["items"]
    assert numbers(mine) == {key: n for key, n in expected.items() if key[0] == "list-0"}
    assert numbers(csv.DictReader(io.StringIO(web.get("/api/v1/overlaps", format="csv").text))) == once
    web.get("/api/v1/overlaps", cursor="x", status=400)
    leads = {row["name"]: row["lead"] for row in web.get("/api/v1/sources").json["items"]}
    assert leads["apart"] is None and all(0 <= lead <= 1 for lead in leads.values() if lead is not None)

    assert numbers(json.loads(tip(chain, "-o", "json"))) == once
    assert numbers(csv.DictReader(io.StringIO(tip(chain, "list-0", "-o", "csv")))) == numbers(mine)
    assert len(tip(chain, "--limit", "3", "-o", "ndjson").splitlines()) == 3
    assert "similarity" in tip(chain).splitlines()[0].lower()
