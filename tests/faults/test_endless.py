"""A message without end: a peer sends parts of one message for ever, which libzmq keeps, 64 bytes for each 2 on the wire,
and has no bound for. Whoever does that is cut off and counted, the memory stays below the bound of broker/README.md, others
go on; and nobody is cut off who is only slow, or has to wait because the broker does not read.
"""
import contextlib
import threading
import time

import pytest
import zmq

from test_hostile import DOORS, MEMORY_BOUND, Honest, broker, cut, frame, honest, speak  # noqa: F401
from tip_faults import journal_dir, shim
from tip_harness import Site, wait_for
from tip_wire import Pub, Socket, data_entry, pb

ENDLESS = 20_000 * b"\x01\x00"  # frames without a byte in them, with more to follow
TOPIC = "v1.schedule.done.slow."


class Most:
    """The most memory that the broker had meanwhile."""

    def __init__(self, broker):
        self.broker, self.bytes, self.stopped = broker, 0, threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        while not self.stopped.wait(0.01):
            self.bytes = max(self.bytes, self.broker.rss_bytes())

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        self.thread.join()
        print(f"at most {self.bytes >> 20} MiB")


def kind(door):
    return b"SUB" if door == "feed" else b"DEALER"


def pour(sock, ends, seconds=30):
    """Parts, as fast as they go, until the broker hangs up."""
    end = time.monotonic() + seconds
    sock.settimeout(seconds)
    try:
        while time.monotonic() < end:
            sock.sendall(ENDLESS)
    except ConnectionError:
        ends.append("cut")
    except TimeoutError:
        ends.append("stuck")


@pytest.mark.parametrize("door", DOORS)
def test_a_message_without_end(site, broker, honest, door):  # noqa: F811
    """Five peers at a door."""
    with honest, Most(broker) as most, contextlib.ExitStack() as stack:
        socks, ends = [stack.enter_context(speak(site, door, kind(door))) for _ in range(5)], []
        threads = [threading.Thread(target=pour, args=(sock, ends), daemon=True) for sock in socks]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(40)
        assert ends == ["cut"] * 5, "their connections are ended"
    assert cut(broker) == {name: 5 if name == door else 0 for name in DOORS}
    assert broker.log_lines("bus.cut")
    assert most.bytes < MEMORY_BOUND


def test_a_message_without_end_by_many_together(site, broker, honest):  # noqa: F811
    """Each stays below what is a legal message at that door, and is silent then."""
    with honest, Most(broker) as most, contextlib.ExitStack() as stack:
        for _ in range(120):
            stack.enter_context(speak(site, "ingest")).sendall(ENDLESS + 3000 * b"\x01\x00")
        wait_for(lambda: cut(broker)["ingest"] > 10, 20, "there is room again")
    assert most.bytes < MEMORY_BOUND


def test_a_message_without_end_with_a_key():
    """Through libzmq, which sends a message when it is whole: one of 400,000 parts, of 35 bytes each under CURVE."""
    with contextlib.ExitStack() as stack:
        site = Site(keys=True)
        stack.callback(site.close)
        own, foe = (site.add_key(name, "--role", "service", "--audience", "amber", "--publish", "v1.schedule.",
                                 "--serve", f"control.{name}") for name in ("honest", "foe"))
        broker = site.broker(fetchers_max=8)  # noqa: F811
        with Honest(site, broker, own), Most(broker) as most:
            for door in DOORS:
                peer = stack.enter_context(Socket(zmq.XSUB if door == "feed" else zmq.DEALER, site.endpoint(door), foe))
                peer.zmq.send_multipart([b""] * 400_000)
                wait_for(lambda door=door: cut(broker)[door] >= 1, 30, f"{door} cuts it off")
        assert most.bytes < MEMORY_BOUND


# ---- who must not be cut off ----


def pieces(sock, data, seconds):
    """As a line does that takes `seconds` for it."""
    step = len(data) // 100
    for at in range(0, len(data), step):
        sock.sendall(data[at:at + step])
        time.sleep(seconds / 100)


def test_a_slow_line_is_not_cut(site, broker, honest):  # noqa: F811
    """The largest legal DATA, 2 MiB in two parts, comes in the course of six seconds, again and again."""
    entries = [data_entry(TOPIC, 3, bytes(120_000))] * 17
    with honest, speak(site, "ingest") as sock:
        sock.sendall(frame(pb.Frame(hello=pb.Hello(version=1, publisher="slow", epoch=1, first_unacked=1))
                           .SerializeToString()))
        wait_for(lambda: broker.log_lines("ingest.welcome")[1:], 10, "both publishers are welcome")
        before = broker.metric("tip_broker_event_bytes_total")
        for n in range(3):
            head = pb.Frame(data=pb.Data(epoch=1, first_pub_seq=17 * n + 1, n=17)).SerializeToString()
            pieces(sock, b"\x01" + bytes([len(head)]) + head + frame(b"".join(entries)), 2)
        wait_for(lambda: broker.metric("tip_broker_event_bytes_total") > before + 3 * 17 * 120_000, 20, "all of it is taken")
    assert not any(cut(broker).values())


def windows(pub, deadline_s):
    """8 MiB at a time, in frames of nearly 2 MiB, the next when all is acked."""
    end = time.monotonic() + deadline_s
    while time.monotonic() < end:
        for _ in range(4):
            pub.publish_all([(TOPIC, bytes(120_000))] * 16)
        pub.flush(60)


def test_who_waits_for_the_disk_is_not_cut(site):
    """Each flush takes 0.7 s: ingest does not read meanwhile, and more than a message waits for each publisher."""
    broker = site.service("broker", env=shim(f"fdatasync=delay,under={journal_dir(site)},n=0,ms=700")).start()  # noqa: F811
    with contextlib.ExitStack() as stack:
        pubs = [stack.enter_context(Pub(site.endpoint("ingest"), f"p{n}")) for n in range(3)]
        threads = [threading.Thread(target=windows, args=(pub, 5), daemon=True) for pub in pubs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
        assert not any(pub.unacked for pub in pubs)
    assert broker.metric("tip_broker_stalls_total") > 3
    assert not any(cut(broker).values())


def test_who_waits_at_the_cap_is_not_cut(site):
    """The journal is full of what a required consumer has not read: all that comes is dropped and comes again."""
    broker = site.broker(segment_bytes="1MiB", keep_bytes="2MiB", cap_bytes="4MiB", required=["storage"])  # noqa: F811
    with Pub(site.endpoint("ingest"), "test") as pub:
        for _ in range(5):
            pub.publish_all([(TOPIC, bytes(120_000))] * 16)
        wait_for(lambda: not broker.is_ready(), 20, "the journal is full")
        for _ in range(10):
            for seq in sorted(pub.unacked):
                pub.send_data(seq, [pub.unacked[seq]])
            time.sleep(0.3)
        assert broker.metric("tip_broker_closed_drops_total") > 100
    assert not any(cut(broker).values())
