"""Writes the journal that later builds must still read: generate.py NAME, with TIP_BIN naming the build that writes it.

NAME.tar.xz is the directory as a SIGKILL left it, NAME.txt what had been acked: `seq publisher epoch pub_seq digest`.
Once made it stays; a new format gets a file of its own beside it.
"""
import pathlib
import sys
import tarfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "support"))

import tip_harness  # noqa: E402
from tip_history import History  # noqa: E402
from tip_wire import Pub  # noqa: E402

TOPIC = "v1.system.alarm.test."


def write(site):
    broker = site.broker(segment_bytes="1MiB", keep_bytes="64MiB", cap_bytes="128MiB", required=[])
    with Pub(site.endpoint("ingest"), "red", epoch=7) as red, Pub(site.endpoint("ingest"), "blue.1", epoch=8) as blue:
        for n in range(1, 41):
            for pub in (red, blue):
                pub.publish_all([(TOPIC, b"%s %d " % (pub.name.encode(), n) * 400) for _ in range(1 + n % 5)], tlp=1 + n % 3)
                pub.flush()
    found = History().read_back(site.endpoint("fetch")).journal
    broker.kill()
    return found.records()


def main(name):
    site = tip_harness.Site()
    doors = ("insecure", "ingest", "feed", "fetch", "work")  # what every build knows
    site.config["bus"] = {key: value for key, value in site.config["bus"].items() if key in doors}
    try:
        records = write(site)
        (HERE / f"{name}.txt").write_text("".join(
            f"{r.seq} {r.name} {r.epoch} {r.pub_seq} {r.digest}\n" for r in records))
        with tarfile.open(HERE / f"{name}.tar.xz", "w:xz", preset=9) as tar:
            for path in sorted((site.data / "broker" / "journal").iterdir()):
                info = tar.gettarinfo(path, path.name)
                info.uid = info.gid = info.mtime = 0
                info.uname = info.gname = ""
                with open(path, "rb") as file:
                    tar.addfile(info, file)
    finally:
        site.close()
        tip_harness.end_session()


main(sys.argv[1])
