"""Composite entities in XML: an element per row, with the rows of its children inside.

A file is read once for its form and then once for each entity, so that no more than a record and
its ancestors is held. Fields are elements or attributes, as the source format has them. An element
without any field is the schema that exports write where there are no rows; it is no row.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

from d365fo_emulator.packages.composites import UNREAD
from d365fo_emulator.packages.errors import (
    COMPOSITE_PART_MISSING,
    IMPORT_FILE_EMPTY,
    NOT_XML,
    SourceUnreadable,
)
from d365fo_emulator.packages.formats.encodings import LONGEST_ROW
from d365fo_emulator.packages.formats.model import Shape, SourceTable
from d365fo_emulator.packages.markup import BadMarkup, MarkupStream, check_depth, local_name

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from d365fo_emulator.entities.culture import Culture
    from d365fo_emulator.packages.composites import NestedPart
    from d365fo_emulator.packages.formats.xml_rows import XmlRows

    PartNames = Mapping[NestedPart, Mapping[str, str]]
    """By part: the name that a field has in the file, and its staging name; both in upper case."""

_MOST_FIELDS = 5000


def fields_by_part(
    source_format: XmlRows, stream: IO[bytes], root: NestedPart, names: PartNames
) -> dict[NestedPart, tuple[str, ...]]:
    """The fields that a file has of each part, in upper case, as `names` calls them.

    Raises:
        SourceUnreadable: bad XML; DMF2053 without any row; MAP011 for a part without an element.

    """
    seen = _Fields(source_format, root, names)
    for _ in seen.read(stream):
        pass
    if not seen.any_field:
        raise SourceUnreadable("DMF2053", IMPORT_FILE_EMPTY)
    missing = [part.entity.name for part in root.parts() if part not in seen.found]
    if missing:
        raise SourceUnreadable("MAP011", f"{COMPOSITE_PART_MISSING}: {', '.join(missing)}")
    return {part: tuple(names) for part, names in seen.found.items()}


@dataclass(frozen=True)
class NestedRows:
    """The rows of one part of a composite, as a source format.

    Rows lack what the file has not: a child's link fields come from the row around it, unless it
    says them itself.

    Attributes:
        names: what fields of the file are called otherwise in staging.
        staged: the rows of the entity around as they were staged, number and texts of what the
            links take, ascending; asked where the file does not say, since a number sequence may
            have given the number.

    """

    source_format: XmlRows
    root: NestedPart
    part: NestedPart
    names: PartNames = field(default_factory=dict)
    staged: Callable[[], Iterator[tuple[int, Sequence[str]]]] = lambda: iter(())

    @property
    def name(self) -> str:
        """As the XML format's."""
        return self.source_format.name

    @property
    def extension(self) -> str:
        """As the XML format's."""
        return self.source_format.extension

    @property
    def culture(self) -> Culture:
        """As the XML format's."""
        return self.source_format.culture

    def read(self, stream: IO[bytes], shape: Shape) -> SourceTable:
        """Opens a file; see `SourceFormat.read`."""
        rows = _PartRows(self.source_format, self.root, self.part, self.names, shape.columns)
        return SourceTable(list(shape.columns), self._linked(shape.columns, rows.read(stream)))

    def _linked(
        self, columns: Sequence[str], rows: Iterator[tuple[int, list[str]]]
    ) -> Iterator[list[str]]:
        links = [columns.index(here) for here, _there in self.part.links if here in columns]
        staged: Iterator[tuple[int, Sequence[str]]] | None = None
        number = 0
        texts: Sequence[str] = ()
        for around, row in rows:
            if not all(row[at] for at in links):
                staged = self.staged() if staged is None else staged
                while number < around:
                    number, texts = next(staged, (around, ()))
                for at, text in zip(links, texts, strict=False):
                    row[at] = row[at] or text
            yield row

    def write(self, stream: IO[bytes], shape: Shape, rows: Iterable[Sequence[str]]) -> int:
        """Writes the rows of this part alone, without its parents: for files of failed rows."""
        return self.source_format.write(stream, shape, rows)


class NestedWriter:
    """Writes rows inside rows, each between `begin` and `end`; `close` ends the document."""

    def __init__(self, source_format: XmlRows, stream: IO[bytes]) -> None:
        self._source_format = source_format
        self._stream = stream
        self._open: list[str] = []
        self._put(source_format.document_start())

    @property
    def culture(self) -> Culture:
        """How numbers and dates are written."""
        return self._source_format.culture

    def begin(self, entity: str, columns: Sequence[str], values: Sequence[str]) -> None:
        """A row, up to where its children stand.

        Raises:
            FileNotWritable: as `SourceFormat.write`.

        """
        start, end = self._source_format.row_around(entity, columns, values)
        self._open.append(end)
        self._put(start)

    def end(self) -> None:
        """The end of the row that was begun last."""
        self._put(self._open.pop())

    def close(self) -> None:
        """The end of the document."""
        self._put(f"</{self._source_format.root}>")

    def _put(self, text: str) -> None:
        self._stream.write(text.encode())


@dataclass
class _Frame:
    """An element of an entity that is open."""

    part: NestedPart
    above: dict[str, str]  # what the links give
    values: dict[str, str] = field(default_factory=dict)
    waiting: list[tuple[dict[str, str], int]] = field(default_factory=list)
    """Children that lack our key, each with the length of its values."""
    open_field: str = ""
    has_fields: bool = False

    def get(self, name: str) -> str | None:
        return self.values.get(name) or self.above.get(name)


class _Nest:
    """Handlers of one parse: which entity's element is open, and in which field."""

    def __init__(self, source_format: XmlRows, root: NestedPart, names: PartNames) -> None:
        self._source_format = source_format
        self._root = root
        self._names = names
        self._children = {
            part: {child.entity.name.casefold(): child for child in part.children}
            for part in root.parts()
        }
        self._frames: list[_Frame] = []
        self._depth = 0
        self.rows: list[tuple[int, list[str]]] = []

    def read(self, stream: IO[bytes]) -> Iterator[tuple[int, list[str]]]:
        """The rows that each piece of the file completes, after the number of the row around."""
        try:
            markup = MarkupStream(stream)
            markup.parser.StartElementHandler = self._start
            markup.parser.EndElementHandler = self._end
            markup.parser.CharacterDataHandler = self._text
            for _ in markup.pieces():
                yield from self.rows
                self.rows.clear()
        except BadMarkup as error:
            raise _bad(str(error)) from error

    def _start(self, name: str, attributes: Mapping[str, str]) -> None:
        self._depth += 1
        check_depth(self._depth)
        name = local_name(name)
        if self._depth == 1:
            if name != self._source_format.root:
                raise _bad(f"the root is {name!r}, not {self._source_format.root!r}")
            return
        frame = self._frames[-1] if self._frames else None
        part = self._part_of(frame, name)
        if part is not None:
            self._open(part, frame, attributes)
        elif frame is None or frame.open_field or self._source_format.in_attributes:
            raise _bad(f"an element {name!r} is not expected here")
        else:
            frame.open_field = self._named(frame.part, name)
            self._field(frame, frame.open_field, "")

    def _part_of(self, frame: _Frame | None, name: str) -> NestedPart | None:
        if frame is None:
            is_root = name.casefold() == self._root.entity.name.casefold()
            return self._root if is_root else None
        return None if frame.open_field else self._children[frame.part].get(name.casefold())

    def _open(self, part: NestedPart, frame: _Frame | None, attributes: Mapping[str, str]) -> None:
        above = {}
        for here, there in part.links if frame else ():
            assert frame is not None  # noqa: S101  the line above
            if value := frame.get(there):
                above[here] = value
        opened = _Frame(part, above)
        self._frames.append(opened)
        self._opened(opened)
        if self._source_format.in_attributes:
            for name, value in attributes.items():
                self._field(opened, self._named(part, local_name(name)), value)

    def _named(self, part: NestedPart, name: str) -> str:
        """What a field of the file is called in staging, unless a map fills that from another."""
        name, names = name.upper(), self._names.get(part, {})
        return names.get(name) or (f"{UNREAD}{name}" if name in names.values() else name)

    def _text(self, data: str) -> None:
        if self._frames and self._frames[-1].open_field:
            self._field(self._frames[-1], self._frames[-1].open_field, data)

    def _end(self, _name: str) -> None:
        self._depth -= 1
        if not self._frames:
            return
        frame = self._frames[-1]
        if frame.open_field:
            frame.open_field = ""
            return
        self._frames.pop()
        self._closed(frame, self._frames[-1] if self._frames else None)

    def _opened(self, frame: _Frame) -> None:
        """An element of an entity begins."""

    def _field(self, frame: _Frame, name: str, text: str) -> None:
        """A piece of a field's text; at least one comes for each field."""
        raise NotImplementedError

    def _closed(self, frame: _Frame, parent: _Frame | None) -> None:
        """An element of an entity ends."""


class _Fields(_Nest):
    """Which fields each part has anywhere."""

    def __init__(self, source_format: XmlRows, root: NestedPart, names: PartNames) -> None:
        super().__init__(source_format, root, names)
        self.found: dict[NestedPart, dict[str, None]] = {}
        self.any_field = False

    def _opened(self, frame: _Frame) -> None:
        self.found.setdefault(frame.part, {})

    def _field(self, frame: _Frame, name: str, text: str) -> None:  # noqa: ARG002  names alone
        names = self.found[frame.part]
        if not name.startswith(UNREAD):
            names[name] = None
        self.any_field = True
        if len(names) > _MOST_FIELDS:
            raise _bad(f"{frame.part.entity.name} has more than {_MOST_FIELDS} fields")


class _PartRows(_Nest):
    """The rows of one part; of its ancestors only what links need."""

    def __init__(
        self,
        source_format: XmlRows,
        root: NestedPart,
        part: NestedPart,
        names: PartNames,
        columns: Sequence[str],
    ) -> None:
        super().__init__(source_format, root, names)
        self._around = next((one for one in root.parts() if part in one.children), None)
        self._around_closed = 0
        self._part = part
        self._columns = [column.upper() for column in columns]
        linked = {name for each in root.parts() for pair in each.links for name in pair}
        self._kept: dict[NestedPart, Collection[str]] = {
            each: frozenset(self._columns) | linked if each is part else linked
            for each in root.parts()
        }
        self._length = 0  # of all values that open frames hold

    def _field(self, frame: _Frame, name: str, text: str) -> None:
        frame.has_fields = True
        if name not in self._kept[frame.part]:
            return
        self._length += len(text)
        if self._length > LONGEST_ROW:
            raise _bad(f"one record is longer than {LONGEST_ROW} characters")
        frame.values[name] = frame.values.get(name, "") + text

    def _closed(self, frame: _Frame, parent: _Frame | None) -> None:
        for child, length in frame.waiting:
            self._length -= length
            for here, there in self._part.links:
                child[here] = child.get(here) or frame.get(there) or ""
            self._give(child)
        length = sum(map(len, frame.values.values()))
        is_row = frame.part is self._part and frame.has_fields
        values = {**frame.above, **{name: text for name, text in frame.values.items() if text}}
        lacks = [here for here, _there in frame.part.links if not values.get(here)]
        if is_row and parent is not None and (lacks or parent.waiting):
            # Its parent's key may stand after it; who comes later waits too, for rows are numbered.
            parent.waiting.append((values, length))
            return
        if is_row:
            self._give(values)
        self._around_closed += frame.part is self._around and frame.has_fields
        self._length -= length

    def _give(self, values: Mapping[str, str]) -> None:
        row = [values.get(column, "") for column in self._columns]
        self.rows.append((self._around_closed + 1, row))


def _bad(detail: str) -> SourceUnreadable:
    return SourceUnreadable("", NOT_XML, detail)
