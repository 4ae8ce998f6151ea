"""Zips that no honest program writes, made octet by octet or by changing a good one."""

from __future__ import annotations

import io
import struct
import zipfile
from dataclasses import dataclass

from bad_input.packages import DATA, DIRECTORY, END, LOCAL, files, zipped

UTF8 = 0x800


class _Pipe(io.RawIOBase):
    """A target that cannot go back, so that sizes follow the data."""

    def __init__(self):
        super().__init__()
        self.octets = bytearray()

    def writable(self):
        return True

    def write(self, piece):
        self.octets += piece
        return len(piece)


def streamed():
    """As programs write that send while they pack: sizes and sums in data descriptors."""
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files().items():
            with archive.open(name, "w") as stream:
                stream.write(content)
    return bytes(pipe.octets)


@dataclass(frozen=True)
class Entry:
    """One file of a zip without compression; what is None follows from the content."""

    name: bytes
    content: bytes
    flags: int = 0
    local_name: bytes | None = None
    size: int | None = None
    packed: int | None = None
    crc: int | None = None


def built(entries, directory=None):
    """A zip of stored entries; `directory`: those that it lists, by default all."""
    octets, places = bytearray(), {}
    for entry in entries:
        places[entry] = len(octets)
        octets += _record(entry, LOCAL, entry.local_name or entry.name, b"")
        octets += entry.content
    start = len(octets)
    listed = list(entries if directory is None else directory)
    for entry in listed:
        tail = struct.pack("<HHHLL", 0, 0, 0, 0, places[entry])
        octets += _record(entry, DIRECTORY, entry.name, tail)
    size = len(octets) - start
    octets += END + struct.pack("<4H2LH", 0, 0, len(listed), len(listed), size, start, 0)
    return bytes(octets)


def _record(entry, signature, name, tail):
    import zlib

    own = len(entry.content)
    made_by = b"" if signature == LOCAL else struct.pack("<H", 20)
    crc = zlib.crc32(entry.content) if entry.crc is None else entry.crc
    packed = own if entry.packed is None else entry.packed
    size = own if entry.size is None else entry.size
    fixed = struct.pack("<5H3L2H", 20, entry.flags, 0, 0, 0x21, crc, packed, size, len(name), 0)
    return signature + made_by + fixed + tail + name


def entries(**changes):
    """The entries of a good package; `changes` are of the data file's."""
    return [
        Entry(**({"name": name.encode(), "content": content} | (changes if name == DATA else {})))
        for name, content in files().items()
    ]


def of_two_directories():
    """A directory that names no data file, then the whole one: the end record counts."""
    whole = entries()
    first = built(whole, whole[1:])
    cut = first[: first.rindex(END)]
    return cut + _moved(built(whole), len(cut))


def _moved(octets, by):
    """The directory and end of a zip whose entries lie at the same places in another file."""
    end = octets.rindex(END)
    start = struct.unpack_from("<L", octets, end + 16)[0]
    tail = bytearray(octets[end:])
    struct.pack_into("<L", tail, 16, by)
    return octets[start:end] + bytes(tail)


def after_another():
    """A whole package behind a whole other one, as `cat` makes it."""
    other = zipped(files(data=b"CUSTOMERGROUPID,DESCRIPTION\r\n99,First\r\n"))
    return other + zipped(files())


def of_zip64(count, directory_bytes=1):
    """A good package with 64-bit end records before its own; both numbers may be lies."""
    octets = zipped(files())
    end = octets.rindex(END)
    entries_count, size, start = struct.unpack_from("<HLL", octets, end + 10)
    size = size * directory_bytes
    record = b"PK\x06\x06" + struct.pack(
        "<Q2H2L4Q", 44, 45, 45, 0, 0, count or entries_count, count or entries_count, size, start
    )
    locator = b"PK\x06\x07" + struct.pack("<LQL", 0, end, 1)
    last = END + struct.pack("<4H2LH", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return octets[:end] + record + locator + last
