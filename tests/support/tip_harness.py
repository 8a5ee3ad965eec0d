"""One temporary TIP for a test: a directory, a tip.yaml, free ports, and the processes started in it.

Needs TIP_BIN (the folder of the binaries) and TIP_SOURCE (the tree); ctest sets both. Started as root, every program
runs as nobody from a copy of the binaries, since services refuse root. All processes end with the site, by pid.
"""
import contextlib
import http.client
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import weakref

import yaml

SOURCE = pathlib.Path(os.environ.get("TIP_SOURCE", pathlib.Path(__file__).resolve().parents[2]))
BIN = pathlib.Path(os.environ.get("TIP_BIN", SOURCE / "build/dev/bin"))
NOBODY = 65534
AS_ROOT = os.geteuid() == 0
POLL_S = 0.01
DOORS = ("ingest", "feed", "feed_green", "feed_clear", "fetch", "work")
os.umask(0o022)  # what root writes here is read by nobody


def wait_for(condition, deadline_s, what):
    """Polls until condition() is true and returns that value; `what` says what was missing, text or function."""
    end = time.monotonic() + deadline_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"after {deadline_s} s: {what() if callable(what) else what}")
        time.sleep(POLL_S)


_held_ports = []  # abstract sockets that keep other test runs on this machine from the same numbers


def free_port():
    """A tcp port below the ephemeral range that nobody listens on, ours until this process ends."""
    for _ in range(1000):
        port = random.SystemRandom().randrange(20000, 32000)
        mark = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            mark.bind(f"\0tip-test-port-{port}")
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(("127.0.0.1", port))
        except OSError:
            mark.close()
            continue
        _held_ports.append(mark)
        return port
    raise AssertionError("no free port between 20000 and 32000")


def open_to_nobody(path):
    """Makes a directory (and gives it to the user that the programs run as)."""
    path = pathlib.Path(path)
    path.mkdir(parents=True, exist_ok=True)
    if AS_ROOT:
        os.chown(path, NOBODY, NOBODY)
    return path


def temp_dir():
    """A short path, so that unix sockets below it fit into 107 bytes."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="tip-", dir="/tmp"))
    path.chmod(0o755)
    return open_to_nobody(path)


_session = None


def session_dir():
    """What all sites of this run share: the copy of the binaries, the PostgreSQL template."""
    global _session
    if _session is None:
        _session = temp_dir()
    return _session


def end_session():
    global _session
    if _session is not None:
        shutil.rmtree(_session, ignore_errors=True)
        _session = None


def binary(name):
    """The path of a program of ours that the unprivileged user can start."""
    if not AS_ROOT:
        return BIN / name
    copies = session_dir() / "bin"
    if not (copies / name).exists():
        copies.mkdir(exist_ok=True)
        shutil.copy2(BIN / name, copies / name)
        (copies / name).chmod(0o755)
    return copies / name


def drop(argv, env=None):
    """The command line that runs argv unprivileged, with env (LD_PRELOAD, ...) for it alone.

    It ends with the thread that starts it: start processes from the main one.
    """
    who = [f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"] if AS_ROOT else []
    with_env = ["env", *(f"{key}={value}" for key, value in env.items())] if env else []
    return ["setpriv", *who, "--pdeathsig", "KILL", "--", *with_env, *map(str, argv)]


def clean_environment(**more):
    env = {k: v for k, v in os.environ.items() if not k.startswith(("TIP_", "PG", "XDG_"))}
    return {**env, "HOME": "/nonexistent", "TZ": "UTC", **more}


class UnixHttp(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=5)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def each_process():
    """(pid, process group, command line) of everything that runs."""
    for entry in pathlib.Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):  # it has ended meanwhile, or is no process
            stat = (entry / "stat").read_text(errors="replace").rsplit(")", 1)[1].split()
            if stat[0] not in "ZX":
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ")
                yield int(entry.name), int(stat[2]), line.decode(errors="replace")


class Process:
    """A program started by a test, and what it starts: a process group. Its stderr and stdout go to `log`, which a
    failing test prints."""

    def __init__(self, site, name, argv, cwd=None, env=None):
        self.site, self.name, self.argv, self.cwd = site, name, list(argv), cwd
        self.env = env or {}
        self.log = site.dir / "log" / f"{name}.log"
        self.popen = None

    def spawn(self):
        assert not self.is_running, f"{self.name} runs already"
        with open(self.log, "ab") as log:
            self.popen = subprocess.Popen(drop(self.argv, self.env), cwd=self.cwd or self.site.dir,
                                          stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=clean_environment(),
                                          process_group=0)
        return self

    @property
    def pid(self):
        return self.popen.pid

    @property
    def is_running(self):
        return self.popen is not None and self.popen.poll() is None

    def wait(self, deadline_s=15):
        """The exit code; negative: the signal."""
        try:
            return self.popen.wait(deadline_s)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} still runs after {deadline_s} s") from None

    def signal(self, number):
        self.popen.send_signal(number)

    def term(self, deadline_s=15):
        """Asks it to end, and returns its exit code."""
        self.signal(signal.SIGTERM)
        return self.wait(deadline_s)

    def kill(self):
        """kill -9."""
        self.signal(signal.SIGKILL)
        return self.wait()

    def pause(self):
        self.signal(signal.SIGSTOP)

    def resume(self):
        self.signal(signal.SIGCONT)

    def everybody(self, number):
        """A signal to it and to what it has started, also when itself has ended before: all at once, so that nobody
        starts another one meanwhile."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def end(self):
        """Whatever state it is in: gone afterwards, with what it has started."""
        if self.popen is not None:
            self.everybody(signal.SIGKILL)
            self.popen.wait()

    def log_text(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def log_lines(self, event):
        """Lines of one event name of our log."""
        return [line for line in self.log_text().splitlines() if f" event={event} " in line + " "]

    def rss_bytes(self):
        for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        return 0


class Service(Process):
    """tip-<name> on the site's tip.yaml, watched through its admin socket."""

    def __init__(self, site, name, args=(), env=None):
        super().__init__(site, name, [binary(f"tip-{name}"), "--config", site.config_path, *args], env=env)
        self.socket = site.run / f"{name}.sock"

    def start(self, ready=True, deadline_s=20):
        """Runs it until it is ready (or only alive, when its neighbours are not meant to be there)."""
        self.site.write_config()
        self.spawn()
        path = "/readyz" if ready else "/livez"
        wait_for(lambda: self.answers(path), deadline_s, lambda: f"{self.name} answers {path}: {self.last_answer}")
        return self

    last_answer = None

    def get(self, path):
        """(status, body) of a GET on the admin socket; (0, reason) when nobody answers."""
        connection = UnixHttp(self.socket)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read().decode()
        except OSError as error:
            return 0, str(error)
        finally:
            connection.close()

    def answers(self, path):
        if not self.is_running:
            raise AssertionError(f"{self.name} ended with {self.popen.returncode}:\n{self.log_text()[-4000:]}")
        self.last_answer = self.get(path)
        return self.last_answer[0] == 200

    def is_ready(self):
        return self.is_running and self.get("/readyz")[0] == 200

    def metric(self, name):
        """The value of `name` or `name{labels}` as written by /metrics; None when it is not there."""
        for line in self.get("/metrics")[1].splitlines():
            if line.startswith(name + " "):
                return float(line.rsplit(" ", 1)[1])
        return None

    def reload(self):
        self.site.write_config()
        self.signal(signal.SIGHUP)

    def restart(self, **start):
        self.end()
        return self.start(**start)


class Key:
    """A pair of CURVE keys, and the broker's public one: what a socket needs. Z85 texts, as the files have them."""

    def __init__(self, public, secret, server):
        self.public, self.secret, self.server = public, secret, server

    @classmethod
    def read(cls, directory, name):
        """<name>.cert_secret and broker.cert, czmq's files, read by themselves."""
        own = cls.fields(pathlib.Path(directory) / f"{name}.cert_secret")
        return cls(own["public-key"], own["secret-key"],
                   cls.fields(pathlib.Path(directory) / "broker.cert")["public-key"])

    @staticmethod
    def fields(path):
        found = re.findall(r'^\s+([a-z-]+)\s*=\s*"(.*)"\s*$', path.read_text(), re.MULTILINE)
        return dict(found)


sites = weakref.WeakSet()


def broker_behind(endpoint):
    """The state of the broker that a site has at this endpoint, as far as it can be told."""
    for site in sites:
        if endpoint in site.config["bus"].values():
            try:
                return site.broker_state()
            except Exception as error:  # the failure that is being told of is another one
                return f"the broker does not tell how it is: {error!r}"
    return ""


def counted(broker):
    return [line for line in broker.get("/metrics")[1].splitlines()
            if line.startswith(("tip_broker_", "tip_zmq_")) and "_bucket" not in line and not line.endswith(" 0")]


def threads(pid):
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        state = re.search(r"^State:\s+(\S)", (task / "status").read_text(), re.MULTILINE)
        yield f"{(task / 'comm').read_text().strip()} {state and state[1]} {(task / 'wchan').read_text()}"


def connections(site):
    """Rows of /proc/net/tcp: own and other port, state, queues."""
    ports = {int(value.rsplit(":", 1)[1]): door for door, value in site.config["bus"].items()
             if str(value).startswith("tcp://")}
    for row in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, own, other, state, queues, *_ = row.split()
        own, other = (int(address.rsplit(":", 1)[1], 16) for address in (own, other))
        if (own in ports or other in ports) and queues != "00000000:00000000":
            yield f"{ports.get(own, own)} -> {ports.get(other, other)} state {state} {queues}"


class Site:
    """config is tip.yaml as a dict of sections; it is written anew whenever a service starts or reloads.

    Plain on loopback, or with keys made by `tip keys init`; then the sockets of tip_wire want `key=site.key(name)`.
    """

    def __init__(self, keys=False):
        self.dir = temp_dir()
        self.run = open_to_nobody(self.dir / "run")
        open_to_nobody(self.dir / "log")
        self.data = open_to_nobody(self.dir / "data")
        self.config_path = self.dir / "tip.yaml"
        self.processes, self.failed = [], False
        sites.add(self)
        self.closing = contextlib.ExitStack()
        self.config = {
            "tip": {"run": str(self.run)},
            "bus": {"insecure": True, **{door: f"tcp://127.0.0.1:{free_port()}" for door in DOORS}},
            "web": {"listen": f"127.0.0.1:{free_port()}"},
        }
        self.keys = None
        if keys:
            self.keys = self.dir / "data/keys"
            del self.config["bus"]["insecure"]
            self.config["bus"]["keys"] = str(self.keys)
            self.run_program(["tip", "keys", "init"])

    def endpoint(self, name):
        """Of ingest, feed, feed_green, feed_clear, fetch or work."""
        return self.config["bus"][name]

    def key(self, name="tip"):
        """Of a program, or of whoever add_key made; None on a site without keys."""
        return Key.read(self.keys, name) if self.keys else None

    def add_key(self, name, *options):
        """`tip keys add`: add_key("soc", "--audience", "green")."""
        self.run_program(["tip", "keys", "add", name, *options])
        return self.key(name)

    def section(self, name, **options):
        """Sets options in a section of tip.yaml; every service gets a data directory."""
        section = self.config.setdefault(name, {})
        section.setdefault("data", str(self.data / name))
        section.update(options)
        return section

    def write_config(self):
        self.config_path.write_text(yaml.safe_dump(self.config, sort_keys=False))

    def service(self, name, args=(), env=None, **options):
        """A service, not yet started: site.service("blacklist", sources=path).start()"""
        self.section(name, **options)
        return self.add(Service(self, name, args, env))

    def broker(self, **options):
        """A running broker."""
        return self.service("broker", **options).start()

    def broker_state(self):
        """What its broker counts and what its threads and connections wait for: for whom it did not answer."""
        broker = next((p for p in reversed(self.processes) if p.name == "broker" and p.is_running), None)
        if not broker:
            return "no broker runs"
        with contextlib.suppress(OSError):
            return "\n".join(["the broker counts", *counted(broker), "its threads", *threads(broker.pid),
                              "its connections, with bytes to send and to receive", *connections(self)])
        return "the broker has ended"

    def add(self, process):
        self.processes.append(process)
        return process

    def run_program(self, argv, deadline_s=60, env=None, check=True):
        """Runs a program of ours to its end, unprivileged: argv[0] is its name. Returns subprocess' result."""
        self.write_config()
        result = subprocess.run(drop([binary(argv[0]), *argv[1:]], env), cwd=self.dir, stdin=subprocess.DEVNULL,
                                capture_output=True, text=True, timeout=deadline_s, env=clean_environment(),
                                check=False)
        assert not check or result.returncode == 0, f"{argv}: {result.returncode}\n{result.stdout}{result.stderr}"
        return result

    def logs(self, most=6000):
        """The end of every log: for failing tests."""
        parts = [f"== {p.name} ({'running' if p.is_running else p.popen and p.popen.returncode}) ==\n"
                 f"{p.log_text()[-most:]}" for p in self.processes]
        return "\n".join([f"== tip.yaml ==\n{self.config_path.read_text() if self.config_path.exists() else ''}", *parts])

    def left(self):
        """What still runs with this directory in its command line."""
        return [(pid, line) for pid, _, line in each_process() if f"{self.dir}/" in line]

    def close(self):
        self.closing.close()
        for process in reversed(self.processes):
            process.end()
        wait_for(lambda: not self.left(), 20, lambda: f"left behind: {self.left()}")
        keep = os.environ.get("TIP_KEEP")  # "failed": only what a failed test leaves
        if not keep or keep == "failed" and not self.failed:
            shutil.rmtree(self.dir, ignore_errors=True)
