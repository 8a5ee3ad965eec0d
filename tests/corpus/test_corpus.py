"""Real lists, two or more versions each, through the whole chain: the rows are those of an independent recount."""
import collections
import csv
import gzip
import os
import pathlib

import pytest

import tip_lists
from tip_chain import Chain

CORPUS = pathlib.Path(os.environ["TIP_CORPUS"]) / "blocklists"

List = collections.namedtuple("List", "files values type options")


def lines(*files, type="auto", comment="#", options=None, values=None):
    return List(files, values or (lambda body: tip_lists.lines(body, comment=comment)), type,
                {"kind": "lines", **(options or {})})


def hosts(*files):
    return List(files, tip_lists.hosts, "domain", {"kind": "hosts"})


def table(*files, column, type):
    return List(files, lambda body: tip_lists.table(body, column=column - 1), type,
                {"kind": "csv", "header": True, "column": column})


def warninglist(*files, type):
    return List(files, tip_lists.warninglist, type, {"kind": "json", "pointer": "/list/*"})


LISTS = {
    "threatfox": lines(*(f"threatfox/ips-2026-08-{day}.txt" for day in (15, 20, 21, 22)), type="ip4"),
    "shrink": lines("anomalies/threatfox-2025-05-01-before-shrink.txt",
                    "anomalies/threatfox-2025-05-01-after-shrink.txt", type="ip4"),
    "drop": lines("spamhaus/drop-v4-2020-10-15.txt", "spamhaus/drop-v4-2024-01-20.txt",
                  "spamhaus/drop-v4-2024-02-25.txt", type="net", comment="#;"),
    "drop6": lines("spamhaus/drop-v6-2024-02-25.txt", type="net", comment="#;"),
    "edrop": lines("spamhaus/edrop-2024-02-27.txt", type="net", comment="#;"),
    "tor": lines("tor/exit-2024-02-26.lst", "tor/exit-2024-02-27.lst", type="net"),
    "tor-nodes": lines("tor/all-nodes-2024-02-27.lst", type="net"),
    "disposable": lines("disposable/domains-2026-07-01.conf", "disposable/domains-2026-08-21.conf", type="domain"),
    "blackbook": table("blackbook/blackbook-2024-07-31.csv", "blackbook/blackbook-2024-09-01.csv", column=1,
                       type="domain"),
    "sw-threats": lines("shadowwhisperer/threats-2026-08-07.txt", "shadowwhisperer/threats-2026-08-08.txt",
                        type="ip4"),
    "sw-probes": lines("shadowwhisperer/probes-2026-08-07.txt", "shadowwhisperer/probes-2026-08-08.txt", type="ip4"),
    "sw-scanners": lines("shadowwhisperer/scanners-2026-08-08.txt", type="ip4"),
    "sw-threats-csv": table("shadowwhisperer/threats-2026-08-08.csv", column=1, type="ip4"),
    "stalkerware": lines("stalkerware/hosts-2025-12", "stalkerware/hosts-2026-06-21", type="domain"),
    "stalkerware-csv": table("stalkerware/network-2025-12.csv", "stalkerware/network-2026-06-21.csv", column=2,
                             type="auto"),
    "mirai": lines("maltrail/elf_mirai-2026-08-17.txt", "maltrail/elf_mirai-2026-08-19.txt"),
    "mass-scanner": lines("maltrail/mass_scanner-2026-08-14.txt"),
    "miner": lines("maltrail/generic_miner.txt"),
    "ransomware": hosts("blocklistproject/ransomware-hosts-2025.txt", "blocklistproject/ransomware-hosts-2026-07.txt"),
    "scam": hosts("blocklistproject/scam-hosts-2026-07.txt"),
    "ipsum": lines("ipsum/ipsum-2026-08-22.txt", type="ip4", options={"column": 1}),
    "ipsum-3-gz": lines("compressed/ipsum-levels-3.txt.gz", type="ip4"),
    "phish-ips": lines("phishing-database/ips-active-2026-08-01.txt", type="ip4"),
    "phish-links": lines("phishing-database/links-inactive-2026-08-01.txt", type="url", comment="",
                         options={"comments": ""}),
    "rpz": List(("ph00lt0/rpz-2026-08-22.txt",), tip_lists.rpz, "domain", {"kind": "rpz"}),
    "wildcard": lines("ph00lt0/wildcard-2026-08-22.txt", type="domain"),
    "sinkholes": warninglist("misp-warninglists/sinkholes.json", type="net"),
    "parking": warninglist("misp-warninglists/parking-domain.json", type="net"),
    "public-dns": warninglist("misp-warninglists/public-dns-v4.json", type="net"),
}

# the file, and the reason with which it must be refused
NOT_LISTS = {
    "asn-drop-2021-11-04-empty.txt": "empty",
    "tor-exit-2024-02-25-empty.lst": "empty",
    "drop-v4-2022-06-03-could-not-connect.txt": "error_text",
    "tor-exit-2022-04-15-html-503.html": "html",
    "tor-nodes-2021-09-13-html-504.html": "html",
    "tor-exit-2018-03-13-403-log.txt": "error_text",
}

# rows of reference-metrics.tsv: the source here and how many files into its versions
REFERENCE_VOLUME = {"ipsum": "ipsum", "threatfox": "threatfox", "sw_scanners": "sw-scanners",
                    "sw_threats": "sw-threats-csv", "phishdb_ip": "phish-ips", "mt_scanner": "mass-scanner",
                    "mt_mirai": "mirai"}
REFERENCE_CHANGES = {("threatfox 2026-08-15", "2026-08-20"): ("threatfox", 2),
                     ("threatfox 2026-08-20", "2026-08-21"): ("threatfox", 3),
                     ("threatfox 2026-08-21", "2026-08-22"): ("threatfox", 4),
                     ("threatfox before-shrink", "after-shrink"): ("shrink", 2)}


def body_of(file):
    return (CORPUS / file).read_bytes()


def recount(made, file):
    body = body_of(file)
    return tip_lists.recount(made.values(gzip.decompress(body) if file.endswith(".gz") else body), made.type)


def ipv4_hosts(entries):
    """What reference-metrics.tsv counts: distinct single IPv4 addresses, a port cut off."""
    return {value.split(":")[0] for kind, value in entries
            if kind in ("ip", "endpoint") and value.count(":") <= 1}


@pytest.fixture(scope="module")
def chain():
    import tip_harness

    site = tip_harness.Site()
    chain = Chain(site)
    for name, made in LISTS.items():
        chain.source(name, body_of(made.files[0]), type=made.type, **made.options)
    for file in NOT_LISTS:
        chain.source(f"bad-{file.split('.')[0]}", "192.0.2.1\n192.0.2.2\n", type="net")
    chain.source("default-route", "198.51.100.1\n", type="net")
    try:
        yield chain.start()
    except BaseException:
        print(site.logs())
        raise
    finally:
        site.close()


@pytest.fixture(scope="module")
def history(chain):
    """Serves each version in turn; after each, {source: set of (kind, value)} as the tables have it."""
    steps = []
    for i in range(max(len(made.files) for made in LISTS.values())):
        for name, made in LISTS.items():
            if i < len(made.files):
                chain.serve(name, body_of(made.files[i]))
        chain.run(deadline_s=300)
        steps.append({name: chain.listed(name) for name in LISTS})
    return steps


@pytest.mark.parametrize("name", LISTS)
def test_rows_are_the_recount(history, name):
    made = LISTS[name]
    for i, file in enumerate(made.files):
        wanted, found = recount(made, file), history[i][name]
        assert found == wanted, (f"{file}: {len(found)} rows, {len(wanted)} recounted; missing "
                                 f"{sorted(wanted - found)[:5]}, too many {sorted(found - wanted)[:5]}")


def test_changes_are_the_recount(chain, history):
    rows = chain.rows("select s.name, h.version, h.n_added, h.n_removed from tip.source_history h "
                      "join tip.source s on s.id = h.source_id order by s.name, h.version")
    found = collections.defaultdict(list)
    for row in rows:
        found[row["name"]].append((row["n_added"], row["n_removed"]))
    for name, made in LISTS.items():
        sets = [recount(made, file) for file in made.files]
        wanted = [(len(sets[0]), 0)] + [(len(b - a), len(a - b)) for a, b in zip(sets, sets[1:]) if a != b]
        assert found[name] == wanted, name


def test_reference_metrics(history):
    with open(CORPUS / "reference-metrics.tsv", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    checked = 0
    for row in rows:
        value = int(row["value"])
        if row["metric"] == "volume":
            name = REFERENCE_VOLUME[row["source"]]
            assert len(ipv4_hosts(history[len(LISTS[name].files) - 1][name])) == value, row
        elif row["metric"] in ("added", "removed"):
            name, version = REFERENCE_CHANGES[row["source"], row["other"]]
            before, after = (ipv4_hosts(history[version + k][name]) for k in (-2, -1))
            assert len(after - before if row["metric"] == "added" else before - after) == value, row
        else:
            continue
        checked += 1
    assert checked == 15, "every volume and change of the reference has its list here"


@pytest.mark.parametrize("file", NOT_LISTS)
def test_what_is_no_list_changes_nothing(chain, history, file):
    name = f"bad-{file.split('.')[0]}"
    before = chain.listed(name)
    assert before == {("ip", "192.0.2.1"), ("ip", "192.0.2.2")}
    chain.serve(name, (CORPUS / "anomalies" / file).read_bytes())
    chain.run(name)
    state = chain.states()[name]
    assert (state["state"], state["reason"]) == ("failed", NOT_LISTS[file]), state
    assert state["detail"]
    assert (chain.listed(name), state["version"]) == (before, 1)


def test_default_route_is_a_counted_reject(chain, history):
    chain.serve("default-route", (CORPUS / "anomalies/x4bnet-torexit-2021-05-21-default-route.txt").read_bytes())
    chain.run("default-route")
    row = chain.rows("select state, version, rejected from tip.source where name = 'default-route'")[0]
    assert row["state"] == "failed" and row["version"] == 1
    assert row["rejected"] == {"default_route": 1}
    assert chain.listed("default-route") == {("ip", "198.51.100.1")}
