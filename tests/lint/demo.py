"""What `make demo` builds is what it shows: the target that the Makefile names there leads to every program and, where
there is npm, to the dashboard. Usage: demo.py NINJA BUILD_FOLDER WITH_DASHBOARD(0|1)"""
import os
import re
import subprocess
import sys

import tree

PROGRAMS = ("tip", "tip-broker", "tip-scheduler", "tip-blacklist", "tip-storage", "tip-web")
DASHBOARD = "services/web/ui/tools/build "


def target():
    """What the demo has built; "all" when it does not say."""
    with open(os.path.join(tree.ROOT, "Makefile"), encoding="utf-8") as file:
        rule = re.search(r"^demo:.*\n((?:\t.*\n)+)", file.read(), re.MULTILINE).group(1)
    named = re.search(r"--build .*--target (\S+)", rule)
    return named.group(1) if named else "all"


def main():
    ninja, build, with_dashboard = sys.argv[1], sys.argv[2], sys.argv[3] == "1"
    wanted = target()
    commands = subprocess.run([ninja, "-C", build, "-t", "commands", wanted], capture_output=True, text=True, check=True,
                              timeout=30).stdout.splitlines()
    missing = [name for name in PROGRAMS if not any(f" -o bin/{name} " in line for line in commands)]
    if with_dashboard and not any(DASHBOARD in line for line in commands):
        missing.append("the dashboard")
    tree.finish([f"Makefile: demo builds {wanted}, and {name} does not come with it" for name in missing])


main()
