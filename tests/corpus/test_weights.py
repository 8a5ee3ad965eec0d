"""Measured weights of real lists: every number as a recount has it, allow hits as the reference has them."""
import csv
import ipaddress
import json
import os
import pathlib
import re

from tip_weights import DAY, World, differences, recount

CORPUS = pathlib.Path(os.environ["TIP_CORPUS"]) / "blocklists"
QUAD = re.compile(r"((25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])(\.(?!$)|$)){4}\Z")
ROLES = {
    "infrastructure": ["googlebot", "google-gmail-sending-ips", "cloudflare", "fastly", "microsoft-office365-ip",
                       "smtp-sending-ips"],
    "resolver": ["public-dns-v4"],
    "scanner": ["shodan-scanning", "censys-scanning"],
    "sinkhole": ["sinkholes"],
}
LISTS = {
    "threatfox": [f"threatfox/ips-2026-08-{day}.txt" for day in (15, 20, 21, 22)],
    "ipsum": ["ipsum/ipsum-2026-08-22.txt"],
    "sw_scanners": ["shadowwhisperer/scanners-2026-08-08.txt"],
    "phishdb_ip": ["phishing-database/ips-active-2026-08-01.txt"],
    "mt_scanner": ["maltrail/mass_scanner-2026-08-14.txt"],
}
START = 1_786_000_000


def hosts(file):
    for line in (CORPUS / file).read_text(encoding="utf-8", errors="replace").splitlines():
        fields = line.partition("#")[0].split()
        if fields and QUAD.match(fields[0]):
            yield fields[0]


def ordinary(entry):
    """The recount knows one special-use network only."""
    return ipaddress.ip_address(entry).is_global and int(entry.partition(".")[0]) < 224


def allowed(names):
    found = []
    for name in names:
        found += [t.strip() for t in json.loads((CORPUS / f"misp-warninglists/{name}.json").read_text())["list"]
                  if QUAD.match(t.strip().partition("/")[0])]
    return found


def world_of(folder, limit=None):
    world = World(folder)
    for name, files in LISTS.items():
        world.source(name)
        for day, file in enumerate(files):
            world.deliver(START + day * DAY + len(name), name, sorted(filter(ordinary, hosts(file)))[:limit])
    return world


def test_allow_hits_are_those_of_the_reference(tmp_path):
    world = world_of(tmp_path)
    world.deliveries = [one for one in world.deliveries if one[1] != "threatfox"]
    world.deliver(START, "threatfox", hosts(LISTS["threatfox"][-1]))
    world.roles = {role: allowed(names) for role, names in ROLES.items()}
    found = world.weigh(START + DAY)
    with open(CORPUS / "reference-metrics.tsv") as file:
        reference = {(r["source"], r["other"]): int(r["value"]) for r in csv.DictReader(file, delimiter="\t")
                     if r["metric"].startswith("allow")}
    groups = {"infrastructure": "infrastructure", "public_dns": "resolver", "known_scanner": "scanner",
              "sinkhole": "sinkhole"}
    checked = 0
    for (source, group), hits in reference.items():
        if source in LISTS and group in groups:
            assert found[source][f"hits_{groups[group]}"] == hits, (source, group)
            checked += 1
    assert checked >= 4 * (len(LISTS) - 1)


def test_overlaps_are_those_of_the_reference(tmp_path):
    """Newest lists only; the one list with special-use addresses shares none of them."""
    world = World(tmp_path)
    for name, files in LISTS.items():
        world.source(name)
        world.deliver(START, name, hosts(files[-1]))
    found = world.weigh(START)
    with open(CORPUS / "reference-metrics.tsv") as file:
        reference = {(r["source"], r["other"]): int(r["value"]) for r in csv.DictReader(file, delimiter="\t")
                     if r["metric"] == "common" and {r["source"], r["other"]} <= LISTS.keys()}
    assert len(reference) == len(LISTS) * (len(LISTS) - 1) // 2
    for (one, other), common in reference.items():
        assert found[one][f"shared:{other}"] == found[other][f"shared:{one}"] == common, (one, other)


def test_every_number_is_that_of_a_recount(tmp_path):
    world = world_of(tmp_path, limit=3000)
    world.roles = {"sinkhole": allowed(ROLES["sinkhole"]), "infrastructure": allowed(["fastly", "cloudflare"])}
    end = START + 5 * DAY
    assert differences(world.weigh(end), recount(world, end)) == []
