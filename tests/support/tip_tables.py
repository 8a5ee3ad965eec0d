"""Storage on a private PostgreSQL, lists that keep changing, and snapshots of the tables for the checker."""
import time

from tip_faults import STORAGE_BOUND, Repeater
from tip_harness import Service, open_to_nobody, wait_for
from tip_history import History, Tables, check, digest
from tip_lister import Lister, random_set

DATABASE = "tip"


class Store:
    def __init__(self, site, postgres, n_lists=3, **options):
        self.site, self.postgres, self.history = site, postgres, History()
        postgres.create(DATABASE)
        self.service = site.service("storage", database=postgres.url(DATABASE), **options)
        site.run_program(["tip-storage", "migrate", "--config", site.config_path])
        self.listers = [Lister(f"list{i}", part_entries=20) for i in range(n_lists)]
        self.pub = Repeater(self.history, site.endpoint("ingest"), "lists")
        site.closing.callback(self.pub.close)
        self.pub.hello()

    def start(self, **how):
        self.service.start(**how)
        return self

    def second(self):
        """Another tip-storage on the same database and consumer name, with directories of its own."""
        run = open_to_nobody(self.site.dir / "run2")
        second = Service(self.site, "storage", ["--tip.run", run, "--data", str(self.site.data / "storage2")])
        second.name, second.socket = "storage2", run / "storage.sock"
        second.log = self.site.dir / "log" / "storage2.log"
        return self.site.add(second)

    def rows(self, sql, *args):
        return self.postgres.rows(sql, args or None, DATABASE)

    def position(self):
        return self.rows("select coalesce(max(next_seq), 0) from tip.consumer_offset")[0][0]

    def step(self, rng, most=300):
        """The next version of every list goes out and is acked."""
        for lister in self.listers:
            pairs = [(topic, made.SerializeToString())
                     for topic, made in lister.step(random_set(rng, lister.set, rng.randrange(most)))]
            for first in range(0, len(pairs), 20):
                self.pub.publish_all(pairs[first:first + 20])
        self.pub.drain(30)

    def snapshot(self):
        """All tables at one moment, judged by the journal as it is now."""
        connection = self.postgres.connect(DATABASE)
        try:
            connection.autocommit = False
            connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
            with connection.cursor() as cursor:
                def rows(sql):
                    cursor.execute(sql)
                    return cursor.fetchall()

                listings = rows("select s.name, l.kind, l.value, l.listed, l.flags, l.n_times from tip.listing l "
                                "join tip.source s on s.id = l.source_id")
                self.history.tables.append(Tables(
                    rows("select coalesce(max(next_seq), 0) from tip.consumer_offset")[0][0],
                    [(seq, digest(bytes(made))) for seq, made in rows("select seq, bytes from tip.event")],
                    [seq for seq, in rows("select seq from tip.event_reject")],
                    {row[:3]: row[3:] for row in listings}))
        finally:
            connection.close()
        check(self.history.read_back(self.site.endpoint("fetch")), "I5")

    def check(self, limit_s=60):
        """Everything stored, read back, judged; no gap was noted."""
        self.history.read_back(self.site.endpoint("fetch"))
        start, head = time.monotonic(), self.history.head
        try:
            wait_for(lambda: self.position() > head, limit_s, "")
            self.history.waited(f"storage is at {head}", limit_s, time.monotonic() - start)
        except AssertionError:
            self.history.waited(f"storage is at {head}", limit_s, None)
        self.history.weigh(self.service, STORAGE_BOUND)
        self.snapshot()
        check(self.history)
        assert self.rows("select count(*) from tip.gap")[0][0] == 0, "a gap where nothing was lost"
