"""Scores that decay, on the real service: every verdict counted again from what the service remembers of its sources."""
import itertools
import json
import time

import pytest

from test_blacklist import Lists, addresses, text
from test_evidence import Seer
from tip_harness import wait_for
from tip_stored import stored
from tip_verdicts import Source, check, read_seen, score, step, tier

SOURCES = {  # weight, half-life in seconds, group, derived from
    "fast": (0.7, 3, "one", ()),
    "slow": (0.6, 9, "two", ()),
    "kin": (0.8, 5, "two", ()),
    "child": (0.65, 4, "three", ("fast",)),
    "word": (0.95, 6, "four", ()),
    "firm": (0.35, 0, "five", ()),
}


@pytest.fixture
def lists(site, broker, pub):
    lists = Lists(site, pub)
    lists.service = site.service("blacklist", sources=str(lists.dir), interval_floor="1s", verdict_clock="1s")
    return lists


def told(lists):
    return [s for s in lists.events("v1.verdict.")]


def put(lists, nginx, name, values, **options):
    weight, half_life, group, parents = SOURCES[name]
    lists.source(name, nginx.write(f"{name}.txt", text(values)), **({
        "weight": weight, "half_life": f"{half_life}s" if half_life else 0, "group": group,
        "derived_from": list(parents), "interval": "1s"} | options))


def weighed(lists, names=SOURCES):
    """Waits until all are weighed, and nothing follows from it any more; how independent each is."""
    events = lambda: {s.payload.source: s.payload.independence for s in lists.events("v1.source.weight.")
                      if s.payload.measured_unix_ms}
    wait_for(lambda: events().keys() >= set(names), 30, "all are weighed")
    wait_for(lambda: lists.service.metric("tip_blacklist_jobs") == 0, 30, "verdicts follow")
    return events()


def recount(lists, names=SOURCES):
    """The sources as the service remembers them now; nothing may be fetched meanwhile."""
    found, independence = {}, weighed(lists, names)
    for name in names:
        weight, half_life, group, parents = SOURCES[name]
        seen = max((lists.site.data / "blacklist" / "sets").glob(f"{name}-*.seen"), key=lambda p: int(p.stem.split("-")[-1]))
        found[name] = Source(read_seen(seen), weight, half_life, group=group, derived_from=parents, final=weight >= 0.9,
                             trusted=independence[name] >= 0.5 - 1e-9)
    return found


def check_all(events, sources):
    n = 0
    for seen in events:
        for verdict in seen.payload.verdicts:
            check(sources, verdict, seen.payload.scored_unix_ms // 1000)
            n += 1
    return n


def newest(events):
    return {v.indicator.value: (v, s.payload.scored_unix_ms // 1000) for s in events for v in s.payload.verdicts}


def test_verdicts_decay_as_they_say_and_are_what_they_are_counted(lists, nginx, rng):
    pool = addresses(rng, 150) + ["bad.example.com", "9.9.0.0/16", "2001:db9::7"]
    held = {name: rng.sample(pool, 80) for name in SOURCES}
    for name in SOURCES:
        put(lists, nginx, name, held[name])
    lists.start()
    lists.run()
    weighed(lists)
    for name in SOURCES:
        nginx.write(f"{name}.txt", text(rng.sample(held[name], 20)))
    time.sleep(1.1)
    lists.run()
    sources = recount(lists)
    before = len(told(lists))
    clocks = lambda: [s for s in told(lists)[before:] if s.payload.cause_source == "time"]
    steady = lambda: {v for v in pool if step(sources, v, 2 ** 31)}
    late = lambda: {v for v, (_, at) in newest(told(lists)).items() if step(sources, v, at) != step(sources, v, 2 ** 31)}
    wait_for(lambda: not late() and set(lists.verdicts()) == steady(), 120, lambda: f"{late()} decay")
    assert check_all(told(lists)[before:], sources) >= 50 and len(clocks()) > 5
    tiers = {v.tier for s in clocks() for v in s.payload.verdicts}
    assert tiers == {0, 1, 2, 3} or tiers == {0, 1, 2}
    moments = [s.payload.scored_unix_ms for s in told(lists)]
    assert moments == sorted(moments)


def test_a_snapshot_is_scored_at_the_same_time(site, lists, nginx, rng):
    pool = addresses(rng, 60)
    for name in ("slow", "firm"):
        put(lists, nginx, name, pool, half_life="90s")
    lists.start()
    lists.run()
    nginx.write("slow.txt", text(pool[30:]))
    time.sleep(1.1)
    lists.run()
    wait_for(lambda: [s for s in told(lists) if s.payload.cause_source == "time"], 60, "time has moved something")
    shown = site.run_program(["tip", "snapshot", "verdict", "--door", "amber", "-o", "ndjson", "--config",
                              str(site.config_path)]).stdout
    rows = {row["value"]: row for row in map(json.loads, shown.splitlines())}
    seen = newest(told(lists))
    assert rows.keys() == {v for v, (verdict, _) in seen.items() if verdict.tier}
    for value, row in rows.items():
        assert abs(row["score"] - seen[value][0].score) < 0.05 and row["tier"] == ["none", "watch", "slow", "block"][seen[value][0].tier]


def test_one_source_alone_does_not_block_and_two_do(lists, nginx, rng):
    one, both = "5.5.5.5", "6.6.6.6"
    lists.source("a", nginx.write("a.txt", text([one, both])), weight=0.85)
    lists.source("b", nginx.write("b.txt", text([both])), weight=0.5, group="a")
    lists.source("c", nginx.write("c.txt", text([one])), weight=0.5, derived_from=["a"])
    lists.start()
    lists.run()
    assert lists.verdicts() == {one: 0.89, both: 0.89}, "one maintainer, or one made of the other"
    lists.source("b", nginx.url("b.txt"), weight=0.5)
    lists.source("c", nginx.url("c.txt"), weight=0.95, derived_from=["a"])
    lists.service.reload()
    wait_for(lambda: lists.verdicts().get(both) == 1 - 0.15 * 0.5, 20, "whom it is independent of has changed")
    wait_for(lambda: lists.verdicts().get(one, 0) > 0.9, 20, "a file's weight of 0.9 and more is the operators' word")


def test_a_block_ends_with_the_independence_that_it_rested_on(lists, nginx, rng):
    """Group and weight change at once: with the new group alone both sides of the weight's job would look the same."""
    lists.source("a", nginx.write("a.txt", text(["6.6.6.6"])), weight=0.8)
    lists.source("b", nginx.write("b.txt", text(["6.6.6.6"])), weight=0.6)
    lists.start()
    lists.run()
    assert lists.verdicts() == {"6.6.6.6": pytest.approx(0.92)}
    lists.source("a", nginx.url("a.txt"), weight=0.7, group="b")
    lists.service.reload()
    wait_for(lambda: lists.verdicts() == {"6.6.6.6": pytest.approx(0.88)}, 20, "one maintainer does not block")


def test_networks_that_come_to_mean_each_address_are_told_again(lists, nginx, rng):
    lists.source("a", nginx.write("a.txt", text(["9.9.0.0/16"])), weight=0.7)
    lists.start()
    lists.run()
    assert not newest(told(lists))["9.9.0.0/16"][0].whole
    lists.source("a", nginx.url("a.txt"), weight=0.7, networks="whole")
    lists.service.reload()
    wait_for(lambda: newest(told(lists))["9.9.0.0/16"][0].whole, 20, "that it means each address is told")


def test_the_higher_tiers_go_first_and_not_too_fast(lists, nginx, rng):
    pool = addresses(rng, 6000)
    lists.site.section("blacklist", verdict_rate=2000)
    lists.source("all", nginx.write("all.txt", text(pool)), weight=0.4)
    lists.source("some", nginx.write("some.txt", text(pool[::3])), weight=0.5)
    lists.source("few", nginx.write("few.txt", text(pool[::6])), weight=0.9)
    lists.start()
    lists.run()
    for _, events in itertools.groupby(told(lists), key=lambda s: (s.payload.cause_source, s.payload.version)):
        tiers = [v.tier for s in events for v in s.payload.verdicts]
        assert tiers == sorted(tiers, reverse=True)
    n = sum(len(s.payload.verdicts) for s in told(lists))
    made = [s.event.observed_unix_ms for s in told(lists)]
    burst = 2000 + 1000 + 1000  # what has gathered in a second, and a part that overdraws it at either end
    assert n >= 8000 and made[-1] - made[0] >= 1000 * (n - burst) / 2000 - 100, "between the first and the last"
    assert lists.service.metric("tip_blacklist_verdict_rests_total") > 0


def test_kill_9_while_time_is_counted(lists, nginx, rng):
    """Kills within the job that tells what decay has moved: nothing is missing, nothing is told twice."""
    pool = addresses(rng, 30_000)
    lists.site.section("blacklist", verdict_rate=8000, verdict_clock="4s")
    put(lists, nginx, "slow", pool, half_life="4s", interval="1h")
    put(lists, nginx, "firm", pool[:1000], interval="1h")
    lists.start()
    lists.run()
    weighed(lists, ("slow", "firm"))
    nginx.write("slow.txt", text(pool[:10]))
    before, kills = len(told(lists)), 0
    lists.run(deadline_s=120)
    while kills < 4:
        n = len(told(lists))
        wait_for(lambda: len(told(lists)) > n, 60, "a part of what decay has moved is told")
        lists.service.kill()
        kills += 1
        lists.service.start(ready=False)
        if set(lists.verdicts()) == set(pool[:1000]):
            break
    wait_for(lambda: set(lists.verdicts()) == set(pool[:1000]), 120, lambda: f"{len(lists.verdicts())} are left")
    sources = recount(lists, ("slow", "firm"))
    sources["slow"].half_life = 4
    assert check_all(told(lists)[before:], sources) >= 29_000
    parts = [(s.payload.version, s.payload.part) for s in told(lists) if s.payload.cause_source == "time"]
    assert len(parts) == len(set(parts)), "a part is told once"
    by_job = {version: sorted(p for v, p in parts if v == version) for version, _ in parts}
    assert all(found == list(range(1, len(found) + 1)) for found in by_job.values())


def test_a_site_of_before_counts_only_what_is_listed_until_its_first_clock(lists, nginx, rng):
    """The first job of the clock tells the rest: here a source that is given a half-life for what it had listed before."""
    pool = addresses(rng, 40)
    put(lists, nginx, "slow", pool, half_life=0)
    lists.start()
    lists.run()
    nginx.write("slow.txt", text(pool[:20]))
    time.sleep(1.1)
    lists.run()
    assert set(lists.verdicts()) == set(pool[:20])
    put(lists, nginx, "slow", pool[:20], half_life="1h")
    lists.service.reload()
    wait_for(lambda: set(lists.verdicts()) == set(pool), 20, "what left counts again, less")
    sources = recount(lists, ("slow",))
    sources["slow"].half_life = 3600
    assert all(tier(score(sources, value, int(time.time()))[0]) for value in pool)
    (lists.dir / "slow.yaml").unlink()
    lists.service.reload()
    wait_for(lambda: not lists.verdicts(), 20, "a source that is gone has no share, nor has what left it")


def quiet(lists):
    """No job is left, and all that they say is in the journal."""
    wait_for(lambda: lists.service.metric("tip_blacklist_jobs") == lists.service.metric("tip_outbox_events") == 0, 30,
             "all jobs are done")


def test_a_baseline_of_all_tells_every_verdict_and_every_removal(lists, nginx, pub, caller):
    """Whatever was lost: also what has left a list that forgets at once, and what stands on no list."""
    listed, left, seen, denied, both = (f"45.1.1.{n}" for n in range(5))
    lists.source("one", nginx.write("one.txt", text([listed, left, both])), weight=0.7)
    lists.start()
    lists.run()
    time.sleep(1.1)
    nginx.write("one.txt", text([listed, both]))
    lists.run()
    for value in (seen, both):
        Seer(pub).mail(value)
    pub.flush()
    assert caller.control("blacklist", "deny_add", denied).ok
    wait_for(lambda: lists.verdicts().keys() == {listed, seen, denied, both} and lists.verdicts()[both] > 0.8, 20,
             lambda: f"all stand: {lists.verdicts()}")
    quiet(lists)
    before, stands = len(told(lists)), lists.verdicts()
    assert caller.control("blacklist", "baseline", "*").ok
    quiet(lists)
    again = [(v.indicator.value, v.score, s.payload) for s in told(lists)[before:] if s.payload.cause_source != "time"
             for v in s.payload.verdicts]
    assert {value: score for value, score, _ in again} == {left: 0} | stands and len(again) == 5, again
    assert {value for value, _, why in again if (why.cause_source, why.version) == ("operator", 0)} == {seen, denied}


def test_neither_order_nor_repetition_matters(lists, nginx, rng):
    pool, weights = addresses(rng, 300), {"a": 0.5, "b": 0.4, "c": 0.35}
    held = {name: rng.sample(pool, 150) for name in weights}
    for name, weight in weights.items():
        lists.source(name, nginx.write(f"{name}.txt", "#\n"), weight=weight, can_be_empty=True)
    lists.start()
    found, order = [], list(weights)
    for _ in range(2):
        rng.shuffle(order)
        for name in order:
            nginx.write(f"{name}.txt", text(rng.sample(held[name], 150)))
            assert lists.run(target=name).kind == "schedule.done"
        quiet(lists)
        found.append(lists.verdicts())
        time.sleep(1.1)  # a second in which nginx may call the next body the same
        for name in order:
            nginx.write(f"{name}.txt", text(rng.sample(held[name], 150)) + "#\n")
        before = len(told(lists))
        lists.run()
        quiet(lists)
        assert len(told(lists)) == before, "the same again, in another order"
        for name in order:
            nginx.write(f"{name}.txt", "#\n")
        lists.run()
        quiet(lists)
        assert lists.verdicts() == {}
        time.sleep(1.1)
    assert found[0] == found[1] and len(found[0]) > 200


def jobs_done(lists, kind):
    return lists.service.log_text().count(f" kind={kind} ")


def test_a_site_of_a_build_before_keeps_what_it_has_told(lists, nginx, rng):
    """Of before there was a score time, half-lives, and an account of who is independent of whom."""
    pool = addresses(rng, 800)
    for n, (name, weight) in enumerate({"a": 0.8, "b": 0.7, "c": 0.5, "word": 0.95}.items()):
        own, common = pool[200 + 150 * n:350 + 150 * n], rng.sample(pool[:80], 40)  # so each is independent
        lists.source(name, nginx.write(f"{name}.txt", text(own + common)), weight=weight, half_life=None, interval="1h")
    lists.start()
    lists.run()
    assert min(weighed(lists, "abc").values()) >= 0.5
    quiet(lists)
    assert {tier(score) for score in lists.verdicts().values()} == {1, 2, 3}
    lists.service.term()
    before, scores = len(told(lists)), lists.verdicts()
    with stored(lists.service) as store:
        store.change("source", lambda made: [made.pop(key) for key in (
            "half_life", "append", "kin", "kin_of", "measured_independence", "measured_half_life", "measured_append")])
        for key in store.items("clock"):
            store.delete("clock", key)
    weights, clocks = jobs_done(lists, 2), jobs_done(lists, 4)
    lists.service.start()
    wait_for(lambda: jobs_done(lists, 2) >= weights + 4 and jobs_done(lists, 4) > clocks, 30, "what is new is counted")
    quiet(lists)
    again = [(v.indicator.value, v.score) for s in told(lists)[before:] for v in s.payload.verdicts]
    moved = [(value, score, scores[value]) for value, score in again
             if tier(score) != tier(scores[value]) or abs(score - scores[value]) >= 0.05]
    assert moved == [] and lists.verdicts().keys() == scores.keys(), "no verdict is taken back and told again"


def test_a_list_that_never_removes_ages_from_when_an_entry_came(lists, nginx, rng):
    """That is measured over months: here it is put into the store."""
    pool = addresses(rng, 40)
    put(lists, nginx, "slow", pool[:20], half_life="8s")
    lists.start()
    lists.run()
    time.sleep(2)
    put(lists, nginx, "slow", pool, half_life="8s")
    lists.run()
    weighed(lists, ("slow",))
    quiet(lists)
    lists.service.term()
    with stored(lists.service) as store:
        store.change("source", lambda made: made.update(measured_append=True))
    before = len(told(lists))
    lists.service.start()
    wait_for(lambda: not lists.verdicts(), 60, "all decay, though they are listed")
    sources = recount(lists, ("slow",))
    sources["slow"].append, sources["slow"].half_life = True, 8
    assert len({times.since for times in sources["slow"].seen.values()}) == 2
    assert all(times.is_listed for times in sources["slow"].seen.values())
    assert check_all([s for s in told(lists)[before:] if s.payload.cause_source == "time"], sources) >= 40
