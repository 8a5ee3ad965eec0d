"""Exports of the real service: what is in them is counted anew here, and each is given to the program it is made for."""
import hashlib
import ipaddress
import json
import os
import subprocess
import time

import pytest
import yaml

import tip_exports as read
from test_blacklist import Lists, text
from test_evidence import Seer
from tip_harness import open_to_nobody, wait_for
from tip_web import Web
from tip_wire import Caller

FORMATS = ["plain", "csv", "json", "rbldnsd-ip4", "rbldnsd-ip6", "rbldnsd-names", "rpz", "ipset", "nftables", "postfix-cidr",
           "postfix-texthash", "rspamd", "stix", "misp"]
READERS = {"plain": read.plain, "csv": read.table, "json": read.ndjson, "rbldnsd-ip4": read.rbldnsd,
           "rbldnsd-ip6": read.rbldnsd, "rbldnsd-names": read.rbldnsd, "rpz": read.rpz, "ipset": read.ipset,
           "nftables": read.nft, "postfix-cidr": read.cidr, "postfix-texthash": read.texthash, "rspamd": read.plain}
IP4, IP6, NAMES, OTHER = "ip4", "ip6", "names", "other"
SAYS = {"plain": (IP4, IP6, NAMES, OTHER), "csv": (IP4, IP6, NAMES, OTHER), "json": (IP4, IP6, NAMES, OTHER),
        "rbldnsd-ip4": (IP4,), "rbldnsd-ip6": (IP6,), "rbldnsd-names": (NAMES,), "rpz": (IP4, IP6, NAMES),
        "ipset": (IP4, IP6), "nftables": (IP4, IP6), "postfix-cidr": (IP4, IP6), "postfix-texthash": (NAMES,),
        "rspamd": (IP4, IP6), "stix": (IP4, IP6, NAMES, OTHER), "misp": (IP4, IP6, NAMES, OTHER)}


class Exports(Lists):
    def __init__(self, site, pub):
        super().__init__(site, pub)
        self.out = open_to_nobody(site.dir / "exports")
        self.section = site.config["blacklist"]
        self.section.update(export_dir=str(self.out), export_interval="100ms", exports=[])
        self.caller = Caller(site.endpoint("work"))
        site.closing.callback(self.caller.close)

    def view(self, name, **fields):
        self.section["exports"].append({"name": name, **fields})

    def views(self, tier="watch", audience="amber", suffix="", **fields):
        """One of each format."""
        for name in FORMATS:
            types = {"types": ["ip4", "ip6"]} if name == "rspamd" else {}
            self.view(name + suffix, format=name, tier=tier, audience=audience, zone="bl.tip.example",
                      **types, **fields)

    def show(self, name):
        return json.loads(self.caller.control("blacklist", "export_show", name).values[name])

    def settled(self, *names, deadline_s=30):
        """Each has been worked out from its beginning after this call; returns what became of them."""
        def until(name, before):
            found = self.show(name)
            return found if found["runs"] > before else None
        rows = []
        for name in names:
            for _ in range(2):  # one may have been under way
                before = self.show(name)["runs"]
                self.caller.control("blacklist", "export_run", name)
                row = wait_for(lambda n=name, b=before: until(n, b), deadline_s, f"export {name} is worked out")
            rows.append(row)
        return rows if len(rows) > 1 else rows[0]

    def file(self, name, n=0):
        return self.out / name / self.show(name)["files"][n]["name"]

    def text(self, name):
        return self.file(name).read_text()

    def listed(self, name, format=None, audience="amber"):
        format = format or name
        if format == "stix":
            return read.stix(self.text(name), audience)
        if format == "misp":
            return read.misp(lambda file: (self.out / name / file).read_text(), audience)
        return READERS[format](self.text(name))


@pytest.fixture
def exports(site, broker, pub):
    return Exports(site, pub)


def of_kind(values, format):
    """What of the expected values a format can say."""
    def kind(value):
        if value in [*SYSTEMS, *HASHES, *MAILS]:
            return OTHER
        if "://" in value or (value.count(":") == 1 and value.rpartition(":")[2].isdigit()) or value.startswith("["):
            return OTHER
        try:
            return IP4 if ipaddress.ip_network(value).version == 4 else IP6
        except ValueError:
            return NAMES
    return {value for value in values if kind(value) in SAYS[format]}


HOSTS = ["11.0.0.7", "11.0.0.8", "45.1.2.3", "2600:1::7", "2600:1::8"]
NETS = ["46.4.0.0/16", "46.4.8.0/24", "2a00:99::/32"]
DOMAINS = ["bad.tip-a.com", "*.worse.tip-b.net", "xn--bcher-kva.com"]
URLS = ["http://tip-c.com/a,b'c(\"d\")", "https://tip-d.com/?x=%27%3B--", "http://45.1.2.4/x\\y"]
CANONICAL_URLS = ["http://tip-c.com/a,b'c(%22d%22)", "https://tip-d.com/?x=%27%3B--", "http://45.1.2.4/x%5Cy"]
PORTS = ["45.1.2.5:443", "[2600:1::9]:8080"]
SYSTEMS = ["AS13335", "AS4199999999"]
HASHES = ["d41d8cd98f00b204e9800998ecf8427e", "da39a3ee5e6b4b0d3255bfef95601890afd80709",
          "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"]
MAILS = ["@mail.tip-e.com", "@xn--bcher-kva.com"]
SPECIAL = ["AS64512", "AS23456", "@mail.example", "@co.uk"]
EXPECTED = {*HOSTS, *NETS, "bad.tip-a.com", "worse.tip-b.net", "*.worse.tip-b.net", "xn--bcher-kva.com", *CANONICAL_URLS,
            *PORTS, *SYSTEMS, *HASHES, *MAILS}


@pytest.fixture
def published(exports, nginx):
    """One of each format, over lists of all types; the allow list has something to say about them."""
    mark = {"tlp": "clear", "redistribute": True}
    exports.source("hosts", nginx.write("h.txt", text(HOSTS)), weight=0.95, category="scan", attribution="Hosts \"&\" Co",
                   licence="CC0", **mark)
    exports.source("nets", nginx.write("n.txt", text(NETS)), type="net", weight=0.7, category="botnet", **mark)
    exports.source("names", nginx.write("d.txt", text(DOMAINS)), type="domain", weight=0.95, category="phishing", **mark)
    exports.source("urls", nginx.write("u.txt", text(URLS)), type="url", weight=0.5, **mark)
    exports.source("ports", nginx.write("p.txt", text(PORTS)), type="ip:port", weight=0.5, **mark)
    exports.source("systems", nginx.write("a.txt", text([*SYSTEMS, *SPECIAL[:2]])), type="asn", weight=0.5, **mark)
    exports.source("hashes", nginx.write("s.txt", text(HASHES)), type="hash", weight=0.5, **mark)
    exports.source("mails", nginx.write("m.txt", text([*MAILS, *SPECIAL[2:]])), type="email_domain", weight=0.5, **mark)
    exports.views()
    exports.start()
    assert exports.run().payload.n_ok == 8
    exports.settled(*FORMATS)
    return exports


def test_every_format_says_what_is_listed(published):
    for name in FORMATS:
        shown = published.show(name)
        assert shown["state"] in ("written", "unchanged") and shown["skipped"] == 0, shown
        assert published.listed(name) == of_kind(EXPECTED, name), name
    head = read.head(published.text("plain"))
    assert head["source"][1] == 'hosts: Hosts "&" Co (CC0)' and len(head["source"]) == 8
    assert head["entries"] == [str(published.show("plain")["entries"])] and head["tlp"] == ["amber"]
    read.head(published.text("rpz"), "; ")
    assert 'Hosts "&" Co' in (published.out / "csv/csv.about.txt").read_text()


def test_named_takes_the_zone(published, tmp_path):
    for zone in ("bl.tip.example", "other.example"):
        path = published.file("rpz")
        done = subprocess.run(["/usr/bin/named-checkzone", "-i", "none", zone, path], capture_output=True, text=True)
        if zone == "bl.tip.example":
            assert done.returncode == 0 and "OK" in done.stdout and "ignoring" not in done.stdout + done.stderr, done
            serial = int(done.stdout.split("loaded serial ")[1].split()[0])
    assert serial and serial == published.show("rpz")["serial"]


def test_rbldnsd_answers(published):
    zones = [("bl.tip.example", "ip4trie", published.file("rbldnsd-ip4")),
             ("bl6.tip.example", "ip6trie", published.file("rbldnsd-ip6")),
             ("dbl.tip.example", "dnset", published.file("rbldnsd-names"))]
    dump = subprocess.run(["/usr/sbin/rbldnsd", "-d", "-n", "-b", "127.0.0.1/1", "-u", f"{os.getuid()}:{os.getgid()}",
                           *[f"{zone}:{kind}:{path}" for zone, kind, path in zones]], capture_output=True, text=True)
    assert dump.returncode == 0 and dump.stderr == "", dump.stderr
    server = read.Rbldnsd(published.site, zones).start()
    scan, botnet, phishing = 2, 4, 7
    for name, answer in [
            (read.reversed4("127.0.0.2", "bl.tip.example"), ["127.0.0.2"]),
            (read.reversed4("127.0.0.1", "bl.tip.example"), []),
            (read.reversed4("11.0.0.7", "bl.tip.example"), [f"127.0.{scan}.2"]),
            (read.reversed4("46.4.200.1", "bl.tip.example"), [f"127.0.{botnet}.3"]),
            (read.reversed4("46.5.0.1", "bl.tip.example"), []),
            (read.reversed6("2600:1::7", "bl6.tip.example"), [f"127.0.{scan}.2"]),
            (read.reversed6("2a00:99:1::1", "bl6.tip.example"), [f"127.0.{botnet}.3"]),
            (read.reversed6("2600:1::77", "bl6.tip.example"), []),
            (read.reversed6("::ffff:127.0.0.2", "bl6.tip.example"), ["127.0.0.2"]),
            (read.reversed6("::ffff:127.0.0.1", "bl6.tip.example"), []),
            ("test.dbl.tip.example", ["127.0.0.2"]), ("invalid.dbl.tip.example", []),
            ("bad.tip-a.com.dbl.tip.example", [f"127.0.{phishing}.2"]),
            ("www.bad.tip-a.com.dbl.tip.example", []),
            ("www.worse.tip-b.net.dbl.tip.example", [f"127.0.{phishing}.2"])]:
        assert read.ask(server.port, name) == answer, name


def test_the_kernel_takes_the_sets(published):
    twice = published.text("ipset") + published.text("ipset")
    done = read.alone("sh", "-c", "ipset restore && ipset save", stdin=twice)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    assert read.ipset(done.stdout) == of_kind(EXPECTED, "ipset") and "-new" not in done.stdout
    path = published.file("nftables")
    assert read.alone("nft", "-c", "-f", str(path)).returncode == 0
    done = read.alone("sh", "-c", f"nft -f {path} && nft -f {path} && nft -j list ruleset")
    assert done.returncode == 0, done.stderr
    assert read.covered(read.nft_sets(done.stdout)) == read.covered(of_kind(EXPECTED, "nftables"))


def test_postfix_finds_what_is_listed(published):
    def query(key, kind, view):
        done = subprocess.run(["/usr/sbin/postmap", "-q", key, f"{kind}:{published.file(view)}"], capture_output=True,
                              text=True, env={"MAIL_CONFIG": "/etc/postfix", "PATH": "/usr/sbin:/usr/bin"})
        assert done.stderr == "", done.stderr
        return done.stdout.strip()
    assert query("46.4.8.9", "cidr", "postfix-cidr") == "REJECT listed in postfix-cidr"
    assert query("2600:1::7", "cidr", "postfix-cidr") == "REJECT listed in postfix-cidr"
    assert query("46.5.8.9", "cidr", "postfix-cidr") == ""
    assert query("bad.tip-a.com", "texthash", "postfix-texthash") == "REJECT listed in postfix-texthash"
    assert query(".worse.tip-b.net", "texthash", "postfix-texthash") == "REJECT listed in postfix-texthash"
    assert query("tip-a.com", "texthash", "postfix-texthash") == ""


def test_what_is_allowed_is_in_none(published):
    """Exactly, inside a network, and below a name."""
    for value in ("11.0.0.7", "46.4.8.128/25", "mail.worse.tip-b.net"):
        published.caller.control("blacklist", "allow_add", value)
    left = {str(part) for part in ipaddress.ip_network("46.4.0.0/16").address_exclude(
        ipaddress.ip_network("46.4.8.128/25"))}
    expected = EXPECTED - {"11.0.0.7", "46.4.0.0/16", "46.4.8.0/24", "*.worse.tip-b.net"} | left | {"46.4.8.0/25"}
    wait_for(lambda: published.settled("plain") and published.listed("plain") == expected, 20, "the allow list is applied")
    published.settled(*FORMATS)
    for name in FORMATS:
        assert published.listed(name) == of_kind(expected, name), name


def test_nothing_new_touches_nothing(published, nginx):
    before = {name: (published.file(name).stat().st_mtime_ns, published.show(name)) for name in FORMATS}
    time.sleep(1.1)  # Last-Modified has seconds
    nginx.write("h.txt", "# reordered\n" + text(reversed(HOSTS)))
    published.run()
    for row in published.settled(*FORMATS):
        assert row["state"] == "unchanged", row
    for name, (mtime, shown) in before.items():
        assert published.file(name).stat().st_mtime_ns == mtime
        assert published.show(name)["files"] == shown["files"]
    assert published.service.term() == 0
    published.start()
    for name, (mtime, shown) in before.items():
        wait_for(lambda n=name: published.show(n)["checked"], 20, f"{name} is looked at after a start")
        assert published.show(name)["state"] == "unchanged"
        assert (published.file(name).stat().st_mtime_ns, published.show(name)["files"]) == (mtime, shown["files"])


def test_a_publication_that_loses_too_much_is_held(exports, nginx, site):
    values = [f"45.1.{n}.1" for n in range(100)]
    exports.source("one", nginx.write("one.txt", text(values)), weight=0.95)
    exports.view("drop")
    exports.view("free", can_shrink=True)
    exports.start()
    assert exports.settled("drop")["entries"] == 0, "the first one may be empty"
    exports.run()
    wait_for(lambda: exports.show("drop")["entries"] == 100, 20, "the list is exported")
    first = exports.text("drop")
    serial = exports.show("drop")["serial"]

    def shrink(n):
        time.sleep(1.1)
        nginx.write("one.txt", text(values[:n]))
        exports.run()

    shrink(50)
    wait_for(lambda: exports.show("drop")["entries"] == 50, 20, "half of it may go")
    assert (exports.out / "drop/drop.txt.previous").read_text() == first
    assert exports.show("drop")["serial"] > serial
    shrink(24)
    held = wait_for(lambda: exports.show("drop")["state"] == "held" and exports.show("drop"), 20, "the export is held")
    assert (held["entries"], held["would_have"], held["would_lose"]) == (50, 24, 26) and "26 of 50" in held["why"]
    assert exports.listed("drop", "plain") == set(values[:50])
    wait_for(lambda: exports.show("free")["entries"] == 24, 20, "one without a guard goes on")
    assert exports.service.metric("tip_blacklist_exports_held") == 1
    assert exports.service.log_lines("export.held")
    assert "would be released" in exports.caller.control("blacklist", "export_release", "drop", dry_run=True).result
    assert exports.settled("drop")["state"] == "held"
    exports.caller.control("blacklist", "export_release", "drop")
    wait_for(lambda: exports.show("drop")["state"] == "written", 20, "it is released")
    assert exports.listed("drop", "plain") == set(values[:24])
    applied = [seen for seen in exports.events("v1.control.applied.blacklist.") if seen.payload.action == "export_release"]
    assert [seen.payload.target for seen in applied] == ["drop"]
    # A view that is made otherwise may lose all: that is what was meant.
    exports.section["exports"][0]["types"] = ["domain"]
    exports.service.reload()
    wait_for(lambda: exports.show("drop")["entries"] == 0, 20, "another view under its name")
    assert exports.show("drop")["state"] == "written"


def canary(exports, nginx):
    lists = {"open": ("11.1.1.1", {"tlp": "clear", "redistribute": True}),
             "some": ("11.2.2.2", {"tlp": "green", "redistribute": True}),
             "secret": ("11.3.3.3", {"tlp": "amber", "redistribute": True}),
             "licensed": ("11.4.4.4", {"tlp": "clear", "redistribute": False})}
    for name, (value, mark) in lists.items():
        both = text([value, "11.9.9.9", f"{name}.tip-canary.com", f"2600:{len(name)}::1"])
        exports.source(name, nginx.write(f"{name}.txt", both), weight=0.6, attribution=f"by {name}", **mark)
    return lists


def test_a_canary_is_at_no_wider_exit(exports, nginx):
    """Not a value, a name or a score of what an audience may not see is in any file of it, in any format."""
    lists = canary(exports, nginx)
    sees = {"clear": {"open"}, "green": {"open", "some"}, "amber": set(lists)}
    for audience in sees:
        exports.views(audience=audience, suffix="-" + audience)
    exports.start()
    exports.run()
    exports.settled(*[f"{name}-{audience}" for name in FORMATS for audience in sees])
    for audience, seen in sees.items():
        for format in FORMATS:
            name = f"{format}-{audience}"
            everything = "".join(path.read_text(errors="replace") for path in sorted((exports.out / name).iterdir())
                                 if path.name != ".state")
            state = (exports.out / name / ".state").read_bytes()
            for list_name, (value, _) in lists.items():
                if list_name in seen:
                    continue
                for trace in (value, f"{list_name}.tip-canary", f"by {list_name}", f" {list_name}", f'"{list_name}"'):
                    assert trace not in everything, (name, trace)
                assert f"{list_name}.tip-canary".encode() not in state
            expected = {value for key, (value, _) in lists.items() if key in seen} | {"11.9.9.9"}
            expected |= {f"{key}.tip-canary.com" for key in seen} | {f"2600:{len(key)}::1" for key in seen}
            assert exports.listed(name, format, audience) == of_kind(expected, format), name
    score = {row["indicator"]: row["score"] for row in map(json.loads, exports.text("json-clear").splitlines())}
    assert score == {"11.1.1.1": 0.6, "11.9.9.9": 0.6, "open.tip-canary.com": 0.6, "2600:4::1": 0.6}


def test_what_is_withdrawn_goes_at_once(exports, nginx):
    """However much of the view it is, and from the file before it, too."""
    exports.source("open", nginx.write("open.txt", "11.1.1.1\n"), weight=0.95, tlp="clear", redistribute=True)
    for name, mark in (("lent", {"redistribute": False}), ("told", {"tlp": "amber", "redistribute": True})):
        values = [f"45.{len(mark)}.{n}.1" for n in range(60)]
        exports.source(name, nginx.write(f"{name}.txt", text(values)), weight=0.95, tlp="clear", redistribute=True)
    exports.view("shared", audience="clear")
    exports.view("own")
    exports.start()
    exports.run()
    wait_for(lambda: exports.show("shared")["entries"] == 121, 20, "all is shared")
    for name, mark, left in (("lent", {"tlp": "clear", "redistribute": False}, 61),
                             ("told", {"tlp": "amber", "redistribute": True}, 1)):
        exports.source(name, nginx.url(f"{name}.txt"), weight=0.95, **mark)
        exports.service.reload()
        wait_for(lambda n=left: exports.show("shared")["entries"] == n, 20, f"what {name} says is withdrawn")
        assert exports.show("shared")["state"] in ("written", "unchanged")
        shared = "".join(path.read_text(errors="replace") for path in (exports.out / "shared").iterdir())
        assert ("45.1." in shared, "45.2." in shared) == (False, left > 1), name
    assert exports.settled("own")["entries"] == 121


def test_a_view_for_others_does_not_give_what_was_made_for_some(exports, nginx, site):
    """Not even when what it would have now cannot be published."""
    exports.source("secret", nginx.write("secret.txt", "11.3.3.3\n11.3.3.4\n"), weight=0.95, tlp="amber")
    exports.source("open", nginx.write("open.txt", text(f"45.1.{n}.1" for n in range(20))), weight=0.95, tlp="clear",
                   redistribute=True)
    exports.view("some")
    exports.start()
    exports.run()
    wait_for(lambda: exports.show("some")["entries"] == 22, 20, "it is made for some")
    exports.section["exports"][0].update(audience="clear", max_entries=10)
    exports.service.reload()
    wait_for(lambda: exports.show("some")["state"] == "held", 20, "what all may see is too much")
    shown = exports.show("some")
    assert (shown["audience"], shown["entries"], shown["files"]) == ("clear", 0, []), shown
    done = site.run_program(["tip", "export", "get", "some", "--config", str(site.config_path)], check=False)
    assert done.returncode == 4 and done.stdout == ""
    assert exports.service.term() == 0
    exports.start()
    wait_for(lambda: exports.show("some")["state"] == "held", 20, "it is the same after a start")
    assert exports.show("some")["files"] == []
    exports.section["exports"][0].update(max_entries=100)
    exports.service.reload()
    wait_for(lambda: exports.show("some")["entries"] == 20, 20, "it is made for all")
    assert "11.3.3" not in exports.text("some") and not (exports.out / "some/some.txt.previous").exists()


def test_one_that_cannot_be_written_leaves_the_last_one(exports, nginx, site):
    exports.source("one", nginx.write("one.txt", "11.3.3.3\n"), weight=0.95)
    exports.view("all")
    exports.start()
    exports.run()
    wait_for(lambda: exports.show("all")["entries"] == 1, 20, "it is published")
    before = exports.show("all")
    (exports.out / "all/all.txt.new").mkdir()
    nginx.write("one.txt", "11.3.3.3\n11.3.3.4\n")
    exports.run()
    failed = wait_for(lambda: exports.show("all")["state"] == "failed" and exports.show("all"), 20, "it cannot be written")
    for key in ("files", "serial", "entries", "generated"):
        assert failed[key] == before[key], key
    done = site.run_program(["tip", "export", "get", "all", "--config", str(site.config_path)])
    assert "11.3.3.3" in done.stdout and "11.3.3.4" not in done.stdout
    (exports.out / "all/all.txt.new").rmdir()
    assert exports.settled("all")["entries"] == 2


def test_what_is_special_or_a_suffix_is_in_none(exports, nginx):
    special = ["10.1.2.3", "192.168.0.0/16", "127.0.0.5", "fe80::1", "a.test", "x.example", "b.onion", "1.0.0.127.in-addr.arpa",
               "co.uk", "10.1.2.3:80", "http://10.1.2.3/", "http://a.localhost/", "8.8.8.8"]
    exports.source("one", nginx.write("one.txt", text(special)), weight=0.95,
                   allow_special=["10.0.0.0/8", "192.168.0.0/16", "127.0.0.0/8", "fe80::/10"])
    exports.view("all", tier="watch")
    exports.view("lab", tier="watch", special_use=True)
    exports.start()
    exports.run()
    exports.settled("all", "lab")
    assert exports.listed("all", "plain") == {"8.8.8.8"}
    assert exports.listed("lab", "plain") == set(special) - {"co.uk"}


def test_tiers_families_and_types(exports, nginx):
    for name, weight in (("watched", 0.4), ("slowed", 0.7), ("blocked", 0.95)):
        exports.source(name, nginx.write(f"{name}.txt", f"{name}.tip-x.com\n45.0.0.{int(weight * 100)}\n"), weight=weight)
    exports.view("block")
    exports.view("slow", tier="slow", types=["domain"])
    exports.view("denied", tier="watch", families=["deny"])
    exports.view("below", types=["domain"], subdomains=True)
    exports.start()
    exports.caller.control("blacklist", "deny_add", "worst.tip-y.com", params={"scope": "subtree"})
    exports.run()
    exports.settled("block", "slow", "denied", "below")
    assert exports.listed("block", "plain") == {"45.0.0.95", "blocked.tip-x.com", "worst.tip-y.com", "*.worst.tip-y.com"}
    assert exports.listed("slow", "plain") == {"slowed.tip-x.com", "blocked.tip-x.com", "worst.tip-y.com",
                                               "*.worst.tip-y.com"}
    assert exports.listed("denied", "plain") == {"worst.tip-y.com", "*.worst.tip-y.com"}
    assert exports.listed("below", "plain") == {"blocked.tip-x.com", "*.blocked.tip-x.com", "worst.tip-y.com",
                                                "*.worst.tip-y.com"}


def test_what_tip_saw_itself_is_exported(exports, nginx, pub):
    exports.source("one", nginx.write("one.txt", "45.2.0.1\n"), weight=0.95)
    exports.view("seen", tier="watch", families=["trap"])
    exports.view("green", tier="watch", families=["trap"], audience="green")
    exports.start()
    exports.run()
    seer = Seer(pub)
    seer.mail("45.2.0.2", trap="one")
    seer.mail("45.2.0.2", trap="two")
    wait_for(lambda: exports.verdicts().get("45.2.0.2", 0) > 0.7, 20, "two traps have seen it")
    exports.settled("seen", "green")
    assert exports.listed("seen", "plain") == {"45.2.0.2"}
    assert exports.listed("green", "plain") == set(), "traps are amber"


@pytest.mark.parametrize("name", ["operator", "time", "evidence", "warninglists", "trap", "flux", "smtp"])
def test_names_that_verdicts_use_themselves_are_no_sources(exports, nginx, name):
    from tip_harness import binary
    exports.source(name, nginx.write("one.txt", "45.2.0.1\n"))
    exports.site.write_config()
    done = subprocess.run([binary("tip-blacklist"), "--config", str(exports.site.config_path), "--check-config"],
                          capture_output=True, text=True)
    assert done.returncode != 0 and "the name is taken" in done.stderr and f"{name}.yaml" in done.stderr, done.stderr


def test_a_view_with_too_many_entries_is_held(exports, nginx):
    exports.source("one", nginx.write("one.txt", text(f"45.1.{n}.1" for n in range(20))), weight=0.95)
    exports.view("small", max_entries=10)
    exports.start()
    exports.run()
    wait_for(lambda: exports.show("small")["state"] == "held", 20, "it is held")
    assert "max_entries" in exports.show("small")["why"]
    done = exports.site.run_program(["tip", "export", "release", "small", "--reason", "test", "--config",
                                     str(exports.site.config_path)], check=False)
    assert done.returncode and "not held for what it would lose" in done.stderr
    assert not exports.show("small")["released"]
    nginx.write("one.txt", text(f"45.1.{n}.1" for n in range(4)))
    exports.run()
    wait_for(lambda: exports.show("small")["entries"] == 4, 20, "few enough are published")
    nginx.write("one.txt", "45.1.0.1\n")
    exports.run()
    wait_for(lambda: exports.show("small")["state"] == "held", 20, "the guard still looks")


def test_the_command_line(published, site):
    def tip(*words, check=True):
        return site.run_program(["tip", *words, "--config", str(site.config_path)], check=check)
    rows = {row["name"]: row for row in json.loads(tip("export", "list", "-o", "json").stdout)}
    assert set(rows) == set(FORMATS) and rows["plain"]["entries"] == len(EXPECTED) - 1
    assert "plain.txt" in tip("export", "show", "plain").stdout
    assert json.loads(tip("export", "show", "misp", "-o", "json").stdout)["files"][0]["name"] == "manifest.json"
    for name in FORMATS:
        for n, file in enumerate(published.show(name)["files"]):
            assert tip("export", "get", name, "--file", file["name"]).stdout == published.file(name, n).read_text()
    assert tip("export", "run", "plain").stdout == "queued\n"
    assert tip("export", "get", "none", check=False).returncode == 4
    assert tip("export", "release", "plain", check=False).returncode != 0


def test_a_long_export_is_read_page_by_page(exports, nginx, site):
    values = [f"45.{n >> 8}.{n & 255}.{n % 250}" for n in range(30000)]
    exports.source("one", nginx.write("one.txt", text(values)), weight=0.95)
    exports.view("long")
    exports.start()
    exports.run()
    wait_for(lambda: exports.show("long")["entries"] == 30000, 20, "it is exported")
    done = site.run_program(["tip", "export", "get", "long", "--config", str(site.config_path)])
    assert done.stdout == exports.text("long") and read.plain(done.stdout) == set(values)


def test_over_http(exports, nginx, site):
    """The same bytes, for who may see them; what is known is not sent again."""
    lists = canary(exports, nginx)
    for audience in ("clear", "green", "amber"):
        exports.view(f"plain-{audience}", tier="watch", audience=audience)
    exports.view("open", tier="watch", audience="clear", public=True)
    exports.view("feed", tier="watch", audience="green", format="misp")
    exports.start()
    exports.run()
    exports.settled("plain-clear", "plain-green", "plain-amber", "open", "feed")
    web = Web(site).start()
    tokens = {audience: exports.caller.control("web", "token_add", audience, params={"audience": audience}).values["token"]
              for audience in ("clear", "green", "amber")}

    got = web.get("/export/open", anonymous=True)
    assert got.text == exports.text("open") and got.headers["Content-Type"] == "text/plain; charset=utf-8"
    digest = exports.show("open")["files"][0]["sha256"]
    assert got.headers["ETag"] == f'"{digest}"' and hashlib.sha256(got.body).hexdigest() == digest
    again = web.get("/export/open", 304, anonymous=True, headers={"If-None-Match": got.headers["ETag"]})
    assert again.raw == b"" and again.headers["ETag"] == got.headers["ETag"]
    for path in ("/export/plain-clear", "/export/plain-amber", "/export/none", "/export/a/b/c", "/export/%00"):
        web.get(path, 401 if path != "/export/%00" else 400, anonymous=True)
    assert web.get("/api/v1/exports", 401, anonymous=True)
    order = ["clear", "green", "amber"]
    for n, audience in enumerate(order):
        web.token = tokens[audience]
        for m, of_view in enumerate(order):
            got = web.get(f"/export/plain-{of_view}", 200 if m <= n else 404)
            traces = [value for value, _ in lists.values() if value in got.text]
            assert len(traces) == (0 if m > n else [1, 2, 4][m])
        seen = {row["name"] for row in web.get("/api/v1/exports").json["items"]}
        assert seen == {"open", *[f"plain-{name}" for name in order[:n + 1]], *(["feed"] if n else [])}
    assert web.get("/export/none", 404) and web.request("POST", "/export/open").status == 405
    assert web.get("/export/feed/none.json", 404)
    listed = read.misp(lambda file: web.get(f"/export/feed/{file}").text, "green")
    assert listed == exports.listed("feed", "misp", "green")
    head = web.request("HEAD", "/export/open")
    assert head.status == 200 and head.raw == b"" and head.headers["ETag"]
    web.token = "wrong"
    web.get("/export/open", 401)


def test_a_long_export_over_http(exports, nginx, site):
    values = [f"45.{n >> 8}.{n & 255}.{n % 250}" for n in range(30000)]
    exports.source("one", nginx.write("one.txt", text(values)), weight=0.95, tlp="clear", redistribute=True)
    exports.view("long", audience="clear", public=True)
    exports.start()
    exports.run()
    wait_for(lambda: exports.show("long")["entries"] == 30000, 20, "it is exported")
    web = Web(site).start()
    got = web.get("/export/long", anonymous=True, headers={"Accept-Encoding": "gzip"})
    assert got.headers["Content-Encoding"] == "gzip" and len(got.raw) < len(got.body) / 2
    assert got.text == exports.text("long") == web.get("/export/long", anonymous=True).text
    exports.service.term()
    web.get("/export/long", 503, anonymous=True)


@pytest.mark.parametrize("bad, why", [
    ({"name": "X"}, "a name is"), ({"name": "x", "format": "rspamd", "types": ["ip4", "domain"]}, "addresses or names"),
    ({"name": "x", "format": "ipset", "types": ["domain"]}, "cannot say"), ({"name": "x", "public": True}, "clear"),
    ({"name": "x", "families": ["lists"]}, "family"), ({"name": "x", "types": ["ip"]}, "type"),
    ({"name": "x", "zone": "not a zone"}, "zone"), ({"name": "x", "format": "xml"}, "plain")])
def test_bad_views_are_refused_with_their_place(site, bad, why):
    from tip_harness import binary
    path = site.dir / "bad.yaml"
    path.write_text(yaml.safe_dump({"blacklist": {"exports": [bad]}}))
    done = subprocess.run([binary("tip-blacklist"), "--config", str(path), "--check-config"], capture_output=True, text=True)
    assert done.returncode != 0 and why in done.stderr and "bad.yaml:" in done.stderr, done.stderr
