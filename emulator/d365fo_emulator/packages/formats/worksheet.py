"""Worksheets read as a stream: rows one by one, shared strings on disk once they are many.

For workbooks too large for a reader that holds the sheet. No part of a workbook is trusted: each
comes through the package's limits, a document type declaration is refused, and nothing outside
the workbook (external links, connections) is followed; macros are bytes that nobody reads.
Formulas count as the value that the workbook keeps of them. Cells with an error are empty, as the
other reader has them.
"""

from __future__ import annotations

import posixpath
import re
import struct
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import IO, TYPE_CHECKING, Any, Self

from d365fo_emulator.packages.errors import WRONG_FILE_TYPE, PackageRefused, SourceUnreadable
from d365fo_emulator.packages.markup import BadMarkup, MarkupStream, check_depth, local_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from d365fo_emulator.packages.archive import Package

    CellValue = str | bool | float | datetime | timedelta | None

WORKBOOK = "xl/workbook.xml"
_RELATIONS = "xl/_rels/workbook.xml.rels"
_STYLES = "xl/styles.xml"
_STRINGS = "xl/sharedStrings.xml"
_LONGEST_CELL = 1 << 20
PRESERVE = "preserve"
_MOST_ROWS, _MOST_COLUMNS = 1_048_576, 16_384
_MOST_STYLES = 65_536
_IN_MEMORY = 1 << 20
_REFERENCE = re.compile("([A-Za-z]{1,3})([0-9]{1,7})")

# Built-in number formats that are dates or times; of them, that of durations.
_DATES = frozenset({*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)})
_DURATIONS = frozenset({46})
# What tells nothing in the code of a format: quoted and escaped texts, colours and conditions.
_NO_CODE = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!h+\]|m+\]|s+\])[^\]]*\]', re.IGNORECASE)
_DURATION = re.compile(r"\[(h+|m+|s+)\]", re.IGNORECASE)

_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001  workbooks have no zones
_EPOCH_1904 = datetime(1904, 1, 1)  # noqa: DTZ001
_FALSE_LEAP_DAY = 60
_MILLISECONDS_OF_A_DAY = 86_400_000


@dataclass(frozen=True)
class Sheet:
    """A sheet of a workbook, as its table of contents has it."""

    name: str
    part: str


def sheets_of(package: Package) -> tuple[tuple[Sheet, ...], bool]:
    """The sheets of a workbook in its order, and whether its dates count from 1904.

    Raises:
        SourceUnreadable: DMF1855 for what is no workbook.

    """
    sheets: list[tuple[str, str]] = []
    targets: dict[str, str] = {}
    since_1904 = False

    def in_workbook(name: str, attributes: Mapping[str, str]) -> None:
        nonlocal since_1904
        if name == "sheet":
            sheets.append((attributes.get("name", ""), attributes.get("id", "")))
        elif name == "workbookPr":
            since_1904 = attributes.get("date1904", "").lower() in {"1", "true"}

    def in_relations(name: str, attributes: Mapping[str, str]) -> None:
        if name == "Relationship" and attributes.get("TargetMode") != "External":
            targets[attributes.get("Id", "")] = attributes.get("Target", "")

    _parse(package, WORKBOOK, in_workbook)
    _parse(package, _RELATIONS, in_relations)
    found = tuple(Sheet(name, _part(targets[key])) for name, key in sheets if key in targets)
    return found, since_1904


def sheet_rows(package: Package, sheet: Sheet, *, since_1904: bool) -> Iterator[list[CellValue]]:
    """The rows of a sheet, those that it leaves out as empty ones.

    Raises:
        SourceUnreadable: DMF1855 for what is no worksheet; also while rows are read.

    """
    kinds = _kinds_of_styles(package)
    with ExitStack() as stack:
        strings = stack.enter_context(_Strings())
        if package.find(_STRINGS):
            for text in _texts(package, _STRINGS, "si"):
                strings.add(text)
        reader = _SheetReader(strings, kinds, _EPOCH_1904 if since_1904 else _EPOCH)
        yield from _stream(package, sheet.part, reader)


class _Strings:
    """The shared strings, by number."""

    def __init__(self) -> None:
        self._texts = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115  closed below
        self._ends = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115
        self._count = 0
        self._length = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._texts.close()
        self._ends.close()

    def add(self, text: str) -> None:
        octets = text.encode()
        self._length += len(octets)
        self._texts.write(octets)
        self._ends.write(struct.pack("<Q", self._length))
        self._count += 1

    def get(self, number: str) -> str:
        if not number.isdecimal() or int(number) >= self._count:
            raise _no_workbook(f"there is no shared string {number[:20]!r}")
        at = int(number)
        self._ends.seek(max(0, at - 1) * 8)
        ends = struct.unpack("<2Q" if at else "<Q", self._ends.read(16 if at else 8))
        start = ends[0] if at else 0
        self._texts.seek(start)
        return self._texts.read(ends[-1] - start).decode()


class _Texts:
    """Handlers that collect the text of each `<t>` below one kind of element, but phonetics."""

    def __init__(self, unit: str) -> None:
        self._unit = unit
        self._pieces: list[str] = []
        self._length = 0
        self._is_text = False
        self._in_phonetic = False
        self._is_kept = False
        self._at = 0
        self.done: list[str] = []

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        if name == self._unit:
            self._pieces, self._length = [], 0
        elif name == "rPh":
            self._in_phonetic = True
        self._is_text = name == "t" and not self._in_phonetic
        self._at = len(self._pieces)
        self._is_kept = attributes.get("space") == PRESERVE

    def text(self, data: str) -> None:
        if self._is_text:
            self._length += len(data)
            if self._length > _LONGEST_CELL:
                raise _no_workbook("a cell is longer than any can be")
            self._pieces.append(data)

    def end(self, name: str) -> None:
        if self._is_text and not self._is_kept:
            _trim(self._pieces, self._at)
        self._is_text = False
        if name == "rPh":
            self._in_phonetic = False
        elif name == self._unit:
            self.done.append("".join(self._pieces))


class _SheetReader:
    """Handlers for the data of a worksheet."""

    def __init__(self, strings: _Strings, kinds: list[str], epoch: datetime) -> None:
        self._strings = strings
        self._kinds = kinds
        self._epoch = epoch
        self._row_number = 0
        self._row: list[CellValue] = []
        self._column = 0
        self._type = self._kind = ""
        self._value: list[str] = []
        self._length = 0
        self._in_value = False
        self._in_phonetic = False
        self._is_kept = False
        self._at = 0
        self.done: list[list[CellValue]] = []

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        if name == "row":
            self._begin_row(attributes.get("r", ""))
        elif name == "c":
            self._begin_cell(attributes)
        elif name == "rPh":
            self._in_phonetic = True
        self._in_value = name == "v" or (name == "t" and not self._in_phonetic)
        self._at = len(self._value)
        self._is_kept = name == "v" or attributes.get("space") == PRESERVE

    def text(self, data: str) -> None:
        if self._in_value:
            self._length += len(data)
            if self._length > _LONGEST_CELL:
                raise _no_workbook("a cell is longer than any can be")
            self._value.append(data)

    def end(self, name: str) -> None:
        if self._in_value and not self._is_kept:
            _trim(self._value, self._at)
        self._in_value = False
        if name == "rPh":
            self._in_phonetic = False
        elif name == "c":
            self._end_cell()
        elif name == "row":
            self.done.append(self._row)
            self._row = []

    def _begin_row(self, number: str) -> None:
        before = self._row_number
        self._row_number = int(number) if number.isdecimal() and len(number) < 8 else before + 1
        if not before < self._row_number <= _MOST_ROWS:
            raise _no_workbook(f"row {self._row_number} after row {before}")
        self.done += [[] for _ in range(self._row_number - before - 1)]
        self._row, self._column = [], 0

    def _begin_cell(self, attributes: Mapping[str, str]) -> None:
        place = _REFERENCE.fullmatch(attributes.get("r", ""))
        self._column = _column_number(place[1]) if place else self._column + 1
        if self._column > _MOST_COLUMNS:
            raise _no_workbook(f"a sheet has no column {self._column}")
        self._type = attributes.get("t", "n")
        style = attributes.get("s", "0")
        known = style.isdecimal() and int(style) < len(self._kinds)
        self._kind = self._kinds[int(style)] if known else ""
        self._value, self._length = [], 0

    def _end_cell(self) -> None:
        value = self._typed("".join(self._value))
        if value is None:
            return
        self._row += [None] * (self._column - len(self._row))
        self._row[self._column - 1] = value

    def _typed(self, text: str) -> CellValue:
        match self._type:
            case "s":
                return self._strings.get(text.strip()) if text.strip() else None
            case "inlineStr" | "str":
                return text
            case "b":
                return text.strip() in {"1", "true"}
            case "e":
                return None
            case "d":
                return _iso(text.strip())
        return self._number(text.strip()) if text.strip() else None

    def _number(self, text: str) -> CellValue:
        try:
            number = float(text)
            whole = int(number)
        except (ValueError, OverflowError):
            raise _no_workbook(f"{text[:20]!r} is no number") from None
        if not self._kind:
            return number
        if self._kind == "duration":
            return timedelta(milliseconds=round(number * _MILLISECONDS_OF_A_DAY))
        if self._epoch is _EPOCH and 1 <= number < _FALSE_LEAP_DAY:
            whole += 1  # before the 29th of February 1900, which spreadsheets have
            number += 1
        try:
            clock = timedelta(milliseconds=round((number - whole) * _MILLISECONDS_OF_A_DAY))
            moment = self._epoch + timedelta(days=whole) + clock
        except OverflowError:
            return number
        return moment - self._epoch if 0 <= number < 1 else moment


def _trim(pieces: list[str], since: int) -> None:
    """Blanks around a text count only where its element says so."""
    pieces[since:] = ["".join(pieces[since:]).strip(" \t\r\n")]


def _iso(text: str) -> CellValue:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    return moment.replace(tzinfo=None)


def _kinds_of_styles(package: Package) -> list[str]:
    """For each cell style `date`, `duration` or "" for what is neither."""
    codes: dict[int, str] = {}
    kinds: list[str] = []
    in_cell_styles = False

    def see(name: str, attributes: Mapping[str, str]) -> None:
        nonlocal in_cell_styles
        number = attributes.get("numFmtId", "0")
        number_format = int(number) if number.isdecimal() and len(number) < 10 else 0
        if name == "numFmt":
            codes[number_format] = attributes.get("formatCode", "")
        elif name in {"cellXfs", "cellStyleXfs", "cellStyles", "dxfs"}:
            in_cell_styles = name == "cellXfs"
        elif name == "xf" and in_cell_styles:
            kinds.append(_kind_of_format(number_format, codes.get(number_format)))
        if max(len(codes), len(kinds)) > _MOST_STYLES:
            raise _no_workbook(f"it has more than {_MOST_STYLES} styles")

    if package.find(_STYLES):
        _parse(package, _STYLES, see)
    return kinds


def _kind_of_format(number: int, code: str | None) -> str:
    if code is None:
        return "duration" if number in _DURATIONS else "date" if number in _DATES else ""
    bare = _NO_CODE.sub("", code.split(";")[0])
    if _DURATION.search(bare):
        return "duration"
    return "date" if re.search("[dmhysDMHYS]", bare) and "general" not in bare.lower() else ""


def _column_number(letters: str) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - ord("A") + 1
    return number


def _part(target: str) -> str:
    return posixpath.normpath(posixpath.join("/xl", target)).lstrip("/")


def _texts(package: Package, part: str, unit: str) -> Iterator[str]:
    yield from _stream(package, part, _Texts(unit))


def _stream(package: Package, part: str, handlers: Any) -> Iterator[Any]:
    """What the handlers have done, piece by piece."""
    try:
        with _open(package, part) as stream:
            for _ in _fed(stream, handlers.start, handlers.text, handlers.end):
                yield from handlers.done
                handlers.done.clear()
    except (BadMarkup, PackageRefused) as error:
        raise _no_workbook(f"{part}: {error}") from error


def _parse(package: Package, part: str, start: Callable[[str, Mapping[str, str]], None]) -> None:
    """Reads a part for the beginnings of its elements."""
    try:
        with _open(package, part) as stream:
            for _ in _fed(stream, start, lambda _data: None, lambda _name: None):
                pass
    except (BadMarkup, PackageRefused) as error:
        raise _no_workbook(f"{part}: {error}") from error


def _fed(
    stream: IO[bytes],
    start: Callable[[str, Mapping[str, str]], None],
    text: Callable[[str], None],
    end: Callable[[str], None],
) -> Iterator[None]:
    depth = 0

    def begin(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        check_depth(depth)
        start(local_name(name), {local_name(key): value for key, value in attributes.items()})

    def finish(name: str) -> None:
        nonlocal depth
        depth -= 1
        end(local_name(name))

    markup = MarkupStream(stream)
    markup.parser.StartElementHandler = begin
    markup.parser.EndElementHandler = finish
    markup.parser.CharacterDataHandler = text
    yield from markup.pieces()


def _open(package: Package, part: str) -> IO[bytes]:
    if package.find(part) is None:
        raise _no_workbook(f"it has no part {part!r}")
    return package.open(part)


def _no_workbook(detail: str) -> SourceUnreadable:
    return SourceUnreadable("DMF1855", WRONG_FILE_TYPE, detail)
