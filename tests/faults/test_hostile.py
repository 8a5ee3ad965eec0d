"""Hostile peers: while they do their worst, one honest publisher, subscriber, fetcher, caller and worker go on, the
broker's memory stays under its bound, and what was refused is counted. The bound on delay is generous because
attackers, honest peers and broker share two cores here; without an attack it is some milliseconds.
"""
import contextlib
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest
import zmq

from tip_harness import Process, Site, binary, wait_for
from tip_tcp_proxy import TcpProxy
from tip_wire import Caller, Fetch, Frames, Pub, Socket, Sub, Worker, event, pb

DELAY_BOUND_S = 5.0  # of anything the honest ones do
MEMORY_BOUND = 256 << 20  # broker/README.md: with fetchers_max 8
CROWD_BOUND = 256 << 20  # the same: 1,000 subscribers that read
ATTACK_S = 20 if os.environ.get("TIP_LONG") else 4
TOPIC = "v1.schedule.done.honest."
DOORS = ("ingest", "feed", "fetch", "work")
GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x00NULL" + bytes(16) + bytes(32)


def ready(kind):
    """The READY command of ZMTP 3 (RFC 23) for a socket type."""
    body = b"\x05READY\x0bSocket-Type" + len(kind).to_bytes(4, "big") + kind
    return b"\x04" + bytes([len(body)]) + body


def frame(body):
    return (b"\x00" + bytes([len(body)]) if len(body) < 256 else b"\x02" + len(body).to_bytes(8, "big")) + body


PART = b"\x01\x01\x07"  # a frame of one byte, with more to follow


def address(site, door):
    host, port = site.endpoint(door).removeprefix("tcp://").rsplit(":", 1)
    return host, int(port)


class Honest:
    """A turn after the other, each step timed: publish and ack, feed, fetch, call. Sees a record that the feed lost."""

    def __init__(self, site, broker, key=None):
        self.site, self.broker, self.key = site, broker, key
        self.worst, self.turns, self.gaps, self.most_bytes = {}, 0, 0, 0
        self.failed, self.stopped = None, False
        self.thread = threading.Thread(target=self.run, daemon=True)

    def __enter__(self):
        self.thread.start()
        wait_for(lambda: self.turns > 2 or self.failed, 30, "the honest ones are at work")
        self.worst.clear()
        return self

    def __exit__(self, kind, *_):
        self.stopped = True
        self.thread.join(60)
        worst = ", ".join(f"{name} {s:.3f} s" for name, s in self.worst.items())
        print(f"{self.turns} turns, worst delays: {worst}; {self.gaps} records seen missing on the feed, "
              f"memory {self.most_bytes >> 20} MiB; {self.disk()}")
        if kind is None:
            assert not self.thread.is_alive() and self.failed is None, self.failed
            assert self.turns > 3
            assert max(self.worst.values()) < DELAY_BOUND_S, self.worst
            assert self.most_bytes < MEMORY_BOUND, f"{self.most_bytes >> 20} MiB"
            assert self.broker.is_ready() and self.broker.metric("tip_zmq_watchdog_found_total") == 0

    def disk(self):
        """Whether a late ack was the disk's: flushes, and what waited for them."""
        if not self.broker.is_running:
            return "the broker is gone"
        n, seconds, stalls, drops = (self.broker.metric(f"tip_broker_{name}") for name in (
            "journal_flush_seconds_count", "journal_flush_seconds_sum", "stalls_total", "closed_drops_total"))
        return f"{n:.0f} flushes in {seconds:.2f} s, {stalls:.0f} stalls, {drops:.0f} DATA dropped meanwhile"

    def run(self):
        try:
            with contextlib.ExitStack() as stack:
                self.open(stack)
                while not self.stopped:
                    self.turn()
                    time.sleep(0.02)
        except BaseException as error:  # told by __exit__
            self.failed = repr(error)

    def open(self, stack):
        at, key = self.site.endpoint, self.key
        self.pub, self.sub, self.fetch, self.caller, self.worker = map(stack.enter_context, (
            Pub(at("ingest"), "honest", key=key), Sub(at("feed"), TOPIC, key=key), Fetch(at("fetch"), key=key),
            Caller(at("work"), key=key), Worker(at("work"), "control.honest", "honest", key=key)))
        self.sub.synchronise()

    def timed(self, name, step):
        start = time.monotonic()
        made = step()
        self.worst[name] = max(self.worst.get(name, 0), time.monotonic() - start)
        return made

    def turn(self):
        self.pub.publish(TOPIC, event("schedule.done", module="honest", n_ok=self.turns))
        seq = self.timed("ack", lambda: self.pub.flush(20))
        self.timed("feed", lambda: self.hear(seq))
        assert self.timed("fetch", lambda: self.read(seq)).stamp.seq == seq
        self.timed("call", self.call)
        self.turns += 1
        self.most_bytes = max(self.most_bytes, self.broker.rss_bytes())

    def hear(self, seq):
        """The record, or a later sign of life: then it is missing, and fetched as every one is."""
        end = time.monotonic() + 20
        while (got := self.sub.receive(end - time.monotonic())) is not None:
            if got.stamp.seq == seq:
                return
            if got.kind == "bus.head" and got.payload.head_seq >= seq:
                self.gaps += 1
                return
        raise AssertionError("the feed is silent")

    def read(self, seq):
        """As our client does: asks again when too many others ask, or when no answer comes."""
        end = time.monotonic() + 20
        while time.monotonic() < end:
            self.fetch.send(fetch=pb.Fetch(from_seq=seq, max_events=1, request=seq))
            got = self.fetch.receive(1)
            if got and got[0] == "batch" and got[1].request == seq:
                return next(self.fetch.records(*got[1:]))
            assert got is None or got[0] == "batch" or not got[1].fatal, got
            time.sleep(0.02)
        raise AssertionError("no place among the fetchers")

    def call(self):
        call_id = os.urandom(16)
        self.caller.send(put=pb.Put(id=call_id, queue="control.honest", body=b"?", deadline_ms=20_000, caller="honest"))
        self.worker.take()
        job = self.worker.job(20)
        self.worker.send(done=pb.Done(id=job.id, attempt=job.attempt, body=b"!"))
        assert self.caller.answer(call_id, 20)[0] == "result"


@pytest.fixture
def broker(site):
    return site.broker(fetchers_max=8)


@pytest.fixture
def honest(site, broker):
    return Honest(site, broker)


def summed(broker, begin):
    return sum(float(line.rsplit(" ", 1)[1]) for line in broker.get("/metrics")[1].splitlines()
               if line.startswith(begin))


def refused(broker, door):
    return summed(broker, f'tip_broker_refused_total{{socket="{door}"')


def cut(broker):
    """How many connections were ended for a message without end."""
    return {door: broker.metric(f'tip_broker_connections_cut_total{{socket="{door}"}}') for door in DOORS}


def connect(site, door):
    return socket.create_connection(address(site, door), timeout=5)


def say(sock, data):
    """What it takes of it, if anything: who is cut off has reached his aim."""
    sock.setblocking(False)
    with contextlib.suppress(OSError):
        sock.send(data)


def speak(site, door, kind=b"DEALER"):
    """A connection that has shaken hands; from now on it need not read. Its buffer in the kernel is small."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    made.settimeout(10)
    made.connect(address(site, door))
    made.sendall(GREETING)
    heard = b""
    while b"READY" not in heard:
        got = made.recv(1000)
        assert got, "the broker hangs up"
        heard += got
    made.sendall(ready(kind))
    return made


def attack(seconds=ATTACK_S):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield


def test_garbage_on_raw_connections(site, honest, rng):
    """Bytes that are no ZMTP, and ones that begin like it."""
    n = 0
    with honest:
        for _ in attack():
            for door in DOORS:
                with connect(site, door) as sock:
                    say(sock, rng.choice((b"", GREETING, GREETING[:rng.randrange(64)], GREETING + ready(b"DEALER"))))
                    say(sock, rng.randbytes(rng.randrange(4000)))
                    n += 1
    print(f"{n} connections")


def test_garbage_in_frames(site, broker, honest, rng):
    before = {door: refused(broker, door) for door in DOORS}
    with honest, contextlib.ExitStack() as stack:
        peers = {door: stack.enter_context(Socket(zmq.XSUB if door == "feed" else zmq.DEALER, site.endpoint(door)))
                 for door in DOORS}
        for _ in attack():
            for door, peer in peers.items():
                for _ in range(20):
                    parts = [rng.randbytes(rng.randrange(60)) for _ in range(rng.randrange(1, 5))]
                    with contextlib.suppress(zmq.Again):
                        peer.zmq.send_multipart([b"\x07" + parts[0]] if door == "feed" else parts, zmq.NOBLOCK)
                if door != "feed":
                    peer.parts(0)
    for door in DOORS:
        assert refused(broker, door) > before[door] + 100, f"{door} counts what it refuses"


def test_oversize_frames(site, honest):
    """libzmq cuts such a peer off before it takes the memory, whether the frame comes or is only announced."""
    with honest:
        for _ in attack():
            for door in DOORS:
                for rest in (frame(bytes(9 << 20)), b"\x02" + (1 << 60).to_bytes(8, "big") + bytes(4000)):
                    with speak(site, door, b"SUB" if door == "feed" else b"DEALER") as sock:
                        with pytest.raises(ConnectionError):
                            sock.sendall(rest)
                            while sock.recv(1000):
                                pass
                            raise ConnectionResetError


@pytest.mark.parametrize("n_parts", (0, 1, 9), ids="{} parts before each".format)
def test_100_000_subscriptions(site, broker, honest, n_parts):
    """One more than the door takes disconnects everybody for a moment; the honest one comes back. libzmq takes a
    subscription also as the last part of a message."""
    with honest:
        with speak(site, "feed", b"SUB") as greedy:
            with contextlib.suppress(ConnectionError):
                greedy.sendall(b"".join(n_parts * PART + frame(b"\x01v1.x%d." % n) for n in range(100_100)))
            wait_for(lambda: broker.metric("tip_broker_feed_resets_total") >= 1, 30, "the door is closed")
        turns = honest.turns
        wait_for(lambda: honest.turns > turns + 20, 30, "the honest ones go on")
    assert broker.metric('tip_broker_refused_total{socket="feed",reason="limit"}') >= 1


def test_messages_of_many_parts(site, broker, honest):
    """As many as fit into the bytes of a legal message: nobody is cut off for them, they are dropped and counted."""
    before = {door: refused(broker, door) for door in DOORS}
    with honest, contextlib.ExitStack() as stack:
        for door in DOORS:
            sock = stack.enter_context(speak(site, door, b"SUB" if door == "feed" else b"DEALER"))
            for _ in range(50):
                sock.sendall(20_000 * PART + frame(b"\x07"))
            wait_for(lambda door=door: refused(broker, door) >= before[door] + 50, 30, f"{door} counts them")
    assert not any(cut(broker).values())


def test_cancelling_what_others_subscribed_to(site, broker, honest):
    """libzmq tells of each such lie as if it were true; the door must not believe that nobody listens."""
    with honest, speak(site, "feed", b"SUB") as liar:
        for _ in attack(1):
            say(liar, (frame(b"\x00" + TOPIC.encode()) + frame(b"\x00v1.bus.head.") + frame(b"\x00never")) * 20)
            time.sleep(0.01)
    assert honest.gaps == 0


def test_readers_that_never_read(site, broker, honest):
    """Of the feed and of fetch, in ZMTP by hand so that not even the kernel's buffers are large; and 60 KB events."""
    want = pb.Frame(fetch=pb.Fetch(from_seq=1, max_bytes=4 << 20, request=1)).SerializeToString()
    with honest, contextlib.ExitStack() as stack, Pub(site.endpoint("ingest"), "loud") as loud:
        deaf = [stack.enter_context(speak(site, "feed", b"SUB")) for _ in range(5)]
        lazy = [stack.enter_context(speak(site, "fetch")) for _ in range(20)]
        for sock in deaf:
            sock.sendall(frame(b"\x01v1."))
        for _ in attack():
            loud.publish_all([("v1.system.alarm.loud.", bytes(60_000))] * 8)
            loud.flush(20)
            for sock in lazy:
                say(sock, frame(want))
        wait_for(lambda: refuses_the_deaf(broker, lazy, want), 60, "who does not read is not read for")
        hears_again(lazy[0], frame(want))
    print(f"{broker.metric('tip_broker_feed_dropped_total'):.0f} records dropped for slow subscribers")


def refuses_the_deaf(broker, lazy, want):
    """They ask, and nothing is given to them. Not at first: the kernel takes megabytes for each, which have left."""
    given, said = broker.metric("tip_broker_fetched_bytes_total"), refused(broker, "fetch")
    for sock in lazy:
        say(sock, frame(want))
    end = time.monotonic() + 2
    while refused(broker, "fetch") == said and time.monotonic() < end:
        time.sleep(0.02)
    return refused(broker, "fetch") > said and broker.metric("tip_broker_fetched_bytes_total") - given < 1 << 20


def hears_again(sock, want):
    """Who has read what was there gets what he asks for."""
    sock.setblocking(False)
    heard = bytearray()

    def hears(at_once, enough):
        say(sock, want)
        with contextlib.suppress(BlockingIOError):
            for _ in range(at_once):
                heard.extend(sock.recv(1 << 16))
        return enough()

    # slowly, so that it asks while something is still there to be read
    wait_for(lambda: hears(1, lambda: b"then ask again" in heard), 60, "it is told why it got nothing")
    heard.clear()
    wait_for(lambda: hears(100, lambda: len(heard) > 1 << 20), 30, "a batch reaches it")


def test_callers_that_never_read(site, broker, honest):
    """Somebody answers their calls with 200 KB each."""
    with honest, Worker(site.endpoint("work"), "big") as big, contextlib.ExitStack() as stack:
        lazy = [stack.enter_context(speak(site, "work")) for _ in range(4)]
        for _ in attack():
            for sock in lazy:
                ask = pb.Put(id=os.urandom(16), queue="big", body=b"?", deadline_ms=1000, caller="lazy")
                say(sock, frame(pb.Frame(put=ask).SerializeToString()))
            while (got := big.receive(0.01)) is not None:
                if got[0] == "job":
                    big.done(got[1], bytes(200_000))
            big.take()
    assert broker.metric("tip_broker_undelivered_total") > 0


@pytest.fixture
def broker_of_few_files(site):
    """It was started with 256 files, as some systems do; the hard limit is what it may take."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        return site.broker(fetchers_max=8)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def test_thousands_of_half_open_connections(site, broker_of_few_files):
    """They never finish the handshake, or are held by a process that was stopped."""
    broker, honest = broker_of_few_files, Honest(site, broker_of_few_files)
    many = min(2500, resource.getrlimit(resource.RLIMIT_NOFILE)[1] // 4)
    stopped = subprocess.Popen([sys.executable, "-c", f"""
import time, zmq
context = zmq.Context()
context.set(zmq.MAX_SOCKETS, 1000)
peers = []
for endpoint in {[site.endpoint(door) for door in DOORS]!r}:
    for _ in range(50):
        peer = context.socket(zmq.SUB if endpoint == {site.endpoint("feed")!r} else zmq.DEALER)
        if peer.type == zmq.SUB:
            peer.subscribe(b"")
        peer.connect(endpoint)
        peers.append(peer)
print("up", flush=True)
time.sleep(600)
"""], stdout=subprocess.PIPE)
    try:
        assert stopped.stdout.readline() == b"up\n"
        stopped.send_signal(signal.SIGSTOP)
        with honest, contextlib.ExitStack() as stack:
            for n in range(many):
                sock = stack.enter_context(connect(site, DOORS[n % len(DOORS)]))
                say(sock, GREETING[:n % 64])
            turns = honest.turns
            wait_for(lambda: honest.turns > turns + 30, 60, "the honest ones go on")
            print(f"{many} half-open connections, {open_files(broker)} files")
        wait_for(lambda: open_files(broker) < many, 40, "they are given up after the handshake's 10 s")
    finally:
        stopped.kill()
        stopped.wait()


def open_files(broker):
    return len(os.listdir(f"/proc/{broker.pid}/fd"))


FLOODS = {
    "ingest": [{"ping": pb.Ping(nonce=1)}, {"hello": pb.Hello(version=1, publisher="flood", epoch=1, first_unacked=1)}],
    "fetch": [{"ping": pb.Ping(nonce=1)}, {"fetch": pb.Fetch(from_seq=1, max_bytes=4 << 20)}],
    "work": [{"ping": pb.Ping(nonce=1)}, {"take": pb.Take(queue="flood", credit=1)},
             {"put": pb.Put(id=b"f" * 16, queue="nobody", body=bytes(1000), deadline_ms=50)},
             {"done": pb.Done(id=b"x" * 16, attempt=1)}],
}


@pytest.mark.parametrize("door", FLOODS)
def test_floods(site, honest, door):
    """What is allowed, as fast as it goes, from three connections that hardly read."""
    words = [pb.Frame(**word).SerializeToString() for word in FLOODS[door]]
    n = 0
    with honest, contextlib.ExitStack() as stack:
        peers = [stack.enter_context(Frames(site.endpoint(door))) for _ in range(3)]
        for _ in attack():
            for peer in peers:
                for word in words * 50:
                    with contextlib.suppress(zmq.Again):
                        peer.zmq.send(word, zmq.NOBLOCK)
                        n += 1
                peer.parts(0)
    print(f"{n / ATTACK_S:.0f} frames a second")


def test_a_valid_key_used_for_everything_it_must_not(rng):
    """A consumer outside with a key: takes the honest one's name, its queue, all places among the fetchers."""
    with contextlib.ExitStack() as stack:
        site = Site(keys=True)
        stack.callback(site.close)
        own = site.add_key("honest", "--role", "service", "--audience", "amber", "--publish", "v1.schedule.",
                           "--serve", "control.honest")
        foreign = site.add_key("outside", "--role", "consumer", "--audience", "amber")
        broker = site.broker(fetchers_max=8)
        words = {
            "ingest": [{"hello": pb.Hello(version=1, publisher="honest", epoch=2**62, first_unacked=1)}],
            "work": [{"take": pb.Take(queue="control.honest", credit=100)},
                     {"put": pb.Put(id=b"o" * 16, queue="control.honest", body=b"?", deadline_ms=5000)}],
            "fetch": [{"fetch": pb.Fetch(from_seq=1, max_wait_ms=30_000)},
                      {"fetch": pb.Fetch(consumer="storage", from_seq=1)}],
        }
        peers = [(stack.enter_context(Frames(site.endpoint(door), key=foreign)), word)
                 for door, said in words.items() for word in said for _ in range(10)]
        with Honest(site, broker, own):
            for _ in attack():
                for peer, word in peers:
                    with contextlib.suppress(zmq.Again):
                        peer.zmq.send(pb.Frame(**word).SerializeToString(), zmq.NOBLOCK)
                    peer.parts(0)
                time.sleep(0.01)
        for door in ("work", "fetch"):
            assert refused(broker, door) > 20, f"{door} counts what it refuses"
        turned_away = summed(broker, 'tip_broker_connections_refused_total{domain="ingest"')
        assert turned_away >= 10, "whose key opens a door not at all is counted there"


def kinds_until_pong(peer):
    """What it was sent, now that it reads; a PONG that finds no room is lost."""
    kinds = set()

    def hears():
        peer.send(ping=pb.Ping(nonce=2))
        while (got := peer.receive(0.05)) is not None:
            kinds.add(got[0])
        return "pong" in kinds

    wait_for(hears, 20, "a pong")
    return kinds


def test_a_key_whose_connections_never_read():
    """libzmq encrypts a batch for each, and calls it sent; so what a key may cost is bounded by its connections."""
    want = pb.Frame(fetch=pb.Fetch(from_seq=1, max_bytes=4 << 20, request=1)).SerializeToString()
    with contextlib.ExitStack() as stack:
        site = Site(keys=True)
        stack.callback(site.close)
        own = site.add_key("honest", "--role", "service", "--audience", "amber", "--publish", "v1.schedule.",
                           "--serve", "control.honest")
        foreign = site.add_key("outside", "--role", "consumer", "--audience", "amber")
        broker = site.broker(fetchers_max=8, external_bytes_per_s="1GiB")
        with Pub(site.endpoint("ingest"), "honest.loud", key=own) as loud:
            for _ in range(20):
                loud.publish_all([("v1.schedule.done.loud.", bytes(60_000))] * 16)
                loud.flush(20)
        with TcpProxy(site.endpoint("fetch")) as line, Honest(site, broker, own):
            lazy = [stack.enter_context(Frames(line.endpoint, key=foreign)) for _ in range(80)]
            for peer in lazy:
                peer.send(ping=pb.Ping(nonce=1))
                peer.expect("pong", timeout_s=20)
            before = refused(broker, "fetch")
            line.mode = "deaf"
            for _ in attack():
                for peer in lazy:
                    with contextlib.suppress(zmq.Again):
                        peer.zmq.send(want, zmq.NOBLOCK)
                time.sleep(0.05)
            assert broker.metric("tip_broker_fetched_bytes_total") > 16 << 20, "some were given what they do not read"
            assert refused(broker, "fetch") > before, "others are turned away"
            line.mode = "pass"
            assert 0 < sum("batch" in kinds_until_pong(peer) for peer in lazy) <= 8, "connections of a key"
        with Fetch(site.endpoint("fetch"), key=foreign) as again:
            wait_for(lambda: again.fetch(from_seq=1)[0] == "batch", 20, "those that are gone make room")


# ---- many at once ----------------------------------------------------------------------------------------------------


def test_1000_subscribers_and_50_publishers(site, capsys):
    """Nobody starves: each publisher gets on, each subscriber hears each class or sees what it lost; bounded memory."""
    broker, n_subs, n_pubs, n_turns = site.broker(), 1000, 50, 100 if os.environ.get("TIP_LONG") else 10
    total = n_turns * n_pubs * 4
    crowd = site.add(Process(site, "crowd", [binary("tip_test_subs"), site.endpoint("feed"), n_subs, total // 5]))
    crowd.spawn()
    wait_for(lambda: "ready" in crowd.log_text(), 60, "all subscribers hear the head")
    slowest = 0
    with contextlib.ExitStack() as stack:
        pubs = [stack.enter_context(Pub(site.endpoint("ingest"), f"p{n}")) for n in range(n_pubs)]
        start = time.monotonic()
        for _ in range(n_turns):
            for n, pub in enumerate(pubs):
                pub.publish_all([(f"v1.c{n % 5}.kind.p{n}.", bytes(200))] * 4)
            turn = time.monotonic()
            for pub in pubs:
                pub.flush(30)
            slowest = max(slowest, time.monotonic() - turn)
        acked_s, files, memory = time.monotonic() - start, open_files(broker), broker.rss_bytes()
        assert crowd.wait(600) == 0
        heard_s = time.monotonic() - start
    heard, missing, silent = map(int, crowd.log_text().splitlines()[-1].split()[1::2])
    with capsys.disabled():
        print(f"\n{n_subs} subscribers, {n_pubs} publishers: {total} events acked in {acked_s:.1f} s (slowest turn "
              f"{slowest:.2f} s), {heard / 1e6:.1f} M records heard in {heard_s:.1f} s, {missing} lost and seen to be, "
              f"{memory >> 20} MiB, {files} files")
    assert heard + missing == total * n_subs and silent == 0
    assert memory < CROWD_BOUND
    assert broker.metric("tip_broker_sessions") == n_pubs
