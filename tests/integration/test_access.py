"""Who may do what on a bus with keys: every door, asked with the right key, with others, and with none."""
import contextlib
import copy
import os
import pathlib
import signal
import time

import pytest
import yaml
import zmq

from tip_harness import AS_ROOT, NOBODY, Key, Site, open_to_nobody, wait_for
from tip_wire import Caller, Fetch, Frames, Pub, Sub, Worker, data_entry, event, pb

LISTING = "v1.listing.delta.lists."
SERVICE = {"roles": ["service"], "audience": "amber", "publish": ["v1.listing.", "v1.source."],
           "serve": ["control.lister", "snapshot.verdict."]}
OPERATOR = {"roles": ["operator"], "audience": "amber", "publish": ["v1.control."]}
GREEN = {"roles": ["consumer"], "audience": "green"}
CLEAR = {"roles": ["consumer"], "audience": "clear"}
DOORS = {"ingest": "ingest", "feed": "feed.amber", "feed_green": "feed.green", "feed_clear": "feed.clear",
         "fetch": "fetch", "work": "work"}
CANARY = b"canary-0f3b77d1"
REVOKED_S = 2  # what README.md promises, and a second for this machine
NEVER_S = 1.0  # how long nothing must come


class Keyring:
    """The directory of keys of a site, written here so that it shares nothing with `tip keys`."""

    def __init__(self, site):
        self.site, self.dir, self.rows, self.made = site, open_to_nobody(site.dir / "keys"), {}, {}
        self.add("broker")
        site.config["bus"].pop("insecure")
        site.config["bus"]["keys"] = str(self.dir)

    def give(self, path, text, mode):
        path.write_text(text)
        path.chmod(mode)
        if AS_ROOT:
            os.chown(path, NOBODY, NOBODY)

    def add(self, name, **rights):
        """A new pair; with rights it is in the map."""
        public, secret = (half.decode() for half in zmq.curve_keypair())
        text = f'metadata\n    name = "{name}"\ncurve\n    public-key = "{public}"\n'
        self.give(self.dir / f"{name}.cert", text, 0o644)
        self.give(self.dir / f"{name}.cert_secret", f'{text}    secret-key = "{secret}"\n', 0o600)
        self.made[name] = (public, secret)
        if rights:
            self.set(name, **rights)
        return self[name]

    def __getitem__(self, name):
        return Key(*self.made[name], self.made["broker"][0])

    def set(self, name, **rights):
        self.rows[name] = {"name": name, "public": self.made[name][0], **copy.deepcopy(rights)}  # no aliases in YAML
        self.write()

    def remove(self, name):
        del self.rows[name]
        self.write()

    def write(self, text=None):
        self.give(self.dir / "keys.yaml", text or yaml.safe_dump({"keys": list(self.rows.values())}), 0o600)


@pytest.fixture
def site():
    made = Site()
    made.keyring = Keyring(made)
    for name, rights in (("lister", SERVICE), ("tip", OPERATOR), ("soc", GREEN), ("press", CLEAR)):
        made.keyring.add(name, **rights)
    yield made
    made.close()


@pytest.fixture
def keyring(site):
    return site.keyring


@pytest.fixture
def lister(site, broker):
    made = Pub(site.endpoint("ingest"), "lister", key=site.keyring["lister"])
    site.closing.callback(made.close)
    return made


def listing(n, text=""):
    return event("schedule.done", module="lister", n_ok=n, summary=text)  # the broker does not look inside


def refused(broker, why, door):
    return broker.metric(f'tip_broker_connections_refused_total{{domain="{door}",reason="{why}"}}')


def who_answers(site, asking, timeout_s):
    """Which of asking, a dict of (door, key), hear anything of the broker: a PONG, or a head of the feed."""
    heard, sockets = set(), {}
    with contextlib.ExitStack() as closing:
        for who, (door, key) in asking.items():
            if door.startswith("feed"):
                sockets[who] = closing.enter_context(Sub(site.endpoint(door), "v1.bus.head.", key=key))
            else:
                sockets[who] = closing.enter_context(Frames(site.endpoint(door), key=key))
                sockets[who].send(ping=pb.Ping(nonce=7))
        end = time.monotonic() + timeout_s
        while time.monotonic() < end and heard != set(asking):
            heard |= {who for who, socket in sockets.items() if socket.receive(0.005) is not None}
    return heard


def answers(site, door, key):
    return who_answers(site, {"it": (door, key)}, 5) == {"it"}


def reload_keys(broker, count=1):
    """SIGHUP, and waits until the broker has said what it made of it."""
    before = broker.metric("tip_config_reloads_total")
    broker.signal(signal.SIGHUP)
    wait_for(lambda: broker.metric("tip_config_reloads_total") >= before + count, 20, "the broker has not reloaded")


# ---- who comes in ----------------------------------------------------------------------------------------------------

WHO_COMES_IN = {"lister": set(DOORS), "tip": set(DOORS), "soc": {"feed_green", "feed_clear", "fetch", "work"},
                "press": {"feed_clear", "fetch", "work"}}


def test_each_key_opens_its_doors_and_no_others(site, broker, keyring):
    asking = {(name, door): (door, keyring[name]) for name in WHO_COMES_IN for door in DOORS}
    wanted = {(name, door) for name, doors in WHO_COMES_IN.items() for door in doors}
    assert who_answers(site, {who: asking[who] for who in wanted}, 10) == wanted
    assert who_answers(site, {who: asking[who] for who in set(asking) - wanted}, NEVER_S) == set()
    for domain in ("ingest", "feed.amber", "feed.green"):
        wait_for(lambda at=domain: refused(broker, "door", at) > 0, 20, f"{domain}: a wrong door is not counted")


def test_no_key_and_a_strange_key_come_in_nowhere(site, broker, keyring):
    keys = {"none": None, "stranger": keyring.add("stranger"),
            "one that takes it for another": Key(*keyring.made["lister"], keyring["stranger"].public)}
    asking = {(name, door): (door, key) for name, key in keys.items() for door in DOORS}
    assert who_answers(site, asking, 2 * NEVER_S) == set()
    for domain in DOORS.values():
        wait_for(lambda at=domain: refused(broker, "key", at) > 0, 20, f"{domain}: a strange key is not counted")
    assert broker.metric("tip_insecure") == 0


def test_the_clear_door_may_be_public_and_no_other_is(site, keyring):
    site.config["bus"]["public"] = True
    site.broker()
    assert answers(site, "feed_clear", None)
    assert who_answers(site, {door: (door, None) for door in DOORS if door != "feed_clear"}, NEVER_S) == set()
    with Pub(site.endpoint("ingest"), "lister", key=keyring["lister"]) as pub, \
            Sub(site.endpoint("feed_clear"), "v1.") as reader:
        reader.synchronise()
        for tlp in (3, 2, 1):
            pub.publish(LISTING, listing(tlp), tlp)
        pub.flush()
        assert reader.wait(lambda s: s.stamp.seq).stamp.tlp == 1


def test_ipc_asks_for_no_key(site, keyring):
    site.config["bus"]["fetch"] = f"ipc://{site.run}/fetch"
    broker = site.broker()
    assert answers(site, "fetch", None)
    assert who_answers(site, {"work": ("work", None)}, NEVER_S) == set()
    assert broker.metric("tip_insecure") == 0


# ---- what one may say ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["tip", "lister2", "lister.", "liste", "broker"])
def test_nobody_publishes_under_somebody_elses_name(site, broker, keyring, name):
    with Frames(site.endpoint("ingest"), key=keyring["lister"]) as frames, \
            Sub(site.endpoint("feed"), "v1.system.", key=keyring["lister"]) as sub:
        sub.synchronise()
        frames.send(hello=pb.Hello(version=1, publisher=name, epoch=1, first_unacked=1))
        refusal = frames.expect("welcome", "refused")
        assert refusal[0] == "refused" and refusal[1].fatal
        frames.send(data_entry("v1.system.heartbeat.lister.", 3, b"x"), live=pb.Live(publisher=name, n=1))
        assert frames.expect("refused")[1].fatal
        frames.send(data_entry("v1.system.heartbeat.lister.", 3, b"y"), live=pb.Live(publisher="lister.7", n=1))
        heard = sub.wait(lambda s: s.topic.startswith("v1.system."), what="a live event of its own")
        assert (heard.event_bytes, heard.stamp.publisher) == (b"y", "lister.7")
    if name != "lister.":  # breaks the rules for names, whoever says it
        assert broker.metric('tip_broker_refused_total{socket="ingest",reason="access"}') == 2


def test_a_foreign_topic_is_refused_by_its_number(site, broker, keyring, lister):
    own = (LISTING, listing(1))
    for topic in ("v1.verdict.changes.x.", "v1.list.delta.x.", "v1.bus.head.", "v1.system.alarm.storage.",
                  "v1.system.alarm.listers."):
        first = lister.next_seq
        lister.publish_all([own, own, (topic, listing(2)), own])
        refusal = lister.expect("ack", "refused")
        assert refusal[0] == "refused", f"{topic} was taken"
        assert (refusal[1].pub_seq, refusal[1].fatal) == (first + 2, True) and "may not publish" in refusal[1].reason
        lister.next_seq = first
        lister.unacked.clear()
    mine = [f"v1.system.alarm.lister{rest}." for rest in ("", "_7", ".7")]
    lister.publish_all([own, *((topic, listing(3)) for topic in mine)])
    lister.flush()
    assert broker.metric('tip_broker_refused_total{socket="ingest",reason="access"}') == 5
    with Fetch(site.endpoint("fetch"), key=keyring["tip"]) as fetch:
        assert [s.topic for s in fetch.all()] == [LISTING, *mine]


def test_a_live_event_says_nothing_about_somebody_else(site, broker, keyring):
    """A key that beats for another service would keep it alive for `tip status`, and lower its alarms."""
    with Frames(site.endpoint("ingest"), key=keyring["lister"]) as frames, \
            Sub(site.endpoint("feed"), "v1.system.", key=keyring["tip"]) as sub:
        sub.synchronise()
        frames.send(data_entry("v1.system.heartbeat.storage.", 3, b"x"), live=pb.Live(publisher="lister", n=1))
        assert frames.expect("refused")[1].fatal
        frames.send(data_entry("v1.system.heartbeat.lister.", 3, b"y"), live=pb.Live(publisher="lister", n=1))
        heard = sub.wait(lambda s: s.topic.startswith("v1.system."), what="a live event of its own")
        assert (heard.topic, heard.event_bytes) == ("v1.system.heartbeat.lister.", b"y")


def test_refused_topics_take_no_places(site, broker, lister):
    """The journal counts at most 512 pairs of class and marking; who may not publish a class does not begin its count."""
    for n in range(600):
        lister.publish_all([(f"v1.class{n}.x.y.", listing(1))])
        assert lister.expect("refused")[0] == "refused"
        lister.next_seq -= 1
        lister.unacked.clear()
    lister.publish_all([(LISTING, listing(1))])
    lister.flush()


def test_queues_are_served_and_called_by_those_who_may(site, broker, keyring):
    work = site.endpoint("work")
    with Worker(work, "control.lister", "lister.1", key=keyring["lister"]) as worker, \
            Caller(work, key=keyring["tip"]) as tip, Caller(work, key=keyring["soc"]) as soc, \
            Frames(work, key=keyring["lister"]) as frames:
        call_id = os.urandom(16)
        tip.send(put=pb.Put(id=call_id, queue="control.lister", body=b"do", deadline_ms=9000, caller="tip.1"))
        job = worker.job()
        assert (job.caller, job.body) == ("tip.1", b"do")
        # somebody who knows the id joins no call of another key, and cannot answer it
        soc.send(put=pb.Put(id=call_id, queue="control.lister", deadline_ms=9000, caller="soc"))
        assert soc.expect("failed", "refused", "result")[1].code == pb.FAILURE_REFUSED
        frames.send(done=pb.Done(id=call_id, attempt=job.attempt, body=b"forged"))
        assert frames.expect("lost", "refused")[0] == "lost"
        worker.done(job, b"done")
        assert tip.expect("result")[1].body == b"done"

        for queue, caller in (("control.lister", "soc"), ("store.query", "soc"), ("snapshot.verdict.amber", "soc"),
                              ("snapshot.verdict", "soc"), ("snapshot.verdict.green", "tip")):
            code, reason, _ = soc.put(queue, b"", caller=caller)
            assert code == pb.FAILURE_REFUSED and "this key" in reason, queue
        for queue, name in (("control.tip", "lister"), ("control.lister2", "lister"), ("bus.query", "lister"),
                            ("control.lister", "tip")):
            frames.send(take=pb.Take(queue=queue, credit=1, worker=name))
            assert frames.expect("refused")[1].fatal, f"{name} serves {queue}"
        with Worker(work, "snapshot.verdict.green", "lister", key=keyring["lister"]) as owner:
            soc.send(put=pb.Put(id=os.urandom(16), queue="snapshot.verdict.green", deadline_ms=9000, caller="soc"))
            owner.done(owner.job(), b"page")
            assert soc.expect("result", "failed")[0] == "result"
    assert broker.metric('tip_broker_refused_total{socket="work",reason="access"}') == 10


def test_nobody_reads_under_somebody_elses_name(site, broker, keyring):
    for consumer, is_taken in (("soc", True), ("soc.2", True), ("storage", False), ("socks", False), ("", True)):
        with Fetch(site.endpoint("fetch"), consumer, key=keyring["soc"]) as fetch:
            assert (fetch.fetch()[0] == "batch") is is_taken, consumer
    assert broker.metric('tip_broker_refused_total{socket="fetch",reason="access"}') == 2
    for n in range(3, 5):
        with Fetch(site.endpoint("fetch"), f"soc.{n}", key=keyring["soc"]) as fetch:
            assert fetch.fetch()[0] == "batch"
    with Fetch(site.endpoint("fetch"), "soc.5", key=keyring["soc"]) as fetch:  # each holds the journal: a few are enough
        assert fetch.fetch()[0] == "refused"
    with Fetch(site.endpoint("fetch"), "soc.4", key=keyring["soc"]) as fetch:
        assert fetch.fetch()[0] == "batch"


# ---- who sees what ---------------------------------------------------------------------------------------------------


class Heard:
    """Keeps every byte that came."""

    def parts(self, timeout_s):
        got = super().parts(timeout_s)
        self.heard = [*getattr(self, "heard", []), *(got or [])]
        return got

    def has_heard(self, what):
        return any(what in frame for frame in self.heard)


class HeardSub(Heard, Sub):
    pass


class HeardFetch(Heard, Fetch):
    pass


def publish_all_markings(pub, rounds):
    """Amber with the canary, green and clear in turn; returns the number of the last one."""
    for n in range(rounds):
        pub.publish(f"v1.listing.delta.{CANARY.decode()}.", listing(n, CANARY.decode()), 3)
        pub.publish("v1.source.ok.green.", listing(n), 2)
        pub.publish("v1.source.ok.clear.", listing(n), 1)
        pub.publish(f"v1.source.failed.{CANARY.decode()}.", listing(n, CANARY.decode()), 3)
    return pub.flush()


def dense(seen, tlp):
    numbers = {}
    for record in seen:
        if record.stamp.seq and record.stamp.tlp == tlp:
            numbers.setdefault(record.topic.split(".")[1], []).append(record.stamp.class_seq)
    assert numbers, f"nothing with marking {tlp} was heard"
    return all(row == list(range(row[0], row[0] + len(row))) for row in numbers.values())


@pytest.mark.parametrize("name, door, may_see", [("soc", "feed_green", {1, 2}), ("soc", "feed_clear", {1}),
                                                 ("press", "feed_clear", {1})])
def test_no_amber_event_leaves_through_a_wider_door(site, broker, keyring, lister, name, door, may_see):
    with HeardSub(site.endpoint(door), "", key=keyring[name]) as sub, \
            HeardSub(site.endpoint("feed"), "", key=keyring["tip"]) as inside:
        sub.synchronise()
        inside.synchronise()
        last = publish_all_markings(lister, 50)
        lister.live("v1.system.heartbeat.lister.", event("system.heartbeat", detail=CANARY.decode()), 3)
        inside.wait(lambda s: s.kind == "system.heartbeat")
        head = sub.wait(lambda s: s.kind == "bus.head" and s.payload.head_seq == last, what="the head at the end")
        assert inside.has_heard(CANARY) and not sub.has_heard(CANARY)
        assert {s.stamp.tlp for s in sub.seen} == may_see
        assert {c.tlp for c in head.payload.classes} == may_see, "the head tells of what this door does not show"
        # a reader of whole classes finds no gap, though most events passed it by
        for tlp in may_see:
            assert dense(sub.seen, tlp)
            told = {c.class_name: c.class_seq for c in head.payload.classes if c.tlp == tlp}
            assert told == {"source": 50}


@pytest.mark.parametrize("name, may_see", [("soc", {1, 2}), ("press", {1}), ("tip", {1, 2, 3})])
def test_fetch_shows_what_the_key_may_read_and_moves_past_the_rest(site, broker, keyring, lister, name, may_see):
    last = publish_all_markings(lister, 50)
    with HeardFetch(site.endpoint("fetch"), key=keyring[name]) as fetch:
        seen = fetch.all()
        assert {s.stamp.tlp for s in seen} == may_see and len(seen) == sum(50 + 50 * (tlp == 3) for tlp in may_see)
        assert fetch.has_heard(CANARY) == (3 in may_see)
        what, answer, none = fetch.fetch(from_seq=last)  # the last one is amber
        assert (what, answer.next_seq, len(none)) == ("batch", last + 1, 1 if 3 in may_see else 0)
        # one that waits is not woken by what it may not read
        started = time.monotonic()
        fetch.request += 1
        fetch.send(fetch=pb.Fetch(from_seq=last + 1, max_wait_ms=int(NEVER_S * 1000), max_bytes=1 << 20,
                                  request=fetch.request))
        lister.publish(LISTING, listing(0, CANARY.decode()), 3)
        lister.flush()
        batch = fetch.expect("batch")[1]
        is_early = time.monotonic() - started < NEVER_S - 0.01  # the broker counts whole milliseconds
        assert (batch.n, is_early) == ((1, True) if 3 in may_see else (0, False))
        lister.publish(LISTING, listing(0), 1)
        lister.flush()
        _, answer, seen = fetch.fetch(from_seq=last + 1, max_wait_ms=5000)
        assert [s.stamp.tlp for s in seen] == ([3, 1] if 3 in may_see else [1])
        assert fetch.has_heard(CANARY) == (3 in may_see)


def test_an_outside_consumer_has_a_byte_budget_and_inside_ones_do_not_feel_it(site, keyring):
    broker = site.broker(external_bytes_per_s="128KiB")
    with Pub(site.endpoint("ingest"), "lister", key=keyring["lister"]) as pub:
        for n in range(512):
            pub.publish("v1.source.ok.x.", n.to_bytes(4, "little") * 256, 1)
        pub.flush()
    with Fetch(site.endpoint("fetch"), key=keyring["soc"]) as outside, \
            Fetch(site.endpoint("fetch"), key=keyring["tip"]) as inside:
        started, read, from_seq, waits = time.monotonic(), 0, 0, []
        while read < 512:
            what, answer, seen = outside.fetch(from_seq=from_seq)
            assert what == "batch"
            from_seq, read = answer.next_seq, read + len(seen)
            before = time.monotonic()
            assert len(inside.all()) == 512
            waits.append(time.monotonic() - before)
        assert min(waits) < 1, f"it does not wait for those outside: {waits}"
        assert 3 <= time.monotonic() - started <= 30, "512 KiB and more, of which one second's worth is there at once"
    assert broker.metric("tip_broker_fetch_rests_total") > 0


def test_outside_consumers_leave_room_for_those_inside(site, keyring):
    broker = site.broker(fetchers_max=8)
    names = [f"out{n}" for n in range(3)]
    for name in names:
        keyring.add(name, **GREEN)
    reload_keys(broker)
    waiting = [Fetch(site.endpoint("fetch"), key=keyring[name]) for name in names for _ in range(5)]
    try:
        for fetch in waiting:
            fetch.send(fetch=pb.Fetch(from_seq=1, max_wait_ms=30000, request=1))
        limit = 'tip_broker_refused_total{socket="fetch",reason="limit"}'
        wait_for(lambda: broker.metric(limit) == 3, 20, "fetches beyond a key's four are refused")
        assert broker.metric("tip_broker_fetchers") <= 4, "half of all; the others stand in line"
        with Fetch(site.endpoint("fetch"), key=keyring["tip"]) as inside:
            assert inside.fetch()[0] == "batch"
        answers = {}
        wait_for(lambda: answers.update((n, got[0]) for n, fetch in enumerate(waiting) if (got := fetch.receive(0)))
                 or len(answers) >= 11, 20, lambda: f"all but the last four have had their turn: {answers}")
        assert sorted(answers.values()) == ["batch"] * 8 + ["refused"] * 3 and broker.metric(limit) == 3
    finally:
        for fetch in waiting:
            fetch.close()


def test_a_consumer_does_not_stop_the_calls_of_those_inside(site, keyring):
    """Calls without end, of the largest size and of the smallest, under many names, to queues that it invents."""
    broker = site.broker(calls_max=200, calls_bytes="8MiB")
    keyring.add("many", **GREEN)
    reload_keys(broker)
    with Caller(site.endpoint("work"), key=keyring["many"]) as many, \
            Worker(site.endpoint("work"), "control.lister", "lister", key=keyring["lister"]) as worker, \
            Caller(site.endpoint("work"), key=keyring["tip"]) as tip:
        for body, n_puts in ((b"?", 300), (bytes(500_000), 30)):
            for n in range(n_puts):
                many.send(put=pb.Put(id=os.urandom(16), queue=f"snapshot.s{n % 7}.green", body=body,
                                     deadline_ms=600_000, caller=f"many.{n % 5}"))
        full = 'tip_broker_refused_total{socket="work",reason="limit"}'
        wait_for(lambda: broker.metric(full) == 330 - 64, 20, "what is more than a key's part is refused")
        rows = tip.bus("queues", caller="tip.test")
        assert sum(row["full"] for row in rows if row["queue"].startswith("snapshot.s")) == 330 - 64
        wait_for(lambda: broker.metric("tip_broker_calls_bytes") == 64, 10, "64 calls of a byte wait")
        call_id = os.urandom(16)
        tip.send(put=pb.Put(id=call_id, queue="control.lister", body=bytes(1 << 20), deadline_ms=10_000, caller="tip.test"))
        worker.done(worker.job(), b"yes")
        assert tip.answer(call_id, 10)[1].body == b"yes"


# ---- keys that come and go -------------------------------------------------------------------------------------------


def test_a_key_that_is_added_comes_in_without_connecting_anew(site, broker, keyring):
    key = keyring.add("late")
    with Frames(site.endpoint("fetch"), key=key) as frames:
        frames.send(ping=pb.Ping(nonce=1))
        wait_for(lambda: refused(broker, "key", "fetch") > 0, 20, "it has not come yet")
        keyring.set("late", **GREEN)
        reload_keys(broker)
        assert frames.receive(15), "the same socket is not let in after its key was added"
    assert broker.metric("tip_broker_keys") == 5


def test_a_revoked_key_ends_where_it_is(site, broker, keyring, lister):
    keyring.add("second", **SERVICE)
    reload_keys(broker)
    fetch = Fetch(site.endpoint("fetch"), key=keyring["lister"])
    worker = Worker(site.endpoint("work"), "control.lister", "lister", key=keyring["lister"])
    sub = Sub(site.endpoint("feed"), "v1.", key=keyring["lister"]).synchronise()
    other = Worker(site.endpoint("work"), "snapshot.verdict.green", "second", key=keyring["second"])
    with fetch, worker, sub, other, Caller(site.endpoint("work"), key=keyring["tip"]) as tip, \
            Sub(site.endpoint("feed"), "v1.", key=keyring["tip"]) as others:
        others.synchronise()
        fetch.send(fetch=pb.Fetch(from_seq=1, max_wait_ms=30000, request=1))
        tip.send(put=pb.Put(id=os.urandom(16), queue="control.lister", deadline_ms=20000, lease_ms=20000,
                            max_attempts=2, caller="tip"))
        job = worker.job()
        lister.publish(LISTING, listing(1), 3)
        lister.flush()
        fetch.expect("batch")
        fetch.send(fetch=pb.Fetch(from_seq=2, max_wait_ms=30000, request=2))
        sub.wait(lambda s: s.stamp.seq == 1)

        keyring.remove("lister")
        started = time.monotonic()
        reload_keys(broker)
        assert fetch.expect("refused", "batch", timeout_s=REVOKED_S)[0] == "refused"
        assert lister.expect("refused", "ack", timeout_s=REVOKED_S)[0] == "refused"
        # its lease went back: another one gets the job, with a higher attempt, and its own answer comes too late
        other.queue = "control.lister"
        other.take()
        again = other.job(REVOKED_S)
        assert (again.id, again.attempt) == (job.id, 2)
        worker.done(job, b"too late")
        assert time.monotonic() - started < REVOKED_S + 1
        other.done(again, b"in time")
        assert tip.expect("result", "failed")[1].body == b"in time"
        # nothing it says is heard any more
        lister.publish(LISTING, listing(2), 3)
        assert lister.expect("refused", "ack")[0] == "refused"
        # its subscription is gone, those of others are back
        others.wait(lambda s: s.kind == "bus.head", 10, "a head after the door was opened anew")
        others.drain()
        sub.drain()
        others.wait(lambda s: s.kind == "bus.head", 5, "a head")
        assert not sub.drain()
        with Fetch(site.endpoint("fetch"), key=keyring["tip"]) as all_of_it:
            assert len(all_of_it.all()) == 1
    assert broker.metric("tip_broker_keys_revoked_total") == 1


def test_a_new_key_under_an_old_name_is_somebody_else(site, broker, keyring, lister):
    lister.publish(LISTING, listing(1), 3)
    lister.flush()
    keyring.add("lister", **SERVICE)
    reload_keys(broker)
    lister.publish(LISTING, listing(2), 3)
    assert lister.expect("refused", "ack")[0] == "refused"
    with Pub(site.endpoint("ingest"), "lister", epoch=lister.epoch, connect=False, key=keyring["lister"]) as fresh:
        fresh.next_seq = 2
        fresh.hello()
        assert fresh.welcome.durable_pub_seq == 1
        fresh.publish(LISTING, listing(3), 3)
        assert fresh.flush() == 2


def test_changed_rights_end_sessions_and_then_hold(site, broker, keyring):
    with Sub(site.endpoint("feed_green"), "v1.", key=keyring["soc"]) as sub, \
            Pub(site.endpoint("ingest"), "lister", key=keyring["lister"]) as pub:
        sub.synchronise()
        keyring.set("soc", **CLEAR)
        reload_keys(broker)
        wait_for(lambda: refused(broker, "door", "feed.green") > 0, 10, "it has not come back to the green door")
        sub.drain()
        pub.publish("v1.source.ok.x.", listing(1), 2)
        pub.flush()
        assert sub.receive(NEVER_S) is None
        with Fetch(site.endpoint("fetch"), key=keyring["soc"]) as fetch:
            assert fetch.all() == []


def test_whoever_is_not_revoked_notices_nothing(site, broker, keyring, lister):
    with Fetch(site.endpoint("fetch"), key=keyring["tip"]) as fetch:
        fetch.send(fetch=pb.Fetch(from_seq=1, max_wait_ms=30000, request=1))
        keyring.add("newcomer", **GREEN)
        reload_keys(broker)
        keyring.remove("newcomer")
        reload_keys(broker)
        lister.publish(LISTING, listing(1), 3)
        lister.flush()
        assert fetch.expect("batch", "refused")[0] == "batch"


BROKEN = {
    "syntax": ("keys: [", "keys.yaml:2:1: not valid YAML"),
    "unknown": ("keys:\n  - {name: a, public: x, roles: [service], colour: red}\n", "keys.yaml:2:"),
    "role": ("keys:\n  - name: a\n    public: '" + "0" * 40 + "'\n    roles: [king]\n", "'king' is not a role"),
    "gone": (None, "No such file"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_map_leaves_the_old_one_in_force(site, broker, keyring, lister, kind):
    text, why = BROKEN[kind]
    if text is None:
        (keyring.dir / "keys.yaml").unlink()
    else:
        keyring.write(text)
    reload_keys(broker)
    assert why in "".join(broker.log_lines("keys.refused")) and broker.metric("tip_config_reload_failed") == 1
    assert answers(site, "fetch", keyring["soc"])
    lister.publish(LISTING, listing(1), 3)
    assert lister.flush() == 1
    keyring.write()
    reload_keys(broker)
    assert broker.metric("tip_config_reload_failed") == 0


@pytest.mark.parametrize("kind", BROKEN)
def test_no_broker_starts_on_a_broken_map(site, keyring, kind):
    text, why = BROKEN[kind]
    if text is None:
        (keyring.dir / "keys.yaml").unlink()
    else:
        keyring.write(text)
    broker = site.service("broker")
    site.write_config()
    assert broker.spawn().wait() == 1
    assert why in "".join(broker.log_lines("keys.refused"))


# ---- programs of ours ------------------------------------------------------------------------------------------------


def test_a_service_lives_on_its_key(site, broker, keyring):
    keyring.add("scheduler", roles=["service"], audience="amber", publish=["v1.schedule."],
                serve=["control.scheduler"])
    reload_keys(broker)
    scheduler = site.service("scheduler", jobs=[]).start()
    with Sub(site.endpoint("feed"), "v1.system.heartbeat.", key=keyring["tip"]) as sub:
        beat = sub.wait(lambda s: s.kind == "system.heartbeat", 10, "a heartbeat")
        assert beat.stamp.publisher == "scheduler" and not beat.payload.insecure
    keyring.remove("scheduler")
    reload_keys(broker)
    wait_for(lambda: not scheduler.is_ready(), 15, "the scheduler is still ready without its key")


def test_a_service_without_its_key_does_not_start(site, keyring):
    for spoil, why in ((lambda path: path.chmod(0o604), "open to other users"), (pathlib.Path.unlink, "cert_secret")):
        keyring.add("scheduler", **SERVICE)
        spoil(keyring.dir / "scheduler.cert_secret")
        scheduler = site.service("scheduler", jobs=[])
        site.write_config()
        assert scheduler.spawn().wait() == 1
        assert why in scheduler.log_text()
