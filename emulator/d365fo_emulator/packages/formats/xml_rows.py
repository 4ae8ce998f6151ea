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
from d365fo_emulator.packages.markup import BadMarkup, MarkupStream, local_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from d365fo_emulator.packages.formats.model import Shape

    Start = Callable[[str, dict[str, str]], None]
    End = Callable[[str], None]
    Text = Callable[[str], None]

_ROOT = "Document"
_LONGEST_ROW = 4 * 1024 * 1024
_BATCH = 500
_MOST_NAMES = 5000
UNREAD = -1
"""The position of what no column asks for."""
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
    """Handlers of one parse: collects the rows that close within a piece.

    They run once for each element, so the way of a field is short: its name is looked up as the
    parser spells it, and only a name that was not seen before goes the long way.
    """

    def __init__(self, source_format: XmlRows, shape: Shape) -> None:
        self._root = source_format.root
        self._in_attributes = source_format.in_attributes
        self._entity_name = shape.entity.casefold()
        self._columns = shape.columns
        self._position_of = {name.casefold(): at for at, name in enumerate(shape.columns)}
        self._seen: dict[str, int] = {}
        self._row_names: set[str] = set()
        self.missing = set(self._position_of)
        self.closed: list[list[str]] = []
        self._row: list[str] = []

    def handlers(self) -> tuple[Start, End, Text]:
        """What the parser calls at the beginning and end of elements, and for text."""
        depth, position = 0, UNREAD
        row: list[str] = []
        seen, closed, blank = self._seen, self.closed, [""] * len(self._columns)

        def start(name: str, attributes: dict[str, str]) -> None:
            nonlocal depth, position, row
            depth += 1
            if depth == 3:
                position = seen[name] if name in seen else self._new_field(name)
            elif depth == 2:
                self._check_row(name)
                self._row = row = blank.copy()
                self._take(attributes)
            else:
                self._check_other(local_name(name), depth)

        def text(data: str) -> None:
            if position >= 0:
                row[position] += data

        def end(_name: str) -> None:
            nonlocal depth, position
            if depth == 2:
                closed.append(row)
            position = UNREAD
            depth -= 1

        return start, end, text

    def check_length(self) -> None:
        """Refuses a row that has gone on for longer than any may; asked once for each piece."""
        if sum(map(len, self._row)) > _LONGEST_ROW:
            raise _bad_xml(f"one row is longer than {_LONGEST_ROW} characters")

    def _check_row(self, name: str) -> None:
        if name not in self._row_names:
            if local_name(name).casefold() != self._entity_name:
                raise _bad_xml(
                    f"a row is named {local_name(name)!r}, not {self._entity_name.upper()!r}"
                )
            self._row_names.add(name)

    def _check_other(self, name: str, depth: int) -> None:
        if depth == 1 and name != self._root:
            raise _bad_xml(f"the root is {name!r}, not {self._root!r}")
        if depth > 1:
            raise _bad_xml(f"the field above {name!r} has elements inside")

    def _take(self, attributes: dict[str, str]) -> None:
        if self._in_attributes:
            for name, value in attributes.items():
                position = self._place(local_name(name))
                if position >= 0:
                    self._row[position] = value

    def _new_field(self, name: str) -> int:
        local = local_name(name)
        if self._in_attributes:
            raise _bad_xml(f"a row has the element {local!r} inside; fields are attributes here")
        if len(self._seen) < _MOST_NAMES:
            return self._seen.setdefault(name, self._place(local))
        return self._place(local)

    def _place(self, name: str) -> int:
        folded = name.casefold()
        self.missing.discard(folded)
        return self._position_of.get(folded, UNREAD)


def _rows(stream: IO[bytes], rows: _Rows) -> Iterator[list[str]]:
    any_row = False
    try:
        markup = MarkupStream(stream)
        start, end, text = rows.handlers()
        markup.parser.StartElementHandler = start
        markup.parser.EndElementHandler = end
        markup.parser.CharacterDataHandler = text
        for _ in markup.pieces():
            any_row = any_row or bool(rows.closed)
            rows.check_length()
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
