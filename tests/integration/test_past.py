"""What was told and listed at a time of the past: storage's history against one that is read off the journal."""
import datetime
import json
import time

from test_storage import Store, publish, store  # noqa: F401
from tip_harness import wait_for
from tip_lister import Lister
from tip_wire import event, pb

TIERS = ["none", "watch", "slow", "block"]
MS = datetime.timedelta(milliseconds=1)


def told(rng, values, version):
    """One event of verdicts on some of the values; often the same again."""
    verdicts = []
    for value in rng.sample(values, rng.randrange(1, len(values))):
        score = rng.choice([0, 0.35, 0.36, 0.65, 0.95])
        verdict = pb.Verdict(indicator=pb.Indicator(kind=pb.KIND_IP, value=value), score=score,
                             tier=[0, 0.3, 0.6, 0.9].index(max(t for t in (0, 0.3, 0.6, 0.9) if t <= score)))
        if score:
            verdict.families["list"] = score
            verdict.reasons.append(pb.VerdictReason(source=rng.choice(["one", "two"]), weight=score))
            verdict.reason_count = 1
        verdicts.append(verdict)
    return ("v1.verdict.changes.list.", event("verdict.changes", verdicts=verdicts, cause_source="one", stream=b"s" * 16,
                                              version=version, part=1))


def word_of(row):
    """What makes a row of its own: marking aside, all that the owner tells changes of."""
    score, tier, families, reasons = row
    return int(score * 20 + 0.5), tier, sorted(families), sorted(reason["source"] for reason in reasons)


def oracle(store):
    """{value: [(from, to, score, tier, families, reasons)]}, from the events in the order of the journal."""
    words = {}
    for at, body in store.rows("select commit_time, bytes from tip.event where kind = 'verdict.changes' order by seq"):
        at = at.replace(microsecond=at.microsecond // 1000 * 1000)  # as times are shown
        for verdict in pb.Event.FromString(bytes(body)).verdict_changes.verdicts:
            told_now = words.setdefault(verdict.indicator.value, [])
            word = (verdict.score, TIERS[verdict.tier], dict(verdict.families),
                    [{"source": r.source, "weight": r.weight} for r in verdict.reasons]) if verdict.tier else None
            if told_now and told_now[-1][0] == at:
                told_now.pop()
            told_now.append((at, word))
    history = {}
    for value, told_now in words.items():
        kept = []
        for at, word in told_now:
            before = kept[-1][1] if kept else None
            if (word and word_of(word)) != (before and word_of(before)):
                kept.append((at, word))
        ends = [at for at, _ in kept[1:]] + [None]
        history[value] = [(at, end, *word) for (at, word), end in zip(kept, ends) if word]
    return history


def stored(store):
    """Neighbours that say the same are one: where a batch ends within a commit, a word may have been told twice."""
    history = {}
    for value, *row in store.rows("select value, from_at, to_at, score, tier_name, families, reasons "
                                  "from tip.v_verdict_history order by value, from_at"):
        rows = history.setdefault(value, [])
        if rows and rows[-1][1] == row[0] and word_of(rows[-1][2:]) == word_of(row[2:]):
            row = [rows[-1][0], row[1], *rows.pop()[2:]]
        rows.append(tuple(row))
    return history


def rfc(at):
    return at.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def check_as_of(caller, rng, history, n=40):
    """Any time between the first word and now: what explain_at says is what held then."""
    times = sorted({at for rows in history.values() for row in rows for at in row[:2] if at})
    for _ in range(n):
        at = rng.choice(times) + rng.choice([-2, 0, 2, 500]) * MS
        at = at.replace(microsecond=at.microsecond // 1000 * 1000)
        value = rng.choice(sorted(history))
        held = [row for row in history[value] if row[0] <= at and (row[1] is None or row[1] > at)]
        rows = caller.query("explain_at", value=value, at=rfc(at))
        got = [word_of((float(row["score"]), row["tier"], json.loads(row["families"]), json.loads(row["reasons"])))
               for row in rows if row["score"]]
        assert got == [word_of(row[2:]) for row in held], (value, at)


def test_history_equals_the_journal(site, broker, postgres, pub, caller, rng):
    """Whatever the batches, and whenever storage is killed."""
    values = [f"192.0.2.{i}" for i in range(12)]
    store = Store(site, postgres)
    site.section("storage", batch_events=rng.choice([1, 3, 10]))
    store.start()
    for turn in range(8):
        seq = publish(pub, [told(rng, values, turn * 20 + i + 1) for i in range(rng.randrange(1, 20))])
        time.sleep(rng.random() * 0.1)
        store.service.kill()
        store.service.start(ready=False)
    store.wait_stored(seq, 60)
    history = oracle(store)
    assert sum(len(rows) for rows in history.values()) > 50
    assert stored(store) == {value: rows for value, rows in history.items() if rows}
    assert store.one("select count(*) from (select from tip.verdict_history where to_at is null "
                     "group by ikey, kind, value having count(*) > 1) as twice") == 0
    assert {(row[0], row[1]) for row in store.rows("select value, tier from tip.verdict where tier > 0")} == \
        {(value, TIERS.index(rows[-1][3])) for value, rows in history.items() if rows and rows[-1][1] is None}
    check_as_of(caller, rng, history)
    told_first = reversed(caller.query("verdict_history", limit=1000, value=values[0]))
    assert [(row["from_at"], row["tier"]) for row in told_first] == \
        [(rfc(at), tier) for at, tier in store.rows("select from_at, tier_name from tip.v_verdict_history where value = %s "
                                                    "order by from_at", values[0])]


def test_what_is_told_twice_is_stored_once(store, pub, caller):  # noqa: F811
    """A service whose outbox was put back tells everything again, under other numbers."""
    store.start()
    pairs = [("v1.verdict.changes.list.", event(
        "verdict.changes", cause_source="one", version=1, part=1,
        verdicts=[pb.Verdict(indicator=pb.Indicator(kind=pb.KIND_IP, value="192.0.2.1"), score=0.7, tier=pb.TIER_SLOW)]))]
    store.wait_stored(publish(pub, pairs))
    store.wait_stored(publish(pub, pairs + pairs))
    row, = caller.query("verdict_history", value="192.0.2.1")
    assert (row["tier"], row["to_at"]) == ("slow", None)


def step(store, pub, lister, new, unix_ms):  # noqa: F811
    lister.fetched_unix_ms = unix_ms
    store.wait_stored(publish(pub, lister.step(new)))


def test_a_list_is_known_as_it_was(store, pub, caller):  # noqa: F811
    """Listed, gone, back with other words, and weighed otherwise: search and explain as of each time."""
    drop, key, net = Lister("drop"), (pb.KIND_IP, "192.0.2.7"), (pb.KIND_NET, "192.0.2.0/24")
    start_ms = int(time.time() * 1000) - 1000_000
    store.start()
    for i, new in enumerate([{net: 0}, {net: 0, key: 0}, {net: 0}, {net: 0, key: 2}, {net: 0}]):
        step(store, pub, drop, new, start_ms + i * 100_000)
    for at_ms, weight in [(start_ms + 150_000, 0.4), (start_ms + 250_000, 0.6)]:
        weighed = event("source.weight", source="drop", weight=weight)
        weighed.observed_unix_ms = at_ms
        store.wait_stored(publish(pub, [(drop.topic("source.weight"), weighed)]))

    def ask(name, turns):
        at = datetime.datetime.fromtimestamp((start_ms + int(turns * 100_000)) / 1000, datetime.timezone.utc)
        rows = [row for row in caller.query(name, value="192.0.2.7", at=rfc(at)) if row["source"]]
        return [(row.get("relation", "exact"), row["listed"], row["version"], row["flags"], float(row["weight"]))
                for row in rows]

    last = 0.6  # nothing is known of the weight before the first was told: as it is now
    assert ask("search_at", -0.5) == ask("explain_at", -0.5) == []
    assert ask("search_at", 0.5) == [("around", "true", "1", "0", last)]
    assert ask("explain_at", 0.5) == []
    for turns, exact in [(1.2, ("exact", "true", "2", "0", last)), (1.7, ("exact", "true", "2", "0", 0.4)),
                         (2.2, ("exact", "false", "2", "0", 0.4)), (2.7, ("exact", "false", "2", "0", 0.6)),
                         (3.5, ("exact", "true", "4", "2", 0.6)), (4.5, ("exact", "false", "4", "2", 0.6))]:
        assert ask("explain_at", turns) == [exact], turns
        assert ask("search_at", turns) == [exact, ("around", "true", "1", "0", exact[4])], turns
    assert store.rows("select n_times, listed from tip.listing where value = '192.0.2.7'") == [(2, False)]


def test_of_too_many_the_strongest_come_first(store, pub, caller):  # noqa: F811
    """Inside a network and below a name, now and as of a time: what is listed, by the weights of that time."""
    names = {name: Lister(name) for name in ("gone", "weak", "late")}  # the strong one is stored last
    entries = lambda net, n: {(kind, value): 0 for i in range(n) for kind, value in (
        (pb.KIND_IP, f"192.0.{net}.{i}"), (pb.KIND_DOMAIN, f"a{net}-{i}.big.test"))}
    weigh = lambda **weights: [(names[name].topic("source.weight"), event("source.weight", source=name, weight=weight))
                               for name, weight in weights.items()]
    store.start()
    store.wait_stored(publish(pub, [*weigh(gone=1.0, weak=0.3, late=0.9), *names["gone"].step(entries(2, 40)),
                                    *names["weak"].step(entries(3, 40)), *names["gone"].step({})]))
    store.wait_stored(publish(pub, names["late"].step(entries(4, 2))))
    then = rfc(datetime.datetime.now(datetime.timezone.utc))

    def first(query, **at):
        rows = [row for value in ("192.0.0.0/16", "big.test") for row in caller.query(query, value=value, limit=3, **at)]
        assert [row["relation"] for row in rows] == ["inside"] * 3 + ["below"] * 3
        return [(row["source"], row["listed"]) for row in rows]

    best = [("late", "true"), ("late", "true"), ("weak", "true")] * 2
    assert first("search") == best and first("search_at", at=then) == best
    time.sleep(0.01)  # weights of another millisecond
    store.wait_stored(publish(pub, weigh(late=0.1)))
    assert first("search") == [("weak", "true")] * 6 and first("search_at", at=then) == best


def test_how_fast_what_was_said_fades_as_of_a_time(store, pub, caller):  # noqa: F811
    """The law in force, not the measured one; and when the list last named what it has removed, each time it did."""
    drop, key, value = Lister("drop"), (pb.KIND_IP, "192.0.2.7"), "192.0.2.7"
    start_ms = int(time.time() * 1000) // 1000 * 1000 - 40 * 86400_000  # confirmed longer ago than 30 days, and not cut
    steps = [{key: 0}, {}, {key: 0}, {}]
    store.start()
    for i, new in enumerate(steps):
        drop.confirmed_unix_ms = start_ms + i * 100_000 - 7_000
        step(store, pub, drop, new, start_ms + 39 * 86400_000 + i * 100_000)
    laws = [dict(half_life_ms=1000, half_life_basis="append_only"),  # as an older build tells it
            dict(half_life_ms=1000, half_life_basis="append_only", law_basis="file", law_half_life_ms=0),
            dict(law_basis="category", law_half_life_ms=5000, law_append=True)]
    for i, law in enumerate(laws):
        weighed = event("source.weight", source="drop", weight=0.5, **law)
        weighed.observed_unix_ms = start_ms + 39 * 86400_000 + i * 100_000 + 50_000
        store.wait_stored(publish(pub, [(drop.topic("source.weight"), weighed)]))

    def at(ms):
        return rfc(datetime.datetime.fromtimestamp(ms / 1000, datetime.timezone.utc))

    def ask(name, **how):
        row, = caller.query(name, value=value, **how)
        return row["listed"], row["confirmed_at"], row["half_life_ms"], row["half_life_basis"], row["append_only"]

    day_39 = start_ms + 39 * 86400_000
    first, last = at(start_ms + 93_000), at(start_ms + 293_000)
    assert ask("explain") == ("false", last, "5000", "category", "true")
    assert [ask("explain_at", at=at(day_39 + seconds * 1000)) for seconds in (40, 60, 140, 160, 210, 290, 301)] == [
        ("true", None, None, None, None), ("true", None, "1000", "append_only", "true"),
        ("false", first, "1000", "append_only", "true"), ("false", first, "0", "file", "false"),
        ("true", None, "0", "file", "false"), ("true", None, "5000", "category", "true"),
        ("false", last, "5000", "category", "true")]
    told, older, oldest = caller.query("source_weight", source="drop")
    assert [(row["law_half_life_ms"], row["law_basis"], row["law_append"]) for row in (told, older, oldest)] == [
        ("5000", "category", "true"), ("0", "file", "false"), ("1000", "append_only", "true")]
    assert (older["half_life_ms"], json.loads(older["counts"])["half_life_basis"]) == ("1000", "append_only")


def test_an_audience_sees_of_the_past_what_it_may_see_now(store, pub, caller):  # noqa: F811
    """Told to everybody, then the list is marked amber: its past is marked with it."""
    lister, key = Lister("canary.list"), (pb.KIND_IP, "192.0.2.9")
    lister.fetched_unix_ms -= 10_000
    verdict = pb.Verdict(indicator=pb.Indicator(kind=pb.KIND_IP, value="192.0.2.9"), score=0.5, tier=pb.TIER_WATCH,
                         reasons=[pb.VerdictReason(source="canary.list", weight=0.5)], reason_count=1)
    changes = event("verdict.changes", verdicts=[verdict], cause_source="other", version=1, part=1)
    store.start()
    pub.publish_all(lister.step({key: 0}) + [("v1.verdict.changes.list.", changes)], 1)
    pub.publish_all(lister.step({}) + lister.step({key: 0}), 1)
    store.wait_stored(pub.flush(30))

    def seen(audience, name, **how):
        return len(caller.query(name, value="192.0.2.9", audience=audience, **how))

    now = rfc(datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=1))
    asked = [("verdict_history", {}), ("explain_at", {"at": now}), ("search_at", {"at": now})]
    assert [seen("clear", name, **how) for name, how in asked] == [1, 1, 1]
    pub.publish_all([lister.ok()], 3)
    store.wait_stored(pub.flush(30))
    assert [seen("green", name, **how) for name, how in asked] == [0, 0, 0]
    assert [seen("amber", name, **how) for name, how in asked] == [1, 1, 1]


def test_a_weight_is_marked_by_itself(store, pub, caller):  # noqa: F811
    """One that names a list the audience may not know hides neither its own list, nor the weight told before it."""
    lister, key = Lister("told.list"), (pb.KIND_IP, "192.0.2.9")
    start_ms = int(time.time() * 1000) - 100_000
    lister.fetched_unix_ms = start_ms
    store.start()
    pub.publish_all([*lister.step({key: 0}), lister.ok(weight=0.1)], 1)
    for tlp, weight, turn in [(1, 0.4, 1), (3, 0.6, 2)]:
        weighed = event("source.weight", source="told.list", weight=weight, half_life_ms=turn * 1000,
                        copied_from="secret" if tlp == 3 else "")
        weighed.observed_unix_ms = start_ms + turn * 10_000
        pub.publish_all([(lister.topic("source.weight"), weighed)], tlp)
    store.wait_stored(pub.flush(30))
    assert [row["name"] for row in caller.query("sources", audience="clear")] == ["told.list"]
    now = rfc(datetime.datetime.now(datetime.timezone.utc))
    for audience, weight, n in [("clear", 0.4, 1), ("green", 0.4, 1), ("amber", 0.6, 2)]:
        how = {"value": "192.0.2.9", "audience": audience}
        assert [float(row["weight"]) for row in caller.query("search_at", at=now, **how)] == [weight], audience
        explained, = caller.query("explain_at", at=now, **how)
        assert (float(explained["weight"]), explained["half_life_ms"]) == (weight, f"{n}000"), audience
        assert [row["half_life_ms"] for row in caller.query("explain", **how)] == [f"{n}000"], audience
        assert len(caller.query("source_weight", source="told.list", audience=audience)) == n, audience


def test_the_allow_list_as_it_was(store, pub, caller):  # noqa: F811
    entry = pb.AllowEntry(indicator=pb.Indicator(kind=pb.KIND_NET, value="192.0.2.0/24"), rule=pb.ALLOW_RULE_ALLOW,
                          scope=pb.ALLOW_SCOPE_SUBTREE, actor="me", since_unix_ms=int(time.time() * 1000) - 100_000)
    removal = event("control.allow", stream=b"s" * 16, change=2, removed=[entry])
    removal.observed_unix_ms -= 50_000
    store.start()
    store.wait_stored(publish(pub, [("v1.control.allow.blacklist.", event("control.allow", stream=b"s" * 16, change=1,
                                                                           added=[entry])),
                                    ("v1.control.allow.blacklist.", removal)]))
    now = datetime.datetime.now(datetime.timezone.utc)
    assert [len(caller.query("allow_at", value="192.0.2.7", at=rfc(now - datetime.timedelta(seconds=s))))
            for s in (150, 75, 25)] == [0, 1, 0]
    assert caller.query("allow_on", value="192.0.2.7") == []


def test_verdicts_weighed_by_storage_have_a_history(store, pub, caller):  # noqa: F811
    """A removal was lost, its baseline came: what storage weighs anew is told from that commit on."""
    lister, value = Lister("drop"), "192.0.2.3"
    verdict = pb.Verdict(indicator=pb.Indicator(kind=pb.KIND_IP, value=value), score=0.7, tier=pb.TIER_SLOW, reason_count=1,
                         families={"list": 0.7})
    store.start()
    publish(pub, [*lister.step({(pb.KIND_IP, value): 0}), lister.ok(weight=0.7)])
    store.wait_stored(publish(pub, [("v1.verdict.changes.list.", event("verdict.changes", verdicts=[verdict], version=1, part=1,
                                                                       cause_source="drop"))]))
    told_at = time.time()
    wait_for(lambda: time.time() > told_at + 0.01, 5, "another millisecond")
    lister.step({})
    store.wait_stored(publish(pub, lister.baseline()))
    row, = caller.query("verdict_history", value=value)
    assert row["tier"] == "slow" and row["to_at"]
    assert store.one("select h.to_at = (select date_trunc('milliseconds', max(commit_time)) from tip.event "
                     "where kind = 'listing.baseline') from tip.verdict_history as h")


def verdict_of(value, score, families, *reasons, **more):
    """reasons: (source, weight)."""
    return pb.Verdict(indicator=pb.Indicator(kind=pb.KIND_IP, value=value), score=score, families=families,
                      tier=sum(score >= floor for floor in (0.3, 0.6, 0.9)), reason_count=len(reasons),
                      reasons=[pb.VerdictReason(source=source, weight=weight) for source, weight in reasons], **more)


def verdicts_by(lister, *verdicts):
    return ("v1.verdict.changes.list.", event("verdict.changes", verdicts=verdicts, cause_source=lister.name, part=1,
                                              stream=lister.stream, version=lister.version))


def rows_of(caller):
    return {row["value"]: (round(float(row["score"]), 6), row["tier"],
                           {name: round(share, 6) for name, share in json.loads(row["families"]).items()},
                           [reason["source"] for reason in json.loads(row["reasons"])], row["cause_version"])
            for row in caller.query("verdicts")}


def test_a_baseline_is_believed_in_what_it_has_told(store, pub, caller):  # noqa: F811
    """Its list still has a share in what it lists no more: verdicts come before its parts, and stand."""
    drop, value = Lister("drop"), "192.0.2.1"
    later_ms = int(time.time() + 3600) * 1000
    store.start()
    publish(pub, [*drop.step({(pb.KIND_IP, value): 0}), drop.ok(weight=0.95), verdicts_by(drop, verdict_of(
        value, 0.89, {"list": 0.95}, ("drop", 0.95)))])
    drop.step({})
    seq = publish(pub, [verdicts_by(drop, verdict_of(value, 0.61, {"list": 0.61}, ("drop", 0.61), next_change_unix_ms=later_ms,
                                               expires_unix_ms=later_ms)), *drop.baseline()])
    store.wait_stored(seq)
    store.check_lists([drop])
    assert rows_of(caller) == {value: (0.61, "slow", {"list": 0.61}, ["drop"], "2")}
    row, = caller.query("verdicts")
    assert row["next_change_at"] and row["next_change_at"] == row["expires_at"]
    assert [(row["score"], bool(row["to_at"])) for row in caller.query("verdict_history", value=value)] == \
        [("0.61", False), ("0.89", True)]


def test_what_a_baseline_closes_is_weighed_without_its_list(store, pub, caller):  # noqa: F811
    """The removal was lost, and the verdicts with it; the list has no share any more, so its baseline tells none."""
    drop, other, third, word = Lister("drop"), Lister("other"), Lister("third"), Lister("word")
    values = [f"192.0.2.{i}" for i in range(7)]
    seen, decayed, alone, two, none, operator, trusted = values
    ip = lambda *of: {(pb.KIND_IP, value): 0 for value in of}  # noqa: E731
    weighed = event("source.weight", source="word", weight=0.95, fixed=True)
    store.start()
    publish(pub, [*drop.step(ip(*values)), drop.ok(weight=0.9), *other.step(ip(alone, two)), other.ok(weight=0.95),
                  *third.step(ip(two)), third.ok(weight=0.5), *word.step(ip(trusted)), word.ok(weight=0.95),
                  (word.topic("source.weight"), weighed)])
    seq = publish(pub, [verdicts_by(
        drop, verdict_of(seen, 0.95, {"list": 0.9, "trap": 0.5}, ("drop", 0.9), ("trap", 0.5), expires_unix_ms=2**41),
        verdict_of(decayed, 0.94, {"list": 0.94}, ("drop", 0.9), ("other", 0.4)),
        verdict_of(alone, 0.995, {"list": 0.995}, ("other", 0.95), ("drop", 0.9)),
        verdict_of(two, 0.9975, {"list": 0.9975}, ("other", 0.95), ("drop", 0.9), ("third", 0.5)),
        verdict_of(none, 0.89, {"list": 0.9}, ("drop", 0.9), expires_unix_ms=2**41),
        verdict_of(operator, 1, {"list": 0.9, "deny": 0.11}, ("operator", 1), ("drop", 0.9)),
        verdict_of(trusted, 0.995, {"list": 0.995}, ("word", 0.95), ("drop", 0.9)))])
    store.wait_stored(seq)
    before = rows_of(caller)
    drop.step({})
    store.wait_stored(publish(pub, drop.baseline()))
    assert rows_of(caller) == {
        seen: (0.5, "watch", {"trap": 0.5}, ["trap"], "2"),
        decayed: (0.4, "watch", {"list": 0.4}, ["other"], "2"),
        alone: (0.89, "slow", {"list": 0.95}, ["other"], "2"),
        two: (0.975, "block", {"list": 0.975}, ["other", "third"], "2"),
        operator: before[operator],
        trusted: (0.95, "block", {"list": 0.95}, ["word"], "2"),
    }
    row, = (row for row in caller.query("verdicts") if row["value"] == seen)
    assert row["expires_at"]
    row, = caller.query("verdict_history", value=none)
    assert row["to_at"]
    assert [row["score"] for row in caller.query("verdict_history", value=alone)] == ["0.89", "0.995"]


def test_a_verdict_told_again_moves_its_times(store, pub, caller):  # noqa: F811
    """As baselines of lists that fade tell it, whatever the batches."""
    drop, value, later_s = Lister("drop"), "192.0.2.1", int(time.time()) + 3600
    drop.version = 1

    def tell(score, i, *reasons):
        return verdicts_by(drop, verdict_of(value, score, {"list": score}, *reasons, next_change_unix_ms=(later_s + i) * 1000,
                                            expires_unix_ms=(later_s + 2 * i) * 1000))

    def history():
        return [(row["score"], row["next_change_at"], row["to_at"] is None)
                for row in caller.query("verdict_history", value=value)]

    def at(i):
        return rfc(datetime.datetime.fromtimestamp(later_s + i, datetime.timezone.utc))

    store.start()
    for i, score in enumerate([0.39, 0.385, 0.38]):
        store.wait_stored(publish(pub, [tell(score, i, ("drop", score))]))
        assert history() == [("0.39", at(i), True)]
    store.wait_stored(publish(pub, [tell(0.379, 3, ("drop", 0.379)), tell(0.378, 4, ("drop", 0.378))]))
    assert history() == [("0.39", at(4), True)]
    assert caller.query("verdict_history", value=value)[0]["expires_at"] == at(8)
    store.wait_stored(publish(pub, [tell(0.37, 5, ("drop", 0.37))]))
    assert history() == [("0.37", at(5), True), ("0.39", at(4), False)]
    store.wait_stored(publish(pub, [tell(0.37, 6, ("other", 0.37))]))
    assert [row[0] for row in history()] == ["0.37", "0.37", "0.39"], "another list is another word"


def test_a_clock_that_was_put_back_keeps_the_order(store, pub, caller):  # noqa: F811
    """What is told after a withdrawal begins where that was, though its commit says an earlier time."""
    drop, value = Lister("drop"), "192.0.2.1"
    drop.version = 1
    store.start()
    store.wait_stored(publish(pub, [verdicts_by(drop, verdict_of(value, 0.5, {"list": 0.5}, ("drop", 0.5)))]))
    store.wait_stored(publish(pub, [verdicts_by(drop, verdict_of(value, 0, {}))]))
    over, = store.rows("update tip.verdict_history set from_at = from_at + interval '1 hour', "
                       "to_at = to_at + interval '1 hour' returning to_at")[0]
    store.wait_stored(publish(pub, [verdicts_by(drop, verdict_of(value, 0.7, {"list": 0.7}, ("drop", 0.7)))]))
    assert store.rows("select from_at = %s, to_at, score from tip.verdict_history order by score", over) == \
        [(False, over, 0.5), (True, None, 0.7)]


def test_a_verdict_keeps_how_far_it_reaches(store, pub, caller):  # noqa: F811
    drop = Lister("drop")
    drop.version = 1
    net = pb.Verdict(indicator=pb.Indicator(kind=pb.KIND_NET, value="192.0.2.0/24"), score=0.5, tier=pb.TIER_WATCH, whole=True)
    name = pb.Verdict(indicator=pb.Indicator(kind=pb.KIND_DOMAIN, value="a.test"), score=0.5, tier=pb.TIER_WATCH, subtree=True)
    plain = pb.Verdict(indicator=name.indicator, score=0.5, tier=pb.TIER_WATCH)
    store.start()
    store.wait_stored(publish(pub, [verdicts_by(drop, net, name)]))
    now = rfc(datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=1))

    def reach(query, **params):
        return [(row["subtree"], row["whole"]) for row in caller.query(query, **params)]

    for query, params in [("explain", {}), ("explain_at", {"at": now}), ("verdict_history", {})]:
        assert reach(query, value="192.0.2.0/24", **params) == [("false", "true")], query
        assert reach(query, value="a.test", **params) == [("true", "false")], query
    assert sorted(reach("verdicts")) == [("false", "true"), ("true", "false")]
    store.wait_stored(publish(pub, [verdicts_by(drop, plain)]))
    assert reach("explain", value="a.test") == [("false", "false")]
    assert reach("verdict_history", value="a.test") == [("false", "false"), ("true", "false")]


def test_the_past_is_forgotten(store, pub, caller):  # noqa: F811
    store.site.section("storage", keep_history="2d")
    store.rows("insert into tip.verdict_history select n, 1, '192.0.2.1', now() - interval '9 days', "
               "case when n > 1 then now() - interval '4 days' * (n - 1) end, 0.5, 1, '{}', '[]', 0, 'x', 1, null, null, false, false, 3 "
               "from generate_series(1, 3) as n returning 1")
    store.rows("insert into tip.listing_history select 1, 1, 1, '192.0.2.1', now() - interval '9 days' * n, "
               "now() - interval '1 day' * (3 * n - 2), 0, 1, 1, '', 3 from generate_series(1, 3) as n returning 1")
    store.start()
    wait_for(lambda: store.one("select count(*) from tip.verdict_history") == 1, 20, "what holds stays")
    wait_for(lambda: store.one("select count(*) from tip.listing_history") == 1, 20, "what ended yesterday stays")


def test_times_that_are_none(store, caller):  # noqa: F811
    store.start()
    wait_for(lambda: caller.query("status") is not None, 10, "it answers")
    for at in ("yesterday", "2026-11-22", "2026-11-22T00:00:00+01:00", "infinity"):
        request = pb.StoreQuery(name="search_at", params={"value": "192.0.2.1", "at": at})
        code, reason, _ = caller.put("store.query", request.SerializeToString())
        assert code == pb.FAILURE_INVALID and "at is no time" in reason
