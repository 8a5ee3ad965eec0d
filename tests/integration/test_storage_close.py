"""What becomes of verdicts on addresses that a baseline no longer names."""
from test_storage import publish, store  # noqa: F401
from tip_lister import Lister
from tip_wire import Pub, event, pb


def test_verdicts_on_what_a_baseline_closes(store, pub, caller):
    """Three lists held three addresses; the removals, and the verdicts with them, were lost; then come baselines."""
    ips = [(pb.KIND_IP, f"192.0.2.{i}") for i in range(3)]
    listers = {weight: Lister(f"list{weight}") for weight in (0.2, 0.5, 0.8)}
    store.start()
    for weight, lister in listers.items():
        publish(pub, [*lister.step({ip: 0 for ip in ips}), lister.ok(weight=weight)])
    verdicts = [pb.Verdict(indicator=pb.Indicator(kind=kind, value=value), score=0.92, tier=pb.TIER_BLOCK, reason_count=3,
                           families={"list": 0.92}) for kind, value in ips]
    publish(pub, [("v1.verdict.changes.list.", event("verdict.changes", verdicts=verdicts, cause_source="list0.8",
                                                     version=1, part=1))])
    left = {0.2: ips[:1], 0.5: ips[:2], 0.8: ips[2:]}
    for weight, lister in listers.items():
        lister.step({ip: 0 for ip in left[weight]})
        seq = publish(pub, lister.baseline())
    store.wait_stored(seq)
    assert {(row["value"], row["tier"], round(float(row["score"]), 6), row["n_reasons"]) for row in caller.query("verdicts")} \
        == {("192.0.2.0", "slow", 0.6, "2"), ("192.0.2.1", "watch", 0.5, "1"), ("192.0.2.2", "slow", 0.8, "1")}
    lister = listers[0.5]
    lister.step({})
    store.wait_stored(publish(pub, lister.baseline()))
    assert store.rows("select value, tier, reasons from tip.verdict order by value") == [
        ("192.0.2.0", 0, [{"source": "list0.2", "weight": 0.2}]), ("192.0.2.1", 0, []),
        ("192.0.2.2", 2, [{"source": "list0.8", "weight": 0.8}])]


def test_an_owner_that_counts_from_one_again(site, store, pub):
    """Its volume was lost: what it told of its first version was of another list than what it tells of the next first."""
    def told(by, values):
        verdicts = [pb.Verdict(indicator=pb.Indicator(kind=pb.KIND_IP, value=value), score=0.5, tier=pb.TIER_WATCH,
                               reasons=[{"source": "again", "weight": 0.5}], reason_count=1, families={"list": 0.5})
                    for value in values]
        return publish(by, [("v1.verdict.changes.list.", event("verdict.changes", verdicts=verdicts,
                                                               cause_source="again", version=1, part=1))])

    store.start()
    lister = Lister("again")
    publish(pub, [*lister.step({(pb.KIND_IP, "192.0.2.1"): 0, (pb.KIND_IP, "192.0.2.2"): 0}), lister.ok(weight=0.5)])
    store.wait_stored(told(pub, ["192.0.2.1", "192.0.2.2"]))
    younger = Pub(site.endpoint("ingest"), pub.name)
    site.closing.callback(younger.close)
    lister = Lister("again")
    lister.step({(pb.KIND_IP, "192.0.2.2"): 0})
    told(younger, ["192.0.2.2"])
    store.wait_stored(publish(younger, lister.baseline()))
    store.check_lists([lister])
    assert store.rows("select value, tier from tip.verdict order by value") == [("192.0.2.1", 0), ("192.0.2.2", 1)]
