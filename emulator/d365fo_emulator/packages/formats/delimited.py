"""The delimited formats: `CSV` and `CSV-Unicode`.

Encodings. `CSV-Unicode` is UTF-16, little endian, with byte order mark; else the product says
`Selected file is not Unicode` (client). `CSV` has the code page of its data source, Windows-1252
unless an administrator chose another; many choose UTF-8 (reported). Both are taken without asking:
UTF-8 when the file has its byte order mark or when its first piece with bytes beyond ASCII is
UTF-8, else Windows-1252. Text of the one code page is UTF-8 only by a freak accident. Exports are
Windows-1252 without mark, and fail with DMF1957 for what it lacks (documented).
"""

from __future__ import annotations

import csv
import io
import itertools
from dataclasses import dataclass
from enum import Enum, auto
from typing import IO, TYPE_CHECKING, BinaryIO, cast

from d365fo_emulator.packages.errors import (
    DELIMITER_NOT_FOUND,
    HEADER_MISSING,
    IMPORT_FILE_EMPTY,
    NOT_UNICODE,
    RAGGED_ROW,
    UNICODE_IN_ASCII,
    WRONG_FILE_TYPE,
    FileNotWritable,
    SourceUnreadable,
)
from d365fo_emulator.packages.formats.model import SourceTable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from _typeshed import WriteableBuffer

    from d365fo_emulator.packages.formats.model import Shape

_PIECE = 64 * 1024
# Of one row, quoted line breaks included: a quote that is never closed is found here. A single
# value is bounded by the csv module itself, at 131,072 characters.
_LONGEST_ROW = 4 * 1024 * 1024
_UTF8_MARK = b"\xef\xbb\xbf"
_UTF16_LE_MARK = b"\xff\xfe"
_UTF16_BE_MARK = b"\xfe\xff"
_OTHER_DELIMITERS = (";", "\t", "|")

# Windows maps the five bytes that its code page 1252 leaves open to control characters; Python's
# codec refuses them.
_WINDOWS_1252 = {
    byte: bytes([byte]).decode("cp1252")
    for byte in range(0x80, 0xA0)
    if byte not in {0x81, 0x8D, 0x8F, 0x90, 0x9D}
}


class HeadFinding(Enum):
    """What the first bytes of a `CSV-Unicode` file tell."""

    FINE = auto()
    NOT_UNICODE = auto()
    """The entity fails with `Selected file is not Unicode`."""
    LF_ONLY = auto()
    """The import call itself is refused, with the text of a wrong mapping (client)."""


def check_encoding(head: bytes) -> HeadFinding:
    """Judges a `CSV-Unicode` file by its head, some KiB that reach beyond the header row.

    Reading takes lines that end in LF alone: that refusal belongs to the import call.
    """
    if not head.startswith(_UTF16_LE_MARK):
        return HeadFinding.NOT_UNICODE
    text = head[len(_UTF16_LE_MARK) : len(head) & ~1].decode("utf-16-le", errors="replace")
    line, end, _rest = text.partition("\n")
    return HeadFinding.LF_ONLY if end and not line.endswith("\r") else HeadFinding.FINE


@dataclass(frozen=True)
class Delimited:
    """A delimited format with header row and double quotes around text.

    Attributes:
        unicode: UTF-16 with byte order mark; else the code page of the module's description.

    """

    name: str
    unicode: bool
    extension: str = ".csv"
    delimiter: str = ","

    def read(
        self,
        stream: IO[bytes],
        shape: Shape,  # noqa: ARG002  the file has its own header
    ) -> SourceTable:
        """Opens a file; see `SourceFormat.read`.

        Raises:
            SourceUnreadable: FF004 without header row, DMF2053 without data row, DMF1999 for
                another delimiter, DMF2050 for a row of another length (also while rows are read),
                DMF1855 for bytes that are no text of this format.

        """
        rows = self._rows(_Lines(self._text(stream)))
        header = [name.strip() for name in next(rows, [])]
        self._check_header(header)
        first = next(rows, None)
        if first is None:
            raise SourceUnreadable("DMF2053", IMPORT_FILE_EMPTY)
        return SourceTable(header, _even(itertools.chain([first], rows), len(header)))

    def write(self, stream: IO[bytes], shape: Shape, rows: Iterable[Sequence[str]]) -> int:
        """Writes header and rows, each ended by CRLF, and returns the number of rows.

        Raises:
            FileNotWritable: DMF1957 for characters that the code page lacks.

        """
        encoding = "utf-16-le" if self.unicode else "cp1252"
        if self.unicode:
            stream.write(_UTF16_LE_MARK)
        text = io.TextIOWrapper(cast("BinaryIO", stream), encoding, newline="")
        written = 0
        try:
            writer = csv.writer(text, delimiter=self.delimiter, lineterminator="\r\n")
            writer.writerow(shape.columns)
            for written, row in enumerate(rows, start=1):  # noqa: B007  the count is wanted
                writer.writerow(row)
            text.flush()
        except UnicodeEncodeError as error:
            raise FileNotWritable("DMF1957", UNICODE_IN_ASCII, str(error)) from error
        finally:
            _let_go(text)
        return written

    def _text(self, stream: IO[bytes]) -> io.TextIOWrapper:
        """The file as text. The stream stays the caller's: only our own layers are closed."""
        head = stream.read(_PIECE)
        source = _Joined(head, stream)
        if self.unicode:
            if not head.startswith(_UTF16_LE_MARK):
                raise SourceUnreadable("", NOT_UNICODE)
            source.skip(len(_UTF16_LE_MARK))
            return io.TextIOWrapper(io.BufferedReader(source, _PIECE), "utf-16-le", newline="")
        if head.startswith((_UTF16_LE_MARK, _UTF16_BE_MARK)):
            raise SourceUnreadable("DMF1855", WRONG_FILE_TYPE, "UTF-16 in a file of format CSV")
        if head.startswith(_UTF8_MARK):
            source.skip(len(_UTF8_MARK))
            return io.TextIOWrapper(io.BufferedReader(source, _PIECE), "utf-8", newline="")
        return io.TextIOWrapper(io.BufferedReader(_AsUtf8(source), _PIECE), "utf-8", newline="")

    def _rows(self, lines: _Lines) -> Iterator[list[str]]:
        reader = csv.reader(lines, delimiter=self.delimiter, strict=True)
        try:
            for row in reader:
                lines.taken = 0
                yield row
        except csv.Error as error:
            raise SourceUnreadable(
                "DMF2050", RAGGED_ROW, f"line {reader.line_num}: {error}"
            ) from error
        except UnicodeDecodeError as error:
            raise SourceUnreadable("DMF1855", WRONG_FILE_TYPE, str(error)) from error

    def _check_header(self, header: Sequence[str]) -> None:
        if not any(header):
            raise SourceUnreadable("FF004", HEADER_MISSING)
        others = [mark for mark in _OTHER_DELIMITERS if mark in header[0]]
        if len(header) == 1 and others:
            raise SourceUnreadable(
                "DMF1999", DELIMITER_NOT_FOUND, f"the header has {others[0]!r} instead"
            )


CSV = Delimited("CSV", unicode=False)
CSV_UNICODE = Delimited("CSV-Unicode", unicode=True)


def _even(rows: Iterable[list[str]], length: int) -> Iterator[list[str]]:
    """Rows that are all as long as the header; blank lines at the end of a file are no rows."""
    blank = 0
    for number, row in enumerate(rows, start=1):
        if not row:
            blank = blank or number
            continue
        if blank:
            raise SourceUnreadable("DMF2050", RAGGED_ROW, f"row {blank} is a blank line")
        if len(row) != length:
            raise SourceUnreadable(
                "DMF2050", RAGGED_ROW, f"row {number} has {len(row)} values, the header {length}"
            )
        yield row


def _let_go(text: io.TextIOWrapper) -> None:
    """Leaves the caller's stream open; a failed write must not be tried again by `detach`."""
    try:
        text.detach()
    except UnicodeEncodeError:
        return


class _Lines:
    """Lines for the csv module, which itself would collect an open quote to the file's end.

    `taken`: characters of the present row; whoever reads rows sets it back after each.
    """

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self.taken = 0

    def __iter__(self) -> Iterator[str]:
        readline = self._text.readline
        while line := readline(_LONGEST_ROW + 1 - self.taken):
            self.taken += len(line)
            if self.taken > _LONGEST_ROW:
                raise SourceUnreadable(
                    "DMF2050", RAGGED_ROW, f"one row is longer than {_LONGEST_ROW} characters"
                )
            if "\0" in line:
                raise SourceUnreadable("DMF1855", WRONG_FILE_TYPE, "the file has NUL characters")
            yield line


class _Joined(io.RawIOBase):
    """A stream whose first piece has been read already."""

    def __init__(self, head: bytes, stream: IO[bytes]) -> None:
        self._head = head
        self._stream = stream

    def skip(self, count: int) -> None:
        self._head = self._head[count:]

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer)
        piece = self._head[: len(view)] or self._stream.read(len(view))
        self._head = self._head[len(piece) :]
        view[: len(piece)] = piece
        return len(piece)


class _AsUtf8(io.RawIOBase):
    """Bytes of an unknown code page as UTF-8, decided by the first piece beyond ASCII."""

    def __init__(self, source: _Joined) -> None:
        self._source = source
        self._pending = b""
        self._is_utf8: bool | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer)
        if not self._pending:
            self._pending = self._converted(self._source.read(_PIECE) or b"")
        piece = self._pending[: len(view)]
        self._pending = self._pending[len(piece) :]
        view[: len(piece)] = piece
        return len(piece)

    def _converted(self, piece: bytes) -> bytes:
        if self._is_utf8 is None and not piece.isascii():
            # A piece may end within a character: the next one tells how it goes on.
            piece += self._source.read(_PIECE) or b""
            self._is_utf8 = _looks_like_utf8(piece)
        if self._is_utf8 is not False:
            return piece
        return piece.decode("latin-1").translate(_WINDOWS_1252).encode()


def _looks_like_utf8(piece: bytes) -> bool:
    """Whether it is UTF-8, up to a last character that is cut; that one alone proves nothing."""
    try:
        piece.decode()
    except UnicodeDecodeError as error:
        is_cut = error.reason == "unexpected end of data"
        return is_cut and not piece[: error.start].isascii()
    return True
