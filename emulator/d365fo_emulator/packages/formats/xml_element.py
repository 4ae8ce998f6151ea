"""The format `XML-Element`: `Document`, an element per row, an element per field.

Rows are named after the AOT name of their entity, in upper case (client); read without letter
case. What has another form fails with the product's one sentence for bad XML (documented).
"""

from __future__ import annotations

import re
from typing import IO, TYPE_CHECKING
from xml.sax.saxutils import escape

from d365fo_emulator.packages.errors import (
    CONTROL_CHARACTERS,
    IMPORT_FILE_EMPTY,
    NOT_XML,
    FileNotWritable,
    SourceUnreadable,
)
from d365fo_emulator.packages.formats.model import Shape, SourceTable
from d365fo_emulator.packages.markup import BadMarkup, MarkupStream, check_depth, local_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_ROOT = "Document"
_LONGEST_ROW = 4 * 1024 * 1024
_BATCH = 500
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_NAME = re.compile(r"[A-Za-z_][\w.-]*")
# A reader turns a bare carriage return into a line feed.
_KEEP_RETURN = {"\r": "&#xD;"}


class XmlElement:
    """`XML-Element`, UTF-8 when written, any Unicode encoding with its mark when read."""

    name = "XML-Element"
    extension = ".xml"

    def read(self, stream: IO[bytes], shape: Shape) -> SourceTable:
        """Opens a file; the header is `shape.columns`, since the file has none of its own.

        A field that a row lacks is empty; one that every row lacks fails the file, which shows
        at the end of the rows (reported: no row of such a file is staged).

        Raises:
            SourceUnreadable: the product's sentence for bad XML; DMF2053 without any row.

        """
        rows = _rows(stream, _Rows(shape.entity, shape.columns))
        first = next(rows, None)
        if first is None:
            raise SourceUnreadable("DMF2053", IMPORT_FILE_EMPTY)
        return SourceTable(list(shape.columns), _chained(first, rows))

    def write(self, stream: IO[bytes], shape: Shape, rows: Iterable[Sequence[str]]) -> int:
        """Writes all rows and returns their number.

        Raises:
            FileNotWritable: DMF2055 for control characters that XML cannot hold (documented);
                a name that is none in XML.

        """
        for name in (shape.entity, *shape.columns):
            if not _NAME.fullmatch(name):
                raise FileNotWritable("", f"{name!r} cannot be the name of an XML element")
        row_name = shape.entity.upper()
        fields = "".join(f"<{name}>%s</{name}>" for name in map(str.upper, shape.columns))
        template = f"<{row_name}>{fields}</{row_name}>"
        stream.write(f'<?xml version="1.0" encoding="utf-8"?><{_ROOT}>'.encode())
        written = 0
        batch: list[str] = []
        for row in rows:
            batch.append(template % tuple(_text(value) for value in row))
            if len(batch) == _BATCH:
                stream.write("".join(batch).encode())
                written += len(batch)
                batch.clear()
        stream.write(("".join(batch) + f"</{_ROOT}>").encode())
        return written + len(batch)


XML_ELEMENT = XmlElement()


class _Rows:
    """Handlers of one parse: collects the rows that close within a piece."""

    def __init__(self, entity_name: str, columns: Sequence[str]) -> None:
        self._entity_name = entity_name.casefold()
        self._columns = tuple(columns)
        self._position_of = {name.casefold(): at for at, name in enumerate(columns)}
        self.missing = set(self._position_of)
        self.closed: list[list[str]] = []
        self._row: list[str] = []
        self._position: int | None = None
        self._depth = 0
        self._length = 0

    def start(self, name: str, _attributes: dict[str, str]) -> None:
        self._depth += 1
        check_depth(self._depth)
        name = local_name(name)
        if self._depth == 1 and name != _ROOT:
            raise _bad_xml(f"the root is {name!r}, not {_ROOT!r}")
        if self._depth == 2:
            if name.casefold() != self._entity_name:
                raise _bad_xml(f"a row is named {name!r}, not {self._entity_name.upper()!r}")
            self._row, self._length = [""] * len(self._columns), 0
        elif self._depth == 3:
            self._position = self._position_of.get(name.casefold())
            self.missing.discard(name.casefold())
        elif self._depth == 4:
            raise _bad_xml(f"the field above {name!r} has elements inside")

    def text(self, data: str) -> None:
        if self._depth == 3 and self._position is not None:
            self._length += len(data)
            if self._length > _LONGEST_ROW:
                raise _bad_xml(f"one row is longer than {_LONGEST_ROW} characters")
            self._row[self._position] += data

    def end(self, _name: str) -> None:
        if self._depth == 2:
            self.closed.append(self._row)
        self._position = None
        self._depth -= 1


def _rows(stream: IO[bytes], rows: _Rows) -> Iterator[list[str]]:
    any_row = False
    try:
        markup = MarkupStream(stream)
        markup.parser.StartElementHandler = rows.start
        markup.parser.EndElementHandler = rows.end
        markup.parser.CharacterDataHandler = rows.text
        for _ in markup.pieces():
            any_row = any_row or bool(rows.closed)
            yield from rows.closed
            rows.closed.clear()
    except BadMarkup as error:
        raise _bad_xml(str(error)) from error
    if any_row and rows.missing:
        raise _bad_xml(f"no row has the mapped fields {sorted(rows.missing)}")


def _chained(first: list[str], rest: Iterator[list[str]]) -> Iterator[list[str]]:
    yield first
    yield from rest


def _bad_xml(detail: str) -> SourceUnreadable:
    return SourceUnreadable("", NOT_XML, detail)


def _text(value: str) -> str:
    if unwritable := _UNWRITABLE.search(value):
        raise FileNotWritable("DMF2055", CONTROL_CHARACTERS, f"character {unwritable[0]!r}")
    return escape(value, _KEEP_RETURN)
