"""On the full hour everybody comes: who is not waited for comes later. The real collector; its clock and
the scheduler's word are ours."""
import pytest

from test_blacklist import Lists
from tip_clock import clock_of
from tip_harness import wait_for

HOUR = 3600


@pytest.fixture
def clock(site):
    yield from clock_of(site)


def test_nobody_is_asked_on_the_full_hour(site, broker, pub, nginx, clock):
    lists = Lists(site, pub)
    lists.service = site.service("blacklist", sources=str(lists.dir), interval_floor="10m", env=clock.env)
    at = lambda s: clock.set(s - (clock.now() - clock.ahead_s) % HOUR)  # seconds after an hour that is near
    put = lambda name, interval: lists.source(name, nginx.write(name, "8.8.8.8\n"), interval=interval, jitter=0)
    put("polite", "1h"), put("urgent", "1h")
    asked = lambda name: sum(f"/{name} " in line for line in nginx.requests())
    at(HOUR - 1200)
    lists.start()
    ahead = {"deadline_s": 9 * HOUR, "expires_s": 9 * HOUR}
    assert lists.run(**ahead).payload.n_ok == 2 and (asked("polite"), asked("urgent")) == (1, 1)
    put("fresh", "1h"), put("brief", "10m")  # never asked before, and one of one's own
    lists.service.reload()
    at(3 * HOUR + 5)  # five seconds past
    late = ("polite", "fresh", "brief")
    runs = [lists.due(target=name, force=False, **ahead) for name in late]
    begun = lambda: [line for line in lists.service.log_lines("run.begun") if "pending=1 " in line]
    wait_for(lambda: len(begun()) == len(late), 20, "they begin")
    assert lists.run(target="urgent", **ahead).payload.n_ok == 1, "somebody waits for that one"
    assert (asked("polite"), asked("urgent"), asked("fresh"), asked("brief")) == (1, 2, 0, 0)
    at(3 * HOUR + 58)
    assert lists.run(target="urgent", **ahead).payload.n_ok == 1 and (asked("polite"), asked("fresh")) == (1, 0)
    at(3 * HOUR + 900)
    assert all(lists.report(run).payload.n_ok == 1 for run in runs)
    assert (asked("polite"), asked("fresh"), asked("brief")) == (2, 1, 1)
    at(5 * HOUR + 1800)  # at any other time nobody waits
    run = lists.due(target="polite", force=False, **ahead)
    assert lists.report(run).payload.n_ok == 1 and asked("polite") == 3
