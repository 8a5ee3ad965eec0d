"""`tip source new`: lists of every kind and type, with the faults of real ones, are guessed so that all is read."""
import gzip
import io
import json
import tarfile
import threading

import pytest
import yaml

import tip_lists
from test_blacklist import Lists
from test_lists import FORMATS, values
from test_sources import addresses, answered, page  # noqa: F401 (a fixture)
from tip_harness import wait_for
from tip_hosts import Hosts

# what cannot be told from the entries alone: a name may be one of mail addresses or of hosts; one IPv4 address is mapped
GUESSED = {"lines-email_domain": "auto", "lines-ip6": "net"}


@pytest.fixture
def lists(site, broker, pub):
    lists = Lists(site, pub)
    site.section("blacklist", new_allow_private=["127.0.0.2"])
    return lists


def tip(site, *argv):
    return site.run_program(["tip", *argv], check=False, env={"XDG_STATE_HOME": str(site.data / "state")})


def test_every_kind_is_guessed_and_reads_what_a_recount_reads(lists, page, site, caller, rng):
    own, bodies = page("127.0.0.2"), {}
    own.answer = lambda path: bodies[path.strip("/")]
    lists.start()
    for name, (write, _, type_name, _) in FORMATS.items():
        bodies[name] = write(rng, values(rng, type_name))
        result, answer = answered(caller, "new", f"{own.base}/{name}", name=name)
        assert answer and answer["ok"] == "true" and answer["name"] == name, (result, answer)
        text = "\n".join(json.loads(answer["file"]))
        file = yaml.safe_load(text)
        assert file["url"] == f"{own.base}/{name}" and file["allow_private"] == ["127.0.0.2/32"], text
        (lists.dir / f"{name}.yaml").write_text(text + "\nguard: false\nweight: 0.5\n")
    lists.service.reload()
    assert lists.run().payload.n_ok == len(FORMATS), lists.service.log_text()
    for name, (_, values_of, type_name, _) in FORMATS.items():
        wanted = {value for _, value in tip_lists.recount(values_of(bodies[name]), GUESSED.get(name, type_name))}
        found = set(lists.listed(name))
        assert found == wanted, (f"{name}: missing {sorted(wanted - found)[:5]}, too many {sorted(found - wanted)[:5]} "
                                 f"{(lists.dir / f'{name}.yaml').read_text()}")


def packed(name, body):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        member = tarfile.TarInfo(name)
        member.size = len(body)
        archive.addfile(member, io.BytesIO(body))
    return out.getvalue()


def test_the_command_prints_a_file_and_changes_nothing(lists, page, site):
    own = page("127.0.0.2")
    own.answer = {"/v1/Bad%20Hosts.csv.gz": gzip.compress(b'"id","Ad dress"\n1,"8.8.8.8"\n2,"\x1b[31m"\n3,9.9.9.9\n'),
                  "/a.tgz": packed("list", b"8.8.8.8\n9.9.9.9\n"),
                  "/page": b"<html><body>nothing here</body></html>",
                  "/rules": b'alert dns any any -> any any (dns.query; content:"bad.test"; sid:1;)\n' * 3}.get
    lists.start()
    n = len(lists.events())
    url = f"{own.base}/v1/Bad%20Hosts.csv.gz"
    made = tip(site, "source", "new", url)
    assert made.returncode == 0, made.stderr
    file = yaml.safe_load(made.stdout)
    assert {k: file[k] for k in ("kind", "column", "header", "type", "container", "category", "redistribute")} == {
        "kind": "csv", "column": "Ad dress", "header": True, "type": "ip4", "container": "gzip", "category": "other",
        "redistribute": False}
    assert made.stdout.isascii() and "\x1b" not in made.stderr
    for word in ("8.8.8.8", "9.9.9.9", "2 entries", "1 rejected", "csv by comma, column 2"):
        assert word in made.stderr, made.stderr
    assert [seen["path"] for seen in own.seen] == ["/v1/Bad%20Hosts.csv.gz"]
    assert list(lists.dir.iterdir()) == [] and len(lists.events()) == n
    applied, = wait_for(lambda: [seen.payload for seen in lists.events("v1.control.applied.")], 20,
                        "what was asked for stands in the journal")
    assert (applied.action, applied.target, applied.ok) == ("new", url, True) and applied.actor
    assert applied.result == "fetched once, to see how it is written"
    target = site.dir / "new.yaml"
    for expected in (0, 1):  # a file that is there is the user's, and nobody is asked for it
        result = tip(site, "source", "new", url, "--name", "mine", "--write", str(target))
        assert result.returncode == expected and result.stdout == "", result.stderr
        assert len(own.seen) == 2, "the second time the file is looked at first"
        assert ("SIGHUP" in result.stderr and "source run -w new" in result.stderr) == (expected == 0), result.stderr
    assert "is there already" in result.stderr
    assert "mine.yaml: guessed" in target.read_text()
    (lists.dir / "mine.yaml").write_text(target.read_text())
    lists.service.reload()
    assert lists.run().payload.n_ok == 1 and set(lists.listed("mine")) == {"8.8.8.8", "9.9.9.9"}
    assert "would be retired" in tip(site, "source", "retire", "mine", "--dry-run").stdout
    assert "--reason" in tip(site, "source", "retire", "mine").stderr and len(lists.listed("mine")) == 2
    out = json.loads(tip(site, "source", "new", f"{own.base}/a.tgz", "-o", "json").stdout)
    assert (out["name"], out["kind"], out["container"], out["entries"], out["first"]) == (
        "127.0.0.2-a", "lines", "tar", 2, ["8.8.8.8", "9.9.9.9"])
    assert out["readings"][0] == {"reading": "lines", "accepted": 2, "rejected": 0} and "kind: lines" in out["file"]
    nothing = tip(site, "source", "new", f"{own.base}/page")
    assert nothing.returncode == 1 and nothing.stdout == "" and "html" in nothing.stderr
    rules = tip(site, "source", "new", f"{own.base}/rules")
    assert rules.returncode == 1 and rules.stdout == "" and "rules of an intrusion detection" in rules.stderr, rules.stderr
    own.status = 404
    missing = tip(site, "source", "new", f"{own.base}/page")
    assert missing.returncode == 1 and "it cannot be fetched: the server answered with status 404" in missing.stderr
    assert "no kind of list" not in missing.stderr and missing.stderr.count("404") == 1, missing.stderr
    private = tip(site, "source", "new", "http://127.0.0.3/")
    assert private.returncode == 1 and "blacklist.new_allow_private" in private.stderr


def test_what_is_not_fetched(lists, page, caller):
    own = page("127.0.0.3")  # not among those that are allowed
    lists.start()
    for url, why in ((own.url, "refused"), ("http://[::ffff:127.0.0.3]/", "refused"), ("http://2130706435/", "refused"),
                     ("http://0x7f000003/", "refused"), ("http://0177.0.0.3/", "refused")):
        result, answer = answered(caller, "new", url)
        assert answer["reason"] == why and "not a public address" in result and "file" not in answer, (url, result)
    for url in ("file:///etc/passwd", "gopher://a.example/", "http://user@a.example/", "http://a b/", "", "http://a/\x01"):
        assert answered(caller, "new", url)[1] is None
    assert "name" in answered(caller, "new", "http://127.0.0.2/", name="../x")[0]
    assert not own.seen


# loopback, and names of publishers that lead there: nothing outside is looked up or asked
NAMES = "127.0.0.2 spamhaus.org www.spamhaus.org blocklist.de lists.blocklist.de\n"
PRIVATE = {"allow_private": ["127.0.0.2"], "timeout": "5s"}


@pytest.fixture
def published(lists, page, site):
    """published(host, path): a URL of that publisher, whose server is ours."""
    own = page("127.0.0.2")
    own.names = Hosts(site, NAMES)
    own.at = lambda host, path: f"http://{host}:{own.server.server_port}/{path}"
    own.paths = lambda: [seen["path"] for seen in own.seen]
    return own


def test_a_publishers_floor_holds_for_what_is_new(lists, published, caller):
    """A publisher all of whose lists keep its floor together, and one of which each keeps its own."""
    drop, same = published.at("www.spamhaus.org", "drop"), published.at("lists.blocklist.de", "same")
    lists.source("drop", drop, interval="1h", **PRIVATE)
    lists.source("same", same, interval="15m", **PRIVATE)
    published.names.start(lists.service)
    for first, name in ((published.at("spamhaus.org", "new"), "drop"), (same, "same")):
        assert answered(caller, "new", first)[1]["ok"] == "true"
        assert "less often" in answered(caller, "new", first)[0]
        assert "less often" in lists.run(target=name).payload.summary
    assert published.paths() == ["/new", "/same"]


def test_what_waits_for_its_turn_is_before_what_is_new(lists, published, page, site, caller):
    go, slow = threading.Event(), page("127.0.0.3")
    site.closing.callback(go.set)
    slow.answer = lambda path: go.wait(60) and b"8.8.8.8\n"
    site.section("blacklist", concurrency=1)
    lists.source("slow", slow.url, allow_private=["127.0.0.3"], timeout="60s")
    lists.source("drop", published.at("www.spamhaus.org", "drop"), interval="1h", **PRIVATE)
    published.names.start(lists.service)
    first = lists.due(target="slow")
    wait_for(lambda: slow.seen, 10, "the slow one is being fetched")
    second = lists.due(target="drop")
    wait_for(lambda: json.loads(caller.control("blacklist", "show", "drop").values["source"])["state"] == "queued", 10,
             "the other one waits")
    assert "less often" in answered(caller, "new", published.at("spamhaus.org", "new"))[0]
    go.set()
    assert [lists.report(run).payload.n_ok for run in (first, second)] == [1, 1]
    assert published.paths() == ["/drop"]


def test_what_a_server_asks_for_holds_after_a_try(lists, published, caller):
    url = f"{published.base}/list"
    lists.source("one", url, interval="1h", **PRIVATE)
    published.names.start(lists.service)
    published.status, published.headers = 429, {"Retry-After": "3600"}
    assert answered(caller, "diff", "one")[1]["reason"] == "http_429"
    published.status = 200
    for start in (False, True):
        if start:
            lists.service.kill()
            published.names.start(lists.service)
        for action, target in (("diff", "one"), ("test", "one"), ("new", url)):
            assert "left alone" in answered(caller, action, target)[0], (action, start)
        assert lists.run().payload.n_skipped == 1
    assert published.paths() == ["/list"]


def test_a_try_is_remembered_over_a_restart(lists, published, caller):
    lists.source("drop", published.at("www.spamhaus.org", "drop"), interval="1h", **PRIVATE)
    published.names.start(lists.service)
    assert answered(caller, "diff", "drop")[1]["added"] == "1"
    lists.service.kill()
    published.names.start(lists.service)
    assert "less often" in lists.run(target="drop").payload.summary
    assert published.paths() == ["/drop"]


def test_what_is_no_source_is_asked_for_as_politely(lists, published, caller):
    """Floors of publishers and Retry-After of hosts, over kills; and what was not asked is not in the audit log."""
    floor, told, other = (published.at("www.spamhaus.org", "one"), f"{published.base}/told", f"{published.base}/other")
    published.names.start(lists.service)
    assert answered(caller, "new", floor)[1]["ok"] == "true"
    published.status, published.headers = 429, {"Retry-After": "3600"}
    assert answered(caller, "new", told)[1]["reason"] == "http_429"
    published.status = 200
    for start in (False, True):
        if start:
            lists.service.kill()
            published.names.start(lists.service)
        assert "less often" in answered(caller, "new", published.at("spamhaus.org", "two"))[0], start
        for url in (told, other):
            assert "left alone" in answered(caller, "new", url)[0], start
    assert published.paths() == ["/one", "/told"]
    assert [seen.payload.target for seen in lists.events("v1.control.applied.")] == [floor, told]


def test_what_a_url_carries_is_not_logged(lists, published, caller):
    lists.start()
    assert answered(caller, "new", f"{published.base}/list?token=canary-of-a-token")[1]["ok"] == "true"
    assert published.paths() == ["/list?token=canary-of-a-token"]
    called = lists.service.log_lines("control.called")
    assert called and f"target={published.base}/list " in called[-1]
    applied, = wait_for(lambda: [seen for seen in lists.events("v1.control.applied.") if seen.payload.action == "new"], 20,
                        "what was asked for stands in the journal")
    assert applied.payload.target == f"{published.base}/list" and b"canary" not in applied.event_bytes
    assert "canary-of-a-token" not in lists.service.log_text()


def test_a_server_of_ones_own_named_by_a_host(lists, published, caller):
    published.names.write("127.0.0.2 lists.test\n")
    published.names.start(lists.service)
    answer = answered(caller, "new", published.at("lists.test", "list"))[1]
    assert '# allow_private: ["127.0.0.2/32"]' in "\n".join(json.loads(answer["file"]))
