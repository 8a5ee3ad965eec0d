"""A thousand subscribers and fifty publishers at one broker: how fast all of them hear, who waits longest, what it costs.

The subscribers are one process, which reads as fast as it can; each hears of every class and counts by class_seq what it
lost. In a turn every publisher sends some events and waits for its acks: once at a pace that the subscribers can follow,
once as fast as it goes, which is more than a thousand times as many records as anybody could read.
"""
import contextlib
import dataclasses
import json
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import tip_harness  # noqa: E402
from tip_harness import Process, binary, wait_for  # noqa: E402
from tip_wire import Pub  # noqa: E402

SUBSCRIBERS, PUBLISHERS, CLASSES = 1000, 50, 5
BOUND_MIB, PATIENCE_S = 256, 5  # as broker/README.md states them


@dataclasses.dataclass(frozen=True)
class Pace:
    name: str
    turns: int
    burst: int  # events of a publisher in a turn
    turn_s: float  # from the beginning of one to that of the next, at least

    @property
    def total(self):
        return self.turns * PUBLISHERS * self.burst


PACES = Pace("100 events/s", 20, 1, 0.5), Pace("all at once", 25, 4, 0)


def row(pace, case, ours, unit, bound=None):
    peer = {"peer": "stated bound", "theirs": bound, "ratio": bound / ours, "bar": 1} if bound else {}
    print(json.dumps({"area": "crowd", "case": f"{pace.name}: {case}", "ours": ours, "unit": unit, **peer}), flush=True)


def cpu_s(pid):
    return time.clock_gettime((~pid << 3) | 2)


def publish(pubs, pace):
    """The time that each turn took until the last publisher had its acks."""
    for _ in range(pace.turns):
        began = time.monotonic()
        for n, pub in enumerate(pubs):
            pub.publish_all([(f"v1.c{n % CLASSES}.kind.p{n}.", bytes(200))] * pace.burst)
        for pub in pubs:
            pub.flush(60)
        took = time.monotonic() - began
        yield took
        time.sleep(max(0, pace.turn_s - took))


def measure(site, pace):
    broker = site.broker()
    crowd = site.add(Process(site, "crowd", [binary("tip_test_subs"), site.endpoint("feed"), SUBSCRIBERS,
                                             pace.total // CLASSES])).spawn()
    wait_for(lambda: "ready" in crowd.log_text(), 60, "all subscribers hear the head")
    with contextlib.ExitStack() as stack:
        pubs = [stack.enter_context(Pub(site.endpoint("ingest"), f"p{n}")) for n in range(PUBLISHERS)]
        began, spent = time.monotonic(), cpu_s(broker.pid)
        turns = list(publish(pubs, pace))
        memory_mib = broker.rss_bytes() / 2**20
        assert crowd.wait(120) == 0
        took, spent = time.monotonic() - began, cpu_s(broker.pid) - spent
    heard, missing, silent = map(int, crowd.log_text().splitlines()[-1].split()[1::2])
    assert heard + missing == pace.total * SUBSCRIBERS and silent == 0, "every subscriber knows of every event"
    row(pace, "acked", pace.total / sum(turns), "events/s")
    row(pace, "longest turn of 50 publishers", max(turns), "s", PATIENCE_S)
    row(pace, "heard by 1,000 subscribers", heard / took, "records/s")
    row(pace, "lost, and seen to be", missing / (heard + missing) * 100, "%")
    row(pace, "broker's processor time", spent / heard * 1e6, "µs/record")
    row(pace, "broker's memory", memory_mib, "MiB", BOUND_MIB)


def main():
    for pace in PACES:
        site = tip_harness.Site()
        try:
            measure(site, pace)
        finally:
            site.close()
    tip_harness.end_session()


main()
