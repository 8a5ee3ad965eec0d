"""`tip status` and `tip top`: what an operator sees of the bus."""
import json
import os
import pathlib
import signal

import pytest
from tip_harness import binary, wait_for
from tip_terminal import Terminal
from tip_wire import Fetch, Pub, Worker, event, pb

OK, USAGE, DEGRADED, UNREACHABLE, INTERRUPTED = 0, 2, 3, 6, 130
TOPIC = "v1.schedule.done.test."


def done(n):
    return event("schedule.done", run_id=os.urandom(16), module="test", n_ok=n)


@pytest.fixture
def tip(site):
    def run(*argv, **options):
        return site.run_program(["tip", *argv], check=False, **options)
    return run


@pytest.fixture
def busy(site, broker, pub):
    """A bus with a publisher, a consumer that has fetched a little, and a queue."""
    pub.publish_all([(TOPIC, done(n)) for n in range(50)])
    pub.flush()
    fetch = site.closing.enter_context(Fetch(site.endpoint("fetch"), "siem"))
    fetch.fetch(from_seq=1, max_events=10)
    fetch.fetch(from_seq=11, committed_seq=10, max_events=1)
    site.closing.enter_context(Worker(site.endpoint("work"), "flux.probe"))
    return broker


@pytest.fixture
def top(site, busy):
    """Starts `tip top` on a terminal: top("-n", "3", columns=40)."""
    made = []

    def start(*argv, **terminal):
        site.write_config()
        made.append(Terminal(site, [binary("tip"), "top", *argv, "--config", site.config_path], **terminal))
        return made[-1]
    yield start
    for terminal in made:
        terminal.close()


def status(tip):
    result = tip("status", "-o", "json")
    return result.returncode, json.loads(result.stdout)


def test_status_has_the_bus(tip, busy):
    code, answer = status(tip)
    assert code == DEGRADED, "the other services are not there"
    assert {row["publisher"] for row in answer["bus"]["publishers"]} == {"test"}
    siem = next(row for row in answer["bus"]["consumers"] if row["consumer"] == "siem")
    assert (siem["committed_seq"], siem["lag_events"]) == (10, 40) and siem["lag_s"] > 0
    assert answer["bus"]["queues"][0]["queue"] == "flux.probe"
    assert answer["bus"]["journal"][0]["head_seq"] == 50
    assert "storage is down" in " ".join(answer["degraded"]) and answer["storage_age"] is None
    human = tip("status").stdout
    assert human.index("DEGRADED") < human.index("storage is down") < human.index("SERVICE") < human.index("PUBLISHER")
    assert human.index("CONSUMER") < human.index("siem") < human.index("QUEUE") < human.index("journal: 50 events")


def test_status_names_who_waits(site, tip, busy, caller):
    with Worker(site.endpoint("work"), "stuck") as worker:
        for n in range(2):
            caller.send(put=pb.Put(id=bytes([n]) * 16, queue="stuck", deadline_ms=60_000, caller="test"))
        worker.job()
        said = wait_for(lambda: [line for line in status(tip)[1]["degraded"] if "stuck" in line], 20, "the queue")
        assert said[0].startswith("queue stuck: 1 wait") and "busy or stuck" in said[0]


def test_status_is_well_when_all_is(site, tip, broker, postgres):
    site.service("storage", database=postgres.create("tip").url("tip"))
    site.run_program(["tip-storage", "migrate", "--config", str(site.config_path)])
    site.processes[-1].start()
    sources = site.dir / "sources.d"
    sources.mkdir()
    site.service("scheduler").start()
    site.service("blacklist", sources=str(sources)).start()
    site.service("web").start()
    code, answer = wait_for(lambda: (got := status(tip)) and got[1]["storage_age"] and got, 20, "events are stored")
    assert code == OK and answer["ok"] and answer["degraded"] == [], answer["degraded"]
    assert 0 <= answer["storage_age"]["p50_s"] <= answer["storage_age"]["p99_s"] < 30
    storage = next(row for row in answer["bus"]["consumers"] if row["consumer"] == "storage")
    assert storage["required"] and storage["lag_s"] < 30
    human = tip("status").stdout
    assert "DEGRADED" not in human and "when they were stored" in human


def test_top_as_text(tip, busy):
    result = tip("top", "-n", "2", "--plain")
    assert result.returncode == OK and result.stderr == "" and "\033" not in result.stdout
    pages = result.stdout.split("TIP top")[1:]
    assert len(pages) == 2
    for page in pages:
        for text in ("schedule", "test", "siem", "flux.probe", "amber", "journal"):
            assert text in page, text
    lines = tip("top", "-n", "2", "-o", "ndjson").stdout.splitlines()
    assert [json.loads(line)["bus"]["journal"][0]["head_seq"] for line in lines] == [50, 50]
    assert tip("top", "-n", "0").returncode == USAGE and tip("top", "-o", "csv").returncode == USAGE


def test_top_without_a_broker(tip):
    result = tip("top", "-n", "1", "--plain")
    assert result.returncode == UNREACHABLE and result.stdout == "" and result.stderr.startswith("tip: ")


def test_top_views_and_keys(top, pub):
    terminal = top()
    lines = terminal.shows("[1 loop]", "schedule", "all is well on the bus")
    assert len(lines) <= 24 and all(len(line) <= 80 for line in lines), lines
    assert lines[-1].startswith("q quit")
    for keys, texts in (("2", ("[2 publishers]", "test", "window")), ("\x1b[C", ("[3 consumers]", "siem", "behind")),
                        ("4", ("[4 queues]", "flux.probe", "workers")), ("\t", ("[1 loop]",)),
                        ("\x1b[D", ("[4 queues]",)), ("9", ("[4 queues]",))):
        terminal.press(keys)
        terminal.shows(*texts)
    terminal.press("1")
    for n in range(500):
        pub.publish(TOPIC, done(n))
    pub.flush()
    terminal.shows("550")
    terminal.press("q")
    assert terminal.wait() == OK and terminal.is_restored()


def test_top_fits_where_it_is(top):
    terminal = top(columns=40, lines=8)
    lines = terminal.shows("schedule", "loop")
    assert len(lines) <= 8 and max(map(len, lines)) <= 40
    terminal.resize(100, 30)
    os.killpg(terminal.popen.pid, signal.SIGWINCH)
    assert len(terminal.shows("down: rows")) == 30
    terminal.resize(1, 1)
    os.killpg(terminal.popen.pid, signal.SIGWINCH)
    wait_for(lambda: len(terminal.screen()) == 1, 10, "one line")
    terminal.press("q")
    assert terminal.wait() == OK and terminal.is_restored()


@pytest.mark.parametrize("number, code", [(signal.SIGINT, INTERRUPTED), (signal.SIGTERM, INTERRUPTED),
                                          (signal.SIGHUP, OK), (signal.SIGQUIT, OK)])
def test_top_gives_the_terminal_back(top, number, code):
    terminal = top()
    terminal.shows("schedule")
    assert not terminal.is_restored()
    terminal.popen.send_signal(number)
    assert terminal.wait() == code and terminal.is_restored()


def test_ctrl_c_and_ctrl_z(top):
    terminal = top()
    terminal.shows("schedule")
    terminal.popen.send_signal(signal.SIGTSTP)

    def state():
        return pathlib.Path(f"/proc/{terminal.popen.pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    wait_for(lambda: state() == "T", 10, "it is stopped")
    assert terminal.is_restored(), "while it is stopped"
    terminal.popen.send_signal(signal.SIGCONT)
    wait_for(lambda: not terminal.is_restored(), 10, "it draws again")
    terminal.press("3")
    terminal.shows("siem")
    terminal.press("\x03")
    assert terminal.wait() == INTERRUPTED and terminal.is_restored()


def test_no_color(top):
    terminal = top(env={"NO_COLOR": "1"})
    terminal.shows("schedule")
    assert "\x1b[1m" not in terminal.raw and "\x1b[32m" not in terminal.raw
    coloured = top()
    coloured.shows("schedule")
    assert "\x1b[1m" in coloured.raw


def test_top_says_when_the_broker_is_gone(top, busy):
    terminal = top()
    terminal.shows("schedule")
    busy.kill()
    terminal.shows("the broker does not answer", deadline_s=20)
    busy.start()
    terminal.shows("all is well on the bus", deadline_s=20)
    terminal.press("q")
    assert terminal.wait() == OK and terminal.is_restored()
