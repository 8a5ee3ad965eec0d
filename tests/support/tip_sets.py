"""tip_test_sets and Debian's iprange on the same files."""
import subprocess

import tip_harness


def run(*argv):
    done = subprocess.run([str(arg) for arg in argv], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=300)
    assert done.returncode == 0, (argv[:3], done.returncode, done.stderr[-500:])
    return done.stdout


def ours(command, *files):
    return run(tip_harness.binary("tip_test_sets"), command, *files)


def rows(command, files, family=4):
    """{(metric, name, other): addresses}; files is {name: path}, and "" stands for no name."""
    names = dict(enumerate(files))
    found = {}
    for line in ours(command, *files.values()).decode().splitlines():
        of, metric, one, other, count = line.split("\t")
        if int(of) == family:
            name, beside = ("" if i == "-" else names[int(i)] for i in (one, other))
            found[metric, name, beside] = int(count)
    return found


def iprange_union(files):
    return run("iprange", *files)


def iprange_common(files):
    """{(name, other): addresses in common} of all pairs, in the order of files."""
    names = {str(path): name for name, path in files.items()}
    found = {}
    for line in run("iprange", "--compare", *files.values()).decode().splitlines():
        fields = line.split(",")
        found[names[fields[0]], names[fields[1]]] = int(fields[-1])
    return found


def write(folder, lists):
    """One file a list of lines; {name: path}."""
    paths = {}
    for name, lines in lists.items():
        paths[name] = folder / name
        paths[name].write_text("".join(f"{line}\n" for line in lines))
    return paths
