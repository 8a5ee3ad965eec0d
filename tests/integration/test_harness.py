"""The harness itself: what it starts answers, and is gone afterwards."""
import os
import subprocess
import urllib.error
import urllib.request

import pytest

import tip_harness
from tip_harness import wait_for
from tip_wire import data_entry, event, pb, uuid7


def test_postgres_survives_kill(postgres):
    postgres.create("here")
    with postgres.cursor("here") as cursor:
        cursor.execute("create table t (n int)")
        cursor.execute("insert into t values (7)")
    postgres.kill()
    postgres.start()
    assert postgres.rows("select n from t", database="here") == [(7,)]
    assert postgres.rows("show fsync") == [("on",)]
    assert postgres.stop() == 0


def test_nginx_serves_files_and_errors(nginx):
    url = nginx.write("lists/a.txt", "192.0.2.1\n")
    with urllib.request.urlopen(url) as response:
        assert response.read() == b"192.0.2.1\n"
        assert response.headers["ETag"]
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(nginx.url("status/503"))
    assert error.value.code == 503
    wait_for(lambda: len(nginx.requests()) == 2, 20, nginx.requests)


def test_programs_run_unprivileged_and_end_with_the_site(site):
    sleeper = site.add(tip_harness.Process(site, "sleeper", ["/bin/sleep", "1000"])).spawn()
    wait_for(lambda: os.readlink(f"/proc/{sleeper.pid}/exe").endswith("/sleep"), 20, "sleep runs")
    assert os.stat(f"/proc/{sleeper.pid}").st_uid != 0
    sleeper.pause()
    site.close()
    assert not sleeper.is_running
    assert not site.dir.exists()


def test_what_a_program_has_started_ends_with_it(site):
    """Also when the program itself is gone; what has left its group is found by its command line."""
    child = "sleep 1000 & echo $! >child; sleep 0"
    parent = site.add(tip_harness.Process(site, "parent", ["/bin/sh", "-c", child, site.dir], cwd=site.data)).spawn()
    assert parent.wait() == 0
    pid = int((site.data / "child").read_text())
    assert os.stat(f"/proc/{pid}")
    stranger = subprocess.Popen(["/bin/sh", "-c", "read line; exit 0", f"{site.dir}/x"], stdin=subprocess.PIPE)
    assert [pid for pid, _ in site.left()] == [stranger.pid]
    stranger.communicate()
    site.close()
    assert pid not in [other for other, _, _ in tip_harness.each_process()]


def test_a_condition_that_stays_false_says_what_was_missing():
    with pytest.raises(AssertionError, match="after 0.05 s: the moon"):
        wait_for(lambda: False, 0.05, "the moon")


def test_wire_layout():
    made = event("schedule.done", run_id=uuid7(0), module="blacklist", n_ok=3)
    assert pb.Event.FromString(made.SerializeToString()).schedule_done.n_ok == 3
    assert data_entry("v1.a.b.", 3, b"xy") == b"\x07\x00\x03\x00\x02\x00\x00\x00v1.a.b.xy"
