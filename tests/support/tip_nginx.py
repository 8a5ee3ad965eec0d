"""Debian's nginx on loopback, unprivileged, serving one folder: the internet of a test."""
import os
import socket
import time

from tip_harness import Process, free_port, open_to_nobody, wait_for

CONFIG = """
daemon off;
master_process off;
pid {dir}/nginx.pid;
error_log stderr info;
events {{ worker_connections 256; }}
http {{
    types {{ text/plain txt; application/json json; application/gzip gz; text/html html; text/csv csv; }}
    default_type text/plain;
    access_log {dir}/access.log;
    client_body_temp_path {dir}/t1; proxy_temp_path {dir}/t2; fastcgi_temp_path {dir}/t3; uwsgi_temp_path {dir}/t4;
    scgi_temp_path {dir}/t5;
    server {{
        listen 127.0.0.1:{port};
        root {www};
{locations}
    }}
}}
"""

STATUS = "        location = /status/{code} {{ default_type text/html; return {code} '<html><body>{code}</body></html>'; }}\n"
CODES = (400, 401, 403, 404, 410, 429, 500, 502, 503, 504)


class Nginx(Process):
    """GET /status/<code> answers with that code; `locations` are further lines of the server block."""

    def __init__(self, site, name="nginx", locations=""):
        self.dir = open_to_nobody(site.dir / name)
        self.www = open_to_nobody(self.dir / "www")
        self.port = free_port()
        lines = "".join(STATUS.format(code=code) for code in CODES) + locations
        config = self.dir / "nginx.conf"
        config.write_text(CONFIG.format(dir=self.dir, www=self.www, port=self.port, locations=lines))
        super().__init__(site, name, ["/usr/sbin/nginx", "-e", "stderr", "-p", self.dir, "-c", config])
        site.add(self)

    def start(self, deadline_s=10):
        self.spawn()
        wait_for(self.is_listening, deadline_s, f"{self.name} listens on {self.port}")
        return self

    def is_listening(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def url(self, path):
        return f"http://127.0.0.1:{self.port}/{path.lstrip('/')}"

    def write(self, path, content):
        """Replaces a file in one step and returns its URL: nginx never serves half of it, and never calls it what was
        there before (its ETag knows the size and the second of a file)."""
        target = self.www / path
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh = target.with_name(target.name + ".new")
        fresh.write_bytes(content if isinstance(content, bytes) else content.encode())
        if target.exists():
            written_s = max(int(time.time()), int(target.stat().st_mtime) + 1)
            os.utime(fresh, (written_s, written_s))
        fresh.rename(target)
        return self.url(path)

    def requests(self):
        """Lines of the access log so far."""
        log = self.dir / "access.log"
        return log.read_text().splitlines() if log.exists() else []
