"""What reference lists exempt, on the real service: taken from scores and exports, said, and given back; every verdict is
counted again from the lists, the weights and nothing else."""
import concurrent.futures
import json
import os

import pytest

from test_blacklist import addresses, text
from test_exports import Exports
from tip_harness import open_to_nobody, wait_for
from tip_verdicts import Exempt, Source, check, read_seen

RESOLVER, SCANNER, OTHER, INSIDE = "45.1.2.53", "45.9.0.7", "45.7.7.7", "45.1.2.0/24"
WEIGHTS = {"a": 0.7, "b": 0.6}
WARN = {"public-dns-v4": [RESOLVER, "2001:db9::53"], "shodan-scanning": ["45.9.0.0/24"], "infrastructure-cdn": [".cdn.net"],
        "tranco10k": ["site.com"]}
GONE = {RESOLVER, SCANNER, "2001:db9::53", "img.cdn.net", "site.com"}
STAYS = {OTHER, INSIDE, "bad.site.com", "net.org"} | {f"46.1.1.{n}" for n in range(60)}  # so that no export loses half


@pytest.fixture
def lists(site, broker, pub):
    lists = Exports(site, pub)
    lists.warn = open_to_nobody(site.dir / "warninglists")
    lists.section.update(warninglists=str(lists.warn), verdict_clock="1h")
    lists.view("plain", format="plain", tier="watch", audience="amber")
    return lists


def warn(lists, **names):
    for name, entries in (WARN | names).items():
        (lists.warn / f"{name}.json").write_text(json.dumps({"type": "cidr", "list": entries}))


def put(lists, nginx, values):
    for name, weight in WEIGHTS.items():
        lists.source(name, nginx.write(f"{name}.txt", text(sorted(values))), weight=weight, interval="1h")


def quiet(lists):
    """No job is left, and all that they say is in the journal."""
    wait_for(lambda: lists.service.metric("tip_blacklist_jobs") == lists.service.metric("tip_outbox_events") == 0, 60,
             "all jobs are done")


def told(lists):
    return [s for s in lists.events("v1.verdict.")]


def newest(lists):
    return {v.indicator.value: v for s in told(lists) for v in s.payload.verdicts}


def recount(lists):
    found = {}
    for name, weight in WEIGHTS.items():
        seen, = (lists.site.data / "blacklist" / "sets").glob(f"{name}-*.seen")
        found[name] = Source(read_seen(seen), weight, group=name)
    return found


def check_told(lists, since, directory):
    """Counts again what was told since then."""
    sources, exempt, n = recount(lists), Exempt(directory), 0
    for seen in told(lists)[since:]:
        for verdict in seen.payload.verdicts:
            check(sources, verdict, seen.payload.scored_unix_ms // 1000, exempt)
            n += 1
    return n


def test_what_a_list_names_goes_says_why_and_comes_back(lists, nginx):
    put(lists, nginx, GONE | STAYS)
    lists.start()
    lists.run()
    assert set(lists.verdicts()) == GONE | STAYS
    lists.settled("plain")
    assert lists.listed("plain") >= {RESOLVER, INSIDE, "site.com"}
    before = len(told(lists))
    warn(lists)
    lists.service.reload()
    wait_for(lambda: set(lists.verdicts()) == STAYS, 30, lambda: f"they are exempt: {lists.verdicts()}")
    quiet(lists)
    assert check_told(lists, before, lists.warn) == len(GONE)
    assert {s.payload.cause_source for s in told(lists)[before:]} == {"warninglists"}
    why = newest(lists)[RESOLVER]
    assert (why.reasons[0].source, why.score, why.tier) == ("resolver:public-dns-v4", 0, 0)
    assert newest(lists)["site.com"].reasons[0].source == "top_site:tranco10k"
    assert lists.service.metric("tip_blacklist_exempted_total") == len(GONE)
    assert lists.service.metric("tip_blacklist_exempt_lists") == 4
    lists.settled("plain")
    listed = lists.listed("plain")
    assert not listed & (GONE | {INSIDE}) and "45.1.2.0/27" in listed, "and a network is cut around what is exempt in it"
    assert lists.caller.control("blacklist", "deny_add", RESOLVER).ok
    wait_for(lambda: lists.verdicts().get(RESOLVER) == 1, 20, "the operators' word comes after it")
    assert lists.caller.control("blacklist", "deny_remove", RESOLVER).ok
    wait_for(lambda: RESOLVER not in lists.verdicts(), 20, "and when it is gone the list's holds again")
    quiet(lists)
    before = len(told(lists))
    (lists.warn / "public-dns-v4.json").unlink()
    lists.service.reload()
    back = {RESOLVER, "2001:db9::53"}
    wait_for(lambda: set(lists.verdicts()) == STAYS | back, 30, lambda: f"they are back: {lists.verdicts()}")
    quiet(lists)
    assert check_told(lists, before, lists.warn) == len(back)
    lists.settled("plain")
    assert lists.listed("plain") >= back | {INSIDE}


def test_the_order_in_which_they_come_does_not_matter(lists, nginx):
    warn(lists)
    put(lists, nginx, GONE | STAYS)
    lists.start()
    lists.run()  # at once: nothing is told before the lists were read
    quiet(lists)
    assert set(lists.verdicts()) == STAYS
    assert not [verdict for seen in told(lists) for verdict in seen.payload.verdicts
                if verdict.indicator.value in GONE and verdict.tier]
    assert newest(lists).keys() == GONE | STAYS, "what is exempt from the beginning is said, too"
    assert newest(lists)[SCANNER].reasons[0].source == "scanner:shodan-scanning"
    before = len(told(lists))
    whole = (lists.warn / "tranco10k.json").read_text()
    (lists.warn / "tranco10k.json").write_text(whole[:-2])
    lists.service.reload()
    wait_for(lambda: "exempt.lists_damaged" in lists.service.log_text(), 30, "a damaged list is seen")
    assert lists.caller.control("blacklist", "baseline", "*").ok
    quiet(lists)
    assert set(lists.verdicts()) == STAYS, "and leaves what is in force"
    (lists.warn / "tranco10k.json").write_text(whole)
    assert check_told(lists, before, lists.warn) == 2 * len(GONE | STAYS), "by a baseline of each of the two"


def test_a_damaged_list_does_not_keep_the_others_as_they_were(lists, nginx):
    warn(lists)
    put(lists, nginx, GONE | STAYS)
    lists.start()
    lists.run()
    wait_for(lambda: set(lists.verdicts()) == STAYS, 30, "they are exempt")
    quiet(lists)
    (lists.warn / "tranco10k.json").unlink()
    (lists.warn / "peer-own.json").write_text("{")
    os.utime(lists.warn / "peer-own.json", (1, 1))
    (lists.warn / "peer-own.json~").write_text("{")
    (lists.warn / "peer-own.json.bak").write_text("{")
    lists.service.reload()
    wait_for(lambda: set(lists.verdicts()) == STAYS | {"site.com"}, 30, lambda: f"{lists.verdicts()}")
    line, = lists.service.log_lines("exempt.lists_damaged")
    assert "files=1" in str(line), "what an editor has left behind is no list"


def test_kill_9_while_verdicts_follow(lists, nginx, rng):
    """Kills within the job, there and back: nothing is missing, and no part is told twice."""
    pool = addresses(rng, 20_000)
    lists.section.update(verdict_rate=6000)
    put(lists, nginx, pool + [OTHER])
    lists.start()
    lists.run(deadline_s=120)
    warn(lists, **{"resolver-all": pool})
    for stays in ({OTHER}, {OTHER, *pool}):
        before, kills = len(told(lists)), 0
        lists.service.reload()
        while set(lists.verdicts()) != stays and kills < 3:
            n = len(told(lists))
            wait_for(lambda n=n, s=stays: len(told(lists)) > n or set(lists.verdicts()) == s, 60, "a part is told, or all was")
            lists.service.kill()
            lists.service.start()
            kills += 1
        wait_for(lambda stays=stays: set(lists.verdicts()) == stays, 120, lambda: f"{len(lists.verdicts())} stand")
        quiet(lists)
        parts = [(s.payload.version, s.payload.part) for s in told(lists)[before:]]
        assert kills and len(parts) == len(set(parts)), "a part is told once"
        assert check_told(lists, before, lists.warn) == len(pool)
        (lists.warn / "resolver-all.json").unlink(missing_ok=True)
    tables = lists.site.data / "blacklist" / "exempt"
    assert len(list(tables.iterdir())) == 1, "what nobody needs any more is gone"


def test_a_lost_table_is_made_again(lists, nginx):
    warn(lists)
    put(lists, nginx, GONE | STAYS)
    lists.start()
    lists.run()
    wait_for(lambda: set(lists.verdicts()) == STAYS, 30, "they are exempt")
    quiet(lists)
    assert lists.service.term() == 0
    for table in (lists.site.data / "blacklist" / "exempt").iterdir():
        table.write_bytes(table.read_bytes()[:-1])
    (lists.warn / "tranco10k.json").unlink()
    before = len(told(lists))
    with concurrent.futures.ThreadPoolExecutor(1) as waiting:  # as storage does after a restore: it asks before anything
        baseline = waiting.submit(lists.caller.control, "blacklist", "baseline", "*", deadline_s=30)
        lists.start()
        assert baseline.result().ok
    wait_for(lambda: set(lists.verdicts()) == STAYS | {"site.com"}, 30, lambda: f"by the lists of now: {lists.verdicts()}")
    assert "exempt.lost" in lists.service.log_text()
    quiet(lists)
    again = [verdict for seen in told(lists)[before:] for verdict in seen.payload.verdicts
             if verdict.indicator.value in GONE - {"site.com"}]
    assert {verdict.indicator.value for verdict in again} == GONE - {"site.com"}
    assert not any(verdict.tier for verdict in again), "not for a moment"
