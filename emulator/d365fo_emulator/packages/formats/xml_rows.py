"""The XML formats: `Document`, an element per row, fields as elements or as attributes.

Rows are named after the AOT name of their entity, in upper case (client); a flight makes that
Pascal case (documented). Read without letter case. What has another form fails with the product's
one sentence for bad XML (documented).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING
from xml.sax.saxutils import escape

from d365fo_emulator.entities.culture import ENGLISH, Culture
from d365fo_emulator.packages.errors import (
    CONTROL_CHARACTERS,
    IMPORT_FILE_EMPTY,
    NOT_XML,
    FileNotWritable,
    SourceUnreadable,
)
from d365fo_emulator.packages.formats.model import SourceTable
from d365fo_emulator.packages.markup import BadMarkup, MarkupStream, check_depth, local_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from d365fo_emulator.packages.formats.model import Shape

_ROOT = "Document"
_LONGEST_ROW = 4 * 1024 * 1024
_BATCH = 500
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_NAME = re.compile(r"[A-Za-z_][\w.-]*")
# A reader turns a bare carriage return into a line feed.
_KEEP_RETURN = {"\r": "&#xD;"}
# And all white space of an attribute into blanks.
_KEEP_SPACE = {**_KEEP_RETURN, "\n": "&#xA;", "\t": "&#x9;", '"': "&quot;"}


@dataclass(frozen=True)
class XmlRows:
    """`XML-Element` or `XML-Attribute`: UTF-8 when written, any Unicode with its mark when read.

    Attributes:
        in_attributes: whether the fields of a row are attributes; else elements.
        root: name of the root element.
        pascal_case: whether rows are written with the AOT name as it is; else in upper case.

    """

    name: str
    in_attributes: bool = False
    root: str = _ROOT
    pascal_case: bool = False
    extension: str = ".xml"
    culture: Culture = ENGLISH

    def read(self, stream: IO[bytes], shape: Shape) -> SourceTable:
        """Opens a file; the header is `shape.columns`, since the file has none of its own.

        A field that a row lacks is empty; one that every row lacks fails the file, which shows
        at the end of the rows (reported: no row of such a file is staged).

        Raises:
            SourceUnreadable: the product's sentence for bad XML; DMF2053 without any row.

        """
        rows = _rows(stream, _Rows(self, shape))
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
        _check_names((shape.entity, *shape.columns))
        template = self._template(shape)
        as_text = _attribute_text if self.in_attributes else _text
        stream.write(self.document_start().encode())
        written = 0
        batch: list[str] = []
        for row in rows:
            batch.append(template % tuple(map(as_text, row)))
            if len(batch) == _BATCH:
                stream.write("".join(batch).encode())
                written += len(batch)
                batch.clear()
        stream.write(("".join(batch) + f"</{self.root}>").encode())
        return written + len(batch)

    def document_start(self) -> str:
        """What stands before the first row."""
        return f'<?xml version="1.0" encoding="utf-8"?><{self.root}>'

    def row_around(
        self, entity: str, columns: Sequence[str], values: Sequence[str]
    ) -> tuple[str, str]:
        """A row that has others inside: what stands before and after them.

        Raises:
            FileNotWritable: as `write`.

        """
        _check_names((entity, *columns))
        row = entity if self.pascal_case else entity.upper()
        pairs = [(name.upper(), value) for name, value in zip(columns, values, strict=True)]
        if self.in_attributes:
            fields = "".join(f' {name}="{_attribute_text(value)}"' for name, value in pairs)
            return f"<{row}{fields}>", f"</{row}>"
        fields = "".join(f"<{name}>{_text(value)}</{name}>" for name, value in pairs)
        return f"<{row}>{fields}", f"</{row}>"

    def _template(self, shape: Shape) -> str:
        """One row, with `%s` for each value."""
        row = shape.entity if self.pascal_case else shape.entity.upper()
        names = [name.upper() for name in shape.columns]
        if self.in_attributes:
            return f"<{row} " + " ".join(f'{name}="%s"' for name in names) + " />"
        return f"<{row}>" + "".join(f"<{name}>%s</{name}>" for name in names) + f"</{row}>"


XML_ELEMENT = XmlRows("XML-Element")
XML_ATTRIBUTE = XmlRows("XML-Attribute", in_attributes=True)


def is_xml_name(name: str) -> bool:
    """Whether an element can have this name (XML allows more letters than the product uses)."""
    return _NAME.fullmatch(name) is not None


def _check_names(names: Iterable[str]) -> None:
    for name in names:
        if not is_xml_name(name):
            raise FileNotWritable("", f"{name!r} cannot be the name of an XML element")


class _Rows:
    """Handlers of one parse: collects the rows that close within a piece."""

    def __init__(self, source_format: XmlRows, shape: Shape) -> None:
        self._root = source_format.root
        self._in_attributes = source_format.in_attributes
        self._entity_name = shape.entity.casefold()
        self._columns = shape.columns
        self._position_of = {name.casefold(): at for at, name in enumerate(shape.columns)}
        self.missing = set(self._position_of)
        self.closed: list[list[str]] = []
        self._row: list[str] = []
        self._position: int | None = None
        self._depth = 0
        self._length = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        check_depth(self._depth)
        name = local_name(name)
        if self._depth == 1 and name != self._root:
            raise _bad_xml(f"the root is {name!r}, not {self._root!r}")
        if self._depth == 2:
            if name.casefold() != self._entity_name:
                raise _bad_xml(f"a row is named {name!r}, not {self._entity_name.upper()!r}")
            self._row, self._length = [""] * len(self._columns), 0
            if self._in_attributes:
                self._take(attributes)
        elif self._depth == 3:
            if self._in_attributes:
                raise _bad_xml(f"a row has the element {name!r} inside; fields are attributes here")
            self._position = self._place(name)
        elif self._depth == 4:
            raise _bad_xml(f"the field above {name!r} has elements inside")

    def _take(self, attributes: dict[str, str]) -> None:
        for name, value in attributes.items():
            position = self._place(local_name(name))
            if position is not None:
                self._row[position] = value

    def _place(self, name: str) -> int | None:
        folded = name.casefold()
        self.missing.discard(folded)
        return self._position_of.get(folded)

    def text(self, data: str) -> None:
        if self._position is not None:
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
    return escape(_checked(value), _KEEP_RETURN)


def _attribute_text(value: str) -> str:
    return escape(_checked(value), _KEEP_SPACE)


def _checked(value: str) -> str:
    if unwritable := _UNWRITABLE.search(value):
        raise FileNotWritable("DMF2055", CONTROL_CHARACTERS, f"character {unwritable[0]!r}")
    return value
