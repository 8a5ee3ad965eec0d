"""What TIP saw itself, on the real service: Python plays a trap, a tracker and an SMTP door.

What is believed, and what it makes of weights, is worked out here once more from what was published.
"""
import itertools
import json
import subprocess
import time

import pytest

from test_blacklist import Lists, addresses, text
from test_weighed import check_arithmetic, told, weights
from tip_harness import binary, wait_for
from tip_weights import World, differences, recount
from tip_wire import event, pb, uuid7

DAY = 86400
IP, DOMAIN, URL = 1, 3, 4


class Seer:
    """Publishes what others will, and remembers what of it counts."""

    def __init__(self, pub):
        self.pub, self.observed, self.numbers = pub, [], itertools.count()

    def send(self, topic, made, depth=0, causes=(), tlp=3):
        made.depth = depth
        made.causes.extend(pb.Cause(event_id=uuid7(), source=name) for name in causes)
        self.pub.publish(topic, made, tlp=tlp)

    def remember(self, what, at, depth, causes, *values):
        self.observed += [(value, int(at), what, depth, " ".join(causes)) for value in values]

    def mail(self, sender, *led_to, trap="bait", at=None, depth=0, causes=(), tlp=3):
        at = time.time() if at is None else at
        entries = [pb.MailEntry(indicator=pb.Indicator(kind=IP, value=sender), role=pb.MAIL_ROLE_SENDER)]
        entries += [pb.MailEntry(indicator=pb.Indicator(kind=URL if "://" in value else DOMAIN, value=value),
                                 role=pb.MAIL_ROLE_ADVERTISED) for value in led_to]
        self.send(f"v1.mail.seen.{trap}.", event("mail.seen", trap=trap, digest=f"{next(self.numbers):064x}", entries=entries,
                                                 received_unix_ms=int(at * 1000)), depth, causes, tlp)
        self.remember("trap", at, depth, causes, sender, *led_to)

    def agents(self, domain, *values, network="", at=None, depth=1, causes=()):
        at = time.time() if at is None else at
        made = event("flux.agent", domain=domain, network=network, agents=[
            pb.FluxAgent(indicator=pb.Indicator(kind=IP, value=value), prefix=f"{value}/32",
                         seen_unix_ms=int(at * 1000)) for value in values])
        self.send("v1.flux.agent.test.", made, depth, causes)
        self.remember("flux", at, depth, causes, domain, *values)

    def client(self, value, behaviour="early_talker", treated=False, depth=0, causes=()):
        at = time.time()
        entry = pb.SmtpBehaviour(indicator=pb.Indicator(kind=IP, value=value), behaviour=behaviour, n=1,
                                 caused_by_treatment=treated, seen_unix_ms=int(at * 1000),
                                 causes=[pb.Cause(event_id=uuid7(), source=name) for name in causes])
        self.send("v1.smtp.behaviour.test.", event("smtp.behaviour", entries=[entry]), depth)
        self.remember("abandonment" if treated or behaviour == "abandoned" else "smtp", at, depth, causes, value)


@pytest.fixture
def seer(pub):
    return Seer(pub)


@pytest.fixture
def lists(site, broker, pub):
    lists = Lists(site, pub)
    lists.settings = {"interval_floor": "1s", "weights_interval": "1s"}
    lists.service = site.service("blacklist", sources=str(lists.dir), **lists.settings)
    return lists


KINDS = ("trap", "flux", "smtp")


def kept_by_kind(lists):
    return {what: lists.service.metric(f'tip_blacklist_observations{{what="{what}"}}') for what in KINDS}


def kept(lists):
    return sum(kept_by_kind(lists).values())


def forgotten(lists, why="full"):
    return sum(lists.service.metric(f'tip_blacklist_observations_forgotten_total{{why="{why}",what="{what}"}}')
               for what in KINDS)


def unbelieved(lists, why):
    return lists.service.metric(f'tip_blacklist_observations_unbelieved_total{{why="{why}"}}')


def wait_kept(lists, n, what):
    wait_for(lambda: kept(lists) == n, 20, lambda: f"{what}: {kept(lists)} of {n} are kept")


def listed_at(lists, source):
    """When its first version was fetched, as the event says."""
    return next(s.payload.fetched_unix_ms for s in lists.events("v1.listing.baseline.") if s.payload.source == source) // 1000


def recounted(lists, seer, folder, deliveries, weighed, now):
    """The world as it was published, at the time of a weighing."""
    world = World(folder)
    for name, entries in deliveries.items():
        world.source(name)
        world.deliver(listed_at(lists, name), name, entries)
        world.confirm(weighed[name].ok_unix_ms // 1000, name)
    world.observed = seer.observed
    world.exposure = len({value for value, _, what, depth, _ in seer.observed if what != "abandonment" and depth <= 3})
    return recount(world, now)


def check_recount(lists, seer, folder, deliveries, weighed, *names):
    """Of these, each as of its own weighing."""
    keys = ("n_entries", "n_confirmed", "trust", "trust_low", "trust_high", "independence", "n_copied")
    for name in names:
        expected = recounted(lists, seer, folder, deliveries, weighed, weighed[name].measured_unix_ms // 1000)[name]
        found = {key: getattr(weighed[name], key) for key in keys}
        assert differences({name: found}, {name: {key: expected[key] for key in keys}}) == []


def test_a_trap_confirms_the_lists_that_knew(lists, seer, nginx, rng, tmp_path):
    pool = addresses(rng, 90)
    deliveries = {"knew": pool[:60], "other": pool[40:]}
    for name, entries in deliveries.items():
        lists.source(name, nginx.write(f"{name}.txt", text(entries)), weight=None, interval="1h")
    lists.start()
    lists.run()
    before = told(lists, *deliveries)
    assert before["knew"].n_confirmed == 0 and before["knew"].exposure == 0 and before["knew"].trust == 0.5
    seer.mail(pool[30], at=time.time() - 20 * DAY)  # before the lists: seen, and no confirmation
    for value in pool[:20]:
        seer.mail(value, "http://worse.tip-b.net/x", "worse.tip-b.net")
    seer.mail(pool[0], trap="second")
    seer.mail(pool[45])
    seer.agents("fluxing.tip-b.net", pool[50], "46.4.8.9", network="net-1")
    seer.agents("fluxing2.tip-b.net", pool[50], network="net-2")
    seer.client(pool[55])
    seer.pub.flush()
    wait_for(lambda: weights(lists, "knew")[-1].n_confirmed > 22.9 and weights(lists, "other")[-1].n_confirmed > 2.9, 40,
             "the trap's word counts")
    weighed = {name: weights(lists, name)[-1] for name in deliveries}
    for each in weighed.values():
        check_arithmetic(each)
        assert each.exposure == 29
    assert weighed["knew"].trust > 0.85
    check_recount(lists, seer, tmp_path, deliveries, weighed, *deliveries)
    assert 2.9 < weighed["other"].n_confirmed < 3


def test_nothing_that_tip_caused_confirms(lists, seer, nginx, rng, tmp_path):
    """Thousands of turns on a harmless sender that one list named once: its own doing proves nothing."""
    pool = addresses(rng, 60)
    deliveries = {"loop": pool[:30], "twin": pool[:30] + pool[31:40], "control": pool[40:]}
    for name, entries in deliveries.items():
        lists.source(name, nginx.write(f"{name}.txt", text(entries)), weight=None, interval="1h", group=name)
    lists.start()
    lists.run()
    told(lists, *deliveries)
    for turn in range(1000):
        seer.client(pool[turn % 30], "abandoned", causes=["loop"])
        seer.client(pool[turn % 30], "early_talker", treated=True)
    for value in pool[:30]:
        seer.client(value, "dictionary", depth=4)
        seer.agents("fluxing.tip-b.net", value, causes=["loop", "twin"])
        seer.mail(value, at=time.time() - 31 * DAY)
    seer.mail("10.1.2.3", "co.uk", "http://127.0.0.1/")
    seer.pub.flush()
    wait_for(lambda: unbelieved(lists, "unscored") == 3, 40, "everything was heard")
    assert unbelieved(lists, "treated") == 2000 and unbelieved(lists, "deep") == 30 and unbelieved(lists, "late") == 30
    assert unbelieved(lists, "malformed") == 0
    assert kept(lists) == 60, "what the two lists led to: each agent, and the name by the network of each"
    for value in pool[40:]:
        seer.mail(value)
    seer.pub.flush()
    wait_for(lambda: weights(lists, "control")[-1].n_confirmed > 19.9, 40, "what nobody led to counts")
    weighed = {name: weights(lists, name)[-1] for name in deliveries}
    assert weighed["loop"].n_confirmed == 0 and weighed["twin"].n_confirmed == 0
    assert weighed["loop"].trust == 0.5 and weighed["control"].trust > 0.85
    assert weighed["control"].exposure == 51
    seer.observed = [one for one in seer.observed if one[2] != "trap" or one[0] in pool[40:]]
    check_recount(lists, seer, tmp_path, deliveries, weighed, "control")


def test_kills_and_replay_change_nothing(lists, seer, nginx, rng, tmp_path):
    pool = addresses(rng, 200)
    lists.source("list", nginx.write("list.txt", text(pool[:100])), weight=None, interval="1h")
    lists.start()
    lists.run()
    told(lists, "list")
    expected = set()
    for turn in range(5):
        for n in range(200):
            value, trap = rng.choice(pool), rng.choice(["one", "two"])
            expected.add((value, trap))
            seer.mail(value, trap=trap)
            if n == 100:
                seer.pub.flush()
                lists.service.kill()
                lists.service.start(ready=False)
    seer.pub.flush()
    wait_for(lists.service.is_ready, 30, "it has heard all")
    today = {int(at) // DAY for _, at, *_ in seer.observed}
    if len(today) == 1:  # not across midnight: then a day more counts
        wait_kept(lists, len(expected), "each trap and sender once")
    n = kept(lists)
    lists.service.kill()
    lists.service.start()
    assert kept(lists) == n, "as it was stored"
    again, seer.observed = seer.observed, []
    for value, at, *_ in again[:200]:
        seer.mail(value, trap="one", at=at)
        seer.mail(value, trap="two", at=at)
    both = {(value, trap) for value, *_ in again[:200] for trap in ("one", "two")}
    seer.pub.flush()
    if len(today) == 1:
        wait_kept(lists, len(expected | both), "what is heard again is known")
        wait_for(lambda: weights(lists, "list")[-1].n_confirmed > 0, 40, "and counts")
        listed = {value for value, _ in expected} & set(pool[:100])
        wait_for(lambda: round(weights(lists, "list")[-1].n_confirmed) >= len(listed) - 1, 40, "once each")
        assert weights(lists, "list")[-1].n_confirmed <= len(listed)


def test_what_is_kept_is_bounded(lists, site, seer, nginx, rng):
    lists.service.end() if lists.service.is_running else None
    lists.service = site.service("blacklist", sources=str(lists.dir), observations_max=10, **lists.settings)
    lists.source("list", nginx.write("list.txt", text(addresses(rng, 30))), weight=None, interval="1h")
    lists.start()
    lists.run()
    values = addresses(rng, 30)
    for value in values:
        seer.mail(value)
    seer.pub.flush()
    wait_for(lambda: forgotten(lists) == 20, 20, lambda: f"the oldest are forgotten: {forgotten(lists)}")
    assert kept(lists) == 10
    lists.service.kill()
    lists.service.start()
    assert kept(lists) == 10
    for value in values[-10:]:
        seer.mail(value, at=time.time() - 60)
    seer.pub.flush()
    repeated = "tip_blacklist_observations_repeated_total"
    wait_for(lambda: lists.service.metric(repeated) == 10, 20, "the newest ten are the ones that are kept")


def test_a_flood_of_one_kind_leaves_the_others(lists, site, seer, rng):
    """Who sends the most loses its own oldest: what the others saw stays, and so do its verdicts."""
    lists.service = site.service("blacklist", sources=str(lists.dir), observations_max=30, verdict_clock="1s",
                                 **lists.settings)
    lists.start()
    values = addresses(rng, 400)
    for value in values[:5]:
        seer.client(value)
    for value in values[5:9]:
        seer.agents("fluxing.tip-b.net", value)
    seer.pub.flush()
    wait_for(lambda: kept_by_kind(lists) == {"trap": 0, "flux": 8, "smtp": 5}, 20, "what the others saw")
    wait_verdict(lists, values[4], 1)
    for value in values[10:]:
        seer.mail(value)
    seer.pub.flush()
    wait_for(lambda: forgotten(lists) == 390 - 17, 30, lambda: f"the flood's own: {forgotten(lists)}")
    assert kept_by_kind(lists) == {"trap": 17, "flux": 8, "smtp": 5}
    for value in values[200:220]:
        seer.client(value, "dictionary")
    seer.pub.flush()
    wait_for(lambda: kept_by_kind(lists)["smtp"] == 11, 30, lambda: f"a share each: {kept_by_kind(lists)}")
    assert kept_by_kind(lists) == {"trap": 11, "flux": 8, "smtp": 11}
    lists.service.kill()
    lists.service.start()
    assert kept_by_kind(lists) == {"trap": 11, "flux": 8, "smtp": 11}
    wait_for(lambda: values[5] in lists.verdicts() and values[399] in lists.verdicts(), 30, "what is kept has verdicts")


def test_hostile_events_are_bounded_and_others_go_on(lists, seer, rng):
    lists.start()
    now = int(time.time() * 1000)
    entry = pb.MailEntry(indicator=pb.Indicator(kind=IP, value="46.4.8.1"), role=pb.MAIL_ROLE_SENDER)

    def mail(value="46.4.8.1", at=now, entries=None, depth=0):
        one = pb.MailEntry(indicator=pb.Indicator(kind=IP, value=value), role=pb.MAIL_ROLE_SENDER)
        seer.send("v1.mail.seen.bait.", event("mail.seen", trap="bait", digest="0" * 64, received_unix_ms=at,
                                              entries=entries or [one]), depth=depth)

    malformed = lambda: lists.service.metric("tip_blacklist_events_malformed_total")
    mail(entries=[entry] * 4000)  # fits in an event, and is more than one may bring
    mail("46.4.8.2", depth=2**32 - 1)
    mail("46.4.8.2", depth=255)
    mail("46.4.8.3", at=1)
    mail("46.4.8.4", at=now + 10 * 365 * DAY * 1000)
    mail("46.4.8.5.tip-b.net")
    mail("46.4.8.6")
    seer.pub.flush()
    wait_kept(lists, 2, "one of the future, which is now, and one of now")
    assert malformed() == 2 and unbelieved(lists, "deep") == 1 and unbelieved(lists, "late") == 1
    assert unbelieved(lists, "malformed") == 1
    for at in (-1, -2**63, 2**63 - 1):
        mail("46.4.8.7", at=at)
    mail("46.4.8.8")
    seer.pub.flush()
    wait_verdict(lists, "46.4.8.8", 1)
    assert malformed() + unbelieved(lists, "late") + kept(lists) == 3 + 2 + 4, "each is refused, late or of now"
    tau = newest(lists)["46.4.8.4"][1]
    assert newest(lists)["46.4.8.4"][0].expires_unix_ms < (tau + 30 * DAY) * 1000, "no time makes it last"


def test_a_small_map_is_never_filled(lists, site, seer, rng):
    site.config["bus"]["outbox_bytes"] = "16MiB"
    lists.service = site.service("blacklist", sources=str(lists.dir), verdict_clock="1s", **lists.settings)
    lists.start()
    wide, numbers = "x" * 70, itertools.count()
    for sender in addresses(rng, 600):
        seer.mail(sender, *(f"http://{next(numbers):06d}.tip-b.net/{wide}" for _ in range(100)))
    seer.pub.flush()
    total, full = "tip_blacklist_observations_total", "tip_blacklist_observations_unbelieved_total"
    wait_for(lambda: lists.service.metric(total + '{what="trap"}') + lists.service.metric(full + '{why="full"}') == 60600, 120,
             "all of them were heard")
    taken, gone = lists.service.metric(total + '{what="trap"}'), forgotten(lists)
    assert taken == gone + kept(lists) and gone > 1000
    assert 5000 < kept(lists) < 15000, "what two of 16 MiB hold"
    n = kept(lists)
    lists.service.kill()
    lists.service.start()
    assert kept(lists) == n
    seer.mail("46.4.8.1")
    seer.pub.flush()
    wait_for(lambda: lists.service.metric(total + '{what="trap"}') == 1, 30, "what comes later is taken")


def test_a_topic_brings_only_its_own_kind(lists, seer, nginx, rng):
    """Rights are given by topic: whoever may speak of mail neither starts runs nor plays the tracker."""
    lists.source("list", nginx.write("list.txt", text(addresses(rng, 30))), weight=None, interval="1h")
    lists.start()
    run = uuid7()
    soon = int(time.time() * 1000)
    for made in (event("schedule.due", run_id=run, job="test", module="blacklist", due_unix_ms=soon,
                       deadline_unix_ms=soon + 60000, expires_unix_ms=soon + 60000, force=True),
                 event("flux.agent", domain="fluxing.tip-b.net", network="net-1", agents=[
                     pb.FluxAgent(indicator=pb.Indicator(kind=IP, value="46.4.8.1"), seen_unix_ms=soon)]),
                 event("smtp.behaviour", entries=[pb.SmtpBehaviour(
                     indicator=pb.Indicator(kind=IP, value="46.4.8.1"), behaviour="dictionary", n=1, seen_unix_ms=soon)])):
        seer.send("v1.mail.seen.bait.", made)
    seer.mail("46.4.8.2")
    seer.pub.flush()
    wait_kept(lists, 1, "the mail")
    assert lists.service.metric("tip_blacklist_events_malformed_total") == 3
    lists.run()
    reports = [one for name in ("done", "failed") for one in lists.events(f"v1.schedule.{name}.")]
    assert reports and run not in [one.payload.run_id for one in reports]


def test_storage_keeps_what_was_seen(site, broker, postgres, seer):
    postgres.create("tip")
    storage = site.service("storage", database=postgres.url("tip"))
    site.run_program(["tip-storage", "migrate", "--config", site.config_path])
    storage.start()
    seer.mail("46.4.8.1", "http://bad.tip-b.net/")
    seer.agents("bad.tip-b.net", "46.4.8.2", causes=["list"])
    seer.client("46.4.8.1")
    seer.pub.flush()

    def rows(sql):
        with postgres.cursor("tip") as cursor:
            cursor.execute(sql)
            return [tuple(row) for row in cursor.fetchall()]

    kinds = "select kind, topic from tip.event where kind in ('mail.seen', 'flux.agent', 'smtp.behaviour') order by seq"
    wait_for(lambda: len(rows(kinds)) == 3, 30, "they are rows")
    assert rows(kinds) == [("mail.seen", "v1.mail.seen.bait."), ("flux.agent", "v1.flux.agent.test."),
                           ("smtp.behaviour", "v1.smtp.behaviour.test.")]
    assert rows("select * from tip.event_reject") == []
    seer.send("v1.mail.seen.bait.", event("source.ok", source="forged", version=1))
    seer.pub.flush()
    wait_for(lambda: rows("select topic from tip.event_reject") == [("v1.mail.seen.bait.",)], 30, "another kind is refused")
    assert rows("select * from tip.source where name = 'forged'") == []


# ---- verdicts ----

HALF = {"trap": 3 * DAY, "flux": 7 * DAY, "smtp": DAY}
P0 = {"trap": 0.5, "flux": 0.4, "smtp": 0.3}
FLOORS = (0.3, 0.6, 0.9)


def newest(lists):
    """{value: (its newest verdict, the score time)}"""
    return {v.indicator.value: (v, s.payload.scored_unix_ms // 1000)
            for s in lists.events("v1.verdict.") for v in s.payload.verdicts}


def own_shares(seen, tau):
    """Of (what, independent by, second): each family's share at a time."""
    shares = {}
    for what in {kind for kind, *_ in seen}:
        n = len({by for kind, by, _ in seen if kind == what})
        last = max(at for kind, _, at in seen if kind == what)
        shares[what] = min(0.95, 1 - (1 - P0[what]) ** n) * 2 ** (-max(0, tau - last) / HALF[what])
    return shares


def check_verdict(verdict, tau, seen, listed=0.0):
    """Counted again: families, the rule that one of them alone never blocks, the tier."""
    families = own_shares(seen, tau) | ({"list": listed} if listed else {})
    doubt = 1.0
    for share in families.values():
        doubt *= 1 - share
    stand = sum(share >= 0.05 - 1e-9 for share in families.values())
    score = 1 - doubt if stand >= 2 else min(1 - doubt, 0.89)
    assert abs(verdict.score - score) < 1e-9, (verdict, families)
    assert verdict.tier == sum(score >= floor - 1e-9 for floor in FLOORS)
    assert {f: s for f, s in verdict.families.items() if s > 0} == pytest.approx(families, abs=1e-9)


def wait_verdict(lists, value, tier):
    wait_for(lambda: value in newest(lists) and newest(lists)[value][0].tier == tier, 30,
             lambda: f"{value} gets tier {tier}: {newest(lists).get(value)}")
    return newest(lists)[value]


@pytest.fixture
def quick(lists, site):
    """Weights of files only, and time that is counted often."""
    lists.service = site.service("blacklist", sources=str(lists.dir), interval_floor="1s", verdict_clock="1s")
    return lists


def test_verdicts_follow_what_was_seen(quick, seer, nginx):
    lists, sender, known = quick, "46.4.8.1", "46.4.8.2"
    lists.source("list", nginx.write("list.txt", text([known])), weight=0.6, interval="1h")
    lists.start()
    lists.run()
    seen, at = [], int(time.time())
    by = (at // DAY, )
    seer.mail(sender, at=at)
    seen.append(("trap", ("bait", *by), at))
    check_verdict(*wait_verdict(lists, sender, 1), seen)
    for trap in map(str, range(7)):
        seer.mail(sender, trap=trap, at=at)
        seen.append(("trap", (trap, *by), at))
    verdict, tau = wait_verdict(lists, sender, 2)
    wait_for(lambda: newest(lists)[sender][0].families["trap"] > 0.94, 30, "all traps count")
    verdict, tau = newest(lists)[sender]
    check_verdict(verdict, tau, seen)
    assert verdict.score <= 0.89, "one family alone never blocks, however often it says so"
    assert verdict.next_change_unix_ms > tau * 1000 and verdict.expires_unix_ms > verdict.next_change_unix_ms
    seer.client(sender)
    seer.pub.flush()
    verdict, tau = wait_verdict(lists, sender, 3)
    check_verdict(verdict, tau, seen + [("smtp", "day", seer.observed[-1][1])])
    seer.mail(known, at=at)
    seer.pub.flush()
    wait_for(lambda: newest(lists)[known][0].families.get("trap"), 30, "what is listed rises")
    check_verdict(*newest(lists)[known], [("trap", ("bait", *by), at)], listed=0.6)
    assert {s.stamp.tlp for s in lists.events("v1.verdict.")} == {3}


def test_one_observation_never_blocks_and_treatment_never_moves(quick, seer, nginx):
    """Each kind alone; and a harmless sender that one list named, slowed 10,000 times."""
    lists, harmless = quick, "46.4.9.9"
    lists.source("list", nginx.write("list.txt", text([harmless])), weight=0.7, interval="1h")
    lists.start()
    lists.run()
    verdict, _ = wait_verdict(lists, harmless, 2)
    before = len(lists.events("v1.verdict."))
    for _ in range(5000):
        seer.client(harmless, "abandoned", causes=["list"], depth=2)
        seer.client(harmless, "early_talker", treated=True, depth=2)
    seer.mail("46.4.9.1")
    seer.agents("fluxing.tip-b.net", "46.4.9.2")
    seer.client("46.4.9.3")
    seer.pub.flush()
    for value, share in (("46.4.9.1", 0.5), ("46.4.9.2", 0.4), ("fluxing.tip-b.net", 0.4)):
        assert wait_verdict(lists, value, 1)[0].score == pytest.approx(share, abs=0.001)
    assert unbelieved(lists, "treated") == 10000
    moved = [v for s in lists.events("v1.verdict.")[before:] for v in s.payload.verdicts if v.indicator.value == harmless]
    assert moved == [] and newest(lists)[harmless][0].score == verdict.score


def test_kills_between_observation_and_verdict(quick, seer, rng):
    lists = quick
    lists.start()
    senders = addresses(rng, 300)
    for n, sender in enumerate(senders):
        seer.mail(sender)
        if n % 60 == 59:
            seer.pub.flush()
            lists.service.kill()
            lists.service.start(ready=False)
    wait_for(lambda: set(lists.verdicts()) == set(senders), 60, lambda: f"{len(lists.verdicts())} of 300 have verdicts")
    told = [v.indicator.value for s in lists.events("v1.verdict.") for v in s.payload.verdicts]
    assert len(told) == len(set(told)), "each once"
    lists.service.kill()
    lists.service.start()
    seer.mail(senders[0], trap="second")
    seer.pub.flush()
    wait_verdict(lists, senders[0], 2)
    again = [v.indicator.value for s in lists.events("v1.verdict.") for v in s.payload.verdicts][len(told):]
    assert again == [senders[0]]


def test_what_is_forgotten_is_taken_back(quick, site, seer, rng):
    lists = quick
    lists.service = site.service("blacklist", sources=str(lists.dir), interval_floor="1s", verdict_clock="1s",
                                 observations_max=10)
    lists.start()
    senders = addresses(rng, 30)
    for sender in senders[:10]:
        seer.mail(sender)
    seer.pub.flush()
    wait_for(lambda: set(lists.verdicts()) == set(senders[:10]), 30, "ten are watched")
    for sender in senders[10:]:
        seer.mail(sender)
    seer.pub.flush()
    wait_for(lambda: set(lists.verdicts()) == set(senders[20:]), 30, "the last ten are")
    assert newest(lists)[senders[0]][0].tier == 0, "with a removal"


def test_an_agent_that_is_seen_again_is_kept_by_day_and_counts_once(quick, seer):
    lists, agent, now = quick, "46.4.8.1", int(time.time())
    lists.start()
    days = [now - 9 * DAY, now - 2 * DAY, now]
    for at in reversed(days):
        seer.agents("fluxing.tip-b.net", agent, network="net-1", at=at)
        seer.agents("fluxing.tip-b.net", agent, network="net-1", at=at)
    seer.pub.flush()
    wait_kept(lists, 2 * len(days), "the agent and the name, each day")
    seer.mail("46.4.8.2", depth=3)
    seer.mail("46.4.8.3")
    seer.pub.flush()
    for value, depth in (agent, 2), ("46.4.8.2", 4):
        wait_verdict(lists, value, 1)
        depths = [s.event.depth for s in lists.events("v1.verdict.") for v in s.payload.verdicts if v.indicator.value == value]
        assert min(depths) >= depth, "one deeper than what it rests on"
    check_verdict(*wait_verdict(lists, agent, 1), [("flux", "net-1", now)])


def test_a_verdict_is_marked_by_what_it_rests_on(quick, seer, rng):
    """Not by what happens to be told together with it; nor is it as deep."""
    lists, values = quick, addresses(rng, 90)
    lists.start()
    marked = {value: 1 + i % 3 for i, value in enumerate(values)}
    for i, value in enumerate(values):
        seer.mail(value, tlp=marked[value], depth=i // 3 % 4)
    seer.pub.flush()
    wait_for(lambda: set(lists.verdicts()) == set(values), 30, "all are watched")
    for stored in lists.events("v1.verdict."):
        for verdict in stored.payload.verdicts:
            assert stored.stamp.tlp == marked[verdict.indicator.value]
            assert stored.event.depth == 1 + values.index(verdict.indicator.value) // 3 % 4


def test_an_audience_sees_what_it_may(quick, seer, site):
    lists = quick
    lists.start()
    seer.mail("46.4.7.1", tlp=1)
    seer.mail("46.4.7.2", tlp=2)
    seer.mail("46.4.7.2", trap="second", tlp=3)
    seer.mail("46.4.7.3", tlp=3)
    seer.pub.flush()
    wait_verdict(lists, "46.4.7.2", 2)
    wait_verdict(lists, "46.4.7.3", 1)

    def shown(door):
        done = subprocess.run([binary("tip"), "snapshot", "verdict", "--door", door, "-o", "ndjson", "--config",
                               site.config_path], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return {row["value"]: row["tier"] for row in map(json.loads, done.stdout.splitlines())}

    assert shown("clear") == {"46.4.7.1": "watch"}
    assert shown("green") == {"46.4.7.1": "watch", "46.4.7.2": "watch"}
    assert shown("amber") == {"46.4.7.1": "watch", "46.4.7.2": "slow", "46.4.7.3": "watch"}
