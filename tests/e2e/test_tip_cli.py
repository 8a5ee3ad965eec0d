"""The command line against a running site: exit codes, formats, and what each command says."""
import csv
import io
import itertools
import json
import os
import shutil
import signal
import subprocess
import time

import pytest
from tip_harness import Process, binary, clean_environment, drop, wait_for
from tip_lister import Lister
from tip_wire import Fetch, Pub, Sub, Worker, event, pb

OK, FAILED, USAGE, DEGRADED, NOT_FOUND, UNREACHABLE, INTERRUPTED = 0, 1, 2, 3, 4, 6, 130
PROGRAMS = ("broker", "storage", "scheduler", "blacklist", "web")


@pytest.fixture
def tip(site):
    """Runs `tip` in the directory of the site: tip("status", "-o", "json") -> subprocess result."""
    def run(*argv, env=None, **options):
        return site.run_program(["tip", *argv], check=False, env={"XDG_STATE_HOME": str(site.data / "state"),
                                                                  **(env or {})}, **options)
    return run


@pytest.fixture
def stored(site, broker, postgres):
    """Broker, storage and a database with two lists and a verdict in it."""
    site.service("storage", database=postgres.create("tip").url("tip"))
    site.run_program(["tip-storage", "migrate", "--config", str(site.config_path)])
    site.processes[-1].start()
    publisher = site.closing.enter_context(Pub(site.endpoint("ingest"), "blacklist"))
    publish_lists(publisher)
    return publisher


def indicator(value, kind=pb.KIND_IP):
    return pb.Indicator(kind=kind, value=value)


def entry(value, line, raw, kind=pb.KIND_IP):
    return pb.ListingEntry(indicator=indicator(value, kind), line=line, raw=raw)


def publish_lists(publisher):
    now = int(time.time() * 1000)
    lists = {"first": (0.6, [entry("192.0.2.7", 3, b"192.0.2.7 ; \x1b[31mred"), entry("192.0.2.8", 4, b"192.0.2.8")]),
             "second": (0.5, [entry("192.0.2.7", 9, b"192.0.2.7"),
                              entry("192.0.2.0/24", 10, b"192.0.2.0/24", pb.KIND_NET)])}
    for number, (name, (weight, entries)) in enumerate(lists.items(), 1):
        stream = bytes([number]) * 16
        publisher.publish(f"v1.listing.baseline.{name}.", event(
            "listing.baseline", source=name, stream=stream, version=1, baseline_id=bytes([64 + number]) * 16, part=1,
            n_parts=1, entries=entries, fetched_unix_ms=now))
        publisher.publish(f"v1.source.ok.{name}.", event(
            "source.ok", source=name, reason="changed", stream=stream, version=1, n_entries=len(entries),
            weight=weight))
    verdict = pb.Verdict(indicator=indicator("192.0.2.7"), score=0.8, tier=pb.TIER_SLOW, families={"list": 0.8},
                         reasons=[pb.VerdictReason(source="first", weight=0.6)], reason_count=2)
    publisher.publish("v1.verdict.changes.list.", event("verdict.changes", verdicts=[verdict], cause_source="second",
                                                        stream=b"\x02" * 16, version=1, part=1))
    publisher.flush()


def test_what_is_wrong_with_a_command_line(tip):
    for argv in (["nosuch"], ["status", "--nosuch"], ["-o", "yaml", "status"], ["search"], ["search", "not a thing"],
                 ["sub", "--count", "0"], ["source", "nosuch"], ["pub", "flux.state", "a=b"]):
        result = tip(*argv)
        assert result.returncode == USAGE, (argv, result)
        assert result.stdout == "" and result.stderr.startswith("tip: "), (argv, result.stderr)
    result = tip("--help")
    assert result.returncode == OK and "explain" in result.stdout and result.stderr == ""


def test_a_reader_that_has_gone_is_no_failure(site, broker):
    """`tip ... | head`: the exit code says how it was until then, also of what is still in the buffer at the end."""
    site.write_config()
    theirs, ours = os.pipe()
    os.close(theirs)
    for argv, code in ((["--help"], OK), (["help", "--markdown"], OK), (["completion", "bash"], OK), (["sub"], OK),
                       (["sub", "-n", "1"], OK), (["sub", "--durable", "x", "--state", site.data / "x"], OK),
                       (["status", "-c", site.config_path], DEGRADED), (["top", "-o", "ndjson"], OK)):
        if argv[0] in ("sub", "top"):
            argv += ["-c", site.config_path]
        result = subprocess.run(drop([binary("tip"), *argv]), stdout=ours, stderr=subprocess.PIPE, timeout=20,
                                env=clean_environment(), check=False)
        assert result.returncode == code and b"annot" not in result.stderr, (argv, result)
    os.close(ours)


def test_nothing_runs(tip):
    for argv in (["status"], ["search", "192.0.2.7"], ["sub"], ["sched"]):
        result = tip(*argv)
        assert result.returncode == UNREACHABLE, (argv, result)
        assert result.stderr.startswith("tip: "), argv


def test_status_of_a_broker_alone(tip, broker):
    result = tip("status", "-o", "json")
    assert result.returncode == DEGRADED
    answer = json.loads(result.stdout)
    states = {service["service"]: service["state"] for service in answer["services"]}
    assert states == {"broker": "ready", "storage": "down", "scheduler": "down", "blacklist": "down", "web": "down"}
    assert answer["insecure"] is True and answer["storage"] is None and answer["ok"] is False
    rows = list(csv.DictReader(io.StringIO(tip("status", "-o", "csv").stdout)))
    assert [row["service"] for row in rows] == list(PROGRAMS)
    human = tip("status")
    assert "INSECURE" in human.stdout and "\033" not in human.stdout and "configuration: " in human.stderr
    assert tip("status", "-o", "csv", "--fields", "state,service", "--no-header").stdout.startswith("ready,broker\n")
    assert tip("search", "192.0.2.7").returncode == UNREACHABLE


def test_status_of_services_that_run_elsewhere(tip, site, broker):
    site.service("scheduler", jobs=[{"name": "a", "module": "b", "every": "1h"}]).start()
    site.config["tip"]["run"] = str(site.dir / "elsewhere")  # another container's: no admin socket is in it
    answer = json.loads(tip("status", "-o", "json").stdout)
    states = {service["service"]: service["state"] for service in answer["services"]}
    assert states == {"broker": "ready", "storage": "down", "scheduler": "ready", "blacklist": "down", "web": "down"}
    scheduler = next(service for service in answer["services"] if service["service"] == "scheduler")
    assert scheduler["rss_bytes"] > 0 and scheduler["insecure"] is True


def test_search_and_explain(tip, stored):
    def found():
        result = tip("search", "192.0.2.7", "-o", "json")
        return result.returncode == OK and json.loads(result.stdout)
    rows = wait_for(lambda: len(found() or []) == 3 and found(), 20, "three rows for 192.0.2.7")
    assert [(row["relation"], row["source"], row["value"]) for row in rows] == [
        ("exact", "first", "192.0.2.7"), ("exact", "second", "192.0.2.7"), ("around", "second", "192.0.2.0/24")]
    wait_for(lambda: json.loads(tip("search", "192.0.2.7", "-o", "json").stdout)[0]["tier"] == "slow", 20, "a verdict")
    lines = tip("search", "192.0.2.0/24", "-o", "ndjson").stdout.splitlines()
    assert {json.loads(line)["relation"] for line in lines} == {"exact", "inside"}
    assert tip("search", "198.51.100.1").returncode == NOT_FOUND

    human = tip("explain", "192.0.2.7")
    assert human.returncode == OK
    assert "1 - (1-0.60)(1-0.50) = 0.80 -> slow" in human.stdout
    assert "line 3: 192.0.2.7 ; \\x1b[31mred" in human.stdout and "\033" not in human.stdout
    answer = json.loads(tip("explain", "192.0.2.7", "-o", "json").stdout)
    assert answer["agrees"] and answer["verdict"]["tier"] == "slow" and answer["score"] == 0.8
    assert [(s["source"], s["line"], s["listed"]) for s in answer["sources"]] == [("first", 3, True), ("second", 9, True)]
    nothing = tip("explain", "198.51.100.1")
    assert nothing.returncode == NOT_FOUND and "around and inside it" in nothing.stderr
    assert "192.0.2.0/24: it has no score of its own and inherits none" in tip("search", "192.0.2.0/24").stdout
    assert [(row["relation"], row["value"], row["source"]) for row in answer["around"]] == [
        ("around", "192.0.2.0/24", "second")]


def test_what_would_remove_it(tip, stored):
    def explained():
        answer = json.loads(tip("explain", "192.0.2.7", "-o", "json").stdout or "{}")
        return answer.get("verdict") and answer
    answer = wait_for(explained, 20, "a verdict")
    shares = {row["name"]: row for row in answer["removal"]["shares"]}
    assert {name: (row["share"], row["score_without"], row["tier_without"]) for name, row in shares.items()} == {
        "first": (0.6, 0.5, "watch"), "second": (0.5, 0.6, "slow")}
    assert all("has to be delisted there" in row["text"] and not row["fading"] for row in shares.values())
    human = tip("explain", "192.0.2.7").stdout.split("what would remove it\n")[1]
    assert "first (0.60): has to be delisted there" in human and "without it 0.50 -> watch" in human
    assert "if all lists dropped it now" in human and "tip allow add '192.0.2.7'" in human


def test_explain_agrees_with_what_is_told(tip, stored):
    """Gone from a list without a half-life, capped for one list alone, and faded to below watch."""
    strong, drop = Lister("strong"), Lister("drop")
    gone, capped, faded = "198.51.100.40", "198.51.100.41", "198.51.100.42"
    steps = [(strong.step({(pb.KIND_IP, capped): 0}) + [strong.ok(weight=0.95)]),
             (drop.step({(pb.KIND_IP, gone): 0}) + [drop.ok(weight=0.6)]), (drop.step({}) + [drop.ok(weight=0.6)])]
    told = [(gone, 0.6, pb.TIER_SLOW, {"list": 0.6}), (gone, 0, pb.TIER_NONE, {}),
            (faded, 0.85, pb.TIER_SLOW, {"trap": 0.85}), (faded, 0.2997, pb.TIER_NONE, {"trap": 0.2997}),
            (capped, 0.89, pb.TIER_SLOW, {"list": 0.95})]
    for topic, made in itertools.chain(*steps):
        stored.publish(topic, made)
    for number, (value, score, tier, families) in enumerate(told, 2):
        verdict = pb.Verdict(indicator=indicator(value), score=score, tier=tier, families=families, reason_count=len(families))
        stored.publish("v1.verdict.changes.list.", event("verdict.changes", verdicts=[verdict], cause_source="drop",
                                                         stream=b"\x03" * 16, version=number, part=1))
    stored.flush()

    def explained(value):
        return json.loads(tip("explain", value, "-o", "json").stdout or "{}")
    wait_for(lambda: explained(capped).get("verdict"), 20, "the last verdict")
    answers = {value: explained(value) for value in (gone, capped)}
    assert {value: (row["agrees"], row["tier"], row["capped"], row["score"]) for value, row in answers.items()} == {
        gone: (True, "none", False, 0), capped: (True, "slow", True, 0.89)}
    assert "1 - (1-0.95) = 0.95, capped at 0.89 -> slow" in tip("explain", capped).stdout
    assert tip("explain", faded).returncode == NOT_FOUND and "the two differ" not in tip("explain", gone).stdout


def test_search_and_explain_as_of_a_time(tip, stored):
    told = wait_for(lambda: json.loads(tip("explain", "192.0.2.7", "-o", "json").stdout or "{}").get("verdict"), 20, "a verdict")
    wait_for(lambda: tip("search", "192.0.2.7", "--at", "0s").returncode == OK, 20, "what is listed now")
    answer = json.loads(tip("explain", "192.0.2.7", "--at", "0s", "-o", "json").stdout)
    assert answer["at"] and answer["verdict"]["score"] == told["score"] and len(answer["sources"]) == 2
    assert answer["at"] in tip("explain", "192.0.2.7", "--at", answer["at"]).stdout.splitlines()[0]
    for at in ("2020-01-01T00:00:00Z", "365d"):
        assert tip("explain", "192.0.2.7", "--at", at).returncode == NOT_FOUND
        assert tip("search", "192.0.2.7", "--at", at).returncode == NOT_FOUND
    for at in ("soon", "2099-01-01T00:00:00Z", "-1d", ""):
        refused = tip("search", "192.0.2.7", "--at", at)
        assert refused.returncode == 2 and "--at" in refused.stderr, at


def test_sources_of_storage(tip, stored):
    def names():
        return [json.loads(line)["name"] for line in tip("source", "-o", "ndjson").stdout.splitlines()]
    wait_for(lambda: names() == ["first", "second"], 20, "two sources")
    shown = tip("source", "show", "first")
    assert shown.returncode == OK and "weight" in shown.stdout and "changed" in shown.stdout
    for verb in ("show", "overlaps"):
        assert tip("source", verb, "nosuch").returncode == NOT_FOUND, verb
    alone = tip("source", "overlaps", "first")
    assert alone.returncode == OK and alone.stdout == "" and "nothing is known to be shared" in alone.stderr
    status = json.loads(tip("status", "-o", "json").stdout)
    assert status["storage"]["sources"] == 2 and status["storage"]["rejects"] == 0


def test_sub_durable_remembers_and_skips_nothing(tip, site, pub):
    for number in range(10):
        pub.publish("v1.system.alarm.test.", event("system.alarm", service="test", name=f"n{number}", raised=True))
    pub.flush()
    names = []
    for count in (3, 4, 3):
        result = tip("sub", "system.alarm.", "--durable", "mine", "--count", str(count), "-o", "ndjson")
        assert result.returncode == OK, result
        names += [json.loads(line)["data"]["name"] for line in result.stdout.splitlines()]
    assert names == [f"n{number}" for number in range(10)]
    result = tip("sub", "system.alarm.", "--durable", "mine", "--count", "1", "--timeout", "500ms")
    assert result.returncode == FAILED and "0 of 1" in result.stderr and "no class" not in result.stderr
    result = tip("sub", "alarm.", "--count", "1", "--timeout", "200ms")
    assert result.returncode == FAILED and '"alarm" is no class that TIP publishes' in result.stderr


def test_sub_durable_says_when_the_journal_is_another(tip, site, broker, pub):
    pub.publish("v1.system.alarm.test.", event("system.alarm", service="test", name="before"))
    pub.flush()
    assert tip("sub", "system.", "--durable", "mine", "--count", "1").returncode == OK
    broker.end()
    shutil.rmtree(site.data / "broker")
    broker.start()
    with Pub(site.endpoint("ingest"), "other") as again:
        again.publish("v1.system.alarm.test.", event("system.alarm", service="test", name="after"))
        again.flush()
    result = tip("sub", "system.alarm.", "--durable", "mine", "--count", "1", "-o", "ndjson")
    assert result.returncode == DEGRADED, result
    assert "new journal" in result.stderr and '"after"' in result.stdout


def live(site, *argv):
    """`tip sub` that runs until it is told to end, subscribed when this returns."""
    process = site.add(Process(site, "sub", [binary("tip"), "sub", *argv, "--config", site.config_path]))
    process.spawn()
    return process


def test_sub_live_and_interrupt(tip, site, pub):
    process = live(site, "-o", "ndjson")
    wait_for(lambda: "bus.head" in process.log_text(), 10, "the broker's head")
    pub.publish("v1.system.alarm.test.", event("system.alarm", service="test", name="x\u009b", raised=True))
    pub.publish("v1.schedule.done.test.", event("schedule.done", run_id=b"\x01" * 16, module="test", summary="well"))
    pub.flush()
    wait_for(lambda: "schedule.done" in process.log_text(), 10, "the event in its output")
    process.signal(signal.SIGINT)
    assert process.wait() == INTERRUPTED
    lines = [json.loads(line) for line in process.log_text().splitlines() if line.startswith("{")]
    done = [line for line in lines if line["kind"] == "schedule.done"]
    assert done[0]["data"]["summary"] == "well"


def test_sub_reports_what_it_lost(site, tip, pub):
    """A subscriber that is frozen while more comes than its socket holds says how much it missed."""
    process = live(site, "system.", "bus.")
    wait_for(lambda: "bus.head" in process.log_text(), 10, "the broker's head")
    process.pause()
    for _ in range(300):
        pub.publish_all([("v1.system.alarm.test.", event("system.alarm", service="test", name="n", detail="x" * 900))] * 500)
        pub.flush(30)
    process.resume()
    wait_for(lambda: "tip: lost " in process.log_text(), 30, lambda: process.log_text()[-500:])
    assert "of class system (class_seq " in process.log_text()


def test_pub_returns_when_it_is_on_disk(tip, site, broker, sub):
    result = tip("pub", "system.alarm", "service=mine", "name=disk_full", "raised=true", "detail=of logs")
    assert result.returncode == OK, result
    said = json.loads(result.stdout)
    with Fetch(site.endpoint("fetch")) as fetch:
        stored = fetch.all("v1.system.alarm.")
    assert [s.event.id.hex() for s in stored] == [said["id"].replace("-", "")]
    assert stored[0].payload.raised and stored[0].payload.detail == "of logs" and stored[0].stamp.tlp == 3
    assert sub.wait(lambda s: s.kind == "system.alarm").payload.name == "disk_full"
    assert tip("pub", "system.alarm", "service=mine", "name=x", "--dry-run").returncode == OK
    assert tip("pub", "system.alarm", "nosuch=1").returncode == USAGE
    empty = tip("pub", "system.alarm")
    assert empty.returncode == USAGE and "standard input is empty" in empty.stderr
    with Fetch(site.endpoint("fetch")) as fetch:
        assert len(fetch.all("v1.system.alarm.")) == 1


def test_sched_and_run(tip, site, broker, sub):
    site.service("scheduler", jobs=[{"name": "lists", "module": "blacklist", "every": "1h", "deadline": "30s"}]).start()
    rows = json.loads(tip("sched", "list", "-o", "json").stdout)
    assert [(row["name"], row["module"]) for row in rows] == [("lists", "blacklist")]
    assert tip("sched", "hold", "lists", "--reason", "a test", "--for", "1h").returncode == OK
    assert json.loads(tip("sched", "-o", "json").stdout)[0]["pause_reason"] == "a test"
    assert tip("sched", "release", "lists").returncode == OK
    assert tip("sched", "hold", "nosuch").returncode == NOT_FOUND
    assert "would start" in tip("run", "blacklist/drop", "--dry-run").stdout
    unknown = tip("run", "test/one")
    assert unknown.returncode == NOT_FOUND and 'there is no module "test"' in unknown.stderr

    with Pub(site.endpoint("ingest"), "test") as module:  # no job names it, but it is there
        process = site.add(Process(site, "run", [binary("tip"), "run", "test/one", "--wait", "--config", site.config_path,
                                                 "--timeout", "20s"])).spawn()
        due = sub.wait(lambda s: s.kind == "schedule.due" and s.payload.module == "test")
        module.publish("v1.schedule.done.test.", event("schedule.done", run_id=due.payload.run_id, module="test",
                                                       summary="all well", n_ok=1))
        module.flush()
        assert process.wait() == OK
    assert "all well" in process.log_text() and due.payload.target == "one"
    applied = [s for s in sub.seen + sub.drain() if s.kind == "control.applied"]
    assert {s.payload.action for s in applied} == {"hold", "release", "run"}


def test_config_says_where_it_is_wrong(tip, site):
    for name in PROGRAMS:
        binary(f"tip-{name}")
    bad = site.dir / "bad.yaml"
    bad.write_text("bus:\n  insecure: true\nscheduler:\n  jobs:\n    - {name: a, module: b, every: never}\n")
    result = tip("config", "check", str(bad))
    assert result.returncode == FAILED
    assert f"{bad}:5:" in result.stderr and "every" in result.stderr
    result = tip("config", "check", str(bad), "-o", "json")
    assert any(f"{bad}:5:" in row["error"] for row in json.loads(result.stdout))
    good = tip("config", "check")
    assert good.returncode == OK and good.stdout.endswith("ok\n") and good.stderr == ""
    rows = {row["key"]: row for row in json.loads(tip("config", "show", "--origin", "-o", "json").stdout)}
    assert rows["tip.run"]["value"] == str(site.run) and "tip.yaml:2:" in rows["tip.run"]["origin"]
    assert rows["storage.database"]["origin"] == "default"
    assert "..." not in tip("config", "show").stdout, "only on a terminal lines are cut"


def test_completion_is_shell(tip, site):
    for shell in ("bash", "zsh", "fish"):
        result = tip("completion", shell)
        assert result.returncode == OK and "explain" in result.stdout
    script = site.dir / "completion.bash"
    script.write_text(tip("completion", "bash").stdout)
    for words, expected in ((["tip", "expl"], "explain"), (["tip", "-o", "json", "source", "sh"], "show"),
                            (["tip", "sub", "lis"], "listing."), (["tip", "sub", "--dur"], "--durable")):
        line = f'source {script}; COMP_WORDS=({" ".join(words)}); COMP_CWORD={len(words) - 1}; _tip; echo "${{COMPREPLY[*]}}"'
        out = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=True).stdout.split()
        assert out == [expected], (words, out)


def test_worker_that_refuses(tip, site, broker):
    """Failures of calls become exit codes."""
    for code, wanted in ((pb.FAILURE_REFUSED, FAILED), (pb.FAILURE_NOT_FOUND, NOT_FOUND),
                         (pb.FAILURE_UNAVAILABLE, UNREACHABLE)):
        with Worker(site.endpoint("work"), "store.query") as worker:
            process = site.add(Process(site, f"search-{code}", [binary("tip"), "search", "192.0.2.7", "--config",
                                                                site.config_path])).spawn()
            worker.fail(worker.job(), "no, because", code)
            assert process.wait() == wanted
            assert "no, because" in process.log_text() and "store.query" not in process.log_text()


def test_a_list_that_was_never_fetched_says_so(tip, stored, site):
    stored.publish("v1.source.failed.third.", event("source.failed", source="third", reason="http_503", weight=0.5))
    stored.flush()
    stored.close()

    def live():
        rows = json.loads(tip("source", "list", "-o", "json").stdout)
        return {row["name"]: row["live"] for row in rows}
    wait_for(lambda: live() == {"first": "verified", "second": "verified", "third": "unverified live"}, 10, live)
    assert "unverified live" in tip("source", "list").stdout and "unverified live" in tip("source", "show", "third").stdout
    assert json.loads(tip("source", "show", "first", "-o", "json").stdout)[0]["live"] == "verified"
    public = site.dir / "public"
    public.mkdir(mode=0o755)
    (public / "packed.yaml").write_text("url: https://lists.example/\ninterval: 1h\n")
    site.service("blacklist", public_sources=str(public)).start()
    shown = json.loads(tip("source", "show", "packed", "-o", "json").stdout)
    assert (shown["name"], shown["live"], shown["public"], shown["version"]) == ("packed", "unverified live", True, 0)
    assert "unverified live" in tip("source", "show", "packed").stdout
    assert tip("source", "show", "nosuch").returncode == NOT_FOUND
