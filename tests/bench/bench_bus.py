"""Events per second through the durable broker, beside a bare zmq_proxy in the same run: no bar yet.

Interleaved rounds, medians; 100-byte events, one publisher, one subscriber, everything on loopback tcp. The broker acks
after fdatasync and feeds after it; zmq_proxy only forwards.
"""
import json
import os
import pathlib
import statistics
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import tip_harness  # noqa: E402

LOAD = pathlib.Path(os.environ["TIP_BENCH_BIN"]) / "bus_load"
ROUNDS, N, BYTES = 5, 320_000, 100


def load(*args):
    return float(subprocess.run([LOAD, *map(str, args)], check=True, stdout=subprocess.PIPE, timeout=120).stdout)


def main():
    site = tip_harness.Site()
    try:
        broker = site.broker()
        ingest, feed = site.endpoint("ingest"), site.endpoint("feed")
        ours = {1: [], 32: []}
        theirs = []
        for _ in range(ROUNDS):
            for batch in ours:
                ours[batch].append(load("durable", ingest, feed, N, BYTES, batch))
            theirs.append(load("proxy", N, BYTES))
        rss = broker.rss_bytes()
    finally:
        site.close()
        tip_harness.end_session()
    for batch, rates in ours.items():
        row = {"area": "bus", "case": f"durable broker, {BYTES} B, {batch} a frame", "ours": statistics.median(rates),
               "unit": "events/s", "peer": "zmq_proxy", "theirs": statistics.median(theirs)}
        row["ratio"] = statistics.median(a / b for a, b in zip(rates, theirs))
        print(json.dumps(row))
    print(json.dumps({"area": "bus", "case": "broker's memory after it", "ours": rss / 2**20, "unit": "MiB"}))


if __name__ == "__main__":
    main()
