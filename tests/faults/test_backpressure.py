"""Storage stands still under full load, with small caps: memory stays flat, whoever publishes waits, the collector fetches
nothing and says so; then everything drains, nothing is lost and nothing doubled.

The short form waits 10 s; TIP_LONG=1 five minutes.
"""
import os
import pathlib
import threading
import time

import pytest

from tip_chain import Chain
from tip_harness import Process, binary, open_to_nobody, wait_for
from tip_peers import publisher
from tip_wire import Sub

LONG = os.environ.get("TIP_LONG") == "1"
PAUSE_S = 300 if LONG else 10
LINES = 20_000
CAP = 12 << 20
SEGMENT = 1 << 20
PUBLISHED = 2_000_000
# what each process says of its own memory (docs/operations.md), MiB
BOUNDS = {"broker": 64, "scheduler": 16, "blacklist": 96, "storage": 112}


def text(number):
    return ".".join(str(number >> shift & 255) for shift in (24, 16, 8, 0))


def anon_mib(process):
    for line in pathlib.Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) / 1024
    return 0


class Load:
    """A list that is another one each time it is asked for, and a publisher that never rests."""

    def __init__(self, chain, rng):
        self.chain, self.rng, self.stop = chain, rng, threading.Event()
        self.publisher = publisher(chain.site, "flood", PUBLISHED, batch=256)
        self.thread = threading.Thread(target=self.change, daemon=True)
        self.chain.source("shifting", self.body(), type="ip4", interval="1s", weight=0.5)

    def body(self):
        self.numbers = self.rng.sample(range(0x14000000, 0x60000000), LINES)
        return "\n".join(map(text, self.numbers)) + "\n"

    def change(self):
        while not self.stop.wait(0.7):
            self.chain.serve("shifting", self.body())

    def start(self):
        self.publisher.spawn()
        self.thread.start()

    def end(self):
        self.stop.set()
        self.thread.join()
        self.publisher.finish()


@pytest.fixture
def chain(site):
    site.config["bus"]["outbox_bytes"] = "16MiB"
    site.section("scheduler", jobs=[{"name": "lists", "module": "blacklist", "every": "1s", "deadline": "1m"}])
    return Chain(site, blacklist={"interval_floor": "1s"},
                 broker={"segment_bytes": SEGMENT, "keep_bytes": CAP // 2, "cap_bytes": CAP})


def parts(chain):
    return {name: getattr(chain, name) for name in BOUNDS if getattr(chain, name).is_running}


def journal_bytes(chain):
    return sum(path.stat().st_size for path in (chain.site.data / "broker" / "journal").glob("0*.seg"))


def wait_paused(chain):
    blacklist, broker = chain.blacklist, chain.broker
    wait_for(lambda: broker.metric('tip_broker_alarm{name="journal.held"}') == 1, 90,
             lambda: f"the journal is at its cap: {journal_bytes(chain)} bytes; {broker.get('/readyz')}")
    # runs come over the journal, too, so the collector may have nothing to say when it is full: now it has
    assert chain.caller.control("blacklist", "baseline", "shifting").ok
    wait_for(lambda: "paused: the bus takes nothing" in blacklist.get("/readyz")[1], 120,
             lambda: f"the collector says that it is paused: {blacklist.get('/readyz')}, "
                     f"outbox {blacklist.metric('tip_outbox_bytes')}")
    assert blacklist.metric("tip_blacklist_paused") == 1


def stand_still(chain, load, seconds):
    """Nothing moves and nothing grows while storage is away."""
    fetches = chain.blacklist.metric("tip_blacklist_fetches_total")
    head = chain.broker.metric("tip_broker_journal_head_seq")
    most = dict.fromkeys(parts(chain), 0)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for name, process in parts(chain).items():
            most[name] = max(most[name], anon_mib(process))
        assert journal_bytes(chain) <= CAP, "the journal passes its cap"
        time.sleep(0.2)
    print("most memory, MiB:", {name: round(mib, 1) for name, mib in most.items()})
    assert all(mib <= BOUNDS[name] for name, mib in most.items()), most
    assert chain.broker.metric("tip_broker_journal_head_seq") == head, "events are taken at the cap"
    assert chain.blacklist.metric("tip_blacklist_fetches_total") - fetches <= 1, "something was fetched"
    assert load.publisher.is_running
    outbox = chain.scheduler.metric("tip_outbox_events")
    assert outbox < 50, f"{outbox} events of the scheduler pile up"


def check(chain, load, alarms):
    """Everything drains: rows are the lists, each event is there once."""
    load.end()
    assert load.publisher.wait(300) == 0, "all is acked"
    sent = int(load.publisher.log_text().split("acked ")[-1].split()[0])
    chain.wait_listed("shifting", {("ip", text(number)) for number in load.numbers}, 180)
    wait_for(lambda: chain.broker.metric('tip_broker_alarm{name="journal.held"}') == 0
             and chain.blacklist.metric("tip_blacklist_paused") == 0, 60, "the alarms are lowered")
    for process in parts(chain).values():
        wait_for(process.is_ready, 60, lambda p=process: f"{p.name} is ready: {p.get('/readyz')}")
    wait_for(lambda: chain.storage.metric("tip_storage_lag_events") == 0, 120, "storage is at the head")
    rows = chain.rows("select count(*) n, count(distinct substring(bytes from 1 for 18)) d "
                      "from tip.event where topic = 'v1.system.alarm.flood.'")[0]
    assert (rows["n"], rows["d"]) == (sent, sent), "lost or doubled"
    gaps = chain.rows("select count(*) n from tip.gap")[0]["n"]
    assert gaps == 0 and chain.broker.metric('tip_broker_alarm{name="journal.overtaken"}') == 0
    said = [(seen.payload.service, seen.payload.name, seen.payload.raised) for seen in alarms.drain()
            if seen.kind == "system.alarm" and seen.payload.service in ("broker", "blacklist")]
    for service, name in (("broker", "journal.held"), ("blacklist", "paused")):
        assert (service, name, True) in said and (service, name, False) in said, said


@pytest.mark.parametrize("how", ["stopped", "ended"])
def test_storage_stands_still(site, chain, rng, how):
    load = Load(chain, rng)
    chain.start()
    alarms = Sub(site.endpoint("feed"), "v1.system.alarm.broker.", "v1.system.alarm.blacklist.").synchronise()
    site.closing.callback(alarms.close)
    load.start()
    wait_for(lambda: chain.listed_count("shifting") == LINES, 120, "the first version is stored")
    if how == "stopped":
        chain.storage.pause()
    else:
        assert chain.storage.term(60) == 0
    wait_paused(chain)
    stand_still(chain, load, PAUSE_S)
    if how == "stopped":
        chain.storage.resume()
    else:
        chain.storage.start(ready=False)
    check(chain, load, alarms)


def test_a_service_that_publishes_what_it_consumes(site):
    """Its outbox is full nearly all the time: it stops fetching then, goes on when there is room, and all is said."""
    broker = site.broker()
    depth = 14 if LONG else 11
    echo = site.add(Process(site, "echo", [binary("tip_test_echo"), open_to_nobody(site.data / "echo"),
                                           site.endpoint("ingest"), site.endpoint("fetch"), "echo", depth]))
    assert echo.spawn().wait(120) == 0, "a deadlock"
    assert int(echo.log_text().split("held ")[1]) > 0, "its outbox was never full: the test proves nothing"
    wait_for(lambda: broker.metric("tip_broker_journal_head_seq") == 2 ** (depth + 1) - 1, 20,
             "all of it is in the journal")
