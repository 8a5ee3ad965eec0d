"""soak.py [FOR]: rows of the fault matrix at random, each with a seed of its own, for as long as asked (90s, 10m, 8h).

A line a round. Stops at the first violation, says how to repeat it, and keeps its directory.
"""
import os
import pathlib
import random
import re
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
UNITS = {"s": 1, "m": 60, "h": 3600}


def seconds(text):
    found = re.fullmatch(r"(\d+)([smh]?)", text)
    if not found:
        sys.exit(f"soak: how long? {text!r} is not like 90s, 10m or 8h")
    return int(found[1]) * UNITS[found[2] or "s"]


def environment(seed):
    source = HERE.parents[1]
    return {**os.environ, "TIP_SOURCE": str(source), "TIP_SEED": str(seed), "TIP_KEEP": "failed", "TIP_TURNS": "1",
            "TIP_BIN": os.environ.get("TIP_BIN", str(source / "build/release/bin")), "PYTHONDONTWRITEBYTECODE": "1"}


def pytest(args, seed):
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "ignore", f"--rootdir={HERE.parent}", *args]
    return subprocess.run(argv, env=environment(seed), capture_output=True, text=True, check=False)


def rows():
    """Every case of every row, by the names that pytest gives them."""
    listed = pytest(["--collect-only", *map(str, sorted(HERE.glob("test_matrix_*.py")))], 0).stdout
    return [str(HERE.parent / line) for line in listed.splitlines() if "::test_row" in line]


def kept(output):
    """The directory that a failed round has left."""
    found = re.search(r"logs of (\S+),", output)
    return found[1] if found else "none"


def round_of(row, seed, number, left_s):
    start = time.monotonic()
    done = pytest([row], seed)
    name = row.rsplit("::", 1)[1]
    verdict = {0: "ok", 5: "ok"}.get(done.returncode, "VIOLATION")
    print(f"{number:5} {name:62} TIP_SEED={seed:<10} {time.monotonic() - start:6.1f} s  {verdict}"
          f"  {max(0, left_s):.0f} s left", flush=True)
    if verdict == "ok":
        return
    print(done.stdout[-8000:])
    print(f"kept: {kept(done.stdout)}\nrepeat: TIP_SEED={seed} TIP_KEEP=failed TIP_BIN={environment(seed)['TIP_BIN']} "
          f"{sys.executable} -m pytest "
          f"--rootdir={os.path.relpath(HERE.parent)} '{os.path.relpath(row)}'")
    sys.exit(1)


def main():
    end = time.monotonic() + seconds(sys.argv[1] if len(sys.argv) > 1 else "10m")
    seed = int(os.environ.get("TIP_SEED") or random.SystemRandom().randrange(2**32))
    rng, known, number = random.Random(seed), rows(), 0
    print(f"TIP_SEED={seed} (set it to repeat the order), {len(known)} cases", flush=True)
    if not known:
        sys.exit("soak: no rows were found")
    while time.monotonic() < end:
        number += 1
        round_of(rng.choice(known), rng.randrange(2**32), number, end - time.monotonic())
    print(f"{number} rounds, no violation")


main()
