"""House rules of text: length of files, no notes to self, no paths of one machine, short strict shell scripts."""
import os
import re

import tree

CODE = (".c", ".h", ".py", ".sh", ".sql", ".proto", ".cmake", "CMakeLists.txt", ".ts", ".tsx")
LINES_MAX = 1000
SHELL_LINES_MAX = 60
NOTES = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "X" * 3]) + r")\b")
PLACES = re.compile(r"(?<![\w./$}-])/(?:work|root|home/[a-z]\w*|Users)/|//[\w.-]+\.(?:internal|corp|lan|localdomain)\b")


def is_shell(path, lines):
    return path.endswith(".sh") or bool(lines and re.match(r"#!\s*/\S*\b(ba|da)?sh\b|#!.*\benv (ba|da)?sh\b", lines[0][1]))


def judge_shell(path, lines):
    if len(lines) >= SHELL_LINES_MAX:
        yield f"{path}: {len(lines)} lines of shell, {SHELL_LINES_MAX - 1} at most"
    if not any(re.match(r"set -[a-z]*e[a-z]*u|set -[a-z]*u[a-z]*e", line) for _, line in lines[:10]):
        yield f"{path}: no set -eu in its first lines"


def judge(path):
    lines = tree.lines(path)
    if path.endswith(CODE) and len(lines) > LINES_MAX:
        yield f"{path}: {len(lines)} lines, {LINES_MAX} at most"
    for number, line in lines:
        if path.endswith(CODE) and NOTES.search(line):
            yield f"{path}:{number}: a note to self: do it or file it"
        if PLACES.search(line):
            yield f"{path}:{number}: a path or host of one machine"
    if is_shell(path, lines):
        yield from judge_shell(path, lines)


def main():
    skipped = (os.path.join("tests", "fuzz", "corpus") + os.sep, os.path.join("tests", "data") + os.sep)
    tree.finish([fault for path in tree.files() if not path.startswith(skipped) for fault in judge(path)])


main()
