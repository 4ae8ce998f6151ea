"""Bodies on their way: copied in pieces, cut to a range, handed to the kernel."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from d365fo_emulator.kernel.errors import EmulatorError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import BinaryIO

PIECE = 256 * 1024


class BodyTruncated(EmulatorError, ConnectionAbortedError):
    """A body stopped before its announced end; whatever was made of it must be thrown away."""


class RangeNotSatisfiable(EmulatorError):
    """A range that lies outside what is there."""

    def __init__(self, size: int) -> None:
        super().__init__(f"the range lies outside the {size} bytes that are there")
        self.size = size


class Hash(Protocol):
    """The part of `hashlib`'s objects that copying needs."""

    def update(self, data: bytes, /) -> None:
        """Takes the next piece."""
        ...


class Source(Protocol):
    """Whatever bytes can be read from."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; none at the end."""
        ...


def copy(
    source: Source,
    write: Callable[[bytes], object],
    length: int | None,
    piece: int = PIECE,
    hashes: Sequence[Hash] = (),
) -> int:
    """Copies `length` bytes (None: up to the end) and returns how many there were.

    Hashing costs more than half of the rate, so only those in `hashes` are fed.

    Raises:
        BodyTruncated: the source ended before `length` bytes.

    """
    count = 0
    while length is None or count < length:
        data = source.read(piece if length is None else min(piece, length - count))
        if not data:
            break
        for each in hashes:
            each.update(data)
        write(data)
        count += len(data)
    if length is not None and count != length:
        raise BodyTruncated(f"the body ended after {count} of {length} bytes")
    return count


# Numbers beyond 64 bits are none.
_RANGE = re.compile(r"\s*bytes\s*=\s*(\d{0,18})\s*-\s*(\d{0,18})\s*", re.ASCII | re.IGNORECASE)


def parse_range(text: str | None, size: int) -> tuple[int, int] | None:
    """First and last byte that a `Range` or `x-ms-range` header asks for; None: the whole body.

    A header that is no single byte range counts as absent (RFC 9110, 14.2). A last byte beyond
    the end is cut to it.

    Raises:
        RangeNotSatisfiable: the first byte lies beyond the end, or the last zero bytes are meant.

    """
    match = _RANGE.fullmatch(text or "")
    if match is None:
        return None
    first, last = match.groups()
    if not first and not last:
        return None
    if not first:
        wanted = int(last)
        if wanted == 0 or size == 0:
            raise RangeNotSatisfiable(size)
        return max(size - wanted, 0), size - 1
    if last and int(last) < int(first):
        return None
    if int(first) >= size:
        raise RangeNotSatisfiable(size)
    return int(first), min(int(last), size - 1) if last else size - 1


class RangeReader:
    """Bytes `first` to `last` (both included) of a file that can seek; closes it at the end."""

    def __init__(self, file: BinaryIO, first: int, last: int) -> None:
        self.file = file
        self.offset = first
        self.remaining = last - first + 1
        file.seek(first)

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes of what is left of the range."""
        wanted = self.remaining if size < 0 else min(size, self.remaining)
        data = self.file.read(wanted) if wanted else b""
        self.offset += len(data)
        self.remaining -= len(data)
        return data

    def close(self) -> None:
        """Closes the file."""
        self.file.close()


@dataclass(frozen=True)
class FilePart:
    """A stretch of an open file, for the kernel to send."""

    descriptor: int
    offset: int
    limit: int | None


class FileAnswer:
    """The listener's `wsgi.file_wrapper`: a file sent by the kernel where it can, else in pieces.

    Iterating works everywhere (TLS, test clients); `part` is what `sendfile` needs.
    """

    def __init__(self, file: BinaryIO | RangeReader, block_size: int = PIECE) -> None:
        self.file = file
        self._block_size = max(block_size, PIECE)

    def __iter__(self) -> Iterator[bytes]:
        while data := self.file.read(self._block_size):
            yield data

    @property
    def part(self) -> FilePart | None:
        """Where the bytes lie in a real file; None for anything else that can be read."""
        ranged = self.file if isinstance(self.file, RangeReader) else None
        file = ranged.file if ranged else self.file
        if not isinstance(file, (io.BufferedReader, io.FileIO)):
            return None
        raw = file.raw if isinstance(file, io.BufferedReader) else file
        if not isinstance(raw, io.FileIO):
            return None  # an archive's member or a decompressor has a descriptor of other bytes
        if ranged:
            return FilePart(raw.fileno(), ranged.offset, ranged.remaining)
        return FilePart(raw.fileno(), file.tell(), None)

    def close(self) -> None:
        """Closes the file."""
        self.file.close()
