"""How far and for how long a list is trusted, as it is in force: told before its first verdicts, and explained by it."""
import datetime
import json
import time

import pytest
import yaml

from test_operator import Site
from tip_chain import Chain
from tip_clock import clock_of
from tip_harness import wait_for
from tip_verdicts import Source, read_seen
from tip_wire import Fetch

DAY = 86400
WEEK_MS = 7 * DAY * 1000  # of the category "other"


class Lawful(Site):
    def events(self, *prefixes):
        with Fetch(self.site.endpoint("fetch")) as fetch:
            return fetch.all(*prefixes)

    def laws(self, name):
        """What was told of it, in order: (weight, before, reason, half-life, basis, measured)."""
        return [(p.weight, p.before, p.reason, p.law_half_life_ms, p.law_basis, bool(p.measured_unix_ms))
                for p in (seen.payload for seen in self.events(f"v1.source.weight.{name}."))]

    def wait_law(self, name, condition, what):
        wait_for(lambda: any(condition(law) for law in self.laws(name)), 30, lambda: f"{what}: {self.laws(name)}")

    def put(self, name, values, **options):
        self.source(name, "\n".join(values), **{"interval": "1h", "allow_special": ["198.18.0.0/15"], **options})
        path = self.sources_dir / f"{name}.yaml"
        said = {option: value for option, value in yaml.safe_load(path.read_text()).items() if value is not None}
        path.write_text(yaml.safe_dump(said))

    def learn(self, *names):
        """The collector has read the files of new sources."""
        self.blacklist.reload()
        wait_for(lambda: all(self.code("show", name) == 0 for name in names), 20, f"{names} are known")

    def explain(self, value, *how):
        return json.loads(self.tip("explain", value, "-o", "json", *how).stdout)

    def wait_stored(self):
        end = self.events("v1.")[-1].stamp.seq
        wait_for(lambda: self.rows("select next_seq from tip.consumer_offset")[0]["next_seq"] > end, 60, "storage has all of it")


@pytest.fixture
def chain(site):
    return Lawful(site)


VALUES = [f"198.18.5.{n}" for n in range(40)]


def test_the_first_law_goes_before_the_first_verdict(chain):
    chain.put("file", VALUES, half_life="2h", weight=0.7)
    chain.put("unknown", VALUES, half_life=None, weight=None)
    chain.learn("file", "unknown")
    chain.run()
    for name, first in (("file", (0.7, 0, "configured", 7200_000, "file", False)),
                        ("unknown", (0.375, 0, "prior", WEEK_MS, "category", False))):
        assert chain.laws(name)[0] == first
        law = chain.events(f"v1.source.weight.{name}.")[0].stamp.seq
        named = [seen.stamp.seq for seen in chain.events("v1.verdict.", "v1.listing.")
                 if name in str(seen.payload.source if seen.event.kind.startswith("listing") else seen.payload.verdicts)]
        assert named and law < min(named), name
    chain.wait_law("unknown", lambda law: law[5], "it is measured")
    assert {law[3:5] for law in chain.laws("unknown")} == {(WEEK_MS, "category")}
    assert {law[3:5] for law in chain.laws("file")} == {(7200_000, "file")}
    chain.wait_stored()
    shares = {share["name"]: share["half_life_ms"] for share in chain.explain(VALUES[0])["removal"]["shares"]}
    assert shares == {"file": 7200_000, "unknown": WEEK_MS}
    shown = chain.tip("source", "show", "file").stdout
    assert "in force      half-life 2h: its file says so" in shown, shown


def test_a_law_of_another_file_and_of_none(chain):
    chain.put("mine", VALUES, half_life=None)
    chain.learn("mine")
    chain.run()
    chain.wait_law("mine", lambda law: law[5], "it is measured")
    chain.put("mine", VALUES, half_life="7d")  # as it is, but now by its file
    chain.blacklist.reload()
    chain.wait_law("mine", lambda law: law[4] == "file", "the reason is told")
    assert chain.laws("mine")[-1][:5] == (0.5, 0.5, "configured", WEEK_MS, "file")
    chain.put("mine", VALUES, half_life="1d")
    chain.blacklist.reload()
    chain.wait_law("mine", lambda law: law[3] == DAY * 1000, "another half-life is told")
    n = len(chain.laws("mine"))
    chain.blacklist.kill()
    chain.blacklist.start()
    chain.act("baseline", "mine")
    wait_for(lambda: len(chain.laws("mine")) > n, 30, "with a baseline it is told again")
    assert len(chain.laws("mine")) == n + 1, "a start by itself tells nothing"
    assert chain.laws("mine")[-1][:5] == (0.5, 0.5, "configured", DAY * 1000, "file")
    chain.act("retire", "mine", params={"reason": "over"})
    chain.wait_law("mine", lambda law: law[:3] == (0, 0.5, "retired"), "it means nothing any more")
    chain.wait_stored()
    wait_for(lambda: not chain.found_verdicts().keys() & set(VALUES), 30, "no verdict rests on it")
    chain.wait_stored()
    assert not any(source["counts"] for source in chain.explain(VALUES[0])["sources"])


def test_a_share_fades_from_when_the_list_last_named_it(chain):
    """As verdicts do, by the recount of tip_verdicts.py: the last fetch that still had it counts, not its removal."""
    chain.put("gone", VALUES, half_life="60s", interval="1s")
    chain.learn("gone")
    chain.run("gone")
    for body in (VALUES, VALUES[:20]):
        began = int(time.time())
        wait_for(lambda: time.time() >= began + 3, 10, "some seconds later")
        chain.serve("gone", "\n".join(body))
        chain.run("gone")
    delta, = (seen.payload for seen in chain.events("v1.listing.delta.gone.") if seen.payload.removed)
    seen = max((chain.site.data / "blacklist" / "sets").glob("gone-*.seen"), key=lambda path: int(path.stem.split("-")[-1]))
    source = Source(read_seen(seen), 0.5, 60)
    last, removed = source.seen[VALUES[30]].last, delta.fetched_unix_ms // 1000
    assert delta.confirmed_unix_ms == last * 1000 and removed - last >= 2
    chain.wait_stored()
    wait_for(lambda: time.time() > removed + 2, 10, "two seconds later")
    for value, at in ((VALUES[30], removed + 1), (VALUES[30], removed + 2), (VALUES[0], removed + 1)):
        asked = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))
        answer = chain.explain(value, "--at", asked)
        share, = answer["removal"]["shares"]
        assert abs(share["share"] - source.share(value, at)) < 1e-9, (value, at, share)
    answer = chain.explain(VALUES[30])
    share, = answer["removal"]["shares"]
    assert any(abs(share["share"] - source.share(VALUES[30], int(time.time()) - s)) < 1e-9 for s in range(10)), answer
    assert answer["sources"][0]["confirmed_at"] == time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(last))


@pytest.fixture
def clock(site):
    yield from clock_of(site)


class Aged(Lawful):
    """A list that removes nothing and says itself when it saw an entry. The collector's clock is ours."""

    def __init__(self, site, clock):
        Chain.__init__(self, site, blacklist={"interval_floor": "1s", "verdict_clock": "1s", "weights_interval": "1s",
                                              "env": clock.env})
        self.clock, self.said = clock, {}

    def deliver(self, ago, values, said_ago, **options):
        """In days before now: when, and when it says that it saw the values; what is left out of said_ago is as before."""
        self.clock.set(-ago * DAY)
        for value in values:
            if value in said_ago or value not in self.said:
                self.said[value] = int(time.time() - said_ago[value] * DAY)
        moment = lambda at: datetime.datetime.fromtimestamp(at, datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%S")
        self.put("grow", ["ip,seen", *(f"{value},{moment(self.said[value])}" for value in values)], kind="csv", column="ip",
                 header=True, weight=0.7, half_life=None, **{"last_seen": "seen", **options})

    def stored(self):
        """What storage knows of them: {value: seconds}."""
        return {row["value"]: row["at"] and int(row["at"]) for row in self.rows(
            "select value, extract(epoch from stated_at) as at from tip.listing where listed")}

    def check(self, value, is_told):
        """What explain sums up is the verdict; counted again from what the collector remembers."""
        seen = read_seen(max((self.site.data / "blacklist" / "sets").glob("grow-*.seen"),
                             key=lambda path: int(path.stem.split("-")[-1])))
        source, answer, now = Source(seen, 0.7, WEEK_MS // 1000, append=True), self.explain(value), time.time()
        share = answer["sources"][0]["share"]
        assert abs(share - source.share(value, now)) < 1e-3, (value, answer)
        assert answer["sources"][0]["stated_at"] == time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(self.said[value]))
        tier = answer["verdict"]["tier"] if answer["verdict"] else "none"
        assert answer["agrees"] and (tier != "none") == is_told, answer
        assert not is_told or abs(answer["score"] - answer["verdict"]["score"]) < 0.01, answer


def test_the_age_is_what_the_list_says_of_itself(site, clock):
    chain = Aged(site, clock)
    pool = [f"198.18.{n // 100}.{n % 100}" for n in range(130)]
    stock, young, old = pool[:60], pool[60:100], pool[100:]
    said_ago = {**dict.fromkeys(stock, 200), **dict.fromkeys(young, 100), **dict.fromkeys(old, 20)}
    chain.deliver(75, stock, said_ago)
    chain.start()
    chain.run()
    assert set(chain.stored().values()) == {None}, "until it is known that it removes nothing no age counts from there"
    chain.deliver(74, stock + young, said_ago)
    chain.run()
    chain.deliver(0, pool, dict.fromkeys(young, 1) | dict.fromkeys(old, 20))
    chain.run()
    chain.wait_law("grow", lambda law: law[4] == "append_only", "it removes nothing")
    wait_for(lambda: chain.stored() == chain.said, 30, "it is told of all of them from when on it counts")
    wait_for(lambda: chain.found_verdicts().keys() == set(young), 30, "verdicts follow")
    chain.wait_stored()
    for value, is_told in ((young[0], True), (old[0], False), (stock[0], False)):
        chain.check(value, is_told)

    revived = stock[:10]
    chain.deliver(0, pool, dict.fromkeys(revived, 2))  # the same entries
    before, n_baselines = (len(chain.events(f"v1.listing.{kind}.")) for kind in ("delta", "baseline"))
    chain.run()
    wait_for(lambda: chain.found_verdicts().keys() == set(young + revived), 30, "what was seen again counts again")
    chain.wait_stored()
    told = [seen.payload for seen in chain.events("v1.listing.delta.")[before:]]
    assert len(chain.events("v1.listing.baseline.")) == n_baselines, "it is told in full once"
    assert {entry.indicator.value: entry.stated_unix_ms // 1000 for delta in told for entry in delta.changed} == {
        value: chain.said[value] for value in revived}
    assert not any(delta.added or delta.removed for delta in told) and chain.stored() == chain.said
    for value, is_told in ((revived[0], True), (young[1], True), (stock[20], False)):
        chain.check(value, is_told)
    assert "the list itself says that it saw it" in chain.tip("explain", revived[0]).stdout

    chain.deliver(0, pool, {}, last_seen=None)  # the column goes: its age counts from when it came
    chain.blacklist.reload()
    wait_for(lambda: chain.blacklist.log_lines("config.reloaded"), 20, "the file is read")
    chain.run()
    wait_for(lambda: set(chain.stored().values()) == {None}, 30, "and that is told")
