"""Runs the benchmarks: each program prints one JSON row an object; here they become a table and build/bench.json.

A row: area, case, ours, unit, and where there is a peer: peer, theirs, ratio, bar. A ratio under its bar is shown, and
the exit status is 1 only if a program failed or measured nothing: figures are for reading, not for passing.

--smoke runs short forms, which tell only that the programs still work: their figures mean nothing and are not kept.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).parent


def programs(build, area):
    """bench_AREA, bench_AREA_anything or these with .py, compiled ones from the build folder."""
    found = sorted(HERE.glob("bench_*.py")) + sorted((build / "bench").glob("bench_*"))
    wanted = [p for p in found if not area or p.stem == f"bench_{area}" or p.stem.startswith(f"bench_{area}_")]
    return [p for p in wanted if os.access(p, os.R_OK)]


def measure(program, build, smoke):
    command = ["/usr/bin/python3", program] if program.suffix == ".py" else [program]
    env = dict(os.environ, TIP_BIN=str(build / "bin"), TIP_BENCH_BIN=str(build / "bench"))
    env.pop("TIP_BENCH_SMOKE", None)
    if smoke:
        env["TIP_BENCH_SMOKE"] = "1"
    run = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=env)
    rows = [json.loads(line) for line in run.stdout.splitlines() if line.startswith("{")]
    return rows, run.returncode


def number(value):
    return "" if value is None else f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def table(rows):
    head = ["area", "case", "ours", "unit", "peer", "theirs", "ratio", "bar"]
    lines = [head] + [
        [row["area"], row["case"], number(row["ours"]), row["unit"], row.get("peer") or "", number(row.get("theirs")),
         number(row.get("ratio")), number(row.get("bar"))] for row in rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())


def keep(build, rows):
    out = build.parent / "bench.json"
    out.write_text(json.dumps(rows, indent=1) + "\n")
    for row in rows:
        if row.get("bar") and row["ratio"] < row["bar"]:
            print(f"below its bar: {row['area']} {row['case']}: {row['ratio']:.2f} < {row['bar']}", file=sys.stderr)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--area", default="")
    parser.add_argument("--smoke", action="store_true")
    args = parser.parse_args()
    build = args.build.resolve()
    rows, failed = [], []
    for program in programs(build, args.area):
        print(f"measuring {program.stem} …", file=sys.stderr, flush=True)
        new, status = measure(program, build, args.smoke)
        rows += new
        if status or not new:
            failed.append(program.stem)
    table(rows)
    if not args.smoke:
        keep(build, rows)
    for name in failed:
        print(f"failed: {name}", file=sys.stderr)
    return 1 if failed or not rows else 0


if __name__ == "__main__":
    sys.exit(main())
