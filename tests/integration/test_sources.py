"""Source files and the etiquette of fetching, on the real service; the servers are a few lines of Python."""
import http.server
import json
import threading

import pytest

from test_blacklist import Lists
from tip_harness import free_port, wait_for


class Page:
    """What a server answers, and what it was asked."""

    def __init__(self, host):
        self.status, self.body, self.headers, self.seen = 200, b"8.8.8.8\n", {}, []
        page = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                page.seen.append(dict(self.headers, path=self.path))
                self.send_response(page.status)
                for name, value in page.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(page.body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer((host, free_port()), Handler)
        self.url = f"http://{host}:{self.server.server_port}/list"


@pytest.fixture
def page(site):
    """Makes servers: page("127.0.0.2")."""
    def make(host):
        made = Page(host)
        thread = threading.Thread(target=made.server.serve_forever)
        thread.start()
        site.closing.callback(thread.join)
        site.closing.callback(made.server.shutdown)
        return made
    return make


@pytest.fixture
def lists(site, broker, pub):
    return Lists(site, pub)


def test_a_key_goes_to_its_own_host_only(lists, page, site, caller):
    other, own = page("127.0.0.3"), page("127.0.0.2")
    own.status, own.headers = 302, {"Location": other.url}
    (lists.dir / "key").write_text("canary-of-a-key\n")
    lists.source("keyed", own.url, allow_private=["127.0.0.2", "127.0.0.3"], auth_header="Auth-Key", auth_file="key")
    lists.start()
    lists.run()
    assert lists.last("keyed").payload.reason == "changed"
    assert [seen.get("Auth-Key") for seen in own.seen] == ["canary-of-a-key"]
    assert [seen.get("Auth-Key") for seen in other.seen] == [None]
    assert "canary" not in json.dumps(dict(caller.control("blacklist", "show", "keyed").values))
    assert "canary" not in lists.service.log_text()
    assert not any(b"canary" in seen.event_bytes for seen in lists.events("v1."))


@pytest.mark.parametrize("fields, why", [
    ({"auth_header": "Auth-Key"}, "belong together"),
    ({"auth_header": "Auth Key", "auth": "x"}, "no header"),
    ({"auth_header": "Auth-Key", "auth": "x", "allow_private": []}, "in the clear"),
    ({"group": "Not A Name"}, "group is"),
    ({"derived_from": ["fine", "../x"]}, "derived_from names"),
    ({"category": "evil"}, "category"),
])
def test_fields_that_are_refused(lists, site, fields, why):
    lists.source("bad", "http://lists.example/", **fields)
    result = site.run_program(["tip-blacklist", "--check-config", "--config", site.config_path], check=False)
    assert result.returncode != 0 and why in result.stderr + result.stdout
