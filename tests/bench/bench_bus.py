"""The durable broker beside a bare zmq_proxy, Redis streams, JetStream and mosquitto, all in the same run.

Each round measures every case once, ours and its peer one after the other; figures are medians over the rounds, and a
ratio is the median of the rounds' ratios. Everything on loopback; the broker acks and feeds after fdatasync.
docs/benchmarks.md says what the others' acks mean.
"""
import dataclasses
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import bus_peers  # noqa: E402
import tip_harness  # noqa: E402

BIN = pathlib.Path(os.environ["TIP_BENCH_BIN"])
ROUNDS = int(os.environ.get("TIP_BENCH_ROUNDS", "7"))
PER_S, PACED = 2000, 4000
CPU_BOUND_US = 1.2
FETCH_READS = 3


@dataclasses.dataclass(frozen=True)
class Shape:
    """Of the events and who reads them; `n` of them, so that a run takes about half a second."""
    readers: int
    size: int
    n: int

    def __str__(self):
        return f"1→{self.readers}, {'100 B' if self.size == 100 else '1 KB'}"

    def args(self, **more):
        values = {"n": self.n, "b": self.size, "s": self.readers, **more}
        return [word for key, value in values.items() for word in (f"-{key}", value)]


BASE = Shape(1, 100, 320_000)
SHAPES = {BASE: {32: 0.8, 1: 0.5}, Shape(4, 100, 128_000): {32: 0.8, 1: None},
          Shape(1, 1024, 128_000): {32: None, 1: None}, Shape(4, 1024, 64_000): {32: None, 1: None}}
# name: how many go in a group, of how many events, what the row calls it, and the bar
PEERS = {"redis": (4000, 60_000, "Redis streams, always", 8), "nats": (4000, 60_000, "JetStream, async, file", 5),
         "mosquitto": (1000, 20_000, "mosquitto, QoS 1", None)}


def load(program, *args):
    run = subprocess.run([BIN / program, *map(str, args)], check=True, stdout=subprocess.PIPE, timeout=120)
    return json.loads(run.stdout)


def cpu_s(pid):
    """Processor time of a process, in ns resolution: the clock that clock_getcpuclockid(3) names."""
    return time.clock_gettime((~pid << 3) | 2)


class Rates:
    """What each round measured, by name; a row compares two of them."""

    def __init__(self):
        self.values = {}

    def add(self, name, value):
        self.values.setdefault(name, []).append(value)

    def has(self, name):
        return name in self.values

    def row(self, case, ours, peer, theirs, bar=None, unit="events/s", least_is_best=False):
        pairs = list(zip(self.values[ours], self.values[theirs]))
        ratios = [b / a if least_is_best else a / b for a, b in pairs]
        print(json.dumps({"area": "bus", "case": case, "ours": statistics.median(self.values[ours]), "unit": unit,
                          "peer": peer, "theirs": statistics.median(self.values[theirs]),
                          "ratio": statistics.median(ratios), "bar": bar}), flush=True)


class Bench:
    def __init__(self):
        self.site = tip_harness.Site()
        self.broker = self.site.broker(keep_bytes="512MiB")
        self.doors = self.site.endpoint("ingest"), self.site.endpoint("feed")
        self.rates = Rates()
        self.peers = {name: getattr(bus_peers, name)(self.site) for name in PEERS
                      if (BIN / f"load_{name}").exists() and bus_peers.program(bus_peers.SERVER[name])}
        for name in PEERS.keys() - self.peers.keys():
            print(f"not measured: {name} (packages-bench.txt)", file=sys.stderr)

    def durable(self, shape, batch):
        began = cpu_s(self.broker.pid)
        self.rates.add((shape, batch), load("load_tip", *shape.args(f=batch), *self.doors)["per_s"])
        self.rates.add(("cpu", shape, batch), (cpu_s(self.broker.pid) - began) / shape.n * 1e6)

    def shape(self, shape):
        self.durable(shape, 32)
        self.rates.add((shape, "proxy"), load("load_proxy", *shape.args())["per_s"])
        self.durable(shape, 1)

    def fetch(self):
        """Right after the live fan-out of the same events."""
        reads = [load("load_fetch", "-n", BASE.n, self.site.endpoint("fetch"))["per_s"] for _ in range(FETCH_READS)]
        self.rates.add("fetch", statistics.median(reads))

    def latency(self):
        paced = BASE.args(n=PACED, r=PER_S)
        for name, took in ("ours", load("load_tip", *paced, *self.doors)), ("theirs", load("load_proxy", *paced)):
            for key, value in took.items():
                self.rates.add((name, key), value)

    def round(self):
        self.shape(BASE)
        self.fetch()
        for shape in SHAPES:
            if shape is not BASE:
                self.shape(shape)
        self.latency()
        for name, where in self.peers.items():
            group, n, _, _ = PEERS[name]
            self.rates.add(name, load(f"load_{name}", *BASE.args(n=n, f=group), where)["per_s"])
        self.rates.add("bound", CPU_BOUND_US)

    def rows(self):
        rates = self.rates
        for shape, bars in SHAPES.items():
            for batch, bar in bars.items():
                rates.row(f"{shape}, {batch} a frame", (shape, batch), "zmq_proxy", (shape, "proxy"), bar)
        for name in self.peers:
            rates.row(f"{BASE}, 32 a frame", (BASE, 32), PEERS[name][2], name, PEERS[name][3])
        rates.row("fetch, 256 KiB batches", "fetch", "live fan-out", (BASE, 32), 3)
        for key, bar in ("p50_us", 1 / 3), ("p99_us", None):
            rates.row(f"{key[:3]} at {PER_S:,} events/s", ("ours", key), "zmq_proxy", ("theirs", key), bar, "µs", True)
        for batch, bar in SHAPES[BASE].items():
            rates.row(f"broker's processor time, {batch} a frame", ("cpu", BASE, batch), "stated bound", "bound",
                      1 if batch == 32 else None, "µs/event", True)
        print(json.dumps({"area": "bus", "case": "broker's memory after it", "ours": self.broker.rss_bytes() / 2**20,
                          "unit": "MiB"}))


def main():
    bench = Bench()
    try:
        for _ in range(ROUNDS):
            bench.round()
        bench.rows()
    finally:
        bench.site.close()
        tip_harness.end_session()


if __name__ == "__main__":
    main()
