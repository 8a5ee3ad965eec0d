"""The table at the end of DESIGN's section on storage, row by row: each volume is lost in turn while the whole chain runs,
its owner killed. Afterwards the rows are the lists, and the verdicts what follows from them.

What is lost while nothing happens is the easy case; so each row is lost while both lists have just changed.
"""
import os
import shutil
import time

import pytest

from tip_chain import Chain
from tip_harness import wait_for

LINES = 100_000 if os.environ.get("TIP_LONG") == "1" else 4_000
WEIGHTS = {"alpha": 0.5, "beta": 0.7}
FLOORS = (0.3, 0.6, 0.9)


def text(number):
    return ".".join(str(number >> shift & 255) for shift in (24, 16, 8, 0))


class Lists:
    """Two lists that overlap by half, and what must be stored of them."""

    def __init__(self, chain, rng):
        self.chain, self.rng, self.weights = chain, rng, dict(WEIGHTS)
        self.sets = {name: set() for name in WEIGHTS}
        self.change()

    def change(self):
        """The next version of each: a tenth goes, the rest is new."""
        common = self.rng.sample(range(0x14000000, 0x60000000), LINES)
        for name, old in self.sets.items():
            kept = set(self.rng.sample(sorted(old), len(old) * 9 // 10))
            new = self.rng.sample(common, LINES - len(kept)) if kept else self.rng.sample(common, LINES * 2 // 3)
            self.sets[name] = kept | set(new)
            self.chain.serve(name, "\n".join(map(text, sorted(self.sets[name]))) + "\n")

    def source_files(self):
        for name, weight in self.weights.items():
            self.chain.source(name, type="ip4", interval="1s", weight=weight)

    def tiers(self):
        """value -> tier of every verdict that must be there: noisy-or of the lists that hold it."""
        tiers = {}
        for number in set().union(*self.sets.values()):
            doubt = 1.0
            for name, numbers in self.sets.items():
                doubt *= 1 - self.weights[name] if number in numbers else 1
            tiers[text(number)] = sum(1 - doubt + 1e-9 >= floor for floor in FLOORS)
        return {value: tier for value, tier in tiers.items() if tier}

    def check(self, deadline_s=120):
        for name, numbers in self.sets.items():
            self.chain.wait_listed(name, {("ip", text(number)) for number in numbers}, deadline_s)
        wanted = self.tiers()

        def verdicts():
            return {row["value"]: row["tier"] for row in self.chain.rows(
                "select value, tier from tip.verdict where tier > 0")}

        def difference():
            found = verdicts()
            wrong = [(value, found.get(value), wanted.get(value)) for value in found.keys() | wanted.keys()
                     if found.get(value) != wanted.get(value)]
            return f"{len(wrong)} verdicts differ (value, stored, wanted): {wrong[:5]}"

        wait_for(lambda: verdicts() == wanted, 60, difference)
        doubled = self.chain.rows("select count(*) n, count(distinct (source_id, kind, value)) d from tip.listing")[0]
        assert doubled["n"] == doubled["d"]


@pytest.fixture
def chain(site):
    site.section("scheduler", jobs=[{"name": "lists", "module": "blacklist", "every": "1s", "deadline": "5m"}])
    return Chain(site, blacklist={"interval_floor": "1s"})


@pytest.fixture
def lists(chain, rng):
    made = Lists(chain, rng)
    made.source_files()
    chain.start()
    made.check()
    return made


def remove(path):
    shutil.rmtree(path)


def lose_rows(chain):
    remove(chain.postgres.data)
    chain.postgres.start(60).create("tip")
    chain.site.run_program(["tip-storage", "migrate", "--config", chain.site.config_path])
    # a storage that looked while there was no schema has ended with a sentence; a supervisor starts it again
    wait_for(lambda: not chain.storage.is_running or chain.storage.is_ready(), 60, "storage has looked")
    if not chain.storage.is_running:
        chain.storage.start()


# state -> (whose it is, how it is lost)
VOLUMES = {
    "journal": ("broker", lambda chain: remove(chain.site.data / "broker")),
    "outbox and versions of lists": ("blacklist", lambda chain: remove(chain.site.data / "blacklist")),
    "versions of lists": ("blacklist", lambda chain: remove(chain.site.data / "blacklist" / "sets")),
    "outbox of lists": ("blacklist", lambda chain: remove(chain.site.data / "blacklist" / "outbox")),
    "runs and schedule": ("scheduler", lambda chain: remove(chain.site.data / "scheduler")),
    "rows": ("postgres", lose_rows),
    "outbox of storage": ("storage", lambda chain: remove(chain.site.data / "storage")),
}


def test_each_volume_in_turn(chain, lists, rng):
    for state, (owner, lose) in VOLUMES.items():
        started_s = time.monotonic()
        lists.change()
        time.sleep(rng.uniform(0, 1.5))  # somewhere between fetching and storing
        process = getattr(chain, owner)
        process.kill()
        lose(chain)
        if not process.is_running:
            process.start(ready=False, deadline_s=60)
        lists.check()
        wait_for(lambda p=process: owner == "postgres" or p.is_ready(), 30, f"{owner} is ready")
        print(f"{state}: converged after {time.monotonic() - started_s:.1f} s")
    wait_for(lambda: chain.storage.metric("tip_storage_baselines_wanted") == 0, 60, "nobody waits for a baseline")
    runs = chain.rows("select count(*) n from tip.v_run where state = 'done'")[0]["n"]
    assert runs > 0, "the scheduler goes on"


def test_a_weight_that_fell_while_the_journal_was_lost(chain, lists):
    """The removals of verdicts had been acked, and went with the journal before storage read them."""
    chain.storage.pause()
    for name, weight in {"alpha": 0.1, "beta": 0.2}.items():
        lists.weights[name] = weight
    before = len(chain.blacklist.log_lines("job.done"))
    lists.source_files()
    chain.blacklist.reload()
    wait_for(lambda: sum(" kind=2 " in line for line in chain.blacklist.log_lines("job.done")[before:]) >= 2, 60,
             "both weights are published")
    wait_for(lambda: chain.blacklist.metric("tip_outbox_events") == 0, 60, "and acked")
    chain.broker.kill()
    remove(chain.site.data / "broker")
    chain.broker.start(ready=False)
    chain.storage.resume()
    lists.check()
    assert lists.tiers() == {}
