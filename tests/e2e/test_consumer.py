"""Consumers outside TIP: the examples in docs/ miss events on purpose, and end with all of them."""
import fcntl
import os
import signal
import time

import pytest
import zmq
from tip_examples import example
from tip_harness import Site, wait_for
from tip_tcp_proxy import TcpProxy
from tip_wire import Fetch, Pub, context, event, pb

TOPIC = "v1.schedule.done.test."
EVENTS = int(os.environ.get("TIP_EXAMPLE_EVENTS", "30000"))
LIVE = ["python", "node"]  # the others fetch only
NAMES = [*LIVE, "shell", "pipe"]


def done(n, size=800):
    return event("schedule.done", run_id=os.urandom(16), module="test", n_ok=n, summary="x" * size)


def publish(pub, n, topic=TOPIC, tlp=3):
    """n events in bunches; their ids."""
    ids = []
    for first in range(0, n, 200):
        made = [done(k) for k in range(first, min(first + 200, n))]
        pub.publish_all([(topic, one) for one in made], tlp)
        pub.flush(30)
        ids += [one.id.hex() for one in made]
    return ids


def has_all(follower, wanted):
    """Nothing is missing; how much is, is looked at only when there can be enough."""
    return len(follower.read().ids) >= len(wanted) and set(wanted) <= set(follower.ids)


def check(follower, wanted, deadline_s=60, kills=0):
    """All of them, each perhaps more than once, nothing else; in order where they come first."""
    wait_for(lambda: has_all(follower, wanted), deadline_s,
             lambda: f"{len(set(wanted) - set(follower.ids))} of {len(wanted)} are missing\n{follower.log_text()[-2000:]}")
    got = list(dict.fromkeys(follower.ids))
    assert set(got) == set(wanted) and follower.gaps == [] and follower.torn <= kills
    return got


@pytest.mark.parametrize("name", NAMES)
def test_an_example_that_misses_thousands_ends_with_all(name):
    site = Site()
    try:
        broker = site.broker(feed_bytes="1MiB")
        follower = example(site, name, "schedule.").spawn()
        with Pub(site.endpoint("ingest"), "test") as pub:
            wanted = publish(pub, 200)
            check(follower, wanted)
            follower.everybody(signal.SIGSTOP)
            wanted += publish(pub, EVENTS if name in LIVE else EVENTS // 10)
            if name in LIVE:
                assert broker.metric("tip_broker_feed_dropped_total") > 0, "its queue at the feed overflows"
            follower.everybody(signal.SIGCONT)
            check(follower, wanted)
            assert broker.term() == 0
            broker.start()
            pub.hello()
            wanted += publish(pub, 300)
            got = check(follower, wanted)
            assert got == wanted, "in order"
        if name in LIVE:
            assert "missing" in follower.log_text(), "it noticed"
    except BaseException:
        print(site.logs())
        raise
    finally:
        site.close()


@pytest.mark.parametrize("name", NAMES)
def test_an_example_that_is_killed_goes_on(name, site, broker, pub):
    wanted = publish(pub, 300)
    follower = example(site, name, "schedule.").spawn()
    check(follower, wanted)
    for _ in range(3):
        wanted += publish(pub, 200)
        follower.everybody(signal.SIGKILL)
        follower.wait()
        wanted += publish(pub, 100)
        follower.spawn()
        wanted += publish(pub, 50)
    check(follower, wanted, kills=3)
    assert len(follower.ids) < 3 * len(wanted), "it goes on, and does not begin again"


def is_free(lock):
    with open(lock, "rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def test_a_shell_that_is_killed_takes_its_tip_along(site, broker, pub):
    """Only the shell is hit: no event comes, and the position is free for the next one."""
    wanted = publish(pub, 10)
    follower = example(site, "pipe", "schedule.").spawn()
    check(follower, wanted)
    assert not is_free(follower.home / "position.lock")
    follower.kill()
    wait_for(lambda: is_free(follower.home / "position.lock"), 10, "its `tip sub` ends")
    wanted += publish(pub, 10)
    follower.spawn()
    check(follower, wanted, kills=1)


def test_a_broken_position_is_the_end(site, broker, pub):
    """To try again each second would help nobody: it says what is wrong, once, and ends."""
    publish(pub, 1)
    follower = example(site, "shell", "schedule.")
    (follower.home / "position").write_text("{}")
    assert follower.spawn().wait(10) == 2 and follower.log_text().count("holds no position") == 1, follower.log_text()


class Door:
    """A broker's fetch door that says what the test wants."""

    def __init__(self, endpoint):
        self.zmq, self.peer = context.socket(zmq.ROUTER), None
        self.zmq.linger = 0
        self.zmq.bind(endpoint)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.zmq.close()

    def asked(self, deadline_s=10):
        """The next Fetch."""
        assert self.zmq.poll(deadline_s * 1000), "nobody asks"
        self.peer, head, *_ = self.zmq.recv_multipart()
        return pb.Frame.FromString(head).fetch

    def answer(self, body=None, **frame):
        self.zmq.send_multipart([self.peer, pb.Frame(**frame).SerializeToString()] + ([] if body is None else [body]))


@pytest.mark.parametrize("name", LIVE)
def test_only_what_is_fatal_is_the_end(site, name):
    """Too many connections of its key: another one ends in a moment, so it asks again, but not at once."""
    with Door(site.endpoint("fetch")) as door:
        follower = example(site, name, "schedule.").spawn()
        door.asked(20)
        refused = time.monotonic()
        door.answer(refused=pb.Refused(reason="too many connections of this key"))
        again = door.asked()
        assert time.monotonic() - refused > 0.9 and "too many connections" in follower.log_text()
        door.answer(b"", batch=pb.Batch(request=again.request, journal_id=b"\1" * 16, next_seq=7, head_seq=9))
        assert door.asked().from_seq == 7
        door.answer(refused=pb.Refused(reason="this key is not known here", fatal=True))
        assert follower.wait(10) == 1 and "refused: this key is not known here" in follower.log_text()


def test_a_loss_at_the_tail_is_seen_by_the_head(site):
    """Nothing comes behind what was lost: the beat each second tells."""
    site.broker(feed_bytes="1MiB")
    follower = example(site, "python", "schedule.").spawn()
    with Pub(site.endpoint("ingest"), "test") as pub:
        wanted = publish(pub, 100)
        check(follower, wanted)
        follower.pause()
        wanted += publish(pub, EVENTS)
        follower.resume()
        check(follower, wanted)
        assert "missing" in follower.log_text(), "it noticed"


@pytest.mark.parametrize("name", LIVE)
def test_a_connection_that_nobody_ends(name, site, broker, pub):
    """A middlebox forgets it: neither side is told. Silence says so; what came meanwhile is fetched."""
    with TcpProxy(site.endpoint("feed")) as line:
        follower = example(site, name, "schedule.", feed=line.endpoint).spawn()
        wanted = publish(pub, 100)
        check(follower, wanted)
        wait_for(lambda: line.n_lines == 1, 10, "it listens")
        wanted += publish(pub, 1)  # by the feed, or by the head
        check(follower, wanted)
        assert line.forget() == 1
        wanted += publish(pub, 100)
        check(follower, wanted)
        assert line.n_lines >= 2 and "any sign of life" in follower.log_text()
        wanted += publish(pub, 100)
        check(follower, wanted)


def test_a_journal_that_is_lost_is_a_gap_and_not_the_end(site, broker, pub):
    followers = {name: example(site, name, "schedule.").spawn() for name in NAMES}
    wanted = publish(pub, 50)
    for follower in followers.values():
        check(follower, wanted)
    broker.kill()
    journal = site.data / "broker" / "journal"
    for file in journal.iterdir():
        file.unlink()
    broker.start()
    with Pub(site.endpoint("ingest"), "again") as again:
        wanted += publish(again, 50)
        for name, follower in followers.items():
            wait_for(lambda f=follower: has_all(f, wanted), 30, f"{name} has all of both")
            if name == "pipe":
                assert follower.log_text().count('{"gap":{"reason":"new_journal"') == 1
                continue
            assert [gap["reason"] for gap in follower.gaps] == ["new_journal"], name


def test_the_clear_door_beside_amber_traffic_has_no_false_gap():
    """With keys: what an outsider may not see leaves no hole in what it counts."""
    site = Site(keys=True)
    try:
        site.add_key("soc", "--audience", "clear")
        site.add_key("test", "--role", "service", "--publish", "v1.schedule.")
        site.broker()
        follower = example(site, "python", "schedule.", feed=site.endpoint("feed_clear"), key="soc").spawn()
        with Pub(site.endpoint("ingest"), "test", key=site.key("test")) as pub:
            wanted = publish(pub, 20, tlp=1)
            check(follower, wanted)
            for _ in range(20):
                publish(pub, 50, tlp=3)
                wanted += publish(pub, 5, tlp=1)
            check(follower, wanted)
            heads = time.monotonic() + 3  # beats that count nothing of what it may not see
            wait_for(lambda: time.monotonic() > heads, 5, "three beats")
        assert "missing" not in follower.log_text().split("fetching from", 1)[-1], follower.log_text()
        with Fetch(site.endpoint("fetch"), key=site.key("soc")) as fetch:
            assert {seen.stamp.tlp for seen in fetch.all("v1.schedule.")} == {1}
    finally:
        print(site.logs(2000))
        site.close()
