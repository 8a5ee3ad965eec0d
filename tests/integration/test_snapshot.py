"""State and follow: snapshots of an owner whose state changes all the time, while it and the broker are killed.

tip_test_owner is a real owner (outbox, bus client, snapshot library). The pages are read here from proto/ alone; the other
reader is `tip snapshot --follow`. What is right is computed from the whole journal, by Python.
"""
import collections
import hashlib
import json
import os
import pathlib
import shutil
import struct
import subprocess
import time

import pytest

from tip_harness import Process, binary, clean_environment, drop, open_to_nobody, wait_for
from tip_wire import Caller, Fetch, pb

PAGE = 256 * 1024
LONG = bool(os.environ.get("TIP_LONG"))
ROUNDS = 12 if LONG else 2
CHANGES_PER_S = 5000
KEYS = 40000  # four pages and more


def apply(state, verdicts):
    """Verdicts are absolute: the newest of a key decides, and below `watch` it is gone."""
    for verdict in verdicts:
        if verdict.tier == pb.TIER_NONE:
            state.pop(verdict.indicator.value, None)
        else:
            state[verdict.indicator.value] = round(verdict.score, 6)


def events_of(file):
    at = 0
    while at < len(file):
        (size,) = struct.unpack_from("<I", file, at)
        yield pb.Event.FromString(file[at + 4:at + 4 + size])
        at += 4 + size
    assert at == len(file), "the last event is cut"


class Owner:
    """The process and its options; started again it goes on with the same data."""

    def __init__(self, site, keys=KEYS, name="owner", **options):
        self.site, self.keys, self.options = site, keys, options
        self.dir = open_to_nobody(site.data / name)
        self.process = site.add(Process(site, name, self.argv(0)))

    def argv(self, rate):
        sockets = [self.site.endpoint(socket) for socket in ("ingest", "fetch", "work")]
        return [binary("tip_test_owner"), self.dir, *sockets, self.keys, rate,
                *(f"{name}={value}" for name, value in self.options.items())]

    def start(self, rate=CHANGES_PER_S, **options):
        self.options.update(options)
        ready = self.process.log_text().count("ready")
        self.process.argv = self.argv(rate)
        self.process.spawn()
        wait_for(lambda: self.process.log_text().count("ready") > ready, 20, "the owner is ready")
        return self

    def warm_up(self):
        """Most keys have a score; from then on 5,000 things a second change."""
        self.start(rate=8 * CHANGES_PER_S)
        wait_for(lambda: len(fold(self.site)) > KEYS * 0.6, 60, "there is state")
        return self.kill().start()

    def kill(self):
        self.process.kill()
        return self

    def settle(self):
        """Starts it without changes, until the broker has all there was."""
        flushed = self.process.log_text().count("flushed")
        self.start(rate=0)
        wait_for(lambda: self.process.log_text().count("flushed") > flushed, 30, "all is acked")

    def files(self):
        return sorted(path.name for path in (self.dir / "snapshots").iterdir())


class Reader:
    """One snapshot, page by page."""

    def __init__(self, site, tlp="amber"):
        self.caller = Caller(site.endpoint("work"))
        site.closing.callback(self.caller.close)
        self.queue, self.said, self.pages = f"snapshot.verdict.{tlp}", None, []

    def ask(self, page=0, snapshot_id=b"", other_than=b"", deadline_s=30):
        """(0, page), or (failure, reason)."""
        body = pb.SnapshotRequest(snapshot_id=snapshot_id, page=page, other_than=other_than).SerializeToString()
        end = time.monotonic() + deadline_s
        while True:  # a call may die with who had it in hand
            code, reason, answer = self.caller.put(self.queue, body, 3)
            if code not in (pb.FAILURE_DEADLINE, pb.FAILURE_NO_WORKER) or time.monotonic() > end:
                return (code, reason) if code else (0, pb.SnapshotPage.FromString(answer))

    def first(self, **how):
        code, self.said = self.ask(**how)
        assert code == 0, self.said
        assert self.said.n_pages == -(-self.said.size // PAGE) and self.said.page == 0
        self.pages = [self.said.data]
        return self.said

    def another(self, than):
        """The first page of another one, as soon as the owner takes it: not twice a second."""
        def taken():
            code, page = self.ask(other_than=than.snapshot_id)
            return page if code == 0 else None
        self.said = wait_for(taken, 30, "another snapshot")
        assert self.said.snapshot_id != than.snapshot_id
        self.pages = [self.said.data]
        return self.said

    def next(self):
        code, page = self.ask(len(self.pages), self.said.snapshot_id)
        assert code == 0, page
        for field in ("snapshot_id", "journal_id", "seq", "size", "sha256", "n_pages", "taken_unix_ms"):
            assert getattr(page, field) == getattr(self.said, field), field
        assert page.page == len(self.pages)
        self.pages.append(page.data)

    def rest(self):
        while len(self.pages) < self.said.n_pages:
            self.next()
        return self.file()

    def file(self):
        assert all(len(page) == PAGE for page in self.pages[:-1])
        file = b"".join(self.pages)
        assert len(file) == self.said.size and hashlib.sha256(file).digest() == self.said.sha256
        return file

    def state(self):
        state = {}
        for event in events_of(self.file()):
            apply(state, event.verdict_changes.verdicts)
        return state


def follow(site, state, seq, journal_id):
    """What stands behind seq, applied; by a FETCH that knows which journal it wants."""
    with Fetch(site.endpoint("fetch")) as fetch:
        while True:
            name, answer, records = fetch.fetch(from_seq=seq + 1, journal_id=journal_id, prefixes=["v1.verdict."])
            assert name == "batch", (name, answer)
            for seen in records:
                apply(state, seen.payload.verdicts)
            seq = answer.next_seq - 1
            if seq >= answer.head_seq:
                return state


def fold(site):
    """The whole journal, from its first record."""
    with Fetch(site.endpoint("fetch")) as fetch:
        seen = fetch.all("v1.verdict.")
    state = {}
    for record in seen:
        apply(state, record.payload.verdicts)
    return state


class Follower:
    """`tip snapshot verdict --follow`: what it prints, folded."""

    def __init__(self, site, name, *args):
        site.write_config()
        self.process = site.add(Process(site, name, [binary("tip"), "snapshot", "verdict", "--follow", "-o", "ndjson",
                                                     "--config", site.config_path, *args])).spawn()

    def rows(self):
        lines = self.process.log_text().split("\n")[:-1]
        return [json.loads(line) for line in lines if line.startswith("{")]

    def state(self):
        state, snapshot = {}, None
        for row in self.rows():
            if row["snapshot"] not in (None, snapshot):
                state, snapshot = {}, row["snapshot"]
            if row["tier"] == "none":
                state.pop(row["value"], None)
            else:
                state[row["value"]] = round(row["score"], 6)
        return state


def difference(found, wanted):
    missing = [key for key in wanted if key not in found]
    extra = [key for key in found if key not in wanted]
    other = [key for key in wanted if key in found and found[key] != wanted[key]]
    return f"{len(missing)} missing, {len(extra)} too many, {len(other)} differ: {(missing + extra + other)[:5]}"


@pytest.fixture
def owner(site, broker, rng):
    # a step copies 100 keys: with the pause the whole takes a second, in which 5,000 things change
    return Owner(site, seed=rng.randrange(2**31), slow_us=2000)


@pytest.mark.parametrize("turn", range(ROUNDS))
def test_follows_to_the_fold_of_the_journal(site, broker, owner, rng, turn):
    """Taken and read under 5,000 changes a second; owner and broker are killed between two pages."""
    owner.warm_up()
    reader = Reader(site)
    follower = Follower(site, "follower")
    said = reader.first()
    kills = [owner.kill, broker.kill]
    rng.shuffle(kills)
    assert said.n_pages >= 3, said.n_pages
    for kill in kills:
        kill()
        if kill == broker.kill:
            broker.start()
        else:
            owner.start(seed=rng.randrange(2**31))
        reader.next()  # of the same snapshot
    reader.rest()
    owner.kill().settle()
    wanted = fold(site)
    at_once = reader.state()
    assert at_once != wanted, "nothing changed after the snapshot: this proves nothing"
    followed = follow(site, at_once, said.seq, said.journal_id)
    assert followed == wanted, difference(followed, wanted)
    wait_for(lambda: follower.state() == wanted, 60, lambda: difference(follower.state(), wanted))
    assert follower.process.is_running


def test_copy_is_fuzzy_and_follows_all_the_same(site, broker, owner):
    """Many snapshots of one journal, each taken while it changes, each followed to the same end."""
    owner.options["young_ms"] = 1
    owner.warm_up()
    taken = []
    for _ in range(10 if LONG else 3):
        reader = Reader(site)
        reader.another(taken[-1].said if taken else pb.SnapshotPage(snapshot_id=bytes(15) + b"1"))
        reader.rest()
        taken.append(reader)
    owner.kill().settle()
    wanted = fold(site)
    for reader in taken:
        followed = follow(site, reader.state(), reader.said.seq, reader.said.journal_id)
        assert followed == wanted, difference(followed, wanted)
    assert len({reader.said.snapshot_id for reader in taken}) == len(taken)
    assert collections.Counter(name.rsplit(".", 1)[1] for name in owner.files()) == {"snap": 2, "meta": 2}


@pytest.mark.parametrize("argv, n_read", [(["-o", "ndjson"], 3), (["--follow", "-o", "ndjson"], KEYS), (["--follow"], 1)])
def test_a_reader_that_goes_away_is_no_failure(site, broker, owner, argv, n_read):
    """In the middle, and when there is nothing more to tell."""
    owner.start(rate=0, fill=1, slow_us=0)
    site.write_config()
    process = subprocess.Popen(drop([binary("tip"), "snapshot", "verdict", "--config", site.config_path, *argv]),
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=clean_environment())
    for _ in range(n_read):
        assert process.stdout.readline()
    process.stdout.close()
    try:
        assert process.wait(10) == 0 and process.stderr.read() == b""
    finally:
        process.kill()
        process.stderr.close()


def test_callers_at_once_join(site, broker, owner):
    owner.start(rate=0, fill=1)
    readers = [Reader(site) for _ in range(5)]
    for reader in readers:
        body = pb.SnapshotRequest().SerializeToString()
        reader.caller.send(put=pb.Put(id=os.urandom(16), queue=reader.queue, body=body, deadline_ms=20000,
                                      caller="test"))
    pages = [pb.SnapshotPage.FromString(reader.caller.expect("result", timeout_s=20)[1].body) for reader in readers]
    assert len({page.snapshot_id for page in pages}) == 1
    assert Reader(site).first().snapshot_id == pages[0].snapshot_id, "a young one is served again"
    for reader in readers:
        reader.said, reader.pages = pages[0], [pages[0].data]
    readers[0].rest()
    assert len(readers[0].state()) == KEYS
    owner.kill().start(rate=0)
    assert Reader(site).first().snapshot_id == pages[0].snapshot_id, "also by the next process"
    assert readers[1].rest() == readers[0].file()


def test_what_is_not_there(site, broker, owner):
    owner.start(rate=0, fill=1, slow_us=0)
    reader = Reader(site)
    said = reader.first()
    assert reader.ask(1, os.urandom(16))[0] == pb.FAILURE_NOT_FOUND
    assert reader.ask(said.n_pages, said.snapshot_id)[0] == pb.FAILURE_INVALID
    assert reader.caller.put(reader.queue, b"\x0a\x03abc")[0] == pb.FAILURE_INVALID
    assert reader.ask(5)[0] == pb.FAILURE_INVALID, "page 5 of what?"
    assert reader.ask(0, said.snapshot_id)[1].data == said.data
    [file] = (owner.dir / "snapshots").glob("*.snap")
    file.unlink()
    assert reader.ask(1, said.snapshot_id)[0] == pb.FAILURE_NOT_FOUND
    reader.another(said)
    reader.rest()


def test_damaged_file_is_not_believed(site, broker, owner):
    """The reader sees that the digest is wrong, before it hands out anything, and asks for another one."""
    owner.start(rate=0, fill=1, slow_us=0)
    first = Reader(site).first()
    [file] = (owner.dir / "snapshots").glob("*.snap")
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    result = site.run_program(["tip", "snapshot", "verdict", "-o", "ndjson", "--config", str(site.config_path)])
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert len(rows) == KEYS
    assert {row["snapshot"] for row in rows}.isdisjoint({first.snapshot_id.hex()})


def test_another_journal_makes_older_ones_useless(site, broker, owner):
    """The journal's volume is lost: what is read then can be followed in the new one."""
    owner.options["slow_us"] = 0
    owner.warm_up()
    reader = Reader(site)
    before = reader.first()
    follower = Follower(site, "follower")
    wait_for(follower.rows, 30, "it follows")
    broker.kill()
    shutil.rmtree(pathlib.Path(site.config["broker"]["data"]))
    broker.start()
    wait_for(lambda: reader.ask(1, before.snapshot_id)[0] == pb.FAILURE_NOT_FOUND, 30, "the old one is gone")
    assert reader.another(before).journal_id != before.journal_id
    reader.rest()
    owner.kill().settle()
    followed = follow(site, reader.state(), reader.said.seq, reader.said.journal_id)
    again = Reader(site)
    again.another(reader.said)
    again.rest()
    assert followed == again.state(), difference(followed, again.state())
    wait_for(lambda: follower.state() == followed, 60, lambda: difference(follower.state(), followed))


def test_trimmed_away(site, broker, owner):
    """An owner that has been silent for longer than the journal reaches back: its snapshots can be followed."""
    owner.start(rate=0, fill=1, slow_us=0)
    with Fetch(site.endpoint("fetch")) as fetch:
        head = fetch.fetch(from_seq=0, max_events=1)[1].head_seq
    assert Reader(site).first().seq == head, "it begins where the journal ends, whoever wrote last"


def test_no_room(site, broker, owner):
    """A file that may not grow is no file, and says so; what was there before is served on."""
    owner.start(rate=0, fill=1, slow_us=0, bytes_max=100000)
    code, reason = Reader(site).ask()
    assert code == pb.FAILURE_UNAVAILABLE, reason
    assert owner.files() == []


def test_nothing_at_all(site, broker, owner):
    owner.start(rate=0)
    reader = Reader(site)
    said = reader.first()
    assert (said.size, said.n_pages, said.data) == (0, 0, b"") and said.sha256 == hashlib.sha256().digest()
    result = site.run_program(["tip", "snapshot", "verdict", "-o", "ndjson", "--config", str(site.config_path)])
    assert result.stdout == ""
