"""Making a package of files that people have: which column feeds which field, in which format.

A file that already fits a format of every environment is taken as it stands. Another one (other
delimiter, other encoding) is rewritten as `CSV-Unicode`, which loses no character.
"""

from __future__ import annotations

import codecs
import csv
import io
import itertools
import shutil
from dataclasses import dataclass, replace
from typing import IO, TYPE_CHECKING

from d365fo_emulator.packages.detection import Finding, Kind
from d365fo_emulator.packages.errors import PackageRefused, SourceUnreadable
from d365fo_emulator.packages.formats.model import Shape
from d365fo_emulator.packages.formats.shaping import shape_to_write
from d365fo_emulator.packages.markup import BadMarkup, MarkupStream, check_depth, local_name
from d365fo_emulator.packages.model import FieldMap, Manifest, PackageEntity, PackageHeader
from d365fo_emulator.packages.naming import file_name_for, sheet_name_for
from d365fo_emulator.packages.writer import PackageWriter

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from d365fo_emulator.entities.model import EntityType, Field
    from d365fo_emulator.packages.formats.model import SourceFormat
    from d365fo_emulator.packages.formats.registry import SourceFormats

UNIVERSAL = "CSV-Unicode"
_MOST_COLUMNS = 5000
STEP = 10
"""Between levels and sequences, as projects of the product number theirs."""


@dataclass(frozen=True)
class Source:
    """A file, how it is written, and the entity whose rows it has. `sheet`: of a workbook."""

    path: Path
    finding: Finding
    entity: EntityType
    sheet: str = ""


@dataclass(frozen=True)
class Part:
    """One entity of a package to be made.

    Attributes:
        header: the columns of the file.
        plan: the entity as the manifest will list it.
        rewritten: why the file cannot stand as it is; "" when it can.
        unmapped: columns that no field has the name of.
        unfilled: key and mandatory fields that no column feeds.

    """

    source: Source
    header: tuple[str, ...]
    source_format: SourceFormat
    plan: PackageEntity
    rewritten: str
    unmapped: tuple[str, ...]
    unfilled: tuple[str, ...]


def plan_part(source: Source, formats: SourceFormats, wanted: str = "") -> Part:
    """Finds format and mapping for a file.

    Args:
        source: the file.
        formats: what there is to choose from.
        wanted: name of the format to write; "": the one that the file has, where it has one.

    Raises:
        PackageRefused: no column fits a field of the entity, or the file has none.
        SourceUnreadable: the file is not what it seems.

    """
    own, why = _own_format(source)
    source_format = formats.find(wanted or own or UNIVERSAL)
    if wanted and own != source_format.name:
        why = f"{source_format.name} was asked for"
    if source.finding.kind is Kind.XML and own != source_format.name:
        raise PackageRefused(f"{source.path.name}: XML is taken as it stands, not rewritten")
    with source.path.open("rb") as stream:
        header = _header_of(source, stream, formats)
    maps, unmapped = map_columns(source.entity, header)
    if not maps:
        raise PackageRefused(
            f"{source.path.name}: none of its columns is a field of {source.entity.label}:"
            f" {', '.join(header[:10])}"
        )
    filled = {one.entity_field for one in maps}
    plan = PackageEntity(
        label=source.entity.label,
        file_name=file_name_for(source.entity.label, source_format.extension),
        source_format=source_format.name,
        maps=maps,
        target_entity=source.entity.name,
        sheet=_sheet_of(source, source_format),
    )
    return Part(
        source,
        header,
        source_format,
        plan,
        "" if own == source_format.name else why,
        unmapped,
        tuple(field.name for field in _wanted(source.entity) if _upper(field) not in filled),
    )


def in_levels(parts: Sequence[Part], level_of: Mapping[str, int]) -> list[Part]:
    """The parts with execution units, levels and sequences; `level_of`: by label, 1 the first."""
    counters: dict[int, itertools.count[int]] = {}
    placed = []
    for part in parts:
        level = level_of[part.plan.label]
        sequence = next(counters.setdefault(level, itertools.count(STEP, STEP)))
        plan = replace(part.plan, unit=1, level=level * STEP, sequence=sequence)
        placed.append(replace(part, plan=plan))
    return sorted(placed, key=lambda part: (part.plan.level, part.plan.sequence))


def map_columns(
    entity: EntityType, header: Iterable[str]
) -> tuple[tuple[FieldMap, ...], tuple[str, ...]]:
    """Maps by equal names (of staging, of OData, or the label), and the columns without one."""
    by_label = {field.label.casefold(): field for field in reversed(entity.fields)}
    maps: dict[str, FieldMap] = {}
    unmapped = []
    for column in header:
        field = entity.find_field(column.strip()) or by_label.get(column.strip().casefold())
        if field is None or _upper(field) in maps:
            unmapped.append(column)
        else:
            maps[_upper(field)] = FieldMap(entity_field=_upper(field), xml_field=column)
    return tuple(maps[name] for name in sorted(maps)), tuple(unmapped)


def write_package(
    target: IO[bytes], project: str, parts: Sequence[Part], stamp: datetime, formats: SourceFormats
) -> list[int]:
    """Writes the package; the number of rows of each part (-1: not counted, taken as it stood)."""
    counts = []
    with PackageWriter(target, stamp) as writer:
        for part in parts:
            with writer.data_file(part.plan.file_name) as stream:
                counts.append(_write_part(part, stream, formats))
        manifest = Manifest(project, project, tuple(part.plan for part in parts))
        writer.finish(manifest, PackageHeader(description=project))
    return counts


def _write_part(part: Part, stream: IO[bytes], formats: SourceFormats) -> int:
    source = part.source
    with source.path.open("rb") as file:
        if not part.rewritten:
            shutil.copyfileobj(file, stream, 256 * 1024)
            return -1
        rows = _rows_of(source, file, formats)
        next(rows)
        return part.source_format.write(stream, shape_to_write(source.entity, part.header), rows)


def _own_format(source: Source) -> tuple[str, str]:
    """The stock format that a file is written in, or why it is none."""
    finding = source.finding
    match finding.kind:
        case Kind.WORKBOOK:
            return "EXCEL", ""
        case Kind.XML:
            with source.path.open("rb") as stream:
                return xml_layout(stream, source.entity.name)[0], ""
    if finding.delimiter != ",":
        return "", f"its values are parted by {finding.delimiter!r}"
    if not finding.crlf:
        return "", "its lines end in LF alone"
    if finding.encoding in {"ascii", "cp1252"}:
        return "CSV", ""
    with source.path.open("rb") as stream:
        is_unicode = stream.read(2) == codecs.BOM_UTF16_LE
    return (UNIVERSAL, "") if is_unicode else ("", f"its encoding is {finding.encoding}")


def _header_of(source: Source, stream: IO[bytes], formats: SourceFormats) -> tuple[str, ...]:
    if source.finding.kind is Kind.XML:
        return tuple(xml_layout(stream, source.entity.name)[1])
    return tuple(next(_rows_of(source, stream, formats), ()))


def _rows_of(source: Source, stream: IO[bytes], formats: SourceFormats) -> Iterator[Sequence[str]]:
    """The header, then the rows, all as long as the header."""
    if source.finding.kind is Kind.WORKBOOK:
        table = formats.find("EXCEL").read(stream, Shape(source.entity.name, sheet=source.sheet))
        yield table.header
        yield from table.rows
        return
    text = io.TextIOWrapper(stream, source.finding.encoding, newline="")
    reader = csv.reader(text, delimiter=source.finding.delimiter, strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        yield header
        for row in reader:
            if not row:
                continue
            if len(row) != len(header):
                raise PackageRefused(
                    f"{source.path.name}: line {reader.line_num} has {len(row)} values, the header"
                    f" {len(header)}"
                )
            yield row
    except (csv.Error, UnicodeDecodeError) as error:
        raise PackageRefused(f"{source.path.name}: line {reader.line_num}: {error}") from error
    finally:
        text.detach()


def xml_layout(stream: IO[bytes], entity_name: str) -> tuple[str, list[str]]:
    """The stock format of an XML file, and the names of the fields that its rows have.

    A file whose rows have elements inside is `XML-Element`, one whose rows have attributes alone
    `XML-Attribute`. Rows need not all have the same fields.

    Raises:
        SourceUnreadable: another form of XML.

    """
    elements: dict[str, None] = {}
    attributes: dict[str, None] = {}
    depth = 0

    def start(name: str, own: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        check_depth(depth)
        name = local_name(name)
        if depth == 2:
            if name.casefold() != entity_name.casefold():
                raise BadMarkup(f"a row is named {name!r}, not {entity_name.upper()!r}")
            attributes.update(
                (local_name(one), None) for one in own if one.split(":")[0] != "xmlns"
            )
        elif depth == 3:
            elements[name] = None
        if len(elements) + len(attributes) > _MOST_COLUMNS:
            raise BadMarkup(f"rows have more than {_MOST_COLUMNS} fields")

    def end(_name: str) -> None:
        nonlocal depth
        depth -= 1

    try:
        markup = MarkupStream(stream)
        markup.parser.StartElementHandler, markup.parser.EndElementHandler = start, end
        for _ in markup.pieces():
            pass
    except BadMarkup as error:
        raise SourceUnreadable("", str(error)) from error
    if attributes and not elements:
        return "XML-Attribute", list(attributes)
    return "XML-Element", list(elements)


def _sheet_of(source: Source, source_format: SourceFormat) -> str:
    if source_format.name != "EXCEL":
        return ""
    if source.finding.kind is Kind.WORKBOOK:
        return f"{source.sheet.removesuffix('$')}$" if source.sheet else ""
    return sheet_name_for(source.entity.label) + "$"


def _wanted(entity: EntityType) -> Iterator[Field]:
    keys = set(entity.keys)
    for field in entity.fields:
        if (field.mandatory or field.name in keys) and not field.auto_number:
            yield field


def _upper(field: Field) -> str:
    return field.staging_name.upper()
