"""The broker on the wire, spoken from proto/ alone."""
import os
import signal
import struct
import subprocess
import time

import pytest
import zmq

from tip_harness import AS_ROOT, NOBODY, open_to_nobody, wait_for
from tip_wire import Caller, Fetch, Frames, Pub, Socket, Sub, Worker, context, data_entry, event, pb

KILLS = int(os.environ.get("TIP_KILLS", "25"))
TOPIC = "v1.schedule.done.test."
SMALL = {"segment_bytes": "1MiB", "keep_bytes": "2MiB", "cap_bytes": "4MiB"}


def done(n, size=0):
    return event("schedule.done", module="test", n_ok=n, summary="x" * min(size, 1000))


def blob(n, size):
    """Bytes that the broker must not look into."""
    return n.to_bytes(4, "little") + os.urandom(size - 4)


# ---- publish ---------------------------------------------------------------------------------------------------------


def test_an_acked_event_is_stamped_fed_and_fetched(site, broker, sub, pub):
    sent = done(1)
    pub.publish(TOPIC, sent, tlp=2)
    assert pub.flush() == 1
    got = sub.wait(lambda s: s.kind == "schedule.done")
    assert (got.topic, got.event_bytes) == (TOPIC, sent.SerializeToString())
    stamp = got.stamp
    assert (stamp.seq, stamp.class_seq, stamp.pub_seq, stamp.tlp) == (1, 1, 1, 2)
    assert (stamp.publisher, stamp.epoch, stamp.topic) == ("test", pub.epoch, TOPIC)
    assert stamp.journal_id == pub.welcome.journal_id and len(stamp.journal_id) == 16
    assert abs(stamp.commit_unix_us / 1e6 - time.time()) < 60
    with Fetch(site.endpoint("fetch")) as fetch:
        assert [s.stamp for s in fetch.all()] == [stamp]


def test_class_counters_are_dense_and_the_head_tells_them(sub, pub):
    for n, (topic, tlp) in enumerate([(TOPIC, 3), ("v1.source.ok.a.", 3), (TOPIC, 3), (TOPIC, 1)], 1):
        pub.publish(topic, done(n), tlp)
    pub.flush()
    sub.wait(lambda s: s.stamp.seq == 4)
    heard = [(s.topic, s.stamp.tlp, s.stamp.class_seq) for s in sub.seen if s.stamp.seq]
    assert heard == [(TOPIC, 3, 1), ("v1.source.ok.a.", 3, 1), (TOPIC, 3, 2), (TOPIC, 1, 1)]
    head = sub.wait(lambda s: s.kind == "bus.head" and s.payload.head_seq == 4)
    assert head.stamp.seq == 0 and head.payload.first_available == 1
    counters = {(c.class_name, c.tlp): c.class_seq for c in head.payload.classes}
    assert counters == {("schedule", 3): 2, ("source", 3): 1, ("schedule", 1): 1}


def test_overlap_is_dropped_and_acked_a_gap_is_not(site, pub):
    for n in range(1, 6):
        pub.publish(TOPIC, done(n))
    pub.flush()
    pub.send_data(4, [data_entry(TOPIC, 3, b"again"), data_entry(TOPIC, 3, b"again"), data_entry(TOPIC, 3, b"new")])
    assert pub.expect("ack")[1].durable_pub_seq == 6
    pub.send_data(2, [data_entry(TOPIC, 3, b"again")])
    assert pub.expect("ack")[1].durable_pub_seq == 6
    pub.send_data(9, [data_entry(TOPIC, 3, b"too far")])
    assert pub.expect("ack")[1].durable_pub_seq == 6
    with Fetch(site.endpoint("fetch")) as fetch:
        _, answer, _ = fetch.fetch(from_seq=7)
        assert answer.head_seq == 6


def test_an_unknown_epoch_goes_on_where_it_says(site, broker):
    with Pub(site.endpoint("ingest"), "later", epoch=5, connect=False) as pub:
        pub.next_seq = 1001
        assert pub.hello().durable_pub_seq == 1000
        pub.publish(TOPIC, done(1))
        pub.flush()
    with Pub(site.endpoint("ingest"), "later", epoch=5) as again:
        assert again.welcome.durable_pub_seq == 1001


def test_a_higher_epoch_ends_the_lower(site, broker):
    old = Pub(site.endpoint("ingest"), "twin", epoch=10)
    young = Pub(site.endpoint("ingest"), "twin", epoch=11)
    assert old.expect("fenced")[1].epoch == 11
    assert young.welcome.durable_pub_seq == 0
    old.send(hello=pb.Hello(version=1, publisher="twin", epoch=10, first_unacked=1))
    assert old.expect("fenced")[1].epoch == 11
    young.publish(TOPIC, done(1))
    assert young.flush() == 1
    young.send_data(2, [data_entry(TOPIC, 3, b"x")])
    young.expect("ack")
    young.send(data_entry(TOPIC, 3, b"x"), data=pb.Data(epoch=10, first_pub_seq=3, n=1))
    assert young.expect("fenced")[1].epoch == 11


def test_a_welcomed_epoch_outlives_the_broker(site, broker):
    with Pub(site.endpoint("ingest"), "twin", epoch=10) as old:
        old.publish(TOPIC, done(1))
        old.flush()
    with Pub(site.endpoint("ingest"), "twin", epoch=11):  # welcomed, and not one event yet
        pass
    broker.kill()
    broker.start()
    with Pub(site.endpoint("ingest"), "twin", epoch=10, connect=False) as old:
        old.send(hello=pb.Hello(version=1, publisher="twin", epoch=10, first_unacked=2))
        assert old.expect("fenced")[1].epoch == 11
    with Pub(site.endpoint("ingest"), "twin", epoch=11) as young:
        assert young.welcome.durable_pub_seq == 0
        young.publish(TOPIC, done(2))
        assert young.flush() == 2


def test_acks_that_the_journal_never_had_are_an_alarm(site, broker):
    with Pub(site.endpoint("ingest"), "liar", epoch=5) as pub:
        pub.publish(TOPIC, done(1))
        pub.flush()
        pub.send(hello=pb.Hello(version=1, publisher="liar", epoch=5, first_unacked=100))
        assert pub.expect("welcome")[1].durable_pub_seq == 99
    assert broker.log_lines("ingest.acked_missing")
    assert broker.metric("tip_broker_acked_missing_total") == 1


@pytest.mark.parametrize("hello, fatal", [
    ({"version": 2}, True), ({"publisher": ""}, True), ({"publisher": "Not.A.Name"}, True), ({"epoch": 0}, True),
    ({"first_unacked": 0}, True), ({"publisher": "x" * 65}, True)], ids=range(6))
def test_a_hello_that_makes_no_sense(site, broker, hello, fatal):
    fields = {"version": 1, "publisher": "test", "epoch": 1, "first_unacked": 1, **hello}
    with Frames(site.endpoint("ingest")) as peer:
        peer.send(hello=pb.Hello(**fields))
        assert peer.expect("refused")[1].fatal == fatal


@pytest.mark.parametrize("entry", [
    data_entry("no.topic", 3, b"x"), data_entry("v1.a.b", 3, b"x"), data_entry("v1.A.b.", 3, b"x"),
    data_entry("v1.a.b.", 0, b"x"), data_entry("v1.a.b.", 4, b"x"), data_entry("v1.a.b.", 3, b""),
    data_entry("v1.a.b.", 3, b"x" * (128 * 1024 + 1)), data_entry("v1." + "x" * 70 + ".b.", 3, b"x"),
    struct.pack("<HBBI", 7, 3, 1, 1) + b"v1.a.b.x", b"\x00", data_entry("v1.a.b.", 3, b"x")[:-1],
    data_entry("v1.a.b.", 3, b"x") + b"behind"], ids=range(12))
def test_one_bad_event_refuses_its_data_and_changes_nothing(broker, pub, entry):
    pub.send_data(1, [data_entry(TOPIC, 3, b"good"), entry])
    refused = pub.expect("refused")[1]
    assert refused.fatal and refused.pub_seq in (2, 3) and refused.reason
    pub.publish(TOPIC, done(1))
    assert pub.flush() == 1
    assert broker.metric("tip_broker_events_total") == 1


def test_the_largest_event_and_topic_travel(site, broker, pub):
    topic = "v1.a." + "t" * 249 + "."
    body = blob(1, 128 * 1024)
    pub.publish(topic, body)
    pub.flush()
    with Fetch(site.endpoint("fetch")) as fetch:
        fetch.send(fetch=pb.Fetch(from_seq=1, max_bytes=1000, request=1))  # one record always comes
        _, batch, raw = fetch.expect("batch")
        record = pb.Record.FromString(raw[4:])
        assert batch.n == 1 and record.event == body and record.stamp.topic == topic


def test_data_without_hello_is_told_so(site, broker):
    with Frames(site.endpoint("ingest")) as peer:
        peer.send(data_entry(TOPIC, 3, b"x"), data=pb.Data(epoch=1, first_pub_seq=1, n=1))
        refused = peer.expect("refused")[1]
        assert not refused.fatal and "HELLO" in refused.reason


def test_live_is_fed_and_forgotten(site, sub, pub):
    pub.live("v1.system.heartbeat.test.", event("system.heartbeat", service="test"))
    got = sub.wait(lambda s: s.kind == "system.heartbeat" and s.payload.service == "test")
    assert (got.stamp.seq, got.stamp.class_seq, got.stamp.publisher) == (0, 0, "test")
    pub.live(TOPIC, done(1))
    assert pub.expect("refused")[1].fatal
    with Fetch(site.endpoint("fetch")) as fetch:
        assert fetch.all() == []


def test_kills_lose_and_double_nothing(site, rng):
    """A publisher that keeps the rules, a broker that dies 25 times."""
    broker = site.broker()
    sent, pub, epoch = {}, None, 77
    kept, next_seq = {}, 1
    for _ in range(KILLS):
        pub = Pub(site.endpoint("ingest"), "test", epoch=epoch, connect=False)
        pub.unacked, pub.next_seq = kept, next_seq
        pub.hello(timeout_s=20)
        deadline = time.monotonic() + rng.uniform(0.02, 0.15)
        while time.monotonic() < deadline:
            bodies = [blob(n, 100) for n in range(rng.randrange(1, 20))]
            for n, body in enumerate(bodies, pub.next_seq):
                sent[n] = body
            pub.publish_all([(TOPIC, body) for body in bodies])
            while (got := pub.receive(0)) is not None:
                if got[0] == "ack":
                    pub.acked(got[1].durable_pub_seq)
        broker.kill()
        while (got := pub.receive(0)) is not None:
            if got[0] == "ack":
                pub.acked(got[1].durable_pub_seq)
        kept, next_seq = pub.unacked, pub.next_seq
        pub.close()
        broker.start()
    with Pub(site.endpoint("ingest"), "test", epoch=epoch, connect=False) as pub, Fetch(site.endpoint("fetch")) as fetch:
        pub.unacked, pub.next_seq = kept, next_seq
        pub.hello()
        pub.flush()
        seqs, bodies = [], {}
        for stamp, body in raw_records(fetch):
            seqs.append(stamp.seq)
            assert stamp.pub_seq == len(bodies) + 1, "each once, in order"
            bodies[stamp.pub_seq] = body
    assert seqs == list(range(1, len(sent) + 1))
    assert bodies == sent


def raw_records(fetch, from_seq=1):
    """(stamp, event bytes) of all that stands in the journal."""
    while True:
        fetch.send(fetch=pb.Fetch(from_seq=from_seq, max_bytes=4 << 20, request=1))
        _, batch, raw = fetch.expect("batch")
        at = 0
        for _ in range(batch.n):
            (size,) = struct.unpack_from("<I", raw, at)
            record = pb.Record.FromString(raw[at + 4:at + 4 + size])
            yield record.stamp, record.event
            at += 4 + size
        from_seq = batch.next_seq
        if from_seq > batch.head_seq:
            return


def test_term_acks_what_it_took(site, broker, pub):
    pub.publish_all([(TOPIC, done(n)) for n in range(1000)])
    pub.expect("ack")
    broker.signal(signal.SIGTERM)
    assert broker.wait() == 0
    broker.start()
    with Pub(site.endpoint("ingest"), "test", epoch=pub.epoch) as again:
        assert again.welcome.durable_pub_seq >= 1000 - len(pub.unacked)


def test_one_data_directory_one_broker(site, broker):
    other = site.service("broker")
    other.spawn()
    assert other.wait() == 1
    assert broker.is_ready()


# ---- fetch -----------------------------------------------------------------------------------------------------------


def test_filters_move_past_what_they_leave_out(pub, fetch):
    for n in range(1, 101):
        pub.publish("v1.source.ok.a." if n % 10 == 0 else TOPIC, done(n))
    pub.flush()
    seen = fetch.all("v1.source.")
    assert [s.stamp.seq for s in seen] == list(range(10, 101, 10))
    name, answer, records = fetch.fetch(from_seq=92, prefixes=["v1.verdict.", "v1.listing."])
    assert (name, answer.next_seq, answer.head_seq, records) == ("batch", 101, 100, [])
    name, answer, records = fetch.fetch(from_seq=1, max_events=7)
    assert (len(records), answer.next_seq, answer.first_available) == (7, 8, 1)
    name, answer, records = fetch.fetch(from_seq=1, max_bytes=1000)
    assert 0 < len(records) < 20


def test_a_long_poll_waits_for_what_it_wants(site, pub, fetch):
    start = time.monotonic()
    name, answer, _ = fetch.fetch(from_seq=1, max_wait_ms=300)
    assert (name, answer.n, answer.next_seq) == ("batch", 0, 1) and time.monotonic() - start > 0.25
    fetch.send(fetch=pb.Fetch(from_seq=1, prefixes=["v1.source."], max_wait_ms=10000, max_bytes=1 << 20, request=99))
    pub.publish(TOPIC, done(1))
    pub.flush()
    assert fetch.receive(0.3) is None
    pub.publish("v1.source.ok.a.", done(2))
    pub.flush()
    _, answer, raw = fetch.expect("batch", timeout_s=2)
    assert (answer.request, answer.n, answer.next_seq) == (99, 1, 3)


def test_a_newer_request_takes_the_place_of_an_older(pub, fetch):
    fetch.send(fetch=pb.Fetch(from_seq=1, max_wait_ms=30000, request=1))
    fetch.send(fetch=pb.Fetch(from_seq=1, max_wait_ms=100, request=2))
    assert fetch.expect("batch")[1].request == 2
    assert fetch.receive(0.2) is None


@pytest.mark.parametrize("bad", [
    {"consumer": "no spaces"}, {"journal_id": b"short"}, {"prefixes": ["p"] * 65}, {"prefixes": ["p" * 256]}],
    ids=range(4))
def test_a_fetch_that_makes_no_sense(fetch, bad):
    fetch.send(fetch=pb.Fetch(from_seq=1, **bad))
    assert fetch.expect("refused")[1].fatal


def fill(pub, first, n, size=60_000):
    for k in range(first, first + n):
        pub.publish(TOPIC, blob(k, size))
        if len(pub.unacked) > 20:
            pub.flush()
    pub.flush()


class Alarms:
    """What the broker says of one alarm: on the feed, in /metrics."""

    def __init__(self, site, broker, name):
        self.broker, self.name = broker, name
        self.sub = Sub(site.endpoint("feed"), "v1.system.alarm.broker.").synchronise()
        site.closing.callback(self.sub.close)

    def wait(self, raised, deadline_s=10):
        wait_for(lambda: self.broker.metric(f'tip_broker_alarm{{name="{self.name}"}}') == raised, deadline_s,
                 lambda: f"{self.name} {raised}: {self.broker.get('/readyz')}")
        seen = self.sub.wait(lambda s: s.kind == "system.alarm" and s.payload.name == self.name
                             and s.payload.raised == raised, deadline_s, f"{self.name} {raised}")
        assert seen.stamp.publisher == "broker" and seen.payload.detail
        return seen.payload.detail


def test_trimmed_is_told(site):
    site.broker(**SMALL, required=[])
    with Pub(site.endpoint("ingest"), "test") as pub, Fetch(site.endpoint("fetch")) as fetch:
        fill(pub, 1, 100)
        wait_for(lambda: fetch.fetch(from_seq=1)[0] == "trimmed", 20, "the first events are gone")
        name, answer, _ = fetch.fetch(from_seq=1)
        assert name == "trimmed" and answer.journal_id == pub.welcome.journal_id
        fetch.send(fetch=pb.Fetch(from_seq=answer.first_available, max_events=1, request=5))
        assert fetch.expect("batch")[1].n == 1


def test_a_consumer_that_is_not_required_is_trimmed_over(site):
    broker = site.broker(**SMALL, required=[])
    with Pub(site.endpoint("ingest"), "test") as pub, Fetch(site.endpoint("fetch"), "notify") as fetch:
        fill(pub, 1, 1)
        fetch.send(fetch=pb.Fetch(consumer="notify", from_seq=1, request=1))
        fetch.expect("batch")
        alarms = Alarms(site, broker, "journal.overtaken")
        fill(pub, 2, 100)
        wait_for(lambda: broker.log_lines("journal.overtaken"), 20, "the alarm")
        assert "consumer=notify" in broker.log_lines("journal.overtaken")[0]
        assert "consumer notify has not read 1 to" in alarms.wait(True)
        assert broker.is_ready() and "consumer notify" in broker.get("/readyz")[1]
        first = fetch.fetch(from_seq=1)[1].first_available
        fetch.send(fetch=pb.Fetch(consumer="notify", from_seq=first, committed_seq=first - 1, request=2))
        alarms.wait(False)


def test_an_overtaken_consumer_is_known_after_a_restart(site):
    broker = site.broker(**SMALL, required=[])
    with Pub(site.endpoint("ingest"), "test") as pub, Fetch(site.endpoint("fetch"), "notify") as fetch:
        fill(pub, 1, 3)
        fetch.send(fetch=pb.Fetch(consumer="notify", from_seq=3, committed_seq=2, request=1))
        fetch.expect("batch")
        fill(pub, 4, 100)
        wait_for(lambda: broker.metric('tip_broker_alarm{name="journal.overtaken"}') == 1, 10, "the alarm")
    broker.term()
    broker.start()
    wait_for(lambda: broker.metric('tip_broker_alarm{name="journal.overtaken"}') == 1, 10, "the alarm again")


def test_at_the_cap_publishers_wait_for_a_required_consumer(site):
    broker = site.broker(**SMALL, required=["storage"])
    with Pub(site.endpoint("ingest"), "test") as pub, Fetch(site.endpoint("fetch"), "storage") as fetch:
        alarms = Alarms(site, broker, "journal.held")
        for n in range(1, 101):
            pub.publish(TOPIC, blob(n, 60_000))
        wait_for(lambda: not broker.is_ready(), 10, "the journal is full")
        assert "consumer storage" in alarms.wait(True)
        assert broker.log_lines("journal.held")
        hear(pub)
        assert 20 < len(pub.unacked) < 70, "acks have stopped"
        assert not hear(pub)
        name, answer, _ = fetch.fetch(from_seq=1, max_events=1, max_bytes=1000)
        assert name == "batch", "reads go on"
        fetch.fetch(from_seq=answer.head_seq + 1, committed_seq=answer.head_seq)
        wait_for(broker.is_ready, 10, "there is room again")
        alarms.wait(False)
        for _ in range(10):
            again(pub)
            fetch.send(fetch=pb.Fetch(consumer="storage", from_seq=1, committed_seq=1 << 40, request=7))
            fetch.expect("batch", "trimmed")
            if not pub.unacked:
                return
        raise AssertionError(f"{len(pub.unacked)} events are not acked")


def hear(pub, silence_s=0.3):
    """Acks and a WELCOME, as they come; True when there were any."""
    heard = False
    while (got := pub.receive(silence_s)) is not None:
        heard = True
        pub.acked(got[1].durable_pub_seq)
        if got[0] == "welcome":
            for seq in sorted(pub.unacked):
                pub.send_data(seq, [pub.unacked[seq]])
    return heard


@pytest.fixture
def small_disk(site):
    """The broker's data directory on 6 MiB of memory; grow(MiB) makes it larger."""
    path = open_to_nobody(site.data / "broker")
    mount = ["mount", "-t", "tmpfs", "-o", "size=6m,mode=0777", "tmpfs", str(path)]
    if not AS_ROOT or subprocess.run(mount, stderr=subprocess.DEVNULL, check=False).returncode:
        pytest.skip("only root can make a small disk here")
    os.chown(path, NOBODY, NOBODY)
    site.closing.callback(subprocess.run, ["umount", "-l", str(path)], check=True)
    return lambda mib: subprocess.run(["mount", "-o", f"remount,size={mib}m", str(path)], check=True)


def test_a_full_disk_stops_acks_and_not_reads(site, small_disk):
    broker = site.broker(segment_bytes="1MiB", keep_bytes="64MiB", cap_bytes="128MiB", required=[])
    with Pub(site.endpoint("ingest"), "test") as pub, Fetch(site.endpoint("fetch")) as fetch:
        alarms = Alarms(site, broker, "journal.no_space")
        for n in range(1, 121):
            pub.publish(TOPIC, blob(n, 60_000))
        wait_for(lambda: broker.metric("tip_broker_journal_no_space") == 1, 10, "the disk is full")
        alarms.wait(True)
        wait_for(lambda: not broker.is_ready(), 10, "it says so")
        hear(pub)
        assert 10 < len(pub.unacked) < 60
        fetch.send(fetch=pb.Fetch(from_seq=1, max_bytes=1000, request=1))
        assert fetch.expect("batch")[1].n == 1, "reads go on"
        small_disk(32)
        wait_for(broker.is_ready, 10, "there is room again")
        alarms.wait(False)
        wait_for(lambda: again(pub), 20, lambda: f"{len(pub.unacked)} events are not acked")
    assert broker.log_lines("journal.no_space")


def again(pub):
    """Says HELLO and sends what is left; True when all is acked."""
    if pub.unacked:
        pub.send(hello=pb.Hello(version=1, publisher="test", epoch=pub.epoch, first_unacked=min(pub.unacked)))
        hear(pub)
    return not pub.unacked


def test_another_journal_is_told(site, broker, pub):
    pub.publish(TOPIC, done(1))
    pub.flush()
    broker.kill()
    site.run_program(["tip-broker", "--version"])  # the program is not the problem
    journal = site.data / "broker" / "journal"
    for file in journal.iterdir():
        file.unlink()
    broker.start()
    with Fetch(site.endpoint("fetch")) as fetch:
        name, answer, _ = fetch.fetch(from_seq=2, journal_id=pub.welcome.journal_id)
        assert name == "new_journal"
        assert answer.journal_id != pub.welcome.journal_id and answer.first_available == 1


def test_damage_is_told_and_not_passed_over(site):
    broker = site.broker(**SMALL, required=[])
    with Pub(site.endpoint("ingest"), "test") as pub:
        fill(pub, 1, 25)
    broker.kill()
    oldest = min((site.data / "broker" / "journal").glob("0*.seg"))
    content = bytearray(oldest.read_bytes())
    content[300_000] ^= 0x10
    oldest.write_bytes(content)
    broker.start()
    alarms = Alarms(site, broker, "journal.damaged")
    with Fetch(site.endpoint("fetch")) as fetch:
        seqs, damages, at = [], [], 1
        while at <= 25:
            fetch.send(fetch=pb.Fetch(from_seq=at, max_events=3, max_bytes=4 << 20, request=1))
            name, answer, raw = fetch.expect("batch", "damaged")
            if name == "damaged":
                damages.append((answer.from_seq, answer.to_seq))
                at = answer.to_seq + 1
            else:
                seqs += range(at, at + answer.n)
                at = answer.next_seq
        assert len(damages) == 1 and damages[0][0] == damages[0][1]
        assert seqs == [n for n in range(1, 26) if n != damages[0][0]]
        for _ in range(5):
            assert fetch.fetch(from_seq=damages[0][0])[0] == "damaged", "it is told to whoever asks"
    assert alarms.wait(True).startswith(f"{damages[0][0]} to {damages[0][0]} ")
    with Pub(site.endpoint("ingest"), "test2") as pub:
        fill(pub, 26, 100)
    alarms.wait(False)
    assert broker.metric("tip_broker_journal_damaged_total") >= 6
    assert len(broker.log_lines("journal.damaged")) == 1, "and logged once"


def test_a_dead_fetcher_costs_little(site, broker, pub):
    fill(pub, 1, 60)
    before = broker.rss_bytes()
    lazy = [Fetch(site.endpoint("fetch")) for _ in range(10)]
    for fetch in lazy:
        fetch.zmq.rcvhwm = 1
        for request in range(20):
            fetch.send(fetch=pb.Fetch(from_seq=1, max_bytes=4 << 20, request=request))
    with Fetch(site.endpoint("fetch")) as fetch:
        fetch.send(fetch=pb.Fetch(from_seq=60, max_bytes=1000, request=1000))
        fetch.expect("batch", timeout_s=10)
    assert broker.rss_bytes() - before < 300 << 20
    for fetch in lazy:
        fetch.close()


# ---- feed ------------------------------------------------------------------------------------------------------------


def test_a_slow_subscriber_loses_and_can_see_it(site, rng):
    broker = site.broker(feed_bytes="1MiB")
    with Sub(site.endpoint("feed"), TOPIC) as fast, Pub(site.endpoint("ingest"), "test") as pub:
        slow = Socket(zmq.SUB, site.endpoint("feed"))
        slow.zmq.rcvhwm = 1
        slow.zmq.rcvbuf = 4096
        slow.zmq.subscribe(b"v1.")
        fast.synchronise()
        for n in range(1, 301):
            pub.publish(TOPIC, blob(n, 60_000))
            if n % 20 == 0:
                pub.flush()
                while fast.zmq.poll(0):
                    fast.zmq.recv_multipart()
        pub.flush()
        for n in range(301, 3001):
            pub.publish(TOPIC, blob(n, 6000))
            if n % 100 == 0:
                pub.flush()
        pub.flush()
        wait_for(lambda: broker.metric("tip_broker_feed_dropped_total") > 0 or
                 broker.metric('tip_broker_connections_cut_total{socket="feed"}') > 0, 10, "the loss is counted")
        seqs = []
        while slow.zmq.poll(500):
            topic, record = slow.zmq.recv_multipart()
            if topic.decode() == TOPIC:
                seqs.append(pb.Record.FromString(record).stamp.class_seq)
        assert seqs == sorted(seqs) and len(seqs) < 3000
        slow.close()
        fast.synchronise()
        pub.publish(TOPIC, done(1))
        pub.flush()


def test_too_many_prefixes_disconnect_everybody_for_a_moment(site):
    broker = site.broker(feed_subscriptions_max=1000)
    with Sub(site.endpoint("feed"), TOPIC) as sub, Pub(site.endpoint("ingest"), "test") as pub:
        sub.synchronise()
        greedy = Socket(zmq.SUB, site.endpoint("feed"))
        for n in range(1500):
            greedy.zmq.subscribe(b"v1.x%d." % n)
        wait_for(lambda: broker.metric("tip_broker_feed_resets_total") == 1, 10, "the door is closed once")
        greedy.close()
        assert broker.log_lines("feed.reset")
        sub.drain()
        sub.synchronise()
        pub.publish(TOPIC, done(7))
        pub.flush()
        sub.wait(lambda s: s.kind == "schedule.done" and s.payload.n_ok == 7)


# ---- calls -----------------------------------------------------------------------------------------------------------


def put(caller, queue, call_id, deadline_ms=3000, body=b"?"):
    caller.send(put=pb.Put(id=call_id, queue=queue, body=body, deadline_ms=deadline_ms, caller="test"))


def test_a_call_and_its_answer(site, caller):
    with Worker(site.endpoint("work"), "store.query") as worker:
        put(caller, "store.query", b"a" * 16)
        job = worker.job()
        assert (job.id, job.queue, job.body, job.attempt, job.caller) == (b"a" * 16, "store.query", b"?", 1, "test")
        assert 0 < job.deadline_ms <= 3000
        worker.done(job, b"!")
        assert caller.expect("result")[1].body == b"!"
        put(caller, "store.query", b"b" * 16)
        worker.fail(worker.job(), "there is no such query", pb.FAILURE_NOT_FOUND)
        failed = caller.expect("failed")[1]
        assert (failed.code, failed.reason) == (pb.FAILURE_NOT_FOUND, "there is no such query")


def test_calls_that_nobody_answers(site, caller):
    put(caller, "store.query", b"a" * 16, deadline_ms=200)
    failed = caller.expect("failed")[1]
    assert (failed.code, failed.reason) == (pb.FAILURE_NO_WORKER, "no service answers 'store.query'")
    with Worker(site.endpoint("work"), "store.query") as worker:
        put(caller, "store.query", b"b" * 16, deadline_ms=300)
        job = worker.job()
        failed = caller.expect("failed")[1]
        assert (failed.code, failed.reason) == (pb.FAILURE_DEADLINE, "'store.query' did not answer in time")
        worker.done(job, b"late")
        assert worker.expect("lost")[1].id == b"b" * 16


def test_a_repeated_call_joins_the_first(site, caller):
    with Worker(site.endpoint("work"), "q") as worker, Caller(site.endpoint("work")) as other:
        put(caller, "q", b"a" * 16)
        job = worker.job()
        put(other, "q", b"a" * 16)
        put(caller, "q", b"a" * 16)
        time.sleep(0.1)
        worker.done(job, b"once")
        assert caller.expect("result")[1].body == b"once"
        assert other.expect("result")[1].body == b"once"
        while (got := worker.receive(0.2)) is not None:
            assert got[0] == "ping", got
        assert caller.receive(0.1) is None


def test_a_call_waits_for_a_worker_and_survives_a_dead_one(site, caller):
    put(caller, "q", b"a" * 16)
    dead = Worker(site.endpoint("work"), "q")
    dead.job()
    put(caller, "q", b"b" * 16)
    dead.close()
    failed = caller.expect("failed")[1]
    assert (failed.id, failed.code) == (b"a" * 16, pb.FAILURE_DEADLINE)
    assert failed.reason == "the one attempt at 'q' failed, because its worker is gone"
    with Worker(site.endpoint("work"), "q") as worker:
        worker.done(worker.job(), b"!")
        assert caller.expect("result")[1].id == b"b" * 16


def test_a_full_queue_says_so(site):
    site.broker(queue_max=2)
    with Caller(site.endpoint("work")) as caller:
        for n in range(3):
            put(caller, "q", bytes([n]) * 16)
        full = caller.expect("full")[1]
        assert (full.id, full.queue) == (b"\x02" * 16, "q")


@pytest.mark.parametrize("bad", [
    {"put": pb.Put(id=b"short", queue="q")}, {"put": pb.Put(id=b"a" * 16, queue="")},
    {"put": pb.Put(id=b"a" * 16, queue="Q!")}, {"take": pb.Take(queue="no spaces", credit=1)},
    {"hello": pb.Hello(version=1)}, {"done": pb.Done(id=b"x")}], ids=range(6))
def test_work_that_makes_no_sense(caller, bad):
    caller.send(**bad)
    assert caller.expect("refused")[1].fatal


# ---- garbage ---------------------------------------------------------------------------------------------------------


def test_garbage_on_every_port(site, broker, rng, sub, pub, fetch, caller):
    sockets = [("ingest", pub), ("fetch", fetch), ("work", caller)]
    for name, peer in sockets:
        before = sum_refused(broker, name)
        for parts in ([b""], [b"\xff" * 10], [b"a", b"b", b"c"], [b"x"] * 7, [b"x"] * 12, [rng.randbytes(5000)]):
            peer.zmq.send_multipart(parts)
        for _ in range(200):
            peer.zmq.send_multipart([rng.randbytes(rng.randrange(40)) for _ in range(rng.randrange(1, 3))])
        wait_for(lambda n=name, b=before: sum_refused(broker, n) > b + 50, 10, f"{name} counts what it refuses")
        wait_for(lambda p=peer: is_answered(p), 10, f"{name} answers a ping")
    oversize = context.socket(zmq.DEALER)
    oversize.linger = 0
    oversize.connect(site.endpoint("ingest"))
    oversize.send(b"x" * (5 << 20))
    oversize.close()
    raw = context.socket(zmq.XSUB)
    raw.linger = 0
    raw.connect(site.endpoint("feed"))
    for parts in ([b"\x01" + b"p" * 300], [b"\x07what"], [b""], [b"\x01a", b"\x01b"]):
        raw.send_multipart(parts)
    with Pub(site.endpoint("ingest"), "after") as after:
        after.publish(TOPIC, done(9))
        after.flush()
        sub.wait(lambda s: s.kind == "schedule.done" and s.payload.n_ok == 9)
    raw.close()
    assert broker.is_ready()
    assert broker.metric("tip_zmq_watchdog_found_total") == 0
    assert broker.rss_bytes() < 200 << 20


def is_answered(peer):
    """Pings once. Who has not read the answers to what it sent may miss the next one, as a bus client knows: it asks again."""
    peer.send(ping=pb.Ping(nonce=4711))
    while (got := peer.receive(0.5)) is not None:
        assert got[0] in ("refused", "lost", "pong", "ack", "welcome", "fenced"), got
        if got[0] == "pong" and got[1].nonce == 4711:
            return True
    return False


def sum_refused(broker, name):
    return sum(float(line.rsplit(" ", 1)[1]) for line in broker.get("/metrics")[1].splitlines()
               if line.startswith(f'tip_broker_refused_total{{socket="{name}"'))
