"""Exports under kill -9: whenever it comes, each file is whole, says what its digest says, and a start mends the rest."""
import contextlib
import hashlib
import json
import os
import threading

import pytest

from test_blacklist import text
from test_exports import Exports
from tip_harness import wait_for

FORMATS = ["plain", "json", "rpz", "misp"]
VALUES = [f"45.{n >> 8}.{n & 255}.7" for n in range(4000)]
KILLS = int(os.environ.get("TIP_KILLS", "8"))


@pytest.fixture
def exports(site, broker, pub):
    exports = Exports(site, pub)
    for name in FORMATS:
        exports.view(name, format=name, tier="watch", zone="bl.tip.example")
    return exports


def said(out):
    """The addresses of each file that is there, or fails with what is not whole. RPZ and MISP by their own structure."""
    found = {}
    for path in sorted(out.glob("*/*")):
        if path.name.endswith((".new", ".previous")) or path.name.startswith("."):
            continue
        body = path.read_text()
        if path.parent.name == "plain":
            found["plain"] = {line for line in body.splitlines() if line and not line.startswith("#")}
            assert body.endswith("\n")
        elif path.parent.name == "json" and path.suffix != ".txt":
            found["json"] = {json.loads(line)["indicator"] for line in body.splitlines()}
        elif path.parent.name == "misp" and path.suffix == ".json":
            json.loads(body)
    return found


def times(out):
    """When each file was written; one that goes while it is looked at is not there."""
    found = {}
    for path in out.glob("*/*"):
        with contextlib.suppress(FileNotFoundError):
            found[path] = path.stat().st_mtime_ns
    return found


def test_every_file_is_whole_whenever_it_is_killed(exports, nginx, rng):
    exports.source("one", nginx.write("one.txt", text(VALUES)), weight=0.95, tlp="clear", redistribute=True)
    exports.start()
    exports.run()
    for name in FORMATS:
        wait_for(lambda n=name: exports.show(n)["entries"] == len(VALUES), 30, f"{name} is there")
    versions = {tuple(VALUES), tuple(VALUES[:-500])}
    broken, torn = [], 0

    def watch(stop):
        """What a reader finds, all the time: one version or the other, never a part of one."""
        while not stop.is_set():
            try:
                for name, entries in said(exports.out).items():
                    if entries not in [set(v) for v in versions]:
                        broken.append((name, len(entries)))
            except (AssertionError, ValueError) as error:
                broken.append(error)
            except FileNotFoundError:
                pass  # a MISP feed has lost an event between listing and reading: nothing is half

    stop = threading.Event()
    reader = threading.Thread(target=watch, args=(stop,))
    reader.start()
    try:
        for turn in range(KILLS):
            n = len(VALUES) - 500 * (turn % 2 == 0)
            nginx.write("one.txt", text(VALUES[:n]))
            exports.due()
            seen = times(exports.out)
            wait_for(lambda s=seen: times(exports.out) != s, 30, "files change")
            exports.service.kill()
            torn += any(path.suffix == ".new" for path in exports.out.glob("*/*"))
            exports.start(ready=False)
            for name in FORMATS:
                wait_for(lambda n_=name, e=n: (s := exports.show(n_))["entries"] == e and s["state"] in (
                    "written", "unchanged"), 60, lambda n_=name: f"a start mends {n_}: {exports.show(n_)}")
                digests(exports, name)
    finally:
        stop.set()
        reader.join()
    assert not broken, f"a reader has found {broken[:3]}"
    assert not list(exports.out.glob("*/*.new")), "nothing is left behind"


def digests(exports, name):
    shown = exports.show(name)
    for file in shown["files"]:
        body = (exports.out / name / file["name"]).read_bytes()
        assert hashlib.sha256(body).hexdigest() == file["sha256"], (name, file)
    assert shown["files"]
