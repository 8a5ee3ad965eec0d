"""`tip bus verify`: says what a journal holds and what is damaged in it, and changes no byte."""
import hashlib
import json
import os

import pytest
from tip_harness import wait_for
from tip_wire import Fetch, Pub, event

TOPIC = "v1.schedule.done.test."
OK, DAMAGED, USAGE = 0, 1, 2
SMALL = {"segment_bytes": "1MiB", "keep_bytes": "16MiB", "cap_bytes": "32MiB", "required": []}


@pytest.fixture
def journal(site):
    """A broker's journal with 40 events of two publishers in three segments; the broker has ended."""
    site.service("broker", **SMALL).start()
    for name in ("red", "blue"):
        with Pub(site.endpoint("ingest"), name) as pub:
            for n in range(20):
                pub.publish(TOPIC, bytes([n]) * 60_000)  # the broker does not look into it
                pub.flush()
    with Fetch(site.endpoint("fetch"), "storage") as fetch:
        fetch.fetch(from_seq=11, committed_seq=10, max_events=1)
    path = site.data / "broker" / "journal"
    wait_for(lambda: (path / "consumers").exists(), 10, "the consumer's position is kept")
    assert site.processes[-1].term() == 0
    return path


@pytest.fixture
def verify(site):
    def run(path, *options):
        result = site.run_program(["tip", "bus", "verify", str(path), *options], check=False)
        return result.returncode, json.loads(result.stdout) if "json" in options else result.stdout, result.stderr
    return run


def hashes(path):
    return {file.name: (file.stat().st_mtime_ns, hashlib.sha256(file.read_bytes()).hexdigest())
            for file in path.iterdir()}


def flip(path, offset):
    content = bytearray(path.read_bytes())
    content[offset] ^= 0x10
    path.write_bytes(content)


def segments(path):
    return sorted(path.glob("0*.seg"))


def test_a_whole_journal(journal, verify):
    before = hashes(journal)
    os.chmod(journal, 0o555)
    for file in journal.iterdir():
        os.chmod(file, 0o444)
    for path in (journal, journal.parent):
        code, said, errors = verify(path, "-o", "json")
        assert (code, errors) == (OK, "")
    assert said["ok"] and said["damages"] == [] and said["torn"] is None
    assert (said["from"], said["to"], said["events"]) == (1, 40, 40)
    assert [row["publisher"] for row in said["publishers"]] == ["blue", "red"]
    assert [(row["pub_seq"], row["seq"]) for row in said["publishers"]] == [(20, 40), (20, 20)]
    assert [(row["class"], row["tlp"], row["class_seq"]) for row in said["counters"]] == [("schedule", "amber", 40)]
    assert [(row["consumer"], row["committed"], row["lag"]) for row in said["consumers"]] == [("storage", 10, 30)]
    assert [row["file"] for row in said["segments"]] == [file.name for file in segments(journal)]
    assert sum(row["events"] for row in said["segments"]) == 40
    assert said["segments"][0]["state"] == "sealed" and said["first"] <= said["last"]
    code, text, _ = verify(journal)
    assert hashes(journal) == before
    assert code == OK and "no damage" in text and "red" in text


def test_damage_by_file_offset_and_numbers(journal, verify):
    first = segments(journal)[0]
    flip(first, 300_000)
    code, said, _ = verify(journal, "-o", "json")
    assert code == DAMAGED and not said["ok"]
    damage = said["damages"][0]
    assert (damage["what"], damage["file"]) == ("records", first.name)
    assert damage["offset"] <= 300_000 < damage["offset"] + 70_000 and damage["from"] == damage["to"] == 5
    assert said["events"] == 39
    flip(first, 300_000)
    segments(journal)[1].unlink()
    code, said, _ = verify(journal, "-o", "json")
    assert code == DAMAGED and [row["what"] for row in said["damages"]] == ["missing"]
    assert said["damages"][0]["to"] - said["damages"][0]["from"] + 1 == 40 - said["events"]
    code, text, _ = verify(journal)
    assert code == DAMAGED and "damaged" in text and "missing" in text


def test_a_torn_tail_is_no_damage(site, journal, verify):
    """As after a power loss: the broker is killed at once, so no mark stands behind the last group."""
    broker = site.processes[-1].start()
    with Pub(site.endpoint("ingest"), "red") as pub:
        pub.publish(TOPIC, b"t" * 5000)
        pub.flush()
        broker.kill()
    newest = segments(journal)[-1]
    content = newest.read_bytes()
    at = content.index(b"t" * 4000)
    newest.write_bytes(content[:at] + b"\0" * 4000 + content[at + 4000:])
    code, said, _ = verify(journal, "-o", "json")
    assert (code, said["damages"], said["events"]) == (OK, [], 40)
    assert said["torn"]["file"] == newest.name and said["torn"]["from"] == 41
    assert said["torn"]["offset"] <= at < said["torn"]["offset"] + 300
    assert "torn tail" in verify(journal)[1]


def test_records_as_ndjson(site, verify):
    broker = site.broker()
    with Pub(site.endpoint("ingest"), "test") as pub:
        for n in range(1, 12):
            pub.publish("v1.system.alarm.test.", event("system.alarm", service="test", name=f"n{n}", raised=True))
        pub.flush()
    broker.term()
    data = site.data / "broker"
    code, text, _ = verify(data, "--dump", "7..9")
    rows = [json.loads(line) for line in text.splitlines()]
    assert code == OK and [row["stamp"]["seq"] for row in rows] == [7, 8, 9], rows
    assert len(verify(data, "--dump", "10..")[1].splitlines()) == 2
    assert len(verify(data, "--dump", "..3")[1].splitlines()) == 3
    assert len(verify(data, "--dump", "4")[1].splitlines()) == 1
    for bad in ("x", "0", "9..7", "7...9", ""):
        assert verify(data, "--dump", bad)[0] == USAGE, bad


def test_a_broker_that_has_it(site, journal, verify):
    broker = site.processes[-1].start()
    code, text, errors = verify(journal)
    assert code == USAGE and "stop it, or add --live" in errors and text == ""
    before = broker.metric("tip_broker_journal_head_seq")
    code, said, _ = verify(journal, "--live", "-o", "json")
    assert code == OK and said["damages"] == [] and before == 40
    assert [row["state"] for row in said["segments"]][-1] == "not read" and 0 < said["events"] < 40
    code, text, _ = verify(journal, "--live")
    assert code == OK and "the newest segment was not read" in text
    assert broker.is_ready()


def test_no_journal(site, verify):
    for path in (site.dir / "nowhere", site.data):
        code, text, errors = verify(path)
        assert code == USAGE and text == "" and errors.startswith("tip: ")


def test_a_committed_loss_is_told_again(site, journal, verify):
    """A recovery has met damage: verify says that these numbers are lost."""
    flip(segments(journal)[-1], 100_000)
    broker = site.processes[-1].start()
    broker.term()
    code, said, _ = verify(journal, "-o", "json")
    assert code == DAMAGED and {row["what"] for row in said["damages"]} == {"lost"}
