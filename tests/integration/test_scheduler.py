"""The real scheduler on the real broker. The module is played by `pub`, which reports under the name "test"."""
import datetime
import json
import os
import shutil
import time

import pytest

from tip_clock import clock_of
from tip_harness import wait_for
from tip_wire import event, pb, uuid7


def rfc3339(unix_s):
    moment = datetime.datetime.fromtimestamp(round(unix_s, 3), datetime.timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def job(name, **rule):
    return {"name": name, "module": "test", "deadline": "60s", **rule}


def scheduler(site, *jobs, **more):
    return site.service("scheduler", jobs=list(jobs), **more)


def is_due(name):
    return lambda seen: seen.kind == "schedule.due" and seen.payload.job == name


def report(pub, seen, kind="done"):
    """The module's answer to a due."""
    pub.publish(f"v1.schedule.{kind}.test.",
                event(f"schedule.{kind}", run_id=seen.payload.run_id, module="test", summary="well", n_ok=1))
    pub.flush()


def jobs_of(caller):
    answer = caller.control("scheduler", "list")
    return {name: json.loads(value) for name, value in answer.values.items()}


def dues(fetch, name=None):
    return [s for s in fetch.all("v1.schedule.due.") if name in (None, s.payload.job)]


def test_a_run_and_its_report(site, sub, pub, caller):
    service = scheduler(site, job("often", every="1s"), job("beat", every="1s")).start()
    first = sub.wait(is_due("often"))
    assert first.topic == "v1.schedule.due.test."
    assert first.stamp.publisher == "scheduler" and first.stamp.seq
    assert first.payload.module == "test" and not first.payload.target
    assert first.payload.deadline_unix_ms - first.payload.due_unix_ms == pytest.approx(60000, abs=200)
    for n in range(3):  # single flight: nothing starts while the run is open, however often another job does
        beats = [s for s in sub.seen if is_due("beat")(s)]
        report(pub, beats[n] if n < len(beats) else sub.wait(is_due("beat")))
    assert [s for s in sub.seen if is_due("often")(s)] == [first]
    report(pub, first)
    second = sub.wait(is_due("often"))
    assert second.payload.run_id != first.payload.run_id
    report(pub, first)  # repeated: of no interest
    wait_for(lambda: service.metric("tip_scheduler_reports_unknown_total") == 1, 20, "the repeated report is counted")
    report(pub, second, "failed")
    sub.wait(is_due("often"))
    assert jobs_of(caller)["often"]["last"] == "failed"
    assert service.term() == 0


def test_overdue_closes_the_run_and_the_job_goes_on(site, sub, pub):
    service = scheduler(site, job("mute", every="1s", deadline="1s"), job("well", every="1s")).start()
    silent = sub.wait(is_due("mute"))
    overdue = sub.wait(lambda s: s.kind == "schedule.overdue")
    assert overdue.payload.run_id == silent.payload.run_id
    assert 0 <= overdue.event.observed_unix_ms - overdue.payload.deadline_unix_ms < 5000
    assert sub.wait(is_due("mute")).payload.run_id != silent.payload.run_id
    report(pub, silent)
    wait_for(lambda: service.metric("tip_scheduler_reports_unknown_total") == 1, 20, "the late report is counted")


def test_at_is_kept_within_100_ms(site, sub):
    at = time.time() + 3
    scheduler(site, *(job(f"at{i}", at=rfc3339(at + i * 0.35)) for i in range(5))).start()
    said, stored = [], []
    for i in range(5):
        seen = sub.wait(is_due(f"at{i}"))
        wanted_ms = round((at + i * 0.35) * 1000)
        assert abs(seen.payload.due_unix_ms - wanted_ms) <= 1
        said.append(seen.event.observed_unix_ms - wanted_ms)
        stored.append(seen.stamp.commit_unix_us / 1000 - wanted_ms)
    for late in (said, stored):  # what else runs on this machine may hold up one or another
        assert 0 <= min(late) < 100 and max(late) < 5000, late


def test_after_an_event_with_delay(site, sub, pub, caller):
    scheduler(site, job("follow", after="v1.source.ok.", delay="1s")).start()
    for _ in range(3):
        pub.publish("v1.source.ok.drop.", event("source.ok", source="drop"))
    pub.flush()
    before = time.time()
    seen = sub.wait(is_due("follow"))
    assert 0.5 < time.time() - before < 10
    report(pub, seen)
    wait_for(lambda: jobs_of(caller)["follow"]["last"] == "done", 20, "the report is heard")
    assert jobs_of(caller)["follow"]["runs"] == 1


def test_operators(site, sub, pub, caller, fetch):
    scheduler(site, job("nightly", cron="0 3 * * *", timezone="Europe/Berlin")).start()
    call_id = os.urandom(16)
    asked = {"target": "test/drop.v4", "params": {"force": "true"}, "call_id": call_id}
    answer = caller.control("scheduler", "run", dry_run=True, target="test/drop.v4")
    assert answer.ok and "run_id" not in answer.values
    answer = caller.control("scheduler", "run", **asked)
    seen = sub.wait(is_due("manual"))
    assert (seen.payload.target, seen.payload.force) == ("drop.v4", True)
    assert answer.values["run_id"].replace("-", "") == seen.payload.run_id.hex()
    assert caller.control("scheduler", "run", **asked) == answer
    applied = [s for s in fetch.all("v1.control.applied.")]
    assert [(s.payload.action, s.payload.actor, s.payload.call_id, s.payload.ok) for s in applied] == \
        [("run", "tester", call_id, True)]
    assert len(dues(fetch)) == 1
    report(pub, seen)
    wait_for(lambda: list(jobs_of(caller)) == ["nightly"], 20, "the manual run is over")

    until = int((time.time() + 3600) * 1000)
    assert caller.control("scheduler", "hold", "nightly", dry_run=True).result == "would be held: nightly"
    assert jobs_of(caller)["nightly"]["state"] == "waiting"
    assert caller.control("scheduler", "hold", "nightly", reason="quiet", expires_unix_ms=until).ok
    listed = jobs_of(caller)["nightly"]
    assert (listed["state"], listed["pause_reason"]) == ("paused", "quiet")
    assert caller.control("scheduler", "release", "nightly").ok
    assert jobs_of(caller)["nightly"]["state"] == "waiting"
    for action, target, code in (("hold", "nobody", pb.FAILURE_NOT_FOUND), ("dance", "", pb.FAILURE_INVALID),
                                 ("run", "No Such", pb.FAILURE_INVALID)):
        request = pb.ControlRequest(action=action, target=target).SerializeToString()
        assert caller.put("control.scheduler", request)[0] == code
    assert caller.put("control.scheduler", b"\xff\xff")[0] == pb.FAILURE_INVALID


def test_a_hold_ends_by_itself_and_says_so(site, sub, caller, fetch):
    scheduler(site, job("often", every="1s")).start()
    until = int((time.time() + 1.5) * 1000)
    assert caller.control("scheduler", "hold", "often", reason="quiet", expires_unix_ms=until).ok
    lifted = sub.wait(lambda s: s.kind == "control.applied" and s.payload.action == "release").payload
    assert (lifted.actor, lifted.target, lifted.ok) == ("scheduler", "often", True)
    assert time.time() * 1000 >= until and jobs_of(caller)["often"]["state"] != "paused"
    assert [s.payload.action for s in fetch.all("v1.control.applied.")] == ["hold", "release"]


def test_many_jobs_are_listed_in_pages(site, broker, caller):
    scheduler(site, *(job(f"j{i:03d}", cron="0 0 1 1 *") for i in range(1000))).start()
    found, after = [], {}
    while True:
        answer = caller.control("scheduler", "list", params=after)
        found += sorted(name for name in answer.values if name != "@next")
        if "@next" not in answer.values:
            break
        after = {"after": answer.values["@next"]}
    assert found == [f"j{i:03d}" for i in range(1000)]


def test_state_survives_restarts(site, sub, pub, caller, fetch):
    call_id = os.urandom(16)
    service = scheduler(site, job("hourly", every="1h"), job("paused", cron="@yearly")).start()
    seen = sub.wait(is_due("hourly"))
    answer = caller.control("scheduler", "hold", "paused", call_id=call_id)
    assert service.term() == 0
    report(pub, seen)  # while it is away
    service.start()
    wait_for(lambda: jobs_of(caller)["hourly"]["last"] == "done", 10, "the report is heard after the start")
    listed = jobs_of(caller)
    assert listed["paused"]["state"] == "paused"
    assert listed["hourly"]["runs"] == 1 and listed["hourly"]["state"] == "waiting"
    assert caller.control("scheduler", "hold", "paused", call_id=call_id) == answer
    assert len(dues(fetch)) == 1
    assert len(fetch.all("v1.control.applied.")) == 1


def test_kill_9_names_no_due_time_twice(site, sub, pub, fetch, rng):
    service = scheduler(site, job("often", every="1s", deadline="3s"),
                        *(job(f"at{i}", at=rfc3339(time.time() + 4 + i * 0.1)) for i in range(60))).start()
    for _ in range(12):
        end = time.monotonic() + rng.uniform(0.05, 1.0)
        while (left := end - time.monotonic()) > 0:
            seen = sub.receive(left)
            if seen and is_due("often")(seen) and rng.random() < 0.7:
                report(pub, seen)
        service.kill()
        service.start(ready=rng.random() < 0.4)  # the next kill may come while it still catches up
    wait_for(lambda: {s.payload.job for s in dues(fetch)} >= {f"at{i}" for i in range(60)}, 20, "every `at` has come")
    service.term()
    seen = dues(fetch)
    assert len({s.payload.run_id for s in seen}) == len(seen)
    assert len({(s.payload.job, s.payload.due_unix_ms) for s in seen}) == len(seen)
    assert len([s for s in seen if s.payload.job != "often"]) == 60
    often = [s.event.observed_unix_ms for s in seen if s.payload.job == "often"]
    assert all(b - a >= 950 for a, b in zip(often, often[1:])), often


def test_the_broker_may_come_later_and_go(site, rng):
    from tip_wire import Fetch

    service = scheduler(site, job("often", every="1s", deadline="2s")).start(ready=False)
    broker = site.broker()
    wait_for(service.is_ready, 10, "ready once the broker is there")
    with Fetch(site.endpoint("fetch")) as fetch:
        wait_for(lambda: dues(fetch), 10, "what waited is published")
        broker.kill()
        time.sleep(rng.uniform(0, 2))
        broker.start()
        n = len(dues(fetch))
        wait_for(lambda: len(dues(fetch)) >= n + 2, 20, "runs go on")
        seen = dues(fetch)
        assert len({s.payload.run_id for s in seen}) == len(seen)


def test_a_lost_journal_starts_what_it_may_have_asked_for(site, broker, fetch):
    service = scheduler(site, job("often", every="1s", deadline="2s"), job("follow", after="v1.source.ok.")).start()
    wait_for(lambda: dues(fetch, "often"), 10, "a run starts")
    broker.kill()
    shutil.rmtree(site.data / "broker")
    broker.start()
    wait_for(lambda: dues(fetch, "follow"), 20, "an event may have been lost: the job starts")
    n = len(dues(fetch, "often"))
    wait_for(lambda: len(dues(fetch, "often")) > n, 20, "the others go on")
    assert len(dues(fetch, "follow")) == 1
    assert service.metric("tip_scheduler_input_breaks_total") == 1


def test_bad_jobs_start_nothing_and_change_nothing(site, sub, pub):
    service = scheduler(site, job("good", every="1s"))
    site.config["scheduler"]["jobs"].append(job("bad", cron="0 0 30 2 *"))
    site.write_config()
    line = next(n for n, text in enumerate(site.config_path.read_text().splitlines(), 1) if "name: bad" in text)
    service.spawn()
    assert service.wait() != 0
    assert f"{site.config_path}:{line}:" in service.log_text()

    bad = site.config["scheduler"]["jobs"].pop()
    service.start()
    report(pub, sub.wait(is_due("good")))
    site.config["scheduler"]["jobs"].append(bad)
    service.reload()
    wait_for(lambda: service.log_lines("config.kept"), 20, "the old configuration is kept")
    report(pub, sub.wait(is_due("good")))

    site.config["scheduler"]["jobs"] = [job("good", every="1s"), job("new", after="v1.source.ok.")]
    service.reload()
    wait_for(lambda: service.log_lines("config.reloaded"), 20, "the new one is taken")
    pub.publish("v1.source.ok.drop.", event("source.ok", source="drop"))
    sub.wait(is_due("new"))


def test_malformed_and_foreign_reports(site, sub, pub):
    service = scheduler(site, job("often", every="1s")).start()
    seen = sub.wait(is_due("often"))
    pub.publish("v1.schedule.done.test.", b"\xff\xff\xff")
    pub.publish("v1.schedule.done.test.", event("source.ok", source="drop"))
    pub.publish("v1.schedule.done.test.", event("schedule.done", run_id=uuid7(), module="test"))
    report(pub, seen)
    sub.wait(is_due("often"))
    assert service.metric("tip_scheduler_events_malformed_total") == 2
    assert service.metric("tip_scheduler_reports_unknown_total") == 1


@pytest.fixture
def clock(site):
    yield from clock_of(site)


@pytest.mark.parametrize("step_s", [3600, -3600])
def test_a_clock_step_of_an_hour(site, sub, pub, clock, step_s):
    clock.set(44 - time.time() % 60)  # the minute is over soon after what we count
    at = clock.now() + 3605 if step_s > 0 else clock.now() + 6
    scheduler(site, job("often", every="1s"), job("minute", cron="* * * * *", missed="skip"),
              job("at", at=rfc3339(at)), env=clock.env).start()
    times = []

    def step_and_count(n):
        while len(times) < n:
            seen = sub.wait(lambda s: s.kind == "schedule.due", 90)
            if seen.payload.job == "often":
                times.append(time.monotonic())
            elif seen.payload.job == "at":
                assert abs(clock.now() - at) < 0.5
            report(pub, seen)

    step_and_count(3)
    clock.set(clock.ahead_s + step_s)
    step_and_count(9)
    gaps = [b - a for a, b in zip(times[1:], times[2:])]  # the first one came while we waited for readiness
    assert all(0.9 < gap < 1.5 for gap in gaps), gaps
    if step_s > 0:
        assert [s for s in sub.seen if is_due("at")(s)], "a step forward reaches what stood there"
    else:
        assert not [s for s in sub.seen if is_due("at")(s)], "a step back: its time is an hour away again"
    sub.wait(is_due("minute"), 20, "the new clock's next minute")
    minutes = [s.payload.due_unix_ms for s in sub.seen if is_due("minute")(s)]
    assert abs(minutes[-1] / 1000 - clock.now()) < 5 and len(set(minutes)) == len(minutes)


@pytest.mark.parametrize("begin,due,jobs_due", [
    # Berlin sets its clock forward on 29 March 2026 at 01:00 UTC: 02:30 is skipped, and comes right after
    ("2026-03-29T00:59:57Z", "2026-03-29T01:00:00Z", {"half past two", "hourly"}),
    # and back on 25 October at 01:00 UTC: the second 02:00 is an hour like any other, for `*` only
    ("2026-10-25T00:59:57Z", "2026-10-25T01:00:00Z", {"hourly"}),
])
def test_dst(site, sub, clock, begin, due, jobs_due):
    start = datetime.datetime.fromisoformat(begin.replace("Z", "+00:00")).timestamp()
    clock.set(start - time.time())
    scheduler(site, job("half-past-two", cron="30 2 * * *", timezone="Europe/Berlin"),
              job("two", cron="0 2 * * *", timezone="Europe/Berlin"),
              job("hourly", cron="0 * * * *", timezone="Europe/Berlin"), env=clock.env).start()
    wanted = {name.replace(" ", "-") for name in jobs_due} | ({"two"} if "half past two" in jobs_due else set())
    for _ in wanted:
        seen = sub.wait(lambda s: s.kind == "schedule.due", 15)
        assert seen.payload.job in wanted
        assert rfc3339(seen.payload.due_unix_ms / 1000) == due.replace("Z", ".000Z")
        assert seen.payload.due_unix_ms <= seen.event.observed_unix_ms < seen.payload.due_unix_ms + 1100
    assert {s.payload.job for s in sub.seen if s.kind == "schedule.due"} == wanted
