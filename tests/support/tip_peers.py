"""Small programs on our bus client, for tests: a publisher of numbered events and a consumer that writes down what it
got. Both go on where they were when they are killed and started again (tests/support/tip_test_{pub,fetch}.c)."""
import subprocess

from tip_harness import Process, binary, open_to_nobody


class Publisher(Process):
    def __init__(self, site, outbox, name, count, batch, ingest):
        self.outbox, self.sent_log = outbox, site.data / f"{outbox.name}.sent"
        super().__init__(site, outbox.name, [binary("tip_test_pub"), outbox, ingest or site.endpoint("ingest"), name, count,
                                             batch, self.sent_log])

    def finish(self):
        """What it has published by now is all."""
        (self.outbox / "stop").touch()

    def ends_within(self, deadline_s):
        """True when it ends with everything acked."""
        try:
            return self.popen.wait(max(0.01, deadline_s)) == 0
        except subprocess.TimeoutExpired:
            return False


def publisher(site, name, count, batch=32, outbox=None, ingest=None):
    """Publishes 1 to count as `name`; ends with 0 when all is acked, with 3 when fenced."""
    return site.add(Publisher(site, open_to_nobody(site.data / (outbox or name)), name, count, batch, ingest))


class Follower(Process):
    def __init__(self, site, name, *prefixes, endpoint=None):
        self.path = open_to_nobody(site.data / name) / "seen"
        super().__init__(site, name, [binary("tip_test_fetch"), self.path, endpoint or site.endpoint("fetch"), name,
                                      *prefixes])

    def lines(self):
        """What it has on disk, the last line only if it is whole."""
        text = self.path.read_text() if self.path.exists() else ""
        return text[:text.rfind("\n") + 1].splitlines()

    def rows(self):
        """[seq, publisher, pub_seq, topic, digest, ...] of each record."""
        return [line.split() for line in self.lines() if not line.startswith(("journal", "break"))]

    def numbers(self, name):
        """The pub_seq of each event of a publisher, in order of arrival."""
        return [int(row[2]) for row in self.rows() if row[1] == name]

    def head(self):
        """The number of the last record it has, from the end of the file alone."""
        if not self.path.exists():
            return 0
        with open(self.path, "rb") as file:
            file.seek(max(0, self.path.stat().st_size - 2048))
            last = file.read().rpartition(b"\n")[0].rpartition(b"\n")[2].split(b" ")[0]
        return int(last) if last.isdigit() else 0


def follower(site, name="follower", *prefixes, endpoint=None):
    return site.add(Follower(site, name, *prefixes, endpoint=endpoint))


class Worker(Process):
    """Serves a queue through our library; modes: renew, blind, unavailable (tests/support/tip_test_worker.c)."""

    def __init__(self, site, name, queue, credit, busy_ms, modes, endpoint):
        self.path = open_to_nobody(site.data / name) / "seen"
        super().__init__(site, name, [binary("tip_test_worker"), self.path, endpoint or site.endpoint("work"), queue,
                                      credit, busy_ms, *modes])

    def lines(self):
        text = self.path.read_text() if self.path.exists() else ""
        return text[:text.rfind("\n") + 1].splitlines()

    def wrote(self, kind):
        """(body, attempt) of each line of a kind: began, done, left, told."""
        rows = (line.split() for line in self.lines())
        return [(body, int(attempt)) for what, body, attempt in rows if what == kind]


def worker(site, name, queue, *modes, credit=4, busy_ms=0, endpoint=None):
    return site.add(Worker(site, name, queue, credit, busy_ms, modes, endpoint))


class Putter(Process):
    """Puts jobs 1 to count through our library and ends with 0 when all have ended."""

    def __init__(self, site, name, queue, count, in_flight, deadline_ms, lease_ms, attempts):
        self.path, self.count = open_to_nobody(site.data / name) / "ends", count
        super().__init__(site, name, [binary("tip_test_put"), self.path, site.endpoint("work"), queue, name, count,
                                      in_flight, deadline_ms, lease_ms, attempts])

    def ends(self):
        """[number, code, text] of each job that has ended, in that order."""
        text = self.path.read_text() if self.path.exists() else ""
        rows = [line.split(" ", 2) for line in text[:text.rfind("\n") + 1].splitlines()]
        return [(int(number), int(code), said) for number, code, said in rows]


def putter(site, name, queue, count, in_flight=500, deadline_ms=120_000, lease_ms=2000, attempts=50):
    return site.add(Putter(site, name, queue, count, in_flight, deadline_ms, lease_ms, attempts))
