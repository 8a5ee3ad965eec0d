"""`tip sub --durable` for a SIEM: at least once whatever is killed, nothing skipped in silence, two more formats."""
import fcntl
import json
import os
import re
import signal
import socket
import subprocess
import termios
import time

import pytest
from tip_harness import Process, binary, clean_environment, drop, open_to_nobody, wait_for
from tip_wire import Pub, event, pb

OK, FAILED, USAGE, DEGRADED = 0, 1, 2, 3
TOPIC = "v1.schedule.done.test."
SMALL = {"segment_bytes": "1MiB", "keep_bytes": "2MiB", "cap_bytes": "4MiB", "required": []}
SYSLOG = re.compile(rb"<(\d{1,3})>1 (\S+) (\S+) tip (\S+) (\S+) \[tip@32473((?: \S+?=\"(?:[^\"\\\]]|\\.)*\")*)\](?: (.*))?")


def done(n, size=100):
    return event("schedule.done", run_id=os.urandom(16), module="test", n_ok=n, summary="x" * size)


def publish(pub, n, size=100):
    ids = []
    for first in range(0, n, 100):
        made = [done(k, size) for k in range(first, min(first + 100, n))]
        pub.publish_all([(TOPIC, one) for one in made])
        pub.flush(30)
        ids += [one.id.hex() for one in made]
    return ids


def whole(text, torn):
    """The lines that are JSON; at most `torn` are not, each cut off by a kill."""
    lines = []
    for line in text.split("\n")[:-1]:
        try:
            lines.append(json.loads(line))
        except ValueError:
            torn -= 1
    assert torn >= 0
    return lines


def ids(text, torn=0):
    """Of the events in ndjson."""
    return [line["id"].replace("-", "") for line in whole(text, torn) if "id" in line]


@pytest.fixture
def home(site):
    return open_to_nobody(site.data / "siem")


@pytest.fixture
def tip(site, home):
    def run(*argv, **options):
        return site.run_program(["tip", "sub", "--durable", "siem", "--state", home / "position", *argv], check=False,
                                **options)
    return run


def plain_command(site, home, *argv):
    site.write_config()
    return [binary("tip"), "sub", "--durable", "siem", "--state", home / "position", "-o", "ndjson", *argv,
            "--config", site.config_path]


def command(site, home, *argv):
    return drop(plain_command(site, home, *argv))


# ---- the position ----------------------------------------------------------------------------------------------------


def test_it_goes_on_where_the_file_says(tip, home, pub):
    wanted = publish(pub, 30)
    got = []
    for n in (7, 20, 3):
        result = tip("schedule.", "-n", str(n), "-o", "ndjson")
        assert result.returncode == OK, result
        got += ids(result.stdout)
    assert got == wanted
    position = json.loads((home / "position").read_text())
    assert position["next_seq"] == 31 and bytes.fromhex(position["journal_id"]) == pub.welcome.journal_id
    assert {path.name for path in home.iterdir()} == {"position", "position.lock"}
    (home / "position").write_text("{}")
    result = tip("-n", "1")
    assert result.returncode == USAGE and "holds no position: name another file, or move" in result.stderr
    assert tip("--state", "/nonexistent/x", "-n", "1").returncode == FAILED


def test_state_alone_makes_no_sense(site, tip, broker):
    result = site.run_program(["tip", "sub", "--state", "x"], check=False)
    assert result.returncode == USAGE and "--durable" in result.stderr
    for argv in (["-o", "xml"], ["--durable", "no spaces"]):
        assert tip(*argv).returncode == USAGE
    assert site.run_program(["tip", "status", "-o", "ecs"], check=False).returncode == USAGE


def test_one_at_a_time(site, home, tip, pub):
    publish(pub, 1)
    first = site.add(Process(site, "sub", plain_command(site, home))).spawn()
    wait_for(lambda: '"id"' in first.log_text(), 10, "it follows")
    result = tip("-n", "1")
    assert result.returncode == FAILED and "another" in result.stderr
    first.kill()
    publish(pub, 1)
    assert tip("schedule.", "-n", "1").returncode == OK


def test_kills_lose_nothing(site, home, pub, rng):
    """kill -9 at any moment, appending to one file: every event, and those that come twice have the same id."""
    wanted, out = [], home / "out"
    for _ in range(15):
        wanted += publish(pub, rng.randrange(50, 400))
        with open(out, "ab") as file:
            process = subprocess.Popen(command(site, home, "schedule."), stdout=file, stderr=subprocess.DEVNULL,
                                       env=clean_environment())
        time.sleep(rng.uniform(0.02, 0.4))
        process.kill()
        process.wait()
    with open(out, "ab") as file:
        assert subprocess.run([*command(site, home, "schedule."), "-t", "3s"], stdout=file, env=clean_environment(),
                              check=False).returncode == OK
    got = ids(out.read_text(), torn=15)
    assert list(dict.fromkeys(got)) == wanted, (len(got), len(set(got)), len(wanted))


def test_what_a_reader_has_not_read_comes_again(site, home, pub):
    """A pipe holds events that its reader has not seen: the position waits for it."""
    wanted = publish(pub, 200)
    process = subprocess.Popen(command(site, home, "schedule."), stdout=subprocess.PIPE, env=clean_environment())
    fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, 1 << 20)

    def held():
        return int.from_bytes(fcntl.ioctl(process.stdout, termios.FIONREAD, b"\0" * 4), "little")
    wait_for(lambda: held() > 30_000, 10, "events are in the pipe")
    assert not (home / "position").exists()
    os.read(process.stdout.fileno(), 1000)
    process.stdout.close()
    assert process.wait(10) == OK, "a reader that has seen enough is no failure"
    assert not (home / "position").exists()
    again = subprocess.Popen(command(site, home, "schedule.", "-n", "200"), stdout=subprocess.PIPE,
                             env=clean_environment())
    assert ids(again.communicate(timeout=20)[0].decode()) == wanted and again.returncode == OK
    assert json.loads((home / "position").read_text())["next_seq"] == 201


def test_a_socket_forgets_what_its_reader_has_not_read(site, home, pub):
    """When the other end is closed nothing is on its way any more: that is not to say that it was read."""
    publish(pub, 20)
    theirs, ours = socket.socketpair()
    with theirs, ours:
        process = subprocess.Popen(command(site, home, "schedule."), stdout=ours, env=clean_environment())
        ours.close()
        theirs.settimeout(10)
        assert theirs.recv(1, socket.MSG_PEEK)
    try:
        assert process.wait(10) == OK and not (home / "position").exists()
    finally:
        process.kill()


def test_head_ends_it(site, home, pub):
    publish(pub, 500)
    line = " ".join(map(str, command(site, home, "schedule."))) + " | head -n 1"
    result = subprocess.run(["bash", "-o", "pipefail", "-c", line], capture_output=True, text=True, timeout=20,
                            env=clean_environment(), check=False)
    assert len(ids(result.stdout)) == 1 and result.stderr == "" and result.returncode == OK


def test_a_reader_that_goes_away_ends_it_without_an_event(site, home, pub):
    """Nothing more comes of that class: whoever starts it again finds the lock free and the position where it was."""
    wanted = publish(pub, 3)
    process = subprocess.Popen(command(site, home, "schedule."), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               env=clean_environment())
    assert ids("".join(process.stdout.readline().decode() for _ in wanted)) == wanted
    wait_for(lambda: (home / "position").exists(), 10, "the position")
    process.stdout.close()
    try:
        assert process.wait(10) == OK and process.stderr.read() == b""
    finally:
        process.kill()
        process.stderr.close()
    assert json.loads((home / "position").read_text())["next_seq"] == 4
    wanted = publish(pub, 1)
    again = subprocess.run(command(site, home, "schedule.", "-n", "1"), capture_output=True, text=True, timeout=20,
                           env=clean_environment(), check=False)
    assert again.returncode == OK and ids(again.stdout) == wanted, again


# ---- gaps ------------------------------------------------------------------------------------------------------------


def trimmed(site, tip):
    broker = site.broker(**SMALL)
    with Pub(site.endpoint("ingest"), "test") as pub:
        publish(pub, 10)
        assert tip("-n", "5", "-o", "ndjson").returncode == OK
        for _ in range(100):
            pub.publish(TOPIC, b"\x55" * 60_000)
            pub.flush()
        wait_for(lambda: broker.log_lines("journal.overtaken"), 10, "it is trimmed over")
        publish(pub, 3)


def test_trimmed_is_a_record(site, tip):
    trimmed(site, tip)
    result = tip("-n", "1", "-o", "ndjson")
    assert result.returncode == DEGRADED and "trimmed" in result.stderr
    gap = json.loads(result.stdout.splitlines()[0])["gap"]
    assert (gap["reason"], gap["from_seq"], gap["to_seq"]) == ("trimmed", 6, gap["next_seq"] - 1)
    assert gap["journal"] == gap["journal_before"]
    unreadable = json.loads(result.stdout.splitlines()[1])["gap"]
    assert unreadable["reason"] == "unreadable" and unreadable["from_seq"] == unreadable["to_seq"] == gap["next_seq"]


def test_trimmed_is_a_document_and_a_message(site, tip):
    trimmed(site, tip)
    result = tip("-n", "1", "-o", "ecs")
    document = json.loads(result.stdout.splitlines()[0])
    assert result.returncode == DEGRADED
    assert (document["event"]["kind"], document["event"]["reason"]) == ("pipeline_error", "trimmed")
    assert document["tip"]["from_seq"] == 6 and document["event"]["dataset"] == "tip.gap"


def test_a_new_journal_is_a_record(site, tip, broker, pub):
    publish(pub, 10)
    assert tip("-n", "5", "-o", "syslog").returncode == OK
    broker.kill()
    for file in (site.data / "broker" / "journal").iterdir():
        file.unlink()
    broker.start()
    with Pub(site.endpoint("ingest"), "again") as again:
        publish(again, 2)
        result = tip("-n", "2", "-o", "syslog")
    lines = result.stdout.splitlines()
    assert result.returncode == DEGRADED and len(lines) == 3
    priority, _, _, publisher, kind, data, text = SYSLOG.fullmatch(lines[0].encode()).groups()
    assert (priority, publisher, kind) == (b"131", b"-", b"gap") and b'reason="new_journal"' in data
    assert b"events are missing here" in text


def test_damage_is_a_record(site, tip):
    broker = site.broker(**SMALL)
    with Pub(site.endpoint("ingest"), "test") as pub:
        for _ in range(25):
            pub.publish(TOPIC, done(0, 1000))
            pub.publish("v1.source.ok.a.", b"\x55" * 60_000)
            pub.flush()
    broker.kill()
    oldest = min((site.data / "broker" / "journal").glob("0*.seg"))
    content = bytearray(oldest.read_bytes())
    content[300_000] ^= 0x10
    oldest.write_bytes(content)
    broker.start()
    result = tip("schedule.", "-o", "ndjson", "-t", "3s")
    gaps = [json.loads(line)["gap"] for line in result.stdout.splitlines() if line.startswith('{"gap"')]
    assert result.returncode == DEGRADED and [gap["reason"] for gap in gaps] == ["damaged"]
    assert len(ids(result.stdout)) in (24, 25) and gaps[0]["from_seq"] <= gaps[0]["to_seq"] == gaps[0]["next_seq"] - 1


# ---- formats ---------------------------------------------------------------------------------------------------------


def publish_lists(pub):
    """A delta of two added and one removed, a verdict, a failure: what becomes of a batch."""
    ip, net = pb.Indicator(kind=pb.KIND_IP, value="192.0.2.7"), pb.Indicator(kind=pb.KIND_NET, value="198.51.100.0/24")
    url = pb.Indicator(kind=pb.KIND_URL, value="http://a.example/" + "x" * 2000)
    verdict = pb.Verdict(indicator=ip, score=0.95, tier=pb.TIER_BLOCK, reason_count=2, families={"list": 0.95},
                         reasons=[pb.VerdictReason(source="drop", weight=0.95)])
    made = [event("listing.delta", source="drop", stream=b"\1" * 16, from_version=1, to_version=2, part=1, n_parts=1,
                  added=[pb.ListingEntry(indicator=one, line=7) for one in (ip, net)], removed=[url]),
            event("verdict.changes", verdicts=[verdict], cause_source="drop", stream=b"\1" * 16, version=2, part=1),
            event("source.failed", source="drop", reason="http_503", detail='it said "503"]', weight=0.5)]
    for one in made:
        pub.publish(f"v1.{one.kind}.drop.", one, tlp=2)
    pub.flush()
    return made


def test_ecs(tip, pub):
    delta, verdict, failed = publish_lists(pub)
    result = tip("-n", "3", "-o", "ecs")
    assert result.returncode == OK, result
    documents = [json.loads(line) for line in result.stdout.splitlines()]
    assert [d["event"]["action"] for d in documents] == ["listed", "listed", "delisted", "verdict_block", "source_failed"]
    uuid = delta.id.hex()
    assert [d["event"]["id"].replace("-", "") for d in documents[:3]] == [f"{uuid}/{n}" for n in range(3)]
    first, block, last = documents[0], documents[3], documents[4]
    assert first["threat"]["indicator"]["ip"] == "192.0.2.7" and first["related"]["ip"] == ["192.0.2.7"]
    assert first["threat"]["indicator"]["marking"] == {"tlp": "GREEN", "tlp_version": "2.0"}
    assert first["threat"]["feed"]["name"] == "drop" and first["event"]["category"] == ["threat"]
    assert first["@timestamp"].endswith("Z") and first["ecs"]["version"] == "8.11.0"
    assert documents[1]["threat"]["indicator"]["name"] == "198.51.100.0/24"
    assert documents[2]["threat"]["indicator"]["url"]["full"].endswith("x" * 2000)
    assert block["event"]["risk_score"] == 95 and block["threat"]["indicator"]["confidence"] == "High"
    assert block["event"]["sequence"] == 2 and block["tip"]["journal"] == pub.welcome.journal_id.hex()
    assert last["event"]["outcome"] == "failure" and last["log"]["level"] == "warning"
    assert verdict.kind == "verdict.changes" and failed.kind == "source.failed"


def test_syslog(tip, pub):
    publish_lists(pub)
    result = tip("-n", "3", "-o", "syslog")
    assert result.returncode == OK, result
    lines = [line.encode() for line in result.stdout.splitlines()]
    fields = [SYSLOG.fullmatch(line).groups() for line in lines]
    assert [f[0] for f in fields] == [b"134", b"134", b"134", b"132", b"132"], "local0: info, info, info, warning"
    assert [f[4] for f in fields] == [b"listing.delta"] * 3 + [b"verdict.changes", b"source.failed"]
    assert all(re.fullmatch(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z", f[1]) and f[3] == b"test" for f in fields)
    assert b' indicator="192.0.2.7"' in fields[0][5] and b' action="delisted"' in fields[2][5]
    assert b"x" * 2000 in fields[2][5] and all(len(line) <= 8192 for line in lines)
    assert fields[4][6] == b'drop http_503: it said "503"]; 0 entries stay as they are'


def test_interrupted_while_a_reader_waits(site, home, pub):
    """Ctrl-C while the pipe is full of unread events: nothing is remembered that was not read."""
    publish(pub, 100)
    process = subprocess.Popen(command(site, home, "schedule."), stdout=subprocess.PIPE, env=clean_environment())
    fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, 1 << 20)
    wait_for(lambda: fcntl.ioctl(process.stdout, termios.FIONREAD, b"\0" * 4) != b"\0" * 4, 10, "the pipe is in use")
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 130 and not (home / "position").exists()
    process.stdout.close()
