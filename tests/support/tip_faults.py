"""What the rows of the fault matrix have in common: logged traffic through a broker, faults to put under it, the end."""
import os
import threading
import time

import pytest
import zmq

from tip_harness import binary, wait_for
from tip_history import History, check
from tip_peers import follower, publisher
from tip_wire import Fetch, Pub, Seen, Socket, Sub

LONG = os.environ.get("TIP_LONG") == "1"
TURNS = int(os.environ.get("TIP_TURNS") or (20 if LONG else 1))
turns = pytest.mark.parametrize("turn", range(TURNS))  # another turn is another seed
BROKER_BOUND = 64 << 20   # broker/README.md
STORAGE_BOUND = 150 << 20
CLIENT_BOUND = 64 << 20
ENDLESS = 10**9
SMALL = {"segment_bytes": "1MiB", "keep_bytes": "512MiB", "cap_bytes": "1GiB"}


def shim(*rules):
    """The environment that puts the rules under a program: see tip_shim.c."""
    return {"LD_PRELOAD": str(binary("libtip_shim.so")), "TIP_SHIM": ";".join(rules)}


def journal_dir(site):
    return site.data / "broker" / "journal"


class LiveReader:
    """A SUB socket in a thread of its own; knows what it heard, and with what it was heard."""

    def __init__(self, history, endpoint, *prefixes, name="live"):
        self.reader, self.endpoint, self.prefixes, self.frames = history.reader(name, dense=False), endpoint, prefixes, []
        self.delays_s = []
        self.stopped, self.thread = False, threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        with Socket(zmq.SUB, self.endpoint) as sub:
            sub.zmq.rcvhwm = 0
            for prefix in self.prefixes or ("v1.",):
                sub.zmq.subscribe(prefix.encode())
            while not self.stopped:
                parts = sub.parts(0.05)
                if parts is not None:
                    self.frames.append((*parts, time.time()))

    def stop(self):
        """Ends it; what came goes to the history."""
        if not self.stopped:
            self.stopped = True
            self.thread.join(10)
            for topic, frame, at_s in self.frames:
                seen = Seen(frame, topic.decode())
                if seen.stamp.seq:
                    self.reader.journal_id = seen.stamp.journal_id
                    self.reader.got(seen.stamp, seen.event_bytes)
                    self.delays_s.append((at_s, at_s - seen.stamp.commit_unix_us / 1e6))

    def p99_s(self, from_s, to_s):
        """Of the time from commit to here, for what came between two wall times."""
        delays = sorted(delay for at_s, delay in self.delays_s if from_s <= at_s <= to_s)
        assert delays, "nothing came at all"
        return delays[len(delays) * 99 // 100]


class Repeater(Pub):
    """A publisher of the test's own that logs what it does, survives its broker, and repeats whatever is not acked."""

    def __init__(self, history, endpoint, name, epoch=None, key=None):
        self.history, self.key = history, key
        super().__init__(endpoint, name, epoch, connect=False, key=key)

    def publish_all(self, pairs, tlp=3):
        for i, (_, made) in enumerate(pairs):
            self.history.send(self.name, self.epoch, self.next_seq + i, made)
        return super().publish_all(pairs, tlp)

    def acked(self, durable):
        if durable:
            self.history.ack(self.name, self.epoch, min(durable, self.next_seq - 1))
        super().acked(durable)

    def reconnect(self):
        self.zmq.close()
        Socket.__init__(self, zmq.DEALER, self.endpoint, self.key)

    def hear(self, silence_s=0):
        """Takes what came; True when something did."""
        heard = False
        while (got := self.receive(0 if heard else silence_s)) is not None:
            heard = True
            if got[0] in ("ack", "welcome"):
                self.acked(got[1].durable_pub_seq)
        return heard

    def try_hello(self, timeout_s=2):
        """Says HELLO on a new connection and sends again, unmoved by what WELCOME says; False without an answer."""
        repeated = sorted(self.unacked.items())
        self.reconnect()
        self.send_hello()
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            got = self.receive(max(0, end - time.monotonic()))
            if got and got[0] == "welcome":
                for first in range(0, len(repeated), 50):
                    piece = repeated[first:first + 50]
                    self.send_data(piece[0][0], [entry for _, entry in piece])
                self.acked(got[1].durable_pub_seq)
                return True
        return False

    def send_hello(self):
        from tip_wire import pb

        self.send(hello=pb.Hello(version=1, publisher=self.name, epoch=self.epoch,
                                 first_unacked=min(self.unacked, default=self.next_seq)))

    def drain(self, limit_s):
        """Repeats until all is acked; goes into the history as a wait."""
        start = time.monotonic()
        while self.unacked and time.monotonic() - start < limit_s:
            if not self.hear(1):
                self.try_hello()
        self.history.waited(f"all of {self.name} is acked", limit_s,
                            None if self.unacked else time.monotonic() - start)


class Traffic:
    """Publishers on the real client, a follower that fetches everything, a live reader; one history of them all."""

    def __init__(self, site, names=("red", "blue"), count=ENDLESS, batch=2, ingest=None, fetch=None):
        self.site, self.history, self.count = site, History(), count
        self.pubs = [publisher(site, name, count, batch, ingest=ingest) for name in names]
        self.follower = follower(site, "follower", endpoint=fetch)
        self.live = LiveReader(self.history, site.endpoint("feed"))
        site.closing.callback(self.live.stop)

    def start(self):
        for process in (*self.pubs, self.follower):
            process.spawn()
        return self

    def has_begun(self):
        wait_for(lambda: len(self.follower.lines()) > 100, 20, "traffic flows")
        return self

    def weigh(self, broker, bound=BROKER_BOUND):
        self.history.weigh(broker, bound)
        for process in (*self.pubs, self.follower):
            self.history.weigh(process, CLIENT_BOUND)

    def drain(self, limit_s=30):
        """The faults are over: every publisher ends, the follower comes to the head."""
        start = time.monotonic()
        for pub in self.pubs:
            pub.finish()
        for pub in self.pubs:
            done = pub.ends_within(start + limit_s - time.monotonic())
            self.history.waited(f"{pub.name} has published all", limit_s, time.monotonic() - start if done else None)
        check(self.history, "I6")
        with Fetch(self.site.endpoint("fetch")) as fetch:
            head = fetch.fetch(from_seq=1, max_events=1)[1].head_seq
        done = reached(lambda: self.follower.head() >= head, limit_s)
        self.history.waited(f"the follower is at {head}", limit_s, time.monotonic() - start if done else None)

    def check(self, limit_s=30):
        """The end of a row: drained, read back, judged."""
        self.drain(limit_s)
        time.sleep(0.1)  # what was fanned out last is on its way to the live reader
        self.live.stop()
        self.load()
        check(self.history.read_back(self.site.endpoint("fetch")))
        return self.history

    def load(self):
        for pub in self.pubs:
            self.history.load_publisher(pub.name, pub.sent_log)
        self.history.load_follower("follower", self.follower.path)


def ticks(site, n=2):
    """So many seconds as the broker counts them: what it does each second it has done. Returns the last head."""
    with Sub(site.endpoint("feed"), "v1.bus.head.") as heads:
        for _ in range(n):
            head = heads.wait(lambda s: s.kind == "bus.head", 10, "bus.head")
    return head.payload


def reached(condition, limit_s):
    """True once it is, False after limit_s."""
    try:
        return bool(wait_for(condition, limit_s, ""))
    except AssertionError:
        return False


def kill_and_restart(victim, rng, most_s=0.2):
    """kill -9, a moment, and back as a supervisor would."""
    if victim.is_running:
        victim.kill()
    time.sleep(rng.uniform(0, most_s))
    if hasattr(victim, "start"):
        victim.start()
    else:
        victim.spawn()
