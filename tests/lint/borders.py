"""Who may include whom: service -> runtime -> event -> base, core -> base, generated messages in few places."""
import os
import re

import tree

INCLUDE = re.compile(r'\s*#\s*include\s*([<"])([^>"]+)[>"]')
RANK = {"common/base": 0, "proto": 1, "common/event": 2, "common/runtime": 3}
SERVICE_RANK = 4
# The journal is a library of its own; `tip bus verify`, `backup` and `restore` read and rename one without a broker.
ALLOWED = {("tools/tip", "broker/journal_verify.h"), ("tools/tip", "broker/journal_rename.h")}
GENERATED = re.compile(
    r"services/[^/]+/codec\.c|tools/tip/codec\.c|broker/codec\.c|common/event/.*|common/runtime/bus[^/]*\.[ch]")


def room(path):
    """The part of the tree a file belongs to, None for tests and the like."""
    found = re.match(r"proto|common/[^/]+|services/[^/]+|broker|tools/[^/]+", path)
    return found.group(0) if found and not path.startswith("tests/") else None


def rank(name):
    return RANK.get(name, SERVICE_RANK)


def resolve(path, quote, header, paths):
    """The file of the tree that an include means, None for a system header."""
    inside = room(path)
    candidates = [os.path.normpath(os.path.join(os.path.dirname(path), header)), f"{inside}/{header}"]
    candidates += [f"{name}/include/{header}" for name in RANK] + [f"proto/{header}"]
    if quote == '"':
        candidates += [header] + [f"{name}/{header}" for name in sorted({room(p) for p in paths if room(p)})]
    return next((candidate for candidate in candidates if candidate in paths), None)


def judge(path, quote, header, paths):
    """What is wrong with one include line, or None."""
    inside = room(path)
    core = "/core/" in path
    if header.endswith(".pb-c.h"):
        return None if GENERATED.fullmatch(path) else "generated messages stay in codec.c, common/event, the bus client"
    target = resolve(path, quote, header, paths)
    if not target:
        return None
    other = room(target)
    if core and other not in (inside, "common/base"):
        return f"core sees common/base only, not {other}"
    if other == inside:
        return "core includes its own folder only" if core and "/core/" not in target else None
    if (inside, target) in ALLOWED:
        return None
    if rank(other) == SERVICE_RANK:
        return f"{inside} includes {other}"
    return None if rank(other) <= rank(inside) else f"{inside} includes upwards: {other}"


def main():
    paths = set(tree.files(".c", ".h"))
    faults = []
    for path in sorted(paths):
        if not room(path):
            continue
        for number, line in tree.lines(path):
            found = INCLUDE.match(line)
            fault = judge(path, found.group(1), found.group(2), paths) if found else None
            if fault:
                faults.append(f"{path}:{number}: {fault} ({found.group(2)})")
    tree.finish(faults)


main()
