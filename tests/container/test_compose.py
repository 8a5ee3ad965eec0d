"""`docker-compose up`: the lab's story in containers, an outside consumer with a key, restarts, lost volumes, down."""
import json
import time

import pytest
import zmq
from tip_compose import Stack, prepare
from tip_harness import wait_for
from tip_wire import Seen, context

SERVICES = ["broker", "scheduler", "blacklist", "storage"]
ADDRESS = "192.0.2.7"  # lab-hosts and lab-table always list it


@pytest.fixture(scope="module")
def stack():
    prepare()
    made = Stack()
    try:
        made.compose("build", "-q", deadline_s=900)
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def running(stack):
    started = time.monotonic()
    stack.compose("up", "-d", deadline_s=120)
    stack.wait_healthy("postgres", *SERVICES)
    wait_listed(stack)
    stack.took_s = time.monotonic() - started
    return stack


def listed(stack, value=ADDRESS):
    found = stack.search(value)
    return found and sorted({row["source"] for row in rows_of(found)})


def rows_of(found):
    return found["listings"] if isinstance(found, dict) else found


def wait_listed(stack, deadline_s=90):
    wait_for(lambda: {"lab-hosts", "lab-table"} <= set(listed(stack) or []), deadline_s,
             lambda: f"{ADDRESS} is listed: {listed(stack)}\n{stack.logs(*SERVICES)}")


def test_the_story_is_there_within_a_minute(running):
    assert running.took_s < 60
    assert running.exec("broker", "tip", "explain", ADDRESS).returncode == 0
    said = json.loads(running.exec("broker", "tip", "source", "list", "-o", "json").stdout)
    assert len(said if isinstance(said, list) else said["sources"]) == 7
    status = json.loads(running.exec("broker", "tip", "status", "-o", "json", check=False).stdout)
    states = {service["service"]: service["state"] for service in status["services"]}
    assert {name: states[name] for name in SERVICES} == dict.fromkeys(SERVICES, "ready")


def test_nobody_is_root_and_nothing_can_be_written(running):
    for service in [*SERVICES, "world"]:
        state = running.inspect(service)
        host = state["HostConfig"]
        assert state["Config"]["User"] == "tip" and host["ReadonlyRootfs"] and host["CapDrop"] == ["ALL"], service
        assert running.exec(service, "sh", "-c", "touch /usr/x", check=False).returncode != 0
        assert host["Memory"] > 0, service


def test_the_edge_cannot_reach_the_database(running):
    assert running.exec("storage", "getent", "hosts", "postgres").returncode == 0
    for service in ("broker", "blacklist", "world"):
        assert running.exec(service, "getent", "hosts", "postgres", check=False).returncode != 0, service


def test_each_service_has_its_own_secret_alone(running):
    for service in SERVICES[1:]:
        files = running.exec(service, "ls", "/var/lib/tip/keys").stdout.split()
        assert set(files) == {"broker.cert", f"{service}.cert", f"{service}.cert_secret"}


def key_files(stack, name):
    """Public and secret key of `name`, and the broker's public key, as the files that are handed out say."""
    def value(file, field):
        text = stack.exec("broker", "cat", f"/var/lib/tip/keys/{file}").stdout
        return next(line.split('"')[1] for line in text.splitlines() if f"{field} =" in line).encode()
    secret = f"{name}.cert_secret"
    return value(secret, "public-key"), value(secret, "secret-key"), value("broker.cert", "public-key")


def subscriber(stack, port, keys=None):
    socket = context.socket(zmq.SUB)
    socket.linger = 0
    if keys:
        socket.curve_publickey, socket.curve_secretkey, socket.curve_serverkey = keys
    socket.connect(f"tcp://{stack.address}:{port}")
    socket.subscribe(b"v1.")
    return socket


def test_an_outside_consumer_reads_with_a_key_and_not_without(running):
    running.exec("broker", "tip", "keys", "add", "soc", "--audience", "amber")
    running.exec("broker", "sh", "-c", "kill -HUP 1")  # `docker kill` would count as a stop by hand: no restart later
    stranger, soc = subscriber(running, 5571), subscriber(running, 5571, key_files(running, "soc"))
    try:
        kinds = set()

        def heard():
            while soc.poll(100):
                topic, record = soc.recv_multipart()
                kinds.add(Seen(record, topic.decode()).kind)
            return {"bus.head", "schedule.due"} <= kinds
        wait_for(heard, 30, lambda: f"the feed tells of runs: {kinds}")
        assert not stranger.poll(0)
    finally:
        stranger.close()
        soc.close()


@pytest.mark.parametrize("service", SERVICES)
def test_a_container_that_ends_comes_back(running, service):
    before = running.inspect(service)["State"]["StartedAt"]
    running.exec(service, "sh", "-c", "kill -TERM 1", check=False)
    wait_for(lambda: running.inspect(service)["State"]["StartedAt"] != before, 40, f"{service} is started again")
    running.wait_healthy(*SERVICES)
    wait_listed(running)


VOLUMES = {"broker": ["broker"], "scheduler": ["scheduler"], "blacklist": ["blacklist"], "storage": ["storage"],
           "postgres": ["storage", "database", "postgres"]}


@pytest.mark.parametrize("volume", VOLUMES)
def test_a_lost_volume_is_made_good(running, volume):
    running.compose("rm", "-fs", *VOLUMES[volume])
    running.run(["docker", "volume", "rm", running.volume(volume)])
    running.compose("up", "-d")
    running.wait_healthy("postgres", *SERVICES)
    wait_listed(running)


def test_down_leaves_nothing(running):
    running.compose("down", "-v", "-t", "10")
    for kind in (["ps", "-aq"], ["volume", "ls", "-q"], ["network", "ls", "-q"]):
        assert not running.run(["docker", *kind, "--filter", f"name={running.name}"]).stdout.strip()
