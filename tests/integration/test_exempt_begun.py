"""Reference lists that come while the very first version is being told: what was told before them is taken back."""
from test_blacklist import addresses, text
from test_exempt import OTHER, lists, quiet, told, warn  # noqa: F401
from tip_harness import wait_for


def test_what_was_told_before_the_first_table_is_taken_back(lists, nginx, rng):  # noqa: F811
    pool = addresses(rng, 6000)
    lists.section.update(verdict_rate=1000)
    lists.source("a", nginx.write("a.txt", text(pool + [OTHER])), weight=0.7, interval="1h")
    lists.start()
    lists.due()
    wait_for(lambda: told(lists), 30, "a part is told")
    lists.service.kill()
    assert 0 < len(lists.verdicts()) < len(pool), "not all of it"
    warn(lists, **{"resolver-all": pool})
    lists.section.update(verdict_rate=1_000_000)
    lists.start()
    wait_for(lambda: set(lists.verdicts()) == {OTHER}, 60, lambda: f"{len(lists.verdicts())} stand")
    quiet(lists)
    parts = [(s.payload.cause_source, s.payload.version, s.payload.part) for s in told(lists)]
    assert len(parts) == len(set(parts)), "a part is told once"
    assert set(lists.verdicts()) == {OTHER}
