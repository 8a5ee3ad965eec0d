"""tip-web as a browser and a program see it: HTTP, logins, event streams; every JSON answer held against openapi.json."""
import gzip
import http.client
import json
import re
import selectors
import socket
import threading
import time
import urllib.parse

import jsonschema

import tip_harness
from tip_harness import free_port, wait_for

CONTRACT = json.loads((tip_harness.SOURCE / "services/web/openapi.json").read_text())


def resolver():
    return jsonschema.RefResolver.from_schema(CONTRACT)


def template(path):
    """The path of the contract that an address means."""
    for name in CONTRACT["paths"]:
        if re.fullmatch(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(name)), path):
            return name
    return None


def check(method, path, status, content_type, body):
    """An answer of the API is what the contract says."""
    name = template(path.split("?")[0])
    if not name or not path.startswith("/api/") or method == "HEAD":
        return
    operation = CONTRACT["paths"][name].get(method.lower())
    if not operation:
        assert status in (405, 404), (method, path, status)
        return
    assert str(status) in operation["responses"], f"{method} {path}: {status} is not in the contract: {body[:200]}"
    content = operation["responses"][str(status)].get("content")
    if not content:
        assert body in (b"", "") or status == 304
        return
    kind = content_type.split(";")[0]
    assert kind in content, f"{method} {path}: {kind} is not in the contract"
    schema = content[kind].get("schema")
    if schema and kind.endswith("json"):
        jsonschema.Draft202012Validator(schema, resolver=resolver()).validate(json.loads(body))


class Answer:
    def __init__(self, response, body):
        self.status, self.headers = response.status, response.headers
        self.raw = body
        packed = response.headers.get("Content-Encoding") == "gzip"
        self.body = gzip.decompress(body) if packed and body else body
        self.text = self.body.decode()

    @property
    def json(self):
        return json.loads(self.body)


class Web:
    """The service, and a client with at most one credential."""

    def __init__(self, site, **options):
        self.site = site
        self.port = free_port()
        self.service = site.service("web", listen=f"127.0.0.1:{self.port}", **options)
        self.token = self.cookie = None

    @property
    def host(self):
        return f"127.0.0.1:{self.port}"

    def start(self, **more):
        self.service.start(**more)
        return self

    def connect(self, timeout=30):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def headers(self, more, token, cookie):
        found = {}
        if token:
            found["Authorization"] = f"Bearer {token}"
        if cookie:
            found["Cookie"] = f"tip_session={cookie}"
        return {**found, **(more or {})}

    def request(self, method, path, body=None, headers=None, anonymous=False, checked=True):
        connection = self.connect()
        try:
            sent = self.headers(headers, None if anonymous else self.token, None if anonymous else self.cookie)
            if isinstance(body, (dict, list)):
                body, sent = json.dumps(body), {"Content-Type": "application/json", **sent}
            connection.request(method, path, body, sent)
            response = connection.getresponse()
            answer = Answer(response, response.read())
        finally:
            connection.close()
        if checked:
            check(method, path, answer.status, answer.headers.get("Content-Type", ""), answer.body)
        return answer

    def get(self, path, status=200, **more):
        query = {k: v for k, v in more.items() if k not in ("headers", "anonymous", "checked")}
        rest = {k: v for k, v in more.items() if k in ("headers", "anonymous", "checked")}
        address = path + ("?" + urllib.parse.urlencode(query, doseq=True) if query else "")
        answer = self.request("GET", address, **rest)
        assert answer.status == status, f"GET {address}: {answer.status} {answer.text[:300]}"
        return answer

    def post(self, path, body, status=200, **more):
        answer = self.request("POST", path, body, **more)
        assert answer.status == status, f"POST {path}: {answer.status} {answer.text[:300]}"
        return answer

    def link(self):
        """The address of the first start, from its file."""
        path = tip_harness.pathlib.Path(self.site.config["web"]["data"]) / "first-link"
        return path.read_text().strip() if path.exists() else None

    def follow_link(self):
        """Logs in by the link of the first start, as its page does with what stands behind #."""
        answer = self.post("/api/v1/session", {"token": self.link().split("#t=")[1]})
        self.cookie = re.match(r"tip_session=([^;]+);", answer.headers["Set-Cookie"]).group(1)
        return answer

    def metric(self, name):
        return self.service.metric(name) or 0

    def stream(self, **more):
        return Stream(self, **more)


class Stream:
    """An event stream; events come as (event, id, data)."""

    def __init__(self, web, last_id=None, token=None, **query):
        self.connection = web.connect(timeout=60)
        headers = web.headers({"Last-Event-ID": last_id} if last_id else {}, token or web.token, web.cookie)
        path = "/api/v1/events" + ("?" + urllib.parse.urlencode(query, doseq=True) if query else "")
        self.connection.request("GET", path, headers=headers)
        self.socket = self.connection.sock
        self.response = self.connection.getresponse()
        self.status = self.response.status
        self.events, self.comments, self.is_over = [], 0, False
        self.last_id = last_id
        if self.status == 200:
            threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        event, data = "message", ""
        try:
            while line := self.response.readline():
                line = line.decode().rstrip("\n")
                name, _, value = line.partition(": ")
                if line.startswith(":"):
                    self.comments += 1
                elif name == "event":
                    event = value
                elif name == "id":
                    self.last_id = value
                elif name == "data":
                    data = value
                elif not line and data:
                    self.events.append((event, self.last_id, json.loads(data)))
                    event, data = "message", ""
        except (OSError, ValueError, http.client.HTTPException, AttributeError):
            pass
        self.is_over = True

    def of(self, kind):
        return [data for event, _, data in list(self.events) if event == kind]

    def records(self):
        return self.of("record")

    def wait(self, condition, deadline_s=20, what="the event"):
        return wait_for(lambda: condition(self), deadline_s, lambda: f"{what}; seen {self.events[-5:]}")

    def close(self):
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.connection.close()


class Crowd:
    """Many event streams in one thread; each keeps what it has read."""

    def __init__(self, web):
        self.web, self.texts = web, {}
        self.selector = selectors.DefaultSelector()

    def open(self, n, path="/api/v1/events", deadline_s=60):
        credential = f"Cookie: tip_session={self.web.cookie}" if self.web.cookie else f"Authorization: Bearer {self.web.token}"
        for _ in range(n):
            one = socket.create_connection(("127.0.0.1", self.web.port), 30)
            one.sendall(f"GET {path} HTTP/1.1\r\nHost: {self.web.host}\r\n{credential}\r\n\r\n".encode())
            one.setblocking(False)
            self.texts[one] = b""
            self.selector.register(one, selectors.EVENT_READ)
        self.read_until(lambda text: b"retry:" in text, deadline_s)

    def read_until(self, condition, deadline_s):
        end = time.monotonic() + deadline_s
        while not all(condition(text) for text in self.texts.values()):
            assert time.monotonic() < end, f"{sum(not condition(t) for t in self.texts.values())} streams are behind"
            for key, _ in self.selector.select(0.1):
                part = key.fileobj.recv(65536)
                assert part, "a stream has ended"
                self.texts[key.fileobj] += part

    def forget(self):
        """What was read so far."""
        self.texts = dict.fromkeys(self.texts, b"")

    def close(self):
        self.selector.close()
        for one in self.texts:
            one.close()
