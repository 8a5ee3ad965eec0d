"""What the last lines of a run say, of what ctest itself reports: who passed only when repeated is named, who failed twice
has failed."""
import pathlib
import subprocess
import sys

import pytest

REPORT = pathlib.Path(__file__).parents[1] / "report.py"
ONCE = 'test -e "$0" && exit 0; touch "$0"; '
LATE = "E       AssertionError: after 5 s: it is late"
TESTS = {  # name -> (what it does, properties)
    "unit/steady": ("exit 0", ""),
    "faults/flaky": (ONCE + f"echo '{LATE}'; exit 1", ""),
    "unit/crashes_once": (ONCE + "kill -SEGV $$", ""),
    "unit/hangs_once": (ONCE + "exec sleep 60", "TIMEOUT 1"),
    "faults/broken": ("echo 'E       always'; exit 1", ""),
    "unit/skipped": ("exit 5", "SKIP_RETURN_CODE 5"),
}


def report(folder, names, *options):
    """ctest runs them as tests/run does; what the report says and its code."""
    lines = []
    for name in names:
        does, properties = TESTS[name]
        lines.append(f'add_test({name} sh -c [=[{does}]=] "{folder}/{name.replace("/", "-")}")\n')
        lines.append(f"set_tests_properties({name} PROPERTIES {properties})\n" if properties else "")
    (folder / "CTestTestfile.cmake").write_text("".join(lines))
    subprocess.run(["ctest", "--test-dir", folder, "-j2", *options, "--output-on-failure", "--output-log", folder / "dev.log",
                    "--output-junit", folder / "dev.xml"], capture_output=True, check=False, timeout=60)
    done = subprocess.run([sys.executable, "-B", REPORT, folder / "dev.xml"], capture_output=True, text=True, check=False)
    return done.stdout.splitlines(), done.returncode


def test_who_passes_only_when_repeated_is_named(tmp_path):
    said, code = report(tmp_path, ["unit/steady", "faults/flaky", "unit/crashes_once", "unit/hangs_once"], "--repeat",
                        "until-pass:2")
    assert code == 0 and said[-1] == "4 passed, 0 failed"
    head, _, names = said[-2].partition(": ")
    assert head == "3 passed only when repeated"
    assert sorted(names.split(", ")) == ["dev: faults/flaky", "dev: unit/crashes_once", "dev: unit/hangs_once"]
    assert {line for line in said if line.startswith("REPEATED")} == {
        "REPEATED dev: faults/flaky, first: Failed", "REPEATED dev: unit/hangs_once, first: Timeout",
        "REPEATED dev: unit/crashes_once, first: Exception"}
    at = said.index("REPEATED dev: faults/flaky, first: Failed")
    assert said[at + 1].strip() == LATE


def test_who_fails_twice_or_does_not_run_has_failed(tmp_path):
    said, code = report(tmp_path, list(TESTS), "--repeat", "until-pass:2")
    assert code == 1 and said[-1] == "4 passed, 2 failed"
    assert {line for line in said if line.startswith("FAILED")} == {
        "FAILED dev: faults/broken (fail)", "FAILED dev: unit/skipped (notrun)"}
    assert said[said.index("FAILED dev: faults/broken (fail)") + 1].split() == ["E", "always"]


@pytest.mark.parametrize("names, last", [(["unit/steady"], "1 passed, 0 failed"), (["faults/flaky"], "0 passed, 1 failed")])
def test_without_repeats_nothing_is_said_of_them(tmp_path, names, last):
    said, code = report(tmp_path, names)
    assert said[-1] == last and code == int("0 passed" in last)
    assert not any("repeated" in line or "REPEATED" in line for line in said)
