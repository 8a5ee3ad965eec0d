"""The collector as it runs: what an unchanged source costs, what a change of weight causes, and how fast a body becomes rows
of PostgreSQL, beside a pipeline of one event an entry in Python with Redis (redis_pipeline.py).

Real services, nginx on loopback, PostgreSQL with fsync. Ours counts from the order to run until storage has heard of the
run's end, so the scheduler, the fetch, the bus with its journal and the verdicts are in it; theirs counts once both programs
are connected, with the list on disk. Its Redis has its defaults: nothing it holds is durable when it answers.
"""
import json
import os
import pathlib
import random
import socket
import statistics
import struct
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import bus_peers  # noqa: E402
try:
    import redis_pipeline
except ModuleNotFoundError:  # the short form needs packages-test.txt alone
    if "TIP_BENCH_SMOKE" not in os.environ:
        raise
    redis_pipeline = None
import tip_chain  # noqa: E402
import tip_harness  # noqa: E402
from tip_harness import wait_for  # noqa: E402
from tip_nginx import Nginx  # noqa: E402
from tip_wire import Fetch, Sub  # noqa: E402

SMOKE = "TIP_BENCH_SMOKE" in os.environ
PIPELINE = pathlib.Path(__file__).with_name("redis_pipeline.py")
SOURCES, SAME_SOURCES = (3, 2) if SMOKE else (100, 10)
SAME_LINES = 20_000  # about 280 KB
WEIGHED = 2_000 if SMOKE else 300_000
STORED = 2_000 if SMOKE else 200_000
PEERS = {1: 50 if SMOKE else 5_000, 1000: 50 if SMOKE else 10_000}  # events a commit: events
ROUNDS = 1 if SMOKE else 3
UNBOUND = 10**9  # verdicts a second: what the machine can, not the 20,000 that readers are asked to take
FIRST, LAST = 0x0b000000, 0x64000000  # nothing of special use
SILENT = """        location / { etag off; if_modified_since off; add_header Last-Modified ""; }
"""


def row(case, ours, unit, peer=None, theirs=None, ratio=None, **more):
    beside = {"peer": peer, "theirs": theirs, "ratio": ratio} if peer else {}
    print(json.dumps({"area": "blacklist", "case": case, "ours": ours, "unit": unit, **beside, **more}), flush=True)


def body(n, seed):
    """n distinct addresses in no order."""
    numbers = random.Random(seed).sample(range(FIRST, LAST), n)
    return "\n".join([*(socket.inet_ntoa(struct.pack(">I", number)) for number in numbers), ""]).encode()


def cpu_s(process):
    return time.clock_gettime((~process.pid << 3) | 2)


# ---- a source that has not changed ----

class Collector:
    """The chain without storage. Which sources take part is for their files to say."""

    def __init__(self, site):
        self.chain = tip_chain.Chain(site, services=("scheduler", "blacklist"), blacklist={"verdict_rate": UNBOUND})
        self.sources, self.runs = {}, set()
        self.sub = Sub(site.endpoint("feed"), "v1.source.ok.")
        site.closing.callback(self.sub.close)

    def add(self, name, lines=None, **options):
        self.sources[name] = options
        self.chain.source(name, lines, **options)

    def only(self, names):
        """The others are not fetched; they stay listed."""
        for name, options in self.sources.items():
            self.chain.source(name, enabled=name in names, **options)
        before = len(self.chain.blacklist.log_lines("config.reloaded"))
        self.chain.blacklist.reload()
        wait_for(lambda: len(self.chain.blacklist.log_lines("config.reloaded")) > before, 30, "sources are read again")

    def begin(self):
        """Starts a run; False: the last one has not ended for the scheduler yet."""
        answer = self.chain.caller.control("scheduler", "run", "blacklist", params={"force": "true"}, deadline_s=30)
        assert answer.ok, answer.result
        is_new = answer.values["run_id"] not in self.runs
        self.runs.add(answer.values["run_id"])
        return is_new

    def run(self, n, reason):
        """All that take part, once; waits without asking the collector, which would cost it time."""
        wait_for(self.begin, 30, "the run before has ended")
        for _ in range(n):
            told = self.sub.wait(lambda seen: seen.kind == "source.ok", 60, "source.ok").payload
            assert told.reason == reason, told


def unchanged(collector, names, what, reason):
    """Processor time of the collector for each source of a run, in ms."""
    costs = []
    collector.only(names)
    for _ in range(ROUNDS):
        began = cpu_s(collector.chain.blacklist)
        collector.run(len(names), reason)
        costs.append((cpu_s(collector.chain.blacklist) - began) / len(names) * 1000)
    ours = statistics.median(costs)
    row(f"unchanged source, {what}: processor time", ours, "ms", "stated bound", 1.0, 1 / ours, bar=1)


# ---- another weight ----

def weight(chain, name, value):
    """Its file says another one; what is told then: (events, bytes, s from the reload to the last one, s of a processor)."""
    with Fetch(chain.site.endpoint("fetch")) as fetch:
        from_seq = fetch.all("v1.source.ok.", "v1.source.weight.")[-1].stamp.seq + 1
        chain.source(name, weight=value, type="ip4")
        began, spent = time.time(), cpu_s(chain.blacklist)
        chain.blacklist.reload()
        wait_for(lambda: [seen for seen in fetch.all(f"v1.source.weight.{name}.", from_seq=from_seq)
                          if seen.payload.weight == value], 300, f"{name} has weight {value}")
        spent = cpu_s(chain.blacklist) - spent
        told = fetch.all("v1.verdict.changes.", from_seq=from_seq)
    n = sum(len(seen.payload.verdicts) for seen in told)
    assert n == WEIGHED, f"{n} of {WEIGHED} verdicts have moved"
    return (len(told), sum(len(seen.event_bytes) for seen in told),
            max(seen.stamp.commit_unix_us for seen in told) / 1e6 - began, spent)


def weighed(chain):
    found = [weight(chain, "weighed", value) for value in (0.95, 0.5, 0.95)[:ROUNDS]]
    events, size, seconds, spent = (statistics.median(column) for column in zip(*found))
    case = f"another weight for a source of {WEIGHED:,} entries, all of whose verdicts move"
    row(case, seconds, "s")
    row("the same, processor time of the collector", spent, "s")
    row("the same, events", events, "events")
    row("the same, bytes", size / 1e6, "MB")


def measure_collector(site):
    silent = Nginx(site, name="silent", locations=SILENT).start()
    collector = Collector(site)
    known = [f"known{n}" for n in range(SOURCES)]
    same = [f"same{n}" for n in range(SAME_SOURCES)]
    for n, name in enumerate(known):
        collector.add(name, body(200, n))
    for n, name in enumerate(same):
        collector.add(name, url=silent.write(name, body(SAME_LINES, n)), type="ip4")
    collector.add("weighed", body(WEIGHED, 1), type="ip4")
    collector.chain.start()
    collector.sub.synchronise()
    collector.run(len(collector.sources), "changed")
    unchanged(collector, known, "304", "not_modified")
    unchanged(collector, same, f"the same {SAME_LINES:,} lines (280 KB)", "unchanged")
    weighed(collector.chain)


# ---- a body becomes rows ----

def ours(chain, number):
    """Entries a second."""
    began = time.monotonic()
    run = chain.run(f"round{number}", deadline_s=300)
    took = time.monotonic() - began
    assert run["state"] == "done", run
    assert chain.listed_count(f"round{number}") == STORED
    return STORED / took


def redis(site):
    """Debian's defaults, but for the socket."""
    data = tip_harness.open_to_nobody(site.dir / "redis")
    path = str(data / "s")
    bus_peers.start(site, "redis", [bus_peers.program("redis-server"), "--port", "0", "--unixsocket", path, "--unixsocketperm",
                                    "777", "--dir", data], path)
    return path


class Pipeline:
    def __init__(self, site, postgres):
        self.redis, self.postgres, self.list = redis(site), postgres.create("pipeline"), site.dir / "list"
        with postgres.cursor("pipeline") as cursor:
            cursor.execute(redis_pipeline.TABLE)
        self.stored = 0

    @staticmethod
    def start(*argv):
        """One that is connected and waits."""
        program = subprocess.Popen(["/usr/bin/python3", PIPELINE, *map(str, argv)], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE)
        assert program.stdout.readline() == b"ready\n", argv
        return program

    def rate(self, a_commit, seed):
        """Events a second, from the first line to the last commit and the programs' end."""
        events = PEERS[a_commit]
        self.list.write_bytes(body(events, f"{a_commit} {seed}"))
        redis_pipeline.redis.Redis(unix_socket_path=self.redis).flushall()  # no address was there already
        self.stored += events
        programs = [self.start("parse", self.redis, self.list),
                    self.start("store", self.redis, self.postgres.url("pipeline"), events, a_commit)]
        began = time.monotonic()
        for program in programs:
            program.stdin.close()
        ends = [program.wait(300) for program in programs]
        took = time.monotonic() - began
        assert not any(ends), f"the pipeline ended with {ends}"
        assert self.postgres.rows("select count(*) from bench_event", database="pipeline") == [(self.stored,)]
        return events / took


def measure_store(site):
    chain = tip_chain.Chain(site, blacklist={"verdict_rate": UNBOUND})
    for number in range(ROUNDS):
        chain.source(f"round{number}", body(STORED, f"round{number}"), type="ip4")
    chain.start()
    pipeline = Pipeline(site, chain.postgres) if redis_pipeline else None
    rates, theirs = [], {a_commit: [] for a_commit in PEERS}
    for number in range(ROUNDS):
        rates.append(ours(chain, number))
        for a_commit, found in theirs.items():
            if pipeline:
                found.append(pipeline.rate(a_commit, number))
    case = f"{STORED:,} lines, body to PostgreSQL, with verdicts"
    if not pipeline:
        row(case, statistics.median(rates), "entries/s")
        return
    for a_commit, found in theirs.items():
        row(case, statistics.median(rates), "entries/s",
            f"Python, Redis, {'an event' if a_commit == 1 else f'{a_commit:,} events'} a commit",
            statistics.median(found), statistics.median(a / b for a, b in zip(rates, found)))


def main():
    try:
        for measure in (measure_collector, measure_store):
            site = tip_harness.Site()
            try:
                measure(site)
            except BaseException:
                print(site.logs(), file=sys.stderr)
                raise
            finally:
                site.close()
    finally:
        tip_harness.end_session()


if __name__ == "__main__":
    main()
