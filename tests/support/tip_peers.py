"""Small programs on our bus client, for tests: a publisher of numbered events and a consumer that writes down what it
got. Both go on where they were when they are killed and started again (tests/support/tip_test_{pub,fetch}.c)."""
from tip_harness import Process, binary, open_to_nobody


def publisher(site, name, count, batch=32, outbox=None):
    """Publishes 1 to count as `name`; ends with 0 when all is acked, with 3 when fenced."""
    outbox = open_to_nobody(site.data / (outbox or name))
    made = site.add(Process(site, outbox.name, [binary("tip_test_pub"), outbox, site.endpoint("ingest"), name, count,
                                                batch]))
    made.outbox = outbox
    return made


class Follower(Process):
    def __init__(self, site, name, *prefixes):
        self.path = open_to_nobody(site.data / name) / "seen"
        super().__init__(site, name, [binary("tip_test_fetch"), self.path, site.endpoint("fetch"), name, *prefixes])

    def lines(self):
        """What it has on disk, the last line only if it is whole."""
        text = self.path.read_text() if self.path.exists() else ""
        return text[:text.rfind("\n") + 1].splitlines()

    def rows(self):
        """[seq, publisher, pub_seq, topic, crc] of each record."""
        return [line.split() for line in self.lines() if not line.startswith(("journal", "break"))]

    def numbers(self, name):
        """The pub_seq of each event of a publisher, in order of arrival."""
        return [int(row[2]) for row in self.rows() if row[1] == name]


def follower(site, name="follower", *prefixes):
    return site.add(Follower(site, name, *prefixes))
