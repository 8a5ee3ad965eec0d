"""The set engine on real lists: volume, overlap, exclusive, histogram, allow lists and changes as the reference has them.

The lists are read here by the rules of the corpus (its README), so that only the engine is in question.
"""
import csv
import itertools
import json
import os
import pathlib
import re

import pytest

import tip_sets

CORPUS = pathlib.Path(os.environ["TIP_CORPUS"]) / "blocklists"
PART = r"(0|[1-9][0-9]?|1[0-9]{2}|2[0-4][0-9]|25[0-5])"
QUAD = re.compile(rf"{PART}(\.{PART}){{3}}\Z")

LISTS = {
    "ipsum": "ipsum/ipsum-2026-08-22.txt",
    "threatfox": "threatfox/ips-2026-08-22.txt",
    "sw_scanners": "shadowwhisperer/scanners-2026-08-08.txt",
    "sw_threats": "shadowwhisperer/threats-2026-08-08.csv",
    "phishdb_ip": "phishing-database/ips-active-2026-08-01.txt",
    "mt_scanner": "maltrail/mass_scanner-2026-08-14.txt",
    "mt_mirai": "maltrail/elf_mirai-2026-08-19.txt",
}
ALLOW = {
    "special_use": ["rfc1918", "rfc5735", "rfc6598", "multicast"],
    "infrastructure": ["googlebot", "google-gmail-sending-ips", "cloudflare", "fastly", "microsoft-office365-ip",
                       "smtp-sending-ips"],
    "public_dns": ["public-dns-v4"],
    "known_scanner": ["shodan-scanning", "censys-scanning"],
    "sinkhole": ["sinkholes"],
}
VERSIONS = {
    **{f"threatfox 2026-08-{day}": f"threatfox/ips-2026-08-{day}.txt" for day in (15, 20, 21, 22)},
    "threatfox before-shrink": "anomalies/threatfox-2025-05-01-before-shrink.txt",
    "threatfox after-shrink": "anomalies/threatfox-2025-05-01-after-shrink.txt",
}


def hosts(file):
    """Every strict dotted quad that begins a line, as the reference counts them."""
    for line in (CORPUS / file).read_text(encoding="utf-8", errors="replace").splitlines():
        fields = (line.partition("#")[0].split(",") if file.endswith(".csv") else line.partition("#")[0].split())
        first = fields[0].strip().strip('"') if fields else ""
        if "elf_mirai" in file:
            first = first.partition(":")[0]
        if QUAD.match(first):
            yield first


def allowed(names):
    for name in names:
        for text in json.loads((CORPUS / f"misp-warninglists/{name}.json").read_text())["list"]:
            base, slash, bits = text.strip().partition("/")
            if QUAD.match(base) and (not slash or bits.isdigit()):
                yield text.strip()


def reference(*metrics):
    with open(CORPUS / "reference-metrics.tsv") as file:
        return {(row["metric"], row["source"], row["other"]): int(row["value"])
                for row in csv.DictReader(file, delimiter="\t") if row["metric"].startswith(metrics)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("sets")


@pytest.fixture(scope="module")
def files(folder):
    return tip_sets.write(folder, {name: list(hosts(file)) for name, file in LISTS.items()})


def test_metrics(files):
    expected = reference("volume", "exclusive", "common", "union", "listed_in_")
    found = tip_sets.rows("metrics", files)
    assert len(expected) == 7 + 7 + 21 + 1 + 4
    for (metric, source, other), value in expected.items():
        assert found.pop((metric, source.replace("all", ""), other)) == value, (metric, source, other)
    assert all(metric.startswith("listed_in_") and not value for (metric, _, _), value in found.items())


def test_allow_lists(files, folder):
    expected = reference("allow_hits")
    groups = tip_sets.write(folder, {name: list(allowed(names)) for name, names in ALLOW.items()})
    found = tip_sets.rows("metrics", {**files, **groups})
    assert len(expected) == len(LISTS) * len(ALLOW)
    for (_, source, group), value in expected.items():
        assert found["common", source, group] == value, (source, group)


def test_changes(folder):
    paths = tip_sets.write(folder, {name: list(hosts(file)) for name, file in VERSIONS.items()})
    expected = reference("added", "removed")
    assert len(expected) == 8
    for (metric, old, new), value in expected.items():
        found = tip_sets.rows("diff", {"old": paths[old], "new": paths[f"threatfox {new}"]})
        assert found[metric, "", ""] == value, (metric, old, new)


def test_the_union_is_that_of_iprange(files):
    assert tip_sets.ours("union", *files.values()) == tip_sets.iprange_union(files.values())


def test_all_pairs_are_those_of_iprange(files, folder):
    groups = tip_sets.write(folder, {name: list(allowed(names)) for name, names in ALLOW.items()})
    everything = {**files, **groups}
    found = tip_sets.rows("metrics", everything)
    theirs = tip_sets.iprange_common(everything)
    for one, other in itertools.combinations(everything, 2):
        count = theirs.get((one, other), theirs.get((other, one)))
        assert found["common", one, other] == count, (one, other)
