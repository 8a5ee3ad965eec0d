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
FETCH_READS, FLUSHES = 3, 500
CURVE_FEWER = 4  # CURVE takes that much longer


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


def flush_us(folder):
    """The middle one of some flushes of a few hundred bytes, paced like the events."""
    took = []
    with open(folder / "flush", "wb", buffering=0) as file:
        file.write(bytes(1 << 20))  # as a segment of the journal that has lived before
        os.fsync(file.fileno())
        for at in range(FLUSHES):
            time.sleep(1 / PER_S)
            began = time.monotonic()
            os.pwrite(file.fileno(), bytes(350), at * 350)
            os.fdatasync(file.fileno())
            took.append(time.monotonic() - began)
    return statistics.median(took) * 1e6


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


class Side:
    """A broker of ours, in the clear or with CURVE, and the bare proxy like it."""

    def __init__(self, curve):
        self.name = "CURVE" if curve else "plain"
        self.peer = "zmq_proxy with CURVE" if curve else "zmq_proxy"
        self.site = tip_harness.Site(keys=curve)
        self.keys = []
        if curve:
            key = self.site.add_key("bench", "--role", "service", "--publish", "v1.bench.,v1.system.bench.", "--audience", "amber")
            self.keys = ["-k", f"{key.server},{key.public},{key.secret}"]
        self.broker = self.site.broker(keep_bytes="512MiB")
        self.doors = self.site.endpoint("ingest"), self.site.endpoint("feed")

    def n(self, shape):
        return shape.n // CURVE_FEWER if self.keys else shape.n

    def durable(self, rates, shape, batch):
        n = self.n(shape)
        began = cpu_s(self.broker.pid)
        rates.add((self, shape, batch), load("load_tip", *shape.args(n=n, f=batch), *self.keys, *self.doors)["per_s"])
        rates.add(("cpu", self, shape, batch), (cpu_s(self.broker.pid) - began) / n * 1e6)

    def shape(self, rates, shape):
        self.durable(rates, shape, 32)
        rates.add((self, shape, "proxy"), load("load_proxy", *shape.args(n=self.n(shape)), *self.keys)["per_s"])
        self.durable(rates, shape, 1)

    def fetch(self, rates):
        """Right after the live fan-out of the same events."""
        ask = "-n", self.n(BASE), *self.keys, self.site.endpoint("fetch")
        reads = [load("load_fetch", *ask)["per_s"] for _ in range(FETCH_READS)]
        rates.add((self, "fetch"), statistics.median(reads))

    def round(self, rates):
        for shape in SHAPES:
            self.shape(rates, shape)
            if shape is BASE:
                self.fetch(rates)

    def rows(self, rates):
        for shape, bars in SHAPES.items():
            for batch, bar in bars.items():
                rates.row(f"{self.name}, {shape}, {batch} a frame", (self, shape, batch), self.peer,
                          (self, shape, "proxy"), (1 if batch == 32 else None) if self.keys else bar)
        rates.row(f"{self.name}, fetch, 256 KiB batches", (self, "fetch"), "live fan-out", (self, BASE, 32), 3)


class Bench:
    def __init__(self):
        self.plain, self.curve = Side(False), Side(True)
        self.rates = Rates()
        self.peers = {name: getattr(bus_peers, name)(self.plain.site) for name in PEERS
                      if (BIN / f"load_{name}").exists() and bus_peers.program(bus_peers.SERVER[name])}
        for name in PEERS.keys() - self.peers.keys():
            print(f"not measured: {name} (packages-bench.txt)", file=sys.stderr)

    def latency(self):
        """Paced; beside it what one flush of a few hundred bytes takes on this disk, which is part of ours."""
        paced = BASE.args(n=PACED, r=PER_S)
        theirs = load("load_proxy", *paced)
        for key, value in load("load_tip", *paced, *self.plain.doors).items():
            self.rates.add(("ours", key), value)
            self.rates.add(("theirs", key), theirs[key])
        self.rates.add("flush", theirs["p50_us"] + flush_us(self.plain.site.data))

    def round(self):
        for side in self.plain, self.curve:
            side.round(self.rates)
        self.latency()
        for name, where in self.peers.items():
            group, n, _, _ = PEERS[name]
            self.rates.add(name, load(f"load_{name}", *BASE.args(n=n, f=group), where)["per_s"])
        self.rates.add("bound", CPU_BOUND_US)

    def rows(self):
        rates, plain = self.rates, self.plain
        for side in plain, self.curve:
            side.rows(rates)
        for name in self.peers:
            rates.row(f"plain, {BASE}, 32 a frame", (plain, BASE, 32), PEERS[name][2], name, PEERS[name][3])
        for key, bar in ("p50_us", 1 / 3), ("p99_us", None):
            rates.row(f"{key[:3]} at {PER_S:,} events/s", ("ours", key), "zmq_proxy", ("theirs", key), bar, "µs", True)
        rates.row(f"p50 at {PER_S:,} events/s", ("ours", "p50_us"), "zmq_proxy and one flush", "flush", None, "µs", True)
        for batch in SHAPES[BASE]:
            rates.row(f"broker's processor time, {batch} a frame", ("cpu", plain, BASE, batch), "stated bound", "bound",
                      1 if batch == 32 else None, "µs/event", True)
        print(json.dumps({"area": "bus", "case": "broker's memory after it", "ours": plain.broker.rss_bytes() / 2**20,
                          "unit": "MiB"}))

    def close(self):
        self.plain.site.close()
        self.curve.site.close()


def main():
    bench = Bench()
    try:
        for _ in range(ROUNDS):
            bench.round()
        bench.rows()
    finally:
        bench.close()
        tip_harness.end_session()


if __name__ == "__main__":
    main()
