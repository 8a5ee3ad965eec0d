"""Memory of each process while the whole chain takes a list of 1,000,000 addresses in, and then its next version.

The bounds are those that docs/operations.md states. What counts is memory of a process' own (RssAnon, its highest sample):
set files and LMDB are mapped, and their pages are the page cache's, which the kernel takes back when it needs them.
VmHWM, which has them, is in bench.json beside it.
"""
import contextlib
import json
import pathlib
import random
import socket
import struct
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import tip_chain  # noqa: E402
import tip_harness  # noqa: E402

LINES, CHANGED = 1_000_000, 200_000
FIRST, LAST = 0x01000000, 0xdf000000
SAMPLE_S = 0.02
BOUNDS_MIB = {"broker": 64, "scheduler": 16, "blacklist": 96, "storage": 112}


def memory_mib(pid):
    """{name of a line of /proc/PID/status: MiB}"""
    fields = {}
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name in ("RssAnon", "VmRSS", "VmHWM"):
            fields[name] = int(value.split()[0]) / 1024
    return fields


class Watch:
    """Samples processes from a thread of its own until it is left; `most` has the highest of each figure."""

    def __init__(self, processes):
        self.pids = {process.name: process.pid for process in processes}
        self.most = {name: {} for name in self.pids}
        self.end = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        while not self.end.wait(SAMPLE_S):
            for name, pid in self.pids.items():
                with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                    self.note(self.most[name], memory_mib(pid))

    @staticmethod
    def note(most, sample):
        for field, value in sample.items():
            most[field] = max(value, most.get(field, 0))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.end.set()
        self.thread.join()


def versions():
    """Two lists as bytes: distinct unsorted addresses; the second has other ones for a fifth of them."""
    numbers = random.Random(1).sample(range(FIRST, LAST), LINES + CHANGED)
    texts = [socket.inet_ntoa(struct.pack(">I", number)) for number in numbers]
    return ["\n".join([*part, ""]).encode() for part in (texts[:LINES], texts[CHANGED:])]


def collect(chain, body):
    """Seconds from the start of the run to the last row."""
    chain.serve("million", body)
    began = time.monotonic()
    run = chain.run("million", deadline_s=900)
    assert run["state"] == "done", run
    state = chain.states()["million"]
    assert state["n_entries"] == chain.listed_count("million") == LINES and not state["updating_to"], state
    return time.monotonic() - began


def measure(site):
    """(seconds a version, {process: {figure: MiB}})"""
    chain = tip_chain.Chain(site, blacklist={"interval_floor": "1s"})
    first, second = versions()
    chain.source("million", first, type="ip4", interval="1s")
    chain.start()
    with Watch([chain.broker, chain.scheduler, chain.blacklist, chain.storage]) as watch:
        seconds = [collect(chain, first), collect(chain, second)]
    return seconds, watch.most


def main():
    site = tip_harness.Site()
    try:
        seconds, most = measure(site)
    except BaseException:
        print(site.logs(), file=sys.stderr)
        raise
    finally:
        site.close()
        tip_harness.end_session()
    for name, found in most.items():
        ours, bound = found["RssAnon"], BOUNDS_MIB[name]
        print(json.dumps({"area": "memory", "case": f"{name}, {LINES:,} lines twice", "ours": ours, "unit": "MiB",
                          "peer": "stated bound", "theirs": bound, "ratio": bound / ours, "bar": 1,
                          "rss_mib": found["VmRSS"], "hwm_mib": found["VmHWM"]}))
    for what, took in zip((f"{LINES:,} new lines", f"{CHANGED:,} lines replaced"), seconds):
        print(json.dumps({"area": "memory", "case": f"{what}, from the run's start to the last row", "ours": took,
                          "unit": "s"}))


if __name__ == "__main__":
    main()
