"""The peers of the bus as Debian has them, each private: on a free loopback port or a socket, its data in the site's
directory, ended with the site by pid.
"""
import pathlib
import socket

import tip_harness
from tip_harness import wait_for

FOLDERS = pathlib.Path("/usr/sbin"), pathlib.Path("/usr/bin")
SERVER = {"redis": "redis-server", "nats": "nats-server", "mosquitto": "mosquitto"}


def program(name):
    """Its path, or None where it is not installed."""
    return next((folder / name for folder in FOLDERS if (folder / name).exists()), None)


def listens(where):
    family = socket.AF_UNIX if isinstance(where, str) else socket.AF_INET
    with socket.socket(family) as probe:
        return probe.connect_ex(where) == 0


def start(site, name, argv, where):
    process = site.add(tip_harness.Process(site, name, argv))
    process.spawn()
    wait_for(lambda: listens(where), 10, lambda: f"{name} listens: {process.log_text()[-2000:]}")


def redis(site):
    """Streams in an append-only file that is flushed before each answer; no snapshots, no rewriting."""
    data = tip_harness.open_to_nobody(site.dir / "redis")
    path = str(data / "s")
    start(site, "redis", [program("redis-server"), "--port", "0", "--unixsocket", path, "--dir", data, "--save", "",
                          "--appendonly", "yes", "--appendfsync", "always", "--auto-aof-rewrite-percentage", "0"], path)
    return path


def nats(site):
    port = tip_harness.free_port()
    data = tip_harness.open_to_nobody(site.dir / "nats")
    start(site, "nats", [program("nats-server"), "-a", "127.0.0.1", "-p", port, "-js", "-sd", data], ("127.0.0.1", port))
    return f"nats://127.0.0.1:{port}"


def mosquitto(site):
    port = tip_harness.free_port()
    data = tip_harness.open_to_nobody(site.dir / "mosquitto")
    config = site.dir / "mosquitto.conf"
    config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence true\npersistence_location {data}/\n"
                      "max_inflight_messages 1000\nmax_queued_messages 0\nset_tcp_nodelay true\n")
    start(site, "mosquitto", [program("mosquitto"), "-c", config], ("127.0.0.1", port))
    return port
