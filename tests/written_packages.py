"""Data packages made by the emulator's writer in any format, and read by independent means."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import openpyxl

from d365fo_emulator.entities.builtin import BuiltinCatalogue
from d365fo_emulator.packages.formats.model import Shape
from d365fo_emulator.packages.formats.registry import STANDARD
from d365fo_emulator.packages.formats.shaping import shape_to_write
from d365fo_emulator.packages.model import FieldMap, Manifest, PackageEntity, PackageHeader
from d365fo_emulator.packages.naming import file_name_for
from d365fo_emulator.packages.writer import PackageWriter

STAMP = datetime(2026, 1, 1, tzinfo=UTC)


def written(label, name, columns, rows, source_format="CSV", entity=None):
    """A package of one entity: its label and AOT name, column names, and rows of text.

    `entity`: one that the built-in catalogue lacks.
    """
    form = STANDARD.find(source_format)
    file_name = file_name_for(label, form.extension)
    maps = tuple(FieldMap(column, column) for column in sorted(columns))
    plan = PackageEntity(label, file_name, form.name, maps, target_entity=name)
    target = io.BytesIO()
    with PackageWriter(target, STAMP) as writer:
        with writer.data_file(file_name) as stream:
            form.write(stream, _shape(name, label, columns, entity), rows)
        writer.finish(Manifest(label, label, (plan,)), PackageHeader(label))
    return target.getvalue()


def _shape(name, label, columns, entity):
    entity = entity or BuiltinCatalogue().find(name)
    return shape_to_write(entity, columns) if entity else Shape(name, label, tuple(columns))


def tables(package):
    """Header and rows of each data file of a package, by file name."""
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        return {
            name: _table(name, archive.read(name))
            for name in archive.namelist()
            if name not in ("Manifest.xml", "PackageHeader.xml")
        }


def table(package):
    """Header and rows of the only data file of a package."""
    (only,) = tables(package).values()
    return only


def _table(name, content):
    if name.endswith(".xlsx"):
        return _sheet(content)
    if name.endswith(".xml"):
        return _elements(content)
    return _lines(content)


def _lines(content):
    if content.startswith(b"\xff\xfe"):
        text = content.decode("utf-16")
    else:
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError:
            text = content.decode("cp1252")
    header, *rows = csv.reader(io.StringIO(text, newline=""))
    return header, rows


def _elements(content):
    rows = list(ET.fromstring(content))
    header = [field.tag for field in rows[0]]
    return header, [[field.text or "" for field in row] for row in rows]


def _sheet(content):
    workbook = openpyxl.load_workbook(io.BytesIO(content), read_only=True)
    try:
        rows = [
            ["" if cell is None else str(cell) for cell in row]
            for row in workbook.worksheets[0].iter_rows(values_only=True)
        ]
    finally:
        workbook.close()
    width = len(rows[0])
    return rows[0], [row + [""] * (width - len(row)) for row in rows[1:]]
