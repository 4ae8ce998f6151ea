"""Checks of composite entities: one file for several entities, nested as the composite is."""

from __future__ import annotations

import dataclasses
import functools
import itertools
from typing import TYPE_CHECKING

from d365fo_emulator.lint.context import Listed
from d365fo_emulator.lint.entity_checks import place_of
from d365fo_emulator.lint.model import Place
from d365fo_emulator.lint.row_checks import RowChecks
from d365fo_emulator.packages.composites import (
    known_composite,
    nested_parts,
    part_maps,
    part_names,
)
from d365fo_emulator.packages.formats.nested import NestedRows, fields_by_part
from d365fo_emulator.packages.formats.shaping import shape_to_read
from d365fo_emulator.packages.formats.xml_rows import XmlRows
from d365fo_emulator.packages.mapping import plan_columns

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from d365fo_emulator.entities.model import Composite
    from d365fo_emulator.lint.context import Context
    from d365fo_emulator.lint.row_checks import PackageValues
    from d365fo_emulator.packages.composites import NestedPart
    from d365fo_emulator.packages.formats.model import SourceFormat
    from d365fo_emulator.packages.model import FieldMap


def composite_of(context: Context, listed: Listed) -> Composite | None:
    """The composite entity that the manifest means, if it means one."""
    return known_composite(context.catalogue, listed.plan)


def check_composites(context: Context) -> None:
    """What stands in the manifest: a composite must be alone, and XML."""
    enabled = [listed for listed in context.listed if not listed.plan.disabled]
    for listed in enabled:
        composite = composite_of(context, listed)
        if composite is None:
            continue
        if len(enabled) > 1:
            message = f"{composite.label} is a composite entity, and not alone in the package"
            context.report.add("MAN012", message, place_of(listed))
        if not listed.plan.source_format.casefold().startswith("xml"):
            message = f"{composite.label}: a composite entity must be XML (DMF1963)"
            context.report.add("MAN012", message, place_of(listed, "SourceFormat"))


def check_composite_file(
    context: Context,
    listed: Listed,
    composite: Composite,
    source_format: SourceFormat,
    values: PackageValues,
) -> None:
    """Its file: nesting, an element of each part, and the rows of each.

    Raises:
        SourceUnreadable, LimitExceeded: as the file's reader.

    """
    if not isinstance(source_format, XmlRows):
        return  # said of the manifest
    unknown = [name for name in composite.entities if context.catalogue.find(name) is None]
    if unknown:
        message = f"{composite.label} has entities that are unknown: {', '.join(unknown)}"
        context.report.add("MAN017", message, place_of(listed))
        return
    root = nested_parts(context.catalogue, composite)
    with context.package.open(listed.plan.file_name) as stream:
        renamed = part_names(root, listed.plan.maps or ())
        fields = fields_by_part(source_format, stream, root, renamed)
    numbered = _numbered_parts(root, fields, listed.plan.maps or ())
    for part in root.parts():
        staged = functools.partial(_numbers, part) if part in numbered else _nothing
        rows = NestedRows(source_format, root, part, renamed, staged)
        _check_part(context, listed, rows, fields[part], values)


def _numbered_parts(
    root: NestedPart, fields: Mapping[NestedPart, Sequence[str]], maps: Sequence[FieldMap]
) -> set[NestedPart]:
    """Parts whose links take what a number sequence gives the row around."""
    given: dict[NestedPart, set[str]] = {}
    found: set[NestedPart] = set()
    for parent in root.parts():
        own = part_maps(parent, fields[parent], maps)
        names = given.setdefault(parent, set())
        names |= {one.entity_field for one in own if one.auto_generated}
        for child in parent.children:
            given[child] = {here for here, there in child.links if there in names}
            found |= {child} if given[child] else set()
    return found


def _nothing() -> Iterator[tuple[int, list[str]]]:
    return iter(())


def _numbers(part: NestedPart) -> Iterator[tuple[int, list[str]]]:
    """What stands for the numbers that sequences would give the rows around those of a part."""
    return ((number, [str(number)] * len(part.links)) for number in itertools.count(1))


def _check_part(
    context: Context,
    listed: Listed,
    rows: NestedRows,
    fields: tuple[str, ...],
    values: PackageValues,
) -> None:
    part: NestedPart = rows.part
    entity = part.entity
    names = dict.fromkeys((*fields, *(here for here, _there in part.links)))
    for name in names:
        if not entity.find_field(name):
            message = f"{entity.label} has no field {name}: it is ignored"
            context.report.add("MAP002", message, Place(listed.plan.file_name, field=name))
    maps = part_maps(part, fields, listed.plan.maps or ())
    plan = dataclasses.replace(listed.plan, label=entity.label, maps=maps)
    own = Listed(listed.number, plan, listed.outline, entity)
    with context.package.open(plan.file_name) as stream:
        table = rows.read(stream, shape_to_read(entity, maps))
        columns = plan_columns(table.header, maps)
        RowChecks(context, own, entity, rows, columns, values).check(table.rows)
