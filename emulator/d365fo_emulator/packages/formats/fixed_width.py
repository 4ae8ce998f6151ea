"""Files of fixed width: each column so many characters, padded with blanks on the right.

The layout is the format's own (`columns`), or as wide as the catalogue's sizes of the fields. No
file of the product in this format is known, so all but the words of its errors is inferred. Blanks
at the end of a value cannot be told from padding, and are lost.
"""

from __future__ import annotations

import io
import itertools
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, BinaryIO, cast

from d365fo_emulator.entities.culture import ENGLISH, Culture
from d365fo_emulator.packages.errors import (
    HEADER_MISSING,
    IMPORT_FILE_EMPTY,
    RAGGED_ROW,
    UNICODE_IN_ASCII,
    WRONG_FILE_TYPE,
    FileNotWritable,
    SourceUnreadable,
)
from d365fo_emulator.packages.formats.delimited import even
from d365fo_emulator.packages.formats.encodings import (
    ANSI,
    UNICODE,
    Lines,
    TextEncoding,
    codec_to_write,
    let_go,
    open_text,
)
from d365fo_emulator.packages.formats.model import SourceTable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from d365fo_emulator.packages.formats.model import Shape


@dataclass(frozen=True)
class FixedWidth:
    """A format of fixed width.

    Attributes:
        has_header: whether the first line names the columns, laid out as the rows are.
        columns: names and widths in characters; empty: those of the shape.

    """

    name: str
    encoding: TextEncoding = ANSI
    has_header: bool = True
    columns: tuple[tuple[str, int], ...] = ()
    extension: str = ".txt"
    culture: Culture = ENGLISH

    def read(self, stream: IO[bytes], shape: Shape) -> SourceTable:
        """Opens a file; see `SourceFormat.read`. Lines may lack blanks at their end.

        Raises:
            SourceUnreadable: FF004 without header line, DMF2053 without data line, DMF2050 for a
                line that is longer than the layout (also while rows are read).

        """
        names, widths = self._layout(shape)
        rows = _rows(Lines(open_text(stream, self.encoding)), widths)
        if self.has_header:
            names = next(rows, [])
            if not any(names):
                raise SourceUnreadable("FF004", HEADER_MISSING)
        first = next(rows, None)
        if first is None:
            raise SourceUnreadable("DMF2053", IMPORT_FILE_EMPTY)
        rest = iter(lambda: list(itertools.islice(rows, _BATCH)), [])
        return SourceTable(names, even(itertools.chain([[first]], rest), len(widths)))

    def write(self, stream: IO[bytes], shape: Shape, rows: Iterable[Sequence[str]]) -> int:
        """Writes header and rows, each ended by CRLF, and returns the number of rows.

        Raises:
            FileNotWritable: DMF1957 for characters that the code page lacks; a value with line
                ends, or longer than its column.

        """
        names, widths = self._layout(shape)
        place = {name.casefold(): at for at, name in enumerate(shape.columns)}
        if len(widths) != len(names):
            raise FileNotWritable("", f"{self.name} needs the width of each column")
        order = [place.get(name.casefold()) for name in names]
        stream.write(self.encoding.mark)
        codec = codec_to_write(self.encoding)
        text = io.TextIOWrapper(cast("BinaryIO", stream), codec, newline="")
        written = 0
        try:
            if self.has_header:
                text.write(_line(names, names, widths))
            for written, row in enumerate(rows, start=1):  # noqa: B007  the count is wanted
                values = ["" if at is None else row[at] for at in order]
                text.write(_line(values, names, widths))
            text.flush()
        except UnicodeEncodeError as error:
            raise FileNotWritable("DMF1957", UNICODE_IN_ASCII, str(error)) from error
        finally:
            let_go(text)
        return written

    def _layout(self, shape: Shape) -> tuple[list[str], list[int]]:
        if self.columns:
            return [name for name, _width in self.columns], [width for _name, width in self.columns]
        return list(shape.columns), list(shape.widths)


_BATCH = 500

FIXED = FixedWidth("Fixed")
FIXED_UNICODE = FixedWidth("Fixed-Unicode", UNICODE)


def _rows(lines: Lines, widths: Sequence[int]) -> Iterator[list[str]]:
    """Values of each line; an empty list for a blank line, as the delimited formats have it."""
    ends = list(itertools.accumulate(widths))
    places = list(zip([0, *ends], ends, strict=False))
    longest = ends[-1] if ends else 0
    try:
        for number, line in enumerate(lines, start=1):
            lines.taken = 0
            bare = line.removesuffix("\n").removesuffix("\r")
            if bare[longest:].strip(" "):
                raise SourceUnreadable(
                    "DMF2050", RAGGED_ROW, f"line {number} is longer than {longest} characters"
                )
            yield [bare[start:end].rstrip(" ") for start, end in places] if bare else []
    except UnicodeError as error:
        raise SourceUnreadable("DMF1855", WRONG_FILE_TYPE, str(error)) from error


def _line(values: Sequence[str], names: Sequence[str], widths: Sequence[int]) -> str:
    for value, name, width in zip(values, names, widths, strict=True):
        if len(value) > width:
            raise FileNotWritable("", f"The column {name} of fixed width takes {width} characters")
        if "\n" in value or "\r" in value:
            raise FileNotWritable("", "A file of fixed width cannot hold line ends in values")
    return "".join(value.ljust(width) for value, width in zip(values, widths, strict=True)) + "\r\n"
