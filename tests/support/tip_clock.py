"""The wall clock of a service, in our hands: libfaketime with a file. Monotonic time stays the real one."""
import pathlib
import time

import pytest

import tip_harness

FAKETIME = next(iter(pathlib.Path("/usr/lib").glob("*/faketime/libfaketime.so.1")), None)


class Clock:
    """`env` is that of the service."""

    def __init__(self, site):
        self.file = site.dir / "clock"
        self.set(0)
        self.env = {"LD_PRELOAD": str(FAKETIME), "FAKETIME_TIMESTAMP_FILE": str(self.file), "FAKETIME_NO_CACHE": "1",
                    "FAKETIME_DONT_FAKE_MONOTONIC": "1", "FAKETIME_DISABLE_SHM": "1"}

    def set(self, ahead_s):
        fresh = self.file.with_suffix(".new")
        fresh.write_text(f"{ahead_s:+.3f}\n")
        fresh.rename(self.file)
        self.ahead_s = ahead_s

    def now(self):
        return time.time() + self.ahead_s


def clock_of(site):
    """For a fixture `clock`: yield from clock_of(site)."""
    if FAKETIME is None or b"__asan_init" in (tip_harness.BIN / "tip-scheduler").read_bytes():
        pytest.skip("libfaketime is not installed, or the build has a sanitizer that must be loaded first")
    yield Clock(site)
    for process in site.processes:  # the library leaves its shared memory behind when it is killed
        process.end()
        for leftover in () if process.popen is None else pathlib.Path("/dev/shm").glob(f"*faketime_*_{process.pid}"):
            leftover.unlink()
