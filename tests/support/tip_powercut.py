"""Plays a power cut from the log of libtip_shim: which files a directory may hold when the power goes after n changes.

What was flushed is there. What was not may be lost, whole or torn at 512 bytes, in any order; names that were not
flushed are lost from the newest back.
"""
import pathlib
import struct

SECTOR = 512
HEAD = struct.Struct("<cQQI")


class File:
    def __init__(self):
        self.now, self.durable, self.dirty = bytearray(), bytearray(), set()

    def write(self, at, data):
        if len(self.now) < at + len(data):
            self.now.extend(bytes(at + len(data) - len(self.now)))
        self.now[at:at + len(data)] = data
        self.dirty.update(range(at // SECTOR, (at + len(data) - 1) // SECTOR + 1))

    def resize(self, size):
        del self.now[size:]
        self.now.extend(bytes(size - len(self.now)))

    def flush(self):
        self.durable, self.dirty = bytearray(self.now), set()

    def after_cut(self, keep):
        left = bytearray(self.durable)
        if len(self.now) != len(left) and keep():
            del left[len(self.now):]
            left.extend(bytes(len(self.now) - len(left)))
        for sector in sorted(self.dirty):
            at = sector * SECTOR
            if at < len(left) and keep():
                left[at:at + SECTOR] = self.now[at:at + SECTOR][:len(left) - at]
        return left


class PowerCut:
    def __init__(self, log):
        self.log = pathlib.Path(log)

    def size(self):
        """Bytes of log so far: what is told now rests on them."""
        return self.log.stat().st_size

    def changes(self, end):
        """(position behind it, what, inode, at, bytes) of each whole change before `end`."""
        with open(self.log, "rb") as log:
            while log.tell() < end and len(head := log.read(HEAD.size)) == HEAD.size:
                what, inode, at, n = HEAD.unpack(head)
                data = log.read(n)
                if len(data) < n or log.tell() > end:
                    return
                yield log.tell(), what.decode(), inode, at, data

    def cuts(self):
        return [position for position, *_ in self.changes(self.size())]

    def leave(self, end, directory, rng):
        """Writes the files as a cut behind `end` may leave them; how much survives is rng's."""
        inodes, names, durable, ops = {}, {}, {}, []
        for _, what, inode, at, data in self.changes(end):
            if what == "W":
                inodes[inode].write(at, data)
            elif what == "A":
                inodes[inode].resize(at)
            elif what == "S":
                inodes[inode].flush()
            elif what == "D":
                durable, ops = dict(names), []
            else:
                old, new = data.decode().split("\0")
                if what == "C":
                    inodes[inode] = File()
                ops.append((old, new, inodes[inode] if what == "C" else names[old]))
                apply(names, ops[-1])
        for op in ops[:rng.randrange(len(ops) + 1)]:
            apply(durable, op)
        chance = rng.choice([0, 0.25, 0.5, 0.75, 1])
        for name, file in durable.items():
            (directory / name).write_bytes(file.after_cut(lambda: rng.random() < chance))


def apply(names, op):
    old, new, file = op
    names.pop(old, None)
    if new:
        names[new] = file
