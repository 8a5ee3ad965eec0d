"""A stream of 1,000,000 entries: its snapshot taken, and served to a reader who has verified all of it.

Owner (tip_test_owner, verdicts in events of 1,000), broker and reader are processes of their own, on tcp, without CURVE. Bar: a
snapshot that is there already comes within a second. Medians.
"""
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import tip_harness  # noqa: E402
from tip_harness import Process, binary, open_to_nobody, wait_for  # noqa: E402

LOAD = pathlib.Path(os.environ["TIP_BENCH_BIN"]) / "snapshot_load"
ENTRIES = 1_000_000
READS = 7
TAKES = 3


def row(case, ours, unit, bar=None):
    second = {"peer": "a second", "theirs": 1.0, "ratio": 1 / ours, "bar": 1.0} if bar else {}
    print(json.dumps({"area": "snapshot", "case": case, "ours": ours, "unit": unit, **second}), flush=True)


def read(site):
    """One whole reading, with a process of its own."""
    run = subprocess.run([LOAD, site.endpoint("work")], stdout=subprocess.PIPE, check=True, timeout=180)
    return json.loads(run.stdout)


class Owner:
    def __init__(self, site, number):
        data = open_to_nobody(site.data / f"owner{number}")
        sockets = [site.endpoint(socket) for socket in ("ingest", "fetch", "work")]
        self.process = site.add(Process(site, f"owner{number}", [
            binary("tip_test_owner"), data, *sockets, ENTRIES, 0, "fill=1", "young_ms=3600000"])).spawn()
        wait_for(lambda: "flushed" in self.process.log_text(), 60, "the owner is there")

    def took_s(self):
        return int(re.search(r"snapshot.taken .*took_ms=(\d+)", self.process.log_text())[1]) / 1000


def main():
    site = tip_harness.Site()
    try:
        site.broker()
        taken, reads = [], []
        for number in range(TAKES):
            owner = Owner(site, number)
            said = read(site)  # the first one has it taken
            taken.append(owner.took_s())
            reads += [read(site)["verified_seconds"] for _ in range(READS)]
            owner.process.kill()
        assert said["events"] == ENTRIES // 1000, said
        row("1,000,000 entries taken, on the loop in turns", statistics.median(taken), "s")
        row("1,000,000 entries served and verified", statistics.median(reads), "s", bar=True)
        row("the same, bytes", said["bytes"] / statistics.median(reads) / 1e6, "MB/s")
    finally:
        site.close()
        tip_harness.end_session()


main()
