"""`tip keys` as an operator uses it: make, hand out, list, revoke; beside a broker that asks for keys."""
import json
import os
import stat
import subprocess
import time

import pytest
import yaml
import zmq
from tip_harness import AS_ROOT, NOBODY, Key, Process, binary, wait_for
from tip_wire import Fetch, Pub, Sub, Worker, event, pb

OK, FAILED, USAGE, NOT_FOUND, DENIED = 0, 1, 2, 4, 5
pytestmark = pytest.mark.keys
SITE_KEYS = ["tip", "scheduler", "blacklist", "storage", "web"]


@pytest.fixture
def keys(site):
    """keys("add", "soc") -> subprocess result of `tip keys add soc`."""
    def run(*argv, **options):
        return site.run_program(["tip", "keys", *argv], check=False, **options)
    return run


@pytest.fixture
def up(site):
    """A supervisor, so that somebody can tell the broker; its services do not matter here."""
    for name in ("tip", "tip-broker", "tip-storage", "tip-scheduler", "tip-blacklist", "tip-web"):
        binary(name)
    site.config["up"] = {"data": str(site.data)}
    site.config["scheduler"] = {"jobs": [{"name": "lists", "module": "blacklist", "every": "1h"}]}
    site.config["storage"] = {"database": "host=/nonexistent dbname=none"}
    site.write_config()
    process = site.add(Process(site, "up", [binary("tip"), "up", "--config", site.config_path],
                               env={"TIP_SITE_DIR": str(site.dir / "site")})).spawn()
    wait_for(lambda: "event=service.ready" in broker_log(site) or head_at(site, "feed", "tip"), 20, "the broker")
    yield process
    process.end()


def broker_log(site):
    path = site.data / "log/broker.log"
    return path.read_text() if path.exists() else ""


def the_map(site):
    return {key["name"]: key for key in yaml.safe_load((site.keys / "keys.yaml").read_text())["keys"]}


def snapshot(site):
    """Every file of the directory, its bytes and its mode."""
    return {path.name: (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) for path in site.keys.iterdir()}


def head_at(site, door, key, deadline_s=2):
    """Does the broker's head, which comes each second, come to this key at this door?"""
    with Sub(site.endpoint(door), "v1.bus.head.", key=key and (key if isinstance(key, Key) else site.key(key))) as sub:
        return sub.receive(deadline_s) is not None


def test_init_makes_what_is_missing_and_replaces_nothing(site, keys):
    before = snapshot(site)  # the harness has made it
    assert list(the_map(site)) == SITE_KEYS
    assert {name for name in before if name.endswith("_secret")} == {f"{n}.cert_secret" for n in ["broker", *SITE_KEYS]}
    for name, (_, mode) in before.items():
        assert mode == (0o600 if name.endswith("_secret") else 0o644), name
    assert stat.S_IMODE(site.keys.stat().st_mode) == 0o700
    if AS_ROOT:
        assert {path.stat().st_uid for path in [site.keys, *site.keys.iterdir()]} == {NOBODY}
    rows = json.loads(keys("init", "-o", "json").stdout)
    assert {row["action"] for row in rows} == {"kept"} and snapshot(site) == before

    assert keys("revoke", "storage").returncode == OK
    planned = json.loads(keys("init", "--dry-run", "-o", "json").stdout)
    assert {row["name"]: row["action"] for row in planned}["storage"] == "made" and "storage" not in the_map(site)
    keys("init")
    assert the_map(site)["storage"]["serve"] == ["store.query"]
    after = snapshot(site)
    assert {name: after[name] for name in before if name not in ("keys.yaml", "storage.cert", "storage.cert_secret")} == \
        {name: before[name] for name in before if name not in ("keys.yaml", "storage.cert", "storage.cert_secret")}
    assert after["storage.cert_secret"] != before["storage.cert_secret"]


def test_a_newer_version_wants_more_rights(site, keys, up):
    """As if keys.yaml were of a version in which blacklist had no allow list; somebody has given it more besides."""
    def doctor():
        rows = json.loads(site.run_program(["tip", "doctor", "-o", "json"], check=False).stdout)
        return next((row["result"], row["text"]) for row in rows if row["check"] == "keys")

    before = the_map(site)
    path = site.keys / "keys.yaml"
    text = path.read_text()
    old = text.replace(', "snapshot.allow."', "").replace("v1.control.allow.blacklist.", "v1.mine.")
    assert old.count("snapshot.allow.") == 0 and old.count("v1.mine.") == 1
    path.write_text("# ours\n" + old)
    lacks = "publish v1.control.allow.blacklist., serve snapshot.allow."
    said = keys("init", "-o", "json")
    assert {row["name"]: row["action"] for row in json.loads(said.stdout)}["blacklist"] == "narrow"
    assert f"blacklist: {lacks}" in said.stderr and "tip keys update" in said.stderr
    assert doctor()[0] == "bad" and lacks in doctor()[1]

    planned = keys("update", "--dry-run", "-o", "json")
    assert json.loads(planned.stdout) == [{"name": "blacklist", "action": "widened", "added": lacks}]
    assert path.read_text() == "# ours\n" + old
    assert keys("update").returncode == OK
    after = the_map(site)
    assert set(after["blacklist"]["publish"]) == {*before["blacklist"]["publish"], "v1.mine."}
    assert after["blacklist"]["serve"] == before["blacklist"]["serve"]
    assert {**after, "blacklist": None} == {**before, "blacklist": None} and path.read_text().startswith("# ours\n")
    assert after["blacklist"]["public"] == before["blacklist"]["public"], "the key itself stays"
    wait_for(lambda: "event=keys.reloaded" in broker_log(site), 10, "the broker is told")
    assert doctor()[0] == "ok" and json.loads(keys("update", "-o", "json").stdout or "[]") == []


def test_add_says_what_a_consumer_needs(site, keys):
    before = snapshot(site)
    planned = keys("add", "soc", "--audience", "green", "--dry-run")
    assert planned.returncode == OK and "dry run" in planned.stderr and snapshot(site) == before
    result = keys("add", "soc", "--audience", "green", "-o", "ndjson")
    told = json.loads(result.stdout)
    key = site.key("soc")
    assert told["feed"] == site.endpoint("feed_green") and told["broker_public"] == key.server
    assert told["public"] == key.public and told["secret_file"] == str(site.keys / "soc.cert_secret")
    assert key.secret not in result.stdout + result.stderr + planned.stdout
    assert the_map(site)["soc"] == {"name": "soc", "public": key.public, "roles": ["consumer"], "audience": "green"}
    assert Key.fields(site.keys / "soc.cert")["audience"] == "green"

    partner, _ = zmq.curve_keypair()
    told = json.loads(keys("add", "partner", "--public", partner.decode(), "-o", "ndjson").stdout)
    assert told["secret"] == "elsewhere" and told["secret_file"] is None and told["audience"] == "clear"
    assert not (site.keys / "partner.cert_secret").exists() and the_map(site)["partner"]["public"] == partner.decode()

    keys("add", "mine", "--role", "service", "--publish", "v1.listing.,v1.mine.", "--serve", "control.mine")
    assert the_map(site)["mine"]["publish"] == ["v1.listing.", "v1.mine."]
    listed = keys("list", "-o", "json")
    assert [row["name"] for row in json.loads(listed.stdout)] == [*SITE_KEYS, "soc", "partner", "mine"]
    for name in [*SITE_KEYS, "soc"]:
        assert site.key(name).secret not in listed.stdout + keys("list").stdout + keys("show", name).stdout


@pytest.mark.parametrize("argv, code", [
    (["add", "Soc"], USAGE), (["add", "a.b"], USAGE), (["add", "broker"], USAGE), (["add", "x" * 49], USAGE),
    (["add", "soc", "--role", "king"], USAGE), (["add", "soc", "--audience", "red"], USAGE),
    (["add", "soc", "--public", ""], USAGE), (["add", "soc", "--public", "x" * 40 + "\n"], USAGE),
    (["add", "soc", "--publish", "v1.listing."], USAGE), (["add", "soc", "--serve", "store.query"], USAGE),
    (["add", "soc", "--role", "operator", "--serve", "store.query"], USAGE),
    (["add", "soc", "--role", "service", "--publish", "v1.listing"], USAGE),
    (["add", "soc", "--role", "service", "--serve", 'a"]}'], USAGE),
    (["add", "tip"], FAILED), (["add", "web_2"], FAILED), (["add", "web_2", "--dry-run"], FAILED),
    (["revoke", "nobody"], NOT_FOUND), (["show", "nobody"], NOT_FOUND),
    (["add", "soc", "--fields", "nothing"], USAGE), (["revoke", "web", "--fields", "nothing"], USAGE)])
def test_what_is_refused_changes_nothing(site, keys, argv, code):
    before = snapshot(site)
    result = keys(*argv)
    assert result.returncode == code and result.stderr.startswith("tip: ") and not result.stdout, result
    assert snapshot(site) == before


def test_a_file_that_was_edited(site, keys):
    path = site.keys / "keys.yaml"
    keys("add", "soc")
    keys("add", "noc")
    text = path.read_text().replace('  - {name: "soc"', '  # the analysts, until March\n  - {name: "soc"')
    path.write_text(text + "# the end\n")
    assert keys("add", "late").returncode == OK
    assert keys("revoke", "soc").returncode == OK
    lines = path.read_text().splitlines()
    assert "  # the analysts, until March" in lines and lines[-1] == "# the end"
    assert list(the_map(site)) == [*SITE_KEYS, "noc", "late"]

    path.write_text(path.read_text().replace('  - {name: "noc", ', '  - name: "noc"\n    ').replace(
        "roles: [consumer], audience: clear}\n  - {name: \"late\"", "roles: [consumer]\n  - {name: \"late\"").replace(
        f'"{the_map(site)["noc"]["public"]}", ', f'"{the_map(site)["noc"]["public"]}"\n    '))
    assert the_map(site)["noc"]["roles"] == ["consumer"]
    before = snapshot(site)
    result = keys("revoke", "noc")
    assert result.returncode == FAILED and "by hand" in result.stderr and snapshot(site) == before

    path.write_text("keys:\n  - {name: soc\n")
    result = keys("list")
    assert result.returncode == FAILED and "keys.yaml: line 3" in result.stderr, result.stderr


def test_two_at_once_lose_nothing(site, keys):
    names = [f"k{i}" for i in range(8)]
    started = [site.add(Process(site, f"add-{name}", [binary("tip"), "keys", "add", name])).spawn() for name in names]
    assert [process.wait() for process in started] == [0] * len(names)
    assert sorted(the_map(site)) == sorted([*SITE_KEYS, *names])


@pytest.mark.skipif(not AS_ROOT, reason="needs a second user")
def test_another_user_learns_no_secret(site, keys):
    other = ["setpriv", "--reuid", "65533", "--regid", "65533", "--clear-groups", str(binary("tip"))]
    site.write_config()
    for argv in (["keys", "list"], ["keys", "add", "soc"], ["search", "192.0.2.7"]):
        result = subprocess.run([*other, *argv, "--config", str(site.config_path)], capture_output=True, text=True,
                                cwd="/", timeout=30, check=False)
        assert result.returncode == DENIED, (argv, result)
    root = subprocess.run([str(binary("tip")), "keys", "add", "soc", "--config", str(site.config_path)],
                          capture_output=True, text=True, cwd="/", timeout=30, check=False)
    assert root.returncode == OK and (site.keys / "soc.cert_secret").stat().st_uid == NOBODY
    assert os.access(site.keys / "keys.yaml", os.R_OK)


def test_revocation_ends_a_consumer(site, keys, up):
    added = keys("add", "soc", "--audience", "green")
    assert "the broker was told" in added.stderr
    key = site.key("soc")
    with Sub(site.endpoint("feed_green"), "v1.", key=key).synchronise(20) as soc, \
            Sub(site.endpoint("feed"), "v1.", key=site.key()).synchronise() as ours:
        assert not head_at(site, "feed_green", None) and not head_at(site, "feed", key), "a door that is not his"
        assert head_at(site, "feed_clear", key)
        assert keys("revoke", "soc", "--dry-run").returncode == OK and head_at(site, "feed_green", key)
        result = keys("revoke", "soc")
        assert result.returncode == OK and "the broker was told" in result.stderr
        wait_for(lambda: "event=keys.reloaded" in broker_log(site) and "revoked=1" in broker_log(site), 10, "the reload")
        soc.drain()
        assert soc.receive(3) is None and not head_at(site, "feed_green", key)
        ours.drain()
        ours.wait(lambda seen: seen.kind == "bus.head", 10, "the head, for others")
    assert sorted(path.name for path in site.keys.glob("soc*")) == ["soc.cert.revoked"]


def test_a_service_publishes_what_its_key_says(site, keys, broker):
    keys("add", "mine", "--role", "service", "--publish", "v1.source.")
    broker.reload()
    key = site.key("mine")
    made = event("source.ok", source="x", reason="changed")
    with Pub(site.endpoint("ingest"), "mine.1", key=wait_key(site, key)) as pub:
        pub.publish("v1.source.ok.x.", made)
        assert pub.flush()
        pub.publish("v1.verdict.changes.list.", event("verdict.changes"))
        with pytest.raises(AssertionError):
            pub.flush(2)
    with Fetch(site.endpoint("fetch"), key=site.key()) as fetch:
        assert [seen.topic for seen in fetch.all("v1.source.", "v1.verdict.")] == ["v1.source.ok.x."]


def wait_key(site, key):
    """Once the broker has taken the key in."""
    end = time.monotonic() + 10
    while not head_at(site, "feed", key, 1.5):
        assert time.monotonic() < end, "the broker knows the key"
    return key


def test_sub_takes_the_door_of_its_key(site, keys, broker):
    keys("add", "soc", "--audience", "green")
    broker.reload()
    wait_for(lambda: head_at(site, "feed_green", "soc"), 10, "the broker knows the key")
    told = site.run_program(["tip", "sub", "--key", "soc", "bus.", "-n", "1", "-t", "10s", "-o", "ndjson"], check=False)
    assert told.returncode == OK and json.loads(told.stdout)["kind"] == "bus.head", told
    told = site.run_program(["tip", "sub", "bus.", "-n", "1", "-t", "10s"], env={"TIP_KEY": "soc"}, check=False)
    assert told.returncode == OK, told
    told = site.run_program(["tip", "sub", "--door", "clear", "bus.", "-n", "1", "-t", "10s"], check=False)
    assert told.returncode == OK, told
    told = site.run_program(["tip", "sub", "--key", "soc", "--door", "amber", "-t", "5s"], check=False)
    assert told.returncode == DENIED and "green" in told.stderr, told
    keys("add", "late")  # and the broker was not told
    told = site.run_program(["tip", "sub", "--key", "late", "-t", "5s"], check=False)
    assert told.returncode == OK and not told.stdout and "does it know key `late`?" in told.stderr, told
    told = site.run_program(["tip", "sub", "--key", "nobody"], check=False)
    assert told.returncode == DENIED and "nobody" in told.stderr, told
    assert site.run_program(["tip", "sub", "--door", "red"], check=False).returncode == USAGE


def test_questions_are_asked_at_the_door_of_the_key(site, keys, broker):
    keys("add", "soc", "--audience", "green")
    broker.reload()
    wait_for(lambda: head_at(site, "feed_green", "soc"), 10, "the broker knows the key")
    with Worker(site.endpoint("work"), "verdict.lookup.green", name="blacklist", key=site.key("blacklist")) as worker:
        asking = site.add(Process(site, "ask", [binary("tip"), "verdict", "--key", "soc", "192.0.2.7", "-o", "ndjson",
                                                "--config", site.config_path])).spawn()
        worker.done(worker.job(), pb.VerdictAnswer(found=[pb.VerdictFound(score=0.5, tier=pb.TIER_WATCH)]).SerializeToString())
        assert asking.wait() == OK and '"tier":"watch"' in asking.log_text(), asking.log_text()
    for command in (["verdict", "192.0.2.7"], ["snapshot", "verdict"]):
        told = site.run_program(["tip", *command, "--key", "soc", "--door", "amber"], check=False)
        assert told.returncode == DENIED and "--door green" in told.stderr, told
    told = site.run_program(["tip", "search", "192.0.2.7", "--key", "soc"], check=False)  # a queue that is not for it
    assert told.returncode == DENIED and "key `soc` may not ask storage" in told.stderr, told


def test_doctor_looks_at_the_keys(site, keys):
    def said():
        rows = json.loads(site.run_program(["tip", "doctor", "-o", "json"], check=False).stdout)
        return next((row["result"], row["text"]) for row in rows if row["check"] == "keys")

    assert said() == ("ok", f"{len(SITE_KEYS)} keys in {site.keys}")
    (site.keys / "tip.cert_secret").chmod(0o644)
    assert said() == ("bad", f"{site.keys}/tip.cert_secret may be read by others: chmod 600")
    (site.keys / "tip.cert_secret").chmod(0o600)
    (site.keys / "storage.cert_secret").unlink()
    assert said()[0] == "bad" and "no key pair of `storage`" in said()[1]
