"""tip-storage on a real PostgreSQL and a real broker, fed by a publisher of the test's own."""
import ipaddress
import json
import os
import time

import pytest
from tip_harness import wait_for
from tip_lister import Lister, entry, random_indicator, random_set
from tip_wire import Caller, Worker, event, pb, uuid7

DATABASE = "tip"


class Store:
    """A migrated database, the storage service, and what the tests ask of both."""

    def __init__(self, site, postgres):
        self.site, self.postgres = site, postgres
        postgres.create(DATABASE)
        self.service = site.service("storage", database=postgres.url(DATABASE))
        self.migrate()

    def migrate(self, check=True):
        return self.site.run_program(["tip-storage", "migrate", "--config", self.site.config_path], check=check)

    def start(self, **how):
        self.service.start(**how)
        return self

    def rows(self, sql, *args):
        return self.postgres.rows(sql, args or None, DATABASE)

    def one(self, sql, *args):
        return self.rows(sql, *args)[0][0]

    def position(self):
        return self.one("select coalesce(max(next_seq), 0) from tip.consumer_offset")

    def wait_stored(self, seq, deadline_s=30):
        """Until the record with this number of the journal is stored."""
        wait_for(lambda: self.position() > seq, deadline_s, lambda: f"seq {seq} stored, now at {self.position()}")

    def listed(self, source):
        return set(self.rows("select l.kind, l.value, l.flags from tip.listing l join tip.source s on s.id = l.source_id "
                             "where s.name = %s and l.listed", source))

    def check_lists(self, listers):
        """The unit of truth: the listed rows of a source are its set, and its version is the newest."""
        for lister in listers:
            assert self.listed(lister.name) == lister.expected(), lister.name
            assert self.rows("select version, exact, needs_baseline_since is null from tip.source where name = %s",
                             lister.name) == [(lister.version, True, True)], lister.name

    def check_events(self):
        """Every number of the journal exactly once, as an event or a reject."""
        position = self.position()
        numbers = [row[0] for row in self.rows("select seq from tip.event union all select seq from tip.event_reject "
                                               "order by 1")]
        assert numbers == list(range(1, position))


@pytest.fixture
def store(site, broker, postgres):
    return Store(site, postgres)


def publish(pub, pairs):
    """Publishes and returns the journal's number of the last one."""
    for i in range(0, len(pairs), 20):
        pub.publish_all(pairs[i:i + 20])
        seq = pub.flush(30)
    return seq


def test_lists_become_rows(store, pub, rng):
    listers = [Lister(f"list.{i}", part_entries=40) for i in range(5)]
    store.start()
    for _ in range(8):
        for lister in listers:
            seq = publish(pub, lister.step(random_set(rng, lister.set, rng.randrange(300))))
        store.wait_stored(seq)
    store.check_lists(listers)
    store.check_events()
    assert store.one("select count(*) from tip.gap") == 0
    assert store.one("select count(*) from tip.listing where listed = (removed_at is not null)") == 0


def test_the_age_of_events_is_measured_at_their_commit(store, pub, broker):
    old = event("schedule.done", run_id=uuid7(), module="test")
    old.observed_unix_ms -= 3600 * 1000
    seq = publish(pub, [("v1.schedule.done.test.", old)] + [
        ("v1.schedule.done.test.", event("schedule.done", run_id=uuid7(), module="test")) for _ in range(99)])
    published = time.monotonic()
    wait_for(lambda: time.monotonic() - published > 2, 5, "they age in the journal")
    store.start()
    store.wait_stored(seq)
    waited = time.monotonic() - published
    metric = store.service.metric
    wait_for(lambda: metric("tip_storage_commit_age_seconds_count") >= 100, 10,
             lambda: store.service.get("/metrics")[1])
    own = metric('tip_storage_commit_age_seconds_bucket{le="1"}')  # what storage itself has said since it began
    assert metric("tip_storage_commit_age_seconds_count") - own == 100
    assert 200 < metric("tip_storage_commit_age_seconds_sum") < 100 * (waited + 1) + own
    observed = "tip_storage_observed_age_seconds"
    assert metric(observed + "_count") - metric(observed + '_bucket{le="100"}') == 1
    assert 2 < metric('tip_storage_recent_age_seconds{quantile="0.5"}') < waited + 1
    assert metric('tip_storage_recent_age_seconds{quantile="0.99"}') < waited + 1
    store.wait_stored(publish(pub, [("v1.schedule.done.test.", event("schedule.done", run_id=uuid7(), module="test"))] * 3))
    wait_for(lambda: metric('tip_storage_commit_age_seconds_bucket{le="1"}') >= own + 3, 10, "the young ones are young")


def test_a_row_remembers_its_times(store, pub):
    lister = Lister("drop")
    key = (pb.KIND_IP, "192.0.2.7")
    store.start()
    for turn, new in enumerate([{key: 0}, {}, {key: 2}, {key: 0}]):
        lister.fetched_unix_ms = (int(time.time()) - 100 + turn) * 1000
        if turn == 0:
            first_unix_ms = lister.fetched_unix_ms
        seq = publish(pub, lister.step(new))
        if turn == 2:
            listed_unix_ms = lister.fetched_unix_ms
    store.wait_stored(seq)
    milliseconds = "(extract(epoch from {}) * 1000)::bigint"
    assert store.rows(f"select n_times, listed, flags, version, {milliseconds.format('first_seen')}, "
                      f"{milliseconds.format('listed_at')}, {milliseconds.format('last_seen')}, removed_at "
                      "from tip.listing") == [(2, True, 0, 4, first_unix_ms, listed_unix_ms, lister.fetched_unix_ms, None)]


def test_what_else_is_kept(store, pub, caller):
    lister = Lister("drop.v4")
    store.start()
    run_id, call_id = uuid7(), os.urandom(16)
    due_ms = int(time.time() * 1000)
    verdict = pb.Verdict(indicator=pb.Indicator(kind=pb.KIND_IP, value="192.0.2.7"), score=0.75, tier=pb.TIER_SLOW,
                         families={"list": 0.75}, reasons=[pb.VerdictReason(source="drop.v4", weight=0.75)], reason_count=1)
    pairs = [
        ("v1.schedule.due.blacklist.", event("schedule.due", run_id=run_id, job="lists", module="blacklist",
                                             due_unix_ms=due_ms, deadline_unix_ms=due_ms + 1000,
                                             expires_unix_ms=due_ms + 1000)),
        ("v1.schedule.overdue.blacklist.", event("schedule.overdue", run_id=run_id, job="lists", module="blacklist",
                                                 deadline_unix_ms=due_ms + 1000)),
        *lister.step({(pb.KIND_IP, "192.0.2.7"): 0}),
        lister.ok(n_added=1, url="http://lists.test/drop", rejected_lines=2, rejected={"leading_zero": 2},
                  rejects=[pb.ListingReject(line=7, reason="leading_zero", raw=b"010.0.0.1\xff\\")]),
        ("v1.verdict.changes.list.", event("verdict.changes", verdicts=[verdict], cause_source="drop.v4",
                                           stream=lister.stream, version=1, part=1)),
        (lister.topic("source.failed"), event("source.failed", source="drop.v4", reason="html", detail="a web page",
                                              weight=0.5, n_failures=1)),
        (lister.topic("source.weight"), event("source.weight", source="drop.v4", weight=0.1 + 0.2, n_scored=1e6 / 3)),
        ("v1.schedule.done.blacklist.", event("schedule.done", run_id=run_id, module="blacklist", summary="one list",
                                              n_ok=1)),
        ("v1.control.applied.blacklist.", event("control.applied", service="blacklist", actor="me", action="baseline",
                                                target="*", reason="test", call_id=call_id, result="yes", ok=True)),
        ("v1.system.alarm.broker.", event("system.alarm", service="broker", name="full", detail="it is", raised=True)),
        ("v1.future.kind.x.", pb.Event(id=uuid7(), kind="future.kind", observed_unix_ms=due_ms)),
    ]
    store.wait_stored(publish(pub, pairs))
    store.check_events()
    assert caller.query("runs")[0]["state"] == "done"
    assert caller.query("runs", module="flux") == []
    source = caller.query("source", source="drop.v4")[0]
    assert (source["state"], source["reason"], source["n_entries"], source["n_rejected"]) == ("failed", "html", "1", "2")
    assert source["rejected"] == '{"leading_zero": 2}'
    assert '"raw": "010.0.0.1\\\\xff\\\\x5c"' in source["reject_sample"]
    assert caller.query("history", source="drop.v4")[0]["n_added"] == "1"
    weighed, = caller.query("source_weight", source="drop.v4")
    assert float(weighed["weight"]) == float(source["weight"]) == 0.1 + 0.2
    assert abs(json.loads(weighed["counts"])["n_scored"] - 1e6 / 3) < 1e-9
    assert caller.query("verdicts")[0]["tier"] == "slow"
    assert caller.query("verdicts", tier="block") == []
    explained = caller.query("explain", value="192.0.2.7")
    assert len(explained) == 1
    assert bytes.fromhex(explained[0]["raw"]) == b"192.0.2.7"
    assert (explained[0]["source"], explained[0]["score"], explained[0]["line"]) == ("drop.v4", "0.75", "1")
    assert caller.query("explain", value="192.0.2.8") == []
    assert caller.query("audit")[0]["actor"] == "me"
    assert {"broker"} == {row["service"] for row in caller.query("alarms") if row["raised"] == "true"}
    assert caller.query("count_listed")[0]["n_listed"] == "1"
    status = caller.query("status")[0]
    assert (status["sources"], status["sources_failing"], status["rejects"]) == ("1", "1", "0") and int(status["schema"]) > 9
    wait_for(lambda: caller.query("status")[0]["listings_about"] == "1", 5, "an estimate before the first ANALYZE")
    assert store.one("select kind from tip.event where topic = 'v1.future.kind.x.'") == "future.kind"


def test_the_dump_of_a_list_is_paged(store, pub, caller, rng):
    lister = Lister("urls", part_entries=500)
    lister_set = {}
    while len(lister_set) < 700:
        lister_set[pb.KIND_URL, f"http://host{rng.randrange(10**6)}.test/a:b:{rng.randrange(99)}"] = 0
    store.start()
    store.wait_stored(publish(pub, lister.step(lister_set)))
    seen, cursor = [], {}
    while True:
        page = caller.query("listed", limit=100, source="urls", **cursor)
        if not page:
            break
        seen += [row["value"] for row in page]
        cursor = {"after": page[-1]["cursor"]}
    assert len(seen) == 700 and set(seen) == {value for _, value in lister_set}


def pages(caller, name, limit, **params):
    """All rows of a query, page by page."""
    rows, cursor = [], {}
    while page := caller.query(name, limit=limit, **params, **cursor):
        assert len(page) <= limit
        rows += page
        cursor = {"after": page[-1]["cursor"]}
    return rows


def test_verdicts_runs_and_audit_are_paged(store, pub, caller, rng):
    scores = [rng.choice([0.35, 0.65, 0.95, 1 / 3, 2 / 3, 0.9999999]) for _ in range(240)]
    verdicts = [pb.Verdict(indicator=pb.Indicator(kind=pb.KIND_URL, value=f"http://host{i}.test/a:b:{i}"), score=score,
                           tier=pb.TIER_BLOCK if score >= 0.9 else pb.TIER_SLOW if score >= 0.6 else pb.TIER_WATCH,
                           families={"list" if i % 3 else "trap": score}) for i, score in enumerate(scores)]
    pairs = [("v1.verdict.changes.list.", event("verdict.changes", verdicts=verdicts[i:i + 60], cause_source="x",
                                                stream=os.urandom(16), version=1, part=1)) for i in range(0, 240, 60)]
    pairs += [("v1.schedule.done.test.", event("schedule.done", run_id=uuid7(), module="test")) for _ in range(35)]
    pairs += [("v1.control.applied.test.", event("control.applied", service="test", actor="me", action="run",
                                                 call_id=os.urandom(16), ok=True)) for _ in range(35)]
    store.start()
    store.wait_stored(publish(pub, pairs))
    assert_paged = [("verdicts", "value", {}, 240), ("verdicts", "value", {"family": "trap"}, 80), ("runs", "run_id", {}, 35),
                    ("audit", "call_id", {}, 35), ("verdicts", "value", {"at_least": "block"},
                                                   sum(score >= 0.9 for score in scores))]
    for name, key, params, n in assert_paged:
        paged, whole = pages(caller, name, 7, **params), caller.query(name, limit=1000, **params)
        assert paged == whole and len({row[key] for row in paged}) == n, (name, params)
    assert [float(row["score"]) for row in pages(caller, "verdicts", 11)] == sorted(scores, reverse=True)


CANARY = "canary.test"


def leaks(caller, audience):
    """Every query on lists, sources and verdicts, as text: what of the canaries this audience is shown."""
    asked = [("search", {"value": "192.0.2.9"}), ("search", {"value": CANARY}), ("explain", {"value": "192.0.2.9"}),
             ("explain", {"value": CANARY}), ("sources", {}), ("count_listed", {}), ("verdicts", {})]
    asked += [(name, {"source": source}) for name in ("source", "history", "listed") for source in ("clear", "green", "amber")]
    params = {"audience": audience} if audience else {}
    return {(name, str(values)): caller.query(name, **values, **params) for name, values in asked}


def test_an_audience_sees_what_its_marking_allows(store, pub, caller):
    listers = {tlp: Lister(name) for tlp, name in [(1, "clear"), (2, "green"), (3, "amber")]}
    store.start()
    for tlp, lister in listers.items():
        keys = {(pb.KIND_IP, "192.0.2.9"): 0, (pb.KIND_DOMAIN, f"only{tlp}.{CANARY}"): 0}
        pub.publish_all(lister.step(keys) + [lister.ok(url=f"http://{lister.name}.test/secret{tlp}")], tlp)
        for value in ("192.0.2.9",) if tlp == 3 else (f"only{tlp}.{CANARY}",):
            kind = pb.KIND_IP if tlp == 3 else pb.KIND_DOMAIN
            verdict = pb.Verdict(indicator=pb.Indicator(kind=kind, value=value), score=0.5, tier=pb.TIER_WATCH,
                                 reasons=[pb.VerdictReason(source=lister.name, weight=0.5)], reason_count=1)
            pub.publish_all([("v1.verdict.changes.list.", event("verdict.changes", verdicts=[verdict], version=1, part=1,
                                                                cause_source=lister.name, stream=lister.stream))], tlp)
        seq = pub.flush(30)
    store.wait_stored(seq)
    for audience, may in [("clear", 1), ("green", 2), ("amber", 3), (None, 3)]:
        answers = leaks(caller, audience)
        for tlp, lister in listers.items():
            shown = {query for query, rows in answers.items()
                     if f"'{lister.name}'" in str(rows) or f"only{tlp}." in str(rows)}
            assert bool(shown) == (tlp <= may), (audience, lister.name, shown)
            assert bool(answers["listed", str({"source": lister.name})]) == (tlp <= may)
            assert bool(answers["history", str({"source": lister.name})]) == (tlp <= may)
        assert len(answers["verdicts", "{}"]) == may
        assert {row["score"] for row in answers["explain", str({"value": "192.0.2.9"})]} == ({"0.5"} if may == 3 else {None})
        overview = caller.query("overview", **({"audience": audience} if audience else {}))[0]
        assert (overview["sources"], overview["listings"], overview["verdicts_watch"]) == (str(may), str(2 * may), str(may))
        assert (overview["verdicts_about"], overview["events_about"]) == ("false", "false")
        by_class = json.loads(overview["events_by_class"])
        assert [by_class[name] for name in ("listing", "source", "verdict")] == [may] * 3
        assert ("system" in by_class) == (may == 3) and int(overview["events_minute"]) == sum(by_class.values())

    # A list that is marked stricter takes along what it has listed; the other way round only what is named again.
    pub.publish_all(listers[1].step({**listers[1].set, (pb.KIND_IP, "192.0.2.10"): 0}), 3)
    pub.publish_all(listers[3].step({**listers[3].set, (pb.KIND_IP, "192.0.2.10"): 0}), 1)
    store.wait_stored(pub.flush(30))
    assert caller.query("listed", source="clear", audience="green") == []
    assert [row["value"] for row in caller.query("listed", source="amber", audience="clear")] == ["192.0.2.10"]
    assert len(caller.query("listed", source="amber")) == 3


def test_a_verdict_weighed_anew_is_marked_by_what_it_rests_on(store, pub, caller):
    key = {(pb.KIND_IP, "192.0.2.9"): 0}
    gone, stays = Lister("gone"), Lister("stays")
    store.start()
    pub.publish_all(stays.step(key) + [stays.ok()], 3)
    pub.publish_all(gone.step(key) + [gone.ok()], 1)
    verdict = pb.Verdict(indicator=pb.Indicator(kind=pb.KIND_IP, value="192.0.2.9"), score=0.5, tier=pb.TIER_WATCH)
    pub.publish_all([("v1.verdict.changes.list.", event("verdict.changes", verdicts=[verdict], version=1, part=1,
                                                        cause_source="gone", stream=gone.stream))], 1)
    store.wait_stored(pub.flush(30))
    assert len(caller.query("verdicts", audience="clear")) == 1
    gone.version, gone.set = 5, {}
    pub.publish_all(gone.baseline(), 1)
    store.wait_stored(pub.flush(30))
    assert caller.query("verdicts", audience="clear") == []
    assert '"stays"' in caller.query("verdicts")[0]["reasons"]


def test_queries_that_cannot_be(store, caller):
    store.start()
    for name, params, code in [("nothing", {}, pb.FAILURE_NOT_FOUND), ("search", {}, pb.FAILURE_INVALID),
                               ("search", {"value": "not an indicator"}, pb.FAILURE_INVALID),
                               ("search", {"value": "192.0.2.1", "kind": "fish"}, pb.FAILURE_INVALID),
                               ("sources", {"value": "1"}, pb.FAILURE_INVALID),
                               ("sources", {"audience": "red"}, pb.FAILURE_INVALID),
                               ("runs", {"audience": "amber"}, pb.FAILURE_INVALID),
                               ("verdicts", {"after": "block"}, pb.FAILURE_INVALID),
                               ("listed", {"source": "x", "after": "'; drop table"}, pb.FAILURE_INVALID)]:
        body = pb.StoreQuery(name=name, params=params).SerializeToString()
        assert caller.put("store.query", body)[0] == code, name
    assert caller.put("store.query", b"\xff\xff")[0] == pb.FAILURE_INVALID


def test_a_query_that_takes_long_holds_up_nobody(site, store, caller):
    store.start()
    caller.query("alarms")
    with store.postgres.connect(DATABASE) as holder, Caller(site.endpoint("work")) as slow:
        holder.autocommit = False
        holder.cursor().execute("lock table tip.system_alarm in access exclusive mode")
        call_id = os.urandom(16)
        slow.send(put=pb.Put(id=call_id, queue="store.query", deadline_ms=20000, caller="slow",
                             body=pb.StoreQuery(name="alarms").SerializeToString()))
        wait_for(lambda: store.one("select count(*) from pg_locks where not granted"), 10, "it waits for the lock")
        for _ in range(20):
            assert caller.query("search", value="192.0.2.1", deadline_s=2) == []
        assert store.one("select count(*) from pg_locks where not granted") == 1, "it still waits"
        holder.rollback()
        assert slow.answer(call_id, 10)[0] == "result"


def test_queries_line_up_for_the_readers(site, broker, postgres):
    store = Store(site, postgres)
    site.config["storage"].update(readers=2, queries=8)
    site.write_config()
    store.start()
    with store.postgres.connect(DATABASE) as holder, Caller(site.endpoint("work")) as caller:
        holder.autocommit = False
        holder.cursor().execute("lock table tip.system_alarm in access exclusive mode")
        ids = [os.urandom(16) for _ in range(6)]
        for call_id in ids:
            caller.send(put=pb.Put(id=call_id, queue="store.query", deadline_ms=20000, caller="test",
                                   body=pb.StoreQuery(name="alarms").SerializeToString()))
        wait_for(lambda: store.service.metric("tip_storage_queries_waiting") == 4, 10, "two run, four wait")
        wait_for(lambda: store.one("select count(*) from pg_stat_activity where application_name = 'tip-storage' "
                                   "and wait_event_type = 'Lock'") == 2, 10, "each on a connection of its own")
        holder.rollback()
        answers = {bytes(got[1].id): got[0] for got in (caller.receive(10) for _ in ids)}
        assert answers == {call_id: "result" for call_id in ids}
    assert store.service.metric("tip_storage_queries_waiting") == 0


def test_a_restart_of_postgresql_costs_no_query(store, caller):
    """Whoever asks after it gets an answer, also on a connection from before."""
    store.start()
    caller.query("search", value="192.0.2.1")
    store.postgres.stop()
    store.postgres.start()
    code, reason, _ = caller.put("store.query", pb.StoreQuery(name="search", params={"value": "192.0.2.1"}).SerializeToString())
    assert code == 0, reason


# ---- kills ----

def play_with_kills(store, pub, rng, kill, turns=12):
    """Random versions of three lists, and kill() at a random moment of each turn."""
    listers = [Lister(f"list{i}", part_entries=20) for i in range(3)]
    for _ in range(turns):
        for lister in listers:
            seq = publish(pub, lister.step(random_set(rng, lister.set, rng.randrange(400))))
        time.sleep(rng.random() * 0.15)
        kill()
    store.wait_stored(seq, 60)
    store.check_lists(listers)
    store.check_events()
    assert store.one("select count(*) from tip.gap") == 0


def test_storage_killed_at_any_moment(store, pub, rng):
    store.start()

    def kill():
        store.service.kill()
        store.service.start(ready=False)

    play_with_kills(store, pub, rng, kill)


def test_postgresql_killed_at_any_moment(store, pub, rng):
    store.start()

    def kill():
        store.postgres.kill()
        time.sleep(rng.random() * 0.3)
        store.postgres.start()

    play_with_kills(store, pub, rng, kill, turns=6)
    assert store.service.is_running
    wait_for(store.service.is_ready, 20, "ready again")


def test_storage_killed_between_commit_and_reply(store, pub):
    """The server is made slow in COMMIT; storage is stopped there, and killed once the commit has happened."""
    lister = Lister("drop", part_entries=10)
    new = {(pb.KIND_IP, f"192.0.2.{i}"): 0 for i in range(30)}
    store.start()
    store.rows("create function slow() returns trigger language plpgsql as 'begin perform pg_sleep(1); return null; end';"
               "create constraint trigger slow after update on tip.consumer_offset deferrable initially deferred "
               "for each row execute function slow(); select 1")
    before = store.position()
    seq = publish(pub, lister.step(new))
    wait_for(lambda: store.one("select count(*) from pg_stat_activity where query = 'commit' and state = 'active'"), 20,
             "a commit under way")
    store.service.pause()
    wait_for(lambda: store.position() > before, 20, "the commit happens")
    store.service.kill()
    store.rows("drop trigger slow on tip.consumer_offset; select 1")
    store.start()
    store.wait_stored(seq)
    store.check_lists([lister])
    store.check_events()


def test_replies_to_commits_are_lost(site, broker, postgres, pub, rng):
    """Storage lives on without knowing how its commit ended: a proxy swallows the answer and cuts the line."""
    from tip_pgproxy import PgProxy

    store = Store(site, postgres)
    with PgProxy(site.dir / "proxy", postgres.dir / ".s.PGSQL.5432", lose=lambda: rng.random() < 0.4) as proxy:
        site.section("storage", database=f"host={proxy.dir} user=tip dbname={DATABASE}")
        store.start()
        play_with_kills(store, pub, rng, lambda: None)
        assert proxy.n_lost > 0
        assert store.service.metric("tip_storage_retries_total") > 0


def test_storage_ends_cleanly(store, pub):
    store.start()
    seq = publish(pub, Lister("drop").step({(pb.KIND_IP, "192.0.2.1"): 0}))
    store.wait_stored(seq)
    assert store.service.term() == 0


def future(n):
    """An event of a kind that nobody knows yet: stored as it is."""
    return pb.Event(id=uuid7(), kind="future.kind", observed_unix_ms=1 + n)


# ---- chains ----

def owner(site, queue="control.blacklist"):
    made = Worker(site.endpoint("work"), queue, "blacklist")
    site.closing.callback(made.close)
    return made


def answer(worker, job, ok=True):
    worker.done(job, pb.ControlAnswer(ok=ok, result="queued" if ok else "no").SerializeToString())


def asked(worker, timeout_s=20):
    """The next request for a baseline: (job, its target)."""
    job = worker.job(timeout_s)
    request = pb.ControlRequest.FromString(job.body)
    assert request.action == "baseline" and request.actor == "storage", request
    return job, request.target


def test_a_missing_version_is_asked_for_until_it_comes(site, store, pub, caller):
    lister = Lister("drop")
    store.start()
    publish(pub, lister.step({(pb.KIND_IP, "192.0.2.1"): 0}))
    lister.step({(pb.KIND_IP, "192.0.2.2"): 0})  # nobody hears of this version
    seq = publish(pub, lister.step({(pb.KIND_IP, "192.0.2.3"): 0}))
    store.wait_stored(seq)
    assert store.one("select version from tip.source") == 1
    assert store.listed("drop") == {(pb.KIND_IP, "192.0.2.1", 0)}
    gap = caller.query("gaps")[0]
    assert (gap["source"], gap["from_seq"], gap["closed_at"]) == ("drop", str(seq), None)

    store.service.kill()  # the wish outlives the process
    store.start()
    worker = owner(site)
    job, target = asked(worker)
    assert target == "drop"
    worker.fail(job, "not now", pb.FAILURE_UNAVAILABLE)
    job, target = asked(worker)
    assert target == "drop"
    answer(worker, job)
    seq = publish(pub, lister.baseline() + lister.step({(pb.KIND_IP, "192.0.2.4"): 0}))
    store.wait_stored(seq)
    store.check_lists([lister])
    assert caller.query("gaps")[0]["closed_at"]
    assert store.service.metric("tip_storage_breaks_total") == 0  # that was the other process


def test_parts_out_of_order(store, pub, site):
    lister = Lister("drop", part_entries=10)
    ips = [(pb.KIND_IP, f"192.0.2.{i}") for i in range(100)]
    store.start()
    worker = owner(site)
    first = lister.step({ip: 0 for ip in ips[:50]})
    second = lister.step({ip: 0 for ip in ips[30:]})
    publish(pub, [*first, second[0], second[2], second[1], *second[3:], *second])
    job, target = asked(worker)
    assert target == "drop"
    answer(worker, job)
    store.wait_stored(publish(pub, lister.baseline()))
    store.check_lists([lister])
    assert store.service.metric("tip_storage_breaks_total") == 1


def test_parts_that_come_twice_change_nothing(store, pub):
    lister = Lister("drop", part_entries=10)
    ips = [(pb.KIND_IP, f"192.0.2.{i}") for i in range(100)]
    store.start()
    first, second = lister.step({ip: 0 for ip in ips[:50]}), lister.step({ip: 0 for ip in ips[30:]})
    store.wait_stored(publish(pub, first + first + second + second[:3] + first))
    store.check_lists([lister])
    assert store.one("select max(n_times) from tip.listing") == 1
    assert store.service.metric("tip_storage_parts_repeated_total") == 2 * len(first) + 3


def test_an_interrupted_baseline_and_a_newer_one(store, pub, site):
    lister = Lister("drop", part_entries=10)
    ips = [(pb.KIND_IP, f"192.0.2.{i}") for i in range(200)]
    store.start()
    publish(pub, lister.step({ip: 0 for ip in ips[:100]}))
    lister.step({ip: 0 for ip in ips[50:150]})
    interrupted = lister.baseline()[:5]
    lister.step({ip: 0 for ip in ips[120:]})
    store.wait_stored(publish(pub, interrupted + lister.baseline()))
    store.check_lists([lister])


def test_a_source_that_its_owner_disowns(site, store, pub, caller):
    lister, other = Lister("gone"), Lister("here")
    store.start()
    worker = owner(site)
    publish(pub, other.step({(pb.KIND_IP, "192.0.2.9"): 0}))
    publish(pub, lister.step({(pb.KIND_IP, "192.0.2.1"): 0}))
    lister.step({})
    publish(pub, lister.step({(pb.KIND_IP, "192.0.2.3"): 0}))
    job, target = asked(worker)
    assert target == "gone"
    worker.fail(job, "no such source", pb.FAILURE_NOT_FOUND)
    wait_for(lambda: store.one("select orphan_since is not null from tip.source where name = 'gone'"), 20, "an orphan")
    assert worker.receive(5) is None, "asked again"
    assert caller.query("status")[0]["sources_orphaned"] == "1"
    assert store.listed("gone") == {(pb.KIND_IP, "192.0.2.1", 0)}
    store.wait_stored(publish(pub, lister.baseline()))
    store.check_lists([lister, other])
    assert store.one("select orphan_since from tip.source where name = 'gone'") is None


def test_a_new_journal_asks_for_everything(site, store, broker, pub, caller):
    import shutil

    from tip_wire import Pub

    listers = [Lister("one"), Lister("two")]
    store.start()
    for lister in listers:
        seq = publish(pub, lister.step({(pb.KIND_IP, "192.0.2.1"): 0, (pb.KIND_IP, "192.0.2.2"): 0}))
    store.wait_stored(seq)
    n_events = store.one("select count(*) from tip.event")
    broker.kill()
    shutil.rmtree(site.config["broker"]["data"])
    broker.start()
    worker = owner(site)
    job, target = asked(worker, 30)
    assert target == "*"
    again = Pub(site.endpoint("ingest"), "test2")
    site.closing.callback(again.close)
    answer(worker, job)
    for lister in listers:
        lister.step({(pb.KIND_IP, "192.0.2.2"): 0})  # lost with the journal
        again.publish_all(lister.baseline())
        again.flush()
    wait_for(lambda: store.one("select count(*) from tip.source where needs_baseline_since is not null") == 0, 20,
             "all baselines stored")
    store.check_lists(listers)
    assert store.one("select count(*) from tip.event") > n_events
    assert store.one("select count(*) from tip.journal") == 2
    wait_for(lambda: caller.query("gaps")[0]["closed_at"], 20, "the gap is closed")


def test_a_second_loss_before_the_first_is_answered(site, store, broker, pub):
    """The answer is about the first loss; what the second one took is asked for again."""
    import shutil

    from tip_wire import Pub

    lister = Lister("one")
    store.start()
    store.wait_stored(publish(pub, lister.step({(pb.KIND_IP, "192.0.2.1"): 0})))

    def lose_journal():
        broker.kill()
        shutil.rmtree(site.config["broker"]["data"])
        broker.start()

    lose_journal()
    worker = owner(site)
    first, target = asked(worker, 30)
    assert target == "*"
    since = store.one("select needs_all_since from tip.consumer_offset")
    lose_journal()
    wait_for(lambda: store.one("select needs_all_since from tip.consumer_offset") != since, 30, "the second loss is noted")
    worker = owner(site)
    again, target = asked(worker, 30)  # the same call, repeated to the new broker, or the next one
    assert target == "*"
    answer(worker, again)
    if again.id == first.id:
        more, target = asked(worker, 30)
        assert target == "*" and more.id != first.id
        answer(worker, more)
    lister.step({(pb.KIND_IP, "192.0.2.2"): 0})
    with Pub(site.endpoint("ingest"), "test2") as later:
        later.publish_all(lister.baseline())
        later.flush()
    wait_for(lambda: store.one("select count(*) from tip.source where needs_baseline_since is not null") == 0, 30,
             "the baseline is stored")
    wait_for(lambda: store.one("select needs_all_since from tip.consumer_offset") is None, 30, "nothing more is wanted")
    store.check_lists([lister])


def test_storage_that_comes_late_asks_for_what_it_missed(site, broker, postgres, pub):
    """A database made anew beside a journal that has lost its beginning is not simulated: a hole is, in the numbers."""
    store = Store(site, postgres)
    seq = publish(pub, Lister("drop").step({(pb.KIND_IP, "192.0.2.1"): 0}))
    store.start()
    store.wait_stored(seq)
    store.service.term()
    journal = store.one("select journal from tip.consumer_offset")
    seq = publish(pub, [("v1.future.kind.x.", pb.Event(id=uuid7(), kind="future.kind", observed_unix_ms=1))] * 3)
    store.rows("update tip.consumer_offset set next_seq = 1 where journal = %s returning 1", journal)
    store.rows("delete from tip.event returning 1")
    store.rows("delete from tip.listing returning 1")
    store.start()
    store.wait_stored(seq)
    store.check_events()
    assert store.one("select version from tip.source") == 1
    assert store.service.metric("tip_storage_parts_repeated_total") == 1


# ---- bad events ----

def test_events_that_cannot_be_stored(store, pub, caller):
    lister = Lister("drop", part_entries=5)
    store.rows("create function refuse() returns trigger language plpgsql as $$begin "
               "if new.topic like '%poison%' then raise exception 'poison'; end if; return new; end$$; select 1")
    store.start()
    store.rows("create trigger refuse before insert on tip.event for each row execute function refuse(); select 1")
    nothing = pb.Event(id=uuid7(), kind="future.kind", observed_unix_ms=int(time.time() * 1000))
    good = lister.step({(pb.KIND_IP, f"192.0.2.{i}"): 0 for i in range(50)})
    bad_address = event("listing.baseline", source="bad", stream=os.urandom(16), version=1, baseline_id=os.urandom(16),
                        part=1, n_parts=1, entries=[entry(pb.KIND_IP, "192.0.2.300")])
    pairs = [*good[:3], ("v1.poison.a.x.", nothing), *good[3:6], ("v1.future.bytes.x.", b"\xff\xff\xff"), *good[6:],
             ("v1.listing.baseline.bad.", bad_address), ("v1.poison.b.x.", nothing)]
    store.wait_stored(publish(pub, pairs))
    store.check_lists([lister])
    store.check_events()
    rejects = caller.query("rejects")
    assert [row["topic"] for row in rejects] == ["v1.poison.b.x.", "v1.listing.baseline.bad.", "v1.future.bytes.x.",
                                                 "v1.poison.a.x."]
    assert "poison" in rejects[0]["reason"] and "whose value is none" in rejects[1]["reason"]
    assert store.service.metric("tip_storage_rejects_total") == 4
    wait_for(lambda: [row for row in caller.query("alarms") if row["name"] == "events_rejected"], 20, "an alarm")


# ---- two, and away ----

def second_storage(site):
    """Another tip-storage on the same database and consumer name, with directories of its own."""
    from tip_harness import Service, open_to_nobody

    run = open_to_nobody(site.dir / "run2")
    second = Service(site, "storage", ["--tip.run", run, "--data", str(site.data / "storage2")])
    second.name, second.socket = "storage2", run / "storage.sock"
    second.log = site.dir / "log" / "storage2.log"
    return site.add(second)


def test_two_storages_take_turns(site, store, pub, rng):
    listers = [Lister("list0", part_entries=20)]
    store.start()
    second = second_storage(site).start()
    assert second.metric("tip_storage_active") == 0
    services = [store.service, second]
    for _ in range(6):
        publish(pub, listers[0].step(random_set(rng, listers[0].set, 300)))
        time.sleep(rng.random() * 0.1)
        services[0].kill()
        wait_for(lambda: services[1].metric("tip_storage_active") == 1, 20, "the other one takes over")
        services[0].start(ready=False)
        services.reverse()
    seq = publish(pub, listers[0].step(random_set(rng, listers[0].set, 300)))
    store.wait_stored(seq)
    store.check_lists(listers)
    store.check_events()


def test_a_frozen_storage_wakes_up_too_late(site, store, pub, rng):
    lister = Lister("drop", part_entries=10)
    store.start()
    second = second_storage(site).start()
    store.wait_stored(publish(pub, lister.step(random_set(rng, {}, 200))))
    store.service.pause()
    store.rows("select pg_terminate_backend(l.pid) from pg_locks l where l.locktype = 'advisory' and l.granted")
    wait_for(lambda: second.metric("tip_storage_active") == 1, 20, "the second takes over")
    seq = publish(pub, lister.step(random_set(rng, lister.set, 300)))
    store.wait_stored(seq)
    store.service.resume()
    for _ in range(5):
        seq = publish(pub, lister.step(random_set(rng, lister.set, 300)))
    store.wait_stored(seq)
    wait_for(lambda: store.service.metric("tip_storage_active") == 0, 20, "the first stands by")
    store.check_lists([lister])
    store.check_events()


def numbers_stored(store):
    return store.one("select count(*) from tip.event"), store.one("select count(distinct seq) from tip.event")


def test_postgresql_stopped_and_not_gone(site, postgres, store, pub, rng):
    """SIGSTOP: the connection stands, no answer comes. It is noticed, said, and goes on by itself, exactly once."""
    store.start()
    store.wait_stored(publish(pub, [(f"v1.future.kind.{n}.", future(n)) for n in range(50)]))
    postgres.stop_answering()
    seq = publish(pub, [(f"v1.future.kind.{n}.", future(n)) for n in range(500)])
    wait_for(lambda: "no answer for" in store.service.get("/readyz")[1], 30,
             lambda: f"it says so: {store.service.get('/readyz')}")
    assert not store.service.is_ready() and store.service.metric("tip_storage_database_up") == 0
    assert store.service.log_lines("database.silent")
    postgres.answer_again()
    store.wait_stored(seq)
    wait_for(store.service.is_ready, 10, "ready again")
    wait_for(lambda: store.service.log_lines("database.answers"), 5, "and says so")
    assert numbers_stored(store) == (seq, seq)
    store.check_events()


def test_postgresql_that_never_answers_is_given_up(site, broker, postgres, pub):
    store = Store(site, postgres)
    site.section("storage", answer_timeout="2s")
    store.start()
    store.wait_stored(publish(pub, [(f"v1.future.kind.{n}.", future(n)) for n in range(50)]))
    postgres.stop_answering()
    seq = publish(pub, [(f"v1.future.kind.{n}.", future(n)) for n in range(500)])
    wait_for(lambda: store.service.log_lines("database.away"), 30, "the connection is given up")
    assert not store.service.is_ready()
    postgres.answer_again()
    store.wait_stored(seq, 60)
    wait_for(store.service.is_ready, 30, "ready again")
    assert numbers_stored(store) == (seq, seq)
    store.check_events()


def test_postgresql_away_for_a_while(store, pub, caller, rng):
    lister = Lister("big", part_entries=1000)
    store.start()
    wait_for(store.service.is_ready, 20, "ready")
    store.postgres.stop()
    new = {(pb.KIND_DOMAIN, f"host{i}.example{rng.randrange(10**9)}.test"): 0 for i in range(200_000)}
    seq = publish(pub, lister.step(new))
    wait_for(lambda: not store.service.is_ready(), 20, "not ready without a database")
    assert caller.put("store.query", pb.StoreQuery(name="sources").SerializeToString())[0] == pb.FAILURE_UNAVAILABLE
    assert store.service.rss_bytes() < 100 * 2**20
    store.postgres.start()
    store.wait_stored(seq, 60)
    wait_for(store.service.is_ready, 20, "ready again")
    assert store.service.rss_bytes() < 150 * 2**20
    store.check_lists([lister])
    store.check_events()


def test_a_large_list_within_the_bound(store, pub, caller):
    """A first baseline, another one over it that closes a tenth, with a kill in the middle; memory stays what it was."""
    n = 1_000_000 if os.environ.get("TIP_LONG") == "1" else 60_000
    lister = Lister("big", part_entries=1000)
    ips = [(pb.KIND_IP, str(ipaddress.IPv4Address(0x0B000000 + 7 * i))) for i in range(n)]
    store.start()
    peak, bound = [0], 100 * 2**20

    def stored(seq):
        peak[0] = max(peak[0], store.service.rss_bytes() if store.service.is_running else 0)
        return store.position() > seq

    seq = publish(pub, lister.step({ip: 0 for ip in ips}))
    wait_for(lambda: stored(seq), 300, "the first baseline")
    lister.set = {ip: 0 for ip in ips[n // 10:]}
    seq = publish(pub, lister.baseline())
    time.sleep(0.3)
    store.service.kill()
    store.start(ready=False)
    wait_for(lambda: stored(seq), 300, "the second baseline")
    assert caller.query("count_listed", source="big")[0]["n_listed"] == str(n - n // 10)
    assert store.one("select count(*) from tip.listing where not listed and removed_at is not null") == n // 10
    assert store.one("select max(n_times) from tip.listing") == 1
    store.check_events()
    assert peak[0] < bound, f"{peak[0] >> 20} MiB"


# ---- schema and upkeep ----

def test_migrate_twice_and_refusals(store):
    assert "applied" not in store.migrate().stdout
    store.rows("update tip.schema_migration set sha256 = 'x' where version = 3 returning 1")
    failed = store.migrate(check=False)
    assert failed.returncode == 1 and "0003_listing" in failed.stderr
    store.site.write_config()
    store.service.spawn()
    assert store.service.wait() == 1
    assert "0003_listing" in store.service.log_text()


def test_service_refuses_an_empty_database(site, broker, postgres):
    postgres.create("empty")
    service = site.service("storage", database=postgres.url("empty"))
    site.write_config()
    service.spawn()
    assert service.wait() == 1
    assert "tip-storage migrate" in service.log_text()


def test_several_hosts_in_the_connection_string(site, broker, postgres, pub):
    store = Store(site, postgres)
    site.section("storage", database=f"host={site.dir}/nobody,{postgres.dir} user=tip dbname={DATABASE}")
    store.start()
    store.wait_stored(publish(pub, Lister("drop").step({(pb.KIND_IP, "192.0.2.1"): 0})))


def test_readers_see_views_only(store):
    for sql, allowed in [("select count(*) from tip.v_listing", True), ("select count(*) from tip.listing", False),
                         ("delete from tip.v_listing", False), ("select tip.event_partitions_make(1)", False)]:
        try:
            store.rows(f"set role tip_reader; {sql}")
            assert allowed, sql
        except Exception as error:
            assert not allowed and ("permission denied" in str(error) or "cannot delete" in str(error)), error


def test_partitions_are_made_ahead_and_the_default_is_emptied(store, caller):
    assert store.one("select count(*) from tip.v_partition where day >= now()::date") == 8
    store.start()
    seq_free = 10**12
    store.service.term()
    store.rows("drop table " + store.one("select 'tip.' || max(name) from tip.v_partition") + "; select 1")
    store.rows("insert into tip.event values (now() + interval '7 days', 1, %s, 3, 't', 'k', 'p', now(), 'x') returning 1",
               seq_free)
    assert store.one("select count(*) from tip.event_default") == 1
    store.start()
    wait_for(lambda: store.one("select count(*) from tip.event_default") == 0, 20, "the default partition is emptied")
    assert store.one("select count(*) from tip.v_partition where day >= now()::date") == 8
    assert store.one("select count(*) from tip.event where seq = %s", seq_free) == 1
    wait_for(lambda: [row for row in caller.query("alarms") if row["name"] == "default_partition"], 20, "an alarm")


def test_old_days_are_dropped_and_classes_swept(store):
    store.rows("insert into tip.event select now() - interval '1 day' * d, 1, 1, 3, topic, 'k', 'p', now(), 'x' "
               "from (values (2), (20), (100)) as days(d), (values ('v1.listing.delta.x.'), ('v1.control.applied.x.')) "
               "as topics(topic) on conflict do nothing returning 1")
    store.rows("insert into tip.event select now() - interval '1 day' * d, 1, 2, 3, 'v1.control.applied.x.', 'k', 'p', "
               "now(), 'x' from (values (2), (20), (100)) as days(d) returning 1")
    store.start()
    kept = "select array_agg(split_part(topic, '.', 2) order by topic) from (select topic from tip.event where publisher = 'p') e"
    wait_for(lambda: store.one("select count(*) from tip.event where commit_time < now() - interval '90 days'") == 0, 20,
             "days older than 90 are gone")
    wait_for(lambda: store.one(kept) == ["control", "control", "listing"], 20, lambda: store.one(kept))


def test_the_scheduler_starts_the_upkeep(store, pub, caller):
    """Module storage: what is past its class' retention goes, and the run says what was done; a late one does nothing."""
    store.site.section("storage", keep_source="2d", keep_control="30d")
    store.start()
    wait_for(lambda: store.service.metric("tip_storage_active") == 1, 10, "active")
    store.wait_stored(publish(pub, [("v1.schedule.done.test.", event("schedule.done", run_id=uuid7(), module="test"))]))
    journal = store.one("select id from tip.journal")
    store.rows("select tip.event_partitions_make(0)")
    store.rows("insert into tip.event select now() - interval '1 day' * d, %s, n, 3, topic, 'k', 'p', now(), 'x' "
               "from (values (5), (40), (120)) as days(d), "
               "(values (801, 'v1.source.ok.x.'), (802, 'v1.control.applied.x.')) as topics(n, topic) returning 1", journal)
    store.rows("insert into tip.event_reject (journal, seq, commit_time, topic, publisher, reason, bytes) values "
               "(%s, 900, now() - interval '91 days', 't', 'p', 'r', ''), (%s, 901, now(), 't', 'p', 'r', '') returning 1",
               journal, journal)
    runs, now_ms = [uuid7() for _ in range(3)], int(time.time() * 1000)

    def due(run_id, expires_ms):
        return ("v1.schedule.due.storage.", event("schedule.due", run_id=run_id, job="upkeep", module="storage",
                                                  due_unix_ms=now_ms, deadline_unix_ms=expires_ms, expires_unix_ms=expires_ms))

    store.wait_stored(publish(pub, [due(runs[0], now_ms - 1000), due(runs[1], now_ms + 60000), due(runs[2], now_ms + 60000)]))

    def states():
        return {row["run_id"].replace("-", ""): row for row in caller.query("runs", module="storage")}

    wait_for(lambda: [states()[run.hex()]["state"] for run in runs] == ["due", "done", "done"], 20, lambda: states())
    assert "dropped" in states()[runs[1].hex()]["summary"]
    assert store.service.metric("tip_storage_runs_expired_total") == 1
    assert store.rows("select topic, commit_time > now() - interval '6 days' from tip.event where publisher = 'p'") == [
        ("v1.control.applied.x.", True)]
    assert store.rows("select seq from tip.event_reject") == [(901,)]


# ---- answers ----

def oracle_search(rows, kind, value):
    """The search of the README, written again: {(relation, kind name, value, source)}."""
    import ipaddress

    def net(k, v):
        if k in ("ip", "net"):
            return ipaddress.ip_network(v)
        if k == "endpoint":
            return ipaddress.ip_network(v.rsplit(":", 1)[0].strip("[]"))
        return None

    def parents(name):
        labels = name.split(".")
        return {".".join(labels[i:]) for i in range(1, len(labels) - 1)}

    host = value.split("/")[2] if kind == "url" else None
    mine = net(kind, value)
    if host and host[0].isdigit():
        mine, host = ipaddress.ip_network(host), None
    found = set()
    for k, v, flags, source in rows:
        theirs, relation = net(k, v), None
        if (k, v) == (kind, value):
            relation = "exact"
        elif k == "ip" and kind in ("url", "endpoint") and theirs == mine:
            relation = "host"
        elif k == "domain" and host == v:
            relation = "host"
        elif k == "domain" and flags & 1 and v in parents(host or (value if kind == "domain" else "")):
            relation = "parent"
        elif k == "domain" and kind == "domain" and v.endswith("." + value):
            relation = "below"
        elif theirs and mine and theirs.version == mine.version:
            if k == "net" and theirs.supernet_of(mine):
                relation = "around"
            elif k == "endpoint" and kind == "ip" and theirs == mine:
                relation = "on"
            elif kind == "net" and theirs != mine and theirs.subnet_of(mine):
                relation = "inside"
        if relation:
            found.add((relation, k, v, source))
    return found


def test_search_finds_what_an_oracle_finds(store, pub, caller, rng):
    from tip_lister import KINDS

    listers = [Lister(f"list{i}") for i in range(4)]
    store.start()
    for lister in listers:
        seq = publish(pub, lister.step(random_set(rng, {}, 300)))
    store.wait_stored(seq)
    rows = [(KINDS[kind], value, flags, lister.name) for lister in listers for (kind, value), flags in lister.set.items()]
    questions = [random_indicator(rng) for _ in range(80)]
    questions += [(pb.KIND_NET, "192.0.0.0/8".replace("192.0", "192.0")), (pb.KIND_DOMAIN, "host1.test")]
    for kind, value in questions:
        if value == "192.0.0.0/8":
            kind, value = pb.KIND_NET, "192.0.0.0/12"
        got = {(row["relation"], row["kind"], row["value"], row["source"])
               for row in caller.query("search", limit=5000, value=value, kind=KINDS[kind])}
        assert got == oracle_search(rows, KINDS[kind], value), (KINDS[kind], value)
