"""The fault matrix, rows of the disk: flushes that fail or take their time, no room, writes cut short, power cuts.

Row 7 (every cut of a short history on a simulated disk) and row 12 (every bit and every length) are the unit tests
test_journal_crash and test_journal_damage; row 13 stands there too, and here on the real broker.
"""
import os
import tarfile
import time

import pytest

from tip_faults import (LONG, SMALL, LiveReader, Repeater, Traffic, journal_dir, reached, shim, ticks, turns)
from tip_harness import SOURCE, open_to_nobody, wait_for
from tip_history import History, Reader, Violation, check
from tip_powercut import PowerCut
from tip_wire import Fetch

TOPIC = "v1.system.alarm.test."


def blob(rng, most=2000):
    return rng.randbytes(rng.randrange(40, most))


# ---- 8 ----

class Told:
    """What the outside heard, each with how much had happened on the disk when it did."""

    def __init__(self, cut):
        self.cut, self.acks, self.live = cut, [], []

    def at(self, position, whole):
        """The history as it stood when the power went there."""
        history = History()
        history.sent = whole.sent
        for at, name, epoch, pub_seq in self.acks:
            if at <= position:
                history.ack(name, epoch, pub_seq)
        reader = history.reader("live", dense=False)
        reader.steps = [record for at, record in self.live if at <= position]
        return history


class Witness(Repeater):
    told = None

    def acked(self, durable):
        if durable:
            self.told.acks.append((self.told.cut.size(), self.name, self.epoch, durable))
        super().acked(durable)


def hear_live(told, live):
    """Takes from the subscriber what has come by now."""
    reader = Reader("live", dense=False)
    for seen in live.drain():
        if seen.stamp.seq:
            reader.got(seen.stamp, seen.event_bytes)
    at = told.cut.size()  # not earlier: what came last may rest on the last change
    told.live += [(at, record) for record in reader.steps]


def play_to_cut(site, rng, told, n_groups):
    """A short life of a broker whose disk writes down what is done to it."""
    from tip_wire import Sub

    history = History()
    env = shim(f"pwrite=log,under={journal_dir(site)},file={told.cut.log}",
               f"pwrite=delay,under={journal_dir(site)},n=0,ms=4", f"fdatasync=delay,under={journal_dir(site)},n=0,ms=8")
    broker = site.service("broker", env=env, **SMALL).start()
    Witness.told = told
    with Witness(history, site.endpoint("ingest"), "red") as red, Witness(history, site.endpoint("ingest"), "blue") as blue, \
            Sub(site.endpoint("feed"), TOPIC) as live:
        live.synchronise()
        for pub in (red, blue):
            pub.hello()
        for _ in range(n_groups):
            pub = rng.choice((red, blue))
            pub.publish_all([(TOPIC, blob(rng, 20_000)) for _ in range(rng.randrange(1, 8))])
            end = time.monotonic() + rng.uniform(0.004, 0.03)
            while time.monotonic() < end:
                hear_live(told, live)
                pub.hear(0.001)
        for pub in (red, blue):
            pub.drain(10)
        hear_live(told, live)
    check(history, "I6")
    broker.kill()
    return history


def recover(site, told, history, position, rng):
    """A broker on what the cut left."""
    directory = open_to_nobody(site.data / f"cut{position}")
    journal = open_to_nobody(directory / "journal")
    told.cut.leave(position, journal, rng)
    for path in (journal, *journal.iterdir()):
        os.chown(path, directory.stat().st_uid, directory.stat().st_gid)
    broker = site.service("broker", **{**SMALL, "data": str(directory)})
    where = f"the power went behind byte {position} of {told.cut.log}"
    try:
        broker.start()
    except AssertionError as error:
        raise Violation("I1", f"{where}, and the journal cannot be opened") from error
    found = told.at(position, history).read_back(site.endpoint("fetch"))
    broker.kill()
    try:
        check(found)
    except Violation as violation:
        raise Violation(violation.rule, f"{where}: {violation}") from violation


@turns
def test_row08_power_loss_of_the_whole_process(site, rng, turn):
    told = Told(PowerCut(open_to_nobody(site.dir / "disk") / "log"))
    told.cut.log.touch()
    told.cut.log.chmod(0o666)
    history = play_to_cut(site, rng, told, 60)
    cuts = told.cut.cuts()
    begun = next(at for at, *_ in told.acks)  # before the first ack there may be no journal yet
    writes = [at for at, what, *_ in told.cut.changes(told.cut.size()) if what == "W" and at >= begun]
    for position in rng.sample(writes, 12) + rng.sample([at for at in cuts if at >= begun], 6):
        recover(site, told, history, position, rng)


# ---- 9 ----

@turns
def test_row09_a_flush_fails_once(site, rng, turn):
    broker = site.service("broker", env=shim(f"fdatasync=eio,under={journal_dir(site)},at={rng.randrange(20, 60)}"), **SMALL)
    history = History()
    broker.start()
    live = LiveReader(history, site.endpoint("feed"))
    with Repeater(history, site.endpoint("ingest"), "red") as pub:
        pub.hello()
        end = time.monotonic() + 20
        while broker.is_running and time.monotonic() < end:
            pub.publish(TOPIC, blob(rng))
            pub.hear(0.02)
        assert broker.wait(5) == 1, "a failed flush ends the broker"
        pub.hear(0.2)
        assert pub.unacked, "the group whose flush failed is acked"
        broker.env = {}
        broker.start()
        pub.drain(20)
    live.stop()
    assert broker.log_lines("journal.failed")
    check(history.read_back(site.endpoint("fetch")))


# ---- 10 ----

@pytest.mark.parametrize("rules", [["pwrite=enospc"], ["pwrite=edquot"], ["fallocate=enospc", "pwrite=enospc"]],
                         ids=["enospc", "edquot", "enospc_new_files_too"])
@turns
def test_row10_no_room(site, rng, turn, rules):
    full = open_to_nobody(site.dir / "full") / "yes"
    broker = site.service("broker", **SMALL,
                          env=shim(*(f"{rule},under={journal_dir(site)},while={full}" for rule in rules)))
    broker.start()
    traffic = Traffic(site).start().has_begun()
    full.touch()
    wait_for(lambda: not broker.is_ready(), 20, "the broker says that it takes nothing")
    head = ticks(site, 1).head_seq
    acked = [lines_of(pub, "acked")[-1:] for pub in traffic.pubs]
    with Fetch(site.endpoint("fetch")) as fetch:
        assert fetch.fetch(from_seq=1, max_events=10)[1].n == 10, "reads go on"
    assert ticks(site).head_seq == head, "nothing is durable without room"
    assert acked == [lines_of(pub, "acked")[-1:] for pub in traffic.pubs], "acks without room"
    traffic.weigh(broker)
    full.unlink()
    wait_for(broker.is_ready, 20, "there is room again")
    traffic.check(40)
    assert broker.log_lines("journal.no_space")


@turns
def test_row10_killed_without_room(site, rng, turn):
    """Room for what is allocated already, for no new file: the broker comes back as often as it is killed."""
    full = open_to_nobody(site.dir / "full") / "yes"
    broker = site.service("broker", **SMALL, env=shim(f"fallocate=enospc,under={journal_dir(site)},while={full}"))
    broker.start()
    traffic = Traffic(site).start().has_begun()
    full.touch()
    for life in range(3):
        wait_for(lambda: not broker.is_ready(), 30, "the broker says that it takes nothing")
        broker.kill()
        broker.start(ready=False)
        with Fetch(site.endpoint("fetch")) as fetch:
            assert fetch.fetch(from_seq=1, max_events=10)[1].n == 10, f"reads go on in life {life}"
    full.unlink()
    wait_for(broker.is_ready, 20, "there is room again")
    traffic.check(40)
    assert not broker.log_lines("journal.open")


def lines_of(pub, what):
    return [line for line in pub.sent_log.read_text().splitlines() if line.startswith(what)]


def test_row10_short_writes(site):
    site.service("broker", **SMALL, env=shim(f"pwrite=short,under={journal_dir(site)},n=0")).start()
    traffic = Traffic(site).start().has_begun()
    enough = traffic.follower.head() + (20_000 if LONG else 2000)
    wait_for(lambda: traffic.follower.head() > enough, 120, "events come through")
    traffic.check()


# ---- 11 ----

@pytest.mark.parametrize("ms", [5, 50, 500])
def test_row11_slow_flushes(site, rng, ms):
    slow = shim(f"fdatasync=delay,under={journal_dir(site)},n=0,ms={ms}")
    broker = site.service("broker", env=slow, segment_bytes="16MiB").start()  # a new file costs several flushes
    traffic = Traffic(site, batch=16).start()
    end = time.monotonic() + (10 if LONG else 2)
    while time.monotonic() < end:
        time.sleep(0.2)
        traffic.weigh(broker)
    history = traffic.check(60)
    n_flushed = wait_for(lambda: broker.metric("tip_broker_journal_groups_total"), 20, "it has flushed")
    assert len(history.journal.steps) / n_flushed > 30, "a slow flush carries what came meanwhile"


# ---- 13 ----

@turns
def test_row13_stale_records_of_a_recycled_file(site, rng, turn):
    """Segments go round while whole and torn groups are cut off by a kill; what a file held before never comes back."""
    tiny = {"segment_bytes": "1MiB", "keep_bytes": "2MiB", "cap_bytes": "4MiB", "required": []}
    history = History()
    with Repeater(history, site.endpoint("ingest"), "red") as pub:
        for life in range(5):
            tear = f"pwrite=tear,under={journal_dir(site)},at={rng.randrange(30, 90)},bytes={rng.choice([512, 4096])}"
            broker = site.service("broker", **tiny, env=shim(tear) if life < 4 else {}).start()
            end = time.monotonic() + 20
            pub.try_hello(5)
            while broker.is_running and time.monotonic() < end and life < 4:
                pub.publish_all([(TOPIC, bytes([life]) * 3968) for _ in range(rng.randrange(1, 12))])
                pub.hear(0.003)
                if len(pub.unacked) > 200:
                    reached(lambda: pub.hear(0.01) or not broker.is_running, 1)
            broker.wait(5) if life < 4 else pub.drain(20)
            site.processes.remove(broker) if not broker.is_running else None
    check(history.read_back(site.endpoint("fetch")))


@turns
def test_row13_stale_records_of_a_torn_group(site, rng, turn):
    """Of a group at a segment's end all but its first record survives; a recovery copies another segment into that file,
    and the numbers that stand there are the next ones to be given out."""
    history, now = History(), open_to_nobody(site.dir / "tear") / "now"
    tear = shim(f"pwrite=tear,under={journal_dir(site)},while={now},n=1,bytes={rng.choice([512, 1024, 4096])}")
    broker = site.service("broker", env=tear, **SMALL).start()
    with Repeater(history, site.endpoint("ingest"), "red") as red, Repeater(history, site.endpoint("ingest"), "blue") as blue:
        red.hello()
        for _ in range(57):
            red.publish_all([(TOPIC, rng.randbytes(4096)) for _ in range(4)])
            red.flush()
        now.touch()
        red.publish_all([(TOPIC, rng.randbytes(4096)) for _ in range(12)])
        assert broker.wait(10) == -9, "it dies in the write"
        broker.env = {}
        broker.start()
        blue.hello()
        blue.publish(TOPIC, rng.randbytes(110_000))  # does not fit behind the others
        blue.flush()
        for _ in range(2):  # the first copies what blue said into the file, the second reads it there
            broker.kill()
            broker.start()
        assert len(list(journal_dir(site).glob("0*.seg"))) == 2
        check(history.read_back(site.endpoint("fetch")))
        red.drain(20)
        blue.drain(20)
    check(history.read_back(site.endpoint("fetch")))


# ---- 20 ----

JOURNALS = sorted((SOURCE / "tests/data/journal").glob("*.tar.xz"))


@pytest.mark.parametrize("archive", JOURNALS, ids=lambda path: path.name.split(".")[0])
def test_row20_a_journal_of_an_older_build(site, rng, archive):
    """It opens, holds what was acked then under the same numbers, and its publishers go on."""
    directory = open_to_nobody(open_to_nobody(site.data / "broker") / "journal")
    with tarfile.open(archive) as tar:
        tar.extractall(directory)
    for path in directory.iterdir():
        os.chown(path, directory.stat().st_uid, directory.stat().st_gid)
    site.broker(**SMALL)
    history = History()
    wanted = [line.split() for line in archive.with_name(archive.name.replace(".tar.xz", ".txt")).read_text().splitlines()]
    for _, name, epoch, pub_seq, hash_ in wanted:
        history.sent[name, int(epoch)][int(pub_seq)] = hash_
        history.ack(name, int(epoch), int(pub_seq))
    check(history.read_back(site.endpoint("fetch")))
    assert [[str(r.seq), r.name, str(r.epoch), str(r.pub_seq), r.digest] for r in history.journal.records()] == wanted
    for name, epoch in list(history.sent):
        with Repeater(history, site.endpoint("ingest"), name, epoch) as pub:
            pub.next_seq = max(history.sent[name, epoch]) + 1
            assert pub.hello().durable_pub_seq == pub.next_seq - 1
            pub.publish(TOPIC, blob(rng))
            pub.drain(10)
    check(history.read_back(site.endpoint("fetch")))
