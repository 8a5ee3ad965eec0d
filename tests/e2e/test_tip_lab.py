"""`tip lab`: the whole story happens, as root and as a user; others can look; nothing stays behind."""
import contextlib
import csv
import fcntl
import io
import json
import os
import pathlib
import pty
import signal
import subprocess
import termios
import time

import pytest
import yaml
from tip_harness import AS_ROOT, Key, binary, clean_environment, drop, session_dir, wait_for
from tip_exports import ask, reversed4
from tip_wire import Sub

STAGES = ["system_up", "first_due", "lists_fetched", "changes_published", "rows_stored", "failure_harmless", "verdicts",
          "search_answers"]


@pytest.fixture(params=["user", "root"])
def who(request):
    """How a command is started: unprivileged, or as root if that is who runs the tests."""
    if request.param == "root" and not AS_ROOT:
        pytest.skip("only root can start it as root")
    for name in ("tip", "tip-broker", "tip-storage", "tip-scheduler", "tip-blacklist", "tip-web"):
        binary(name)
    return drop if request.param == "user" else lambda argv: list(map(str, argv))


class Lab:
    def __init__(self, who, *argv, **how):
        self.who = who
        self.site_dir = session_dir() / ("site-user" if who is drop else "site-root")
        self.env = clean_environment(TIP_SITE_DIR=str(self.site_dir))
        how = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **how}
        self.popen = subprocess.Popen(who([binary("tip"), "lab", *argv]), cwd="/", env=self.env, **how)
        self.dir = None

    def find(self):
        """Its directory, from the pointer file by which `tip` finds it."""
        site = self.site_dir / "site"

        def there():
            assert self.popen.poll() is None, self.popen.communicate()
            config = pathlib.Path(site.read_text().strip()) if site.exists() else None
            return config and config.exists() and config.parent.name.startswith("tip-lab-") and config.parent
        self.dir = wait_for(there, 20, f"{site} points at a lab")
        return yaml.safe_load((self.dir / "tip.yaml").read_text())

    def tip(self, *argv, who=None):
        """`tip` in a second terminal, without options that say where the lab is."""
        return subprocess.run((who or self.who)([binary("tip"), *argv]), cwd="/", capture_output=True, text=True,
                              env=self.env, timeout=60, check=False)

    def traces(self):
        """Processes and data that are still there."""
        found = [path for path in [self.dir] if path.exists()]
        for entry in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                if str(self.dir).encode() in (entry / "cmdline").read_bytes():
                    found.append(entry)
            except OSError:
                continue
        return found


@pytest.fixture
def lab(who):
    started = []

    def start(*argv, **how):
        started.append(Lab(who, *argv, **how))
        return started[-1]
    yield start
    for one in started:
        if one.popen.poll() is None:
            one.popen.kill()
        one.popen.communicate()


def test_lab_tells_the_whole_story(lab, who):
    running = lab("--for", "60s", "--until-done", "-o", "ndjson")
    config = running.find()
    keys = pathlib.Path(config["bus"]["keys"])
    wait_for(lambda: all((keys / name).exists() for name in ("broker.cert", "tip.cert_secret")), 20, "the lab's keys")
    with Sub(config["bus"]["feed"], "v1.", key=Key.read(keys, "tip")) as sub, \
            contextlib.ExitStack() as doors:  # a consumer that shares nothing with the C code but proto/
        plain = [doors.enter_context(Sub(config["bus"][door], "v1.")) for door in ("feed", "feed_green", "feed_clear")]
        out, err = running.popen.communicate(timeout=90)
        sub.drain()
        assert not any(one.drain() for one in plain), "events without a key"
    stages = {row["stage"]: row for row in map(json.loads, out.splitlines())}
    assert list(sorted(stages)) == sorted(STAGES), (out, err)
    assert all(row["ok"] and 0 < row["at_ms"] <= 60000 for row in stages.values()), (out, err)
    assert running.popen.returncode == 0
    assert not running.traces()
    check_feed(sub)


def check_feed(sub):
    kinds = {seen.kind for seen in sub.seen}
    assert {"listing.delta", "source.ok", "source.failed", "verdict.changes", "schedule.due", "bus.head"} <= kinds, kinds
    counters = {}
    for seen in sub.seen:
        if not seen.stamp.class_seq:
            continue
        key = seen.topic.split(".")[1], seen.stamp.tlp
        assert seen.stamp.class_seq == counters.get(key, seen.stamp.class_seq - 1) + 1, f"a gap in {key}"
        counters[key] = seen.stamp.class_seq
    failed = [seen.payload for seen in sub.seen if seen.kind == "source.failed"]
    assert {payload.source for payload in failed} == {"lab-ports"}
    assert {payload.reason for payload in failed} <= {"http_503", "empty", "html"}, failed
    hello = [seen.payload for seen in sub.seen if seen.kind == "system.heartbeat"]
    assert hello and all(payload.simulated and not payload.insecure for payload in hello)


def test_lab_answers_in_a_second_terminal(lab, who):
    running = lab()
    config = running.find()
    wait_for(lambda: running.tip("status").returncode == 0, 40, lambda: running.tip("status").stdout)
    wait_for(lambda: running.tip("search", "192.0.2.7").returncode == 0, 40, "192.0.2.7 is found")

    def explained():
        answer = json.loads(running.tip("explain", "192.0.2.7", "-o", "json").stdout)
        return answer["agrees"] and answer["verdict"] and answer
    answer = wait_for(explained, 40, "an explained verdict")
    listing = {source["source"] for source in answer["sources"] if source["listed"]}
    assert {"lab-hosts", "lab-table"} <= listing
    assert answer["score"] >= 0.8 and answer["arithmetic"].startswith("1 - (1-0.60)")
    assert json.loads(running.tip("status", "-o", "json").stdout)["insecure"] is False
    lines = running.tip("sub", "listing.", "--count", "2", "--timeout", "30s", "-o", "ndjson").stdout.splitlines()
    assert len(lines) == 2 and all(json.loads(line)["kind"].startswith("listing.") for line in lines)
    rows = list(csv.DictReader(io.StringIO(running.tip("source", "list", "-o", "csv").stdout)))
    assert len(rows) == 7
    assert running.tip("run", "--force", "--wait", "blacklist/lab-hosts", "--timeout", "30s").returncode == 0
    tested = running.tip("source", "test", "lab-table", "-o", "json")
    values = {row["name"]: row["value"] for row in json.loads(tested.stdout)}
    assert tested.returncode == 0 and values["ok"] == "true" and int(values["entries"]) > 50, tested
    check_dns(running, config)
    if who is not drop:  # root's lab, looked at by somebody else
        assert running.tip("search", "192.0.2.7", who=drop).returncode == 0
    began = time.monotonic()
    running.popen.send_signal(signal.SIGINT)
    out, err = running.popen.communicate(timeout=40)
    assert running.popen.returncode == 0, (out, err)
    assert "SIMULATED" in out and time.monotonic() - began < 30
    assert not running.traces()


def check_dns(running, config):
    """Debian's rbldnsd serves what is slow or worse: asked by DNS for what TIP blocks, and for what nobody lists."""
    port = int((running.dir / "tip.yaml").read_text().split("UDP port ")[1].split()[0])
    zone = config["blacklist"]["exports"][0]["zone"]

    def answers(address):
        try:
            return ask(port, reversed4(address, zone))
        except OSError:
            return None
    wait_for(lambda: answers("127.0.0.2") == ["127.0.0.2"], 20, "rbldnsd answers")
    found = wait_for(lambda: answers("192.0.2.7"), 20, "192.0.2.7 is on the lab's DNS list")
    assert len(found) == 1 and found[0].startswith("127.0.") and found[0].endswith((".2", ".3"))
    assert answers("127.0.0.1") == [] and answers("9.9.9.9") == []
    assert any("rbldnsd" in path.name for path in (running.dir / "data/log").glob("*.log"))


def test_lab_that_was_too_short_says_what_is_missing(lab, who):
    running = lab("--for", "1s", "-o", "json")
    running.find()
    out, _ = running.popen.communicate(timeout=40)
    rows = json.loads(out)
    assert running.popen.returncode == 1
    assert {row["stage"] for row in rows} == set(STAGES) and not all(row["ok"] for row in rows)
    assert not running.traces()


@pytest.mark.parametrize("is_controlling", [True, False], ids=["hangup", "write-error"])
def test_lab_goes_with_its_terminal(lab, who, is_controlling):
    """SIGHUP tells it of its own terminal; of another one (su -c, setsid) it learns when it draws."""
    ours, theirs = pty.openpty()
    take = (lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0)) if is_controlling else None
    running = lab(stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True, preexec_fn=take)
    os.close(theirs)
    running.find()
    wait_for(lambda: b"Ctrl-C ends it" in os.read(ours, 65536), 20, "the screen")
    os.close(ours)
    running.popen.wait(timeout=30)
    assert not running.traces()
