"""Containers that say of themselves what they should not, byte by byte: 7z (7zFormat.txt), xz (xz-file-format), zstd (RFC 8878)."""
import bz2
import lzma
import struct
import zlib

MIB = 1024 * 1024
HUGE = 37  # the byte of LZMA2 for a dictionary of 1.5 GiB


def xz(body, dictionary=None):
    """Of one block, whose header may ask for another dictionary than it needs."""
    made = bytearray(lzma.compress(body, check=lzma.CHECK_CRC32, preset=0))
    end = 12 + (made[12] + 1) * 4
    assert made[14:16] == b"\x21\x01", "one filter, LZMA2, with one byte of properties"
    made[16] = dictionary or made[16]
    made[end - 4:end] = struct.pack("<I", zlib.crc32(made[12:end - 4]))
    return bytes(made)


def bzip2(body):
    return bz2.compress(body)


def zstd_zeros(n_mib):
    """Blocks of one byte that is repeated 128 KiB times: 4 bytes each."""
    block = struct.pack("<I", 128 * 1024 << 3 | 1 << 1)[:3]
    return b"\x28\xb5\x2f\xfd" + b"\x00\x38" + (block + b"\0") * (8 * n_mib) + b"\x01\x00\x00"


def number(n):
    """As 7z writes them: the first byte says how many follow."""
    for more in range(8):
        if n < 1 << 7 * (more + 1):
            return bytes([(0xff00 >> more & 0xff) | n >> 8 * more]) + (n & (1 << 8 * more) - 1).to_bytes(more, "little")
    return b"\xff" + n.to_bytes(8, "little")


def lzma2(body):
    return lzma.compress(body, format=lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA2, "preset": 1}])


def streams(at, packed, size, dictionary):
    """One packed stream of one folder of one coder."""
    return (b"\x06" + number(at) + number(1) + b"\x09" + number(len(packed)) + b"\0"
            + b"\x07\x0b" + number(1) + b"\0" + b"\x01\x21\x21\x01" + bytes([dictionary]) + b"\x0c" + number(size) + b"\0")


def seven(body, dictionary=20, members=1):
    """One member with the body, more that are empty; the header is packed, too."""
    packed, names = lzma2(body), b"\0" + "a\0".encode("utf-16le") * members
    empty = bytearray(b"\xff" * (members // 8) + bytes([0xff00 >> members % 8 & 0xff]))
    empty[0] &= 0x7f
    files = b"\x05" + number(members)
    files += b"\x0e" + number(len(empty[:(members + 7) // 8])) + empty[:(members + 7) // 8] if members > 1 else b""
    head = (b"\x01\x04" + streams(0, packed, len(body), dictionary) + b"\x08\0\0" + files + b"\x11" + number(len(names))
            + names + b"\0\0")
    packed_head = lzma2(head)
    end = b"\x17" + streams(len(packed), packed_head, len(head), 20) + b"\0"
    start = struct.pack("<QQI", len(packed) + len(packed_head), len(end), zlib.crc32(end))
    return b"7z\xbc\xaf\x27\x1c\0\4" + struct.pack("<I", zlib.crc32(start)) + start + packed + packed_head + end
