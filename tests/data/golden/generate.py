#!/usr/bin/env python3
"""Golden bytes of the wire: what python3-protobuf, the second reading of proto/, makes of fixed messages.

    generate.py            writes NAME.hex beside this file
    generate.py --check    fails when a file differs from what it would write

The C tests (test_golden, test_bus_codec) build the same messages from their plain structs and compare bytes. A change
of these files is a change of the wire: proto/README.md says what is allowed.
"""
import importlib
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
PROTO = HERE.parents[2] / "proto"


def load():
    """The generated modules, made anew in a temporary directory."""
    files = sorted(str(path.relative_to(PROTO)) for path in PROTO.glob("tip/v1/*.proto"))
    names = ("indicator", "record", "event", "bus", "call")
    with tempfile.TemporaryDirectory(prefix="tip-golden-") as out:
        subprocess.run(["protoc", f"--proto_path={PROTO}", f"--python_out={out}", *files], check=True)
        sys.path.insert(0, out)
        return {name: importlib.import_module(f"tip.v1.{name}_pb2") for name in names}


def ident(first):
    """16 bytes counting up."""
    return bytes(range(first, first + 16))


T0 = 1767225600123  # 2026-01-01T00:00:00.123Z
pb = load()
ev, bus, call, rec, ind = pb["event"], pb["bus"], pb["call"], pb["record"], pb["indicator"]


def indicator(kind, value):
    return ind.Indicator(kind=kind, value=value)


def entry(kind, value, flags, line, raw, **more):
    return ev.ListingEntry(indicator=indicator(kind, value), flags=flags, line=line, raw=raw, **more)


def event(kind, causes=(), depth=0, **payload):
    return ev.Event(id=ident(1), kind=kind, observed_unix_ms=T0, schema=1, causes=causes, depth=depth, **payload)


def report(**more):
    return ev.ScheduleReport(run_id=ident(0x20), module="blacklist", n_ok=9, n_failed=1, n_skipped=2, **more)


def state(**more):
    return ev.SourceState(source="drop.v4", stream=ident(0x30), version=7, weight=0.7, n_entries=1100,
                          url="https://lists.example/drop.txt", **more)


def system(detail):
    return ev.SystemState(service="storage", version="0.1.0", instance="storage", pid=4711, uptime_ms=86400000,
                          ready=True, detail=detail, rss_bytes=1 << 33, outbox_events=3, insecure=True)


def verdict():
    first = ev.Verdict(indicator=indicator(1, "192.0.2.7"), score=0.91, tier=3, reason_count=2,
                       reasons=[ev.VerdictReason(source="drop.v4", weight=0.7),
                                ev.VerdictReason(source="ssh", weight=0.7)],
                       next_change_unix_ms=T0 + 1, expires_unix_ms=T0 + 2)
    first.families["list"] = 0.91
    return [first, ev.Verdict(indicator=indicator(3, "bad.example"), score=0.1, tier=0)]


EVENTS = {
    "schedule.due": event("schedule.due", schedule_due=ev.ScheduleDue(
        run_id=ident(0x20), job="lists", module="blacklist", target="drop.v4", due_unix_ms=T0,
        deadline_unix_ms=T0 + 60000, expires_unix_ms=T0 + 30000, force=True)),
    "schedule.done": event("schedule.done", causes=[ev.Cause(event_id=ident(2), index=0)], depth=1,
                           schedule_done=report(summary="12 sources, 1 failed")),
    "schedule.failed": event("schedule.failed", schedule_failed=report(summary="Gr\u00fc\u00dfe \u2603")),
    "schedule.overdue": event("schedule.overdue", schedule_overdue=ev.ScheduleOverdue(
        run_id=ident(0x20), job="lists", module="blacklist", deadline_unix_ms=T0 + 60000)),
    "listing.delta": event("listing.delta", causes=[ev.Cause(event_id=ident(2), index=3),
                                                    ev.Cause(event_id=ident(3), index=300)], depth=2,
                           listing_delta=ev.ListingDelta(
        source="drop.v4", stream=ident(0x30), from_version=6, to_version=7, part=1, n_parts=2, fetched_unix_ms=T0,
        confirmed_unix_ms=T0 - 60000,
        added=[entry(1, "192.0.2.7", 0, 12, b"192.0.2.7 ; SBL1"),
               entry(2, "198.51.100.0/24", 8, 13, b"198.51.100.9/24 \\ \xff\t"),
               entry(4, "http://bad.example/a?b=c", 0, 1 << 40, b"")],
        changed=[entry(3, "xn--bcher-kva.example", 1 | 4, 14, "*.b\u00fccher.example".encode(),
                       stated_unix_ms=T0 - 86400000)],
        removed=[indicator(5, "[2001:db8::1]:443"), indicator(1, "2001:db8::7")])),
    "listing.baseline": event("listing.baseline", listing_baseline=ev.ListingBaseline(
        source="drop.v4", stream=ident(0x30), version=1, baseline_id=ident(0x40), part=2, n_parts=2,
        entries=[entry(1, "10.0.0.1", 2, 1, b"10.0.0.1")], fetched_unix_ms=T0)),
    "source.ok": event("source.ok", source_ok=state(
        reason="changed", detail="3 added, 2 removed", n_added=3, n_removed=2, n_changed=1, n_lines=1200, n_special=4,
        rejected_lines=2, n_bytes=65536, next_unix_ms=T0 + 3600000, rejected={"default_route": 1},
        rejects=[ev.ListingReject(line=5, reason="default_route", raw=b"0.0.0.0/0")])),
    "source.held": event("source.held", source_held=state(reason="shrunk", detail="held back")),
    "source.failed": event("source.failed", source_failed=state(reason="http_503", detail="server said 503",
                                                                n_failures=4)),
    "source.weight": event("source.weight", source_weight=ev.SourceWeight(
        source="drop.v4", weight=0.8, before=0.7, reason="configured", measured_unix_ms=T0, measured=0.225, fixed=True,
        trust=0.6, trust_low=0.25, trust_high=0.875, n_entries=1100.5, n_confirmed=2.5, exposure=12, penalties=0.5,
        hits={"top_site": 1}, independence=0.5, n_scored=1000.25, n_exclusive=900.125, n_copied=400,
        copied_from="ssh", lead=0.75, n_shared=40, lead_sum=30, freshness=0.875, ok_unix_ms=T0 - 60000,
        interval_ms=3600000, half_life_ms=86400000, half_life_basis="measured", n_known=80, n_removed=60,
        n_held_60d=1200, n_removed_60d=61, observed_ms=7776000000,
        overlaps=[ev.SourceOverlap(source="ssh", n_scored=500.5, n_shared=400, n_first=150.25, n_late=249.5),
                  ev.SourceOverlap(source="scan", n_scored=20, n_shared=3, n_first=3)],
        overlap_count=40, overlaps_unix_ms=T0 + 3600000, overlaps_scored=1001.5, law_half_life_ms=172800000,
        law_basis="file", law_append=True)),
    "verdict.changes": event("verdict.changes", verdict_changes=ev.VerdictChanges(
        verdicts=verdict(), cause_source="drop.v4", stream=ident(0x30), version=7, part=1)),
    "control.applied": event("control.applied", control_applied=ev.ControlApplied(
        service="scheduler", actor="alice", action="run", target="blacklist", reason="by hand", call_id=ident(0x50),
        result="started", ok=True)),
    "control.allow": event("control.allow", control_allow=ev.AllowChanges(
        added=[ev.AllowEntry(indicator=indicator(2, "192.0.2.0/24"), rule=1, scope=2, reason="our customers",
                             actor="alice", since_unix_ms=T0, until_unix_ms=T0 + 86400000),
               ev.AllowEntry(indicator=indicator(2, "198.51.100.0/24"), rule=1, scope=2, actor="tip.yaml",
                             since_unix_ms=T0, configured=True)],
        removed=[ev.AllowEntry(indicator=indicator(3, "bad.example"), rule=2, scope=1, since_unix_ms=T0)],
        stream=ident(0x30), change=9, full=True)),
    "system.hello": event("system.hello", system_hello=system("")),
    "system.heartbeat": event("system.heartbeat", system_heartbeat=system("catching up")),
    "system.goodbye": event("system.goodbye", system_goodbye=system("asked to end")),
    "system.alarm": event("system.alarm", system_alarm=ev.SystemAlarm(
        service="storage", name="storage.behind", detail="an hour behind", raised=True)),
    "bus.head": event("bus.head", bus_head=ev.BusHead(
        journal_id=ident(0x60), head_seq=1 << 40, first_available=1,
        classes=[ev.ClassHead(class_name="listing", tlp=3, class_seq=42)])),
    "mail.seen": event("mail.seen", mail_seen=ev.MailSeen(
        trap="bait.one", digest="0123456789abcdef" * 4, received_unix_ms=T0 - 1000,
        entries=[ev.MailEntry(indicator=indicator(1, "192.0.2.7"), role=1),
                 ev.MailEntry(indicator=indicator(4, "http://bad.example/a?b=c"), role=2),
                 ev.MailEntry(indicator=indicator(3, "bad.example"), role=2)])),
    "flux.agent": event("flux.agent", causes=[ev.Cause(event_id=ident(2), index=1)], depth=1,
                        flux_agent=ev.FluxAgents(
        domain="bad.example", network="net-7",
        agents=[ev.FluxAgent(indicator=indicator(1, "2001:db8::7"), prefix="2001:db8::/32", asn=64496, seen_unix_ms=T0,
                             causes=[ev.Cause(event_id=ident(3), index=300, source="drop.v4")]),
                ev.FluxAgent(indicator=indicator(1, "198.51.100.9"), seen_unix_ms=T0 - 5)])),
    "smtp.behaviour": event("smtp.behaviour", causes=[ev.Cause(event_id=ident(2), index=3, source="ssh")], depth=2,
                            smtp_behaviour=ev.SmtpBehaviours(
        entries=[ev.SmtpBehaviour(indicator=indicator(1, "192.0.2.7"), behaviour="early_talker", seen_unix_ms=T0, n=3),
                 ev.SmtpBehaviour(indicator=indicator(1, "192.0.2.8"), behaviour="abandoned", caused_by_treatment=True,
                                  seen_unix_ms=T0, n=1, causes=[ev.Cause(event_id=ident(4), source="drop.v4")])])),
}

STAMP = rec.Stamp(journal_id=ident(0x60), seq=(1 << 40) + 1, class_seq=43, commit_unix_us=T0 * 1000 + 456,
                  publisher="blacklist", epoch=1767225600000000, pub_seq=99, topic="v1.listing.delta.drop_v4.", tlp=3)

RECORDS = {"record": rec.Record(stamp=STAMP, event=EVENTS["listing.delta"].SerializeToString())}

CALLS = {
    "store_query": call.StoreQuery(name="search.ip", params={"value": "192.0.2.7"}, limit=100),
    "store_answer": call.StoreAnswer(
        columns=[call.Column(name="source", type=0), call.Column(name="since", type=4)],
        rows=[call.Row(cells=[call.Cell(text="drop.v4"), call.Cell(text="2026-01-01T00:00:00.000Z")]),
              call.Row(cells=[call.Cell(text=""), call.Cell(is_null=True)])], more=True),
    "control_request": call.ControlRequest(actor="alice", action="run", target="blacklist", reason="by hand",
                                           expires_unix_ms=T0, dry_run=True, params={"force": "true"}),
    "control_answer": call.ControlAnswer(ok=True, result="started", values={"run_id": "1"}),
    "snapshot_request": call.SnapshotRequest(snapshot_id=ident(0x70), page=3),
    "snapshot_first": call.SnapshotRequest(other_than=ident(0x70)),
    "verdict_lookup": call.VerdictLookup(indicators=[indicator(0, "192.0.2.7"), indicator(3, "a.example")]),
    "verdict_answer": call.VerdictAnswer(
        found=[call.VerdictFound(score=0.25, inherited=True, share=0.5, verdicts=[ev.Verdict(
                   indicator=indicator(2, "192.0.0.0/16"), score=0.5, tier=1, families={"list": 0.5},
                   reasons=[ev.VerdictReason(source="drop.v4", weight=0.5)], reason_count=1)]),
               call.VerdictFound(allowed=True), call.VerdictFound(unreadable="leading_zero")],
        scored_unix_ms=T0, built_unix_ms=T0 + 1),
    "snapshot_page": call.SnapshotPage(snapshot_id=ident(0x70), journal_id=ident(0x60), seq=(1 << 40) + 1,
                                       taken_unix_ms=T0, size=(256 << 10) + 7, sha256=ident(0x80) + ident(0x90),
                                       n_pages=2, page=1, data=b"\0\1\2\3\4\5\6"),
}

FRAMES = {
    "hello": bus.Frame(hello=bus.Hello(version=1, publisher="blacklist", epoch=5, first_unacked=17)),
    "welcome": bus.Frame(welcome=bus.Welcome(version=1, journal_id=ident(0x60), durable_pub_seq=16,
                                             window_events=16384, window_bytes=8 << 20)),
    "data": bus.Frame(data=bus.Data(epoch=5, first_pub_seq=17, n=3)),
    "ack": bus.Frame(ack=bus.Ack(epoch=5, durable_pub_seq=19, seq=1 << 40)),
    "fenced": bus.Frame(fenced=bus.Fenced(epoch=6)),
    "live": bus.Frame(live=bus.Live(publisher="blacklist", n=1)),
    "refused": bus.Frame(refused=bus.Refused(reason="topic is not allowed", pub_seq=18, fatal=True)),
    "fetch": bus.Frame(fetch=bus.Fetch(consumer="storage", journal_id=ident(0x60), from_seq=7, committed_seq=6,
                                       prefixes=["v1.listing.", "v1.source."], max_bytes=4 << 20, max_events=10000,
                                       max_wait_ms=200, request=3)),
    "batch": bus.Frame(batch=bus.Batch(journal_id=ident(0x60), next_seq=9, head_seq=8, first_available=1, n=2,
                                       request=3)),
    "trimmed": bus.Frame(trimmed=bus.Trimmed(journal_id=ident(0x60), first_available=5, request=3)),
    "new_journal": bus.Frame(new_journal=bus.NewJournal(journal_id=ident(0x60), first_available=1, request=3)),
    "damaged": bus.Frame(damaged=bus.Damaged(journal_id=ident(0x60), from_seq=5, to_seq=6, request=3)),
    "put": bus.Frame(put=bus.Put(id=ident(0x50), queue="store.query", body=b"\x00body", deadline_ms=5000,
                                 caller="tip.4711")),
    "put_job": bus.Frame(put=bus.Put(id=ident(0x50), queue="store.query", body=b"\x00body", deadline_ms=5000,
                                     lease_ms=2500, max_attempts=3, caller="tip.4711")),
    "take": bus.Frame(take=bus.Take(queue="store.query", credit=4, worker="storage")),
    "job": bus.Frame(job=bus.Job(id=ident(0x50), attempt=1, queue="store.query", body=b"\x00body", deadline_ms=4990,
                                 lease_ms=4990, caller="tip.4711")),
    "done": bus.Frame(done=bus.Done(id=ident(0x50), attempt=1, body=b"answer")),
    "fail": bus.Frame(fail=bus.Fail(id=ident(0x50), attempt=1, reason="no such query", code=2)),
    "lost": bus.Frame(lost=bus.Lost(id=ident(0x50), attempt=1)),
    "full": bus.Frame(full=bus.Full(id=ident(0x50), queue="store.query")),
    "result": bus.Frame(result=bus.Result(id=ident(0x50), body=b"answer")),
    "failed": bus.Frame(failed=bus.Failed(id=ident(0x50), reason="nobody serves it", code=4)),
    "renew": bus.Frame(renew=bus.Renew(id=ident(0x50), attempt=1, lease_ms=1000)),
    "ping": bus.Frame(ping=bus.Ping(nonce=7)),
    "pong": bus.Frame(pong=bus.Pong(nonce=7)),
    "pong_no_session": bus.Frame(pong=bus.Pong(nonce=7, no_session=True)),
}


def main():
    wrong = []
    for folder, messages in (("event", EVENTS), ("record", RECORDS), ("call", CALLS), ("frame", FRAMES)):
        for name, message in messages.items():
            path = HERE / folder / f"{name}.hex"
            text = message.SerializeToString(deterministic=True).hex() + "\n"
            if "--check" in sys.argv:
                if not path.exists() or path.read_text() != text:
                    wrong.append(str(path))
                continue
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
    for path in wrong:
        print(f"{path}: differs from what python3-protobuf writes now", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
