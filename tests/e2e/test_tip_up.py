"""`tip up`: everything on one machine, kept running, ended without a trace; as root and as a user."""
import json
import os
import pathlib
import signal
import subprocess

import pytest
from tip_harness import AS_ROOT, NOBODY, Process, binary, clean_environment, drop, wait_for

SERVICES = ("broker", "storage", "scheduler", "blacklist", "web")


class Direct(Process):
    """A program started as who runs the tests: root, perhaps."""

    def spawn(self):
        with open(self.log, "ab") as log:
            self.popen = subprocess.Popen(list(map(str, self.argv)), cwd="/", stdin=subprocess.DEVNULL, stdout=log,
                                          stderr=log, env=clean_environment(**self.env), start_new_session=True)
        return self


def processes(place):
    """pid -> command line of everything that names this path in its arguments, environment or working directory."""
    found = {}
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if str(place) in line or str(place) in os.readlink(entry / "cwd"):
                found[int(entry.name)] = line
        except OSError:
            continue
    return found


@pytest.fixture
def up(request, site):
    """A running `tip up`, all services ready; started by "user" or "root"."""
    if request.param == "root" and not AS_ROOT:
        pytest.skip("only root can start it as root")
    for name in ("tip", *(f"tip-{service}" for service in SERVICES)):
        binary(name)
    kind = Direct if request.param == "root" else Process
    del site.config["bus"]["insecure"]  # and no word of keys: it makes them
    site.config["up"] = {"data": str(site.data)}
    site.config["scheduler"] = {"jobs": [{"name": "lists", "module": "blacklist", "every": "1h"}]}
    site.write_config()
    process = site.add(kind(site, "up", [binary("tip"), "up", "--config", site.config_path],
                            env={"TIP_SITE_DIR": str(site.dir / "site")})).spawn()
    wait_for(lambda: process.is_running and status(site)["ok"], 60, lambda: f"all ready: {status(site)}")
    yield process
    process.end()


def tip(site, *argv):
    return subprocess.run(drop([binary("tip"), *argv, "--config", site.config_path]), cwd="/", capture_output=True,
                          text=True, env=clean_environment(), timeout=60, check=False)


def status(site):
    result = tip(site, "status", "-o", "json")
    return json.loads(result.stdout) if result.stdout else {"ok": False, "said": result.stderr}


def pid_of(site, name):
    found = [pid for pid, line in processes(site.dir).items() if f"/tip-{name} " in line and "--config" in line]
    return found[0] if found else None


@pytest.mark.parametrize("up", ["user", "root"], indirect=True)
def test_up_runs_as_somebody_and_says_so(site, up):
    assert tip(site, "status").returncode == 0 and status(site)["insecure"] is False
    assert json.loads(tip(site, "doctor", "-f", "check,result", "-o", "ndjson").stdout.splitlines()[3]) == {
        "check": "keys", "result": "ok"}
    keys = site.data / "keys"
    assert keys.stat().st_mode & 0o777 == 0o700 and keys.stat().st_uid == (NOBODY if AS_ROOT else os.getuid())
    for name in SERVICES:
        assert os.stat(f"/proc/{pid_of(site, name)}").st_uid == (NOBODY if AS_ROOT else os.getuid())
    migrations = json.loads(tip(site, "db", "status", "-o", "json").stdout)
    assert migrations and [row["version"] for row in migrations] == list(range(1, len(migrations) + 1))
    link = site.data / "web/first-link"
    assert f"page http://127.0.0.1:" in up.log_text() and f"by the link in {link}" in up.log_text() and link.exists()
    assert (site.data / "log/storage.log").stat().st_size > 0
    second = tip(site, "up")
    assert second.returncode == 1 and "another `tip up`" in second.stderr


@pytest.mark.parametrize("up", ["user"], indirect=True)
def test_up_goes_on_with_the_keys_it_made(site, up):
    before = (site.data / "keys/keys.yaml").read_bytes()
    assert up.term(30) == 0
    (site.data / "keys").chmod(0o500)  # it need not write there any more
    up.spawn()
    wait_for(lambda: up.is_running and status(site)["ok"], 60, lambda: f"all ready: {status(site)}")
    assert (site.data / "keys/keys.yaml").read_bytes() == before
    (site.data / "keys").chmod(0o700)


@pytest.mark.parametrize("up", ["user"], indirect=True)
def test_up_restarts_what_dies(site, up):
    for name in SERVICES:
        before = wait_for(lambda name=name: pid_of(site, name), 10, f"tip-{name} runs")
        os.kill(before, signal.SIGKILL)
        wait_for(lambda name=name, before=before: pid_of(site, name) not in (None, before), 10, f"a new tip-{name}")
    wait_for(lambda: status(site)["ok"], 40, lambda: f"all ready again: {status(site)}")
    assert "broker has ended with signal 9 (Killed); starts again in 0.2 s" in up.log_text()

    postmaster = int((site.data / "postgres/postmaster.pid").read_text().split()[0])
    os.kill(postmaster, signal.SIGKILL)
    wait_for(lambda: "postgres has ended with signal 9" in up.log_text(), 10, "the supervisor sees it")
    wait_for(lambda: tip(site, "source", "list").returncode == 0, 60, "storage answers again")


@pytest.mark.parametrize("up, number", [("root", signal.SIGINT), ("user", signal.SIGTERM)], indirect=["up"])
def test_up_ends_cleanly(site, up, number):
    up.signal(number)
    up.signal(number)  # timeout(1) and some shells send it twice: still one request
    assert up.wait(30) == 0
    assert not processes(site.data), processes(site.data)
    assert not list(site.run.glob("*.sock"))
    assert "database system is shut down" in (site.data / "log/postgres.log").read_text()


@pytest.mark.parametrize("up", ["root"], indirect=True)
def test_up_killed_leaves_nothing(site, up):
    up.kill()
    wait_for(lambda: not processes(site.data), 30, lambda: f"nothing left: {processes(site.data)}")


@pytest.mark.parametrize("up", ["user"], indirect=True)
def test_up_killed_inside_leaves_nothing(site, up):
    children = pathlib.Path(f"/proc/{up.pid}/task/{up.pid}/children").read_text().split()
    os.kill(int(children[0]), signal.SIGKILL)
    assert up.wait(30) == 1
    assert not processes(site.data), processes(site.data)


def test_up_starts_nothing_with_a_broken_file(site):
    for name in ("tip", *(f"tip-{service}" for service in SERVICES)):
        binary(name)
    site.config["up"] = {"data": str(site.data)}
    site.config["scheduler"] = {"jobs": [{"name": "lists", "module": "blacklist", "every": "soon"}]}
    site.write_config()
    result = tip(site, "up")
    assert result.returncode == 1
    assert f"{site.config_path}:" in result.stderr and "every" in result.stderr
    assert not (site.data / "log").exists() and not processes(site.data)
