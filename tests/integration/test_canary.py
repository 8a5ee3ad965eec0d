"""What an audience may not see is at none of its exits: of lists that may not be passed on, and of stricter ones, not a
value, a name, a line or a score. The whole chain with keys; files of exports are test_exports.py's."""
import json
import time

import pytest

from test_web import token
from tip_chain import Chain
from tip_harness import SOURCE, wait_for
from tip_web import CONTRACT, Web
from tip_wire import Caller, Fetch, Sub, pb

SHARED = "11.9.9.9"
MARKS = {  # name -> (its own address, marking, least audience)
    "canaryopen": ("11.1.1.1", {"tlp": "clear", "redistribute": True}, "clear"),
    "canarysome": ("11.2.2.2", {"tlp": "green", "redistribute": True}, "green"),
    "canarylent": ("11.3.3.3", {"tlp": "clear", "redistribute": False}, "amber"),
    "canarytold": ("11.4.4.4", {"tlp": "amber", "redistribute": True}, "amber"),
}
AUDIENCES = ("clear", "green", "amber")
VALUES = [SHARED] + [value for value, _, _ in MARKS.values()] + [f"{name}.tip-top.com" for name in MARKS]
DOORS = {"clear": "feed_clear", "green": "feed_green", "amber": "feed"}
QUERIES = ["sources", "count_listed", "verdicts", "overview", "source_overlaps"]
OF_A_VALUE = ["search", "explain", "verdict_history", "search_at", "explain_at"]
OF_A_SOURCE = ["source", "history", "listed", "source_weight", "source_overlaps"]


def traces(audience):
    """What must not be found: (whose, words)."""
    return {name: (name, value) for name, (value, _, least) in MARKS.items()
            if AUDIENCES.index(least) > AUDIENCES.index(audience)}


def shown(name):
    return [words for words in (name, MARKS[name][0])]


def check(audience, exit_name, text, wants=True):
    """wants: what the audience may see is there, or the exit was not looked at."""
    text = text.decode(errors="replace") if isinstance(text, bytes) else text
    for name, words in traces(audience).items():
        for word in words:
            at = text.find(word)
            assert at < 0, f"{exit_name} for {audience} has {word}: …{text[max(0, at - 200):at + 200]}…"
    for name in set(MARKS) - set(traces(audience)) if wants else ():
        assert name in text, f"{exit_name} for {audience} does not have {name}"


@pytest.fixture
def chain(site):
    site.keys_of = {audience: site.add_key(f"soc-{audience}", "--audience", audience) for audience in AUDIENCES}
    chain = Chain(site, blacklist={"interval_floor": "1s", "weights_interval": "1s"})
    for name, (value, mark, _) in MARKS.items():
        body = f"{SHARED}\n{value}\n{name}.tip-top.com\nno entry of {name}\n"
        chain.source(name, body, weight=0.6, attribution=f"by {name}", interval="1s", **mark)
    return chain


def records(seen):
    return b"\n".join(one.topic.encode() + b" " + one.event_bytes for one in seen)


def scores(seen):
    """All that was said of the shared address."""
    return {round(v.score, 6) for one in seen if one.kind == "verdict.changes" for v in one.payload.verdicts
            if v.indicator.value == SHARED}


def test_every_query_with_an_audience_is_looked_at():
    with_one = {path.stem for path in (SOURCE / "db/queries").glob("*.sql") if "audience" in path.read_text()}
    assert with_one == {*QUERIES, *OF_A_VALUE, *OF_A_SOURCE}


def looked_up(site, audience):
    """verdict.lookup of all that is listed, asked by the audience itself: text of what is told, and scores."""
    body = pb.VerdictLookup(indicators=[pb.Indicator(value=value) for value in VALUES])
    with Caller(site.endpoint("work"), key=site.keys_of[audience]) as caller:
        code, reason, answer = caller.put(f"verdict.lookup.{audience}", body.SerializeToString(), 20,
                                          caller=f"soc-{audience}")
        assert code == 0, reason
        stricter = AUDIENCES[AUDIENCES.index(audience) + 1:]
        for queue in [f"verdict.lookup.{other}" for other in stricter]:
            assert caller.put(queue, body.SerializeToString(), 20, caller=f"soc-{audience}")[0] == pb.FAILURE_REFUSED
    return answer, dict(zip(VALUES, pb.VerdictAnswer.FromString(answer).found))


def rows_of(caller, audience):
    """Every query of storage that knows an audience, as text. A value or source that was asked for is no answer."""
    now, found = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), []
    asked = [(name, {}) for name in QUERIES]
    asked += [(name, {"value": value}) for name in OF_A_VALUE for value in VALUES]
    asked += [(name, {"source": name_of}) for name in OF_A_SOURCE for name_of in MARKS]
    for name, params in asked:
        if name.endswith("_at"):
            params = {**params, "at": now}
        found.append(json.dumps(caller.query(name, audience=audience, **params), default=str))
    return found


@pytest.mark.keys
def test_no_canary_at_any_exit(site, chain):
    subs = {audience: Sub(site.endpoint(door), "v1.", key=site.keys_of[audience]).synchronise()
            for audience, door in DOORS.items()}
    for sub in subs.values():
        site.closing.callback(sub.close)
    chain.start()
    web = Web(site).start()
    web.follow_link()
    tokens = {audience: token(chain.caller, f"t-{audience}", audience=audience) for audience in AUDIENCES}
    web.cookie = None
    streams = {audience: web.stream(token=tokens[audience]) for audience in AUDIENCES}
    assert chain.run()["state"] == "done"
    for name, (value, _, _) in MARKS.items():  # a second version, and one that fails with a word of its own
        chain.serve(name, f"{SHARED}\n{value}\n{name}.tip-top.com\n{value.replace('11.', '12.', 1)}\n")
    chain.serve("canarytold", "<html>canarytold</html>")
    chain.run()
    with Fetch(site.endpoint("fetch"), key=site.keys_of["amber"]) as fetch:
        wait_for(lambda: all(name in records(fetch.all("v1.source.weight.")).decode(errors="replace") for name in MARKS),
                 30, "all are weighed")

    for audience in AUDIENCES:
        with Fetch(site.endpoint("fetch"), key=site.keys_of[audience]) as fetch:
            fetched = fetch.all("v1.")
        subs[audience].wait(lambda s: s.kind == "bus.head" and s.payload.head_seq > fetched[-1].stamp.seq, 20, "all was fed")
        fed = subs[audience].seen
        for where, seen in (("fetch", fetched), (DOORS[audience], fed)):
            check(audience, where, records(seen))
            if audience == "clear":
                assert scores(seen) <= {0.6}, (where, scores(seen))
        snapshot = site.run_program(["tip", "snapshot", "verdict", "--door", audience, "-o", "ndjson", "--config",
                                     str(site.config_path)]).stdout
        rows = {row["value"]: row for row in map(json.loads, snapshot.splitlines())}
        for name in MARKS:
            assert (MARKS[name][0] in rows) == (name not in traces(audience)), (audience, name)
        n_seen = len(MARKS) - len(traces(audience))
        assert abs(rows[SHARED]["score"] - min(0.89 if n_seen < 2 else 1, 1 - 0.4 ** n_seen)) < 0.051, rows[SHARED]
        check(audience, "snapshot", snapshot, wants=False)
        answer, found = looked_up(site, audience)
        check(audience, "verdict.lookup", answer, wants=False)
        for name in MARKS:
            assert bool(found[MARKS[name][0]].verdicts) == (name not in traces(audience)), (audience, name)
        assert abs(found[SHARED].score - rows[SHARED]["score"]) < 1e-6
        check(audience, "store.query", "\n".join(rows_of(chain.caller, audience)))
        check_web(web, tokens[audience], audience)
        stream = streams[audience]
        stream.wait(lambda s: sum("canaryopen" in str(r) for r in s.records()) >= 2, what="what all may see")
        check(audience, "SSE", json.dumps(stream.events, default=str))
        stream.close()


def check_web(web, secret, audience):
    """Every path of the contract that can be asked with GET, of every value and source."""
    web.token, text = secret, ""
    for path in CONTRACT["paths"]:
        if "get" not in CONTRACT["paths"][path] or path == "/api/v1/events":
            continue
        many = VALUES if "{value}" in path or path.endswith("/search") else list(MARKS) if "{name}" in path else [""]
        for one in many:
            address = path.replace("{value}", one).replace("{name}", one).replace("{view}", "none")
            answer = web.request("GET", address + (f"?q={one}" if path.endswith("/search") else ""), checked=False)
            said = answer.text.replace(one, "") if one else answer.text  # what was asked for is no answer
            name = next((n for n in MARKS if one in (*shown(n), f"{n}.tip-top.com")), None)
            if name in traces(audience):
                assert answer.status == 404 or not any(word in said for word in shown(name)), (address, answer.text[:400])
            check(audience, address, said, wants=False)
            text += answer.text if answer.status == 200 and name not in traces(audience) else ""
    check(audience, "web", text.replace(SHARED, ""))
