"""Lists and servers that mean harm: each is refused, counted and explained, what was listed stays, and memory is bounded."""
import functools
import gzip
import http.server
import io
import os
import threading
import zipfile

import pytest

import tip_harness
from test_blacklist import Lists
from tip_bombs import HUGE, bzip2, seven, xz, zstd_zeros
from tip_harness import free_port
from tip_hosts import Hosts

GOOD = b"8.8.8.8\n9.9.9.9\n"
LONG = os.environ.get("TIP_LONG") == "1"
N_NAMES = 10_000_000 if LONG else 300_000
N_STREAMED = 1024 if LONG else 64  # MiB
MIB = 1024 * 1024


@functools.cache
def zip_bomb():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("list.txt", b"\0" * (300 * MIB))
    return packed.getvalue()


def names():
    """Names that nothing compresses: each another one, as long as a label may be."""
    for start in range(0, N_NAMES, 1000):
        yield "".join(f"{i * 2654435761 % 2**32:08x}{'x' * 50}.example\n" for i in range(start, start + 1000)).encode()


def endless(begin):
    yield begin
    for _ in range(N_STREAMED):
        yield b"x" * MIB


# what is served, the options of its source, and the reason it is refused for
HOSTILE = {
    "zip-bomb": (lambda: [zip_bomb()], {"max_bytes": "1000MiB"}, "bomb"),
    "zip-large": (lambda: [zip_bomb()], {"max_bytes": "1MiB"}, "too_large"),
    "7z-bomb": (lambda: [seven(bytes(32 * MIB))], {"max_bytes": "1000MiB"}, "bomb"),
    "xz-bomb": (lambda: [xz(bytes(32 * MIB))], {"max_bytes": "1000MiB"}, "bomb"),
    "bzip2-bomb": (lambda: [bzip2(bytes(32 * MIB))], {"max_bytes": "1000MiB"}, "bomb"),
    "zstd-bomb": (lambda: [zstd_zeros(300)], {"max_bytes": "1000MiB"}, "bomb"),
    "7z-dictionary": (lambda: [seven(GOOD, dictionary=HUGE)], {}, "too_much_memory"),
    "xz-dictionary": (lambda: [xz(GOOD, dictionary=HUGE)], {}, "too_much_memory"),
    "7z-members": (lambda: [seven(GOOD, members=5_000_000)], {}, "too_much_memory"),
    "names": (names, {"type": "domain", "max_bytes": "2000MiB", "max_entries": 100_000}, "too_many_entries"),
    "names-large": (names, {"type": "domain", "max_bytes": "10MiB"}, "too_large"),
    "deep-arrays": (lambda: [b"[" * MIB], {"kind": "json"}, "too_deep"),
    "deep-objects": (lambda: [b'{"a":' * 500_000], {"kind": "json", "pointer": "/a"}, "too_deep"),
    "json-string": (lambda: endless(b'["'), {"kind": "json", "max_bytes": "2000MiB"}, "line_too_long"),
    "json-number": (lambda: endless(b"[" + b"1" * MIB), {"kind": "json", "max_bytes": "2000MiB"}, "bad_json"),
    "csv-quote": (lambda: endless(b'"'), {"kind": "csv", "max_bytes": "2000MiB"}, "no_valid_entry"),
    "one-line": (lambda: endless(b"8.8.8.8 "), {"max_bytes": "2000MiB"}, "no_valid_entry"),
}


class Stage(http.server.BaseHTTPRequestHandler):
    """A good list, then what its name says."""
    bodies = {}

    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        try:
            for piece in self.bodies.get(self.path.strip("/"), lambda: [GOOD])():
                self.wfile.write(piece)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it has seen enough

    def log_message(self, *_):
        pass


@pytest.fixture
def lists(site, broker, pub):
    return Lists(site, pub)


@pytest.fixture
def serve(site):
    """Makes servers: serve("127.0.0.2", handler) -> (base URL, port)."""
    def make(host, handler):
        server = http.server.ThreadingHTTPServer((host, free_port()), handler)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        site.closing.callback(thread.join)
        site.closing.callback(server.shutdown)
        return f"http://{host}:{server.server_port}", server.server_port
    return make


def test_what_is_hostile_is_refused_and_nothing_is_lost(lists, serve):
    handler = type("Served", (Stage,), {"bodies": {}})
    base, _ = serve("127.0.0.2", handler)
    for name, (_, options, _) in HOSTILE.items():
        lists.source(name, f"{base}/{name}", allow_private=["127.0.0.2"])
    lists.start()
    assert lists.run().payload.n_ok == len(HOSTILE)
    for name, (body, options, _) in HOSTILE.items():
        handler.bodies[name] = body
        lists.source(name, f"{base}/{name}", allow_private=["127.0.0.2"], **options)
    lists.service.reload()
    n = len(lists.events("v1.listing."))
    tip_harness.wait_for(lambda: lists.service.log_lines("config.reloaded") or lists.service.log_lines("service.reloaded"),
                         10, "the sources are reloaded")
    report = lists.run(deadline_s=600, expires_s=600) if not LONG else lists.report(
        lists.due(deadline_s=3000, expires_s=3000), 3000)
    found = {name: lists.last(name).payload for name in HOSTILE}
    assert {name: told.reason for name, told in found.items()} == {name: why for name, (_, _, why) in HOSTILE.items()}
    assert report.payload.n_failed == len(HOSTILE) and all(told.detail for told in found.values())
    assert len(lists.events("v1.listing.")) == n
    for name in HOSTILE:
        assert set(lists.listed(name)) == {"8.8.8.8", "9.9.9.9"}, name
    assert lists.service.rss_bytes() < 100 * MIB, f"{lists.service.rss_bytes() / MIB:.0f} MiB"


class Cut(http.server.BaseHTTPRequestHandler):
    """A good list; then what `answers` says: headers, and a body that ends with the connection."""
    protocol_version = "HTTP/1.1"
    answers = {}

    def do_GET(self):
        headers, body = self.answers.get(self.path.strip("/"), ({"Content-Length": len(GOOD)}, GOOD))
        self.send_response(200)
        for name, value in headers.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

    def log_message(self, *_):
        pass


MORE = b"".join(b"45.1.%d.%d\n" % (i >> 8, i & 255) for i in range(2000))
GZIP = gzip.compress(MORE)
CUT = {  # headers, body, reason: what came would be a list by itself
    "length": ({"Content-Length": 1000}, MORE[:500], "transport"),
    "chunk": ({"Transfer-Encoding": "chunked"}, b"200\r\n" + MORE[:500], "transport"),
    "last-chunk": ({"Transfer-Encoding": "chunked"}, b"1f4\r\n" + MORE[:500] + b"\r\n", "transport"),
    "gzip-length": ({"Content-Length": len(GZIP)}, GZIP[:len(GZIP) // 2], "transport"),
    "gzip": ({"Connection": "close"}, GZIP[:len(GZIP) // 2], "damaged_gzip"),
    "gzip-end": ({"Connection": "close"}, GZIP[:-4], "damaged_gzip"),
}


def test_a_transfer_cut_short_is_no_list(lists, serve):
    handler = type("Cutting", (Cut,), {"answers": {}})
    base, _ = serve("127.0.0.2", handler)
    for name in CUT:
        lists.source(name, f"{base}/{name}", allow_private=["127.0.0.2"])
    lists.start()
    assert lists.run().payload.n_ok == len(CUT)
    handler.answers.update({name: (headers, body) for name, (headers, body, _) in CUT.items()})
    n = len(lists.events("v1.listing.", "v1.verdict."))
    assert lists.run().payload.n_failed == len(CUT)
    for name, (_, _, why) in CUT.items():
        failed = lists.last(name)
        assert (failed.kind, failed.payload.reason, failed.payload.version) == ("source.failed", why, 1), (name, failed)
        assert failed.payload.detail
    assert len(lists.events("v1.listing.", "v1.verdict.")) == n
    assert all(set(lists.listed(name)) == {"8.8.8.8", "9.9.9.9"} for name in CUT)


class Secret(http.server.BaseHTTPRequestHandler):
    """What stands inside, and must not be asked."""
    asked = []

    def do_GET(self):
        self.asked.append(self.path)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(GOOD)

    def log_message(self, *_):
        pass


class Turner(http.server.BaseHTTPRequestHandler):
    """Sends everybody where `places` says."""
    places = {}

    def do_GET(self):
        self.send_response(302)
        self.send_header("Location", self.places[self.path.strip("/")])
        self.end_headers()

    def log_message(self, *_):
        pass


# every way to write 127.0.0.3, and names that lead there
INSIDE = {"literal": "127.0.0.3", "decimal": "2130706435", "hex": "0x7f000003", "octal": "0177.0.0.3", "short": "127.3",
          "mapped": "[::ffff:127.0.0.3]", "mapped-hex": "[::ffff:7f00:3]", "name": "inside.test", "name-mapped": "mapped.test",
          "name-second": "both.test"}
ELSEWHERE = {"file": "file:///etc/passwd", "ftp": "ftp://127.0.0.3/list", "gopher": "gopher://127.0.0.3:70/_list",
             "dict": "dict://127.0.0.3:11211/stats"}


def test_no_way_leads_inside(lists, serve, site):
    """A name is resolved by the system: its file of hosts is ours here, and changes between two fetches. The public
    address in it is of those that IANA keeps back: nobody's, and routed nowhere."""
    hosts = Hosts(site, "127.0.0.3 inside.test\n::ffff:127.0.0.3 mapped.test\n"
                  "3000::1 rebind.test\n3000::1 both.test\n127.0.0.3 both.test\n")
    secret, turner = type("Inside", (Secret,), {"asked": []}), type("Turned", (Turner,), {"places": {}})
    _, port = serve("127.0.0.3", secret)
    base, _ = serve("127.0.0.2", turner)
    for name, host in INSIDE.items():
        lists.source(name, f"http://{host}:{port}/{name}", allow_private=[], timeout="2s")
        turner.places[f"to-{name}"] = f"http://{host}:{port}/to-{name}"
    turner.places |= {f"to-{name}": url for name, url in ELSEWHERE.items()}
    for name in turner.places:
        lists.source(name, f"{base}/{name}", allow_private=["127.0.0.2"], timeout="2s")
    lists.source("rebind", f"http://rebind.test:{port}/rebind", allow_private=[], timeout="2s")
    hosts.start(lists.service)
    report = lists.run()
    assert report.payload.n_ok == 0 and report.payload.n_failed == len(INSIDE) + len(turner.places) + 1
    for name in [*INSIDE, *turner.places]:
        failed = lists.last(name).payload
        assert failed.reason == "refused", (name, failed.reason, failed.detail)
        assert "not a public address" in failed.detail or "another protocol" in failed.detail, failed.detail
    hosts.write("127.0.0.3 rebind.test\n")  # public the first time, inside the second
    assert lists.last("rebind").payload.reason in ("transport", "timeout")
    lists.service.kill()  # curl remembers a name for a minute
    hosts.start(lists.service)
    lists.run(target="rebind")
    failed = lists.last("rebind").payload
    assert failed.reason == "refused" and "127.0.0.3, which is not a public address" in failed.detail, failed
    assert secret.asked == []
    assert lists.service.metric('tip_blacklist_collections_total{end="failed"}') == 1
