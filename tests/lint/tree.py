"""The files of this tree: what git knows and would add, or everything but build output where there is no git."""
import os
import subprocess
import sys

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
SKIPPED = {".git", "build", "__pycache__", "node_modules", ".pytest_cache"}


def _walk():
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in SKIPPED]
        for name in names:
            yield os.path.relpath(os.path.join(folder, name), ROOT)


def files(*endings):
    """Paths below the root, sorted; with endings only those."""
    git = ["git", "-C", ROOT, "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(git, capture_output=True, check=True).stdout.decode().split("\0")
    except (OSError, subprocess.CalledProcessError):
        listed = _walk()
    paths = {path for path in listed if path and os.path.isfile(os.path.join(ROOT, path))}
    return sorted(path for path in paths if not endings or path.endswith(endings))


def lines(path):
    """(number, line) of a text file; nothing for a binary one."""
    with open(os.path.join(ROOT, path), "rb") as file:
        content = file.read()
    if b"\0" in content:
        return []
    return list(enumerate(content.decode("utf-8", "replace").splitlines(), 1))


def finish(faults):
    """Prints what was found and ends the program: 0 for nothing."""
    for fault in faults:
        print(fault)
    print(f"{len(faults)} fault(s)")
    sys.exit(1 if faults else 0)
