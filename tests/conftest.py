"""Fixtures, named after what they give. Everything that starts lives in `site` and ends with it."""
import os
import pathlib
import random
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent / "support"))

import tip_harness  # noqa: E402

SEED = int(os.environ.get("TIP_SEED") or random.SystemRandom().randrange(2**32))


def pytest_configure(config):
    config.addinivalue_line("markers", "keys: the site has keys; sockets want key=site.key(name)")


def pytest_terminal_summary(terminalreporter):
    terminalreporter.write_line(f"TIP_SEED={SEED}")


def pytest_sessionfinish():
    tip_harness.end_session()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    outcome = yield
    report = outcome.get_result()
    site = getattr(item, "funcargs", {}).get("site")
    if report.failed and site is not None:
        site.failed = True
        report.sections.append((f"logs of {site.dir}, TIP_SEED={SEED}", site.logs()))


@pytest.fixture
def rng(request):
    """Seeded by TIP_SEED and the test's name."""
    return random.Random(f"{SEED} {request.node.nodeid}")


def race(site):
    """The first one that the thread sanitizer has told of in a build that has it; "": none."""
    for text in (process.log_text() for process in site.processes if "TSAN_OPTIONS" in os.environ):
        if "WARNING: ThreadSanitizer" in text:
            return text[text.index("WARNING: ThreadSanitizer"):][:6000]
    return ""


@pytest.fixture
def site(request):
    """Plain on loopback; with the mark `keys`, one with keys."""
    made = tip_harness.Site(keys=request.node.get_closest_marker("keys") is not None)
    yield made
    found = race(made)
    made.close()
    assert not found, found


@pytest.fixture
def broker(site):
    return site.broker()


@pytest.fixture
def postgres(site):
    from tip_postgres import Postgres

    return Postgres(site).start()


@pytest.fixture
def nginx(site):
    from tip_nginx import Nginx

    return Nginx(site).start()


def opened(site, made):
    site.closing.callback(made.close)
    return made


@pytest.fixture
def sub(site, broker):
    """A subscriber of everything, from now on."""
    from tip_wire import Sub

    return opened(site, Sub(site.endpoint("feed"), "v1.", key=site.key())).synchronise()


@pytest.fixture
def pub(site, broker):
    """A publisher by the name of "test"; with keys an instance of `tip`."""
    from tip_wire import Pub

    return opened(site, Pub(site.endpoint("ingest"), "tip.test" if site.keys else "test", key=site.key()))


@pytest.fixture
def fetch(site, broker):
    from tip_wire import Fetch

    return opened(site, Fetch(site.endpoint("fetch"), key=site.key()))


@pytest.fixture
def caller(site, broker):
    from tip_wire import Caller

    return opened(site, Caller(site.endpoint("work"), key=site.key()))
