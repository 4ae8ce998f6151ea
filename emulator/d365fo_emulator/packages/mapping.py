"""From a file's header and a manifest's maps to a plan: which column feeds which field. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from d365fo_emulator.entities.model import FieldType
from d365fo_emulator.entities.replacing import ValuePair, ValueRule
from d365fo_emulator.packages.errors import COLUMN_NOT_FOUND, MAPPING_MISMATCH, SourceUnreadable
from d365fo_emulator.packages.model import ConversionType

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from d365fo_emulator.packages.model import FieldMap


@dataclass(frozen=True)
class ColumnPlan:
    """How the rows of one file become staging rows.

    Attributes:
        fields: staging names, in upper case, in the order of the maps.
        positions: where in a file's row each field's value stands; None: nowhere, since the
            field is filled by a number sequence or a default.
        ignored: columns of the file that no map asks for, as the file spells them.

    """

    fields: tuple[str, ...]
    positions: tuple[int | None, ...]
    ignored: tuple[str, ...]

    @property
    def takes_rows(self) -> bool:
        """False without any map: the import then succeeds with zero rows (client)."""
        return bool(self.fields)


def plan_columns(header: Sequence[str], maps: Sequence[FieldMap]) -> ColumnPlan:
    """Matches columns and maps by name, letter case ignored.

    Raises:
        SourceUnreadable: DMF1966 when no mapped column is in the file at all, a field or a mapped
            column is there twice, or a map names no field; DMF2025 when some mapped columns are
            missing.

    """
    if not all(map(staging_name, maps)):
        raise SourceUnreadable("DMF1966", MAPPING_MISMATCH, "a map of the manifest names no field")
    _refuse_twice("field", [staging_name(item) for item in maps])
    wanted = {_folded(name) for name in wanted_columns(maps)}
    _refuse_twice("column", [name for name in header if _folded(name) in wanted])
    position_of = {_folded(name): at for at, name in enumerate(header)}
    missing = [name for name in wanted_columns(maps) if _folded(name) not in position_of]
    if missing and not wanted & position_of.keys():
        raise SourceUnreadable(
            "DMF1966", MAPPING_MISMATCH, f"none of the mapped columns is in the file: {missing}"
        )
    if missing:
        raise SourceUnreadable("DMF2025", f"{COLUMN_NOT_FOUND}: {', '.join(missing)}")
    return ColumnPlan(
        fields=tuple(staging_name(item) for item in maps),
        positions=tuple(
            None if is_automatic(item) else position_of[_folded(item.xml_field)] for item in maps
        ),
        ignored=tuple(name for name in header if _folded(name) not in wanted),
    )


def wanted_columns(maps: Sequence[FieldMap]) -> tuple[str, ...]:
    """Columns that the maps ask of the file; what is filled by the system asks for none."""
    return tuple(item.xml_field for item in maps if not is_automatic(item))


def staging_name(item: FieldMap) -> str:
    """Staging field of a map, in upper case.

    Elements of an array field are numbered from 1 and, from the second, end in their number and
    an underscore (`FILTERGROUP2_`, documented by exports); the maps of exports have that ending
    already.
    """
    name = item.entity_field.strip().upper()
    ending = f"{item.array_index}_"
    return name if item.array_index < 2 or name.endswith(ending) else name + ending


def generated_fields(maps: Sequence[FieldMap]) -> frozenset[str]:
    """Staging names of fields that a number sequence fills."""
    return frozenset(staging_name(item) for item in maps if item.auto_generated)


_TYPES = {
    ConversionType.STR: FieldType.STRING,
    ConversionType.INT: FieldType.INT64,
    ConversionType.REAL: FieldType.REAL,
    ConversionType.GUID: FieldType.GUID,
    ConversionType.DATE: FieldType.DATE,
    ConversionType.TIME: FieldType.TIME,
    ConversionType.UTC_DATE_TIME: FieldType.DATETIME,
}


def value_rules(maps: Sequence[FieldMap]) -> dict[str, ValueRule]:
    """What the maps say of their columns beyond names, by staging name; most say nothing.

    `UseTextQualifier` changes nothing: readers take quotes around texts in any case.
    """
    return {
        staging_name(item): _rule_of(item)
        for item in maps
        if item.conversions or item.default_when_empty
    }


def _rule_of(item: FieldMap) -> ValueRule:
    defaults = [one.staging for one in item.conversions if one.is_default]
    return ValueRule(
        pairs=tuple(
            ValuePair(_TYPES[one.type], one.source, one.staging)
            for one in item.conversions
            if not one.is_default
        ),
        default=defaults[0] if defaults else None,
        blank_keeps=item.default_when_empty,
    )


def unknown_fields(maps: Sequence[FieldMap], known: Collection[str]) -> tuple[str, ...]:
    """Staging fields of the maps that the entity does not have; `known` is in upper case."""
    return tuple(name for name in map(staging_name, maps) if name not in known)


def is_automatic(item: FieldMap) -> bool:
    """Whether a number sequence or a default fills the field: no column is asked for."""
    return item.auto_generated or item.auto_default


def _folded(name: str) -> str:
    return name.strip().casefold()


def _refuse_twice(what: str, names: Sequence[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if _folded(name) in seen:
            raise SourceUnreadable("DMF1966", MAPPING_MISMATCH, f"{what} {name!r} is there twice")
        seen.add(_folded(name))
