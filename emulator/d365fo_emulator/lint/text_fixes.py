"""Delimited files as `CSV-Unicode` wants them: UTF-16 LE, byte order mark, CRLF."""

from __future__ import annotations

import codecs
import re
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PIECE = 64 * 1024
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def to_unicode_crlf(stream: IO[bytes], target: IO[bytes]) -> None:
    """Copies a file. Without a mark it is UTF-16, UTF-8 or else Windows-1252, by its beginning.

    Line ends inside quotes are data, and kept.
    """
    head = stream.read(PIECE)
    mark, encoding = next(
        (pair for pair in _MARKS if head.startswith(pair[0])), (b"", _encoding_of(head))
    )
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    target.write(codecs.BOM_UTF16_LE)
    ends = _LineEnds()
    for piece in _pieces(head[len(mark) :], stream):
        target.write(ends.crlf(decoder.decode(piece)).encode("utf-16-le", "surrogatepass"))
    target.write(ends.crlf(decoder.decode(b"", final=True)).encode("utf-16-le", "surrogatepass"))


def _pieces(head: bytes, stream: IO[bytes]) -> Iterator[bytes]:
    yield head
    while piece := stream.read(PIECE):
        yield piece


def _encoding_of(head: bytes) -> str:
    if head[1:2] == b"\0":
        return "utf-16-le"
    if head[:1] == b"\0":
        return "utf-16-be"
    try:
        # Of a longer file the last character may be cut.
        codecs.getincrementaldecoder("utf-8")().decode(head, final=len(head) < PIECE)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


class _LineEnds:
    """Turns a bare line feed outside quotes into CRLF, piece by piece."""

    def __init__(self) -> None:
        self._quoted = False
        self._last = ""
        self._in_first_line = True

    def crlf(self, text: str) -> str:
        out = []
        for number, part in enumerate(text.split('"')):
            if number:
                self._quoted = not self._quoted
                self._last = '"'
            if part:
                out.append(('"' if number else "") + self._mended(part))
                self._last = part[-1]
            elif number:
                out.append('"')
        return "".join(out)

    def _mended(self, part: str) -> str:
        if "\n" not in part or (self._quoted and not self._in_first_line):
            return part
        # The import call judges the first line by its end, and knows no quotes.
        in_header, self._in_first_line = self._in_first_line and self._quoted, False
        joined = self._last == "\r" and part.startswith("\n")
        first, rest = ("\n", part[1:]) if joined else ("", part)
        if in_header:
            return part if joined else _crlf(rest, 1)
        return first + _crlf(rest)


def _crlf(text: str, most: int = -1) -> str:
    """`text` with the first `most` bare line feeds, or all, after a carriage return."""
    return re.sub(r"(?<!\r)\n", "\r\n", text, count=max(most, 0))
