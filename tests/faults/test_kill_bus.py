"""Broker, publishers and a consumer die by SIGKILL, again and again, at random moments. Afterwards:

I1  what was acked is in the journal            I2  each (publisher, pub_seq) is there once, in order
I3  seq is dense, and the same seq has the same bytes for every reader and for ever
I4  nothing that a consumer ever saw has gone   I6  everything drains once the faults end
"""
import os
import time

from tip_harness import wait_for
from tip_peers import follower, publisher

KILLS = int(os.environ.get("TIP_KILLS", "25"))
COUNT = 200_000
PUBLISHERS = ("red", "blue")


def check(reader):
    """I1 to I3 over what one reader has, when that is everything."""
    rows = reader.rows()
    assert len(reader.lines()) == len(rows) + 1, "there was a break or another journal"
    assert [int(row[0]) for row in rows] == list(range(1, len(rows) + 1)), "I3: seq is not dense"
    for name in PUBLISHERS:
        numbers = reader.numbers(name)
        assert numbers == list(range(1, COUNT + 1)), f"I1, I2: {name} has {len(numbers)} of {COUNT}"


def kill_and_restart(victim, rng):
    if victim.is_running:
        victim.kill()
    time.sleep(rng.uniform(0, 0.2))
    if victim.name == "broker":
        victim.start()
    else:
        victim.spawn()


def test_kills_lose_and_double_nothing(site, rng):
    broker = site.broker()
    pubs = [publisher(site, name, COUNT) for name in PUBLISHERS]
    reader = follower(site)
    for process in (*pubs, reader):
        process.spawn()
    heads = set()
    for _ in range(KILLS):
        time.sleep(rng.uniform(0.02, 0.3))
        kill_and_restart(rng.choice((broker, broker, *pubs, reader)), rng)
        heads.update(reader.lines()[-1:])
    for pub in pubs:
        assert pub.wait(90) == 0, "I6: everything is acked"
    wait_for(lambda: len(reader.rows()) >= 2 * COUNT, 60, lambda: f"I6: {len(reader.rows())} records read")
    reader.kill()
    check(reader)
    seen = reader.lines()
    assert heads <= set(seen), "I4: something has gone"
    broker.kill()
    broker.start()
    again = follower(site, "again").spawn()
    wait_for(lambda: len(again.lines()) >= len(seen), 60, "I3: a second reader gets everything")
    assert again.lines()[:len(seen)] == seen, "I3: a second reader sees the same"
