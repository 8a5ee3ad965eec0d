"""Counts ctest's reports, each with what ctest printed beside it (NAME.xml, NAME.log): a failure's name and what pytest
says of it, the same of who passed only when it was repeated, then "N passed, N failed". What did not run has failed."""
import pathlib
import re
import sys
import xml.etree.ElementTree as ET

LINES, WIDTH = 12, 400
ATTEMPT = re.compile(r"\s*(?:\d+/\d+ +)?Test +#\d+: (\S+) \.*\s*(Passed|\*\*\*\w+(?: \w+)?)")


def said(lines):
    return [line for line in lines if line.startswith("E  ")][:LINES]


def first_attempts(log):
    """What ctest printed of each test's first attempt: name -> (how it ended, lines)."""
    found, lines = {}, []
    for line in log.read_text(errors="replace").splitlines() if log.exists() else ():
        end = ATTEMPT.match(line)
        if end:
            lines = []
            found.setdefault(end.group(1), (end.group(2), lines))
        else:
            lines.append(line)
    return found


def show(word, name, lines):
    print(word, name)
    for line in lines:
        print("   ", line[:WIDTH])


def main(paths):
    passed, failed, repeated = 0, [], []
    for path in map(pathlib.Path, paths):
        first = first_attempts(path.with_suffix(".log"))
        for case in ET.parse(path).getroot().iter("testcase"):
            name, how = f"{path.stem}: {case.get('name')}", case.get("status")
            if how != "run":
                failed.append((f"{name} ({how})", said((case.findtext("system-out") or "").splitlines())))
                continue
            passed += 1
            end, lines = first.get(case.get("name"), ("Passed", []))
            if end != "Passed":
                repeated.append((name, end.strip("* "), said(lines)))
    for name, lines in failed:
        show("FAILED", name, lines)
    for name, end, lines in repeated:
        show("REPEATED", f"{name}, first: {end}", lines)
    if repeated:
        print(f"{len(repeated)} passed only when repeated: {', '.join(name for name, _, _ in repeated)}")
    print(f"{passed} passed, {len(failed)} failed")
    return 1 if failed or not passed else 0


sys.exit(main(sys.argv[1:]))
