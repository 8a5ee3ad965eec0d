"""`docker-compose up`: the lab's story on the page, an outside consumer with a key, restarts, lost volumes, down."""
import json
import re
import time

import pytest
import zmq
from tip_compose import Page, Stack, prepare
from tip_harness import wait_for
from tip_wire import Seen, context

SERVICES = ["broker", "scheduler", "blacklist", "storage", "web"]
ADDRESS = "192.0.2.7"  # lab-hosts and lab-table always list it


@pytest.fixture(scope="module")
def stack():
    prepare()
    made = Stack()
    try:
        made.compose("build", "-q", deadline_s=1200)
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def running(stack):
    started = time.monotonic()
    stack.compose("up", "-d", deadline_s=120)
    page = Page(stack)
    assert page.login() == 200
    wait_told(page)
    stack.took_s, stack.page = time.monotonic() - started, page
    stack.wait_healthy("postgres", *SERVICES)
    return stack


def wait_told(page):
    """The page tells the lab's story: lists, what they list, and what follows from it."""
    def told():
        seen = page.overview()
        return seen.get("sources") == 7 and seen["listings"] > 0 and sum(seen["verdicts"].values()) > 0
    wait_for(told, 90, lambda: f"the page tells of listings: {page.get('/api/v1/overview')}\n{page.stack.logs(*SERVICES)}")


def listed(stack, value=ADDRESS):
    return sorted({row["source"] for row in stack.search(value) or []})


def wait_well(stack):
    """The address is listed, the page says so, too, and new events are stored."""
    page = stack.page
    stack.wait_ready(*SERVICES)
    wait_for(lambda: {"lab-hosts", "lab-table"} <= set(listed(stack)), 90,
             lambda: f"{ADDRESS} is listed: {listed(stack)}\n{stack.logs(*SERVICES)}")
    wait_told(page)
    first = page.overview()
    wait_for(lambda: page.overview().get("head_seq", first["head_seq"]) != first["head_seq"], 40,
             lambda: f"new events: {first}\n{stack.logs(*SERVICES)}")
    wait_for(lambda: page.overview().get("storage_lag_events") == 0, 40,
             lambda: f"storage has them: {page.overview()}\n{stack.logs(*SERVICES)}")


def test_the_story_is_there_within_a_minute(running):
    print(f"told {running.took_s:.1f} s after `up -d`")
    assert running.took_s < 60
    assert running.exec("broker", "tip", "explain", ADDRESS).returncode == 0
    said = json.loads(running.exec("broker", "tip", "source", "list", "-o", "json").stdout)
    assert len(said if isinstance(said, list) else said["sources"]) == 7


def test_status_hears_all_of_them(running):
    def status():
        return json.loads(running.exec("broker", "tip", "status", "-o", "json", check=False).stdout)
    wait_for(lambda: {one["service"]: one["state"] for one in status()["services"]} == dict.fromkeys(SERVICES, "ready"), 30,
             lambda: f"all are ready: {status()['services']}")
    assert not status()["degraded"] and not status()["insecure"]


def test_the_page_comes_with_its_assets(running):
    page = running.page
    status, kind, index = page.get("/")
    assert (status, kind.split(";")[0]) == (200, "text/html")
    assets = re.findall(r'(?:src|href)="(/[^"]+)"', index)
    assert {asset.rsplit(".", 1)[1] for asset in assets} >= {"js", "css"}
    for asset in assets:
        status, kind, body = page.get(asset)
        assert status == 200 and body and "html" not in kind, (asset, status, kind)
    assert page.get("/sources")[2] == index
    assert running.exec("web", "sh", "-c", "command -v node npm", check=False).returncode != 0


def test_a_token_is_asked_for_and_made_by_the_command(running):
    stranger = Page(running)
    assert stranger.get("/api/v1/overview")[0] == 401
    assert stranger.login() in (401, 403)  # the link logs in once
    token = running.exec("broker", "tip", "web", "token", "add", "alice", "--scope", "read", "--audience", "amber").stdout
    status, _, body = stranger.get("/api/v1/overview", token=token.strip())
    assert status == 200 and json.loads(body)["simulated"] is True


def test_nobody_is_root_and_nothing_can_be_written(running):
    for service in [*SERVICES, "world"]:
        state = running.inspect(service)
        host = state["HostConfig"]
        assert state["Config"]["User"] == "tip" and host["ReadonlyRootfs"] and host["CapDrop"] == ["ALL"], service
        assert running.exec(service, "sh", "-c", "touch /usr/x", check=False).returncode != 0
        assert host["Memory"] > 0, service
    host = running.inspect("postgres")["HostConfig"]
    assert host["ReadonlyRootfs"] and host["CapDrop"] == ["ALL"] and host["PidsLimit"] > 0
    user = running.exec("postgres", "sh", "-c", "stat -c %U /proc/1").stdout.strip()
    assert user == "postgres"


def test_the_edge_cannot_reach_the_database(running):
    assert running.exec("storage", "getent", "hosts", "postgres").returncode == 0
    for service in ("broker", "blacklist", "web", "world"):
        assert running.exec(service, "getent", "hosts", "postgres", check=False).returncode != 0, service


def test_each_service_has_its_own_secret_alone(running):
    for service in SERVICES[1:]:
        files = running.exec(service, "ls", "/var/lib/tip/keys").stdout.split()
        assert set(files) == {"broker.cert", f"{service}.cert", f"{service}.cert_secret"}
    assert running.exec("storage", "ls", "/var/lib/tip/secrets").stdout.split() == ["storage"]


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


@pytest.mark.parametrize("service", [*SERVICES, "postgres", "world"])
def test_a_container_that_ends_comes_back(running, service):
    before = running.inspect(service)["State"]["StartedAt"]
    user = "postgres" if service == "postgres" else ""  # root may not signal others there
    running.exec(service, "sh", "-c", "kill -INT 1", check=False, user=user)
    wait_for(lambda: running.inspect(service)["State"]["StartedAt"] != before, 40, f"{service} is started again")
    wait_well(running)  # with the login of before


# What has to go so that the volume can go
VOLUMES = {"broker": ["broker"], "scheduler": ["scheduler"], "blacklist": ["blacklist"], "storage": ["storage"],
           "postgres": ["storage", "database", "postgres"], "web": ["web"], "keys-web": ["web", "secrets"],
           "secret-storage": ["storage", "secrets"],
           "keys": ["secrets", "broker", "scheduler", "blacklist", "storage", "web"]}


@pytest.mark.parametrize("volume", VOLUMES)
def test_a_lost_volume_is_made_good(running, volume):
    running.compose("rm", "-fs", *VOLUMES[volume])
    running.run(["docker", "volume", "rm", running.volume(volume)])
    running.compose("up", "-d")
    if volume == "web":
        assert running.page.login() == 200  # tokens and logins are gone: it is a first start
    wait_well(running)


def assert_nothing_is_left(stack):
    for kind in (["ps", "-aq"], ["volume", "ls", "-q"], ["network", "ls", "-q"]):
        assert not stack.run(["docker", *kind, "--filter", f"name={stack.name}"]).stdout.strip()


def test_down_leaves_nothing(running):
    running.compose("down", "-v", "-t", "10")
    assert_nothing_is_left(running)


def test_live_begins_empty_and_fetches_nothing(stack):
    live = Stack("live")
    try:
        live.compose("up", "-d", deadline_s=120)
        live.wait_healthy("postgres", *SERVICES)
        page = Page(live)
        assert page.login() == 200
        seen = wait_for(page.overview, 30, lambda: f"the page answers: {page.get('/api/v1/overview')}")
        assert (seen["sources"], seen["listings"], seen["simulated"]) == (0, 0, False)
        assert json.loads(page.get("/api/v1/sources")[2])["items"] == []
        assert page.get("/")[0] == 200 and live.container("world") == ""
        assert live.exec("broker", "tip", "status", check=False).returncode == 0
        live.compose("down", "-v", "-t", "10")
        assert_nothing_is_left(live)
    finally:
        live.close()
