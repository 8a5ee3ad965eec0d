"""The real blacklist service on the real broker and nginx; `pub` plays the scheduler. The wire is read by Python."""
import collections
import gzip
import http.server
import io
import itertools
import json
import os
import random
import threading
import time
import zipfile

import pytest
import yaml

from tip_harness import free_port, open_to_nobody, wait_for
from tip_wire import Fetch, Pub, event, pb, uuid7

TIER_FLOORS = (0.3, 0.6, 0.9)


class Lists:
    """The service with its sources, and what its events say."""

    def __init__(self, site, pub):
        self.site, self.pub = site, pub
        self.dir = open_to_nobody(site.dir / "sources.d")
        self.service = site.service("blacklist", sources=str(self.dir), interval_floor="1s")
        self.reader, self.read = Fetch(site.endpoint("fetch")), []
        site.closing.callback(self.reader.close)

    def source(self, name, url, **fields):
        """Lists of tests change as they like: those of the guard's tests ask for it."""
        fields = {"url": url, "interval": "1s", "weight": 0.5, "allow_private": ["127.0.0.1"], "guard": False,
                  "half_life": 0, **fields}
        (self.dir / f"{name}.yaml").write_text(yaml.safe_dump({k: v for k, v in fields.items() if v is not None}))

    def start(self, **how):
        self.service.start(**how)
        return self

    def due(self, target="", force=True, deadline_s=60, run_id=None, expires_s=60):
        """Says "start now"; returns the run id."""
        now = int(time.time() * 1000)
        run_id = run_id or uuid7()
        self.pub.publish("v1.schedule.due.blacklist.", event(
            "schedule.due", run_id=run_id, job="test", module="blacklist", target=target, due_unix_ms=now,
            deadline_unix_ms=now + int(deadline_s * 1000), expires_unix_ms=now + int(expires_s * 1000), force=force))
        self.pub.flush()
        return run_id

    def events(self, *prefixes):
        """What stands in the journal under these prefixes, or all that this service and its scheduler say."""
        self.read += self.reader.all("v1.", from_seq=self.read[-1].stamp.seq + 1 if self.read else 0)
        prefixes = prefixes or ("v1.listing.", "v1.source.", "v1.verdict.", "v1.schedule.")
        return [seen for seen in self.read if seen.topic.startswith(prefixes)]

    def report(self, run_id, deadline_s=60):
        """The module's answer to a run."""
        def found():
            time.sleep(0.02)
            return [s for s in self.events("v1.schedule.done.", "v1.schedule.failed.") if s.payload.run_id == run_id]
        return wait_for(found, deadline_s, "the run is reported")[0]

    def run(self, **due):
        return self.report(self.due(**due))

    def last(self, source):
        """The newest source.ok or source.failed of a source."""
        return [s for s in self.events("v1.source.ok.", "v1.source.failed.") if s.payload.source == source][-1]

    def listed(self, source):
        """Baselines and deltas of a source folded: value -> (kind, flags). Fails on any gap or doubling."""
        fold = Fold(source)
        for seen in self.events("v1.listing."):
            fold.apply(seen)
        return fold.entries

    def verdicts(self):
        """The newest score of each value; those below `watch` are gone."""
        scores = {}
        for seen in self.events("v1.verdict."):
            for verdict in seen.payload.verdicts:
                assert verdict.tier == sum(verdict.score >= floor - 1e-9 for floor in TIER_FLOORS)
                scores[verdict.indicator.value] = verdict.score
        return {value: score for value, score in scores.items() if score >= TIER_FLOORS[0] - 1e-9}


class Fold:
    """What a storage must do with the listing events of one source."""

    def __init__(self, source):
        self.source, self.entries, self.version, self.stream = source, {}, None, None
        self.parts, self.seen = None, set()

    def apply(self, seen):
        payload = seen.payload
        if payload.source != self.source:
            return
        assert 1 <= payload.part <= payload.n_parts
        if seen.kind == "listing.baseline":
            self.baseline(payload)
        else:
            self.delta(payload)

    def begin(self, payload, key):
        """Parts come in order, each once."""
        if payload.part == 1:
            assert self.parts is None, f"{key} begins within {self.parts}"
            self.parts = (key, 0)
        assert self.parts == (key, payload.part - 1), f"{key} part {payload.part} after {self.parts}"
        self.parts = (key, payload.part) if payload.part < payload.n_parts else None

    def baseline(self, payload):
        self.begin(payload, ("baseline", payload.baseline_id))
        if payload.part == 1:
            self.fresh = {}
        for entry in payload.entries:
            assert entry.indicator.value not in self.fresh
            self.fresh[entry.indicator.value] = (entry.indicator.kind, entry.flags)
        if payload.part == payload.n_parts:
            assert self.version is None or payload.version >= self.version
            self.entries, self.version, self.stream = self.fresh, payload.version, payload.stream

    def delta(self, payload):
        self.begin(payload, ("delta", payload.from_version, payload.to_version))
        if payload.part == 1:
            assert (payload.stream, payload.from_version) == (self.stream, self.version)
        for indicator in payload.removed:
            assert self.entries.pop(indicator.value)[0] == indicator.kind
        for entry in payload.changed:
            assert entry.indicator.value in self.entries
            self.entries[entry.indicator.value] = (entry.indicator.kind, entry.flags)
        for entry in payload.added:
            assert entry.indicator.value not in self.entries, f"{entry.indicator.value} is added twice"
            self.entries[entry.indicator.value] = (entry.indicator.kind, entry.flags)
        if payload.part == payload.n_parts:
            self.version = payload.to_version


@pytest.fixture
def lists(site, broker, pub):
    return Lists(site, pub)


def addresses(rng, n):
    found = set()
    while len(found) < n:
        found.add(f"{rng.randrange(11, 99)}.{rng.randrange(256)}.{rng.randrange(256)}.{rng.randrange(256)}")
    return sorted(found)


def text(values):
    return "".join(f"{value}\n" for value in values)


def test_versions_follow_the_list(lists, nginx, rng):
    values = addresses(rng, 3000)
    lists.source("one", nginx.write("one.txt", "# comment\n" + text(values) + "nonsense\n0.0.0.0/0\n10.1.2.3\n"))
    lists.start()
    done = lists.run()
    assert (done.kind, done.payload.n_ok, done.payload.n_failed) == ("schedule.done", 1, 0)
    first = lists.last("one")
    assert first.kind == "source.ok" and first.payload.reason == "changed" and first.payload.version == 1
    assert first.payload.n_entries == 3001 and first.payload.n_special == 1 and first.payload.rejected_lines == 2
    assert dict(first.payload.rejected) == {"single_label": 1, "default_route": 1}
    assert [(r.line, r.reason, r.raw) for r in first.payload.rejects] == [
        (3002, "single_label", b"nonsense"), (3003, "default_route", b"0.0.0.0/0")]
    listed = lists.listed("one")
    assert set(listed) == {*values, "10.1.2.3"} and listed["10.1.2.3"] == (pb.KIND_IP, pb.LISTING_FLAG_SPECIAL_USE)
    baseline = lists.events("v1.listing.")
    assert {s.kind for s in baseline} == {"listing.baseline"} and len(baseline) > 3
    entry = baseline[0].payload.entries[0]
    line = (nginx.www / "one.txt").read_text().splitlines()[entry.line - 1]
    assert entry.raw.decode() == line == entry.indicator.value
    assert lists.verdicts() == {value: 0.5 for value in values}

    changed = values[100:] + ["example.com", "9.9.9.0/24"]
    rng.shuffle(changed)
    nginx.write("one.txt", text(changed))
    lists.run()
    assert set(lists.listed("one")) == set(changed)
    assert lists.last("one").payload.n_added == 2 and lists.last("one").payload.n_removed == 101
    assert lists.verdicts() == {value: 0.5 for value in changed}
    assert lists.service.term() == 0


def test_conditional_get_and_equal_sets(lists, nginx):
    url = nginx.write("one.txt", "8.8.8.8\n1.1.1.1\n")
    lists.source("one", url)
    lists.start()
    lists.run()
    lists.run()
    assert lists.last("one").payload.reason == "not_modified"
    assert [line.split('"')[2].split()[0] for line in nginx.requests()] == ["200", "304"]
    assert 'TIP/' in nginx.requests()[0] and "(+" in nginx.requests()[0]
    time.sleep(1.1)  # Last-Modified has seconds
    nginx.write("one.txt", "# reordered\n1.1.1.1\n8.8.8.8\n")
    lists.run()
    assert lists.last("one").payload.reason == "unchanged"
    assert lists.last("one").payload.version == 1
    assert len(lists.events("v1.listing.")) == 1


def test_a_run_asks_what_is_due_and_reports_the_rest_as_skipped(lists, nginx):
    lists.source("often", nginx.write("a.txt", "8.8.8.8\n"), interval="1s")
    lists.source("seldom", nginx.write("b.txt", "1.1.1.1\n"), interval="1d")
    lists.start()
    assert lists.run().payload.n_ok == 2  # forced: what nobody waits for keeps off the full hour
    time.sleep(1.1)
    second = lists.run(force=False).payload
    assert (second.n_ok, second.n_skipped) == (1, 1)
    third = lists.run(target="seldom").payload
    assert (third.n_ok, third.n_skipped) == (1, 0)
    assert lists.run(target="nobody").kind == "schedule.failed"
    before = len(nginx.requests())
    run_id = lists.due()
    lists.report(run_id)
    lists.due(run_id=run_id)
    lists.due(expires_s=-1)
    wait_for(lambda: lists.service.metric("tip_blacklist_runs_repeated_total") == 1, 20, "the repeated run is counted")
    wait_for(lambda: lists.service.metric("tip_blacklist_runs_expired_total") == 1, 20, "the expired run is counted")
    assert len(nginx.requests()) == before + 2


FAILURES = [
    ("empty", "", "empty"),
    ("blank", "\n# only comments\n", "empty"),
    ("html", "<!DOCTYPE html>\n<html><body>8.8.8.8</body></html>", "html"),
    ("text", "Could not connect: ", "error_text"),
    ("route", "0.0.0.0/0\n", "no_valid_entry"),
    ("gzip", b"\x1f\x8b\x08\x00broken", "damaged_gzip"),
    ("large", "8.8.8.8\n" * 2000, "too_large"),
]


def test_failed_deliveries_change_nothing(lists, nginx):
    for name, _, _ in FAILURES:
        lists.source(name, nginx.write(f"{name}.txt", "8.8.4.4\n"), max_bytes="10KiB", weight=0.9)
    lists.source("gone", nginx.write("gone.txt", "8.8.4.4\n"))
    lists.start()
    assert lists.run().payload.n_ok == len(FAILURES) + 1
    before = {name: lists.listed(name) for name, _, _ in FAILURES}
    n_listings = len(lists.events("v1.listing."))
    scores = lists.verdicts()
    time.sleep(1.1)
    for name, body, _ in FAILURES:
        nginx.write(f"{name}.txt", body)
    lists.source("gone", nginx.url("/status/503"))
    lists.service.reload()
    wait_for(lambda: lists.service.log_lines("service.reloaded") or lists.service.log_lines("config.reloaded"), 5,
             "the configuration is reloaded")
    report = lists.run()
    assert report.kind == "schedule.failed" and report.payload.n_failed == len(FAILURES) + 1
    for name, _, reason in FAILURES:
        failed = lists.last(name)
        assert (failed.kind, failed.payload.reason) == ("source.failed", reason), failed
        assert failed.payload.version == 1 and failed.payload.n_failures == 1 and failed.payload.detail
        assert lists.listed(name) == before[name]
    assert lists.last("gone").payload.reason == "http_503"
    assert len(lists.events("v1.listing.")) == n_listings
    assert lists.verdicts() == scores


def test_kinds_and_gzip(lists, nginx):
    lists.source("table", nginx.write("t.csv", 'ip,"what"\r\n8.8.8.8,"a ""b"""\r\n'), kind="csv", column="ip")
    lists.source("drop", nginx.write("d.json", '{"cidr":"9.9.9.0/24"}\n{"type":"metadata"}\n'), kind="json",
                 pointer="/cidr", type="net")
    lists.source("p2p", nginx.write("p.gz", gzip.compress(b"some: name:9.9.8.0-9.9.8.255\n")), kind="range")
    lists.source("names", nginx.write("n.txt", "127.0.0.1 localhost\n0.0.0.0 Bad.Example.COM\n"), kind="hosts",
                 type="domain")
    lists.source("ports", nginx.write("e.txt", "8.8.8.8:443\n"), type="ip:port")
    lists.source("urls", nginx.write("u.txt", "HTTP://Example.com:80/a#b\n"), type="url")
    lists.start()
    assert lists.run().payload.n_ok == 6
    assert lists.listed("table") == {"8.8.8.8": (pb.KIND_IP, 0)}
    assert lists.listed("drop") == {"9.9.9.0/24": (pb.KIND_NET, 0)}
    assert lists.listed("p2p") == {"9.9.8.0/24": (pb.KIND_NET, 0)}
    assert lists.listed("names") == {"bad.example.com": (pb.KIND_DOMAIN, 0)}
    assert lists.listed("ports") == {"8.8.8.8:443": (pb.KIND_ENDPOINT, 0)}
    assert lists.listed("urls") == {"http://example.com/a": (pb.KIND_URL, 0)}


def test_zones_and_pages_from_archives(lists, nginx):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("readme.txt", "about 9.9.9.9")
        archive.writestr("zone.rpz", "$TTL 60\na.example CNAME .\n32.8.8.8.8.rpz-ip CNAME .\nb.example CNAME rpz-passthru.\n")
    lists.source("zone", nginx.write("z.zip", packed.getvalue()), kind="rpz", member="*.rpz")
    lists.source("other", nginx.write("o.zip", packed.getvalue()), kind="rpz", member="*.csv")
    lists.source("nested", nginx.write("n.gz", gzip.compress(packed.getvalue())))
    lists.source("page", nginx.write("p.html", "<html><body><td>8.8.4.4</td></body></html>"), kind="extract")
    lists.start()
    assert lists.run().payload.n_ok == 2
    assert lists.listed("zone") == {"a.example": (pb.KIND_DOMAIN, 0), "8.8.8.8": (pb.KIND_IP, 0)}
    assert lists.listed("page") == {"8.8.4.4": (pb.KIND_IP, 0)}
    assert lists.last("other").payload.reason == "no_member"
    assert lists.last("nested").payload.reason == "nested"


class Flood(http.server.BaseHTTPRequestHandler):
    """/line: 8.8.8.8, a line of 1 GB made as it goes, 9.9.9.9. /redirect/PORT: to 127.0.0.1. /bomb: zeros, packed."""

    def do_GET(self):
        if self.path.startswith("/redirect/"):
            self.send_response(302)
            self.send_header("Location", f"http://127.0.0.1:{self.path.rsplit('/', 1)[1]}/secret.txt")
            self.end_headers()
            return
        self.send_response(200)
        self.end_headers()
        if self.path == "/bomb":
            self.wfile.write(gzip.compress(b"\0" * 300_000_000, 9))
            return
        self.wfile.write(b"8.8.8.8\n")
        for _ in range(1024):
            self.wfile.write(b"x" * 1024 * 1024)
        self.wfile.write(b"\n9.9.9.9\n")

    def log_message(self, *_):
        pass


@pytest.fixture
def flood(site):
    server = http.server.ThreadingHTTPServer(("127.0.0.2", free_port()), Flood)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    site.closing.callback(thread.join)
    site.closing.callback(server.shutdown)
    return f"http://127.0.0.2:{server.server_port}"


def test_hostile_servers(lists, nginx, flood):
    nginx.write("secret.txt", "8.8.8.8\n")
    lists.source("line", f"{flood}/line", allow_private=["127.0.0.2"], max_bytes="2000MiB")
    lists.source("bomb", f"{flood}/bomb", allow_private=["127.0.0.2"])
    lists.source("redirect", f"{flood}/redirect/{nginx.port}", allow_private=["127.0.0.2"])
    lists.source("private", nginx.url("secret.txt"), allow_private=[])
    lists.start()
    lists.run(deadline_s=120)
    assert set(lists.listed("line")) == {"8.8.8.8", "9.9.9.9"}
    assert dict(lists.last("line").payload.rejected) == {"line_too_long": 1}
    assert lists.last("bomb").payload.reason in ("too_large", "bomb")
    for name in ("redirect", "private"):
        assert lists.last(name).payload.reason == "refused"
        assert "127.0.0.1" in lists.last(name).payload.detail
    assert not nginx.requests()
    assert lists.service.rss_bytes() < 100 << 20


def expected_scores(sources):
    doubt = collections.defaultdict(lambda: 1.0)
    for values, weight in sources:
        for value in values:
            doubt[value] *= 1 - weight
    return {value: 1 - left for value, left in doubt.items() if 1 - left >= TIER_FLOORS[0] - 1e-9}


def close_to(scores, expected):
    """Published scores may lag by less than a step of 0.05."""
    assert set(scores) == set(expected)
    for value, score in expected.items():
        assert abs(scores[value] - score) <= 0.05 + 1e-9, value


def test_scores_are_a_noisy_or(lists, nginx, rng):
    pool = addresses(rng, 400)
    weights = {"a": 0.5, "b": 0.35, "c": 0.1}
    held = {}
    for name, weight in weights.items():
        held[name] = rng.sample(pool, 200)
        lists.source(name, nginx.write(f"{name}.txt", text(held[name])), weight=weight)
    lists.start()
    for _ in range(4):
        lists.run()
        close_to(lists.verdicts(), expected_scores([(held[n], w) for n, w in weights.items()]))
        time.sleep(1.1)
        for name in weights:
            held[name] = rng.sample(pool, 200)
            nginx.write(f"{name}.txt", text(held[name]))
    lists.run()
    weights["b"] = 0.8
    lists.source("b", nginx.url("b.txt"), weight=0.8)
    lists.service.reload()
    wait_for(lambda: [s for s in lists.events("v1.source.weight.") if s.payload.weight == 0.8], 10,
             "the new weight is published")
    close_to(lists.verdicts(), expected_scores([(held[n], w) for n, w in weights.items()]))
    reasons = {v.indicator.value: v for s in lists.events("v1.verdict.") for v in s.payload.verdicts}
    both = reasons[next(iter(set(held["a"]) & set(held["b"])))]
    assert [(r.source, r.weight) for r in both.reasons][:2] == [("b", 0.8), ("a", 0.5)]
    (lists.dir / "a.yaml").unlink()
    lists.service.reload()
    wait_for(lambda: not lists.listed("a"), 10, "the source whose file is gone has ended")
    close_to(lists.verdicts(), expected_scores([(held[n], weights[n]) for n in "bc"]))


def test_baseline_on_demand(lists, nginx, rng, caller):
    values = addresses(rng, 2500)
    lists.source("one", nginx.write("one.txt", text(values)))
    lists.start()
    lists.run()
    n = len(lists.events("v1.listing."))
    call_id = b"0123456789abcdef"
    first = caller.control("blacklist", "baseline", "one", call_id=call_id)
    assert first.ok and "1 queued" in first.result
    assert caller.control("blacklist", "baseline", "one", call_id=call_id) == first
    wait_for(lambda: len(lists.events("v1.listing.")) == 2 * n, 10, "the baseline comes, once")
    assert lists.events("v1.listing.")[n].payload.version == 1
    assert set(lists.listed("one")) == set(values)
    wait_for(lambda: sum(len(s.payload.verdicts) for s in lists.events("v1.verdict.")) == 5000, 20, "verdicts in full")
    applied = lists.events("v1.control.applied.blacklist.")
    assert [(s.payload.action, s.payload.target, s.payload.actor) for s in applied] == [("baseline", "one", "tester")]
    with pytest.raises(AssertionError, match="no such source"):
        caller.control("blacklist", "baseline", "two")


def test_verdicts_go_before_the_listings_that_cause_them(lists, nginx, rng):
    """What is lost behind a removal cannot be the verdict on it: no baseline would name it again."""
    values = addresses(rng, 5000)
    lists.source("one", nginx.write("one.txt", text(values)))
    lists.start()
    lists.run()
    time.sleep(1.1)
    nginx.write("one.txt", text(values[2500:]))
    lists.run()
    told = [kind for kind, _ in itertools.groupby(s.kind for s in lists.events("v1.listing.", "v1.verdict."))]
    assert told == ["verdict.changes", "listing.baseline", "verdict.changes", "listing.delta"]


def test_a_baseline_of_a_version_that_is_lost(lists, nginx, site, caller, rng):
    """It was asked for, and is queued behind a long one, when the file turns out damaged: an empty set is no answer."""
    values = addresses(rng, 200_000)
    lists.source("long", nginx.write("long.txt", text(values)))
    lists.source("one", nginx.write("one.txt", text(values[:10])))
    lists.start()
    lists.run(deadline_s=120)
    for name in ("long", "one"):
        assert "1 queued" in caller.control("blacklist", "baseline", name).result
    lists.service.kill()
    (site.data / "blacklist" / "sets" / "one-1.set").write_bytes(b"damaged")
    lists.service.start()
    assert "job.void" in wait_for(lambda: "job.void" in lists.service.log_text() and lists.service.log_text(), 30,
                                  "the job is dropped")
    time.sleep(1.1)
    lists.run()
    versions = [s.payload.version for s in lists.events("v1.listing.baseline.one.")]
    assert versions[0] == 1 and set(versions[1:]) == {2}
    assert set(lists.listed("one")) == set(values[:10])


def test_operators_see_sources(lists, nginx, caller):
    lists.source("good", nginx.write("g.txt", "8.8.8.8\nbad line\n"))
    lists.source("html", nginx.write("h.txt", "<html></html>"))
    for i in range(40):
        lists.source(f"x{i:02d}", nginx.url("none.txt"), enabled=False)
    lists.start()
    lists.run()
    names, after = {}, ""
    while after is not None:
        values = dict(caller.control("blacklist", "list", params={"after": after}).values)
        after = values.pop("@next", None)
        names.update(values)
    assert len(names) == 42
    good = json.loads(names["good"])
    assert (good["state"], good["version"], good["entries"], good["rejected"]) == ("idle", 1, 1, 1)
    assert json.loads(names["html"])["reason"] == "html" and json.loads(names["html"])["state"] == "backoff"
    shown = caller.control("blacklist", "show", "good").values
    assert json.loads(shown["reject.01"]) == {"line": 2, "reason": "single_label", "raw": "bad"}
    before = len(lists.events())
    tested = caller.control("blacklist", "test", "good").values
    assert tested["ok"] == "true" and tested["entries"] == "1" and json.loads(tested["rejected"]) == {"single_label": 1}
    assert caller.control("blacklist", "test", "html").values["reason"] == "html"
    assert len(lists.events()) == before


def test_deadline_ends_a_run_and_its_transfers(lists, nginx, site):
    silent = http.server.ThreadingHTTPServer(("127.0.0.3", free_port()), http.server.BaseHTTPRequestHandler)
    site.closing.callback(silent.server_close)  # it listens, and never answers
    lists.source("slow", f"http://127.0.0.3:{silent.server_port}/", allow_private=["127.0.0.3"])
    lists.source("fast", nginx.write("f.txt", "8.8.8.8\n"))
    lists.start()
    report = lists.run(deadline_s=2)
    assert (report.payload.n_ok, report.payload.n_failed) == (1, 1)
    assert lists.last("slow").payload.reason == "deadline"


def test_broken_source_files(lists, nginx, site):
    lists.source("good", nginx.write("g.txt", "8.8.8.8\n"))
    lists.start()
    (lists.dir / "bad.yaml").write_text("url: http://a.example/\nweight: 7\n")
    lists.service.reload()
    wait_for(lambda: "bad.yaml:2:" in lists.service.log_text(), 20, "the file, line and column are named")
    assert lists.run().payload.n_ok == 1
    lists.service.term()
    result = site.run_program(["tip-blacklist", "--config", site.config_path], check=False)
    assert result.returncode != 0 and "bad.yaml:2:9" in result.stderr, result.stderr
    (lists.dir / "bad.yaml").write_text("url: ftp://a.example/\n")
    result = site.run_program(["tip-blacklist", "--check-config", "--config", site.config_path], check=False)
    assert result.returncode != 0 and "http://" in result.stderr + result.stdout


def test_kill_9_while_a_long_list_is_published(lists, nginx, rng):
    """Kills at random moments: the events still fold to the list, nothing missing, nothing doubled."""
    wanted = int(os.environ.get("TIP_KILLS", "12"))
    values = addresses(rng, 100_000)
    lists.source("long", nginx.write("long.txt", text(values)))
    lists.source("other", nginx.write("other.txt", text(values[::2])), weight=0.4)
    lists.start()
    kills = 0
    while kills < wanted:
        run_id = lists.due(deadline_s=300, expires_s=300)
        for _ in range(rng.randrange(1, 4)):
            time.sleep(rng.random() * 0.4)
            lists.service.kill()
            kills += 1
            lists.service.start(ready=False)
        lists.report(run_id, 120)
        assert set(lists.listed("long")) == set(values)
        time.sleep(1.1)
        values = rng.sample(values, 90_000) + addresses(random.Random(rng.random()), 10_000)
        nginx.write("long.txt", text(values))
        values = sorted(set(values))
    lists.run()
    assert set(lists.listed("long")) == set(values)
    other = set((nginx.www / "other.txt").read_text().split())
    close_to(lists.verdicts(), expected_scores([(values, 0.5), (other, 0.4)]))


def test_a_trimmed_journal_loses_runs_and_nothing_else(site):
    """A start that was trimmed before it was read is the scheduler's to repeat; the next one is heard."""
    site.broker(segment_bytes="1MiB", keep_bytes="2MiB", cap_bytes="4MiB", required=[])
    with Pub(site.endpoint("ingest"), "scheduler") as pub:
        lists = Lists(site, pub).start()
        lists.run()
        assert lists.service.term() == 0
        lost = lists.due()
        for _ in range(10):
            pub.publish_all([("v1.filler.of.room.", bytes(100_000))] * 10)
            pub.flush()
        lists.read.clear()
        lists.service.start()
        told = wait_for(lambda: lists.service.log_lines("input.break"), 20, "it hears that records are gone")
        assert len(told) == 1 and "why=trimmed" in told[0]
        assert lists.run().kind == "schedule.done"
        assert lost not in [s.payload.run_id for s in lists.events("v1.schedule.done.", "v1.schedule.failed.")]
