"""The examples of docs/: what they need (generated protobuf code, npm packages), and running them."""
import json
import os
import pathlib
import shutil
import subprocess

import pytest
from tip_harness import BIN, SOURCE, Process, binary, open_to_nobody, session_dir

EXAMPLES = SOURCE / "docs/examples"


def python_protos():
    """A directory with tip.v1 for Python, made once a run."""
    out = session_dir() / "pb"
    if not out.exists():
        open_to_nobody(out)
        files = sorted((SOURCE / "proto/tip/v1").glob("*.proto"))
        subprocess.run(["protoc", f"--proto_path={SOURCE / 'proto'}", f"--python_out={out}", *map(str, files)],
                       check=True)
    return out


def node_example():
    """The Node example with its packages, installed once a build directory; skips where there is no node or npm."""
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("no node and npm here: packages-test.txt names them")
    kept, lock = BIN.parent / "node-example", (EXAMPLES / "node/package-lock.json").read_bytes()
    if not (kept / "done").exists() or (kept / "done").read_bytes() != lock:
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(EXAMPLES / "node", kept, ignore=shutil.ignore_patterns("node_modules"))
        done = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=kept,
                              capture_output=True, text=True, check=False)
        if done.returncode and not os.environ.get("CI"):
            pytest.skip(f"npm could not install the example's packages: {done.stderr[-500:]}")
        assert done.returncode == 0, done.stderr
        (kept / "done").write_bytes(lock)
    shutil.copy2(EXAMPLES / "node/follow.js", kept)
    return reachable(kept)


def reachable(path):
    """The path, or a copy of it where the user of the programs gets to: a clone may lie under a closed home."""
    copy = session_dir() / path.name
    if not copy.exists():
        shutil.copytree(path, copy)
    return copy


class Example(Process):
    """One example that follows `topics`; its lines are in `out`, and what it says in `log`."""

    def __init__(self, site, name, argv, env=None):
        super().__init__(site, name, argv, env=env)
        self.home = open_to_nobody(site.data / f"example-{name}")
        self.out = self.home / "events.ndjson"
        self.at, self.torn = 0, 0
        self.ids, self.gaps = [], []  # ids of events, repetitions too, all in one form

    def read(self):
        """Takes in what it has printed whole since."""
        if not self.out.exists():
            return self
        with open(self.out, "rb") as file:
            file.seek(self.at)
            text = file.read()
        whole = text[:text.rfind(b"\n") + 1]
        self.at += len(whole)
        for text in filter(None, whole.splitlines()):
            try:
                self.take(json.loads(text))
            except ValueError:
                self.torn += 1
        return self

    def take(self, line):
        if "gap" in line:
            self.gaps.append(line["gap"])
        else:
            self.ids.append(line["id"].replace("-", ""))


def example(site, name, *topics, feed=None, key=None):
    """python, node, shell or pipe: not yet spawned."""
    home = open_to_nobody(site.data / f"example-{name}")
    doors = ["--state", home / "position", "--feed", feed or site.endpoint("feed"), "--fetch", site.endpoint("fetch")]
    if key:
        doors += ["--secret", site.keys / f"{key}.cert_secret", "--server", site.keys / "broker.cert"]
    files = reachable(EXAMPLES)
    proto = reachable(SOURCE / "proto")
    tool = {"TIP_CONFIG": site.config_path, "PATH": f"{binary('tip').parent}:{os.environ['PATH']}"}
    if name == "python":
        argv, env = ["/usr/bin/python3", files / "follow.py", *doors, *topics], {"PYTHONPATH": python_protos()}
    elif name == "node":
        argv, env = ["node", node_example() / "follow.js", *doors, "--proto", proto, *topics], {}
    elif name == "shell":
        argv, env = ["sh", files / "follow.sh", home, "example", *topics], tool
    else:
        argv, env = ["sh", files / "pipe.sh", home / "position", *topics], tool
    made = Example(site, name, ["sh", "-c", 'out=$1; shift; exec "$@" >>"$out"', "sh", home / "stdout", *argv], env)
    made.out = home / ("events.ndjson" if name == "shell" else "stdout")
    site.write_config()
    return site.add(made)
