"""The operators' hand on the real chain: the allow and deny list, holds, and what the audit log says of them.

What verdicts there must be is computed here once more, from the lists, the entries and nothing else.
"""
import ipaddress
import json
import os
import subprocess

import pytest

from tip_chain import Chain
from tip_harness import binary, wait_for
from tip_wire import Fetch, pb

LISTS = {"one": 0.5, "two": 0.8}
OWN = "203.0.113.0/24"


def body(name):
    """Both name the first half; domains, a network, an endpoint and a URL besides."""
    hosts = range(0, 120) if name == "one" else range(60, 200)
    return [f"198.18.{n // 100}.{n % 100}" for n in hosts] + \
        [f"203.0.113.{n}" for n in range(10)] + ["bad.example", "a.bad.example", "198.18.1.0/28"] + \
        (["198.18.0.7:443", "http://a.bad.example/x"] if name == "two" else [])


class Entries:
    """Which entry decides, as the README says; written anew."""

    def __init__(self):
        self.rows = {}  # indicator -> (rule, subtree, configured)

    def put(self, value, rule, subtree=None, configured=False):
        """Networks take in what lies inside them unless it is said otherwise."""
        self.rows[value] = (rule, "/" in value if subtree is None else subtree, configured)

    @staticmethod
    def place(value):
        """The network an indicator lies in, or None; the name it lies on, or None."""
        text = value.split("://")[-1].split("/")[0] if "://" in value else value
        try:
            return ipaddress.ip_network(text), None
        except ValueError:
            pass
        try:
            return ipaddress.ip_network(text.rsplit(":", 1)[0]), None
        except ValueError:
            return None, text

    def bears(self, entry, subtree, value):
        net, name = self.place(value)
        own_net, own_name = self.place(entry)
        if own_net is not None:
            return net is not None and (net == own_net or (subtree and net.subnet_of(own_net)))
        return name is not None and (name == own_name or (subtree and name.endswith("." + own_name)))

    def decides(self, value):
        found = [(configured, self.place(entry)[0].prefixlen if self.place(entry)[0] else len(entry), rule, entry)
                 for entry, (rule, subtree, configured) in self.rows.items() if self.bears(entry, subtree, value)]
        return max(found)[2:] if found else (None, None)

    def score(self, value, listed):
        rule, entry = self.decides(value)
        if rule == "allow":
            return 0
        if rule == "deny" and (listed > 0 or entry == value):
            return 1
        return listed


class Site(Chain):
    def __init__(self, site):
        super().__init__(site, blacklist={"own_networks": [OWN], "interval_floor": "1s"})
        self.entries = Entries()
        self.entries.put(OWN, "allow", configured=True)
        self.lists = {name: body(name) for name in LISTS}
        for name, weight in LISTS.items():
            self.source(name, "\n".join(self.lists[name]), weight=weight, interval="1s",
                        allow_special=["198.18.0.0/15", "203.0.113.0/24"])
        self.start()

    def wanted_verdicts(self):
        doubt = {entry: 1.0 for entry, (rule, _, _) in self.entries.rows.items() if rule == "deny"}
        for name, values in self.lists.items():
            for value in values:
                doubt[value] = doubt.get(value, 1.0) * (1 - LISTS[name])
        scores = {value: self.entries.score(value, 1 - left) for value, left in doubt.items()}
        return {value: round(score, 6) for value, score in scores.items() if score >= 0.3 - 1e-9}

    def found_verdicts(self):
        return {row["value"]: round(row["score"], 6)
                for row in self.rows("select value, score from tip.verdict where tier > 0")}

    def settle(self, what):
        def difference():
            found, wanted = self.found_verdicts(), self.wanted_verdicts()
            return {key: (found.get(key), wanted.get(key))
                    for key in found.keys() | wanted.keys() if found.get(key) != wanted.get(key)}
        wait_for(lambda: not difference(), 30, lambda: f"{what}: (found, wanted) {dict(list(difference().items())[:5])}")

    def act(self, action, target, service="blacklist", **more):
        answer = self.caller.control(service, action, target, **more)
        assert answer.ok, answer.result
        return answer

    def code(self, action, target, **params):
        request = pb.ControlRequest(action=action, target=target, actor="tester", params=params).SerializeToString()
        return self.caller.put("control.blacklist", request)[0]

    def audit(self):
        return [(row["action"], row["target"], row["actor"])
                for row in self.rows("select * from tip.control_applied where service = 'blacklist' order by applied_at")]

    def allowed(self):
        return {row["value"]: (row["rule"], row["scope"] == "subtree", row["configured"])
                for row in self.rows("select * from tip.allow where removed_at is null")}

    def tip(self, *args):
        return subprocess.run([binary("tip"), *args, "--config", self.site.config_path], capture_output=True, text=True,
                              timeout=60)


@pytest.fixture
def chain(site):
    return Site(site)


def test_the_list_decides_and_is_seen(chain):
    chain.run()
    chain.settle("own networks get no verdict")
    assert not [value for value in chain.found_verdicts() if value.startswith("203.0.113.")]
    assert chain.rows("select count(*) n from tip.listing where value like '203.0.113.%%' and listed")[0]["n"] == 20

    before = chain.found_verdicts()
    said = chain.act("allow_add", "198.18.0.0/24", dry_run=True)
    assert said.result == "would allow 198.18.0.0/24 and everything inside"
    chain.act("allow_add", "198.18.0.0/24", reason="our customers")
    chain.entries.put("198.18.0.0/24", "allow")
    chain.settle("an allowed network")
    assert len(chain.found_verdicts()) < len(before)
    chain.act("deny_add", "198.18.0.7", reason="but not this one")
    chain.entries.put("198.18.0.7", "deny")
    chain.act("deny_add", "192.88.1.1")  # nobody lists it
    chain.entries.put("192.88.1.1", "deny")
    chain.act("deny_add", "bad.example", params={"scope": "subtree"})
    chain.entries.put("bad.example", "deny", subtree=True)
    chain.settle("denied inside an allowed network, unlisted, below a name")
    assert chain.found_verdicts()["198.18.0.7:443"] == 1

    chain.act("allow_add", "bad.example", params={"scope": "exact"})  # one entry an indicator: it replaces
    chain.entries.put("bad.example", "allow", subtree=False)
    chain.settle("an entry that replaces another")
    assert chain.allowed() == chain.entries.rows
    for action, target, params, code in (
            ("deny_add", "203.0.113.9", {}, pb.FAILURE_REFUSED), ("allow_remove", OWN, {}, pb.FAILURE_REFUSED),
            ("deny_add", "0.0.0.0/0", {}, pb.FAILURE_REFUSED), ("deny_add", "co.uk", {"scope": "subtree"}, pb.FAILURE_REFUSED),
            ("allow_add", "http://x.example/", {}, pb.FAILURE_REFUSED), ("allow_add", "no indicator", {}, pb.FAILURE_INVALID),
            ("allow_add", "192.88.1.2", {"scope": "all"}, pb.FAILURE_INVALID),
            ("allow_add", "192.88.1.2", {"until": "soon"}, pb.FAILURE_INVALID),
            ("allow_add", "192.88.1.2", {"until": "2020-01-01T00:00:00Z"}, pb.FAILURE_REFUSED),
            ("allow_remove", "198.18.0.7", {}, pb.FAILURE_NOT_FOUND)):
        assert chain.code(action, target, **params) == code, (action, target, params)
    assert [row[:2] for row in chain.audit()] == [
        ("allow_add", "198.18.0.0/24"), ("deny_add", "198.18.0.7"), ("deny_add", "192.88.1.1"),
        ("deny_add", "bad.example"), ("allow_add", "bad.example")]

    # what people and programs see
    seen = json.loads(chain.tip("explain", "198.18.0.70", "-o", "json").stdout)
    assert (seen["score"], seen["listed_score"], seen["tier"]) == (0, 0.9, "none") and seen["agrees"]
    assert [(row["rule"], row["value"]) for row in seen["allow"]] == [("allow", "198.18.0.0/24")]
    shown = chain.tip("explain", "198.18.0.7").stdout
    assert "deny 198.18.0.7 (exact), which decides" in shown and "1.00 -> block; without it 0.50" in shown
    assert "denied by entry 198.18.0.7" in chain.tip("deny", "why", "198.18.0.7:443").stdout
    shown = chain.tip("explain", "192.88.1.1")  # no list names it: the operators' word is all there is
    assert shown.returncode == 0 and "deny 192.88.1.1 (exact), which decides: by tester" in shown.stdout, shown
    assert "1.00 -> block; without it 0.00" in shown.stdout and "tip deny remove 192.88.1.1" in shown.stdout
    seen = json.loads(chain.tip("explain", "192.88.1.1", "-o", "json").stdout)
    assert (seen["score"], seen["listed_score"], seen["tier"], seen["sources"]) == (1, 0, "block", []) and seen["agrees"]
    assert seen["verdict"]["families"] == {"deny": 1} and [row["rule"] for row in seen["allow"]] == ["deny"]
    assert "own network" in chain.tip("allow", "why", "203.0.113.9").stdout
    listed = json.loads(chain.tip("allow", "list", "-o", "json").stdout)
    assert {row["value"] for row in listed} == {OWN, "198.18.0.0/24", "bad.example"}
    row = chain.rows("select families, reasons from tip.verdict where value = '198.18.0.7'")[0]
    assert row["families"] == {"list": 0.5, "deny": 0.5}
    assert row["reasons"][0] == {"source": "operator", "weight": 1}
    shown = chain.tip("snapshot", "allow")
    assert shown.returncode == 0 and "198.18.0.0/24" in shown.stdout, shown
    snapshot = [json.loads(line) for line in chain.tip("snapshot", "allow", "-o", "ndjson").stdout.splitlines()]
    assert {row["value"]: (row["rule"], row["scope"] == "subtree") for row in snapshot} == \
        {value: row[:2] for value, row in chain.entries.rows.items()}
    assert not chain.tip("snapshot", "allow", "--door", "green", "-o", "ndjson").stdout.strip()

    # a new version of a list meets the list that is in force
    chain.lists["one"] = [f"198.18.0.{n}" for n in range(50, 90)] + ["198.18.1.5"]
    chain.serve("one", "\n".join(chain.lists["one"]))
    chain.run()
    chain.settle("a new version under the list")
    chain.act("allow_remove", "198.18.0.0/24")
    del chain.entries.rows["198.18.0.0/24"]
    chain.settle("an entry taken off")
    assert chain.tip("deny", "remove", "192.88.1.1", "--reason", "over").returncode == 0
    del chain.entries.rows["192.88.1.1"]
    chain.settle("what nobody lists is removed")
    seen = json.loads(chain.tip("explain", "192.88.1.1", "-o", "json").stdout)
    assert (seen["score"], seen["tier"], seen["allow"]) == (0, "none", []) and seen["agrees"]


def test_it_ends_by_itself_and_survives_kills(chain):
    chain.run()
    call_id = os.urandom(16)
    first = chain.act("allow_add", "198.18.0.0/25", params={"until": "1h"}, call_id=call_id)
    chain.entries.put("198.18.0.0/25", "allow")
    chain.blacklist.kill()  # whatever had been published
    chain.blacklist.start()
    again = chain.act("allow_add", "198.18.0.0/25", params={"until": "1h"}, call_id=call_id)
    assert again == first
    chain.settle("killed behind the answer")
    assert [row[0] for row in chain.audit()] == ["allow_add"]
    for n in range(8):
        chain.act("deny_add", f"192.88.2.{n}")
        chain.entries.put(f"192.88.2.{n}", "deny")
        if n % 3 == 2:
            chain.blacklist.kill()
            chain.blacklist.start()
    chain.settle("killed again and again")
    assert chain.blacklist.term() == 0
    chain.blacklist.start()
    assert chain.allowed() == chain.entries.rows

    chain.act("allow_add", "198.18.1.0/24", params={"until": "2s"})
    chain.entries.put("198.18.1.0/24", "allow")
    chain.settle("allowed for two seconds")
    del chain.entries.rows["198.18.1.0/24"]
    chain.settle("over by itself")
    wait_for(lambda: ("allow_remove", "198.18.1.0/24", "blacklist") in chain.audit(), 10, "the end stands in the audit log")
    assert chain.allowed() == chain.entries.rows

    # tip.yaml is read again: other networks are ours
    chain.site.section("blacklist", own_networks=["192.88.2.0/30"])
    chain.blacklist.reload()
    chain.entries.rows = {key: row for key, row in chain.entries.rows.items()
                          if key != OWN and not row[2]}
    chain.entries.put("192.88.2.0/30", "allow", configured=True)
    chain.settle("other networks in tip.yaml")


def test_hold_release_enable_disable(chain, site):
    chain.run()
    chain.settle("before")
    with Fetch(site.endpoint("fetch")) as fetch:
        assert chain.act("hold", "one", dry_run=True).result == "would be held"
        chain.act("hold", "one", reason="looks odd", params={"until": "1h"})
        shown = json.loads(chain.act("show", "one").values["source"])
        assert shown["held"] and shown["hold_reason"] == "looks odd" and shown["held_until"]
        old = list(chain.lists["one"])
        chain.serve("one", "\n".join(old[10:] + ["198.18.9.9"]))
        assert chain.run("one")["state"] == "done"
        held = [s.payload for s in fetch.all("v1.source.held.")]
        assert [(p.source, p.reason, p.n_added, p.n_removed) for p in held] == [("one", "held", 1, 10)]
        assert chain.states()["one"]["state"] == "held"
        chain.settle("nothing of it is published")
        chain.blacklist.kill()
        chain.blacklist.start()
        chain.act("release", "one")
        chain.lists["one"] = old[10:] + ["198.18.9.9"]
        chain.run("one")
        chain.settle("released")

        chain.act("hold", "one", params={"until": "1s"})
        wait_for(lambda: ("release", "one", "blacklist") in chain.audit(), 15, "the hold ends by itself")

        chain.act("disable", "two")
        chain.blacklist.kill()
        chain.blacklist.start()
        assert json.loads(chain.act("show", "two").values["source"])["enabled"] is False
        before = len(fetch.all("v1.source.ok.two."))
        assert chain.run("two")["state"] == "failed"
        assert chain.run()["n_ok"] == 1
        assert len(fetch.all("v1.source.ok.two.")) == before
        chain.act("enable", "two")
        assert chain.run("two")["state"] == "done"
        assert chain.code("hold", "nobody") == pb.FAILURE_NOT_FOUND
    assert [row[0] for row in chain.audit()] == ["hold", "release", "hold", "release", "disable", "enable"]
