"""docs/options.md says what the programs say. Usage: options_page.py BIN_FOLDER [--write]"""
import os
import subprocess
import sys

import tree

PAGE = "docs/options.md"
PROGRAMS = ("tip-broker", "tip-scheduler", "tip-blacklist", "tip-storage", "tip-web", "tip")
COMMON = ("tip", "bus", "log")
HEAD = """# Options

Every option of every program. Each can stand in `tip.yaml` (or a file in `conf.d/` beside it) in its section, in the
environment as `TIP__SECTION__OPTION`, and on the command line of its program as `--option` or `--section.option`; the
later of these wins. `tip config show --origin` says which value is in force and where it came from.

This page is made from the programs' own tables: `cmake --build build/dev --target options-page`.

"""


def sections(bin_folder, program):
    """The sections a program prints, each with its heading; none when it is not built or has no options."""
    path = os.path.join(bin_folder, program)
    if not os.access(path, os.X_OK):
        return []
    run = subprocess.run([path, "--print-options"], capture_output=True, text=True, timeout=20)
    if run.returncode or not run.stdout.startswith("## "):
        return []
    return ["## " + part for part in run.stdout.split("## ")[1:]]


def name(section):
    return section.split("\n", 1)[0].removeprefix("## ")


def main():
    found = {}
    for program in PROGRAMS:
        for section in sections(sys.argv[1], program):
            found.setdefault(name(section), section)
    order = [key for key in COMMON if key in found] + [key for key in found if key not in COMMON]
    path = os.path.join(tree.ROOT, PAGE)
    if "--write" in sys.argv:
        with open(path, "w", encoding="utf-8") as file:
            file.write(HEAD + "".join(found[key] for key in order).rstrip("\n") + "\n")
        return
    text = open(path, encoding="utf-8").read() if os.path.exists(path) else ""
    tree.finish([f"{PAGE}: section {key} is not what --print-options says; build the target options-page"
                 for key in order if found[key].rstrip("\n") not in text])


main()
