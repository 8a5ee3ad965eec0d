"""kill -9 of every part during a 1,000,000-line list, with its volume kept and with it lost: the tables equal the lists.

The seed is printed. The short form takes a quarter of the lines and loses the broker's volume alone (test_volumes loses
each); TIP_LONG=1 kills more often, with a million lines always.
"""
import os
import shutil
import time

import pytest

from tip_chain import Chain
from tip_harness import wait_for

LONG = os.environ.get("TIP_LONG") == "1"
LINES = 1_000_000 if LONG else 250_000
KILLS = 40 if LONG else 8
LIST = "million"


def addresses(rng, n):
    """n distinct addresses outside the special-use ranges, as whole numbers."""
    return rng.sample(range(0x14000000, 0x60000000), n)


def text(number):
    return ".".join(str(number >> shift & 255) for shift in (24, 16, 8, 0))


def body(numbers):
    return "\n".join(map(text, numbers)) + "\n"


def entries(numbers):
    return {("ip", text(number)) for number in numbers}


def changed(rng, numbers):
    """The next version: a twentieth gone, as many new."""
    kept = numbers[:]
    rng.shuffle(kept)
    kept = kept[len(kept) // 20:]
    known = set(numbers)
    new = [number for number in addresses(rng, len(numbers) // 10) if number not in known]
    return kept + new[:len(numbers) // 20]


class Victims:
    """Kills a part and brings it back, as a supervisor does."""

    def __init__(self, chain):
        self.chain = chain
        self.killed = []

    def kill(self, name, lose_volume=False):
        process = getattr(self.chain, name)
        process.kill()
        self.killed.append(name + (" and its volume" if lose_volume else ""))
        if lose_volume:
            getattr(self, f"lose_{name}")()
        elif name == "postgres":
            process.start(60)
        process = getattr(self.chain, name)
        if not process.is_running:
            process.start(ready=False, deadline_s=60)

    def lose_broker(self):
        self.empty("broker")

    def lose_blacklist(self):
        self.empty("blacklist")

    def empty(self, name):
        shutil.rmtree(self.chain.site.data / name)

    def lose_postgres(self):
        shutil.rmtree(self.chain.postgres.data)
        self.chain.postgres.start(60).create("tip")
        self.chain.site.run_program(["tip-storage", "migrate", "--config", self.chain.site.config_path])


@pytest.fixture
def chain(site):
    # every 2 s, so that what a kill has interrupted is asked for again without anybody's help
    site.section("scheduler", jobs=[{"name": "lists", "module": "blacklist", "every": "2s", "deadline": "5m"}])
    return Chain(site, blacklist={"interval_floor": "1s"})


def publish(chain, numbers):
    chain.serve(LIST, body(numbers))


def parts_stored(chain):
    """How far a version under way has come in the tables: (part, of how many)."""
    rows = chain.rows("select greatest(updating_part, baseline_part) part, "
                      "greatest(updating_parts, baseline_parts) parts from tip.source where name = %s", [LIST])
    return (rows[0]["part"], rows[0]["parts"]) if rows else (0, 0)


def begin(chain, rng):
    numbers = addresses(rng, LINES)
    chain.source(LIST, body(numbers), type="ip4", interval="1s", weight=0.7)
    chain.start()
    return numbers


def check(chain, numbers, victims):
    print("killed:", ", ".join(victims.killed))
    chain.wait_listed(LIST, entries(numbers), 300)
    rows = chain.rows("select count(*) n, count(distinct (kind, value)) d from tip.listing l "
                      "join tip.source s on s.id = l.source_id where s.name = %s", [LIST])[0]
    assert rows["n"] == rows["d"], "a row is doubled"


def test_random_kills(chain, rng):
    victims = Victims(chain)
    numbers = begin(chain, rng)
    for _ in range(KILLS):
        time.sleep(rng.uniform(0.2, 4))
        victims.kill(rng.choice(["broker", "blacklist", "storage", "postgres"]))
    check(chain, numbers, victims)

    numbers = changed(rng, numbers)
    publish(chain, numbers)
    for _ in range(KILLS // 2):
        time.sleep(rng.uniform(0.1, 1.5))
        victims.kill(rng.choice(["broker", "blacklist", "storage", "postgres"]))
    check(chain, numbers, victims)
    verdicts = chain.rows("select count(*) n from tip.verdict where tier > 0")[0]["n"]
    assert verdicts == len(numbers), "one verdict an entry, none for what is gone"


def test_kills_between_parts_and_between_ack_and_cursor(chain, rng):
    victims = Victims(chain)
    numbers = begin(chain, rng)
    for name in ("blacklist", "storage", "broker", "postgres"):
        part = parts_stored(chain)[0]
        wait_for(lambda: part < parts_stored(chain)[0] or chain.listed_count(LIST) == len(numbers), 120,
                 lambda: f"another part is stored: {chain.states()}")
        victims.kill(name)

    # committed in PostgreSQL, not yet told to the broker
    position = chain.position()
    wait_for(lambda: chain.position() != position, 120, "storage commits a batch")
    victims.kill("storage")
    # acked by the broker, not yet taken out of the outbox
    durable = chain.broker.metric("tip_broker_journal_head_seq")
    wait_for(lambda: chain.broker.metric("tip_broker_journal_head_seq") != durable, 120, "the broker flushes a group")
    victims.kill("blacklist")
    check(chain, numbers, victims)


@pytest.mark.parametrize("name", ["broker", "blacklist", "postgres"] if LONG else ["broker"])
def test_volume_lost(chain, rng, name):
    victims = Victims(chain)
    numbers = begin(chain, rng)
    wait_for(lambda: parts_stored(chain)[0] > 20, 120, lambda: f"parts are stored: {chain.states()}")
    victims.kill(name, lose_volume=True)
    check(chain, numbers, victims)

    numbers = changed(rng, numbers)
    publish(chain, numbers)
    time.sleep(rng.uniform(0, 5))
    victims.kill(name, lose_volume=True)
    check(chain, numbers, victims)
