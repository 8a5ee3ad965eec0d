"""Broker, publishers and a consumer die by SIGKILL, again and again, at random moments. Afterwards:

I1  what was acked is in the journal            I2  each (publisher, pub_seq) is there once, in order
I3  seq is dense, and the same seq has the same bytes for every reader and for ever
I4  nothing that a consumer ever saw has gone   I6  everything drains once the faults end
"""
import os
import time

from tip_harness import Process, binary, open_to_nobody, wait_for

KILLS = int(os.environ.get("TIP_KILLS", "25"))
COUNT = 200_000
PUBLISHERS = ("red", "blue")


def publisher(site, name):
    outbox = open_to_nobody(site.data / name)
    return site.add(Process(site, name, [binary("tip_test_pub"), outbox, site.endpoint("ingest"), name, COUNT]))


def follower(site):
    path = open_to_nobody(site.data / "follower") / "seen"
    made = site.add(Process(site, "follower", [binary("tip_test_fetch"), path, site.endpoint("fetch"), "follower"]))
    made.path = path
    return made


def lines(path):
    """What the consumer has on disk, its last line only if it is whole."""
    text = path.read_text() if path.exists() else ""
    return text[:text.rfind("\n") + 1].splitlines()


def records(seen):
    assert not [line for line in seen if line.startswith("break")], "there was a break"
    assert len([line for line in seen if line.startswith("journal")]) == 1, "there was another journal"
    return [line.split() for line in seen if not line.startswith("journal")]


def check(seen):
    """I1 to I3 over the lines of one reader that has everything."""
    rows = records(seen)
    assert [int(row[0]) for row in rows] == list(range(1, len(rows) + 1)), "I3: seq is not dense"
    for name in PUBLISHERS:
        numbers = [int(row[2]) for row in rows if row[1] == name]
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
    pubs = [publisher(site, name) for name in PUBLISHERS]
    reader = follower(site)
    for process in (*pubs, reader):
        process.spawn()
    before = []
    for _ in range(KILLS):
        time.sleep(rng.uniform(0.02, 0.3))
        kill_and_restart(rng.choice((broker, broker, *pubs, reader)), rng)
        before.append(lines(reader.path)[-1:])
    for pub in pubs:
        assert pub.wait(90) == 0, "I6: everything is acked"
    wait_for(lambda: len(lines(reader.path)) >= 2 * COUNT + 1, 60, lambda: f"I6: {len(lines(reader.path))} lines read")
    reader.kill()
    seen = lines(reader.path)
    check(seen)
    assert not [line for last in before for line in last if line not in set(seen)], "I4: something has gone"
    broker.kill()
    broker.start()
    again = follower(site)
    again.path = again.path.with_name("again")
    again.argv[1] = again.path
    again.spawn()
    wait_for(lambda: len(lines(again.path)) >= len(seen), 60, "I3: a second reader gets everything")
    assert lines(again.path)[:len(seen)] == seen, "I3: a second reader sees the same"
