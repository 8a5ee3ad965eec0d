"""Measured weights on the real service: when they are told, what they move, and the arithmetic from the event alone."""
import json
import time

import pytest

from test_blacklist import Lists, addresses, close_to, expected_scores, text
from tip_harness import wait_for
from tip_weights import differences, product_of

PRIOR = 0.375


@pytest.fixture
def lists(site, broker, pub):
    lists = Lists(site, pub)
    lists.warn = lists.dir.parent / "warninglists"
    (lists.warn / "sinkholes").mkdir(parents=True)
    lists.warn.chmod(0o755)
    (lists.warn / "sinkholes").chmod(0o755)
    lists.service = site.service("blacklist", sources=str(lists.dir), interval_floor="1s", weights_interval="1s",
                                 warninglists=str(lists.warn))
    return lists


def weights(lists, source=None):
    """What was told since it was measured; before that only the law is told (test_law.py)."""
    return [s.payload for s in lists.events("v1.source.weight.")
            if source in (None, s.payload.source) and s.payload.measured_unix_ms]


def told(lists, *sources):
    """Waits until something was told of each; the newest of each."""
    wait_for(lambda: {w.source for w in weights(lists)} >= set(sources), 30, f"weights of {sources} are told")
    return {w.source: w for w in weights(lists)}


def later_than(event):
    """Whoever is fetched within the same second is told apart by its name, and so may be the one that was first."""
    wait_for(lambda: int(time.time()) > event.ok_unix_ms // 1000, 5, "another second")


def recount(event):
    """The numbers of the event, and what they make."""
    names = ("n_entries", "n_confirmed", "exposure", "penalties", "n_scored", "n_exclusive", "n_copied", "n_shared",
             "lead_sum")
    counts = {name: getattr(event, name) for name in names}
    return product_of({**counts, "now": event.measured_unix_ms / 1000, "ok": event.ok_unix_ms / 1000,
                       "interval": event.interval_ms / 1000})


def check_arithmetic(event):
    expected = recount(event)
    found = {name: getattr(event, name) for name in expected} | {"weight": event.measured}
    assert differences({"it": found}, {"it": expected}) == []


def test_a_weight_is_measured_told_and_moves_verdicts(lists, nginx, rng):
    pool = addresses(rng, 400)
    bad = ["10.0.0.1", "10.0.0.2"]
    (lists.warn / "sinkholes" / "list.json").write_text(json.dumps({"type": "cidr", "list": [f"{pool[0]}/32"]}))
    (lists.warn / "notes.json").write_text("{}")
    lists.source("first", nginx.write("first.txt", text(pool[:300])), weight=None, interval="1h")
    lists.start()
    lists.run()
    first = told(lists, "first")["first"]
    check_arithmetic(first)
    assert first.hits == {"sinkhole": 1} and first.penalties == 1 and first.n_entries == 300
    assert first.trust == 2 / 9 and not first.fixed and first.reason == "measured" and first.before == PRIOR
    assert first.half_life_basis == "category" and first.half_life_ms == 7 * 86400_000
    assert abs(first.weight - 2 / 9 * 0.75) < 0.01 and first.weight == first.measured
    assert lists.verdicts() == {}, "it falls below watch, and the verdicts with it"
    later_than(first)
    lists.source("copy", nginx.write("copy.txt", text(pool[:200] + bad)), weight=None, interval="1h")
    lists.service.reload()
    lists.run(target="copy")
    copy = told(lists, "copy")["copy"]
    check_arithmetic(copy)
    assert copy.copied_from == "first" and copy.n_copied == 200 and copy.independence == 0.05
    assert copy.hits["special_use"] == 2 and copy.n_scored == 200 and copy.n_entries == 202


def test_a_copy_does_not_tell_of_whom_to_those_who_may_not_know(lists, nginx, rng):
    pool = addresses(rng, 100)
    lists.source("secret", nginx.write("secret.txt", text(pool)), weight=None, interval="1h", tlp="amber")
    lists.source("told", nginx.write("told.txt", text(addresses(rng, 50))), weight=None, interval="1h", tlp="clear",
                 redistribute=True)
    lists.start()
    lists.run()
    later_than(told(lists, "secret", "told")["secret"])
    lists.source("copy", nginx.url("secret.txt"), weight=None, interval="1h", tlp="clear", redistribute=True)
    lists.service.reload()
    lists.run(target="copy")
    assert told(lists, "copy")["copy"].copied_from == "secret"
    markings = {s.payload.source: s.stamp.tlp for s in lists.events("v1.source.weight.")}
    assert markings == {"secret": 3, "told": 1, "copy": 3}


def overlaps(event):
    return {o.source: (o.n_scored, o.n_shared, o.n_first, o.n_late) for o in event.overlaps}


def shared(told, one):
    return {name: n for name, (_, n, _, _) in overlaps(told[one]).items()}


def test_what_sources_share_is_told_to_those_who_may_know_both(lists, nginx, rng):
    pool = addresses(rng, 1000)
    bodies = {"wide": pool[:600], "green": pool[722:922] + pool[:12], "secret": pool[580:730], "alone": pool[940:]}
    markings = {"wide": "clear", "green": "green", "secret": "amber", "alone": "clear"}

    def add(name):
        lists.source(name, nginx.write(f"{name}.txt", text(bodies[name])), weight=None, interval="1h",
                     tlp=markings[name], redistribute=markings[name] != "amber")

    add("secret")
    lists.start()
    lists.run()
    assert list(told(lists, "secret")["secret"].overlaps) == []
    for name in ("wide", "green", "alone"):
        add(name)
    lists.service.reload()
    lists.run()
    told(lists, "wide", "green", "alone")
    wait_for(lambda: shared(told(lists, "secret"), "secret") == {"wide": 20, "green": 8}, 30,
             "it is told again for what it shares, too little for a lead: nobody else may name it")
    newest = told(lists, "secret")
    secret = newest["secret"]
    assert secret.reason == "overlap" and secret.weight == secret.before and secret.overlap_count == 2
    assert secret.overlaps_unix_ms > secret.measured_unix_ms and secret.overlaps_scored == 150
    check_arithmetic(secret)
    assert overlaps(secret)["wide"] == (600, 20, 20, 0)
    stamps = {s.payload.source: s for s in lists.events("v1.source.weight.")}
    for name, stamp in stamps.items():
        for overlap in stamp.payload.overlaps:
            assert stamps[overlap.source].stamp.tlp <= stamp.stamp.tlp or overlap.source in ("wide", "alone"), name
            both = set(bodies[name]) & set(bodies[overlap.source])
            assert overlap.n_shared == len(both) and overlap.n_scored == len(bodies[overlap.source])
    canary = [s for s in lists.events("v1.source.weight.") if b"secret" in s.event_bytes]
    assert canary and {s.stamp.tlp for s in canary} == {3}, "named at the amber door only"
    assert shared(newest, "alone") == {}


def test_an_overlap_that_stands_is_not_told_again(lists, nginx, rng):
    pool = addresses(rng, 300)
    for name, entries in {"one": pool[:200], "two": pool[100:]}.items():
        lists.source(name, nginx.write(f"{name}.txt", text(entries)), weight=None, interval="1h")
    lists.start()
    lists.run()
    wait_for(lambda: shared(told(lists, "one", "two"), "one") == {"two": 100}, 30, "what they share is told")
    nginx.write("two.txt", text(pool[99:]))  # one more: no news
    lists.run(target="two")
    measured = lists.service.log_text().count("weights.measured")
    wait_for(lambda: lists.service.log_text().count("weights.measured") > measured + 1, 30, "it is measured again")
    assert not any(w.reason == "overlap" for w in weights(lists))
    nginx.write("two.txt", text(pool[50:]))
    lists.run(target="two")
    wait_for(lambda: shared(told(lists, "one", "two"), "two").get("one") == 150, 30, "what moved is told")


def test_top_sites_are_all_of_short_lists_and_none_of_long_ones(lists, nginx):
    """As MISP has them: several of one role, each in order of names."""
    for name, mark, n in (("alexa", "a", 9000), ("cisco_top10k", "c", 10000), ("majestic_million", "m", 10001)):
        folder = lists.warn / name
        folder.mkdir()
        folder.chmod(0o755)
        sites = [f"{mark}{i:05}.tip-top.com" for i in range(n)]
        (folder / "list.json").write_text(json.dumps({"type": "hostname", "list": sites}))
    names = ["a08999.tip-top.com", "c09999.tip-top.com", "m00001.tip-top.com", "other.tip-top.com"]
    lists.source("names", nginx.write("names.txt", text(names)), weight=None, type="domain", interval="1h")
    lists.start()
    lists.run()
    weighed = told(lists, "names")["names"]
    check_arithmetic(weighed)
    assert weighed.hits == {"top_site": 2} and weighed.penalties == 1


def test_a_weight_that_the_file_says_is_in_force(lists, nginx, rng, caller):
    pool = addresses(rng, 50)
    lists.source("said", nginx.write("said.txt", text(pool)), weight=0.9, interval="1h")
    lists.start()
    lists.run()
    said = told(lists, "said")["said"]
    check_arithmetic(said)
    assert said.fixed and said.weight == said.before == 0.9 and abs(said.measured - PRIOR) < 0.01
    close_to(lists.verdicts(), expected_scores([(pool, 0.9)]))
    lists.source("said", nginx.url("said.txt"), weight=None, interval="1h")
    lists.service.reload()
    wait_for(lambda: weights(lists)[-1].weight == said.measured, 30, "what was measured is in force")
    last = weights(lists)[-1]
    assert last.before == 0.9 and not last.fixed and last.n_entries == 50
    close_to(lists.verdicts(), expected_scores([(pool, last.weight)]))


def test_what_is_remembered_outlives_versions_and_kills(lists, nginx, rng):
    pool = addresses(rng, 60)
    lists.source("one", nginx.write("one.txt", text(pool[:40])), weight=None)
    lists.start()
    lists.run()
    told(lists, "one")
    nginx.write("one.txt", text(pool[10:]))
    lists.run()
    lists.service.kill()
    lists.service.start(ready=False)
    nginx.write("one.txt", text(pool[20:] + ["10.0.0.9"]))
    lists.run()
    wait_for(lambda: weights(lists, "one")[-1].hits, 30, "it is weighed again")
    last = weights(lists, "one")[-1]
    check_arithmetic(last)
    assert last.n_held_60d == 61 and last.n_removed_60d == 20 and 60.9 < last.n_entries <= 61
    assert last.n_known == 21 + 0 and last.observed_ms > 0


def test_nothing_that_is_refused_moves_a_weight(lists, nginx, rng):
    pool = addresses(rng, 60)
    lists.source("one", nginx.write("one.txt", text(pool)), weight=None, interval="1h")
    lists.start()
    lists.run()
    before = told(lists, "one")["one"]
    scores = lists.verdicts()
    for body in ("", "<!DOCTYPE html><html><body>503</body></html>", "Could not connect: \n"):
        nginx.write("one.txt", body)
        assert lists.run().kind == "schedule.failed"
    assert lists.verdicts() == scores
    assert weights(lists, "one")[-1].measured == before.measured


def test_a_copy_moves_no_verdict(lists, nginx, rng):
    """Asked of the verdicts themselves: whatever it copies and is called, with the weights that were measured. What is
    not told again has moved by less than a step."""
    pool = addresses(rng, 900)
    held = {"big": pool[:600], "mid": pool[560:850], "small": pool[850:890]}
    for name, values in held.items():
        lists.source(name, nginx.write(f"{name}.txt", text(values)), weight=None, interval="1h")
    lists.start()
    lists.run()
    told(lists, *held)
    wait_for(lambda: lists.service.metric("tip_blacklist_jobs") == 0, 30, "verdicts follow")
    assert lists.verdicts().keys() == set(pool[:890]) and max(lists.verdicts().values()) > 0.5
    time.sleep(1.1)  # by the second a copy comes later
    for name, copied in (("aaa", "big"), ("zzz", "mid"), ("copy", "small")):
        before = lists.verdicts()
        lists.source(name, nginx.url(f"{copied}.txt"), weight=None, interval="1h")
        lists.service.reload()
        wait_for(lambda n=name: (lists.run(target=n).kind == "schedule.done"), 20, f"{name} is fetched")
        weighed = told(lists, name)[name]
        assert weighed.independence == 0.05 and weighed.copied_from == copied and weighed.weight < 0.05
        wait_for(lambda: lists.service.metric("tip_blacklist_jobs") == 0, 30, "verdicts follow")
        after = lists.verdicts()
        assert after.keys() == before.keys()
        moved = max((abs(after[value] - before[value]), value) for value in before)
        assert moved[0] <= 0.05, (copied, moved)
