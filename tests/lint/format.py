"""Every C file stands as clang-format 14 would write it. Usage: format.py CLANG_FORMAT"""
import os
import subprocess
import sys

import tree

PER_RUN = 40


def main():
    clang_format = sys.argv[1]
    paths = [os.path.join(tree.ROOT, path) for path in tree.files(".c", ".h")]
    command = [clang_format, "--dry-run", "-Werror", "--ferror-limit=1"]
    runs = [subprocess.Popen(command + paths[i:i + PER_RUN], stderr=subprocess.PIPE, text=True)
            for i in range(0, len(paths), PER_RUN)]
    faults = []
    for run in runs:
        output = run.communicate()[1]
        faults += [line for line in output.splitlines() if ": error:" in line]
        if run.returncode and not output:
            faults.append(f"{clang_format} ended with {run.returncode}")
    tree.finish(faults)


main()
