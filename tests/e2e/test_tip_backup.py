"""`tip backup` under load, everything deleted, `tip restore`: it answers as before, nothing is missing, nothing is twice."""
import contextlib
import hashlib
import json
import os
import shutil
import signal
import subprocess
import threading

import pytest
from tip_chain import Chain
from tip_harness import AS_ROOT, NOBODY, Process, binary, clean_environment, drop, open_to_nobody, wait_for
from tip_wire import Caller, Fetch

STILL = [f"203.0.113.{i}" for i in range(1, 200)]
EXEMPT = STILL[4]  # by a reference list
SERVICES = ("web", "scheduler", "blacklist", "storage", "broker")
CHURN = 3000  # entries of a list that changes


def churned(number, turn):
    """The set of a list at one turn: two thirds stay, one third goes."""
    return [f"100.{64 + number}.{i // 250}.{i % 250 + 1}" for i in range(CHURN) if i % 3 != turn % 3]


class Load(threading.Thread):
    """Lists that change, and a run of all of them, again and again, until it is told to end with turn 0."""

    def __init__(self, chain):
        super().__init__(daemon=True)
        self.chain, self.turns, self.ending, self.error = chain, 0, False, None

    def run(self):
        try:
            with contextlib.closing(Caller(self.chain.site.endpoint("work"))) as caller:
                while not self.ending:
                    self.turns += 1
                    self.turn(caller, self.turns)
        except Exception as error:  # told by finish
            self.error = error

    def turn(self, caller, turn):
        for number in range(2):
            self.chain.serve(f"busy{number}", "".join(f"{ip}\n" for ip in churned(number, turn)))
        answer = caller.control("scheduler", "run", "blacklist", params={"force": "true"}, deadline_s=30)
        assert answer.ok, answer.result
        run_id = answer.values["run_id"].replace("-", "")
        wait_for(lambda: self.chain.run_end(run_id), 120, "the run ends")

    def finish(self):
        self.ending = True
        self.join(180)
        assert not self.is_alive() and self.error is None, self.error


# what a baseline moves: when, in which version and by whose word it was last confirmed; and what counts from now
MOVES = {"last_seen", "version", "verdict_at", "cause_source", "cause_version", "next_change_at", "expires_at", "at",
         "below_watch_at"}
LOST = {"listed_at", "n_times", "line"}  # that it left and came back behind the backup nobody knows any more


def strip(answer, moves):
    if isinstance(answer, dict):
        return {key: strip(value, moves) for key, value in answer.items() if key not in moves}
    return [strip(value, moves) for value in answer] if isinstance(answer, list) else answer


def difference(before, after, where=""):
    """Where two answers differ, in words."""
    if isinstance(before, (list, tuple)) and len(before) == len(after):
        before, after = dict(enumerate(before)), dict(enumerate(after))
    if not isinstance(before, dict) or not isinstance(after, dict):
        return [] if before == after else [f"{where}: {before} became {after}"]
    return [line for key in {**before, **after} for line in
            difference(before.get(key), after.get(key), f"{where}/{key}")]


class System:
    """The whole loop on one site, and what it answers."""

    def __init__(self, site):
        self.site = site
        self.warninglists = open_to_nobody(site.dir / "warninglists")
        (self.warninglists / "resolver.json").write_text(json.dumps({"type": "cidr", "list": [EXEMPT]}))
        self.chain = Chain(site, blacklist={"warninglists": str(self.warninglists)})
        self.chain.source("still", "".join(f"{ip}\n" for ip in STILL), weight=0.9,
                          allow_special=["203.0.113.0/24"])
        for number in range(2):
            self.chain.source(f"busy{number}", "".join(f"{ip}\n" for ip in churned(number, 0)), weight=0.4,
                              allow_special=["100.64.0.0/10"])
        site.section("web")
        self.chain.start()
        self.web = site.service("web").start()
        self.backup = open_to_nobody(site.dir / "backups") / "first"

    def tip(self, *argv, check=True, **how):
        return self.site.run_program(["tip", *argv], check=check, **how)

    def json(self, *argv):
        return json.loads(self.tip(*argv, "-o", "json").stdout)

    def service(self, name):
        return self.web if name == "web" else getattr(self.chain, name)

    def stop(self):
        for name in SERVICES:
            if self.service(name).is_running:
                self.service(name).term(30)

    def delete(self):
        """All data, and the database."""
        for name in SERVICES:
            shutil.rmtree(self.site.data / name)
        with self.chain.postgres.cursor("postgres") as cursor:
            cursor.execute("drop database tip with (force)")
        self.chain.postgres.create("tip")

    def position(self):
        return self.chain.rows("select journal_id::text as journal, next_seq from tip.consumer_offset o "
                               "left join tip.journal j on j.id = o.journal")[0]

    def head(self):
        return self.chain.caller.bus("journal")[0]["head_seq"]

    def wait_stored(self):
        wait_for(lambda: self.position()["next_seq"] > self.head(), 120, lambda: f"all stored: {self.position()}")

    def answers(self, values, moves=frozenset(MOVES)):
        """What people see of each: by search, and by explain."""
        return {value: [strip(self.json(command, value), moves) for command in ("search", "explain")]
                for value in values}

    def all_answers(self, still, busy):
        return {**self.answers(still), **self.answers(busy, MOVES | LOST)}

    def standing(self):
        allow = [{k: row[k] for k in ("rule", "kind", "value", "scope", "reason", "actor", "since")}
                 for row in self.json("allow", "list") + self.json("deny", "list")]
        return allow, [(row["name"], row["n_entries"], row["weight"]) for row in self.json("source", "list")]

    def events_are_dense(self):
        """Each number of the journal once, from the first to the last. (first, last)"""
        row = self.chain.rows("select min(seq) low, max(seq) high, count(*) n, count(distinct seq) n_distinct "
                              "from tip.event")[0]
        assert row["n"] == row["n_distinct"] == row["high"] - row["low"] + 1, row
        assert self.chain.rows("select count(*) n from tip.event_reject")[0]["n"] == 0
        return row["low"], row["high"]


@pytest.fixture
def system(site):
    made = System(site)
    made.chain.run()
    return made


def test_backup_under_load_everything_deleted_restored(system):
    chain, tip = system.chain, system.tip
    tip("allow", "add", "203.0.113.9", "--reason", "ours")
    tip("deny", "add", "203.0.113.77", "--reason", "seen it myself")
    token = tip("web", "token", "add", "alice", "--scope", "read").stdout
    assert token
    load = Load(chain)
    load.start()
    wait_for(lambda: load.turns >= 2, 120, "the load goes on")
    head_before, turns_before = system.head(), load.turns
    made = system.json("backup", str(system.backup))[0]
    wait_for(lambda: load.turns > turns_before + 1, 120, "the load goes on behind the backup")
    load.finish()
    assert load.turns > turns_before and system.head() > made["last_seq"] >= head_before, (made, system.head())
    assert made["last_seq"] >= made["stored_seq"] and made["damages"] == 0
    assert system.backup.stat().st_mode & 0o777 == 0o700
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in system.backup.rglob("*") if path.is_file())
    print(f"backup: {made['bytes']} bytes in {made['took_ms']} ms, {made['last_seq']} events, journal "
          f"{sum(p.stat().st_size for p in (system.backup / 'journal').iterdir())} bytes")

    final = [set(("ip", ip) for ip in churned(number, load.turns)) for number in range(2)]
    for number in range(2):
        chain.wait_listed(f"busy{number}", final[number])
    system.wait_stored()
    probes = [[*STILL[:3], EXEMPT, "203.0.113.9", "203.0.113.77"],
              [*churned(0, load.turns)[:3], *churned(1, load.turns)[-3:]]]
    answers, standing = system.all_answers(*probes), system.standing()
    journal_before, head_lost = system.position()["journal"], system.head()

    running = tip("restore", str(system.backup), "--replace", check=False)
    assert running.returncode == 1 and "runs with" in running.stderr, running
    dry = tip("restore", str(system.backup), "--dry-run", check=False)
    assert dry.returncode == 1 and f"{system.backup} is whole: {made['files']} files" in dry.stderr, dry
    assert "runs with" in dry.stderr and "is not empty" in dry.stderr, "and all that is in the way"
    flip(system.backup / "database.dump")
    dry = tip("restore", str(system.backup), "--dry-run", check=False)
    assert dry.returncode == 1 and "database.dump is damaged" in dry.stderr and "runs with" not in dry.stderr, dry
    flip(system.backup / "database.dump")
    system.stop()
    system.delete()

    dry = json.loads(tip("restore", str(system.backup), "--dry-run", "-o", "json").stdout)[0]
    assert dry["result"] == "would be restored" and not (system.site.data / "broker/journal").exists()
    restored = json.loads(tip("restore", str(system.backup), "-o", "json").stdout)[0]
    assert restored["result"] == "restored" and restored["journal_id"] not in (journal_before, made["journal_id"])
    print(f"restore: {restored['bytes']} bytes in {restored['took_ms']} ms")
    again = tip("restore", str(system.backup), check=False)
    assert again.returncode == 1 and "is not empty" in again.stderr, again

    # the database and the journal alone: storage goes on where it was, over what the database had not
    chain.broker.start()
    chain.storage.start()
    system.wait_stored()
    low, high = system.events_are_dense()
    assert low == 1 and high >= made["last_seq"]  # storage says hello
    assert chain.rows("select count(*) n from tip.gap")[0]["n"] == 0
    assert system.position()["journal"] == restored["journal_id"]
    assert not difference({value: answers[value] for value in STILL[:3]}, system.answers(STILL[:3]))
    with contextlib.closing(Fetch(system.site.endpoint("fetch"))) as outside:
        name, answer, _ = outside.fetch(from_seq=head_lost, journal_id=bytes.fromhex(journal_before.replace("-", "")))
        assert name == "new_journal" and answer.first_available == 1

    # and with their owners: everybody tells its state once, then it is as it was
    chain.scheduler.start()
    chain.blacklist.start()
    system.web.start()
    wait_for(lambda: not chain.rows("select from tip.consumer_offset where needs_all_since is not null "
                                    "union all select from tip.source where needs_baseline_since is not null"), 120,
             lambda: f"all baselines have come: {chain.states()}")
    chain.run()
    for number in range(2):
        chain.wait_listed(f"busy{number}", final[number])
    system.wait_stored()
    assert system.events_are_dense()[0] == 1
    assert "exempt.lost" not in chain.blacklist.log_text()
    assert {row["tier"] for row in chain.caller.query("verdict_history", value=EXEMPT)} <= {"none"}, \
        "what is exempt was never told as anything else"
    assert system.standing() == standing
    wait_for(lambda: system.all_answers(*probes) == answers, 60,
             lambda: "\n".join(difference(answers, system.all_answers(*probes))))
    assert [row["name"] for row in system.json("web", "token", "list")] == ["alice"]
    assert chain.rows("select count(*) n from tip.gap")[0]["n"] == 0


def flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def cut_off(system, number):
    """A backup that gets a signal as soon as it has begun: its exit code."""
    partial = system.backup.with_name("first.partial")
    process = Process(system.site, "backup", [binary("tip"), "backup", system.backup, "--config",
                                              system.site.config_path]).spawn()
    system.site.add(process)
    wait_for(lambda: partial.exists() or not process.is_running, 20, "it has begun")
    process.signal(number)
    code = process.wait()
    assert code != 0 and not system.backup.exists(), process.log_text()
    return code, partial


def test_half_a_backup_and_the_place_of_another(system):
    code, partial = cut_off(system, signal.SIGINT)
    assert code == 130 and not partial.exists()
    code, partial = cut_off(system, signal.SIGKILL)
    assert code == -signal.SIGKILL and partial.exists()
    again = system.tip("backup", str(system.backup), check=False)
    assert again.returncode == 1 and "remove it" in again.stderr, again
    half = system.tip("restore", str(partial), "--replace", check=False)
    assert half.returncode == 2 and "half of one" in half.stderr, half
    shutil.rmtree(partial)

    system.tip("allow", "add", "203.0.113.9", "--reason", "before")
    (system.site.data / "blacklist/sets/link").symlink_to("nowhere")
    made = system.tip("backup", str(system.backup))
    assert "sets/link is not in the backup: it is no plain file" in made.stderr
    nowhere = system.tip("backup", str(system.backup.parent / "nowhere/today"), check=False)
    assert nowhere.returncode == 1 and "nowhere is not there: mkdir -m 700" in nowhere.stderr, nowhere
    taken = system.tip("backup", str(system.backup), check=False)
    assert taken.returncode == 2 and "there already" in taken.stderr
    system.tip("allow", "add", "203.0.113.10", "--reason", "after")
    system.stop()
    refused = system.tip("restore", str(system.backup), check=False)
    assert refused.returncode == 1 and "is not empty" in refused.stderr
    system.tip("restore", str(system.backup), "--replace")
    for name in reversed(SERVICES):
        system.service(name).start()
    system.wait_stored()
    assert [row["reason"] for row in system.json("allow", "list")] == ["before"]
    assert not list(system.site.data.rglob("*.replaced")) and not list(system.site.data.rglob("*.restored"))


def test_what_is_no_backup_is_refused(system):
    system.tip("backup", str(system.backup))
    system.stop()
    system.delete()

    def refused(what, code=1):
        result = system.tip("restore", str(system.backup), check=False)
        assert result.returncode == code and what in result.stderr, result
        assert not (system.site.data / "broker/journal").exists()
        assert not system.chain.rows("select from pg_namespace where nspname ~ '^tip'")

    listed = json.loads((system.backup / "manifest.json").read_text())["files"]
    kinds = {}
    for entry in listed:
        kinds.setdefault(entry["path"].split("/")[0], entry["path"])
    assert {"database.dump", "journal", "outbox", "sets", "exempt", "config"} <= set(kinds), kinds
    for path in kinds.values():
        flip(system.backup / path)
        refused(f"{path} is damaged")
        flip(system.backup / path)

    for mode in (0o770, 0o702):
        system.backup.chmod(mode)
        refused("can be written by others", 5)
    system.backup.chmod(0o700)

    manifest = system.backup / "manifest.json"
    whole = manifest.read_text()
    for change, what in (({"schema": 9999}, "of a newer program"), ({"format": 2}, "its format is 2")):
        manifest.write_text(json.dumps({**json.loads(whole), **change}))
        refused(what)
    outside = json.loads(whole)
    outside["files"][0]["path"] = "journal/../../../etc/passwd"
    manifest.write_text(json.dumps(outside))
    refused("entry 1 of its files")
    manifest.write_text(whole[:len(whole) // 2])
    refused("manifest.json: line")
    manifest.unlink()
    refused("no backup, or half of one", 2)


def test_a_load_that_fails_changes_nothing(system):
    system.tip("allow", "add", "203.0.113.9", "--reason", "ours")
    wait_for(lambda: system.json("allow", "list"), 20, "the entry is stored")
    standing = system.standing()
    system.tip("backup", str(system.backup))
    system.stop()
    dump, manifest = system.backup / "database.dump", system.backup / "manifest.json"
    dump.write_bytes(dump.read_bytes()[:-2000])
    listed = json.loads(manifest.read_text())
    entry, = (entry for entry in listed["files"] if entry["path"] == dump.name)
    entry.update(bytes=dump.stat().st_size, sha256=hashlib.sha256(dump.read_bytes()).hexdigest())
    manifest.write_text(json.dumps(listed))

    failed = system.tip("restore", str(system.backup), "--replace", check=False)
    assert failed.returncode == 1 and "Nothing else was changed" in failed.stderr, failed
    assert system.chain.rows("select nspname from pg_namespace where nspname ~ '^tip'") == [{"nspname": "tip"}]
    assert not list(system.site.data.rglob("*.replaced")) and not list(system.site.data.rglob("*.restored"))
    for name in reversed(SERVICES):
        system.service(name).start()
    system.wait_stored()
    assert system.standing() == standing


def test_users_of_the_database(system):
    """With no more rights than docs/operations.md says."""
    with system.chain.postgres.cursor("tip") as cursor:
        cursor.execute("create role saver login; grant tip_owner to saver; create role loader login; "
                       "grant tip_owner, tip_storage, tip_reader, tip_maintenance to loader; "
                       "grant create on database tip to loader, tip_owner")

    password = open_to_nobody(system.site.dir / "passwords") / "one"
    password.write_text("of no use here\n")

    def env(user):
        return {"TIP__STORAGE__DATABASE": system.chain.postgres.url("tip").replace("user=tip", f"user={user}"),
                "TIP__STORAGE__PASSWORD_FILE": str(password)}

    system.tip("backup", str(system.backup), env=env("saver"))
    system.stop()
    system.tip("restore", str(system.backup), "--replace", env=env("loader"))
    owners = system.chain.rows("select distinct relowner::regrole::text as owner from pg_class "
                               "where relnamespace = 'tip'::regnamespace")
    assert owners == [{"owner": "tip_owner"}], owners


# ---- `tip up`, with its private PostgreSQL and keys ----

class Direct(Process):
    """A program started as who runs the tests: root, perhaps."""

    def spawn(self):
        with open(self.log, "ab") as log:
            self.popen = subprocess.Popen(list(map(str, self.argv)), cwd="/", stdin=subprocess.DEVNULL, stdout=log,
                                          stderr=log, env=clean_environment(**self.env), start_new_session=True)
        return self


@pytest.mark.parametrize("who", ["user", "root"])
def test_a_site_of_tip_up(site, who):
    if who == "root" and not AS_ROOT:
        pytest.skip("only root can start it as root")
    for name in ("tip", *(f"tip-{service}" for service in SERVICES)):
        binary(name)
    del site.config["bus"]["insecure"]
    site.config["up"] = {"data": str(site.data)}
    site.write_config()
    kind = Direct if who == "root" else Process
    backup = site.dir / "backup" if who == "root" else open_to_nobody(site.dir / "backups") / "one"

    def tip(*argv, check=True):
        argv = [str(binary("tip")), *argv, "--config", str(site.config_path)]
        result = subprocess.run(argv if who == "root" else drop(argv), cwd="/", capture_output=True, text=True,
                                env=clean_environment(TIP_SITE_DIR=str(site.dir / "site")), timeout=120, check=False)
        assert not check or result.returncode == 0, result
        return result

    def ready():
        result = tip("status", "-o", "json", check=False)
        return process.is_running and result.stdout and json.loads(result.stdout)["ok"]

    process = site.add(kind(site, "up", [binary("tip"), "up", "--config", site.config_path],
                            env={"TIP_SITE_DIR": str(site.dir / "site")})).spawn()
    wait_for(ready, 60, "all ready")
    tip("allow", "add", "192.0.2.0/24", "--reason", "ours")
    wait_for(lambda: json.loads(tip("allow", "list", "-o", "json").stdout), 20, "the entry is stored")
    before = json.loads(tip("allow", "list", "-o", "json").stdout)
    keys = {path.name: path.read_bytes() for path in (site.data / "keys").iterdir()}
    tip("backup", str(backup))
    refused = tip("restore", str(backup), check=False)
    assert refused.returncode == 1 and "`tip up` (process" in refused.stderr, refused
    dry = tip("restore", str(backup), "--dry-run", check=False)
    assert dry.returncode == 1 and "is whole: " in dry.stderr and "`tip up` (process" in dry.stderr, dry
    assert process.term(40) == 0
    for path in site.data.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()

    tip("restore", str(backup))
    owner = NOBODY if AS_ROOT else os.getuid()
    assert {path.stat().st_uid for path in site.data.rglob("*")} == {owner}
    assert {path.name: path.read_bytes() for path in (site.data / "keys").iterdir()} == keys
    process.spawn()
    wait_for(ready, 60, "all ready again")
    assert json.loads(tip("allow", "list", "-o", "json").stdout) == before
    assert process.term(40) == 0
