"""What the broker holds for others is bounded in bytes, each part by itself: see the table in broker/README.md. Here each
part is driven to its bound by peers that do not read, or do not wait; others go on meanwhile.
"""
import contextlib
import os

import zmq

from test_endless import Most
from test_hostile import cut, frame, say, speak
from tip_faults import journal_dir, shim
from tip_harness import Site, wait_for
from tip_tcp_proxy import TcpProxy
from tip_wire import Caller, Fetch, Frames, Pub, Socket, Sub, Worker, data_entry, pb

TOPIC = "v1.schedule.done.bounds."
MIB = 1 << 20
NOT_LOOKED = (64 << 10) + 60_100  # what waits is looked at once in 64 KiB, with the record that completes them


def slow_disk(site, ms, **options):
    """A broker each of whose flushes takes so long."""
    return site.service("broker", env=shim(f"fdatasync=delay,under={journal_dir(site)},n=0,ms={ms}"), **options).start()


def fill(pub, n_mib):
    """Events of 60 KB, four at a time unacked; yields after each flush."""
    for _ in range(n_mib * 4):
        pub.publish_all([(TOPIC, bytes(60_000))] * 4)
        pub.flush(30)
        yield


def test_subscribers_that_never_read_are_cut_off(site):
    """Nobody else loses anything. The disk is slow, so records come in bursts."""
    broker, most = slow_disk(site, 20, feed_bytes="4MiB"), 0
    with Pub(site.endpoint("ingest"), "loud") as pub, Sub(site.endpoint("feed"), TOPIC) as sub, \
            contextlib.ExitStack() as stack:
        sub.synchronise()
        for sock in [stack.enter_context(speak(site, "feed", b"SUB")) for _ in range(3)]:
            sock.sendall(frame(b"\x01v1."))
        for _ in fill(pub, 24):
            most = max(most, broker.metric("tip_broker_feed_held_bytes"))
        sub.wait(lambda s: s.stamp.seq == pub.next_seq - 1, 20, "the last record")
    numbers = [s.stamp.class_seq for s in sub.seen if s.topic == TOPIC]
    assert numbers == list(range(1, pub.next_seq))
    assert 4 * MIB < most <= 16 * MIB + NOT_LOOKED, "four times feed_bytes"
    assert cut(broker)["feed"] == 3 and broker.metric("tip_broker_feed_resets_total") == 0


def test_who_is_sent_little_is_not_taken_for_deaf(site):
    """It has not acknowledged what it was sent, as others far away, and never gets an eighth of what leaves the door."""
    broker, rare = slow_disk(site, 20, feed_bytes="4MiB"), "v1.schedule.done.rare."
    with Pub(site.endpoint("ingest"), "loud") as pub, contextlib.ExitStack() as stack:
        line = stack.enter_context(TcpProxy(site.endpoint("feed"), buffer_bytes=4096))
        narrow = stack.enter_context(Sub(line.endpoint, rare))
        narrow.synchronise()
        line.mode = "deaf"
        deaf = stack.enter_context(speak(site, "feed", b"SUB"))
        deaf.sendall(frame(b"\x01" + TOPIC.encode()))
        wait_for(lambda: broker.metric("tip_broker_feed_subscriptions") >= 2, 10, "both are there")
        n = 0
        for _ in fill(pub, 24):
            pub.publish(rare, bytes(4000))
            n += 1
        wait_for(lambda: cut(broker)["feed"], 10, "who does not read is cut off")
        line.mode = "pass"
        narrow.wait(lambda s: sum(x.topic == rare for x in narrow.seen) == n, 20, "it has all, on the line it had")
    assert cut(broker)["feed"] == 1 and broker.metric("tip_broker_feed_resets_total") == 0


def test_local_subscribers_that_never_read_cost_the_door(site):
    """The kernel does not say how far they have come: all there connect anew, and the bound holds all the same."""
    site.config["bus"]["feed"] = f"ipc://{site.run}/feed"
    broker, most = site.broker(feed_bytes="2MiB"), 0
    with Pub(site.endpoint("ingest"), "loud") as pub, contextlib.ExitStack() as stack:
        for _ in range(3):
            deaf = stack.enter_context(Socket(zmq.SUB, site.endpoint("feed")))
            deaf.zmq.rcvhwm = 1
            deaf.zmq.subscribe(b"v1.")
        wait_for(lambda: broker.metric("tip_broker_feed_subscriptions"), 10, "they are there")
        for _ in fill(pub, 24):
            most = max(most, broker.metric("tip_broker_feed_held_bytes"))
    assert 2 * MIB < most <= 8 * MIB + NOT_LOOKED
    assert broker.metric("tip_broker_feed_resets_total") >= 1


def test_keys_inside_whose_connections_never_read():
    """libzmq calls a batch sent when it has encrypted it; the kernel knows better."""
    with contextlib.ExitStack() as stack:
        site = Site(keys=True)
        stack.callback(site.close)
        key = site.add_key("inside", "--role", "service", "--audience", "amber", "--publish", "v1.schedule.")
        broker = site.broker(fetchers_max=2)
        with Pub(site.endpoint("ingest"), "inside", key=key) as pub:
            for _ in fill(pub, 6):
                pass
        line = stack.enter_context(TcpProxy(site.endpoint("fetch"), buffer_bytes=4096))
        lazy = [stack.enter_context(Frames(line.endpoint, key=key)) for _ in range(16)]
        for peer in lazy:
            peer.send(ping=pb.Ping(nonce=1))
            peer.expect("pong", timeout_s=20)
        line.mode = "deaf"
        for peer in lazy:
            peer.send(fetch=pb.Fetch(from_seq=1, max_bytes=4 * MIB, request=1))
        fetched = "tip_broker_fetched_bytes_total"
        wait_for(lambda: broker.metric(fetched) >= 8 * MIB, 20, "the first ones are given all they want")
        with Fetch(site.endpoint("fetch"), key=key) as honest:
            for _ in range(3):
                assert honest.fetch(from_seq=1)[2], "others are read for"
        assert broker.metric(fetched) < 12 * MIB, "to those behind them little was given"
        assert 4 * MIB < broker.metric("tip_broker_fetch_held_bytes") < 10 * MIB
        line.mode = "pass"
        for peer in lazy:
            peer.expect("batch", timeout_s=20)
        wait_for(lambda: broker.metric("tip_broker_fetch_held_bytes") == 0, 10, "all has left")


def test_callers_that_never_read_are_cut_off(site):
    """Beyond calls_bytes who has not taken one answer gets no other; beyond twice that nobody does, for some seconds."""
    broker = site.broker(calls_bytes="2MiB")
    with Worker(site.endpoint("work"), "big") as big, contextlib.ExitStack() as stack:
        lazy = [stack.enter_context(speak(site, "work")) for _ in range(30)]

        def ask():
            for sock in lazy:
                put = pb.Put(id=os.urandom(16), queue="big", body=b"?", deadline_ms=1000, caller="lazy")
                say(sock, frame(pb.Frame(put=put).SerializeToString()))
            while (got := big.receive(0.01)) is not None:
                if got[0] == "job":
                    big.done(got[1], bytes(200_000))
            big.take()
            assert broker.metric("tip_broker_calls_held_bytes") < 4 * MIB + 200_100
            return cut(broker)["work"] > 0

        wait_for(ask, 30, "who takes nothing is cut off")
    assert broker.metric("tip_broker_undelivered_total") > 0
    with Worker(site.endpoint("work"), "small") as small, Caller(site.endpoint("work")) as caller:
        caller.send(put=pb.Put(id=bytes(16), queue="small", body=b"?", deadline_ms=10_000, caller="test"))
        small.done(small.job(), bytes(100_000))
        assert len(caller.answer(bytes(16), 10)[1].body) == 100_000


@contextlib.contextmanager
def flood(site, body, between):
    """Two publishers that do not wait for acks: 70 frames each, and between() after each pair."""
    with contextlib.ExitStack() as stack:
        pubs = [stack.enter_context(Pub(site.endpoint("ingest"), f"p{n}")) for n in range(2)]
        for n in range(70):
            for pub in pubs:
                first = pub.welcome.durable_pub_seq + 1 + 30 * n
                head = pb.Frame(data=pb.Data(epoch=pub.epoch, first_pub_seq=first, n=30)).SerializeToString()
                pub.zmq.send_multipart([head, body], copy=False)
            between()
        yield


def test_publishers_that_do_not_wait_while_the_disk_is_slow(site):
    """libzmq reads on while the broker does not, 128 messages of each: what comes beyond ingest_bytes is dropped. Who
    waits, and loses DATA with them, is told when it may come again, and need not connect anew."""
    broker = slow_disk(site, 900, ingest_bytes="4MiB")
    body = b"".join([data_entry(TOPIC, 3, bytes(60_000))] * 30)
    with Pub(site.endpoint("ingest"), "honest") as honest, Most(broker) as most:
        for _ in range(10):
            with flood(site, body, lambda: honest.publish(TOPIC, b"x")):
                assert honest.flush(30)
            if honest.n_welcomes > 1:
                break
        assert honest.n_welcomes > 1
        assert broker.metric('tip_broker_publisher_dropped_total{publisher="honest"}') > 0
    assert broker.metric("tip_broker_closed_drops_total") > 0 and broker.metric("tip_broker_stalls_total") > 0
    assert "more came than may wait" in broker.log_lines("ingest.closed")[0], "nobody need look at the disk"
    assert most.bytes < 128 * MIB, f"{most.bytes >> 20} MiB"


def test_windows_are_shared(site):
    """Late publishers are given less, and who is gone makes room."""
    site.broker(ingest_bytes="16MiB")
    with contextlib.ExitStack() as stack:
        pubs = [stack.enter_context(Pub(site.endpoint("ingest"), f"p{n}")) for n in range(8)]
        assert [pub.welcome.window_bytes for pub in pubs[:4]] == [8 * MIB, 4 * MIB, 2 * MIB, MIB]
        assert pubs[-1].welcome.window_bytes == MIB // 4

    def is_given_all():
        with Pub(site.endpoint("ingest"), "late") as late:
            return late.welcome.window_bytes == 8 * MIB

    wait_for(is_given_all, 10, "they are gone")
