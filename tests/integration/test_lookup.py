"""verdict.lookup.<audience>, asked over the wire: what the lists give that this audience may see, and what addresses,
networks and names inherit from it, both counted here once more."""
import ipaddress
import json
import os
import signal
import subprocess
import time

import pytest

from test_blacklist import Lists, text
from tip_chain import Chain
from tip_harness import binary, clean_environment, drop, open_to_nobody, wait_for
from tip_wire import Caller, pb

LISTS = {  # marking, weight, whether its networks mean each address in them
    "open": ("clear", 0.5, False),
    "shared": ("green", 0.4, True),
    "secret": ("amber", 0.35, False),
    "hidden": ("amber", 0.4, True),
}
AUDIENCES = {"clear": ("clear",), "green": ("clear", "green"), "amber": ("clear", "green", "amber")}
KINDS = {"ip": 1, "net": 2, "domain": 3, "url": 4}
TIERS = (0.3, 0.6, 0.9)
FAILURE_INVALID = pb.FAILURE_INVALID


def tier(score):
    return sum(score >= floor - 1e-9 for floor in TIERS)


def share(net):
    """Of what a network is worth an address in it is worth so much: by how many addresses, or /64s, it has."""
    host = 32 if net.version == 4 else 64
    blocks = 2 ** max(0, host - net.prefixlen) / 256
    return 1.0 if blocks <= 1 else blocks ** -0.125


class Model:
    """What is told to an audience: noisy-or of the lists that it may see."""

    def __init__(self, entries, audience):
        self.told, self.whole, self.subtree = {}, set(), set()
        seen = {name: LISTS[name] for name in entries if LISTS[name][0] in AUDIENCES[audience]}
        for name, (_, weight, whole) in seen.items():
            for raw in entries[name]:
                value = raw.removeprefix("*.")
                self.told[value] = 1 - (1 - self.told.get(value, 0)) * (1 - weight)
                self.subtree |= {value} if raw.startswith("*.") else set()
        for value in self.told:  # the strongest list decides, of equal ones the first
            strongest = max((n for n in sorted(seen) if value in entries[n]), key=lambda n: LISTS[n][1], default=None)
            self.whole |= {value} if "/" in value and strongest and LISTS[strongest][2] else set()
        self.told = {value: score for value, score in self.told.items() if score >= 0.3 - 1e-9}
        self.nets = {ipaddress.ip_network(value): value for value in self.told if "/" in value}

    def above(self, value):
        """What it can inherit: (score, of whom), its own first."""
        found = [(self.told[value], value)] if value in self.told else []
        try:
            block = ipaddress.ip_network(value)
        except ValueError:
            labels = value.split(".")
            names = [".".join(labels[i:]) for i in range(1, len(labels))]
            return found + [(self.told[n], n) for n in names if n in self.told and n in self.subtree]
        return found + [(self.told[v] * (1.0 if v in self.whole else share(net)), v)
                        for net, v in sorted(self.nets.items(), key=lambda item: -item[0].prefixlen)
                        if v != value and net.version == block.version and block.subnet_of(net)]

    def answer(self, value):
        return max(self.above(value), key=lambda found: found[0], default=(0.0, None))


def numbers(rng):
    """Addresses, networks and names that lie within each other."""
    def one():
        kind = rng.randrange(8)
        if kind < 3:
            return f"31.{rng.randrange(3)}.{rng.randrange(3)}.{rng.randrange(30)}"
        if kind == 3:
            return str(ipaddress.ip_network((f"31.{rng.randrange(3)}.{rng.randrange(3)}.0", rng.randrange(10, 31)), False))
        if kind == 4:
            return str(ipaddress.ip_network((f"2a00:{rng.randrange(2)}:{rng.randrange(3)}::", rng.randrange(20, 80)), False))
        if kind == 5:
            return str(ipaddress.ip_address(f"2a00:{rng.randrange(2)}:{rng.randrange(3)}::{1 + rng.randrange(3)}"))
        name = "".join(rng.choice(("a.", "b.", "mail.")) for _ in range(rng.randrange(3))) + f"site{rng.randrange(4)}.net"
        return rng.choice(("", "*.")) + name
    return [one() for _ in range(60)]


def canonical(values):
    """A name stands once in a list, with what is below it or without."""
    return sorted({v.removeprefix("*."): v for v in values}.values())


class Site(Lists):
    def __init__(self, site, pub, nginx, rng):
        super().__init__(site, pub)
        self.nginx, self.rng, self.entries = nginx, rng, {}
        self.caller = Caller(site.endpoint("work"))
        site.closing.callback(self.caller.close)

    def change(self, name):
        self.entries[name] = canonical(numbers(self.rng) + [f"44.{list(LISTS).index(name)}.0.1"])
        tlp, weight, whole = LISTS[name]
        self.source(name, self.nginx.write(f"{name}.txt", text(self.entries[name])), tlp=tlp, weight=weight,
                    redistribute=tlp != "amber", **({"networks": "whole"} if whole else {}))

    def settle(self, run=True):
        if run:
            self.run()
        wait_for(lambda: self.service.metric("tip_blacklist_jobs") == 0, 30, "verdicts follow")

    def ask(self, values, audience="amber", kind=0):
        body = pb.VerdictLookup(indicators=[pb.Indicator(kind=kind, value=value) for value in values])
        code, reason, answer = self.caller.put(f"verdict.lookup.{audience}", body.SerializeToString(), 20)
        assert code == 0, reason
        return pb.VerdictAnswer.FromString(answer), answer

    def differs(self, audience, values):
        """What an answer says otherwise than it is counted here; None: nothing."""
        model, (answer, _) = Model(self.entries, audience), self.ask(values, audience)
        assert len(answer.found) == len(values)
        for value, found in zip(values, answer.found):
            score, of = model.answer(value)
            decides = found.verdicts[0].indicator.value if found.verdicts else None
            if found.unreadable or abs(found.score - score) > 1e-9 or found.tier != tier(score):
                return value, found, score, of
            if (decides is None) != (of is None) or found.inherited != (decides not in (None, value)):
                return value, found, score, of
            if decides and abs({v: s for s, v in model.above(value)}.get(decides, -1) - score) > 1e-9:
                return value, found, score, of
        return None

    def agree(self, values, deadline_s=30):
        for audience in AUDIENCES:
            wait_for(lambda: self.differs(audience, values) is None, deadline_s,
                     lambda: f"{audience}: {self.differs(audience, values)}")


@pytest.fixture
def lists(site, broker, pub, nginx, rng):
    lists = Site(site, pub, nginx, rng)
    for name in LISTS:
        lists.change(name)
    lists.start()
    lists.settle()
    return lists


def probes(rng, lists):
    """All that is listed, and as much beside it."""
    values = [v.removeprefix("*.") for entries in lists.entries.values() for v in entries]
    return canonical(values + [v.removeprefix("*.") for v in numbers(rng) + numbers(rng)])[:1000]


def test_lookup_is_what_is_counted_after_each_change_and_after_a_kill(site, lists, rng):
    lists.agree(probes(rng, lists))
    for _ in range(4):
        for name in rng.sample(list(LISTS), 2):
            lists.change(name)
        lists.settle()
        lists.agree(probes(rng, lists))
    values = probes(rng, lists)
    before = {audience: [v.SerializeToString(deterministic=True) for v in lists.ask(values, audience)[0].found]
              for audience in AUDIENCES}
    lists.service.kill()
    lists.service.start()
    for audience in AUDIENCES:
        after = [v.SerializeToString(deterministic=True) for v in lists.ask(values, audience)[0].found]
        assert after == before[audience]


def test_lookup_holds_what_a_snapshot_holds(site, lists):
    for audience in AUDIENCES:
        shown = site.run_program(["tip", "snapshot", "verdict", "--door", audience, "-o", "ndjson", "--config",
                                  str(site.config_path)]).stdout
        rows = {row["value"]: row for row in map(json.loads, shown.splitlines())}
        assert rows.keys() == Model(lists.entries, audience).told.keys()
        for value, found in zip(rows, lists.ask(list(rows), audience)[0].found):
            own = {v.indicator.value: v for v in found.verdicts}[value]
            assert abs(own.score - rows[value]["score"]) < 1e-6
            assert own.reason_count == rows[value]["n_reasons"]
            assert [r.source for r in own.reasons] == [r["source"] for r in rows[value]["reasons"]]


def test_nothing_of_a_stricter_marking_is_in_an_answer(lists):
    lists.entries["hidden"] = ["77.7.0.0/16", "77.7.7.7", "*.canary.net"]
    lists.nginx.write("hidden.txt", text(lists.entries["hidden"]))
    lists.settle()
    asked = ["77.7.7.7", "77.7.1.1", "77.7.0.0/16", "canary.net", "x.canary.net", "44.2.0.1", "44.3.0.1"]
    wait_for(lambda: [f.tier for f in lists.ask(asked)[0].found][:5] == [1] * 5, 20, "amber sees it")
    for audience in ("clear", "green"):
        answer, raw = lists.ask(asked, audience)
        assert [(f.score, f.tier, len(f.verdicts), f.denied) for f in answer.found] == [(0, 0, 0, False)] * len(asked)
        everything, all_raw = lists.ask([v.removeprefix("*.") for v in lists.entries["open"]], audience)
        assert any(f.verdicts for f in everything.found)
        for canary in (b"77.7", b"canary", b"hidden", b"secret"):
            assert canary not in raw and canary not in all_raw
        assert audience == "green" or b"shared" not in all_raw


def test_what_cannot_be_asked_is_refused_and_why(lists):
    def refused(body, audience="amber"):
        code, reason, answer = lists.caller.put(f"verdict.lookup.{audience}", body, 20)
        assert code == FAILURE_INVALID and answer == b""
        return reason

    many = pb.VerdictLookup(indicators=[pb.Indicator(value=f"10.0.{n // 256}.{n % 256}") for n in range(1001)])
    assert "1000" in refused(many.SerializeToString())
    assert "read" in refused(b"\xff\xff\xff")
    assert "read" in refused(pb.VerdictLookup(indicators=[pb.Indicator(value="x" * 2049)]).SerializeToString())
    assert "read" in refused(pb.VerdictLookup(indicators=[pb.Indicator(kind=77, value="a.net")]).SerializeToString())
    answer, _ = lists.ask(["010.1.1.1", "", "nothing", "31.0.0.1", "AS64496", "HTTP://A.net:80/x"])
    assert [bool(f.unreadable) for f in answer.found] == [True, True, True, False, False, False]
    assert answer.found[0].unreadable == "leading_zero"
    assert len(lists.ask([])[0].found) == 0
    del many.indicators[-1]
    lists.caller.put("verdict.lookup.amber", many.SerializeToString(), 20)
    assert len(lists.ask([f"31.0.0.{n % 256}" for n in range(1000)])[0].found) == 1000
    assert lists.service.metric('tip_blacklist_lookups_total{end="refused"}') == 4


def test_more_calls_than_wait_for_the_first_index_are_answered(site, lists):
    """40 calls at once while nothing is built: it is handed twice its credit when it asks anew meanwhile."""
    for turn in range(3):
        lists.service.pause()
        callers = [Caller(site.endpoint("work")) for _ in range(4)]
        try:
            lists.service.signal(signal.SIGHUP)  # what is there is not answered any more
            asked = []
            for n in range(40):
                caller, call_id = callers[n % 4], os.urandom(16)
                body = pb.VerdictLookup(indicators=[pb.Indicator(value=f"44.0.0.{n}")])
                caller.send(put=pb.Put(id=call_id, queue="verdict.lookup.clear", body=body.SerializeToString(),
                                       deadline_ms=30000, caller=caller.name))
                asked.append((caller, call_id))
            time.sleep(1.2)  # its timer is due when it goes on
            lists.service.resume()
            answers = {}
            for caller in callers:
                wanted = {call_id for asker, call_id in asked if asker is caller}
                end = time.monotonic() + 20
                while wanted - answers.keys() and time.monotonic() < end:
                    got = caller.receive(1)
                    if got and got[0] in ("result", "failed"):
                        answers[got[1].id] = got
            assert len(answers) == 40, turn
            bad = [got[1].reason for got in answers.values() if got[0] != "result"]
            assert not bad, bad
        finally:
            for caller in callers:
                caller.close()
    assert lists.service.is_running
    lists.agree(["31.0.0.1", "44.0.0.1"])


def test_the_last_word_is_the_operators(lists):
    lists.entries["open"] = ["88.8.0.0/16", "88.8.8.8", "*.bad.net"]
    lists.nginx.write("open.txt", text(lists.entries["open"]))
    for action, target, scope in (("allow_add", "88.8.8.8", ""), ("allow_add", "88.8.9.0/24", "subtree"),
                                  ("allow_add", "ok.bad.net", ""), ("deny_add", "99.9.0.0/16", "subtree"),
                                  ("deny_add", "evil.net", "subtree"), ("deny_add", "only.net", "exact")):
        answer = lists.caller.control("blacklist", action, target, params={"scope": scope} if scope else {})
        assert answer.ok, answer.result
    lists.settle()
    asked = {"88.8.8.8": (0, True), "88.8.9.9": (0, True), "88.8.1.1": (0.25, False), "ok.bad.net": (0, True),
             "x.bad.net": (0.5, False), "99.9.1.1": (1, False), "99.9.0.0/16": (1, False), "evil.net": (1, False),
             "x.y.evil.net": (1, False), "only.net": (1, False), "x.only.net": (0, False)}
    said = lambda audience: [(round(f.score, 9), f.allowed) for f in lists.ask(list(asked), audience)[0].found]
    wait_for(lambda: said("amber") == list(asked.values()), 30, lambda: f"{dict(zip(asked, said('amber')))}")
    found = dict(zip(asked, lists.ask(list(asked))[0].found))
    assert found["99.9.1.1"].denied and found["99.9.1.1"].inherited and found["99.9.1.1"].share == 1
    assert found["99.9.1.1"].verdicts[0].whole and found["x.y.evil.net"].verdicts[0].subtree
    assert found["x.y.evil.net"].verdicts[0].reasons[0].source == "operator"
    wanted = [(0, False) if score == 1 else (score, allowed) for score, allowed in asked.values()]
    wait_for(lambda: said("clear") == wanted, 30, lambda: f"{dict(zip(asked, said('clear')))}")


# ---- what people see of it: storage's rows, the same arithmetic ----

@pytest.fixture
def chain(site):
    chain = Chain(site)
    chain.source("wide", "61.1.0.0/20\n61.1.1.1\n62.2.0.0/16\n", weight=0.8)
    chain.source("whole", "62.2.0.0/15\n", weight=0.45, networks="whole", type="net")
    chain.source("names", "*.trap.net\nplain.net\n", weight=0.7)
    chain.start()
    chain.run()
    wait_for(lambda: len(chain.caller.query("verdicts")) == 6, 60, "storage has the verdicts")
    return chain


def tip(site, *args, stdin=""):
    return subprocess.run(drop([binary("tip"), *args, "--config", str(site.config_path)]), input=stdin, cwd=site.dir,
                          capture_output=True, text=True, timeout=60, env=clean_environment(), check=False)


FACTOR = 2 ** -0.5  # a /20 is 16 times a /24


def test_search_explain_and_verdict_say_what_is_inherited(site, chain):
    shown = tip(site, "search", "61.1.2.3").stdout
    assert "inherits 0.57 from 61.1.0.0/20 (list wide)" in shown and "-> watch" in shown
    explained = tip(site, "explain", "61.1.2.3")
    assert explained.returncode == 0 and "inherits 0.57 from 61.1.0.0/20 (list wide)" in explained.stdout
    explained = tip(site, "explain", "61.1.2.3", "-o", "json")
    answer = json.loads(explained.stdout)
    assert explained.returncode == 0 and (answer["kind"], answer["value"], answer["sources"]) == ("ip", "61.1.2.3", [])
    assert answer["inherited"]["from"] == "61.1.0.0/20" and answer["verdict"] is None
    row, = json.loads(tip(site, "search", "61.1.2.3", "-o", "json").stdout)
    assert abs(row["inherits"] - 0.8 * FACTOR) < 1e-5 and (row["subtree"], row["whole"]) == (False, False)
    assert "0.80 by its own verdict -> slow" in tip(site, "search", "61.1.1.1").stdout
    assert "inherits 0.70 from trap.net (list names)" in tip(site, "search", "a.b.trap.net").stdout
    assert tip(site, "search", "a.plain.net").returncode == 4
    both = json.loads(tip(site, "search", "62.2.9.9", "-o", "json").stdout)
    assert {r["value"]: round(r["inherits"], 6) for r in both} == {"62.2.0.0/16": 0.4, "62.2.0.0/15": 0.45}
    then = chain.caller.query("verdict_history", value="61.1.0.0/20")[0]["from_at"]
    chain.serve("wide", "61.1.1.1\n")
    chain.run()
    wait_for(lambda: tip(site, "search", "61.1.2.3").returncode == 4, 60, "it inherits nothing any more")
    assert "inherits 0.57 from 61.1.0.0/20 (list wide)" in tip(site, "search", "61.1.2.3", "--at", then, "--all").stdout
    explained = json.loads(tip(site, "explain", "62.2.0.0/16", "-o", "json").stdout)
    assert (explained["inherited"]["from"], explained["inherited"]["source"]) == ("62.2.0.0/15", "whole")


def test_who_is_exempt_does_not_inherit_what_its_network_is(site):
    warn = open_to_nobody(site.dir / "warninglists")
    chain = Chain(site, blacklist={"warninglists": str(warn)})
    chain.source("wide", "61.1.1.0/24\n61.1.1.1\n61.1.1.2\n61.1.1.3\n", weight=0.8)
    chain.source("more", "61.1.1.0/24\n", weight=0.8)
    chain.start()
    chain.run()
    wait_for(lambda: len(chain.caller.query("verdicts")) == 4, 60, "storage has the verdicts")
    for name, entries in (("public-dns-v4", ["61.1.1.1", "61.1.1.5"]), ("shodan-scanning", ["61.1.1.2", "61.1.1.6"])):
        (warn / f"{name}.json").write_text(json.dumps({"type": "cidr", "list": entries}))
    chain.blacklist.reload()
    why = lambda value: [row["reasons"] or "" for row in chain.caller.query("explain", value=value)][:1]
    wait_for(lambda: "resolver:" in "".join(why("61.1.1.1")) and "scanner:" in "".join(why("61.1.1.2")), 60,
             lambda: f"storage has heard of it: {why('61.1.1.1')} {why('61.1.1.2')}")
    last = lambda value: tip(site, "search", value).stdout.splitlines()[-1]
    wait_for(lambda: "exempt" in last("61.1.1.5"), 30, "the blacklist answers by it, too")
    says = {f"61.1.1.{n}": last(f"61.1.1.{n}") for n in (2, 3, 4, 5, 6)}
    assert "inherits 0.24 from 61.1.1.0/24" in says["61.1.1.2"] and "of its 0.96" in says["61.1.1.2"], says
    assert "inherits 0.96" in says["61.1.1.3"] and says["61.1.1.4"].endswith("inherits 0.96 from 61.1.1.0/24 (list more), "
                                                                             "1 of its 0.96 -> block"), says
    assert says["61.1.1.5"].endswith("exempt: it inherits nothing from 61.1.1.0/24 (list more)"), "without a verdict of its own"
    assert "inherits 0.24 from 61.1.1.0/24" in says["61.1.1.6"], says
    for command in (["search"], ["explain"]):
        assert "inherits 0" not in tip(site, *command, "61.1.1.1").stdout
    rows = {r["value"]: r for r in json.loads(tip(site, "search", "61.1.1.1", "-o", "json").stdout)}
    assert not rows["61.1.1.0/24"]["inherits"]
    assert json.loads(tip(site, "explain", "61.1.1.1", "-o", "json").stdout)["inherited"] is None
    asked = [f"61.1.1.{n}" for n in range(1, 7)]
    rows = json.loads(tip(site, "verdict", *asked, "-o", "json").stdout)
    assert [round(r["score"], 4) for r in rows] == [0, 0.24, 0.96, 0.96, 0, 0.24]
    inherited = [json.loads(tip(site, "explain", value, "-o", "json").stdout or "{}").get("inherited") for value in asked[1:3]]
    assert [round(i["score"], 4) for i in inherited] == [0.24, 0.96]
    chain.blacklist.term()
    assert "tip verdict knows" in last("61.1.1.5"), "storage alone does not know that it is exempt"


def test_tip_verdict_asks_in_bulk(site, chain):
    asked = ["61.1.2.3", "61.1.1.1", "a.trap.net", "9.9.9.9", "010.1.1.1"]
    done = tip(site, "verdict", *asked, "-o", "json")
    assert done.returncode == 3 and "a number in it begins with 0" in done.stderr
    rows = json.loads(done.stdout)
    assert rows[4]["unreadable"] == "leading_zero"
    assert [r["value"] for r in rows] == asked
    assert [r["tier"] for r in rows] == ["watch", "slow", "slow", "none", None]
    assert [r["from"] for r in rows] == ["61.1.0.0/20", None, "trap.net", None, None]
    assert abs(rows[0]["score"] - 0.8 * FACTOR) < 1e-5 and abs(rows[0]["share"] - FACTOR) < 1e-5
    assert rows[1]["own_score"] == 0.8 and rows[1]["families"] == {"list": 0.8}
    assert rows[1]["reasons"] == [{"source": "wide", "weight": 0.8}]
    for command in (["verdict", "61.1.1.1"], ["snapshot", "verdict"]):
        shown = tip(site, *command).stdout
        assert "wide 0.80" in shown and "{" not in shown, shown
    many = "".join(f"61.1.{n // 256}.{n % 256}\n" for n in range(2500))
    lines = tip(site, "verdict", "-o", "csv", stdin=many).stdout.splitlines()
    assert len(lines) == 2501 and lines[0].startswith("value,score,tier,inherited,from,share,")
    assert tip(site, "verdict", "9.9.9.9").returncode == 4
    assert tip(site, "verdict", "61.1.1.1", "--door", "green").returncode == 4, "an unmarked list is amber"
    chain.caller.control("blacklist", "allow_add", "61.1.2.3")
    wait_for(lambda: json.loads(tip(site, "verdict", "61.1.2.3", "-o", "json").stdout)[0]["allowed"], 30, "it is allowed")
    wait_for(lambda: "allowed: it inherits nothing" in tip(site, "search", "61.1.2.3").stdout, 30, "search says so")
