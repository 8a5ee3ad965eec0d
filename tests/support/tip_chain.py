"""The whole turn of the loop under test: web server, scheduler, blacklist, broker, storage, PostgreSQL, all real."""
import time

import yaml

from tip_harness import open_to_nobody, wait_for
from tip_nginx import Nginx
from tip_postgres import Postgres
from tip_wire import Caller

KINDS = {1: "ip", 2: "net", 3: "domain", 4: "url", 5: "endpoint", 6: "asn", 7: "hash", 8: "email_domain"}


class Chain:
    def __init__(self, site, services=("storage", "scheduler", "blacklist"), storage=None, blacklist=None, broker=None):
        self.site = site
        self.sources_dir = open_to_nobody(site.dir / "sources.d")
        self.nginx = Nginx(site).start()
        self.postgres = Postgres(site).start().create("tip")
        self.broker = site.service("broker", **(broker or {})).start()
        self.storage = site.service("storage", database=self.postgres.url("tip"), **(storage or {}))
        self.scheduler = site.service("scheduler")
        self.blacklist = site.service("blacklist", sources=str(self.sources_dir), **(blacklist or {}))
        self.wanted = services

    def start(self):
        """Everything but the broker, which runs already; sources must be there."""
        self.site.run_program(["tip-storage", "migrate", "--config", self.site.config_path])
        for name in self.wanted:
            getattr(self, name).start()
        self.caller = Caller(self.site.endpoint("work"), key=self.site.key())
        self.site.closing.callback(self.caller.close)
        return self

    def source(self, name, body=None, **options):
        """Writes the source file (None: without that field), and what its URL serves. Its versions may differ as they like."""
        if body is not None:
            self.serve(name, body)
        options = {"url": self.nginx.url(f"lists/{name}"), "kind": "lines", "type": "auto", "weight": 0.5,
                   "interval": "15m", "allow_private": ["127.0.0.0/8"], "guard": False,
                  "half_life": 0, **options}
        (self.sources_dir / f"{name}.yaml").write_text(yaml.safe_dump(
            {key: value for key, value in options.items() if value is not None}, sort_keys=False))

    def serve(self, name, body):
        self.nginx.write(f"lists/{name}", body)

    def run(self, target="", deadline_s=120):
        """`tip run blacklist`: the scheduler starts it; waits until storage has heard of its end."""
        module = f"blacklist/{target}" if target else "blacklist"
        answer = self.caller.control("scheduler", "run", module, params={"force": "true"}, deadline_s=30)
        assert answer.ok, answer.result
        run_id = answer.values["run_id"].replace("-", "")
        return wait_for(lambda: self.run_end(run_id), deadline_s, lambda: f"the run ends; sources: {self.states()}")

    def run_end(self, run_id):
        for row in self.rows("select * from tip.v_run where replace(run_id::text, '-', '') = %s", [run_id]):
            if row["state"] in ("done", "failed", "overdue"):
                return row
        return None

    def rows(self, sql, args=None):
        """Rows as dicts, from PostgreSQL itself."""
        with self.postgres.cursor("tip") as cursor:
            cursor.execute(sql, args)
            names = [column.name for column in cursor.description]
            return [dict(zip(names, row)) for row in cursor.fetchall()]

    def listed(self, source):
        """What the tables say the source lists now: a set of (kind, value)."""
        return {(KINDS[row["kind"]], row["value"]) for row in self.rows(
            "select l.kind, l.value from tip.listing l join tip.source s on s.id = l.source_id "
            "where s.name = %s and l.listed", [source])}

    def states(self):
        return {row["name"]: row for row in self.rows(
            "select name, state, reason, detail, version, updating_to, n_entries, needs_baseline_since from tip.source")}

    def wait_listed(self, source, wanted, deadline_s=120):
        """Until the rows are that very set, and no version is under way."""
        def difference():
            found = self.listed(source)
            return f"{source}: {len(wanted - found)} missing, {len(found - wanted)} too many: " \
                   f"{list(wanted - found)[:3]} {list(found - wanted)[:3]}; {self.states().get(source)}"

        end = time.monotonic() + deadline_s
        while self.listed(source) != wanted:
            assert time.monotonic() < end, difference()
            time.sleep(0.2)

    def listed_count(self, source):
        return self.rows("select count(*) n from tip.listing l join tip.source s on s.id = l.source_id "
                         "where s.name = %s and l.listed", [source])[0]["n"]

    def position(self):
        """What storage has committed: (journal, next seq)."""
        rows = self.rows("select * from tip.consumer_offset")
        return rows and tuple(rows[0].values())
