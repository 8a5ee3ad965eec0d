"""`tip lab --world`: the simulated internet alone, with the lists that docker/lab reads."""
import pathlib
import signal
import subprocess
import urllib.error
import urllib.request

import pytest
import yaml
from tip_harness import SOURCE, binary, clean_environment, drop, free_port, wait_for


@pytest.fixture
def world():
    address = f"127.0.0.1:{free_port()}"
    popen = subprocess.Popen(drop([binary("tip"), "lab", "--world", address]), cwd="/", env=clean_environment(),
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    yield address, popen
    if popen.poll() is None:
        popen.kill()
    popen.wait()


def get(address, file):
    """(status, body); None while nobody answers."""
    try:
        with urllib.request.urlopen(f"http://{address}/{file}", timeout=5) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
    except OSError:
        return None


def test_it_serves_every_list_that_the_containers_read_and_leaves_nothing(world):
    address, popen = world
    sources = {p.stem: yaml.safe_load(p.read_text()) for p in (SOURCE / "docker/lab/sources.d").glob("*.yaml")}
    assert len(sources) == 7
    wait_for(lambda: get(address, "hosts.txt"), 20, "the world answers")
    for name, source in sources.items():
        file = source["url"].removeprefix("http://world:8090/")
        status, body = get(address, file)
        assert status == 200 and body, name
    first = get(address, "hosts.txt")
    wait_for(lambda: get(address, "hosts.txt") != first, 20, "the lists change")
    dirs = [p for p in pathlib.Path("/tmp").glob("tip-lab-*") if (p / "web").exists()
            and address in (p / "web/nginx.conf").read_text()]
    assert len(dirs) == 1
    popen.send_signal(signal.SIGTERM)
    assert popen.wait(15) == 0 and not dirs[0].exists() and get(address, "hosts.txt") is None
