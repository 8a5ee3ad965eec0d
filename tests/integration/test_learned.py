"""What the service learns of its sources over months, in force: half-lives in verdicts, dead feeds, and when weights are
told. Its wall clock is ours."""
import datetime
import time

import pytest

from test_blacklist import Lists, addresses, text
from test_verdicts import check_all, newest
from test_weighed import check_arithmetic
from tip_clock import clock_of
from tip_harness import wait_for
from tip_verdicts import Source, read_seen, step

DAY, HOUR = 86400, 3600


@pytest.fixture
def clock(site):
    yield from clock_of(site)


@pytest.fixture
def lists(site, broker, pub, clock):
    """With a clock that begins 75 days ago."""
    clock.set(-75 * DAY)
    lists = Lists(site, pub)
    lists.service = site.service("blacklist", sources=str(lists.dir), interval_floor="1s", verdict_clock="1s",
                                 weights_interval="1s", env=clock.env)
    return lists


def weights(lists, source):
    """As they were measured: not what a source begins with, nor what is said of its overlaps only."""
    return [s.payload for s in lists.events("v1.source.weight.")
            if s.payload.source == source and s.payload.measured_unix_ms and s.payload.reason != "overlap"]


def settled(lists):
    wait_for(lambda: lists.service.metric("tip_blacklist_jobs") == 0, 30, "verdicts follow")


def test_learned_half_lives_drive_verdicts(lists, nginx, clock, rng):
    """One list whose new entries stay for four days, and one that removes nothing: nobody says so in their files."""
    pool = addresses(rng, 400)
    stock, brief, late = pool[:60], pool[60:120], pool[120:150]
    grown, fresh = pool[200:300], pool[300:330]
    deliveries = [  # days ago, what `churn` lists, what `grow` lists
        (75, stock, grown[:60]), (74, stock + brief, grown), (70, stock + brief, grown), (69, stock + brief[:5], grown),
        (3, stock + brief[:5] + late, grown), (1, stock + brief[:5] + late, grown + fresh), (0, stock, grown + fresh)]
    for name in ("churn", "grow"):
        lists.source(name, nginx.url(f"{name}.txt"), weight=0.7, half_life=None, interval="1h", category="spam")
    for ago, churn, grow in deliveries:
        nginx.write("churn.txt", text(churn))
        nginx.write("grow.txt", text(grow))
        clock.set(-ago * DAY)
        if ago == 75:
            lists.start()
        assert lists.run().payload.n_ok == 2
    learned = lambda: {name: weights(lists, name)[-1] for name in ("churn", "grow") if weights(lists, name)}
    wait_for(lambda: {w.half_life_basis for w in learned().values()} == {"measured", "append_only"}, 30,
             lambda: f"half-lives are learned: {learned()}")
    churn, grow = learned()["churn"], learned()["grow"]
    assert (churn.half_life_basis, grow.half_life_basis) == ("measured", "append_only")
    assert churn.half_life_ms == 4 * DAY * 1000 and grow.half_life_ms == 7 * DAY * 1000
    settled(lists)
    sets = lists.site.data / "blacklist" / "sets"
    seen = {name: read_seen(max(sets.glob(f"{name}-*.seen"), key=lambda p: int(p.stem.split("-")[-1])))
            for name in ("churn", "grow")}
    sources = {
        "churn": Source(seen["churn"], 0.7, 4 * DAY, group="churn", trusted=churn.independence >= 0.5),
        "grow": Source(seen["grow"], 0.7, 7 * DAY, append=True, group="grow", trusted=grow.independence >= 0.5)}
    told = lambda: lists.events("v1.verdict.")
    now = clock.now()
    assert set(lists.verdicts()) == {v for v in pool if step(sources, v, now)} == set(stock + brief[:5] + late + fresh)
    n = len(told())
    for ahead in (2, 5, 30):
        clock.set(ahead * DAY)
        wait_for(lambda: set(lists.verdicts()) == {v for v in pool if step(sources, v, clock.now())}, 30,
                 lambda: f"verdicts of {ahead} days later")
    assert {s.payload.cause_source for s in told()[n:]} == {"time"}
    assert check_all(told()[n:], sources) >= len(late) + len(fresh)
    at = {v: when for v, (_, when) in newest(told()).items()}
    assert all(step(sources, v, at[v]) == step(sources, v, clock.now()) for v in at)
    assert set(lists.verdicts()) == set(stock), "all that is listed for good by a list that removes"


def test_the_age_is_what_a_list_says_itself(lists, nginx, clock, rng):
    """One that removes nothing, and says when it saw an entry first and last: old entries of ours may be young, and new ones
    old; and when it only says other times, that is a version too."""
    pool = addresses(rng, 130)
    stock, seen_again, old_news = pool[:60], pool[60:100], pool[100:]
    moment = lambda at: datetime.datetime.fromtimestamp(at, datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%S")
    said = {}

    def deliver(ago, values, **seen_ago):  # in days before the delivery
        clock.set(-ago * DAY)
        for value in values:
            last = next((days for name, days in seen_ago.items() if value in groups[name]), None)
            said[value] = int(clock.now()) - int((last or 100) * DAY)
        rows = [f"{value},{moment(said[value] - 30 * DAY)},{moment(said[value])}" for value in values]
        nginx.write("grow.csv", ("\n".join(["ip,first_seen,last_seen", *rows]) + "\n").encode())
        if ago == 75:
            lists.start()
        assert lists.run().payload.n_ok == 1

    groups = {"seen_again": seen_again, "old_news": old_news, "revived": stock[:10]}
    put = lambda **columns: lists.source(
        "grow", nginx.url("grow.csv"), kind="csv", column="ip", header=True, type="ip4", weight=0.7, half_life=None,
        interval="1h", category="spam", **columns)
    put(first_seen="first_seen", last_seen="last_seen")
    deliver(75, stock)
    deliver(74, stock + seen_again)
    deliver(0, pool, seen_again=1, old_news=20)
    wait_for(lambda: weights(lists, "grow") and weights(lists, "grow")[-1].half_life_basis == "append_only", 30,
             "it removes nothing")
    settled(lists)
    sets = lists.site.data / "blacklist" / "sets"

    def source():
        seen = read_seen(max(sets.glob("grow-*.seen"), key=lambda p: int(p.stem.split("-")[-1])))
        for value, times in seen.items():
            assert times.since == said[value], (value, times.since, said[value])
        return {"grow": Source(seen, 0.7, 7 * DAY, append=True, group="grow",
                               trusted=weights(lists, "grow")[-1].independence >= 0.5)}
    wait_for(lambda: set(lists.verdicts()) == set(seen_again), 30, "what was seen lately counts")
    n, version = len(lists.events("v1.verdict.")), lists.last("grow").payload.version
    deliver(0, pool, seen_again=1, old_news=20, revived=1 / 24)
    assert (lists.last("grow").payload.reason, lists.last("grow").payload.version) == ("changed", version + 1)
    assert lists.last("grow").payload.n_added == lists.last("grow").payload.n_removed == 0
    assert set(lists.listed("grow")) == set(pool), "no entry has changed"
    wait_for(lambda: set(lists.verdicts()) == set(seen_again + stock[:10]), 30, "what was seen again counts again")
    settled(lists)
    assert check_all(lists.events("v1.verdict.")[n:], source()) >= 10
    lists.run()
    assert lists.last("grow").payload.reason in ("unchanged", "not_modified")
    version = lists.last("grow").payload.version
    put()  # without the columns
    lists.service.reload()
    wait_for(lambda: lists.service.log_lines("config.reloaded"), 20, "the configuration is reloaded")
    lists.run()
    assert (lists.last("grow").payload.reason, lists.last("grow").payload.version) == ("changed", version + 1)
    settled(lists)
    seen = read_seen(max(sets.glob("grow-*.seen"), key=lambda p: int(p.stem.split("-")[-1])))
    assert all(times.since == times.first for times in seen.values()), "its times are ours again"


def test_a_feed_that_died_loses_weight(lists, nginx, rng, clock):
    """It answers, and says the same for ever."""
    clock.set(0)
    pool = addresses(rng, 40)
    for name, cadence in (("mute", "500ms"), ("calm", "30d")):
        lists.source(name, nginx.write(f"{name}.txt", text(pool[:20] if name == "mute" else pool[20:])), weight=None,
                     interval="1h", cadence=cadence)
    lists.start()
    lists.run()
    assert set(lists.verdicts()) == set(pool)
    stale = lambda: [s.payload for s in lists.events("v1.system.alarm.") if s.payload.name == "stale"]
    wait_for(lambda: stale() and stale()[-1].raised, 20, "the alarm")
    assert stale()[-1].detail.endswith(": mute")
    wait_for(lambda: weights(lists, "mute")[-1].weight < 0.05, 60, lambda: f"its weight falls {weights(lists, 'mute')[-1:]}")
    told = weights(lists, "mute")
    assert len(told) > 2 and all(a.freshness > b.freshness and a.weight > b.weight for a, b in zip(told, told[1:]))
    assert all(w.interval_ms == 1000 for w in told[1:]), "by what it is expected to do, not by how often it is asked"
    for weight in told:
        check_arithmetic(weight)
    assert len(weights(lists, "calm")) == 1 and set(lists.verdicts()) == set(pool[20:])
    nginx.write("mute.txt", text(pool[:19]))
    lists.run(target="mute")
    wait_for(lambda: weights(lists, "mute")[-1].weight > 0.3, 20, "it moves, and counts again")
    assert set(pool[:19]) <= set(lists.verdicts())


def test_weights_are_told_hourly_at_most_and_when_they_moved(lists, nginx, rng, clock):
    clock.set(0)
    lists.site.section("blacklist", weights_interval="1h")
    pool = addresses(rng, 200)
    bad = [f"10.0.0.{n}" for n in range(20)]
    lists.source("one", nginx.write("one.txt", text(pool)), weight=None, interval="1h")
    lists.start()
    lists.run()
    measured = lambda: len(lists.service.log_lines("weights.measured"))
    n_first = wait_for(measured, 30, "it is measured")
    wait_for(lambda: weights(lists, "one"), 30, "and told")
    for n in (5, 20):  # it is worth less at once; within the hour nobody is told
        nginx.write("one.txt", text(pool + bad[:n]))
        lists.run()
    done = time.monotonic()
    wait_for(lambda: time.monotonic() - done > 2.5, 5, "it had time enough")
    assert measured() == n_first and len(weights(lists, "one")) == 1
    clock.set(HOUR - 300)
    lists.run(deadline_s=4 * HOUR, expires_s=4 * HOUR)
    assert measured() == n_first and len(weights(lists, "one")) == 1
    clock.set(HOUR + 60)
    wait_for(lambda: len(weights(lists, "one")) == 2, 30, "an hour later")
    for weight in weights(lists, "one"):
        check_arithmetic(weight)
    assert weights(lists, "one")[0].weight - weights(lists, "one")[1].weight > 0.02
    for hour in (2, 3):  # again and again, and nothing is new
        n = measured()
        clock.set(hour * HOUR + 180)
        lists.run(deadline_s=5 * HOUR, expires_s=5 * HOUR)
        wait_for(lambda: measured() > n, 30, "it is measured again")
    assert len(weights(lists, "one")) == 2
