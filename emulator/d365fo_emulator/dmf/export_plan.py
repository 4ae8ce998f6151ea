"""What an export writes of an entity: which fields, under which names, which rows. Pure rules."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from d365fo_emulator.entities.conversion import Converter, text_writer
from d365fo_emulator.entities.errors import ValueRejected
from d365fo_emulator.entities.model import FieldType
from d365fo_emulator.entities.store import RowQuery
from d365fo_emulator.entities.values import reader_of
from d365fo_emulator.packages.mapping import staging_name, value_rules
from d365fo_emulator.packages.model import FieldMap
from d365fo_emulator.packages.naming import file_name_for, sheet_name_for

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from d365fo_emulator.dmf.model import RunOptions
    from d365fo_emulator.entities.culture import Culture
    from d365fo_emulator.entities.model import EntityType, Field
    from d365fo_emulator.entities.replacing import ValuePair
    from d365fo_emulator.entities.store import Value
    from d365fo_emulator.packages.formats.model import SourceFormat
    from d365fo_emulator.packages.model import PackageEntity, RowFilter

INCREMENTAL = "IncrementalPush"


def exported_maps(planned: PackageEntity, entity: EntityType) -> dict[str, FieldMap]:
    """The maps of the fields that are written, by staging name, in the order of the file's columns.

    Without maps of its own, all fields of the entity: the key in index order, the rest by alphabet
    (recorded). A per-company entity then has no column for the company (recorded); a project that
    maps one gets it. A map that names no field of the entity writes nothing.
    """
    chosen = {staging_name(one): one for one in planned.maps or ()}
    if not chosen:
        fields = [field for field in entity.file_fields if field is not entity.company_field]
        names = [field.staging_name.upper() for field in fields]
        return {name: FieldMap(entity_field=name, xml_field=name) for name in names}
    return {
        name: _named(chosen[name], name)
        for name in (field.staging_name.upper() for field in entity.file_fields)
        if name in chosen
    }


def column_writer(field: Field, item: FieldMap, culture: Culture) -> Callable[[Value], str]:
    """What writes the values of a column.

    The pairs of its map are taken the other way round, from the value to the file's, so that an
    import of the package by its own manifest gives the value again (inferred). A value that no
    pair gives is written as it is.
    """
    write, plain = text_writer(field, culture), text_writer(field)
    rule = value_rules([item]).get(staging_name(item))
    in_files: dict[str, str] = {}
    taken: set[str] = set()
    for pair in rule.pairs if rule else ():
        source = pair.source.strip().casefold()
        if source in taken:
            continue  # an import takes the first pair of a source
        taken.add(source)
        try:
            stored = (reader_of(field) or str)(pair.staging)
            in_files.setdefault(plain(stored).casefold(), _as_file(field, pair, culture))
        except ValueRejected:
            continue  # it never gives a value
    if not in_files:
        return write
    return lambda value: in_files.get(plain(value).casefold()) or write(value)


def _as_file(field: Field, pair: ValuePair, culture: Culture) -> str:
    """The file's value of a pair, which control files spell in English."""
    if pair.type is FieldType.STRING:
        return pair.source
    typed = dataclasses.replace(field, type=pair.type)
    return text_writer(typed, culture)((reader_of(typed) or str)(pair.source))


def _named(item: FieldMap, name: str) -> FieldMap:
    """The map of a column: what a number sequence or a default would fill is in the file here."""
    return dataclasses.replace(
        item, xml_field=item.xml_field or name, auto_generated=False, auto_default=False
    )


def written_as(
    planned: PackageEntity,
    entity: EntityType,
    source_format: SourceFormat,
    taken: Collection[str],
) -> PackageEntity:
    """The entity as the package's manifest lists it: its file, its sheet, its maps.

    Maps stand by alphabet, whatever the order of columns; fields that no import can write are in
    the file and not among them (both recorded). `taken`: folded names that the package has; two
    labels that differ only in what Windows forbids are told apart by a number.
    """
    maps = exported_maps(planned, entity).items()
    writable = [one for name, one in maps if not entity.by_staging_name[name].read_only]
    return dataclasses.replace(
        planned,
        label=entity.label,
        source_format=source_format.name,
        file_name=free_name(entity.label, source_format.extension, taken),
        sheet=sheet_name_for(entity.label) + "$" if source_format.extension == ".xlsx" else "",
        target_entity=entity.name,
        maps=tuple(sorted(writable, key=lambda one: one.entity_field)),
    )


def free_name(label: str, extension: str, taken: Collection[str]) -> str:
    """A name for the entity's file that none of `taken` (folded) is."""
    name, number = file_name_for(label, extension), 0
    while name.casefold() in taken:
        number += 1
        name = file_name_for(f"{label}_{number}", extension)
    return name


def reads_changes(planned: PackageEntity, options: RunOptions) -> bool:
    """Whether only changed rows are written: the call wants it, or the entity's refresh type."""
    return options.changes_only or planned.refresh_type == INCREMENTAL


def query_of(
    planned: PackageEntity, entity: EntityType, company: str, changed_after: int
) -> RowQuery:
    """The rows that are written: of one company, unless the entity is shared (inferred)."""
    where = [_condition(entity, one) for one in planned.filters]
    return RowQuery(
        company=company if entity.per_company else None,
        changed_after=changed_after,
        where=tuple(one for one in where if one is not None),
    )


def _condition(entity: EntityType, item: RowFilter) -> tuple[Field, tuple[Value, ...]] | None:
    field = entity.find_field(item.field)
    if field is None:
        return None
    values: list[Value] = list(filter_values(field, item.values))
    never_given = text_writer(field)(None)
    if never_given in map(text_writer(field), values):
        values.append(None)
    return field, tuple(values)


def filter_values(field: Field, texts: Sequence[str]) -> tuple[Value, ...]:
    """Values of a filter as they are stored.

    Raises:
        ValueError: a text that is no value of the field.

    """
    columns, errors = Converter([field]).convert([[text] for text in texts], 1)
    if errors:
        raise ValueError(errors[0].message)
    return tuple(columns[0]) if columns else ()


def chosen_entities(
    entities: Sequence[PackageEntity], names: str
) -> tuple[tuple[PackageEntity, ...], tuple[str, ...]]:
    """The entities that a comma-separated list names, and the names that none of them has.

    They go by label (client), or by AOT name (inferred), letter case and blanks around aside, and
    stay in the project's order. A label may hold commas itself. An empty list: all (inferred).
    """
    pieces = [piece.strip() for piece in names.split(",")]
    if not any(pieces):
        return tuple(entities), ()
    known = {name.casefold() for one in entities for name in _names_of(one)}
    wanted, unknown = set[str](), list[str]()
    while pieces:
        for count in range(len(pieces), 0, -1):
            name = ", ".join(pieces[:count]).casefold()
            if name in known:
                wanted.add(name)
                break
        else:
            count = 1
            unknown += [pieces[0]] if pieces[0] else []
        pieces = pieces[count:]
    chosen = [one for one in entities if {n.casefold() for n in _names_of(one)} & wanted]
    return tuple(chosen), tuple(unknown)


def _names_of(one: PackageEntity) -> tuple[str, ...]:
    return tuple(filter(None, (one.label, one.target_entity)))
