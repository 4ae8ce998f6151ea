"""From an entity of the catalogue to the shape of its data files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from d365fo_emulator.entities.model import FieldType
from d365fo_emulator.packages.formats.model import Shape
from d365fo_emulator.packages.mapping import is_automatic, staging_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from d365fo_emulator.entities.model import EntityType, Field
    from d365fo_emulator.packages.model import FieldMap

# Characters that the longest value of a type takes in exported files, where the catalogue gives
# no size; inferred, since no file of fixed width is known.
_WIDTHS = {
    FieldType.STRING: 255,
    FieldType.INT: 11,
    FieldType.INT64: 20,
    FieldType.REAL: 34,
    FieldType.DATE: 19,
    FieldType.DATETIME: 19,
    FieldType.TIME: 8,
    FieldType.NOYES: 3,
    FieldType.ENUM: 60,
    FieldType.GUID: 38,
}


def shape_to_write(entity: EntityType, columns: Iterable[str]) -> Shape:
    """The shape of a file with these columns, in their order."""
    columns = tuple(columns)
    widths = tuple(_width(entity.find_field(name), name) for name in columns)
    return Shape(entity.name, entity.label, columns, widths)


def shape_to_read(entity: EntityType, maps: Iterable[FieldMap], sheet: str = "") -> Shape:
    """The shape of a file that has just the columns of the maps, as exported files have them.

    Files without header row are read by place, and manifests list their maps by alphabet: files
    have the entity's key first. Maps of no field of the entity come last, as they come.
    """
    place = {field.staging_name.upper(): at for at, field in enumerate(entity.file_fields)}
    named = {one.xml_field: staging_name(one) for one in maps if not is_automatic(one)}
    columns = tuple(sorted(named, key=lambda name: place.get(named[name], len(place))))
    widths = tuple(_width(entity.find_field(named[name]), name) for name in columns)
    return Shape(entity.name, entity.label, columns, widths, sheet)


def _width(field: Field | None, column: str) -> int:
    """Never less than the name: it stands above the values."""
    if field is None:
        return max(_WIDTHS[FieldType.STRING], len(column))
    return max(field.size or _WIDTHS[field.type], len(column))
