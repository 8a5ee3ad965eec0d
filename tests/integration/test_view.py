"""What the broker tells of itself: bus.query and the labelled metrics."""
import re
import time

import pytest
from tip_harness import Site, wait_for
from tip_wire import Caller, Fetch, Pub, Sub, Worker, event, pb

TOPIC = "v1.schedule.done.test."
SMALL = {"segment_bytes": "1MiB", "keep_bytes": "2MiB", "cap_bytes": "4MiB"}


def done(n, size=0):
    return event("schedule.done", module="test", n_ok=n, summary="x" * size)


def blob(size):
    return b"\x55" * size


def one(caller, table, name):
    """The row whose first column is `name`, or None."""
    return next((row for row in caller.bus(table) if next(iter(row.values())) == name), None)


def labelled(broker, name):
    """{labels: value} of a labelled metric."""
    found = re.findall(rf"^{name}{{(.*)}} (\S+)$", broker.get("/metrics")[1], re.M)
    return {labels: float(value) for labels, value in found}


def test_a_publisher_is_seen_while_it_is_there(site, broker, caller):
    with Pub(site.endpoint("ingest"), "blacklist") as pub:
        pub.publish_all([(TOPIC, blob(1000))] * 500)
        pub.flush()
        row = wait_for(lambda: (r := one(caller, "publishers", "blacklist"))["events_per_s_60s"] > 0 and r, 10, "a rate")
        assert row["up"] and row["epoch"] == pub.epoch and row["last_seq"] == 500
        assert (row["events"], row["bytes"], row["window_events"], row["oldest_unacked_ms"]) == (500, 500_000, 0, None)
        assert row["bytes_per_s_60s"] == pytest.approx(1000 * row["events_per_s_60s"], rel=0.01)
        assert row["window_events_max"] == 16384 and row["heard_ago_ms"] < 10_000
        assert labelled(broker, "tip_broker_publisher_events_total") == {'publisher="blacklist"': 500}
    with Pub(site.endpoint("ingest"), "blacklist", epoch=pub.epoch + 1):
        assert one(caller, "publishers", "blacklist")["up"]


def test_a_session_that_ends_takes_its_series_along(site):
    broker = site.broker(sessions_max=1)
    with Caller(site.endpoint("work")) as caller, Pub(site.endpoint("ingest"), "first"):
        assert set(labelled(broker, "tip_broker_publisher_window_events")) == {'publisher="first"'}
        with Pub(site.endpoint("ingest"), "second"):
            assert set(labelled(broker, "tip_broker_publisher_window_events")) == {'publisher="second"'}
            assert [(r["publisher"], r["up"]) for r in caller.bus("publishers")] == [("first", False), ("second", True)]


def test_an_idle_publisher_is_up_again_after_a_restart(site, broker):
    service = site.service("scheduler", jobs=[{"name": "x", "module": "test", "deadline": "60s", "every": "1h"}]).start()
    wait_for(lambda: service.metric("tip_bus_acked_total") and service.metric("tip_outbox_events") == 0, 20, "it is idle")

    def row():
        with Caller(site.endpoint("work")) as caller:
            return one(caller, "publishers", "scheduler")

    before = row()
    assert before["up"]
    broker.kill()
    broker.start()
    after = wait_for(lambda: (r := row())["up"] and r, 10, "its session is back")
    assert (after["epoch"], after["last_seq"], after["events"]) == (before["epoch"], before["last_seq"], 0), \
        "it has published nothing"
    assert service.term() == 0


def test_a_publisher_behind_a_full_window_shows_it(site):
    broker = site.broker(**SMALL, required=["storage"], window_events=100)
    with Caller(site.endpoint("work")) as caller, Pub(site.endpoint("ingest"), "test") as pub, \
            Fetch(site.endpoint("fetch"), "storage") as fetch:
        for _ in range(100):
            pub.publish(TOPIC, blob(60_000))
        wait_for(lambda: not broker.is_ready(), 10, "the journal is full")
        row = wait_for(lambda: (r := one(caller, "publishers", "test"))["oldest_unacked_ms"] > 1000 and r, 10,
                       "an old unacked event")
        while (got := pub.receive(0.2)) is not None:
            pub.acked(got[1].durable_pub_seq)
        row = one(caller, "publishers", "test")
        assert row["window_events"] == len(pub.unacked) > 20 and row["window_events_max"] == 100
        assert row["window_bytes"] >= 60_000 * len(pub.unacked)
        journal = caller.bus("journal")[0]
        assert journal["held"] and not journal["no_space"] and "required consumer" in journal["closed"]
        lagging = one(caller, "consumers", "storage")
        assert lagging["required"] and lagging["lag_events"] == journal["head_seq"] and lagging["trimmed_in_s"] is None
        assert lagging["stops_acks_in_s"] is not None
        assert set(labelled(broker, "tip_broker_consumer_stops_acks_in_seconds")) == {'consumer="storage"'}
        assert not labelled(broker, "tip_broker_consumer_trimmed_in_seconds")
        assert labelled(broker, "tip_broker_publisher_unacked_seconds")['publisher="test"'] > 1
        head = journal["head_seq"]
        fetch.fetch(from_seq=head + 1, committed_seq=head)
        wait_for(broker.is_ready, 10, "there is room again")
        assert one(caller, "consumers", "storage")["lag_events"] == 0


def test_the_lag_of_a_consumer_grows_and_falls(site, broker, caller, pub):
    with Fetch(site.endpoint("fetch"), "siem") as fetch:
        pub.publish_all([(TOPIC, done(n)) for n in range(100)])
        head = pub.flush()
        _, answer, records = fetch.fetch(from_seq=1, max_events=40)
        fetch.fetch(from_seq=answer.next_seq, committed_seq=40, max_events=1)
        first_us = records[0].stamp.commit_unix_us
        row = one(caller, "consumers", "siem")
        assert (row["committed_seq"], row["lag_events"], row["events"]) == (40, head - 40, 41)
        assert not row["required"] and row["holds"] and not row["overtaken"]
        grown = wait_for(lambda: (r := one(caller, "consumers", "siem"))["lag_s"] > 2.5 and r, 10, "its lag in seconds")
        assert abs(grown["lag_s"] - (time.time() - first_us / 1e6)) < 1.5, "the age of what it has not committed"
        assert labelled(broker, "tip_broker_consumer_lag_seconds")['consumer="siem"'] >= grown["lag_s"]
        fetch.fetch(from_seq=head + 1, committed_seq=head)
        row = one(caller, "consumers", "siem")
        assert (row["lag_events"], row["lag_s"], row["committed_seq"]) == (0, 0, head)
        assert row["seen_ago_ms"] < 5000


def test_who_filters_is_not_behind(site, broker, caller, pub):
    """What a consumer does not want is no lag while it waits, whatever it has committed."""
    with Fetch(site.endpoint("fetch"), "picky") as fetch:
        fetch.send(fetch=pb.Fetch(consumer="picky", from_seq=1, prefixes=["v1.verdict."], max_wait_ms=20_000, request=1))
        pub.publish_all([(TOPIC, done(n)) for n in range(10)])
        head = pub.flush()
        row = wait_for(lambda: (got := one(caller, "consumers", "picky")) and got["lag_events"] == 0 and got, 10,
                       "it is said to be behind")
        assert (row["committed_seq"], row["lag_s"]) == (0, 0)
        pub.publish("v1.verdict.changes.list.", done(0))
        pub.flush()
        assert fetch.expect("batch")[1].n == 1
        assert one(caller, "consumers", "picky")["lag_events"] == head + 1


def test_a_lag_outlives_the_broker(site, broker, caller, pub):
    with Fetch(site.endpoint("fetch"), "siem") as fetch:
        pub.publish(TOPIC, done(1))
        pub.flush()
        fetch.fetch(from_seq=2, committed_seq=1)
        pub.publish(TOPIC, done(2))
        pub.flush()
        sent = time.time()
        wait_for(lambda: one(caller, "consumers", "siem")["lag_s"] > 1, 10, "a lag")
    assert broker.term() == 0
    broker.start()
    with Caller(site.endpoint("work")) as again:
        row = one(again, "consumers", "siem")
    assert row["lag_events"] == 1
    assert abs(row["lag_s"] - (time.time() - sent)) < 2, "the tail of the journal knows its times"


def test_who_will_be_trimmed_over_is_told_when(site):
    broker = site.broker(**SMALL, required=[])
    with Caller(site.endpoint("work")) as caller, Pub(site.endpoint("ingest"), "test") as pub, \
            Fetch(site.endpoint("fetch"), "siem") as fetch:
        pub.publish(TOPIC, blob(60_000))
        pub.flush()
        fetch.fetch(from_seq=1)
        pub.publish_all([(TOPIC, blob(60_000))] * 5)
        pub.flush()
        row = wait_for(lambda: (r := one(caller, "consumers", "siem"))["trimmed_in_s"] is not None and r, 10, "a guess")
        assert row["trimmed_in_s"] > 0 and row["stops_acks_in_s"] is None and not row["overtaken"]
        assert labelled(broker, "tip_broker_consumer_trimmed_in_seconds")['consumer="siem"'] > 0
        assert not labelled(broker, "tip_broker_consumer_stops_acks_in_seconds")
        for _ in range(17):
            pub.publish_all([(TOPIC, blob(60_000))] * 5)
            pub.flush()
        wait_for(lambda: one(caller, "consumers", "siem")["overtaken"], 10, "it is trimmed over")
        assert labelled(broker, "tip_broker_consumer_overtaken") == {'consumer="siem"': 1}


def test_a_queue_with_a_stopped_worker(site, broker, caller):
    stopped = Worker(site.endpoint("work"), "probe")
    wait_for(lambda: one(caller, "queues", "probe"), 10, "the queue")
    for n in range(3):
        caller.send(put=pb.Put(id=bytes([n]) * 16, queue="probe", body=b"?", deadline_ms=30_000, caller="test"))
    row = wait_for(lambda: (r := one(caller, "queues", "probe"))["waiting"] == 2 and r, 10, "two wait")
    assert (row["running"], row["workers"], row["credit"], row["done"]) == (1, 1, 0, 0)
    row = wait_for(lambda: (r := one(caller, "queues", "probe"))["oldest_waiting_ms"] > 1000 and r, 10, "they grow old")
    assert labelled(broker, "tip_broker_queue_oldest_seconds")['queue="probe"'] > 1
    assert labelled(broker, "tip_broker_queue_waiting")['queue="probe"'] == 2
    for _ in range(3):
        stopped.done(stopped.job(), b"!")
    row = wait_for(lambda: (r := one(caller, "queues", "probe"))["done"] == 3 and r, 10, "all is done")
    assert (row["waiting"], row["running"], row["oldest_waiting_ms"]) == (0, 0, None)
    stopped.close()


def test_doors_classes_and_journal(site, broker, caller, pub):
    with Sub(site.endpoint("feed"), "v1.schedule.", "v1.source.") as sub:
        sub.synchronise()
        pub.publish(TOPIC, done(1))
        pub.publish(TOPIC, done(2))
        pub.publish("v1.source.ok.a.", done(3), tlp=1)
        pub.flush()
        sub.wait(lambda s: s.stamp.seq == 3)
        doors = {d["tlp"]: d for d in caller.bus("doors")}
        assert {tlp: d["endpoint"] for tlp, d in doors.items()} == {
            "amber": site.endpoint("feed"), "green": site.endpoint("feed_green"), "clear": site.endpoint("feed_clear")}
        assert (doors["clear"]["sent"], doors["clear"]["subscriptions"]) == (0, 0), "nobody listens there"
        door = doors["amber"]
        assert door["subscriptions"] >= 2 and door["sent"] >= 3 and door["overflows"] == 0
    classes = {(r["class"], r["tlp"]): r["events"] for r in caller.bus("classes")}
    assert classes == {("schedule", "amber"): 2, ("source", "clear"): 1}
    assert labelled(broker, "tip_broker_class_events_total") == {'class="schedule",tlp="amber"': 2,
                                                                 'class="source",tlp="clear"': 1}
    journal = caller.bus("journal")[0]
    assert bytes.fromhex(journal["journal_id"]) == pub.welcome.journal_id
    assert (journal["head_seq"], journal["first_seq"], journal["events"]) == (3, 1, 3)
    assert 0 < journal["flush_p50_ms"] <= journal["flush_p99_ms"] and journal["closed"] is None


def test_keys():
    site = Site(keys=True)
    try:
        site.add_key("soc", "--audience", "green")
        site.broker()
        with Pub(site.endpoint("ingest"), "blacklist", key=site.key("blacklist")), \
                Fetch(site.endpoint("fetch"), "soc.siem", key=site.key("soc")) as fetch, \
                Caller(site.endpoint("work"), key=site.key("tip")) as caller:
            fetch.fetch(from_seq=1)
            keys = {row["key"]: row for row in caller.bus("keys", caller="tip")}
            soc = keys["soc"]
            assert soc == {"key": "soc", "roles": "consumer", "audience": "green", "publishers": 0, "consumers": 1}
            mine = keys["blacklist"]
            assert (mine["roles"], mine["audience"], mine["publishers"]) == ("service", "amber", 1)
            with Caller(site.endpoint("work"), key=site.key("soc")) as outside:
                code, reason, body = outside.put("bus.query", pb.StoreQuery(name="keys").SerializeToString(), caller="soc")
                assert (code, body) == (pb.FAILURE_REFUSED, b"") and reason, "an outsider does not look into the broker"
    finally:
        site.close()


def test_questions_that_make_no_sense(caller, broker):
    for request, code in ((b"\xff", pb.FAILURE_INVALID), (pb.StoreQuery(name="nosuch"), pb.FAILURE_NOT_FOUND),
                          (pb.StoreQuery(name="doors", params={"a": "b"}), pb.FAILURE_INVALID),
                          (pb.StoreQuery(name="doors", limit=10_001), pb.FAILURE_INVALID)):
        body = request if isinstance(request, bytes) else request.SerializeToString()
        got = caller.put("bus.query", body)
        assert got[0] == code and got[1], (request, got)
    caller.send(put=pb.Put(id=b"short", queue="bus.query"))
    assert caller.expect("refused")[1].fatal


def test_an_answer_is_bounded(site, broker, caller):
    with Pub(site.endpoint("ingest"), "p", connect=False) as many:
        for n in range(1500):
            many.send(hello=pb.Hello(version=1, publisher=f"publisher-with-a-long-name-{n:06}", epoch=1, first_unacked=1))
            many.expect("welcome")
        request = pb.StoreQuery(name="publishers")
        answer = pb.StoreAnswer.FromString(caller.put("bus.query", request.SerializeToString())[2])
        assert len(answer.rows) == 1000 and answer.more
        request.limit = 10_000
        answer = pb.StoreAnswer.FromString(caller.put("bus.query", request.SerializeToString())[2])
        assert len(answer.rows) == 1500 and not answer.more
    assert len(labelled(broker, "tip_broker_publisher_events_total")) == 1, "one connection, one session"
