"""The matrix is checked: programs with a promise broken on purpose, and the row that must notice.

Each patch in mutants/ is applied to a copy of the sources; the files it changes are compiled as the running build
compiles them and linked in front of its libraries, which takes a second. A row that stays silent proves nothing. Tests
beside the matrix that look for what comes rarely are checked likewise.
"""
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys

import pytest

from conftest import SEED
from tip_harness import BIN, SOURCE, session_dir

BUILD = BIN.parent
HERE = pathlib.Path(__file__).parent
COPIED = ("broker", "services", "common")

# mutant: program, row, the rules one of which must be found broken
MUTANTS = {  # what is durable too early is acked and told too early: any of the three may be seen first
    "ack_before_flush": ("tip-broker", "test_matrix_disk.py::test_row08_power_loss_of_the_whole_process", ("I1", "I3", "I4")),
    "fan_out_before_flush": ("tip-broker", "test_matrix_disk.py::test_row08_power_loss_of_the_whole_process", ("I3", "I4")),
    "no_salt": ("tip-broker", "test_matrix_disk.py::test_row13_stale_records_of_a_torn_group", ("I2", "I3")),
    "no_deduplication": ("tip-broker", "test_matrix_disk.py::test_row09_a_flush_fails_once", ("I2",)),
    "offset_outside": ("tip-storage", "test_matrix_storage.py::test_row03_storage_killed_between_commit_and_reply", ("I5",)),
}
CHANCES = 3

# mutant: program, test beside the matrix, what shortens it, the words it must fail with
OTHERS = {
    "export_in_place": ("tip-blacklist", "integration/test_exports_killed.py", {"TIP_KILLS": "1"}, "a reader has found"),
}


def run(argv, **how):
    return subprocess.run([str(word) for word in argv], capture_output=True, text=True, check=False, **how)


def patched(name, tree):
    """A copy of the sources with the patch in it; the files of C that it changes."""
    patch = HERE / "mutants" / f"{name}.patch"
    for folder in COPIED:
        shutil.copytree(SOURCE / folder, tree / folder, ignore=shutil.ignore_patterns("*.md", "ui"))
    done = run(["patch", "-p1", "--batch", "--forward", "-d", tree, "-i", patch])
    assert done.returncode == 0, f"tests/faults/mutants/{name}.patch applies no more: make it anew\n{done.stdout}"
    return re.findall(r"^\+\+\+ b/(\S+\.c)$", patch.read_text(), re.MULTILINE)


def compiled(tree, file):
    """The object of one changed file, made with the very flags of the build."""
    entries = json.loads((BUILD / "compile_commands.json").read_text())
    entry = next((e for e in entries if pathlib.Path(e["file"]) == SOURCE / file), None)
    assert entry, f"{file} is not in {BUILD}/compile_commands.json"
    made = tree / (file + ".o")
    argv = shlex.split(entry["command"])
    argv[argv.index("-o") + 1] = made
    argv[argv.index("-c") + 1] = tree / file
    done = run(argv, cwd=entry["directory"])
    assert done.returncode == 0, f"{file}:\n{done.stderr}"
    return made


def linked(program, objects, target):
    """The program with these objects: what a library has of the same names is not taken from it."""
    commands = run(["ninja", "-C", BUILD, "-t", "commands", f"bin/{program}"]).stdout.splitlines()
    argv = shlex.split(commands[-1].removeprefix(": && ").removesuffix(" && :"))
    argv[argv.index("-o") + 1] = target
    first = next(i for i, word in enumerate(argv) if str(word).endswith(".a"))
    done = run(argv[:first] + objects + argv[first:], cwd=BUILD)
    assert done.returncode == 0, done.stderr


def mutant_bin(name, program):
    """A folder like bin/ in which one program is the mutant."""
    tree = session_dir() / f"mutant-{name}"
    objects = [compiled(tree, file) for file in patched(name, tree)]
    (tree / "bin").mkdir()
    for file in BIN.iterdir():
        if file.name != program and file.is_file():
            (tree / "bin" / file.name).symlink_to(file)
    linked(program, objects, tree / "bin" / program)
    return tree / "bin"


def noticed(name, program, test, **how):
    """What pytest says of the mutant; it must fail."""
    env = {**os.environ, "TIP_BIN": str(mutant_bin(name, program)), "TIP_SOURCE": str(SOURCE), "TIP_SEED": str(SEED), **how}
    done = run([sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", f"--rootdir={HERE.parent}",
                f"{HERE.parent}/{test}"], env=env, timeout=300)
    assert done.returncode == 1, f"{name} is not noticed by {test}\n{done.stdout[-3000:]}"
    return done.stdout


@pytest.mark.parametrize("name", MUTANTS)
def test_mutant_is_caught(name):
    program, row, rules = MUTANTS[name]
    said = noticed(name, program, f"faults/{row}", TIP_TURNS=str(CHANCES))
    broken = re.findall(r"^E +\S*Violation: (I\d): (.*)", said, re.MULTILINE)
    print(name, "caught:", *broken[:1])
    assert broken and broken[0][0] in rules, f"{name} fails {row} for another reason\n{said[-6000:]}"


@pytest.mark.parametrize("name", OTHERS)
def test_mutant_is_caught_beside_the_matrix(name):
    program, test, how, words = OTHERS[name]
    said = noticed(name, program, test, **how)
    assert re.search(rf"^E +AssertionError: {words}", said, re.MULTILINE), f"{test} fails for another reason\n{said[-6000:]}"


def test_every_patch_is_used():
    assert {path.stem for path in (HERE / "mutants").glob("*.patch")} == MUTANTS.keys() | OTHERS.keys()
