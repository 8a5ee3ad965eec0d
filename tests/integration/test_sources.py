"""Source files and the etiquette of fetching, on the real service; the servers are a few lines of Python."""
import http.server
import json
import threading

import pytest

from test_blacklist import Lists
from tip_harness import free_port, wait_for
from tip_hosts import Hosts
from tip_wire import pb


class Page:
    """What a server answers, and what it was asked."""

    def __init__(self, host):
        self.status, self.body, self.headers, self.seen = 200, b"8.8.8.8\n", {}, []
        self.answer = lambda path: self.body
        page = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                page.seen.append(dict(self.headers, path=self.path))
                self.send_response(page.status)
                for name, value in page.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(page.answer(self.path))

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer((host, free_port()), Handler)
        self.base = f"http://{host}:{self.server.server_port}"
        self.url = f"{self.base}/list"


@pytest.fixture
def page(site):
    """Makes servers: page("127.0.0.2")."""
    def make(host):
        made = Page(host)
        thread = threading.Thread(target=made.server.serve_forever)
        thread.start()
        site.closing.callback(thread.join)
        site.closing.callback(made.server.shutdown)
        return made
    return make


@pytest.fixture
def lists(site, broker, pub):
    return Lists(site, pub)


def test_a_key_goes_to_its_own_host_only(lists, page, site, caller):
    other, own = page("127.0.0.3"), page("127.0.0.2")
    own.status, own.headers = 302, {"Location": other.url}
    (lists.dir / "key").write_text("canary-of-a-key\n")
    lists.source("keyed", own.url, allow_private=["127.0.0.2", "127.0.0.3"], auth_header="Auth-Key", auth_file="key")
    lists.start()
    lists.run()
    assert lists.last("keyed").payload.reason == "changed"
    assert [seen.get("Auth-Key") for seen in own.seen] == ["canary-of-a-key"]
    assert [seen.get("Auth-Key") for seen in other.seen] == [None]
    assert "canary" not in json.dumps(dict(caller.control("blacklist", "show", "keyed").values))
    assert "canary" not in lists.service.log_text()
    assert not any(b"canary" in seen.event_bytes for seen in lists.events("v1."))


@pytest.mark.parametrize("fields, why", [
    ({"auth_header": "Auth-Key"}, "belong together"),
    ({"auth_header": "Auth Key", "auth": "x"}, "no header"),
    ({"auth_header": "Auth-Key", "auth": "x", "allow_private": []}, "in the clear"),
    ({"group": "Not A Name"}, "group is"),
    ({"derived_from": ["fine", "../x"]}, "derived_from names"),
    ({"category": "evil"}, "category"),
])
def test_fields_that_are_refused(lists, site, fields, why):
    lists.source("bad", "http://lists.example/", **fields)
    result = site.run_program(["tip-blacklist", "--check-config", "--config", site.config_path], check=False)
    assert result.returncode != 0 and why in result.stderr + result.stdout


def addresses(n, first=0, six=0):
    """n IPv4 addresses and `six` IPv6 ones, a line each."""
    return "".join(f"198.{18 + i // 65536}.{i // 256 % 256}.{i % 256}\n" for i in range(first, first + n)) + \
        "".join(f"2001:db9::{i:x}\n" for i in range(six))


def guard_of(caller, name):
    return json.loads(caller.control("blacklist", "show", name).values["source"])["guard"]


# what came first, what came then, and why it is held
HELD = {
    "truncated": (addresses(1200, six=605), addresses(541), "family_vanished"),
    "shrink": (addresses(1361), addresses(271), "shrank"),
    "growth": (addresses(100), addresses(1560), "grew"),
}


def test_the_guard_holds_until_three_agree(lists, page, caller):
    own = page("127.0.0.2")
    bodies = {name: [first, then] for name, (first, then, _) in HELD.items()}
    own.answer = lambda path: bodies[path.strip("/")][0].encode()
    own.headers = {"ETag": '"same-for-ever"'}
    for name in HELD:
        lists.source(name, f"{own.base}/{name}", allow_private=["127.0.0.2"], interval="2s",
                     guard=True, allow_special=["198.18.0.0/15"])
    lists.start()
    assert lists.run().payload.n_ok == len(HELD)
    before = {name: lists.listed(name) for name in HELD}
    for name in HELD:
        bodies[name].pop(0)
    for turn in (1, 2):
        lists.run()
        for name, (first, then, why) in HELD.items():
            held = [s for s in lists.events("v1.source.held.") if s.payload.source == name][-1].payload
            assert held.reason == why and held.version == 1, held
            if why == "shrank":
                assert (held.n_removed, held.n_added) == (1090, 0)
                assert "of 1361 1090 would go and 0 come, at most 50.0 % and 100.0 %" in held.detail
            assert lists.listed(name) == before[name]
            guard = guard_of(caller, name)
            assert (guard["state"], guard["why"], guard["agreeing"]) == ("held", why, turn)
    asked = ["If-None-Match" in seen for seen in own.seen]
    assert asked == [False] * 3 + [True] * 3 + [False] * 3  # a 304 would be no second opinion

    def accepted():
        lists.run()
        return all(lists.last(name).payload.version == 2 for name in HELD)
    wait_for(accepted, 30, "three deliveries over two intervals agree")
    for name, (first, then, _) in HELD.items():
        assert set(lists.listed(name)) == set(then.split())
        assert guard_of(caller, name)["state"] == "ok"


def test_the_guard_is_released_by_hand_and_over_restarts(lists, page, caller):
    own = page("127.0.0.2")
    own.body = addresses(400).encode()
    lists.source("one", own.url, allow_private=["127.0.0.2"], interval="1d", guard=True, allow_special=["198.18.0.0/15"])
    lists.start()
    lists.run()
    own.body = addresses(80).encode()
    lists.run()
    assert guard_of(caller, "one")["state"] == "held"
    state = json.loads(caller.control("blacklist", "show", "one").values["source"])
    assert lists.events("v1.source.held.")[-1].payload.next_unix_ms - lists.last("one").payload.next_unix_ms < 0
    assert len(lists.listed("one")) == 400 and state["ok"] is not None
    lists.service.kill()
    lists.service.start()
    wait_for(lambda: guard_of(caller, "one")["agreeing"] == 1, 10, "the hold is remembered")
    own.body = b"<html><body>503</body></html>"
    lists.run()
    assert lists.last("one").payload.reason == "html" and guard_of(caller, "one")["agreeing"] == 1
    own.body = addresses(10).encode()
    caller.control("blacklist", "release", "one", reason="asked its publisher")
    lists.run()
    assert len(lists.listed("one")) == 400  # 10 are not the 80 that were released
    own.body = addresses(11).encode()
    caller.control("blacklist", "release", "one", reason="asked again")
    lists.run()
    assert len(lists.listed("one")) == 11 and guard_of(caller, "one")["state"] == "ok"
    assert [s.payload.action for s in lists.events("v1.control.applied.")] == ["release", "release"]


def test_what_was_held_is_over_when_the_old_list_is_back(lists, page, caller):
    own = page("127.0.0.2")
    own.body = addresses(400).encode()
    lists.source("one", own.url, guard=True, allow_private=["127.0.0.2"], allow_special=["198.18.0.0/15"])
    lists.source("free", own.url, allow_private=["127.0.0.2"], allow_special=["198.18.0.0/15"])
    lists.start()
    lists.run()
    own.body = addresses(80).encode()
    lists.run()
    assert guard_of(caller, "one")["state"] == "held" and len(lists.listed("free")) == 80
    own.body = addresses(400).encode()
    lists.run()
    assert guard_of(caller, "one")["state"] == "ok" and lists.last("one").payload.version == 1


def test_a_list_that_died_is_an_alarm_until_it_moves(lists, page, caller):
    own = page("127.0.0.2")
    lists.source("mute", own.url, allow_private=["127.0.0.2"], cadence="500ms")
    lists.source("slow", own.url, allow_private=["127.0.0.2"], cadence="30d")
    lists.start()
    lists.run()

    def alarm(raised):
        said = [s.payload for s in lists.events("v1.system.alarm.") if s.payload.name == "stale"]
        return said and said[-1].raised == raised and said[-1].detail
    assert "1 sources have not changed for too long: mute" in wait_for(lambda: alarm(True), 10, "the alarm")
    lists.run()
    assert lists.last("mute").payload.reason in ("unchanged", "not_modified")
    lists.service.kill()
    lists.service.start()
    own.body = b"9.9.9.9\n"
    lists.run()
    assert wait_for(lambda: alarm(False), 10, "the alarm is lowered")
    shown = json.loads(caller.control("blacklist", "show", "slow").values["source"])
    assert (shown["cadence"], shown["stale"]) == ("30d", False) and shown["changed_at"]


PACKED = """# A list of the pack, as the pack has them.
url: {url}
kind: lines
type: ip4
category: attack
group: example
interval: 1s
licence: CC0-1.0
attribution: nobody
terms: https://terms.example/
allow_private: [127.0.0.2]
expect: [{expect}]
"""


def test_terms_and_a_contact_come_before_a_public_list(site, broker, pub, page, caller):
    own, public = page("127.0.0.2"), site.dir / "public"
    public.mkdir(mode=0o755)
    lists = Lists(site, pub)
    for name in ("packed", "mine"):
        (public / f"{name}.yaml").write_text(PACKED.format(url=own.url, expect="192.0.2.1"))
        (public / f"{name}.sample").write_text("192.0.2.1\n")
    lists.source("mine", own.url, allow_private=["127.0.0.2"])  # takes the place of the one of the pack
    site.section("blacklist", public_sources=str(public))
    lists.start()

    def refused(action, **params):
        request = pb.ControlRequest(action=action, target="packed", params=params, actor="tester", reason="test")
        code, reason, _ = caller.put("control.blacklist", request.SerializeToString(), 10)
        assert code
        return reason
    report = lists.run()
    assert (report.payload.n_ok, report.payload.n_failed) == (1, 0) and len(own.seen) == 1
    assert lists.run(target="packed").kind == "schedule.failed" and len(own.seen) == 1
    assert "contact" in refused("enable", accept_terms="true")
    assert "terms" in refused("test")
    assert caller.control("blacklist", "test", "packed", params={"how": "auto"}).values["ok"] == "true"
    assert len(own.seen) == 1
    site.section("blacklist", contact="https://operator.example/")
    lists.service.reload()
    wait_for(lambda: "terms" in refused("enable"), 10, "contact is set")
    shown = json.loads(caller.control("blacklist", "show", "packed").values["source"])
    assert (shown["verified"], shown["public"], shown["terms_accepted"], shown["enabled"]) == (False, True, None, False)
    answer = caller.control("blacklist", "enable", "packed", params={"accept_terms": "true"})
    assert "https://terms.example/" in answer.result
    assert lists.run(target="packed").payload.n_ok == 1
    shown = json.loads(caller.control("blacklist", "show", "packed").values["source"])
    assert shown["verified"] and shown["terms_accepted"] and shown["enabled"]
    assert "(+https://operator.example/)" in own.seen[-1]["User-Agent"]
    told = [s.payload for s in lists.events("v1.control.applied.")]
    assert [(t.action, t.target) for t in told] == [("enable", "packed")] and "terms.example" in told[0].result


def test_a_sample_that_differs_is_said(lists, page, caller):
    own = page("127.0.0.2")
    lists.source("one", own.url, expect=["192.0.2.1", "192.0.2.2"], expect_rejected=1)
    (lists.dir / "one.sample").write_text("192.0.2.1\n192.0.2.3\nnonsense\n")
    lists.start()
    values = caller.control("blacklist", "test", "one", params={"how": "sample"}).values
    assert (values["ok"], values["from"]) == ("false", "sample")
    assert values["differs"] == "missing: 192.0.2.2; too many: 192.0.2.3"
    assert not own.seen


def test_a_server_that_says_wait_is_left_alone_even_by_hand(lists, page):
    own = page("127.0.0.2")
    own.status, own.headers = 503, {"Retry-After": "3600"}
    lists.source("one", own.url, allow_private=["127.0.0.2"])
    lists.source("two", own.base + "/two", allow_private=["127.0.0.2"], interval="1h")
    lists.start()
    own.answer = lambda path: b""
    lists.run(target="one")
    own.status, own.headers = 429, {}
    lists.run(target="two")
    assert [seen["path"] for seen in own.seen] == ["/list", "/two"]
    own.status = 200
    for name in ("one", "two"):
        report = lists.run(target=name)
        assert report.kind == "schedule.failed" and "left alone" in report.payload.summary
    assert lists.run().payload.n_skipped == 2
    lists.service.kill()
    lists.service.start()
    assert lists.run().payload.n_skipped == 2 and len(own.seen) == 2


def test_publishers_floors_hold(lists, site):
    lists.source("drop", "https://www.spamhaus.org/drop/drop_v4.json", interval="59m")
    result = site.run_program(["tip-blacklist", "--check-config", "--config", site.config_path], check=False)
    assert result.returncode != 0 and "publisher allows" in result.stderr + result.stdout


def answered(caller, action, target, reason="test", **params):
    """(result, values) of an action, or (why it was refused, None)."""
    request = pb.ControlRequest(action=action, target=target, params=params, actor="tester", reason=reason,
                                dry_run=params.pop("dry_run", "") == "true")
    code, why, body = caller.put("control.blacklist", request.SerializeToString(), 10)
    if code:
        return why, None
    answer = pb.ControlAnswer.FromString(body)
    return answer.result, dict(answer.values)


def test_a_retired_list_lists_nothing_until_it_is_enabled(lists, page, caller):
    own = page("127.0.0.2")
    own.body = addresses(30).encode()
    lists.source("over", own.url, allow_private=["127.0.0.2"], allow_special=["198.18.0.0/15"])
    lists.source("stays", f"{own.base}/stays", allow_private=["127.0.0.2"], allow_special=["198.18.0.0/15"], weight=0.4)
    lists.start()
    lists.run()
    file = (lists.dir / "over.yaml").read_text()
    assert "reason" in answered(caller, "retire", "over", reason="")[0]
    result, _ = answered(caller, "retire", "over", dry_run="true")
    assert result == "would be retired (30 entries)" and len(lists.listed("over")) == 30
    assert answered(caller, "hold", "over")[1] is not None  # the later word is the one that holds
    result, _ = answered(caller, "retire", "over", reason="its publisher gave up")
    assert "30 entries" in result
    wait_for(lambda: not lists.listed("over"), 10, "what it listed goes")
    assert (lists.last("over").payload.reason, lists.last("over").payload.n_entries) == ("retired", 0)
    assert set(lists.verdicts().values()) == {0.4} and len(lists.verdicts()) == 30
    assert (lists.dir / "over.yaml").read_text() == file
    n = len(own.seen)
    for why in (answered(caller, "test", "over")[0], answered(caller, "diff", "over")[0],
                answered(caller, "disable", "over")[0], answered(caller, "hold", "over")[0]):
        assert "retired" in why
    assert "retired" in lists.run(target="over").payload.summary
    lists.service.kill()
    lists.service.start()
    assert lists.run().payload.n_ok == 1 and [seen["path"] for seen in own.seen[n:]] == ["/stays"]
    shown = json.loads(caller.control("blacklist", "show", "over").values["source"])
    assert (shown["override"], shown["enabled"], shown["entries"], shown["held"]) == ("retired", False, 0, False)
    assert answered(caller, "enable", "over")[1] is not None
    lists.run()
    assert len(lists.listed("over")) == 30
    wait_for(lambda: set(lists.verdicts().values()) == {0.7}, 20, "its weight is in force again")
    told = [(s.payload.action, s.payload.reason) for s in lists.events("v1.control.applied.")]
    assert ("retire", "its publisher gave up") in told and told[-1][0] == "enable"


@pytest.mark.parametrize("left", ("seen", "nothing"))
def test_what_is_damaged_can_be_retired(lists, page, site, caller, left):
    own = page("127.0.0.2")
    own.body = addresses(30).encode()
    lists.source("over", own.url, allow_private=["127.0.0.2"], allow_special=["198.18.0.0/15"])
    lists.start()
    lists.run()
    lists.service.kill()
    files = [path for path in (site.data / "blacklist").rglob("over-*") if left == "nothing" or path.suffix != ".seen"]
    assert files
    for path in files:
        path.write_bytes(b"damaged")
    lists.service.start()
    assert answered(caller, "retire", "over", reason="its disk gave up")[1] is not None
    wait_for(lambda: not lists.listed("over"), 15, "what it listed goes")
    assert (lists.last("over").payload.reason, lists.last("over").payload.n_entries) == ("retired", 0)
    shown = json.loads(caller.control("blacklist", "show", "over").values["source"])
    assert (shown["override"], shown["entries"], len(own.seen)) == ("retired", 0, 1)
    assert answered(caller, "enable", "over")[1] is not None
    lists.run()
    assert len(lists.listed("over")) == 30


def test_a_diff_says_what_would_change_and_changes_nothing(lists, page, caller):
    own = page("127.0.0.2")
    own.body = addresses(100).encode()
    own.headers = {"ETag": '"same-for-ever"'}
    lists.source("one", own.url, guard=True, allow_private=["127.0.0.2"], allow_special=["198.18.0.0/15"])
    lists.start()
    values = answered(caller, "diff", "one")[1]
    assert (values["version"], values["added"], values["guard"]) == ("0", "100", "off")
    lists.run()
    wait_for(lambda: any(seen.payload.measured_unix_ms for seen in lists.events("v1.source.weight.")), 30, "it is weighed")
    n, state = len(lists.events()), caller.control("blacklist", "show", "one").values["source"]
    own.body = addresses(96, first=4).encode() + b"9.9.9.9\nnonsense\n"
    result, values = answered(caller, "diff", "one")
    assert "If-None-Match" not in own.seen[-1]
    assert result == "would change: +1 -4 ~0" and values["ok"] == "true"
    assert {k: values[k] for k in ("version", "added", "removed", "changed", "guard", "rejected_lines")} == {
        "version": "1", "added": "1", "removed": "4", "changed": "0", "guard": "ok", "rejected_lines": "1"}
    assert json.loads(values["added_first"]) == ["9.9.9.9"]
    assert json.loads(values["removed_first"]) == [f"198.18.0.{i}" for i in range(4)]
    own.body = addresses(10).encode()
    result, values = answered(caller, "diff", "one")
    assert result.startswith("would be held: +0 -90 ~0; ") and values["guard"] == "shrank"
    own.body = b"<html></html>"
    assert answered(caller, "diff", "one")[1]["reason"] == "html"
    own.body = addresses(100).encode()
    assert answered(caller, "diff", "one")[0] == "nothing would change: +0 -0 ~0"
    assert len(lists.events()) == n and len(lists.listed("one")) == 100
    now = json.loads(caller.control("blacklist", "show", "one").values["source"])
    assert now == json.loads(state)


def test_lists_of_one_publisher_keep_its_floor_together(lists, page, site, caller):
    """Their names lead to a server of ours: nothing outside is looked up or asked."""
    own = page("127.0.0.2")
    own.status, port = 404, own.server.server_port
    hosts = Hosts(site, "127.0.0.2 www.spamhaus.org www.spamhaus.org. lists.blocklist.de\n")
    fields = {"timeout": "5s", "allow_private": ["127.0.0.2"]}
    for name in ("drop4", "drop6", "asndrop"):
        lists.source(name, f"http://WWW.Spamhaus.org.:{port}/{name}", interval="1h", **fields)
    for name in ("own", "same"):
        lists.source(name, f"http://lists.blocklist.de:{port}/own", interval="15m", **fields)
    lists.source("next", f"http://lists.blocklist.de:{port}/next", interval="15m", **fields)
    hosts.start(lists.service)
    report = lists.run()
    assert (report.payload.n_ok, report.payload.n_failed, report.payload.n_skipped) == (0, 3, 3)
    asked = {s.payload.source: s.payload.reason for s in lists.events("v1.source.failed.")}
    # of those never asked the first by name; `same` is the same list
    assert asked == dict.fromkeys(("asndrop", "own", "next"), "http_404")
    for name in ("drop4", "drop6", "asndrop", "own", "same", "next"):
        assert "less often" in lists.run(target=name).payload.summary
        assert "less often" in answered(caller, "test", name)[0]
    lists.service.kill()
    hosts.start(lists.service)
    assert lists.run().payload.n_skipped == 6
    assert sorted(seen["path"] for seen in own.seen) == ["/asndrop", "/next", "/own"]
