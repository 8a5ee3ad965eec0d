"""The verdicts in force, from the blacklist itself: what `tip snapshot verdict` says is what storage has, whatever happened.

For a wider audience it is what the lists alone give that this audience may see, computed here once more.
"""
import json
import pathlib
import shutil

import pytest

from test_snapshot import Follower, difference
from tip_chain import Chain
from tip_harness import wait_for

LISTS = {  # name: marking, weight
    "open": ("clear", 0.5),
    "shared": ("green", 0.4),
    "secret": ("amber", 0.8),
    "second": ("amber", 0.35),
}
AUDIENCES = {"clear": ("clear",), "green": ("clear", "green"), "amber": ("clear", "green", "amber")}


def tier(score):
    return sum(score >= floor - 1e-9 for floor in (0.3, 0.6, 0.9))


def told(found, wanted):
    """A score is told anew when its tier changes or it has moved by a step of 0.05: so far what was told may be off."""
    return found.keys() == wanted.keys() and all(
        tier(found[key]) == tier(wanted[key]) and abs(found[key] - wanted[key]) < 0.05 for key in wanted)


def address(number):
    return f"20.1.{number // 256}.{number % 256}"


class Lists(Chain):
    def __init__(self, site, rng):
        super().__init__(site)
        self.rng, self.entries = rng, {}
        for name, (tlp, weight) in LISTS.items():
            self.change(name)
            self.source(name, weight=weight, tlp=tlp, redistribute=tlp != "amber", interval="1s")
        site.section("blacklist", interval_floor="1s")

    def change(self, name):
        """Another 1,500 of 4,000 addresses, and one that no other list has."""
        names = [address(number) for number in self.rng.sample(range(4000), 1500)]
        self.entries[name] = set(names) | {f"30.{list(LISTS).index(name)}.0.1"}
        self.serve(name, "\n".join([*names, f"30.{list(LISTS).index(name)}.0.1"]))

    def computed(self, audience):
        """Noisy-or of the lists that this audience may see; at least `watch`."""
        doubt = {}
        for name, (tlp, weight) in LISTS.items():
            if tlp in AUDIENCES[audience]:
                for value in self.entries[name]:
                    doubt[value] = doubt.get(value, 1) * (1 - weight)
        return {value: round(1 - left, 6) for value, left in doubt.items() if 1 - left >= 0.3 - 1e-9}

    def stored(self):
        rows, page = [], self.caller.query("verdicts", limit=1000, deadline_s=20)
        while page:
            rows += page
            page = self.caller.query("verdicts", limit=1000, deadline_s=20, after=page[-1]["cursor"])
        return {row["value"]: round(float(row["score"]), 6) for row in rows}

    def snapshot(self, audience="amber"):
        result = self.site.run_program(["tip", "snapshot", "verdict", "--door", audience, "-o", "ndjson", "--config",
                                        str(self.site.config_path)])
        rows = [json.loads(line) for line in result.stdout.splitlines()]
        state = {row["value"]: round(row["score"], 6) for row in rows}
        assert len(state) == len(rows), "an address twice"
        return state

    def forget(self):
        """A young snapshot would be served again; it can be followed, but is the state of then."""
        self.blacklist.kill()
        shutil.rmtree(pathlib.Path(self.site.config["blacklist"]["data"]) / "snapshots")
        self.blacklist.start()

    def agree(self, deadline_s=40):
        """Storage and a snapshot say what the lists give."""
        wanted = self.computed("amber")
        wait_for(lambda: told(self.stored(), wanted), deadline_s,
                 lambda: f"storage: {difference(self.stored(), wanted)}")
        wait_for(lambda: self.snapshot() == wanted, deadline_s,
                 lambda: f"snapshot: {difference(self.snapshot(), wanted)}")
        return wanted


@pytest.fixture
def lists(site, rng):
    lists = Lists(site, rng).start()
    lists.run()
    return lists


def files(site):
    return b"".join(path.read_bytes() for path in pathlib.Path(site.config["blacklist"]["data"]).glob(
        "snapshots/verdict.clear.*.snap"))


def test_snapshot_is_what_storage_has(site, lists):
    follower = Follower(site, "follower")
    wanted = lists.agree()
    wait_for(lambda: told(follower.state(), wanted), 60, lambda: difference(follower.state(), wanted))
    for audience in AUDIENCES:
        found, computed = lists.snapshot(audience), lists.computed(audience)
        assert found == computed, f"{audience}: {difference(found, computed)}"
    assert b"30.0.0.1" in files(site) and not any(canary in files(site) for canary in (
        b"30.1.0.1", b"30.2.0.1", b"30.3.0.1", b"secret", b"second", b"shared"))


def test_after_changes_and_a_lost_journal(site, lists):
    lists.agree()
    follower = Follower(site, "follower")
    wait_for(follower.rows, 30, "it follows")
    for name in LISTS:
        lists.change(name)
    lists.run()
    lists.forget()
    wanted = lists.agree()
    wait_for(lambda: told(follower.state(), wanted), 60, lambda: difference(follower.state(), wanted))
    lists.broker.kill()
    shutil.rmtree(pathlib.Path(site.config["broker"]["data"]))
    lists.broker.start()
    lists.change("open")
    wait_for(lambda: lists.blacklist.is_ready() and lists.scheduler.is_ready(), 60, "they are back")
    lists.run("open")
    lists.forget()
    wanted = lists.agree()
    wait_for(lambda: told(follower.state(), wanted), 60, lambda: difference(follower.state(), wanted))
