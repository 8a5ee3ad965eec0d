"""A private PostgreSQL: unix socket only, unprivileged, fsync on. initdb runs once a session, clusters are copies."""
import contextlib
import os
import pathlib
import signal
import subprocess

import psycopg2

from tip_harness import Process, clean_environment, drop, open_to_nobody, session_dir, wait_for

USER = "tip"


def program(name):
    newest = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name))[-1]
    return newest / name


def run(argv):
    subprocess.run(drop(argv), check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, cwd="/",
                   env=clean_environment())


def template():
    path = session_dir() / "pg-template"
    if not path.exists():
        run([program("initdb"), "-D", path, "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C", "-N",
             "--no-instructions"])
    return path


class Postgres(Process):
    def __init__(self, site, name="postgres", **settings):
        self.dir = open_to_nobody(site.dir / name)
        self.data = self.dir / "data"
        self.settings = {"listen_addresses": "", "unix_socket_directories": self.dir, "max_connections": 30,
                         "shared_buffers": "64MB", "log_min_messages": "warning",
                         "dynamic_shared_memory_type": "mmap",  # in the data directory: goes with it, whatever is killed
                         **settings}
        argv = [program("postgres"), "-D", self.data]
        for key, value in self.settings.items():
            argv += ["-c", f"{key}={value}"]
        super().__init__(site, name, argv)
        site.add(self)

    def start(self, deadline_s=30):
        """Runs it, from an empty cluster the first time, until it takes connections."""
        if not self.data.exists():
            run(["cp", "-a", "--reflink=auto", template(), self.data])
        self.spawn()
        wait_for(self.is_ready, deadline_s, f"{self.name} takes connections")
        return self

    def is_ready(self):
        if not self.is_running:
            raise AssertionError(f"{self.name} ended:\n{self.log_text()[-4000:]}")
        try:
            self.connect().close()
        except psycopg2.OperationalError:
            return False
        return True

    def create(self, database):
        with self.cursor("postgres") as cursor:
            cursor.execute(f'create database "{database}"')
        return self

    def url(self, database="postgres"):
        """A libpq connection string for configuration files."""
        return f"host={self.dir} user={USER} dbname={database}"

    def connect(self, database="postgres"):
        connection = psycopg2.connect(self.url(database))
        connection.autocommit = True
        return connection

    def cursor(self, database="postgres"):
        """A cursor on a connection of its own, closed with it."""
        return ClosingCursor(self.connect(database))

    def rows(self, sql, args=None, database="postgres"):
        with self.cursor(database) as cursor:
            cursor.execute(sql, args)
            return cursor.fetchall()

    def stop(self):
        """Fast shutdown."""
        self.signal(signal.SIGINT)
        return self.wait(30)

    def kill(self):
        """The whole cluster at once: the backends see their postmaster die."""
        code = super().kill()
        wait_for(lambda: not self.has_backends(), 20, f"{self.name}: backends end after kill -9")
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        return code

    def pids(self):
        """The postmaster and all its children: whoever works in the cluster's directory."""
        found = []
        for cwd in pathlib.Path("/proc").glob("[0-9]*/cwd"):
            with contextlib.suppress(OSError):
                if cwd.resolve() == self.data:
                    found.append(int(cwd.parent.name))
        return found

    def has_backends(self):
        return bool(self.pids())

    def signal_all(self, number):
        for pid in self.pids():
            with contextlib.suppress(ProcessLookupError):  # it has just ended
                os.kill(pid, number)

    def stop_answering(self):
        """SIGSTOP for all of it: connections stand, and nothing comes over them."""
        self.signal_all(signal.SIGSTOP)

    def answer_again(self):
        self.signal_all(signal.SIGCONT)

    def end(self):
        if self.is_running:
            self.answer_again()
            self.signal(signal.SIGQUIT)
            try:
                self.popen.wait(5)
            except subprocess.TimeoutExpired:
                self.popen.kill()
                self.popen.wait()


class ClosingCursor:
    def __init__(self, connection):
        self.connection = connection

    def __enter__(self):
        return self.connection.cursor()

    def __exit__(self, *_):
        self.connection.close()
