"""Checks of a workbook that its reader forgives: kinds of cells, sheets, long texts."""

from __future__ import annotations

import re
import shutil
import tempfile
from typing import IO, TYPE_CHECKING

from d365fo_emulator.lint.entity_checks import place_of
from d365fo_emulator.lint.model import Place, Severity
from d365fo_emulator.packages.archive import Package, open_workbook
from d365fo_emulator.packages.errors import PackageRefused
from d365fo_emulator.packages.markup import BadMarkup, MarkupStream, local_name

if TYPE_CHECKING:
    from d365fo_emulator.lint.context import Context, Listed

PIECE = 256 * 1024
OVERLAP = 512
LONGEST_TEXT = 255
DUMMY_ROW = "This is a string that is inserted into Excel as a dummy cell"
"""Beginning of the text that exports add for columns of long texts (documented)."""

_CELL = re.compile(rb"<(?:\w+:)?c\s([^<>]{0,200}?)(?<!/)>\s*<(?:\w+:)?(f|v)\b")
_TEXT_CELL = re.compile(rb"""\bt\s*=\s*["'](?:s|str|inlineStr)["']""")
_REFERENCE = re.compile(rb"""\br\s*=\s*["']([A-Za-z]{1,3}[0-9]{1,7})["']""")


def check_workbook(context: Context, listed: Listed) -> None:
    """Opens the workbook beside its reader; what is no workbook is left to the reader."""
    name = listed.plan.file_name
    with context.package.open(name) as stream, tempfile.TemporaryFile() as file:
        shutil.copyfileobj(stream, file, PIECE)
        try:
            workbook = open_workbook(file)
        except PackageRefused:
            return
        with workbook:
            sheets = _sheet_names(workbook)
            _check_sheets(context, listed, sheets)
            _check_cells(context, name, workbook)


def sheets_of(package: Package, name: str) -> list[str]:
    """Names of the sheets of a workbook in a package; none when it is no workbook."""
    with package.open(name) as stream, tempfile.TemporaryFile() as file:
        shutil.copyfileobj(stream, file, PIECE)
        try:
            with open_workbook(file) as workbook:
                return _sheet_names(workbook)
        except PackageRefused:
            return []


def _check_sheets(context: Context, listed: Listed, sheets: list[str]) -> None:
    if len(sheets) < 2:
        return
    wanted = listed.plan.sheet or "the first"
    context.report.add(
        "XLS002",
        f"the workbook has {len(sheets)} sheets ({', '.join(sheets[:3])}); {wanted} is read",
        place_of(listed, "ExcelSheetName"),
        severity=Severity.FRAGILE,
        remedy="Leave one sheet in the workbook.",
    )


def _sheet_names(workbook: Package) -> list[str]:
    names: list[str] = []
    part = "xl/workbook.xml"
    if workbook.find(part) is None:
        return names

    def start(name: str, attributes: dict[str, str]) -> None:
        if local_name(name) == "sheet":
            names.append(attributes.get("name", ""))

    try:
        with workbook.open(part) as stream:
            markup = MarkupStream(stream)
            markup.parser.StartElementHandler = start
            for _ in markup.pieces():
                pass
    except BadMarkup:
        return []
    return names


def _check_cells(context: Context, name: str, workbook: Package) -> None:
    """Numbers and formulas, found in the markup: the readers turn both into values."""
    for part in workbook.names:
        if not part.casefold().startswith("xl/worksheets/") or not part.endswith(".xml"):
            continue
        with workbook.open(part) as stream:
            _scan(context, name, stream)


def _scan(context: Context, name: str, stream: IO[bytes]) -> None:
    tail = b""
    while piece := stream.read(PIECE):
        text = tail + piece
        seen = 0
        for cell in _CELL.finditer(text):
            seen = cell.end()
            attributes, kind = cell.groups()
            if kind == b"v" and _TEXT_CELL.search(attributes):
                continue
            found = _REFERENCE.search(attributes)
            where = found[1].decode() if found else ""
            what = "a formula" if kind == b"f" else "a number or date, not a text"
            context.report.add("XLS003", f"the cell {where} holds {what}", Place(name, field=where))
        tail = text[max(seen, len(text) - OVERLAP) :]
