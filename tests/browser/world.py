"""The real chain with tip-web, for tests in a browser: started here, steered by lines on stdin, one JSON answer a line.

serve LIST | run SOURCE | end PROGRAM | start PROGRAM | logs | quit
"""
import json
import os
import pathlib
import sys

SOURCE = pathlib.Path(os.environ.get("TIP_SOURCE", pathlib.Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(SOURCE / "tests/support"))
import tip_harness  # noqa: E402
from tip_chain import Chain  # noqa: E402
from tip_harness import Site, free_port, wait_for  # noqa: E402

HOSTILE = '<img src=x onerror="window.hacked=1">'
LISTS = {
    "hosts": "# one address a line\n192.0.2.7\n" + "".join(f"192.0.2.{i} ; seen\n" for i in range(20, 90)),
    "feed": "192.0.2.7\n" + "".join(f"2001:db8::{i:x}\n" for i in range(1, 40)),
    "table": "192.0.2.7\n192.0.2.0/28\n" + "".join(f"198.51.100.{i}\n" for i in range(1, 60)),
    "names": "".join(f"host{i}.botnet{i % 5}.test\n" for i in range(40)),
    # What a list that is after its readers would hold. A source's name cannot be hostile: its file's name is checked.
    "hostile": f"203.0.113.66 # {HOSTILE}\n{HOSTILE}\n'; drop table tip.listing; --\nhttp://evil.test/?q={HOSTILE.replace(' ', '%20')}\n"
               "javascript:alert(1)\n",
}
LISTS_LATER = {"hosts": LISTS["hosts"].replace("192.0.2.20 ; seen\n", "") + "192.0.2.200\n"}
WEIGHTS = {"hosts": 0.6, "feed": 0.55, "table": 0.5, "names": 0.7, "hostile": 0.4}
OWN = "203.0.113.192/26"
EXPORTS = [{"name": "drop", "title": "For the firewall", "format": "nftables", "tier": "slow", "special_use": True},
           {"name": "mail", "format": "postfix-cidr", "tier": "watch", "audience": "clear"}]
SPECIAL = ["192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32"]


class World:
    def __init__(self):
        self.site = Site()
        self.site.config["tip"]["simulated"] = True
        self.chain = Chain(self.site, blacklist={"own_networks": [OWN], "export_interval": "1s", "exports": EXPORTS})
        self.port = free_port()
        self.web = self.site.service("web", listen=f"127.0.0.1:{self.port}", ui=str(self.ui()))

    def ui(self):
        """The built page where the unprivileged user can read it."""
        built = tip_harness.BIN.parent / "share/tip/ui"
        assert (built / "index.html").exists(), f"no dashboard in {built}: cmake --build … --target ui"
        return built

    def begin(self):
        for name, body in LISTS.items():
            self.chain.source(name, body, weight=WEIGHTS[name], allow_special=SPECIAL, interval="1h")
        self.chain.source("broken", weight=0.5, interval="1h")
        self.chain.start()
        self.web.start()
        self.chain.run()
        link = (pathlib.Path(self.site.config["web"]["data"]) / "first-link").read_text().strip()
        return {"link": link, "own": OWN, "url": f"http://127.0.0.1:{self.port}", "token": self.token("operate"), "reader": self.token("read"),
                "hostile": HOSTILE}

    def token(self, scope):
        answer = self.chain.caller.control("web", "token_add", f"browser-{scope}", params={"scope": scope, "audience": "amber"},
                                           deadline_s=30)
        assert answer.ok, answer.result
        return answer.values["token"]

    def serve(self, name):
        self.chain.serve(name, LISTS_LATER[name])
        return {}

    def run(self, source):
        self.chain.run(source)
        return {}

    def program(self, name):
        return {"web": self.web, "broker": self.chain.broker, "storage": self.chain.storage}[name]

    def end(self, name):
        self.program(name).term()
        return {}

    def start(self, name):
        self.program(name).start(ready=name != "web")
        wait_for(self.program(name).is_ready, 60, f"{name} is ready")
        return {}

    def logs(self):
        return {"logs": self.site.logs()}


def main():
    world = World()
    try:
        print(json.dumps(world.begin()), flush=True)
        for line in sys.stdin:
            verb, *words = line.split()
            if verb == "quit":
                break
            print(json.dumps(getattr(world, verb)(*words)), flush=True)
    except BaseException:
        print(world.site.logs(), file=sys.stderr)
        raise
    finally:
        world.site.close()
        tip_harness.end_session()


main()
