"""Entries of a list per second into PostgreSQL: the whole storage transaction, beside raw COPY of the same rows into the
same tables, and beside one entry a commit (an event row and an upsert).

Interleaved rounds, medians, tables emptied before each; private cluster, fsync on. COPY neither decodes nor looks for
rows that are there already. No bar yet.
"""
import json
import os
import pathlib
import statistics
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import tip_harness  # noqa: E402
from tip_postgres import Postgres  # noqa: E402

LOAD = pathlib.Path(os.environ["TIP_BENCH_BIN"]) / "store_load"
ROUNDS = 3
ENTRIES = {"whole": 180_000, "copy": 180_000, "single": 2_000}
EMPTY = "truncate tip.event, tip.listing, tip.verdict, tip.source, tip.gap; delete from tip.consumer_offset; checkpoint"


def rate(postgres, way):
    with postgres.cursor("tip") as cursor:
        for statement in EMPTY.split(";"):
            cursor.execute(statement)
    run = subprocess.run([LOAD, postgres.url("tip"), way, str(ENTRIES[way])], stdout=subprocess.PIPE, check=True)
    told = json.loads(run.stdout)
    return told["entries"] / told["seconds"]


def row(case, ours, peer, theirs):
    ratios = [a / b for a, b in zip(ours, theirs)]
    print(json.dumps({"area": "storage", "case": case, "ours": statistics.median(ours), "unit": "entries/s", "peer": peer,
                      "theirs": statistics.median(theirs), "ratio": statistics.median(ratios), "bar": None}), flush=True)


def main():
    site = tip_harness.Site()
    try:
        postgres = Postgres(site, shared_buffers="512MB", max_wal_size="4GB").start().create("tip")
        site.section("storage", database=postgres.url("tip"))
        site.run_program(["tip-storage", "migrate", "--config", site.config_path])
        rates = {way: [] for way in ENTRIES}
        for _ in range(ROUNDS):
            for way in ENTRIES:
                rates[way].append(rate(postgres, way))
        row("batch of 60 parts, 1,000 entries each", rates["whole"], "COPY of the same rows", rates["copy"])
        row("batch of 60 parts, 1,000 entries each", rates["whole"], "one entry a commit", rates["single"])
    finally:
        site.close()
        tip_harness.end_session()


main()
