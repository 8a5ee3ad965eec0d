"""tip-web on a real chain: what it answers, whom it lets in, what it refuses."""
import concurrent.futures
import csv
import io
import json
import os
import shutil
import socket
import stat
import time
import urllib.parse

import pytest

from tip_chain import Chain
from tip_harness import open_to_nobody, wait_for
from tip_web import CONTRACT, Crowd, Web
from tip_wire import Caller, Pub, event, uuid7

LIST = "192.0.2.1\n192.0.2.7\n198.51.100.0/24\n"
HOSTILE = "<img/src=x/onerror=alert(1)>"


@pytest.fixture
def web(site, broker):
    """tip-web on a broker alone, logged in by the link of its first start."""
    made = Web(site).start()
    made.follow_link()
    return made


@pytest.fixture
def caller(site, broker):
    with Caller(site.endpoint("work")) as made:
        yield made


@pytest.fixture
def chain(site):
    made = Chain(site, blacklist={"interval_floor": "1s"})
    scored = {"allow_special": ["192.0.2.0/24", "198.51.100.0/24"]}
    made.source("first", LIST, **scored)
    made.source("second", "192.0.2.7\nevil.shop-4711.net\n" + HOSTILE + "\n", **scored)
    made.start()
    made.run()
    made.web = Web(site).start()
    made.web.follow_link()
    return made


def token(caller, name, scope="read", audience="amber", **fields):
    return caller.control("web", "token_add", name, params={"scope": scope, "audience": audience}, **fields).values["token"]


# ---- first start, sessions, tokens ----

def test_the_link_of_a_first_start_opens_once(site, broker):
    web = Web(site).start()
    path = site.data / "web/first-link"
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert web.link() in web.service.log_text()
    address, secret = web.link().split("#t=")
    assert address == f"http://{web.host}/login"
    answer = web.follow_link()
    assert "HttpOnly" in answer.headers["Set-Cookie"] and "SameSite=Strict" in answer.headers["Set-Cookie"]
    assert "Secure" not in answer.headers["Set-Cookie"] and answer.json["name"] == "first-start"
    assert not path.exists()
    assert web.get("/api/v1/session").json == {**web.get("/api/v1/session").json, "name": "first-start",
                                               "scopes": ["read", "operate"], "audience": "amber"}
    assert web.post("/api/v1/session", {"token": secret}, status=401, anonymous=True)
    assert web.metric('tip_web_logins_total{end="wrong"}') == 1
    web.cookie, web.token = None, secret
    web.get("/api/v1/session", status=401)


def test_the_link_is_no_token_and_ends_with_the_next_start(site, broker):
    web = Web(site).start()
    old = web.link().split("#t=")[1]
    web.token = old
    web.get("/api/v1/session", status=401)
    web.token = None
    web.service.restart()
    assert web.link().split("#t=")[1] != old
    web.post("/api/v1/session", {"token": old}, status=401)
    assert web.post("/api/v1/session", {"token": web.link().split("#t=")[1]}, status=403, headers={"Origin": "http://evil.example"})
    web.follow_link()
    assert web.get("/api/v1/session").json["name"] == "first-start"


def test_options_change_all_or_nothing(site, web):
    secure = {"Origin": "https://tip.example.org"}
    options = site.config["web"]
    assert web.request("DELETE", "/api/v1/session", headers=secure).status == 403
    options.update(origin=secure["Origin"], sse_clients_max=17)
    web.service.reload()
    wait_for(lambda: "sse_clients_max change with a restart only" in web.service.log_text(), 10, "it is refused")
    assert web.request("DELETE", "/api/v1/session", headers=secure).status == 403, "nothing of it is in force"
    del options["sse_clients_max"]
    options.update(session_ttl="1h", deadline="2s", calls=3)
    web.service.reload()
    wait_for(lambda: web.request("DELETE", "/api/v1/session", headers=secure).status == 204, 10, "the new origin")


def test_many_who_look_at_the_overview_ask_once(chain):
    web = chain.web
    wait_for(lambda: web.get("/api/v1/overview").json["sources"] == 2, 10, "the sources")

    def asked():
        return next(row["done"] for row in chain.caller.bus("queues") if row["queue"] == "store.query")

    def many():
        """How many questions 60 requests led to; None when they took longer than an answer is kept."""
        before, began = asked(), time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            answers = list(pool.map(lambda _: web.get("/api/v1/overview").body, range(60)))
        assert len(set(answers)) <= 2
        return asked() - before if time.monotonic() - began < 1 else None

    n = wait_for(lambda: (n := many()) is not None and (n,), 60, "60 requests within a second")[0]
    assert n <= 4, "two questions an answer, two answers"
    web.token, web.cookie = token(chain.caller, "outside", audience="clear"), None
    assert web.get("/api/v1/overview").json["sources"] == 0, "another audience has an answer of its own"


def test_a_session_survives_a_restart_and_ends_at_logout(web):
    web.service.restart()
    assert web.get("/api/v1/session").json["name"] == "first-start"
    assert web.request("DELETE", "/api/v1/session").status == 403, "a cookie alone, from nowhere"
    assert web.request("DELETE", "/api/v1/session", headers={"Origin": "http://evil.example"}).status == 403
    assert web.metric('tip_web_denied_total{why="origin"}') == 2
    assert web.request("DELETE", "/api/v1/session", headers={"Origin": f"http://{web.host}"}).status == 204
    web.get("/api/v1/session", status=401)


def test_tokens_have_names_scopes_and_an_end(site, web, caller):
    reader = token(caller, "reader")
    assert len(reader) >= 43
    web.cookie, web.token = None, reader
    assert web.get("/api/v1/session").json == {"name": "reader", "scopes": ["read"], "audience": "amber", "expires_at": None}
    web.post("/api/v1/control", {"service": "scheduler", "action": "run", "target": "x"}, status=403)
    data = b"".join(p.read_bytes() for p in (site.data / "web").rglob("*") if p.is_file())
    assert reader.encode() not in data, "tokens are stored hashed"
    assert reader not in web.service.log_text()
    listed = caller.control("web", "token_list")
    assert set(listed.values) == {"reader"} and json.loads(listed.values["reader"])["audience"] == "amber"
    assert caller.control("web", "token_revoke", "reader", dry_run=True).result == "would be revoked: reader"
    web.get("/api/v1/session")
    caller.control("web", "token_revoke", "reader")
    web.get("/api/v1/session", status=401)
    short = token(caller, "short", expires_unix_ms=int(time.time() * 1000) + 1500)
    web.token = short
    web.get("/api/v1/session")
    wait_for(lambda: web.request("GET", "/api/v1/session").status == 401, 10, "the token expires")
    web.service.restart()
    assert set(caller.control("web", "token_list").values) == {"short"}


def test_a_login_turns_a_token_into_a_cookie(web, caller):
    good = token(caller, "me", scope="operate", audience="green")
    web.cookie = None
    answer = web.post("/api/v1/session", {"token": good})
    assert answer.json["scopes"] == ["read", "operate"] and answer.json["audience"] == "green"
    web.cookie = answer.headers["Set-Cookie"].split(";")[0].split("=", 1)[1]
    assert web.get("/api/v1/session").json["name"] == "me"
    assert web.request("POST", "/api/v1/session", json.dumps({"token": good}),
                       headers={"Content-Type": "text/plain"}).status == 415
    assert web.post("/api/v1/session", {"token": good}, status=403, headers={"Origin": "http://evil.example"})
    stream = web.stream()
    caller.control("web", "token_revoke", "me")
    web.get("/api/v1/session", status=401)
    stream.wait(lambda s: s.is_over, what="the stream ends with its token")
    assert web.metric("tip_web_streams_revoked_total") == 1


def test_guessing_is_refused_counted_and_slowed_down(web, caller):
    good = token(caller, "me")
    web.cookie = None
    ends = [web.request("POST", "/api/v1/session", {"token": f"guess{i}"}).status for i in range(12)]
    assert ends[:10] == [401] * 10 and ends[11] == 429
    answer = web.request("POST", "/api/v1/session", {"token": good})
    assert answer.status == 429 and int(answer.headers["Retry-After"]) >= 1
    web.token = "wrong"
    assert web.get("/api/v1/session", status=429)
    web.token = good
    assert web.get("/api/v1/session").json["name"] == "me", "a right token is let in from the same address"
    assert web.metric('tip_web_logins_total{end="wrong"}') >= 10
    assert web.metric('tip_web_logins_total{end="limited"}') >= 2


# ---- answers ----

def test_search_and_indicator(chain):
    web = chain.web
    found = wait_for(lambda: (f := web.get("/api/v1/search", q="192.0.2.7").json)["verdict"] and f, 20, "a verdict")
    assert (found["kind"], found["value"]) == ("ip", "192.0.2.7")
    assert sorted(row["source"] for row in found["listings"]) == ["first", "second"]
    assert found["verdict"]["tier"] == "slow" and found["verdict"]["score"] == pytest.approx(0.75)
    assert found["verdict"]["families"] == {"list": pytest.approx(0.75)}
    assert web.get("/api/v1/search", q="203.0.113.9").json["listings"] == []
    nothing = web.get("/api/v1/search", q="no such thing!").json
    assert (nothing["kind"], nothing["listings"]) == (None, [])
    assert [r["relation"] for r in web.get("/api/v1/search", q="198.51.100.4").json["listings"]] == ["around"]
    page = web.get("/api/v1/indicators/192.0.2.7").json
    assert {row["raw"] for row in page["listings"]} == {"192.0.2.7"}
    assert page["verdict"]["families"] == {"list": pytest.approx(0.75)}
    assert web.get("/api/v1/indicators/198.51.100.0%2F24").json["kind"] == "net"
    inside = web.get("/api/v1/indicators/198.51.100.4").json
    assert [(r["relation"], r["value"], r["source"], r["listed"], r["tier"]) for r in inside["listings"]] == [
        ("around", "198.51.100.0/24", "first", True, "watch")]
    assert inside["verdict"] is None and not inside["more"], "it counts for itself"
    assert inside["inherited"] == {"score": 0.5, "tier": "watch", "share": 1, "kind": "net", "value": "198.51.100.0/24",
                                   "source": "first"}
    assert page["inherited"] is None, "its own verdict decides"
    assert web.get("/api/v1/indicators/198.51.100.4", at="2020-01-01T00:00:00Z").json["listings"] == []
    assert web.get("/api/v1/indicators/192.0.2.7", at="2020-01-01T00:00:00Z").json["listings"] == []
    assert page["allow"] == [] and web.get("/api/v1/allow").json == {"items": [], "next": None}
    web.get("/api/v1/indicators/192.0.2.7", at="yesterday", status=400)
    web.get("/api/v1/search", status=400)


def test_what_was_removed_is_history(chain):
    before = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 1))
    time_then = chain.web.get("/api/v1/indicators/192.0.2.1").json["listings"][0]["listed_at"]
    chain.serve("first", "192.0.2.7\n198.51.100.0/24\n198.51.100.9\n")
    chain.run("first")
    chain.wait_listed("first", {("ip", "192.0.2.7"), ("net", "198.51.100.0/24"), ("ip", "198.51.100.9")})
    assert chain.web.get("/api/v1/search", q="192.0.2.1").json["listings"] == []
    row = chain.web.get("/api/v1/search", q="192.0.2.1", all="true").json["listings"][0]
    assert row["listed"] is False and row["removed_at"]
    then = chain.web.get("/api/v1/indicators/192.0.2.1", at=time_then).json
    assert then["listings"][0]["listed"] is True and then["at"] == time_then
    told = wait_for(lambda: chain.web.get("/api/v1/indicators/192.0.2.1").json["history"], 20, "what was told of it")[-1]
    then = chain.web.get("/api/v1/indicators/192.0.2.1", at=told["from"]).json
    assert (then["verdict"]["score"], then["verdict"]["tier"]) == (told["score"], told["tier"]) == (0.5, "watch")
    assert chain.web.get("/api/v1/indicators/192.0.2.1", at="2020-01-01T00:00:00Z").json["verdict"] is None
    assert chain.web.get("/api/v1/search", q="192.0.2.1", at=told["from"]).json["listings"][0]["source"] == "first"
    assert chain.web.get("/api/v1/search", q="192.0.2.1", at="2020-01-01T00:00:00Z").json["listings"] == []
    chain.web.get("/api/v1/search", q="192.0.2.1", at="then", status=400)
    assert before


def test_weights_of_a_list(chain):
    rows = chain.web.get("/api/v1/sources/first/weights").json["items"]
    assert rows and rows[0]["weight"] == pytest.approx(0.5) and rows[0]["counts"]["source"] == "first"
    assert chain.web.get("/api/v1/sources/first/weights", format="csv").text.startswith("at,weight,before,reason,fixed")


def test_lists_pages_and_csv(chain):
    web = chain.web
    wait_for(lambda: len(web.get("/api/v1/verdicts").json["items"]) == 4, 20, "four verdicts")
    sources = web.get("/api/v1/sources").json
    assert [row["name"] for row in sources["items"]] == ["first", "second"] and sources["next"] is None
    one = web.get("/api/v1/sources/second").json
    assert one["source"]["n_entries"] == 2 and one["reject_sample"][0]["raw"] == HOSTILE
    assert one["source"]["tlp"] == "amber" and sources["items"][0]["tlp"] == "amber"
    assert sum(one["rejected"].values()) == 1 and one["history"][0]["n_added"] == 2
    web.get("/api/v1/sources/nosuch", status=404)
    web.get("/api/v1/sources/nosuch/entries", status=404)
    web.get("/api/v1/sources/nosuch/weights", status=404)
    for path in ("/api/v1/sources/first/entries", "/api/v1/verdicts", "/api/v1/runs", "/api/v1/audit"):
        everything = web.get(path, limit=1000).json["items"]
        paged, cursor = [], None
        while True:
            page = web.get(path, limit=1, **({"cursor": cursor} if cursor else {})).json
            paged += page["items"]
            cursor = page["next"]
            if not cursor:
                break
        assert paged == everything and everything, path
        web.get(path, cursor="AAAA", status=400)
    values = {row["value"] for row in web.get("/api/v1/verdicts").json["items"]}
    assert values == {"192.0.2.1", "192.0.2.7", "198.51.100.0/24", "evil.shop-4711.net"}
    assert {row["value"] for row in web.get("/api/v1/verdicts", tier="slow").json["items"]} == {"192.0.2.7"}
    assert {row["kind"] for row in web.get("/api/v1/verdicts", kind="domain").json["items"]} == {"domain"}
    assert len(web.get("/api/v1/verdicts", family="list").json["items"]) == 4
    assert web.get("/api/v1/verdicts", family="trap").json["items"] == []
    web.get("/api/v1/verdicts", tier="worst", status=400)
    answer = web.get("/api/v1/verdicts", headers={"Accept": "text/csv"})
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert {row["value"] for row in rows} == values
    assert web.get("/api/v1/sources", format="csv").text.startswith("name,state,")


def test_pages_go_on_where_they_were_whatever_comes_meanwhile(chain):
    web = chain.web
    chain.run("first")
    wait_for(lambda: len(web.get("/api/v1/verdicts").json["items"]) == 4, 20, "four verdicts")
    lists = ["/api/v1/runs", "/api/v1/audit", "/api/v1/verdicts", "/api/v1/sources/first/entries"]
    before = {path: web.get(path, limit=1000).json["items"] for path in lists}
    first = {path: web.get(path, limit=1).json for path in lists}
    chain.serve("first", LIST + "".join(f"192.0.2.{i}\n" for i in range(100, 140)))
    chain.run("first")
    chain.wait_listed("first", {("ip", "192.0.2.1"), ("ip", "192.0.2.7"), ("net", "198.51.100.0/24"),
                                *(("ip", f"192.0.2.{i}") for i in range(100, 140))})
    wait_for(lambda: len(web.get("/api/v1/verdicts").json["items"]) == 44, 20, "44 verdicts")
    for path in lists:
        rest = web.get(path, limit=1000, cursor=first[path]["next"]).json["items"]
        known = [row for row in rest if row in before[path]]
        assert first[path]["items"] == before[path][:1] and known == before[path][1:], path
        assert path in lists[2:] or rest == before[path][1:], f"{path}: what is newer comes before, not behind"


def test_every_path_of_the_contract_says_what_is_wrong_in_one_form(web):
    """Without a token, with a method that a path does not have, and with none of ours: each answer is the contract's."""
    for path, operations in CONTRACT["paths"].items():
        address = path.replace("{value}", "192.0.2.1").replace("{name}", "x")
        for method, operation in operations.items():
            if operation["security"] and {} not in operation["security"]:  # an empty one: also without a token
                answer = web.request(method.upper(), address, anonymous=True)
                assert answer.status == 401 and answer.headers["WWW-Authenticate"] == "Bearer", (method, path)
                assert answer.headers["Content-Type"] == "application/problem+json" and answer.json["status"] == 401
        for method in {"GET", "POST", "DELETE"} - {name.upper() for name in operations}:
            answer = web.request(method, address, b"{}" if method == "POST" else None)
            assert answer.status == 405 and set(answer.headers["Allow"].lower().split(", ")) - {"head"} == set(operations)
            assert answer.headers["Content-Type"] == "application/problem+json" and answer.json["status"] == 405
    assert web.get("/api/v1/nosuch", status=404).json["title"] == "Not Found"
    assert web.request("POST", "/", b"x").headers["Allow"] == "GET, HEAD"


def test_the_system(chain):
    web = chain.web
    wait_for(lambda: {row["name"] for row in web.get("/api/v1/status").json["services"]}
             >= {"storage", "scheduler", "blacklist", "web"}, 20, "heartbeats")
    status = web.get("/api/v1/status").json
    assert {row["publisher"] for row in status["publishers"]} >= {"blacklist", "scheduler"}
    assert any(row["consumer"] == "storage" for row in status["consumers"])
    assert any(row["queue"] == "control.web" for row in status["queues"]) and status["journal"]["head_seq"] > 0
    assert status["storage"]["available"] and status["storage"]["sources"] == 2
    overview = wait_for(lambda: (o := web.get("/api/v1/overview").json)["recent"] and o, 10, "recent events")
    assert overview["sources"] == 2 and overview["head_seq"] >= overview["recent"][0]["seq"]
    assert not overview["simulated"] and len(web.get("/api/v1/overview").body) < 65536


def test_an_audience_sees_what_is_for_it(chain):
    web = chain.web
    wait_for(lambda: web.get("/api/v1/search", q="192.0.2.7").json["verdict"], 20, "a verdict")
    web.token, web.cookie = token(chain.caller, "outside", audience="clear"), None
    found = web.get("/api/v1/search", q="192.0.2.7").json
    assert found["listings"] == [] and found["verdict"] is None
    assert web.get("/api/v1/sources").json["items"] == [] and web.get("/api/v1/verdicts").json["items"] == []
    assert web.get("/api/v1/indicators/192.0.2.7").json["listings"] == []
    web.get("/api/v1/sources/first", status=404)
    assert web.get("/api/v1/overview").json["sources"] == 0 and web.get("/api/v1/overview").json["recent"] == []
    for path in ("status", "runs", "audit", "allow"):
        web.get(f"/api/v1/{path}", status=403)


def test_what_is_inherited_is_what_the_blacklist_says(chain):
    """What a reference list exempts and the operators allow inherits nothing, though nobody was told a verdict on it."""
    web, net = chain.web, "203.0.113.0/24"
    warn = open_to_nobody(chain.site.dir / "warninglists")
    for name, entry in (("resolver", "203.0.113.5"), ("shodan-scanning", "203.0.113.6")):
        (warn / f"{name}.json").write_text(json.dumps({"type": "cidr", "list": [entry]}))
    chain.site.section("blacklist", warninglists=str(warn))
    chain.site.write_config()
    chain.source("open", f"{net}\n", tlp="clear", redistribute=True, allow_special=[net], weight=0.8)
    chain.source("secret", f"{net}\n", tlp="amber", allow_special=[net], weight=0.5)
    chain.blacklist.reload()
    wait_for(lambda: chain.blacklist.metric("tip_blacklist_exempt_lists") == 2, 30, "the reference lists are read")
    chain.run()
    assert chain.caller.control("blacklist", "allow_add", "203.0.113.7").ok
    asked = ("203.0.113.4", "203.0.113.5", "203.0.113.6", "203.0.113.7")
    seen = lambda: {value: web.get(f"/api/v1/indicators/{value}").json for value in asked}
    score = lambda page: page["inherited"] and (round(page["inherited"]["score"], 6), page["inherited"]["source"])
    said = lambda: [[score(page), page["inherited_by"]] for page in seen().values()]
    by = "lookup"
    wait_for(lambda: said() == [[(0.9, "open"), by], [None, by], [(0.225, "open"), by], [None, by]], 30, said)
    past = web.get("/api/v1/indicators/203.0.113.5", at="2020-01-01T00:00:00Z").json
    assert (past["inherited"], past["inherited_by"]) == (None, "storage")
    amber, (web.token, web.cookie) = (web.token, web.cookie), (token(chain.caller, "outside", audience="clear"), None)
    wait_for(lambda: said() == [[(0.8, "open"), by], [None, by], [(0.2, "open"), by], [None, by]], 30, said)
    assert all([row["source"] for row in page["listings"]] == ["open"] for page in seen().values())
    chain.blacklist.term()
    page = web.get("/api/v1/indicators/203.0.113.4").json
    assert (page["inherited"], page["inherited_by"]) == (None, "unknown"), "it may be allowed, for all that storage tells"
    web.token, web.cookie = amber
    page = web.get("/api/v1/indicators/203.0.113.4").json
    assert (score(page), page["inherited_by"]) == ((0.9, "open"), "storage")


def test_an_operator_acts_and_is_on_record(chain):
    web = chain.web
    origin = {"Origin": f"http://{web.host}"}
    body = {"service": "scheduler", "action": "run", "target": "blacklist/first", "reason": "test", "dry_run": True}
    assert web.post("/api/v1/control", body, headers=origin).json["result"] == "would start blacklist/first"
    web.post("/api/v1/control", body, status=403)
    answer = web.post("/api/v1/control", {**body, "dry_run": False, "params": {"force": "true"}}, headers=origin).json
    assert answer["ok"] and answer["values"]["run_id"]
    row = wait_for(lambda: next((r for r in web.get("/api/v1/audit", service="scheduler").json["items"]
                                 if r["actor"] == "first-start@web"), None), 20, "the audit log has it")
    assert row["action"] == "run" and row["reason"] == "test"
    web.post("/api/v1/control", {"service": "web", "action": "token_add", "target": "x"}, status=403, headers=origin)
    web.post("/api/v1/control", {"service": "scheduler", "action": "fly"}, status=400, headers=origin)
    web.post("/api/v1/control", {"service": "scheduler", "action": "pause", "target": "nojob"}, status=404, headers=origin)
    web.post("/api/v1/control", {"service": "../x", "action": "run"}, status=400, headers=origin)
    web.post("/api/v1/control", {"service": "scheduler", "action": "run", "more": 1}, status=400, headers=origin)
    assert web.request("POST", "/api/v1/control", "[1", headers=origin).status == 400


def test_what_an_operator_did_to_a_source_shows_at_once(chain):
    web = chain.web
    origin = {"Origin": f"http://{web.host}"}
    plain = {"held": False, "held_until": None, "hold_reason": "", "enabled": True, "override": ""}
    assert web.get("/api/v1/sources/first").json["operator"] == plain

    def act(action, **more):
        assert web.post("/api/v1/control", {"service": "blacklist", "action": action, "target": "first", "reason": "test", **more},
                        headers=origin).json["ok"]
        return web.get("/api/v1/sources/first").json["operator"]

    assert act("hold") == {**plain, "held": True, "hold_reason": "test"}
    assert act("hold", expires="2099-01-01T00:00:00Z")["held_until"] == "2099-01-01T00:00:00.000Z"
    assert act("release") == plain
    assert act("disable") == {**plain, "enabled": False, "override": "disabled"}
    chain.blacklist.kill()
    assert web.get("/api/v1/sources/first").json["operator"] is None, "the page is there without blacklist"
    web.token, web.cookie = token(chain.caller, "outside", audience="green"), None
    web.get("/api/v1/sources/first", status=404)


def test_hostile_texts_stay_texts(chain):
    web = chain.web
    answer = web.get("/api/v1/sources/second")
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["X-Content-Type-Options"] == "nosniff" and "script-src 'self'" in answer.headers["Content-Security-Policy"]
    assert HOSTILE in answer.json["reject_sample"][0]["raw"]
    assert web.get("/api/v1/search", q=HOSTILE).json["query"] == HOSTILE
    for path in (f"/api/v1/sources/{urllib.parse.quote(HOSTILE)}", f"/{urllib.parse.quote(HOSTILE)}", "/nosuch.js"):
        answer = web.request("GET", path)
        assert HOSTILE not in answer.text, path


@pytest.mark.parametrize("text", ["'; drop table tip.event; --", "1' or '1'='1", "x\" or 1=1", "%27%20union%20select",
                                  "first' and pg_sleep(10)='"])
def test_what_looks_like_sql_is_a_value(chain, text):
    web = chain.web
    assert web.get("/api/v1/search", q=text).json["listings"] == []
    web.get("/api/v1/sources/" + urllib.parse.quote(text, safe=""), status=404)
    web.get("/api/v1/sources/" + urllib.parse.quote(text, safe="") + "/entries", status=404)
    assert web.get("/api/v1/runs", module=text).json["items"] == []
    assert web.get("/api/v1/audit", service=text).json["items"] == []
    for kind in ("verdicts", "sources/first/entries", "runs", "audit"):
        web.get(f"/api/v1/{kind}", cursor=text, status=400)
    assert chain.rows("select count(*) n from tip.event")[0]["n"] > 0


# ---- neighbours ----

def test_storage_or_broker_away_is_said(chain):
    web = chain.web
    chain.storage.kill()
    answer = wait_for(lambda: (a := web.request("GET", "/api/v1/sources")).status == 503 and a, 30, "503")
    assert answer.json["detail"]
    assert web.get("/api/v1/status").json["storage"]["available"] is False
    chain.broker.kill()
    answer = wait_for(lambda: (a := web.request("GET", "/api/v1/sources")).status == 503 and a, 30, "503")
    assert "broker" in answer.json["detail"]
    assert web.get("/api/v1/session").json["name"] == "first-start"
    chain.broker.start()
    chain.storage.start()
    wait_for(lambda: web.request("GET", "/api/v1/sources").status == 200, 30, "all is well again")


def test_a_worker_that_says_nothing_is_a_504(site, broker):
    from tip_wire import Worker

    web = Web(site, deadline="1s").start()
    web.follow_link()
    with Worker(site.endpoint("work"), "store.query"):
        began = time.monotonic()
        assert web.request("GET", "/api/v1/sources").status == 504
        assert 0.5 < time.monotonic() - began < 5


# ---- files ----

def test_static_files(site, broker):
    ui = site.dir / "ui"
    (ui / "assets").mkdir(parents=True)
    (ui / "index.html").write_text("<!doctype html><title>TIP</title>")
    (ui / "assets/app.js").write_text("/* " + "x" * 5000 + " */")
    (ui / ".secret").write_text("no")
    (site.dir / "outside.txt").write_text("no")
    (ui / "link.txt").symlink_to(site.dir / "outside.txt")
    web = Web(site, ui=str(ui)).start()
    for page in ("/", "/feed", "/indicator/192.0.2.1", "/indicator/evil.example.com", "/sources/drop.v4", "/login"):
        assert web.get(page).text.startswith("<!doctype html>"), page
    answer = web.get("/assets/app.js", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip" and len(answer.raw) < 200 and len(answer.body) == 5006
    assert "immutable" in answer.headers["Cache-Control"]
    assert web.get("/assets/app.js", status=304, headers={"If-None-Match": answer.headers["ETag"]}).raw == b""
    for path in ("/.secret", "/link.txt", "/../outside.txt", "/assets/..%2f..%2foutside.txt", "/assets/%2e%2e/x.txt"):
        assert "no" != web.request("GET", path).text, path
        assert web.request("GET", path).status in (404, 400), path
    head = web.request("HEAD", "/assets/app.js")
    assert head.status == 200 and head.raw == b"" and head.headers["Content-Length"] == "5006"
    assert web.request("POST", "/", b"x").status == 405


def test_without_a_dashboard_a_page_says_how_to_get_it(site, broker):
    site.config["tip"]["simulated"] = True
    web = Web(site, ui=str(site.dir / "nowhere")).start()
    text = web.get("/").text
    assert "npm" in text and "make" in text and "SIMULATED" in text
    assert web.get("/api/v1/openapi.json", anonymous=True).json == CONTRACT


# ---- limits ----

def send(web, payload, timeout=30):
    with socket.create_connection(("127.0.0.1", web.port), timeout) as s:
        s.sendall(payload)
        got = b""
        try:
            while part := s.recv(65536):
                got += part
        except OSError:
            pass
        return got


def test_too_much_is_refused_and_counted(web):
    host = b"Host: x\r\nConnection: close\r\n"
    assert b" 431 " in send(web, b"GET / HTTP/1.1\r\n" + host + b"X: " + b"a" * 9000 + b"\r\n\r\n")[:20]
    assert b" 414 " in send(web, b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n" + host + b"\r\n")[:20]
    assert web.metric('tip_web_refused_total{why="header"}') == 1
    assert web.metric('tip_web_refused_total{why="url"}') == 1
    before = web.metric('tip_web_refused_total{why="malformed"}')
    for payload in (b"GET / HTTP/1.1\r\n" + host + b"X: " + b"a" * 40000 + b"\r\n\r\n",
                    b"POST /api/v1/session HTTP/1.1\r\n" + host + b"Content-Length: 100000\r\n\r\n" + b"a" * 100000,
                    b"POST /api/v1/session HTTP/1.1\r\n" + host + b"Content-Length: -5\r\n\r\n",
                    b"BREW /pot HTTP/1.1\r\n" + host + b"\r\n"):
        got = send(web, payload)
        assert got == b"" or got.split(b" ")[1][:1] in b"45", got[:100]
    assert web.metric('tip_web_refused_total{why="malformed"}') > before
    assert b" 400 " in send(web, b"GET /%zz?q=%zz HTTP/1.1\r\n" + host + b"\r\n")[:20]
    assert b" 405 " in send(web, b"PUT /api/v1/status HTTP/1.1\r\n" + host + b"Content-Length: 0\r\n\r\n")[:20]
    assert web.get("/api/v1/session").json


def test_a_slow_request_is_cut(web):
    with socket.create_connection(("127.0.0.1", web.port)) as slow:
        slow.settimeout(1)
        slow.sendall(b"GET / HTTP/1.1\r\n")
        began = time.monotonic()
        while time.monotonic() - began < 25:
            try:
                slow.sendall(b"X: y\r\n")
                if slow.recv(100) == b"":
                    break
            except socket.timeout:
                continue
            except OSError:
                break
        assert 8 < time.monotonic() - began < 20
    wait_for(lambda: web.metric('tip_web_connections_cut_total{why="slow_request"}') == 1, 20, "it is counted")


def test_a_crowd_of_connections_is_bounded(web):
    crowd = [socket.create_connection(("127.0.0.1", web.port)) for _ in range(300)]
    wait_for(lambda: web.metric("tip_web_connections") >= 256, 10, "the crowd is there")
    assert web.metric("tip_web_connections") <= 256 + 8
    wait_for(lambda: web.request("GET", "/api/v1/session").status == 200, 40, "somebody else is served")
    for one in crowd:
        one.close()


# ---- event streams ----

def publish(pub, n, tlp="amber", topic="v1.schedule.done.test."):
    pub.publish_all([(topic, event("schedule.done", run_id=uuid7(), module="test", n_ok=i)) for i in range(n)],
                    tlp=("clear", "green", "amber").index(tlp) + 1)
    pub.flush()


def test_a_stream_shows_what_happens(site, web):
    stream = web.stream()
    other = web.stream(prefix="control.")
    assert stream.status == 200 and stream.response.headers["Content-Type"].startswith("text/event-stream")
    stream.wait(lambda s: s.of("head"), what="a head")
    with Pub(site.endpoint("ingest"), "test") as pub:
        publish(pub, 10)
    stream.wait(lambda s: [r for r in s.records() if r["publisher"] == "test"][9:], what="ten records")
    seen = [r for r in stream.records() if r["publisher"] == "test"]
    assert [r["seq"] for r in seen] == list(range(seen[0]["seq"], seen[0]["seq"] + 10))
    assert other.records() == []
    assert web.get("/api/v1/events", prefix="A B", status=400)
    assert web.get("/api/v1/events", headers={"Last-Event-ID": "nonsense"}, status=400)
    assert web.get("/api/v1/events", anonymous=True, status=401)
    for one in (stream, other):
        one.close()
    wait_for(lambda: web.metric("tip_web_streams") == 0, 20, "closed streams are forgotten")


def test_a_stream_shows_what_its_audience_may_see(site, web, caller):
    clear = web.stream(token=token(caller, "c", audience="clear"), prefix="schedule.")
    green = web.stream(token=token(caller, "g", audience="green"), prefix="schedule.")
    for one in (clear, green):
        one.wait(lambda s: s.of("head"))
    with Pub(site.endpoint("ingest"), "test") as pub:
        for tlp in ("amber", "green", "clear"):
            publish(pub, 1, tlp=tlp)
    clear.wait(lambda s: s.records())
    green.wait(lambda s: len(s.records()) == 2)
    assert [r["tlp"] for r in clear.records()] == ["clear"]
    assert [r["tlp"] for r in green.records()] == ["green", "clear"]
    web.token, web.cookie = token(caller, "c2", audience="clear"), None
    web.get("/api/v1/status", status=403)


def test_a_stream_goes_on_where_it_was(site, web, broker):
    stream = web.stream(prefix="schedule.")
    stream.wait(lambda s: s.of("head"))
    with Pub(site.endpoint("ingest"), "test") as pub:
        publish(pub, 3)
        stream.wait(lambda s: len(s.records()) == 3)
        stream.close()
        publish(pub, 1500)
    web.service.restart()  # its ring begins near the end: the rest must come from the journal
    again = web.stream(last_id=stream.last_id, prefix="schedule.")
    again.wait(lambda s: len(s.records()) >= 1500, what="1500 records")
    assert [r["data"]["n_ok"] for r in again.records()] == list(range(1500))
    assert again.of("gap") == []
    broker.restart()
    with Pub(site.endpoint("ingest"), "test") as pub:
        publish(pub, 2)
    again.wait(lambda s: len(s.records()) == 1502, what="what came after the restart of the broker")


def test_another_journal_is_a_gap(site, web, broker):
    stream = web.stream(prefix="schedule.")
    stream.wait(lambda s: s.of("head"))
    with Pub(site.endpoint("ingest"), "test") as pub:
        publish(pub, 5)
    stream.wait(lambda s: len(s.records()) == 5)
    old = stream.last_id
    broker.kill()
    shutil.rmtree(site.data / "broker")
    broker.start()
    with Pub(site.endpoint("ingest"), "test") as pub:
        publish(pub, 3)
    stream.wait(lambda s: s.of("gap"), 60, "the gap")
    assert stream.of("gap")[0]["why"] == "new_journal"
    assert stream.of("gap")[0]["journal_id"] != old.split(":")[0]
    stream.wait(lambda s: len(s.records()) >= 8, 60, "the new journal's records")
    late = web.stream(last_id=old, prefix="schedule.")
    late.wait(lambda s: s.of("gap") and len(s.records()) == 3, 60, "the gap for who comes back")


def test_a_thousand_streams_are_bounded(site, web):
    crowd = Crowd(web)
    before = web.service.rss_bytes()
    crowd.open(1000)
    assert web.metric("tip_web_streams") == 1000
    assert web.request("GET", "/api/v1/events", checked=False).status == 503
    assert web.request("HEAD", "/api/v1/events", checked=False).status == 200
    with Pub(site.endpoint("ingest"), "test") as pub:
        publish(pub, 20)
    crowd.read_until(lambda text: text.count(b"event: record") >= 20, 60)
    assert web.service.rss_bytes() - before < 64 << 20, "64 KiB a stream"
    assert web.get("/api/v1/session").json["name"] == "first-start", "others are served beside them"
    crowd.close()
    wait_for(lambda: web.metric("tip_web_streams") == 0, 10, "all are forgotten")
    assert web.metric('tip_web_refused_total{why="streams"}') == 1


def test_who_does_not_read_is_bounded(site, web):
    deaf = socket.create_connection(("127.0.0.1", web.port))
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    deaf.sendall(b"GET /api/v1/events HTTP/1.1\r\nHost: x\r\nCookie: tip_session=" + web.cookie.encode() + b"\r\n\r\n")
    wait_for(lambda: web.metric("tip_web_streams") == 1, 20, "the stream")
    before = web.service.rss_bytes()
    with Pub(site.endpoint("ingest"), "test") as pub:
        for _ in range(100):
            pub.publish_all([("v1.schedule.done.test.", event("schedule.done", module="test", summary="x" * 1000))] * 200)
            pub.flush(30)
    live = web.stream()
    live.wait(lambda s: s.of("head"), 30)
    assert web.service.rss_bytes() - before < 64 << 20
    wait_for(lambda: web.metric('tip_web_connections_cut_total{why="stuck_stream"}') == 1, 60, "it is dropped")
    wait_for(lambda: web.metric("tip_web_streams") == 1, 10, "and gone")
    deaf.close()
