"""TIP in containers: one project of docker-compose under a name and a loopback address of its own."""
import contextlib
import http.client
import json
import os
import pathlib
import random
import re
import subprocess

from tip_harness import SOURCE, wait_for

COMPOSE = os.environ.get("TIP_COMPOSE", "docker-compose").split()  # "docker compose" runs the tests with Compose v2


class Stack:
    """up, exec and down of compose.yaml. Containers, networks and volumes bear `name` and go with close()."""

    def __init__(self, profile="lab"):
        number = random.SystemRandom().randrange(1, 250)
        self.name = f"tiptest{os.getpid()}{profile}"
        self.address = f"127.77.{number}.{os.getpid() % 250 + 1}"
        # Debian's client and the builder without a registry's help
        self.env = {**os.environ, "COMPOSE_PROJECT_NAME": self.name, "COMPOSE_PROFILES": profile, "DOCKER_BUILDKIT": "0",
                    "TIP_BIND": self.address, "PATH": f"/usr/bin:{os.environ['PATH']}"}

    def run(self, argv, deadline_s=120, check=True):
        sudo = [] if os.access("/var/run/docker.sock", os.W_OK) else ["sudo", "-E"]
        result = subprocess.run([*sudo, *argv], cwd=SOURCE, env=self.env, capture_output=True, text=True,
                                timeout=deadline_s, check=False)
        assert not check or result.returncode == 0, f"{argv}: {result.returncode}\n{result.stdout}{result.stderr}"
        return result

    def compose(self, *args, **more):
        return self.run([*COMPOSE, *args], **more)

    def exec(self, service, *argv, user="", **more):
        """Runs a program inside a container, as its user unless another is named."""
        return self.run(["docker", "exec", f"--user={user}", self.container(service), *argv], **more)

    def container(self, service):
        """The id of the service's container, running or not; "" for none."""
        labels = {"project": self.name, "service": service}
        filters = [f"--filter=label=com.docker.compose.{key}={value}" for key, value in labels.items()]
        return self.run(["docker", "ps", "-aq", *filters]).stdout.strip()

    def inspect(self, service):
        return json.loads(self.run(["docker", "inspect", self.container(service)]).stdout)[0]

    def state(self, service):
        """healthy, starting, unhealthy; running or exited where there is no health check; none."""
        if not self.container(service):
            return "none"
        state = self.inspect(service)["State"]
        return state.get("Health", {}).get("Status") or state["Status"]

    def wait_healthy(self, *services, deadline_s=90):
        for service in services:
            wait_for(lambda: self.state(service) == "healthy", deadline_s,
                     lambda: f"{service} is healthy, not {self.state(service)}:\n{self.logs(service)}")

    def wait_ready(self, *services, deadline_s=90):
        """As its health check asks, but at once: Docker itself asks every 5 s."""
        for service in services:
            wait_for(lambda: self.exec(service, f"tip-{service}", "--health", check=False).returncode == 0, deadline_s,
                     lambda: f"{service} is ready:\n{self.logs(service)}")

    def volume(self, name):
        return f"{self.name}_{name}"

    def logs(self, *services):
        return self.compose("logs", "--no-color", "--tail", "60", *services, check=False).stdout

    def search(self, value):
        """What `tip search` says, as JSON; None while nobody answers."""
        result = self.exec("broker", "tip", "search", value, "-o", "json", check=False)
        return json.loads(result.stdout) if result.returncode == 0 else None

    def link(self):
        """The link of the first start that the newest log of the page has; None before."""
        log = self.run(["docker", "logs", "--tail", "60", self.container("web")], check=False).stderr
        lines = [line for line in log.splitlines() if "event=web.first_start" in line]
        return lines[-1].split('link="')[1].split('"')[0] if lines else None

    def close(self):
        self.compose("down", "-v", "-t", "3", check=False)


class Page:
    """A browser of few abilities at the published port."""

    def __init__(self, stack):
        self.stack, self.cookie = stack, None

    def get(self, path, token=None):
        return self.ask("GET", path, {"Authorization": f"Bearer {token}"} if token else {"Cookie": self.cookie or ""})

    def ask(self, method, path, headers, body=None):
        """Status, content type and body; (0, "", text) while nobody answers."""
        connection = http.client.HTTPConnection(self.stack.address, 8080, timeout=10)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            self.cookie = (answer.headers.get("Set-Cookie") or self.cookie or "").split(";")[0]
            return answer.status, answer.headers.get("Content-Type", ""), answer.read().decode()
        except (OSError, http.client.HTTPException) as error:
            return 0, "", repr(error)
        finally:
            connection.close()

    def login(self):
        """By the link in the log, as the page does with what stands behind #; the status."""
        link = wait_for(self.stack.link, 30, lambda: f"the log has a link:\n{self.stack.logs('web')}")
        assert link.startswith("http://127.0.0.1:8080/login#t="), link
        return self.ask("POST", "/api/v1/session", {"Content-Type": "application/json"},
                        json.dumps({"token": link.split("#t=")[1]}))[0]

    def overview(self):
        """/api/v1/overview, {} while it cannot be had."""
        status, _, body = self.get("/api/v1/overview")
        return json.loads(body) if status == 200 else {}


def sweep():
    """Takes away what a run that was killed left: all that bears the label of a project tiptestPID... without its PID."""
    docker = Stack().run
    for there, gone in ((["ps", "-a"], ["rm", "-fv"]), (["volume", "ls"], ["volume", "rm"]), (["network", "ls"], ["network", "rm"])):
        field = "ID" if "volume" not in there else "Name"
        table = '{{.Label "com.docker.compose.project"}} {{.' + field + "}}"
        for line in docker(["docker", *there, "--format", table]).stdout.splitlines():
            pid = re.match(r"tiptest(\d+)", line)
            if pid and not os.path.exists(f"/proc/{pid[1]}"):
                docker(["docker", *gone, line.split()[1]], check=False)


def outdate_pid_file():
    """Where no dockerd runs, as after a crash: the file is there, and its number is another process's (ours)."""
    if subprocess.run(["pgrep", "-x", "dockerd"], stdout=subprocess.DEVNULL, check=False).returncode:
        with contextlib.suppress(PermissionError):  # a user with sudo
            pathlib.Path("/var/run/docker.pid").write_text(str(os.getpid()), encoding="ascii")


def prepare():
    """Docker, dockerd and the base images, as a user would make them."""
    outdate_pid_file()
    made = subprocess.run([SOURCE / "docker/base-image.sh"], cwd=SOURCE, capture_output=True, text=True, timeout=900,
                          check=False)
    assert made.returncode == 0, made.stdout + made.stderr
    sweep()
