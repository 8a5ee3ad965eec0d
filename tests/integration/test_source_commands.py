"""`tip source …` as a person types it, on the real service: what each says, and what has come of it."""
import json
import re

import pytest

from test_blacklist import Lists
from test_sources import PACKED, page  # noqa: F401 (a fixture)
from tip_chain import Chain
from tip_harness import wait_for


@pytest.fixture
def lists(site, broker, pub):
    public = site.dir / "public"
    public.mkdir(mode=0o755)
    site.section("blacklist", public_sources=str(public), contact="https://operator.example/")
    return Lists(site, pub)


@pytest.fixture
def source(site):
    """source("enable", "packed") -> the result of `tip source enable packed`, which must end with `code`."""
    def run(*argv, code=0):
        done = site.run_program(["tip", "source", *argv], check=False, env={"XDG_STATE_HOME": str(site.data / "state")})
        assert done.returncode == code, (argv, done.returncode, done.stdout, done.stderr)
        return done.stdout + done.stderr
    return run


def state(caller, name="packed"):
    return json.loads(caller.control("blacklist", "show", name).values["source"])


def again(lists):
    lists.service.kill()
    lists.service.start()


def test_every_command_does_what_it_says(lists, page, site, caller, source):  # noqa: F811
    own, public = page("127.0.0.2"), site.dir / "public"
    (public / "packed.yaml").write_text(PACKED.format(url=own.url, expect="192.0.2.1"))
    (public / "packed.sample").write_text("192.0.2.1\n")
    lists.start()
    assert "packed" in source("pack")
    for argv in (["run", "nosuch"], ["run", "-w", "nosuch"], ["hold", "nosuch"], ["test", "nosuch"], ["diff", "nosuch"]):
        said = source(*argv, code=4)
        assert 'there is no source "nosuch"' in said and "SIGHUP" in said and "control." not in said, said
    assert "terms" in source("enable", "packed", code=1) and not own.seen
    assert "terms.example" in source("enable", "packed", "--accept-terms", "--dry-run") and not state(caller)["enabled"]
    assert "terms.example" in source("enable", "packed", "--accept-terms", "--reason", "read on Sunday")
    accepted = state(caller)["terms_accepted"]
    again(lists)
    assert state(caller)["terms_accepted"] == accepted and state(caller)["enabled"], "over a kill -9"
    assert lists.run(target="packed").payload.n_ok == 1 and set(lists.listed("packed")) == {"8.8.8.8"}

    source("disable", "packed", "--reason", "too loud")
    again(lists)
    n = len(own.seen)
    assert lists.run(target="packed").kind == "schedule.failed" and len(own.seen) == n
    assert set(lists.listed("packed")) == {"8.8.8.8"}, "what it lists stays"
    source("enable", "packed")  # its terms were accepted, and are
    assert state(caller)["terms_accepted"] == accepted and state(caller)["enabled"]

    assert "held" in source("hold", "packed", "--until", "7d", "--reason", "looks odd")
    own.body = b"8.8.8.8\n9.9.9.9\n"
    again(lists)
    lists.run(target="packed")
    assert [s.payload.reason for s in lists.events("v1.source.held.")][-1:] == ["held"]
    assert set(lists.listed("packed")) == {"8.8.8.8"} and state(caller)["held_until"]
    assert "9.9.9.9" in source("diff", "packed")
    source("release", "packed")
    lists.run(target="packed")
    assert set(lists.listed("packed")) == {"8.8.8.8", "9.9.9.9"}

    assert "--reason" in source("retire", "packed", code=2)
    source("retire", "packed", "--reason", "its publisher gave up")
    wait_for(lambda: not lists.listed("packed"), 10, "what it listed goes")
    again(lists)
    n = len(own.seen)
    assert lists.run(target="packed").kind == "schedule.failed" and len(own.seen) == n
    told = [(s.payload.action, s.payload.reason) for s in lists.events("v1.control.applied.")]
    assert told == [("enable", "read on Sunday"), ("disable", "too loud"), ("enable", ""), ("hold", "looks odd"),
                    ("release", ""), ("retire", "its publisher gave up")]


NUMBER = r"(-?[0-9.]+(?:e[+-]?[0-9]+)?)"


def numbers(text, line):
    """Of a line of the arithmetic, which stands indented."""
    found = re.search(rf"^  {line}.*$", text, re.MULTILINE)
    assert found, (line, text)
    return [float(n) for n in re.findall(rf"(?<![\w.]){NUMBER}(?![\w.:])", found.group(0).split(line, 1)[1])], found.group(0)


def test_the_arithmetic_that_is_printed_is_right(site, source):
    """On a list that the service has measured: everybody can work its weight out with a pencil."""
    chain = Chain(site, blacklist={"weights_interval": "1s", "interval_floor": "1s"})
    pool = [f"45.1.{n // 250}.{n % 250}" for n in range(100)]
    chain.source("first", "".join(f"{v}\n" for v in pool), weight=None, interval="1h")
    chain.start()
    chain.run()
    wait_for(lambda: "measured" in source("show", "first"), 30, "it is measured")
    chain.source("second", "".join(f"{v}\n" for v in pool[40:] + ["10.0.0.1", "10.0.0.2"]), weight=None, interval="1h")
    chain.blacklist.reload()
    wait_for(lambda: chain.blacklist.log_lines("config.reloaded"), 10, "the second one is read")
    chain.run("second")
    text = wait_for(lambda: (t := source("show", "second")) and "copied from first" in t and t, 30, "it is measured")
    _, trust = numbers(text, "trust")
    t, f = float(re.search(r"; T = ([0-9.]+)", trust)[1]), float(re.search(r"F = ([0-9.]+)", trust)[1])
    p = float(re.search(r"trust +([0-9.]+)", trust)[1])
    assert abs(p - (t + 2) / (t + 5 * f + 4)) < 1e-4 and f == 2
    _, line = numbers(text, "independence")
    i, underived, copied, scored = map(float, re.search(
        r"independence +([0-9.]+) .*\(([0-9.]+) in nothing it is derived from - ([0-9.]+) copied from first\) "
        r"/ ([0-9.]+) scored", line).groups())
    assert (underived, copied, scored) == (60, 60, 60) and abs(i - max(0.05, (underived - copied) / scored)) < 1e-4
    _, line = numbers(text, "lead")
    lead, total, shared = map(float, re.search(r"lead +([0-9.]+)  ([0-9.e-]+) / ([0-9.]+) entries", line).groups())
    assert shared == 60 and abs(lead - total / shared) < 1e-4
    _, line = numbers(text, "measured")
    measured, *parts = map(float, re.search(
        r"measured +([0-9.]+)  ([0-9.]+) \* ([0-9.]+) \* \(0.5 \+ 0.5 \* ([0-9.]+)\) \* ([0-9.]+)", line).groups())
    fresh = parts[3]
    assert parts[:3] == [p, i, lead] and 0.9 < fresh <= 1
    assert abs(measured - p * i * (0.5 + 0.5 * lead) * fresh) < 2e-4
    assert abs(float(re.search(r"weight ([0-9.]+)", text)[1]) - measured) < 1e-4, text
    assert not re.search("^reject", text, re.MULTILINE) and "{" not in text, "nothing was rejected"

    # names are looked up before anything is done with them
    assert 'there is no source "nosuch"' in source("overlaps", "nosuch", code=4)
    assert "first" in source("overlaps", "second") and "starts as" in source("run", "second")


def test_what_never_worked_ends_with_its_file(site, source):
    chain = Chain(site)
    chain.source("works", "8.8.8.8\n")
    chain.source("never", url=chain.nginx.url("lists/nothing"))
    chain.start()
    chain.run()
    failing = lambda: [int(chain.caller.query(name)[0]["sources_failing"]) for name in ("status", "overview")]
    ends = lambda: chain.rows("select count(*) n from tip.event where topic like 'v1.source.ok.never.%'")[0]["n"]
    shown = lambda: {row["name"]: row for row in chain.caller.query("sources")}["never"]
    wait_for(lambda: failing() == [1, 1], 30, lambda: f"it fails: {shown()}")
    (chain.sources_dir / "never.yaml").unlink()
    chain.blacklist.reload()
    wait_for(lambda: shown()["state"] == "ok", 30, lambda: f"it has ended: {shown()}")
    assert failing() == [0, 0] and ends() == 1
    assert (shown()["reason"], shown()["n_entries"], shown()["next_at"], shown()["last_ok_at"]) == ("retired", "0", None, None)
    assert re.search(r"never\s+ok\s+unverified live\s+retired", source("list"))
    assert "gone" in source("disable", "never", code=1)
    chain.blacklist.kill()
    chain.blacklist.start()
    chain.run()
    assert failing() == [0, 0] and ends() == 1 and shown()["needs_baseline_since"] is None, "once, and that holds"
