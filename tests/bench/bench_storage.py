"""Entries of a list per second into PostgreSQL: the whole storage transaction, beside raw COPY of one row an entry into
a table with a primary key and BRIN, and into one with three indexes; COPY of the same rows into the same tables; one
entry a commit; and an insert and a commit for each entry by python3-psycopg2.

Interleaved rounds, medians, tables emptied before each; private cluster, fsync on. COPY neither decodes nor looks for
rows that are there already.
"""
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

import psycopg2

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import tip_harness  # noqa: E402
from tip_postgres import Postgres  # noqa: E402

LOAD = pathlib.Path(os.environ["TIP_BENCH_BIN"]) / "store_load"
ROUNDS = int(os.environ.get("TIP_BENCH_ROUNDS", "5"))
ENTRIES = {"whole": 180_000, "hot": 180_000, "indexed": 180_000, "copy": 180_000, "single": 2_000}
INSERTS = 2_000
EMPTY = """truncate tip.event, tip.listing, tip.verdict, tip.source, tip.gap, bench.hot, bench.indexed;
delete from tip.consumer_offset;
checkpoint"""
# One row an entry: where it stood in the journal, then what tip.listing has.
TABLES = """create schema bench;
create table bench.hot (
    commit_time timestamptz not null, journal smallint not null, seq bigint not null,
    like tip.listing, primary key (commit_time, journal, seq));
create index on bench.hot using brin (commit_time);
create table bench.indexed (like bench.hot, primary key (commit_time, journal, seq));
create index on bench.indexed (ikey);
create index on bench.indexed (net);
grant usage on schema bench to tip_storage;
grant insert on bench.hot, bench.indexed to tip_storage"""
INSERT = """insert into bench.indexed (commit_time, journal, seq, ikey, source_id, kind, value, net, flags, listed,
    first_seen, listed_at, last_seen, n_times, version, line, mark, raw)
values (now(), 1, %s, %s, 1, 1, %s, %s, 0, true, now(), now(), now(), 1, 1, %s, 1, %s)"""


def execute(postgres, statements):
    with postgres.cursor("tip") as cursor:
        for statement in statements.split(";"):
            cursor.execute(statement)


def load(postgres, way):
    run = subprocess.run([LOAD, postgres.url("tip"), way, str(ENTRIES[way])], stdout=subprocess.PIPE, check=True)
    told = json.loads(run.stdout)
    return told["entries"] / told["seconds"]


def inserts(postgres):
    """What a script does: psycopg2, a commit for each."""
    connection = psycopg2.connect(postgres.url("tip"))
    began = time.monotonic()
    with connection.cursor() as cursor:
        for i in range(INSERTS):
            address = ".".join(str(b) for b in (i * 2654435761 % 2**32).to_bytes(4, "big"))
            cursor.execute(INSERT, (i, i * 0x9e3779b97f4a7c15 % 2**63, address, address, i + 1, address.encode()))
            connection.commit()
    took = time.monotonic() - began
    connection.close()
    return INSERTS / took


def row(ours, peer, theirs, bar):
    ratios = [a / b for a, b in zip(ours, theirs)]
    print(json.dumps({"area": "storage", "case": "whole transaction", "ours": statistics.median(ours),
                      "unit": "entries/s", "peer": peer, "theirs": statistics.median(theirs),
                      "ratio": statistics.median(ratios), "bar": bar}), flush=True)


def main():
    site = tip_harness.Site()
    try:
        postgres = Postgres(site, shared_buffers="512MB", max_wal_size="4GB").start().create("tip")
        site.section("storage", database=postgres.url("tip"))
        site.run_program(["tip-storage", "migrate", "--config", site.config_path])
        execute(postgres, TABLES)
        rates = {way: [] for way in (*ENTRIES, "psycopg2")}
        for _ in range(ROUNDS):
            for way, measured in rates.items():
                execute(postgres, EMPTY)
                measured.append(inserts(postgres) if way == "psycopg2" else load(postgres, way))
        row(rates["whole"], "COPY, primary key and BRIN", rates["hot"], 0.2)
        row(rates["whole"], "COPY, three indexes", rates["indexed"], 0.5)
        row(rates["whole"], "COPY, the same rows and tables", rates["copy"], None)
        row(rates["whole"], "one entry a commit", rates["single"], 10)
        row(rates["whole"], "psycopg2, insert and commit", rates["psycopg2"], None)
    finally:
        site.close()
        tip_harness.end_session()


if __name__ == "__main__":
    main()
