"""What `--fix` does to control files, by the code of the rule that asks for it."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from d365fo_emulator.kernel.errors import NotEmulated
from d365fo_emulator.lint.control_xml import (
    Q,
    map_element,
    put_text,
    sort_children,
    text_of,
)
from d365fo_emulator.lint.manifest_checks import KNOWN_VERSIONS, LONGEST_NAME
from d365fo_emulator.lint.sheet_checks import sheets_of
from d365fo_emulator.lint.text_fixes import to_unicode_crlf
from d365fo_emulator.packages.archive import HEADER, MANIFEST, Package
from d365fo_emulator.packages.errors import PackageRefused, SourceUnreadable
from d365fo_emulator.packages.formats.delimited import CSV_UNICODE
from d365fo_emulator.packages.formats.excel import Excel
from d365fo_emulator.packages.formats.model import Shape
from d365fo_emulator.packages.formats.xml_rows import XmlRows
from d365fo_emulator.packages.model import PackageHeader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from xml.etree import ElementTree as ET

    from d365fo_emulator.lint.context import LintOptions


@dataclass
class Mending:
    """A package being mended: its control files as trees, to be changed in place."""

    package: Package
    options: LintOptions
    trees: dict[str, ET.Element]

    @property
    def entities(self) -> Iterator[ET.Element]:
        """The listed entities."""
        return self.trees[MANIFEST].iter(f"{Q}DataManagementPackageEntityData")


def _sort(mending: Mending) -> list[str]:
    moved = {name: sort_children(tree) for name, tree in mending.trees.items()}
    return [
        f"{name}: elements are in alphabetical order now" for name, count in moved.items() if count
    ]


def _cut(mending: Mending) -> list[str]:
    done = []
    for file, name in (
        (HEADER, "Description"),
        (MANIFEST, "DefinitionGroupName"),
        (MANIFEST, "Description"),
    ):
        text = text_of(mending.trees[file], name)
        if len(text) > LONGEST_NAME:
            put_text(mending.trees[file], name, text[:LONGEST_NAME].rstrip())
            done.append(f"{file}: {name} is cut to {LONGEST_NAME} characters")
    return done


def _type_header(mending: Mending) -> list[str]:
    header, good = mending.trees[HEADER], PackageHeader()
    done = []
    for name, value, known in (
        ("ManifestType", good.manifest_type, (good.manifest_type,)),
        ("PackageType", good.package_type, (good.package_type,)),
        ("PackageVersion", str(good.version), tuple(map(str, KNOWN_VERSIONS))),
    ):
        if text_of(header, name) not in known:
            put_text(header, name, value)
            done.append(f"{name} is {value} now")
    return done


def _label(mending: Mending) -> list[str]:
    catalogue, done = mending.options.catalogue(), []
    for entity in mending.entities:
        name = text_of(entity, "EntityName")
        known = catalogue.find(name)
        if known is not None and name.casefold() != known.label.casefold():
            put_text(entity, "EntityName", known.label)
            done.append(f"EntityName {name} is {known.label} now")
    return done


def _drop_doubled(mending: Mending) -> list[str]:
    done = []
    for entity in mending.entities:
        maps = entity.find(f"{Q}EntityMapList")
        if maps is None:
            continue
        seen: set[str] = set()
        for item in list(maps):
            index = text_of(item, "ArrayIndex") or "0"
            name = text_of(item, "EntityField").upper()
            ending = f"{index}_" if index not in {"0", "1"} and not name.endswith("_") else ""
            if name and name + ending not in seen:
                seen.add(name + ending)
            else:
                maps.remove(item)
                label = text_of(entity, "EntityName")
                done.append(f"{label}: a map of {name or 'no field'} is left out")
    return done


def _make_maps(mending: Mending) -> list[str]:
    catalogue, done = mending.options.catalogue(), []
    for entity in mending.entities:
        maps = entity.find(f"{Q}EntityMapList")
        if maps is not None and len(maps):
            continue
        label = text_of(entity, "EntityName")
        columns = _header_of(mending, entity)
        known = catalogue.find(text_of(entity, "TargetEntity")) or catalogue.find(label)
        names = {name.casefold(): name for name in columns if name.strip()}
        if not names:
            continue
        put_text(entity, "EntityMapList", "")
        maps = entity.find(f"{Q}EntityMapList")
        assert maps is not None  # noqa: S101  just put there
        maps.text = None
        for column in sorted(names.values(), key=str.upper):
            field = known.find_field(column) if known else None
            maps.append(map_element(field.staging_name if field else column.upper(), column))
        done.append(f"{label}: {len(names)} maps are made from the header of its file")
    return done


def _header_of(mending: Mending, entity: ET.Element) -> list[str]:
    """The columns of an entity's file; none where the file has no names or cannot be read."""
    name = text_of(entity, "InputFilePath")
    if not mending.package.find(name):
        return []
    try:
        source_format = mending.options.formats.find(text_of(entity, "SourceFormat"))
        if isinstance(source_format, XmlRows):
            return []
        shape = Shape(sheet=text_of(entity, "ExcelSheetName"))
        with mending.package.open(name) as stream, tempfile.TemporaryFile() as copy:
            if source_format == CSV_UNICODE:  # its encoding is mended too, in the next round
                to_unicode_crlf(stream, copy)
                copy.seek(0)
                return list(source_format.read(copy, shape).header)
            return list(source_format.read(stream, shape).header)
    except (SourceUnreadable, PackageRefused, NotEmulated):
        return []


def _name_sheet(mending: Mending) -> list[str]:
    done = []
    for entity in mending.entities:
        name, sheet = text_of(entity, "InputFilePath"), text_of(entity, "ExcelSheetName")
        if not sheet or not mending.package.find(name):
            continue
        try:
            source_format = mending.options.formats.find(text_of(entity, "SourceFormat"))
        except (SourceUnreadable, NotEmulated):
            continue
        sheets = sheets_of(mending.package, name) if isinstance(source_format, Excel) else []
        wanted = sheet.strip("'").removesuffix("$").casefold()
        if len(sheets) == 1 and sheets[0].casefold() != wanted:
            put_text(entity, "ExcelSheetName", f"{sheets[0]}$")
            done.append(f"{text_of(entity, 'EntityName')}: ExcelSheetName is {sheets[0]}$ now")
    return done


CONTROL_FIXES: dict[str, Callable[[Mending], list[str]]] = {
    "MAN003": _sort,
    "MAN004": _make_maps,
    "MAN005": _label,
    "MAN009": _cut,
    "MAN013": _type_header,
    "MAP006": _drop_doubled,
    "XLS002": _name_sheet,
}
"""In this order; each says what it did, and does nothing where it cannot."""
