"""The fault matrix, rows of storage: the tables are the fold of the journal up to their offset, at every moment."""
import signal
import threading
import time

import psycopg2
import pytest

from tip_faults import shim, turns
from tip_harness import wait_for
from tip_tables import DATABASE, Store


@pytest.fixture
def store(site, broker, postgres):
    return Store(site, postgres)


@turns
def test_row03_storage_killed(store, rng, turn):
    store.start()
    for _ in range(8):
        store.step(rng)
        time.sleep(rng.uniform(0, 0.15))
        store.service.kill()
        store.snapshot()
        store.service.start(ready=False)
    store.check()


@turns
def test_row03_storage_killed_between_commit_and_reply(store, rng, turn):
    """Once COMMIT has been sent and has happened, the reading of its reply is the last thing storage does."""
    for _ in range(5):
        store.step(rng)
        store.service.env = shim(f"commit=kill,under={store.postgres.dir},at={rng.randrange(1, 3)}")
        store.service.start(ready=False)
        wait_for(lambda: not store.service.is_running or store.position() > store.pub.next_seq - 1, 20,
                 "storage commits and dies")
        if store.service.is_running:
            store.step(rng)  # it was far behind no more: the next batch is the one
            wait_for(lambda: not store.service.is_running, 20, "storage commits and dies")
        store.snapshot()
    store.service.env = {}
    store.start()
    store.check()


def kill_backends(store):
    store.rows("select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()")


def stop_at_once(store):
    store.postgres.signal(signal.SIGQUIT)
    store.postgres.wait(30)
    store.postgres.start()


def kill_postmaster(store):
    store.postgres.kill()
    store.postgres.start()


@turns
def test_row04_postgresql_fails(store, rng, turn):
    store.start()
    faults = [kill_backends, stop_at_once, kill_postmaster] * 2
    rng.shuffle(faults)
    for fault in faults:
        store.step(rng)
        time.sleep(rng.uniform(0, 0.15))
        fault(store)
        store.snapshot()
    assert store.service.is_running, "storage lives through it"
    store.check()


@turns
def test_row05_two_storages_at_once(store, rng, turn):
    store.start()
    services = [store.service, store.second().start()]
    for turn_ in range(5):
        store.step(rng)
        time.sleep(rng.uniform(0, 0.1))
        active = next((s for s in services if s.metric("tip_storage_active") == 1), services[0])
        other = services[1 - services.index(active)]
        if turn_ % 2:
            active.kill()
        else:
            active.pause()
            kill_backends(store)  # its lock goes; what it does when it wakes must not count
        wait_for(lambda: other.metric("tip_storage_active") == 1, 20, "the other one takes over")
        store.step(rng)
        store.snapshot()
        if turn_ % 2:
            active.start(ready=False)
        else:
            active.resume()
    store.check()
    wait_for(lambda: sorted(s.metric("tip_storage_active") for s in services) == [0, 1], 20, "one of them is at work")


@turns
def test_row06_storage_stops_for_a_while(store, rng, turn):
    store.start()
    for _ in range(2):
        store.step(rng)
        store.service.pause()
        store.step(rng)
        store.snapshot()
        time.sleep(1.5)
        store.service.resume()
    store.check()


class RowHolder(threading.Thread):
    """A foreign writer: takes rows of lists in no order, keeps them for a moment, again and again."""

    def __init__(self, store, rng):
        super().__init__(daemon=True)
        self.connection, self.rng, self.stopped, self.n_deadlocks = store.postgres.connect(DATABASE), rng, False, 0
        self.connection.autocommit = False

    def run(self):
        with self.connection.cursor() as cursor:
            while not self.stopped:
                try:
                    cursor.execute("select ikey, value from tip.listing order by random() limit 12")
                    for key in cursor.fetchall():
                        cursor.execute("update tip.listing set flags = flags where (ikey, value) = (%s, %s)", key)
                        time.sleep(self.rng.uniform(0, 0.02))
                except psycopg2.errors.DeadlockDetected:
                    self.n_deadlocks += 1
                self.connection.rollback()

    def stop(self):
        self.stopped = True
        self.join(20)
        self.connection.close()


@turns
def test_row19_rows_locked_by_others(site, broker, rng, turn):
    from tip_postgres import Postgres

    store = Store(site, Postgres(site, deadlock_timeout="100ms").start(), n_lists=6).start()
    store.step(rng)
    holders = [RowHolder(store, rng) for _ in range(2)]
    for holder in holders:
        holder.start()
    for _ in range(6):
        store.step(rng)
        store.snapshot()
    for holder in holders:
        holder.stop()
    store.check()
