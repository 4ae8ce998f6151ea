"""Checks of an entity's maps: by the catalogue, and by the header of its file."""

from __future__ import annotations

import collections
from typing import TYPE_CHECKING

from d365fo_emulator.entities.model import FieldType, Origin
from d365fo_emulator.entities.validation import must_be_filled
from d365fo_emulator.kernel.tables import nearest
from d365fo_emulator.lint.entity_checks import are_alike, place_of
from d365fo_emulator.lint.manifest_checks import at
from d365fo_emulator.lint.model import Place, Severity
from d365fo_emulator.packages.archive import MANIFEST
from d365fo_emulator.packages.mapping import staging_name, wanted_columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from d365fo_emulator.entities.model import EntityType
    from d365fo_emulator.lint.context import Context, Listed
    from d365fo_emulator.packages.model import FieldMap

SURE = 0.9
MOST_LOOKED_AT = 200
"""Unknown fields of an entity that are held against known ones: comparing texts is slow."""
MOST_LETTERS = 2
"""How alike two names are, and how many letters one has more, of which one is misspelt."""


def check_maps(context: Context, listed: Listed) -> None:
    """What can be said of the maps without the file."""
    maps = listed.plan.maps
    if not maps:
        what = "has no EntityMapList" if maps is None else "has an empty EntityMapList"
        place = place_of(listed, "EntityMapList")
        context.report.add("MAN004", f"{listed.plan.label} {what}: no row is read", place)
        return
    _check_twice(context, listed, maps)
    if listed.known is not None:
        _check_fields(context, listed, listed.known, maps)
        _check_filled(context, listed, listed.known, maps)


def map_place(listed: Listed, number: int) -> Place:
    """Where a map stands, counted from 0."""
    maps = listed.outline.maps
    position = maps[number] if number < len(maps) else listed.outline.position
    return at(MANIFEST, position, f"{listed.path}/EntityMapList[{number + 1}]")


def _check_twice(context: Context, listed: Listed, maps: Sequence[FieldMap]) -> None:
    label, report = listed.plan.label, context.report
    fields: set[str] = set()
    for number, item in enumerate(maps):
        name = staging_name(item)
        if not name:
            report.add("MAP006", f"{label}: a map names no field", map_place(listed, number))
        elif name in fields:
            report.add("MAP006", f"{label}: {name} is mapped twice", map_place(listed, number))
        fields.add(name)


def _check_fields(
    context: Context, listed: Listed, entity: EntityType, maps: Sequence[FieldMap]
) -> None:
    label, report = listed.plan.label, context.report
    unknown: list[str] = []
    for number, item in enumerate(maps):
        name = staging_name(item)
        field = entity.find_field(name)
        if field is None:
            # Elements of array fields are named by their number.
            if not name or item.array_index > 1:
                continue
            looked_at = len(unknown) < MOST_LOOKED_AT
            if not (looked_at and _misspelt(context, listed, number, name)):
                unknown.append(name)
        elif field.read_only:
            message = f"{label}: {name} is exported only; no value is taken for it"
            report.add("MAP008", message, map_place(listed, number))
        elif field.type is FieldType.ENUM and _first_by_default(item, field.enum):
            message = f"{label}: the default of {name} is its first value"
            report.add("MAP007", message, map_place(listed, number))
    if unknown:
        shown = ", ".join(unknown[:3]) + (", …" if len(unknown) > 3 else "")
        many = "mapped field is" if len(unknown) == 1 else "mapped fields are"
        message = f"{label}: {len(unknown)} {many} not in the catalogue ({shown})"
        report.add("MAP010", message, place_of(listed, "EntityMapList"))


def _misspelt(context: Context, listed: Listed, number: int, name: str) -> bool:
    """Says of an unknown field that it is one, where that is sure or likely."""
    entity = listed.known
    assert entity is not None  # noqa: S101  fields are checked of known entities alone
    described = entity.origin is Origin.ENVIRONMENT
    near = nearest(name, entity.by_staging_name, most=1)
    likely = (
        bool(near)
        and abs(len(name) - len(near[0])) <= MOST_LETTERS
        and are_alike(name, near[0], SURE)
    )
    if not (described or likely):
        return False
    hint = f"; did you mean {near[0]}?" if near else ""
    context.report.add(
        "MAP004",
        f"{listed.plan.label} has no field {name}{hint}",
        map_place(listed, number),
        severity=Severity.FAILS if described else Severity.FRAGILE,
    )
    return True


def _first_by_default(item: FieldMap, symbols: Sequence[str]) -> bool:
    first = {"", "0", *(symbol.casefold() for symbol in symbols[:1])}
    return any(one.is_default and one.staging.casefold() in first for one in item.conversions)


def _check_filled(
    context: Context, listed: Listed, entity: EntityType, maps: Sequence[FieldMap]
) -> None:
    mapped = {staging_name(item) for item in maps}
    keys = {field.name for field in entity.key_fields}
    needed = {field.name for field in must_be_filled(entity)} | keys
    for field in entity.fields:
        if field.name not in needed or field.staging_name.upper() in mapped or field.auto_number:
            continue
        if field.default:
            continue
        kind = "key" if field.name in keys else "mandatory"
        message = f"{listed.plan.label}: the {kind} field {field.staging_name} has no map"
        context.report.add("MAP005", message, place_of(listed, "EntityMapList"))


def check_header(context: Context, listed: Listed, header: Sequence[str]) -> None:
    """Columns and maps, held against one another; the reader raises what it would fail on."""
    maps = listed.plan.maps or ()
    wanted = {name.strip().casefold() for name in wanted_columns(maps)}
    for name in header:
        if name.strip().casefold() not in wanted:
            place = Place(listed.plan.file_name, field=name)
            context.report.add("MAP002", f"the column {name!r} has no map and is ignored", place)


def code_of_mismatch(header: Sequence[str], maps: Sequence[FieldMap], product_code: str) -> str:
    """The rule that a refused plan of columns breaks."""
    if product_code == "DMF2025":
        return "MAP001"
    here = collections.Counter(name.strip().casefold() for name in header)
    wanted = {name.strip().casefold() for name in wanted_columns(maps)}
    if wanted and not wanted & here.keys():
        return "MAP003"
    return "MAP012" if any(here[name] > 1 for name in wanted) else "MAP006"
