"""A consumer in another language needs proto/, a SUB socket and a protobuf library: the example in docs/ itself runs."""
import json
import subprocess

from tip_chain import Chain
from tip_harness import SOURCE, clean_environment


def generated(site):
    out = site.dir / "pb"
    out.mkdir()
    files = sorted((SOURCE / "proto/tip/v1").glob("*.proto"))
    subprocess.run(["protoc", f"--proto_path={SOURCE / 'proto'}", f"--python_out={out}", *map(str, files)], check=True)
    return out


def test_example_follows_a_list(site):
    chain = Chain(site, services=("scheduler", "blacklist"), blacklist={"interval_floor": "1s"})
    chain.source("example", "203.0.113.1\n203.0.113.2\n", type="ip4", interval="1s")
    site.section("scheduler", jobs=[{"name": "lists", "module": "blacklist", "every": "1s"}])
    consumer = subprocess.Popen(["/usr/bin/python3", SOURCE / "docs/examples/follow.py", site.endpoint("feed"),
                                 "listing.", "2"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                env=clean_environment(PYTHONPATH=str(generated(site))))
    try:
        chain.start()
        first = json.loads(consumer.stdout.readline())
        chain.serve("example", "203.0.113.2\n203.0.113.3\n")
        second = json.loads(consumer.stdout.readline())
        assert consumer.wait(30) == 0, consumer.stderr.read()
    finally:
        consumer.kill()
        consumer.communicate()

    assert first["kind"] == "listing.baseline"
    assert [e["indicator"]["value"] for e in first["listing_baseline"]["entries"]] == ["203.0.113.1", "203.0.113.2"]
    delta = second["listing_delta"]
    assert (delta["from_version"], delta["to_version"], delta["part"], delta["n_parts"]) == ("1", "2", 1, 1)
    assert [e["indicator"]["value"] for e in delta["added"]] == ["203.0.113.3"]
    assert [e["value"] for e in delta["removed"]] == ["203.0.113.1"]
