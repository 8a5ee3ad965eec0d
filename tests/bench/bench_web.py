"""The HTTP interface on a table of TIP_BENCH_N (1,000,000) listing intervals: lookups a second and how long they take, through
web, broker, storage and PostgreSQL; and event streams: how many, their memory, how long an event takes to all of them.

There is no peer beside it: what is measured is the whole way, and the case names say what limits it. Clients are threads of
this process; of the machine's processors they take a part.
"""
import http.client
import json
import os
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
from tip_web import Crowd, Web  # noqa: E402
from tip_wire import Pub, event, uuid7  # noqa: E402

N = int(os.environ.get("TIP_BENCH_N", "1000000"))
STREAMS = int(os.environ.get("TIP_BENCH_STREAMS", "1000"))
SECONDS = 15
FIRST, LAST = 0x01000000, 0xdf000000


def say(case, ours, unit, **more):
    print(json.dumps({"area": "web", "case": case, "ours": ours, "unit": unit, **more}), flush=True)


class Client(threading.Thread):
    """Asks one address after the other on one connection until the end; remembers how long each took."""

    def __init__(self, web, path, addresses, end):
        super().__init__(daemon=True)
        self.web, self.path, self.addresses, self.end = web, path, addresses, end
        self.took, self.failed = [], 0

    def run(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.web.port, timeout=30)
        headers = self.web.headers({}, self.web.token, self.web.cookie)
        for address in self.addresses:
            began = time.monotonic()
            if began > self.end:
                break
            connection.request("GET", self.path + address, headers=headers)
            response = connection.getresponse()
            response.read()
            self.failed += response.status != 200
            self.took.append(time.monotonic() - began)
        connection.close()


def lookups(web, rng, listed, n_clients, path, what):
    end = time.monotonic() + SECONDS
    clients = [Client(web, path, [rng.choice(listed) for _ in range(100_000)], end) for _ in range(n_clients)]
    began = time.monotonic()
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    took = sorted(t for client in clients for t in client.took)
    assert took and not any(client.failed for client in clients), "a lookup failed"
    say(f"{what}, {n_clients} connections, {N:,} intervals", len(took) / (time.monotonic() - began), "lookups/s",
        p50_ms=took[len(took) // 2] * 1000, p99_ms=took[int(len(took) * 0.99)] * 1000)
    say(f"{what}, {n_clients} connections, p99", took[int(len(took) * 0.99)] * 1000, "ms")


def streams(site, web):
    idle = web.service.rss_bytes()
    crowd = Crowd(web)
    crowd.open(STREAMS)
    say(f"{STREAMS} event streams at rest, memory each", (web.service.rss_bytes() - idle) / STREAMS / 1024, "KiB")
    crowd.forget()
    with Pub(site.endpoint("ingest"), "test") as pub:
        began = time.monotonic()
        for _ in range(10):
            pub.publish_all([("v1.schedule.done.test.", event("schedule.done", run_id=uuid7(), module="test"))] * 10)
            pub.flush()
        crowd.read_until(lambda text: text.count(b"event: record") >= 100, 120)
    say(f"100 events to {STREAMS} event streams", STREAMS * 100 / (time.monotonic() - began), "events/s")
    say(f"{STREAMS} event streams after that, memory each", (web.service.rss_bytes() - idle) / STREAMS / 1024, "KiB")
    crowd.close()


def measure(site):
    rng = random.Random(int(os.environ.get("TIP_SEED") or 1))
    listed = [socket.inet_ntoa(struct.pack(">I", n)) for n in rng.sample(range(FIRST, LAST), N)]
    chain = tip_chain.Chain(site, blacklist={"interval_floor": "1s"})
    chain.source("big", "\n".join(listed) + "\n", type="ip4", interval="1d")
    chain.start()
    assert chain.run("big", deadline_s=900)["state"] == "done"
    tip_harness.wait_for(lambda: not chain.states()["big"]["updating_to"], 900, "all rows are there")
    web = Web(site).start()
    web.follow_link()
    lookups(web, rng, listed, 1, "/api/v1/search?q=", "search")
    lookups(web, rng, listed, 8, "/api/v1/search?q=", "search")
    lookups(web, rng, listed, 8, "/api/v1/indicators/", "indicator")
    streams(site, web)


def main():
    site = tip_harness.Site()
    try:
        measure(site)
    except BaseException:
        print(site.logs(), file=sys.stderr)
        raise
    finally:
        site.close()
        tip_harness.end_session()


if __name__ == "__main__":
    main()
