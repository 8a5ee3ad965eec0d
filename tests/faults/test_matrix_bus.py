"""The fault matrix, rows of the bus: what fails is a process, a peer, the line or the clock."""
import contextlib
import pathlib
import shutil
import socket
import time

import pytest
import zmq

from tip_faults import (BROKER_BOUND, LONG, SMALL, LiveReader, Repeater, Traffic, kill_and_restart, ticks, turns)
from tip_harness import Key, Process, Site, binary, open_to_nobody, wait_for
from tip_history import History, check, read_all
from tip_tcp_proxy import TcpProxy
from tip_wire import Fetch, Frames, Socket, Sub, data_entry, pb

TOPIC = "v1.system.alarm.test."
CALM_P99_S = 1.0  # from commit to a subscriber beside somebody else's trouble, on a loaded machine of 2 cores
FAKETIME = next(iter(pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")), None)


@turns
def test_row01_broker_killed_again_and_again(site, rng, turn):
    broker = site.broker(**SMALL)
    traffic = Traffic(site, ("red", "blue", "green", "white")).start().has_begun()
    for _ in range(30):
        time.sleep(rng.uniform(0.05, 0.3))
        traffic.weigh(broker)
        kill_and_restart(rng.choice((broker, broker, broker, traffic.follower)), rng, 0.02)
    traffic.check()


@pytest.mark.parametrize("outbox", ["kept", "lost"])
@turns
def test_row02_publishers_killed(site, rng, turn, outbox):
    """With its outbox a publisher goes on; without it, it begins a new epoch, and what was acked stays."""
    broker = site.broker(**SMALL)
    traffic = Traffic(site).start().has_begun()
    for _ in range(12):
        time.sleep(rng.uniform(0.05, 0.3))
        victim = rng.choice(traffic.pubs)
        victim.kill()
        if outbox == "lost":
            shutil.rmtree(victim.outbox)
            open_to_nobody(victim.outbox)
        victim.spawn()
        traffic.weigh(broker)
    history = traffic.check()
    epochs = {key for key in history.acked if key[0] == "red"}
    assert (len(epochs) > 1) == (outbox == "lost")


# ---- 6 ----

@turns
def test_row06_processes_stop_for_a_while(site, rng, turn):
    broker = site.broker(**SMALL)
    traffic = Traffic(site).start().has_begun()
    sub = site.add(Process(site, "sub", [binary("tip"), "--config", site.config_path, "sub", "v1."])).spawn()
    stop_s, calm = 5 if LONG else 2.5, []
    for who in ((traffic.follower, sub), (traffic.pubs[0],), (broker,)):
        start = time.time()
        for process in who:
            process.pause()
        end = time.monotonic() + stop_s
        while time.monotonic() < end:
            time.sleep(0.2)
            traffic.weigh(broker)
        for process in who:
            process.resume()
        if broker not in who:
            calm.append((start, time.time()))
    sub.end()
    history = traffic.check()
    for span in calm:
        history.waited("a live reader beside stopped ones, p99", CALM_P99_S, traffic.live.p99_s(*span))
    check(history, "I6")


# ---- 14 ----

def reset_often(proxies, rng, for_s):
    end = time.monotonic() + for_s
    while time.monotonic() < end:
        time.sleep(rng.uniform(0.05, 0.5))
        rng.choice(proxies).reset()


def half_open(proxies, rng, for_s):
    for proxy in proxies:
        proxy.half_open()
    time.sleep(for_s)


def in_mode(mode):
    def fault(proxies, rng, for_s):
        for proxy in proxies:
            proxy.mode = mode
        time.sleep(for_s)
        for proxy in proxies:
            proxy.mode = "pass"
    fault.__name__ = mode
    return fault


LINE_FAULTS = {reset_often: 3, half_open: 2, in_mode("split"): 2, in_mode("trickle"): 4,
               in_mode("blackhole"): 30 if LONG else 5}


@pytest.mark.parametrize("fault", LINE_FAULTS, ids=lambda fault: fault.__name__)
@turns
def test_row14_the_line_is_bad(site, rng, turn, fault):
    broker = site.broker(**SMALL)
    with TcpProxy(site.endpoint("ingest"), rng.random()) as ingest, TcpProxy(site.endpoint("fetch"), rng.random()) as fetch:
        traffic = Traffic(site, ingest=ingest.endpoint, fetch=fetch.endpoint).start().has_begun()
        repeater = Repeater(traffic.history, ingest.endpoint, "stubborn")
        with repeater:
            repeater.try_hello()
            repeater.publish_all([(TOPIC, rng.randbytes(300)) for _ in range(200)])
            fault((ingest, fetch), rng, LINE_FAULTS[fault])
            traffic.weigh(broker)
            repeater.publish_all([(TOPIC, rng.randbytes(300)) for _ in range(200)])
            repeater.drain(40)
        traffic.check(40)


# ---- 15 ----

def port_of(site, door):
    return int(site.endpoint(door).rsplit(":", 1)[1])


def raw_garbage(site, rng):
    """What never was ZeroMQ, half a greeting, another mechanism, and silence."""
    greeting = b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"CURVE".ljust(20, b"\0") + bytes(32)
    lines = []
    for door in ("ingest", "feed", "fetch", "work"):
        for said in (rng.randbytes(4000), greeting[:rng.randrange(1, 64)], greeting + rng.randbytes(500), b""):
            line = socket.create_connection(("127.0.0.1", port_of(site, door)))
            lines.append(line)
            line.sendall(said)
    return lines


def answers_ping(peer):
    """Behind any number of refusals."""
    peer.send(ping=pb.Ping(nonce=1))
    while (got := peer.receive(1)) is not None:
        if got[0] == "pong":
            return True
    return False


def bad_frames(site, rng):
    for door in ("ingest", "fetch", "work"):
        with Frames(site.endpoint(door)) as peer:
            for _ in range(300):
                peer.zmq.send_multipart([rng.randbytes(rng.randrange(60)) for _ in range(rng.randrange(1, 4))])
            wait_for(lambda: answers_ping(peer), 20, f"{door} still answers")
        with Frames(site.endpoint(door)) as peer:
            peer.zmq.send(bytes(5 << 20))  # cut off; its libzmq connects again
            wait_for(lambda: answers_ping(peer), 20, f"{door} still answers")


def many_prefixes(site, n):
    greedy = Socket(zmq.SUB, site.endpoint("feed"))
    for i in range(n):
        greedy.zmq.subscribe(b"v1.x%d." % i)
    return greedy


def somebody_elses_name(site, name, epoch):
    """An older epoch of a name is fenced; DATA of a session that is not there is refused; neither changes anything."""
    with Frames(site.endpoint("ingest")) as thief:
        thief.send(hello=pb.Hello(version=1, publisher=name, epoch=epoch - 1, first_unacked=1))
        thief.expect("fenced")
        thief.send(data_entry(TOPIC, 3, b"forged"), data=pb.Data(epoch=epoch, first_pub_seq=1, n=1))
        thief.expect("refused")


def refused(broker):
    return sum(float(line.rsplit(" ", 1)[1]) for line in broker.get("/metrics")[1].splitlines()
               if line.startswith("tip_broker_refused_total{"))


@turns
def test_row15_garbage_on_every_port(site, rng, turn):
    broker = site.broker(**SMALL)
    traffic = Traffic(site).start().has_begun()
    before = refused(broker)
    with Repeater(traffic.history, site.endpoint("ingest"), "owner") as owner:
        owner.hello()
        owner.publish(TOPIC, b"mine")
        owner.flush()
        lines = raw_garbage(site, rng)
        bad_frames(site, rng)
        somebody_elses_name(site, "owner", owner.epoch)
        greedy = many_prefixes(site, 100_000)
        traffic.weigh(broker, BROKER_BOUND + (64 << 20))  # a trie of 100,000 prefixes
        wait_for(lambda: refused(broker) - before > 600, 10, lambda: f"refused and counted: {refused(broker) - before}")
        owner.publish(TOPIC, b"mine too")
        owner.drain(10)
    greedy.close()
    for line in lines:
        line.close()
    traffic.check()


def tries(site, door, key, patience_s, body=None, **said):
    """Says something at a door; returns what kind of answer came, or None: who is not let in hears nothing."""
    with Frames(site.endpoint(door), key=key) as peer:
        peer.send(body, **said)
        got = peer.receive(patience_s)
        return got and got[0]


def turned_away(broker, reason):
    return sum(float(line.rsplit(" ", 1)[1]) for line in broker.get("/metrics")[1].splitlines()
               if line.startswith("tip_broker_connections_refused_total{") and f'reason="{reason}"' in line)


def impostors(site, rng, owner, keys):
    """Whose key is good uses it for somebody else's name, topic and queue. Returns how many words that were, all refused."""
    hello = {"first_unacked": 1, "version": 1, "epoch": owner.epoch + rng.randrange(1, 1000)}
    forged = data_entry("v1.system.heartbeat.owner.", 3, b"forged")
    words = [("ingest", "thief", {"live": pb.Live(publisher="thief", n=1), "body": forged})]
    for name in ("owner", "owner.2", "broker"):
        words += [("ingest", "thief", {"hello": pb.Hello(publisher=name, **hello)}),
                  ("ingest", "thief", {"live": pb.Live(publisher=name, n=1), "body": forged})]
    for key in ("thief", "reader"):
        words += [("work", key, {"take": pb.Take(queue="control.owner", credit=9)}),
                  ("fetch", key, {"fetch": pb.Fetch(consumer="owner", from_seq=1)})]
    for door, key, said in words:
        assert tries(site, door, keys[key], 10, **said) == "refused", (door, key, said)
    return len(words)


@pytest.fixture
def keyed():
    with contextlib.closing(Site(keys=True)) as site:
        yield site


@turns
def test_row15_garbage_on_every_port_with_keys(keyed, rng, turn):
    """The same where every connection needs a key: none, a strange one, a good one on the wrong door, a good one under a
    foreign name; and bytes that only look like CURVE."""
    keys = {name: keyed.add_key(name, "--role", role, "--audience", "amber", *more) for name, role, more in (
        ("owner", "service", ("--publish", TOPIC, "--serve", "control.owner")),
        ("thief", "service", ("--publish", "v1.schedule.")), ("reader", "consumer", ()))}
    strange = Key(*(text.decode() for text in zmq.curve_keypair()), keys["owner"].server)
    broker, history = keyed.broker(**SMALL), History()
    with Repeater(history, keyed.endpoint("ingest"), "owner", key=keys["owner"]) as owner:
        assert owner.try_hello(10)
        owner.publish_all([(TOPIC, rng.randbytes(300)) for _ in range(100)])
        before = refused(broker)
        lines = raw_garbage(keyed, rng)
        for door in ("ingest", "fetch", "work"):
            for key in (None, strange):
                assert tries(keyed, door, key, 1, ping=pb.Ping(nonce=1)) is None, f"{door} lets in who has no key"
        assert tries(keyed, "ingest", keys["reader"], 1, ping=pb.Ping(nonce=1)) is None, "a consumer at ingest"
        n = impostors(keyed, rng, owner, keys)
        wait_for(lambda: turned_away(broker, "key") >= 3 and turned_away(broker, "door") >= 1, 10, "connections counted")
        assert refused(broker) - before >= n
        history.weigh(broker, BROKER_BOUND)
        owner.publish_all([(TOPIC, rng.randbytes(300)) for _ in range(100)])
        owner.drain(20)
    for line in lines:
        line.close()
    check(history.read_back(keyed.endpoint("fetch"), keys["owner"]))
    assert [(step.name, step.pub_seq) for step in history.journal.steps] == [("owner", n) for n in range(1, 201)]


# ---- 16 ----

@pytest.mark.skipif(not FAKETIME, reason="no libfaketime")
@turns
def test_row16_the_clock_jumps(site, rng, turn):
    """An hour on and an hour back: numbers and times never go back, a jump trims nothing, timers go on."""
    clock = open_to_nobody(site.dir / "clock") / "now"
    clock.write_text("+0")
    env = {"LD_PRELOAD": str(FAKETIME), "FAKETIME_TIMESTAMP_FILE": str(clock), "FAKETIME_NO_CACHE": "1",
           "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    broker = site.service("broker", env=env, **SMALL, keep="60s", required=[])
    broker.start()
    traffic = Traffic(site).start().has_begun()
    ahead = False
    for jump in ("-3600", *rng.sample(["+3600", "-1800", "+7200", "+0"], 4)):
        clock.write_text(jump)
        before = broker.metric("tip_broker_journal_groups_total")
        ticks(site)  # with the new time it has looked what is too old
        wait_for(lambda: broker.metric("tip_broker_journal_groups_total") > before, 10, "the broker goes on")
        ahead = ahead or jump in ("+3600", "+7200")
        if not ahead:  # a broker that starts takes the last commit for the time: after a jump ahead all before is old
            kill_and_restart(broker, rng)
    history = traffic.check()
    assert history.journal.first == 1, "a jump of the clock has trimmed the journal"


# ---- 17 ----

@turns
def test_row17_a_subscriber_that_never_reads(site, rng, turn):
    broker = site.broker(**SMALL, feed_bytes="1MiB")
    history = History()
    live = LiveReader(history, site.endpoint("feed"), TOPIC)
    slow = Socket(zmq.SUB, site.endpoint("feed"))
    slow.zmq.rcvhwm, slow.zmq.rcvbuf = 1, 4096
    slow.zmq.subscribe(b"v1.")
    with Repeater(history, site.endpoint("ingest"), "red") as pub, Sub(site.endpoint("feed"), TOPIC) as sub:
        sub.synchronise()
        pub.hello()
        start = time.time()
        for n in range(300):
            pub.publish_all([(TOPIC, rng.randbytes(6000)) for _ in range(10)])
            pub.flush()
            if n % 50 == 0:
                history.weigh(broker, BROKER_BOUND)
        pub.drain(10)
    wait_for(lambda: broker.metric("tip_broker_feed_dropped_total") > 0 or
             broker.metric('tip_broker_connections_cut_total{socket="feed"}') > 0, 10, "the loss is counted")
    numbers = []
    while slow.zmq.poll(500):
        topic, frame = slow.zmq.recv_multipart()
        if topic == TOPIC.encode():
            numbers.append(pb.Record.FromString(frame).stamp.class_seq)
    slow.close()
    assert numbers == sorted(numbers) and len(numbers) < 3000, "it sees in class_seq what it has lost"
    live.stop()
    history.waited("another subscriber, p99", CALM_P99_S, live.p99_s(start, time.time()))
    records = history.readers[0].records()
    assert len(records) >= 2990 and records[-1].seq - records[0].seq + 1 == len(records), "others lose nothing"
    check(history.read_back(site.endpoint("fetch")))


# ---- 18 ----

@turns
def test_row18_retention_overtakes_a_consumer(site, rng, turn):
    site.broker(segment_bytes="1MiB", keep_bytes="2MiB", cap_bytes="4MiB", required=[])
    history = History()
    late = history.reader("late")
    with Repeater(history, site.endpoint("ingest"), "red") as pub, Fetch(site.endpoint("fetch"), "late") as fetch, \
            Sub(site.endpoint("feed"), "v1.system.alarm.broker.") as alarms:
        alarms.synchronise()
        pub.hello()
        for n in range(20):
            pub.publish_all([(TOPIC, rng.randbytes(20_000)) for _ in range(18)])
            pub.flush()
            if n == 0:
                _, answer, seen = fetch.fetch(from_seq=1, max_events=5)
                late.journal_id = answer.journal_id
                for one in seen:
                    late.got(one.stamp, one.event_bytes)
        alarm = alarms.wait(lambda s: s.kind == "system.alarm" and s.payload.name == "journal.overtaken")
        assert "late" in alarm.payload.detail
        pub.drain(10)
        read_all(fetch, late, from_seq=6)
    assert [step.kind for step in late.steps if not hasattr(step, "seq")] == ["trimmed"]
    check(history.read_back(site.endpoint("fetch")))
