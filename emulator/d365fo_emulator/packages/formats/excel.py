"""The format `EXCEL`: workbooks of one sheet whose first row is the header.

Two readers: python-calamine, fast, holds a sheet in memory; `worksheet`, slower, streams. The size
that the workbook's own directory declares decides. Cells become the text that the product's
own exports have (documented): `2011-01-31 00:00:00`, whole numbers without decimals, `Yes` and
`No`.
"""

from __future__ import annotations

import io
import itertools
import re
import shutil
import tempfile
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import IO, TYPE_CHECKING, Any

from d365fo_emulator.entities.culture import ENGLISH, Culture
from d365fo_emulator.packages.archive import Package, open_workbook
from d365fo_emulator.packages.errors import (
    CONTROL_CHARACTERS,
    HEADER_MISSING,
    IMPORT_FILE_EMPTY,
    SHEET_FULL,
    TOO_MANY_COLUMNS,
    WRONG_FILE_TYPE,
    FileNotWritable,
    PackageRefused,
    SourceUnreadable,
)
from d365fo_emulator.packages.formats.model import Shape, SourceTable
from d365fo_emulator.packages.formats.worksheet import sheet_rows, sheets_of
from d365fo_emulator.packages.naming import sheet_name_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

_PIECE = 256 * 1024
_LARGEST_IN_MEMORY = 64 * 1024 * 1024
# A reader in memory holds the rectangle between the outermost cells, filled or not; a stray cell
# in the last corner would make it 17 billion.
_MOST_CELLS_IN_MEMORY = 10_000_000
_MOST_COLUMNS = 255
_MOST_ROWS = 1_048_576
_LONGEST_CELL = 32_767
_CELL = re.compile(rb"""\sr\s*=\s*["']([A-Za-z]{1,3})([0-9]{1,7})["']""")
_LONGEST_CELL_REFERENCE = 64

# `_x000D_` in a cell is one character, as the workbook standard says.
_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")
# What spreadsheets take for a cell, or refuse as a name.
_NO_DEFINED_NAME = re.compile("[0-9].*|[A-Za-z]{1,3}[0-9]+|[Rr][0-9]*([Cc][0-9]*)?|[Cc][0-9]*")
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

# Exports must not tell when they were made: one moment for every workbook.
_STAMP = datetime(2000, 1, 1, tzinfo=UTC).replace(tzinfo=None)
_DOS_STAMP = (1980, 1, 1, 0, 0, 0)
_CORE = "docProps/core.xml"
_APPLICATION = "docProps/app.xml"
# The product's workbooks are written by the Access engine (seen in exported files).
_WRITTEN_BY_ACCESS = (
    b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\r\n'
    b'<Properties xmlns="http://schemas.openxmlformats.org/officeDocument/2006/extended-properties">'
    b"<Application>Microsoft Access</Application></Properties>"
)

# The first words are documented, and that the row must go before the file is imported again; what
# follows them, that it is the first row, and that the fields' sizes decide, is inferred.
_LONG_CELL = 255
DUMMY_TEXT = (
    "This is a string that is inserted into Excel as a dummy cell to make the column to support"
    " more than 255 characters."
)


@dataclass(frozen=True)
class Excel:
    """`EXCEL`.

    Attributes:
        largest_in_memory: expanded bytes up to which a workbook is read at once.
        dummy_row: whether a row of `DUMMY_TEXT` precedes rows with fields beyond 255 characters.

    """

    largest_in_memory: int = _LARGEST_IN_MEMORY
    name: str = "EXCEL"
    extension: str = ".xlsx"
    culture: Culture = ENGLISH
    dummy_row: bool = False

    def read(self, stream: IO[bytes], shape: Shape) -> SourceTable:
        """Opens a workbook; see `SourceFormat.read`. `shape.sheet` may end in `$`, as in manifests.

        Raises:
            SourceUnreadable: DMF1855 for what is no workbook, FF004 without header row, DMF2053
                without data row, DMF2009 beyond 255 columns; a sheet that is not there.

        """
        rows = _sheet_rows(stream, shape.sheet, self.largest_in_memory)
        header = _header_of(next(rows, []))
        first = next(rows, None)
        if first is None:
            raise SourceUnreadable("DMF2053", IMPORT_FILE_EMPTY)
        return SourceTable(header, _fitted(itertools.chain([first], rows), len(header)))

    def write(self, stream: IO[bytes], shape: Shape, rows: Iterable[Sequence[str]]) -> int:
        """Writes one sheet of inline text cells and returns the number of rows.

        Raises:
            FileNotWritable: DMF2009 beyond 255 columns, DMF2042 beyond the last row of a sheet,
                DMF2055 for control characters, a value longer than a cell.

        """
        from openpyxl import Workbook  # noqa: PLC0415  heavy, and few exports are workbooks
        from openpyxl.cell import WriteOnlyCell  # noqa: PLC0415

        if len(shape.columns) > _MOST_COLUMNS:
            raise FileNotWritable("DMF2009", TOO_MANY_COLUMNS)
        workbook = Workbook(write_only=True)
        worksheet = workbook.create_sheet(sheet_name_for(shape.label))
        _name_header(workbook, worksheet.title, len(shape.columns))
        before: list[Sequence[str]] = [shape.columns]
        if self.dummy_row and any(width > _LONG_CELL for width in shape.widths):
            before.append([DUMMY_TEXT if width > _LONG_CELL else "" for width in shape.widths])
        written = -1
        with tempfile.TemporaryFile() as draft:
            try:
                for written, row in enumerate(itertools.chain(before, rows)):
                    if written == _MOST_ROWS:
                        raise FileNotWritable("DMF2042", SHEET_FULL)
                    worksheet.append([_cell(worksheet, WriteOnlyCell, value) for value in row])
            finally:
                # Also after an error: only this lets go of the library's own files.
                workbook.save(draft)
            _copy_without_clock(draft, stream, _core_properties(workbook))
        return written + 1 - len(before)


EXCEL = Excel()


def _sheet_rows(stream: IO[bytes], sheet: str, largest_in_memory: int) -> Iterator[list[str]]:
    with _spooled(stream) as (file, package):
        if _fits_in_memory(package, largest_in_memory):
            file.seek(0)
            rows = _calamine_rows(file, sheet)
        else:
            rows = _streamed_rows(package, sheet)
        yield from _without_blank_end(rows)


@contextmanager
def _spooled(stream: IO[bytes]) -> Iterator[tuple[IO[bytes], Package]]:
    """The workbook as a file that can be read at any place, its directory checked."""
    with tempfile.TemporaryFile() as file:
        shutil.copyfileobj(stream, file, _PIECE)
        try:
            package = open_workbook(file)
        except PackageRefused as error:
            raise SourceUnreadable("DMF1855", WRONG_FILE_TYPE, str(error)) from error
        with package:
            yield file, package


def _fits_in_memory(package: Package, largest: int) -> bool:
    """Judges by the sheets' declared sizes and by the places of their cells.

    Reading them through also proves what the directory declares, which the readers trust.
    """
    expanded = 0
    rows = columns = 1
    for name in package.names:
        if not name.startswith("xl/"):
            continue
        expanded += package.size_of(name)
        if expanded > largest:
            return False
        last_row, last_column = _outermost_cell(package, name)
        rows, columns = max(rows, last_row), max(columns, last_column)
    return rows * columns <= _MOST_CELLS_IN_MEMORY


def _outermost_cell(package: Package, name: str) -> tuple[int, int]:
    rows = columns = 1
    tail = b""
    is_sheet = name.startswith("xl/worksheets/")
    with package.open(name) as part:
        while piece := part.read(_PIECE):
            text = tail + piece
            tail = text[-_LONGEST_CELL_REFERENCE:]
            if not is_sheet:
                continue
            for column, row in set(_CELL.findall(text)):
                rows, columns = max(rows, int(row)), max(columns, _column_number(column))
    return rows, columns


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - ord("A") + 1
    return number


def _calamine_rows(file: IO[bytes], sheet: str) -> Iterator[list[str]]:
    from python_calamine import CalamineError, CalamineWorkbook  # noqa: PLC0415  as openpyxl

    try:
        workbook = CalamineWorkbook.from_filelike(file)
        worksheet = workbook.get_sheet_by_name(_sheet_named(workbook.sheet_names, sheet))
        first_row, first_column = worksheet.start or (0, 0)
        left = [""] * first_column
        rows = worksheet.to_python(skip_empty_area=True)
    except CalamineError as error:
        raise SourceUnreadable("DMF1855", WRONG_FILE_TYPE, str(error)) from error
    yield from ([] for _ in range(first_row))
    for row in rows:
        yield left + [_text(value) for value in row]


def _streamed_rows(package: Package, sheet: str) -> Iterator[list[str]]:
    sheets, since_1904 = sheets_of(package)
    wanted = _sheet_named([one.name for one in sheets], sheet)
    chosen = next(one for one in sheets if one.name == wanted)
    for row in sheet_rows(package, chosen, since_1904=since_1904):
        yield [_unescaped(_text(value)) for value in row]


def _sheet_named(names: Sequence[str], wanted: str) -> str:
    """The workbook's spelling of a sheet's name; the first sheet for an empty one."""
    if not names:
        raise SourceUnreadable("DMF1855", WRONG_FILE_TYPE, "the workbook has no sheet")
    bare = wanted.strip().strip("'").removesuffix("$").casefold()
    if not bare:
        return names[0]
    for name in names:
        if name.casefold() == bare:
            return name
    raise SourceUnreadable("", f"The workbook has no sheet {wanted!r}", f"it has {list(names)}")


def _text(value: Any) -> str:
    """A cell as text, as the product's own files have it."""
    if value is None:
        return ""
    for kind, as_text in _TEXTS:
        if isinstance(value, kind):
            return as_text(value)
    raise SourceUnreadable("DMF1855", WRONG_FILE_TYPE, f"a cell holds {value!r}")


def _number_text(value: float) -> str:
    return str(int(value)) if value.is_integer() else f"{Decimal(repr(value)):f}"


def _duration_text(value: timedelta) -> str:
    minutes, seconds = divmod(int(value.total_seconds()), 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}"


# In this order: a truth value is also an int, a moment also a date.
_TEXTS: tuple[tuple[type, Callable[[Any], str]], ...] = (
    (str, str),
    (bool, lambda value: "Yes" if value else "No"),
    (int, str),
    (float, _number_text),
    (datetime, lambda value: value.isoformat(sep=" ", timespec="seconds")),
    (date, lambda value: f"{value.isoformat()} 00:00:00"),
    (time, lambda value: value.isoformat(timespec="seconds")),
    (timedelta, _duration_text),
)


def _unescaped(text: str) -> str:
    """The streaming reader leaves the workbook standard's escapes as they stand."""
    if "_x" not in text:
        return text
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)


def _without_blank_end(rows: Iterable[list[str]]) -> Iterator[list[str]]:
    """Rows without the blank ones after the last filled one, which a stray format leaves."""
    blank = 0
    for row in rows:
        if not any(row):
            blank += 1
            continue
        yield from ([] for _ in range(blank))
        blank = 0
        yield row


def _header_of(row: Sequence[str]) -> list[str]:
    header = [name.strip() for name in row]
    while header and not header[-1]:
        header.pop()
    if not header:
        raise SourceUnreadable("FF004", HEADER_MISSING)
    if len(header) > _MOST_COLUMNS:
        raise SourceUnreadable("DMF2009", TOO_MANY_COLUMNS)
    return header


def _fitted(rows: Iterable[list[str]], length: int) -> Iterator[list[str]]:
    """Rows as long as the header. Cells right of it are in no column, so no map names them."""
    for row in rows:
        yield row[:length] + [""] * (length - len(row))


def _cell(worksheet: Any, kind: Callable[..., Any], value: str) -> Any:
    """A text cell; None, which is left out, for an empty value."""
    if not value:
        return None
    cell = kind(worksheet, _checked(value))
    # Else `=` at the beginning would make it a formula.
    cell.data_type = "s"
    return cell


def _checked(value: str) -> str:
    if len(value) > _LONGEST_CELL:
        raise FileNotWritable("", f"A cell takes at most {_LONGEST_CELL} characters")
    if unwritable := _UNWRITABLE.search(value):
        raise FileNotWritable("DMF2055", CONTROL_CHARACTERS, f"character {unwritable[0]!r}")
    if "_x" in value:
        value = _ESCAPED.sub(r"_x005F_x\1_", value)
    if not value.strip(" \t\r\n"):
        # Readers drop white space alone.
        return "".join(f"_x{ord(character):04X}_" for character in value)
    # XML turns a bare carriage return into a line feed.
    return value.replace("\r", "_x000D_")


def _name_header(workbook: Any, sheet: str, columns: int) -> None:
    """A defined name over the header, equal to the sheet's (seen in exported files)."""
    from openpyxl.utils import get_column_letter  # noqa: PLC0415  with the workbook
    from openpyxl.workbook.defined_name import DefinedName  # noqa: PLC0415

    if _NO_DEFINED_NAME.fullmatch(sheet):
        return
    cells = f"'{sheet}'!$A$1:${get_column_letter(columns or 1)}$1"
    workbook.defined_names[sheet] = DefinedName(sheet, attr_text=cells)


def _core_properties(workbook: Any) -> bytes:
    from openpyxl.xml.functions import tostring  # noqa: PLC0415  with the workbook

    workbook.properties.created = workbook.properties.modified = _STAMP
    written: bytes = tostring(workbook.properties.to_tree())
    return written


def _copy_without_clock(draft: IO[bytes], stream: IO[bytes], core: bytes) -> None:
    """Copies a workbook; the library stamps the wall clock into properties and directory."""
    with zipfile.ZipFile(draft) as source, zipfile.ZipFile(stream, "w") as target:
        for name in source.namelist():
            info = zipfile.ZipInfo(name, _DOS_STAMP)
            info.compress_type = zipfile.ZIP_DEFLATED
            own = {_CORE: core, _APPLICATION: _WRITTEN_BY_ACCESS}.get(name)
            part = source.open(name) if own is None else io.BytesIO(own)
            with part, target.open(info, "w", force_zip64=name.startswith("xl/work")) as copy:
                shutil.copyfileobj(part, copy, _PIECE)
