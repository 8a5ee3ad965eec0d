"""Generated lists with the faults of real ones, in every format, through the whole chain: the rows are the recount.

The twin of tests/corpus, for machines without those lists.
"""
import datetime
import gzip
import ipaddress
import json
import time

import pytest

import tip_lists
from tip_chain import Chain
from tip_verdicts import STATED, read_seen

N = 3000


def ip4(rng):
    return str(ipaddress.IPv4Address(rng.randrange(0x14000000, 0x60000000)))


def ip6(rng):
    made = ipaddress.IPv6Address((0x2A00 << 112) | rng.getrandbits(100))
    return rng.choice([str(made), made.exploded, str(made).upper()])


def net(rng):
    return f"{ip4(rng)}/{rng.randint(8, 32)}" if rng.random() < 0.7 else f"{ip6(rng)}/{rng.randint(19, 128)}"


def name(rng):
    label = "".join(rng.choices("abcdefghijklmnopqrstuvwxyz0123456789-_", k=rng.randint(1, 20))).strip("-_") or "x"
    return rng.choice(["", "", "www.", "*.", "a_b."]) + label + rng.choice([".example", ".Test", ".co.test.", ".test"])


def url(rng):
    host = rng.choice([name(rng).removeprefix("*."), ip4(rng), f"[{ip6(rng)}]"])
    path = rng.choice(["", "/", "/a/../b/./c", "/%7Euser/%2f", "/sp ace", "/q?x=1&y=%zz", "/f#frag", "?only=query"])
    return rng.choice(["http://", "https://", "HTTP://", "ftp://"]) + host + rng.choice(["", ":80", ":8080"]) + path


def endpoint(rng):
    port = rng.choice([1, 25, 443, 65535, 8080])
    return f"{ip4(rng)}:{port}" if rng.random() < 0.7 else f"[{ip6(rng)}]:{port}"


FAULTS = ["010.0.0.1", "256.1.1.1", "1.2.3", "0.0.0.0/0", "::/0", "20.0.0.0/7", "2a00::/18", "30.1.1.1/33", "fe80::1%eth0",
          "not a list entry", "-bad.test", "localhost", "a..b.test", "x" * 300 + ".test", "30.1.1.1:0", "30.1.1.1:65536",
          "http://user@host.test/", "gopher://host.test/", "http://", "AS0", "AS4294967295", "somebody@mail.test", "\x01\x02", "::ffff:40.1.2.3", "caf\u00e9.test"]
def asn(rng):
    return rng.choice(["AS", "as", ""]) + str(rng.choice([rng.randint(1, 70000), rng.randint(1, 2**32 - 2)]))


def hashed(rng):
    made = f"{rng.getrandbits(256):064x}"[:rng.choice([32, 40, 64])]
    return rng.choice([made, made.upper()])


def email_domain(rng):
    return rng.choice(["@", ""]) + name(rng)


MAKERS = {"asn": asn, "hash": hashed, "email_domain": email_domain,
          "ip4": ip4, "ip6": ip6, "net": net, "domain": name, "url": url, "ip:port": endpoint}


def values(rng, type_name):
    """Entries of a type, some twice, mixed with what real lists hold by mistake."""
    makers = list(MAKERS.values()) if type_name == "auto" else [MAKERS[type_name]]
    made = [rng.choice(makers)(rng) for _ in range(N)]
    made += rng.sample(made, N // 20) + FAULTS
    rng.shuffle(made)
    return made


def as_lines(rng, made):
    body = "# a header\r\n\n" + "".join(v + rng.choice(["\n", "\r\n", " \n", "\t# a note\n"]) for v in made)
    return ("\ufeff" + body).rstrip().encode()


def as_csv(rng, made):
    rows = [f'{i}, "{v}", "said ""so"", twice"' if '"' not in v else f"{i},x,y" for i, v in enumerate(made)]
    return ("id,indicator,note\r\n" + "\r\n".join(rows)).encode()


def moment(rng):
    """As lists write it: between 1990 and yesterday, in the future, before there were lists, or none at all."""
    at = rng.choice([rng.randint(631152000, int(time.time()) - 86400)] * 6 + [4102444800, 10 ** 8])
    day = datetime.datetime.fromtimestamp(at, datetime.timezone.utc)
    zone = datetime.timezone(datetime.timedelta(minutes=rng.randint(-720, 720)))
    return rng.choice([str(at), day.strftime("%Y-%m-%d %H:%M:%S"), day.strftime("%Y-%m-%dT%H:%M:%SZ"),
                       day.astimezone(zone).isoformat(), day.strftime("%Y-%m-%dt%H:%M:%S.%fZ"), day.strftime("%Y-%m-%d"),
                       day.strftime("%Y-%m-%d %H:%M:%S UTC"), day.strftime("%d.%m.%Y"), "never", ""])


def as_timed(rng, made):
    rows = [f'{moment(rng)},"{v}","{moment(rng)}"' for v in made if '"' not in v]
    return ("first seen,indicator,last\r\n" + "\r\n".join(rows)).encode()


def as_hosts(rng, made):
    return "".join(f"{rng.choice(['0.0.0.0', '127.0.0.1'])} {v}\n" for v in made if " " not in v).encode() + b"::1 localhost\n"


def as_json(rng, made):
    return json.dumps({"about": "a test", "list": [{"ioc": v, "score": i} for i, v in enumerate(made)] + [{"other": 1}]}
                      ).encode()


def as_ranges(rng, made):
    out = []
    for i in range(N // 10):
        low = rng.randrange(0x14000000, 0x60000000)
        high = low + rng.choice([0, 1, 3, 255, rng.randrange(1, 5000)])
        out.append(f"some: name {i}:{ipaddress.IPv4Address(low)}-{ipaddress.IPv4Address(high)}")
    return gzip.compress("\n".join(["# p2p", *out, "reversed:40.0.0.2-40.0.0.1", "x:1.2.3-1.2.4"]).encode())


def as_rpz(rng, made):
    return "".join(f"{v} {rng.choice(['CNAME .', 'IN CNAME *.', '300 CNAME rpz-drop. ; x', 'A 127.0.0.1'])}\n"
                   for v in made if not set(v) & set(" ()\x02")).encode() + b"""; a zone without SOA
$TTL 300
fine.test CNAME rpz-passthru.
fine.test TXT "x"
32.9.1.1.40.rpz-ip CNAME .
24.0.1.1.41.rpz-nsip CNAME .
128.1.zz.b00.2a00.rpz-ip CNAME .
"""


def as_rbldnsd(rng, made):
    made = made[:N // 5]
    holes = [v.partition("/")[0] for v in made if "/" in v][:N // 30] + rng.sample(made, N // 60)
    body = ["$TTL 600", ":127.0.0.2:listed", "# note"] + [f"{v} :3:why" for v in made if " " not in v]
    for hole in holes:
        body.insert(rng.randrange(len(body)), f"!{hole}")
    return "\r\n".join(line for line in body if not set(line) & set("\x01")).encode()


def as_adblock(rng, made):
    return ("[Adblock Plus 2.0]\n! note\n" + "".join(
        f"{rng.choice(['||', '||', '@@||'])}{v}{rng.choice(['^', '^', '^$third-party', '/x^'])}\n"
        for v in made)).encode()


def as_page(rng, made):
    """A table as a page has it, with what nobody sees."""
    rows = "".join(f"<tr class='row'><td>{i}</td>\n<td><a href=\"http://8.8.4.4/{i}\">{v}</a></td><td>seen {i % 9} times, "
                   f"last from {ip4(rng)}.</td></tr>\n" for i, v in enumerate(made) if not set(v) & set("<>\x01"))
    return ("<!DOCTYPE html><html><head><title>Attackers of 2026</title><style>td { margin: 0.5em }</style>\n"
            f"<script>var top = '9.9.9.9';\nshow('8.8.8.8');</script></head><body><!-- 7.7.7.7 --><table>{rows}</table>"
            "</body></html>").encode()


def as_rules(rng, made):
    """As Snort's: a few addresses a rule."""
    made = [v for v in made if not set(v) & set(" \x01<:")]
    return "# rules\n".encode() + "".join(
        f'alert ip [{",".join(made[i:i + 5])}] any -> $HOME_NET any (msg:"TEST group {i}"; reference:url,www.host.test; '
        f'classtype:misc-attack; sid:{2403300 + i}; rev:{i % 90};)\n' for i in range(0, len(made), 5)).encode()


def csv_values(body):
    return tip_lists.table(body, column=1)


def json_values(body):
    return (entry["ioc"] for entry in json.loads(body)["list"] if "ioc" in entry)


# name -> (how it is written, how it is recounted, type, options of the source)
FORMATS = {
    **{f"lines-{t.replace(':', '-')}": (as_lines, tip_lists.lines, t, {"kind": "lines"})
       for t in ("ip4", "ip6", "net", "domain", "ip:port", "asn", "hash", "email_domain", "auto")},
    "lines-url": (as_lines, lambda b: tip_lists.lines(b, comment=""), "url", {"kind": "lines", "comments": ""}),
    "csv": (as_csv, csv_values, "net", {"kind": "csv", "header": True, "column": "indicator", "skip_space": True}),
    "csv-times": (as_timed, csv_values, "net", {"kind": "csv", "header": True, "column": "indicator",
                                                "first_seen": "first seen", "last_seen": "3"}),
    "hosts": (as_hosts, tip_lists.hosts, "domain", {"kind": "hosts"}),
    "json": (as_json, json_values, "auto", {"kind": "json", "pointer": "/list/*/ioc"}),
    "rpz": (as_rpz, tip_lists.rpz, "auto", {"kind": "rpz"}),
    "rbldnsd": (as_rbldnsd, tip_lists.rbldnsd, "net", {"kind": "rbldnsd"}),
    "adblock": (as_adblock, tip_lists.adblock, "domain", {"kind": "adblock"}),
    "extract-page": (as_page, tip_lists.extract, "net", {"kind": "extract"}),
    "extract-rules": (as_rules, tip_lists.extract, "ip4", {"kind": "extract"}),
    "ranges": (as_ranges, lambda b: tip_lists.ranges(gzip.decompress(b)), "net", {"kind": "range"}),
}


@pytest.fixture
def chain(site):
    return Chain(site, blacklist={"interval_floor": "1s"})


def check_times(chain, version, told):
    """What the table says of when is what is remembered; of anything else it is when we saw it."""
    path = chain.site.data / "blacklist" / "sets" / f"csv-times-{version}.seen"
    for value, times in read_seen(path).items():
        if times.is_listed and value in told:
            assert times.state & STATED and times.since == told[value], (value, times.since, told[value])
        elif times.is_listed:
            assert not times.state & STATED and times.since >= times.first, value
    assert len(told) > N // 3


def test_rows_are_the_recount(chain, rng):
    wanted, told = {}, {}
    for version in (1, 2, 3):
        for key, (write, values_of, type_name, options) in FORMATS.items():
            made = values(rng, type_name)
            if version > 1:  # a good part of the version before stays
                made = wanted[key][1][::2] + made[::2]
            body = write(rng, made)
            chain.source(key, body, type=type_name, **options)
            wanted[key] = (tip_lists.recount(values_of(body), type_name), made)
            if key == "csv-times":
                said = tip_lists.stated(body, "net", (1, 2, 0), time.time())
                stays = {value for _, value in wanted[key][0]}
                told = {value: at for value, at in told.items() if value in stays} | said
        if version == 1:
            chain.start()
        chain.run()
        for key, (entries, _) in wanted.items():
            found = chain.listed(key)
            assert len(entries) > N // 20, f"{key}: the recount itself finds too little"
            assert found == entries, (f"{key} version {version}: missing {sorted(entries - found)[:5]}, too many "
                                      f"{sorted(found - entries)[:5]}")
        check_times(chain, version, told)
    entries, made = wanted["csv-times"]  # other times of the same entries are a version, too
    body = as_timed(rng, made)
    chain.serve("csv-times", body)
    chain.run(target="csv-times")
    assert chain.listed("csv-times") == entries and chain.states()["csv-times"]["version"] == 4
    check_times(chain, 4, told | tip_lists.stated(body, "net", (1, 2, 0), time.time()))
