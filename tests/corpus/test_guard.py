"""What really went wrong with lists, delivered again: the guard decides as a person would have.

The generated twin is integration/test_sources.py (test_the_guard_…) and unit/test_bl_hold.
"""
import json
import os
import pathlib

import pytest

import tip_lists
from tip_chain import Chain
from tip_harness import Site, wait_for

ANOMALIES = pathlib.Path(os.environ["TIP_CORPUS"]) / "blocklists" / "anomalies"
TOR = "tor-exit-2020-11-13-before-truncation.lst"

# what was in force, what came, and what becomes of it
DECISIONS = {
    "empty-asn": (TOR, "asn-drop-2021-11-04-empty.txt", "failed", "empty"),
    "empty-tor": (TOR, "tor-exit-2024-02-25-empty.lst", "failed", "empty"),
    "no-connection": (TOR, "drop-v4-2022-06-03-could-not-connect.txt", "failed", "error_text"),
    "page-503": (TOR, "tor-exit-2022-04-15-html-503.html", "failed", "html"),
    "page-504": (TOR, "tor-nodes-2021-09-13-html-504.html", "failed", "html"),
    "log-403": (TOR, "tor-exit-2018-03-13-403-log.txt", "failed", "error_text"),
    "default-route": (TOR, "x4bnet-torexit-2021-05-21-default-route.txt", "failed", "no_valid_entry"),
    "truncated": (TOR, "tor-exit-2020-11-13-truncated.lst", "held", "family_vanished"),
    "shrunk": ("threatfox-2025-05-01-before-shrink.txt", "threatfox-2025-05-01-after-shrink.txt", "held", "shrank"),
}


def wanted(file):
    return tip_lists.recount(tip_lists.lines((ANOMALIES / file).read_bytes(), comment="#"), "net")


@pytest.fixture(scope="module")
def chain():
    site = Site()
    chain = Chain(site, blacklist={"interval_floor": "1s"})
    for name, (before, _, _, _) in DECISIONS.items():
        chain.source(name, (ANOMALIES / before).read_bytes(), type="net", guard=True, interval="3s")
    try:
        yield chain.start()
    except BaseException:
        print(site.logs())
        raise
    finally:
        site.close()


def guard_of(chain, name):
    return json.loads(chain.caller.control("blacklist", "show", name).values["source"])["guard"]


def test_decisions(chain):
    chain.run(deadline_s=300)
    for name, (before, then, _, _) in DECISIONS.items():
        assert chain.listed(name) == wanted(before), name
        chain.serve(name, (ANOMALIES / then).read_bytes())
    chain.run(deadline_s=300)
    states = chain.states()
    for name, (before, _, state, reason) in DECISIONS.items():
        assert (states[name]["state"], states[name]["reason"]) == (state, reason), states[name]
        assert (chain.listed(name), states[name]["version"]) == (wanted(before), 1), name
        assert guard_of(chain, name)["state"] == state
    assert "of 136103 108938 would go and 2 come" in states["shrunk"]["detail"]

    def settled():
        chain.run(deadline_s=300)
        return all(chain.states()[name]["version"] == 2 for name in ("truncated", "shrunk"))
    wait_for(settled, 60, "what stays that way is believed")
    for name in ("truncated", "shrunk"):
        assert chain.listed(name) == wanted(DECISIONS[name][1])
        assert guard_of(chain, name)["state"] == "ok"
    for name, (before, _, state, reason) in DECISIONS.items():
        if state == "failed":
            assert chain.listed(name) == wanted(before), "a failure never changes what is listed"
