"""TIP in containers: one project of docker-compose under a name and a loopback address of its own."""
import json
import os
import random
import subprocess

from tip_harness import SOURCE, wait_for


class Stack:
    """up, exec and down of compose.yaml. Containers, networks and volumes bear `name` and go with close()."""

    def __init__(self):
        number = random.SystemRandom().randrange(1, 250)
        self.name = f"tiptest{os.getpid()}"
        self.address = f"127.77.{number}.{os.getpid() % 250 + 1}"
        # Debian's client and the builder without a registry's help
        self.env = {**os.environ, "COMPOSE_PROJECT_NAME": self.name, "COMPOSE_PROFILES": "lab", "DOCKER_BUILDKIT": "0",
                    "TIP_BIND": self.address, "PATH": f"/usr/bin:{os.environ['PATH']}"}

    def run(self, argv, deadline_s=120, check=True):
        sudo = [] if os.access("/var/run/docker.sock", os.W_OK) else ["sudo", "-E"]
        result = subprocess.run([*sudo, *argv], cwd=SOURCE, env=self.env, capture_output=True, text=True,
                                timeout=deadline_s, check=False)
        assert not check or result.returncode == 0, f"{argv}: {result.returncode}\n{result.stdout}{result.stderr}"
        return result

    def compose(self, *args, **more):
        return self.run(["docker-compose", *args], **more)

    def exec(self, service, *argv, **more):
        """Runs a program inside a container."""
        return self.run(["docker", "exec", self.container(service), *argv], **more)

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

    def volume(self, name):
        return f"{self.name}_{name}"

    def logs(self, *services):
        return self.compose("logs", "--no-color", "--tail", "60", *services, check=False).stdout

    def search(self, value):
        """What `tip search` says, as JSON; None while nobody answers."""
        result = self.exec("broker", "tip", "search", value, "-o", "json", check=False)
        return json.loads(result.stdout) if result.returncode == 0 else None

    def close(self):
        self.compose("down", "-v", "-t", "3", check=False)


def prepare():
    """Docker, dockerd and the base images, as a user would make them."""
    made = subprocess.run([SOURCE / "docker/base-image.sh"], cwd=SOURCE, capture_output=True, text=True, timeout=900,
                          check=False)
    assert made.returncode == 0, made.stdout + made.stderr
