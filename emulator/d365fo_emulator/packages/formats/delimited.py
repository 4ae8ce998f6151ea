"""The delimited formats: values parted by one character, a row per line.

The stock ones differ in delimiter and encoding alone. `CSV-Unicode` is UTF-16, little endian, with
byte order mark; else the product says `Selected file is not Unicode` (client). The others have the
code page of their data source (`encodings.ANSI`). What a code page lacks fails an export with
DMF1957 (documented). The file extension of all but CSV is inferred.
"""

from __future__ import annotations

import csv
import io
import itertools
from dataclasses import dataclass
from enum import Enum, auto
from typing import IO, TYPE_CHECKING, BinaryIO, cast

from d365fo_emulator.entities.culture import ENGLISH, Culture
from d365fo_emulator.packages.errors import (
    DELIMITER_NOT_FOUND,
    HEADER_MISSING,
    IMPORT_FILE_EMPTY,
    RAGGED_ROW,
    UNICODE_IN_ASCII,
    WRONG_FILE_TYPE,
    FileNotWritable,
    SourceUnreadable,
)
from d365fo_emulator.packages.formats.encodings import (
    ANSI,
    UNICODE,
    UTF16_LE_MARK,
    RowsOfLines,
    TextEncoding,
    codec_to_write,
    let_go,
    open_text,
)
from d365fo_emulator.packages.formats.model import SourceTable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from d365fo_emulator.packages.formats.model import Shape

_DELIMITERS = (",", ";", "\t", "|")
# Rows that are made at once; at first no more than what tells whether a file has any.
_FIRST_ROWS, _BATCH = 2, 500
_LINE_ENDS = frozenset("\r\n")


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
    if not head.startswith(UTF16_LE_MARK):
        return HeadFinding.NOT_UNICODE
    text = head[len(UTF16_LE_MARK) : len(head) & ~1].decode("utf-16-le", errors="replace")
    line, end, _rest = text.partition("\n")
    return HeadFinding.LF_ONLY if end and not line.endswith("\r") else HeadFinding.FINE


@dataclass(frozen=True)
class Delimited:
    """A delimited format.

    Attributes:
        delimiter: one character.
        qualifier: the character around texts that hold delimiter, qualifier or line ends, doubled
            inside; "": none, so that such texts cannot be written.
        has_header: whether the first row names the columns; else they are `columns`, or when that
            is empty those of the shape.
        multi_value_separator: between the values of a field that has several; such a text is
            stored and written as it is.

    """

    name: str
    encoding: TextEncoding = ANSI
    delimiter: str = ","
    qualifier: str = '"'
    has_header: bool = True
    columns: tuple[str, ...] = ()
    extension: str = ".csv"
    culture: Culture = ENGLISH
    multi_value_separator: str = ";"

    def read(self, stream: IO[bytes], shape: Shape) -> SourceTable:
        """Opens a file; see `SourceFormat.read`.

        Raises:
            SourceUnreadable: FF004 without header row, DMF2053 without data row, DMF1999 for
                another delimiter, DMF2050 for a row of another length (also while rows are read),
                DMF1855 for bytes that are no text of this format.

        """
        batches = self._batches(RowsOfLines(open_text(stream, self.encoding)))
        first = next(batches)
        if self.has_header:
            header = [name.strip() for name in first.pop(0)] if first else []
            self._check_header(header)
        else:
            header = list(self.columns or shape.columns)
        if not first:
            raise SourceUnreadable("DMF2053", IMPORT_FILE_EMPTY)
        return SourceTable(header, even(itertools.chain([first], batches), len(header)))

    def write(self, stream: IO[bytes], shape: Shape, rows: Iterable[Sequence[str]]) -> int:
        """Writes header and rows, each ended by CRLF, and returns the number of rows.

        Raises:
            FileNotWritable: DMF1957 for characters that the code page lacks; without qualifier,
                delimiters and line ends in values.

        """
        stream.write(self.encoding.mark)
        codec = codec_to_write(self.encoding)
        text = io.TextIOWrapper(cast("BinaryIO", stream), codec, newline="")
        written = 0
        try:
            write_row = self._row_writer(text)
            if self.has_header:
                write_row(shape.columns)
            for written, row in enumerate(rows, start=1):  # noqa: B007  the count is wanted
                write_row(row)
            text.flush()
        except UnicodeEncodeError as error:
            raise FileNotWritable("DMF1957", UNICODE_IN_ASCII, str(error)) from error
        finally:
            let_go(text)
        return written

    def _row_writer(self, text: io.TextIOWrapper) -> Callable[[Sequence[str]], object]:
        if self.qualifier:
            return csv.writer(
                text, delimiter=self.delimiter, quotechar=self.qualifier, lineterminator="\r\n"
            ).writerow
        refused = _LINE_ENDS | {self.delimiter}

        def write_row(row: Sequence[str]) -> None:
            line = self.delimiter.join(row)
            if not line or any(not refused.isdisjoint(value) for value in row):
                raise FileNotWritable(
                    "",
                    f"{self.name} has no text qualifier: it cannot hold a row that is blank, nor"
                    " delimiters or line ends in values",
                )
            text.write(line + "\r\n")

        return write_row

    def _batches(self, lines: RowsOfLines) -> Iterator[list[list[str]]]:
        reader = csv.reader(
            lines,
            delimiter=self.delimiter,
            quotechar=self.qualifier or None,
            quoting=csv.QUOTE_MINIMAL if self.qualifier else csv.QUOTE_NONE,
            strict=True,
        )
        rows = lines.counted(reader)
        try:
            yield list(itertools.islice(rows, _FIRST_ROWS))
            while batch := list(itertools.islice(rows, _BATCH)):
                yield batch
        except csv.Error as error:
            raise SourceUnreadable(
                "DMF2050", RAGGED_ROW, f"line {reader.line_num}: {error}"
            ) from error
        except UnicodeError as error:
            raise SourceUnreadable("DMF1855", WRONG_FILE_TYPE, str(error)) from error

    def _check_header(self, header: Sequence[str]) -> None:
        if not any(header):
            raise SourceUnreadable("FF004", HEADER_MISSING)
        others = [mark for mark in _DELIMITERS if mark != self.delimiter and mark in header[0]]
        if len(header) == 1 and others:
            raise SourceUnreadable(
                "DMF1999", DELIMITER_NOT_FOUND, f"the header has {others[0]!r} instead"
            )


CSV = Delimited("CSV")
CSV_UNICODE = Delimited("CSV-Unicode", UNICODE)
TAB = Delimited("TAB", delimiter="\t", extension=".txt")
TAB_UNICODE = Delimited("Tab-Unicode", UNICODE, delimiter="\t", extension=".txt")
PIPE = Delimited("PIPE", delimiter="|", extension=".txt")
SEMICOLON = Delimited("Semicolon", delimiter=";", extension=".txt")
COLON = Delimited("Colon", delimiter=":", extension=".txt")


def even(batches: Iterable[list[list[str]]], length: int) -> Iterator[list[str]]:
    """Rows that are all as long as the header; blank lines at the end of a file are no rows.

    Raises:
        SourceUnreadable: DMF2050 for a row of another length, and a blank line before others.

    """
    return itertools.chain.from_iterable(_even(batches, length))


def _even(batches: Iterable[list[list[str]]], length: int) -> Iterator[list[list[str]]]:
    seen = blank = 0
    wanted = {length}
    for batch in batches:
        if blank or set(map(len, batch)) != wanted:
            blank = _first_blank(batch, length, seen, blank)
            yield [row for row in batch if row]
        else:
            yield batch
        seen += len(batch)


def _first_blank(batch: list[list[str]], length: int, seen: int, blank: int) -> int:
    """The number of the first blank row, 0 for none; refuses what may not come after it."""
    for number, row in enumerate(batch, start=seen + 1):
        if not row:
            blank = blank or number
        elif blank:
            raise SourceUnreadable("DMF2050", RAGGED_ROW, f"row {blank} is a blank line")
        elif len(row) != length:
            raise SourceUnreadable(
                "DMF2050", RAGGED_ROW, f"row {number} has {len(row)} values, the header {length}"
            )
    return blank
