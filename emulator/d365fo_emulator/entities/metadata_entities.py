"""Entities made from a `$metadata` document, with what a list and the built-in catalogue add."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from d365fo_emulator.entities.entity_list import EntityList, ListedEntity
from d365fo_emulator.entities.model import (
    MOST_FIELDS,
    EntityType,
    Field,
    FieldType,
    Origin,
    Reference,
)
from d365fo_emulator.entities.naming import label_of, staging_name_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from d365fo_emulator.entities.builtin import BuiltinCatalogue
    from d365fo_emulator.entities.metadata_document import MetadataDocument, Property, Type

COMPANY = "dataareaid"
NO_YES = ("No", "Yes")
TYPES: dict[str, tuple[FieldType, bool]] = {
    "Edm.String": (FieldType.STRING, True),
    "Edm.Boolean": (FieldType.NOYES, True),
    "Edm.Byte": (FieldType.INT, True),
    "Edm.SByte": (FieldType.INT, True),
    "Edm.Int16": (FieldType.INT, True),
    "Edm.Int32": (FieldType.INT, True),  # a time of day is such a number too (recorded)
    "Edm.Int64": (FieldType.INT64, True),
    "Edm.Single": (FieldType.REAL, True),
    "Edm.Double": (FieldType.REAL, True),
    "Edm.Decimal": (FieldType.REAL, True),
    "Edm.Guid": (FieldType.GUID, True),
    "Edm.Date": (FieldType.DATE, True),
    "Edm.TimeOfDay": (FieldType.TIME, True),
    "Edm.DateTimeOffset": (FieldType.DATETIME, False),  # dates are written so as well (recorded)
}
"""Field type of each primitive type, and whether it is certain. Any other is an inferred text."""
MANY_DECIMALS = 16


class MetadataEntities:
    """The entities of a document.

    Args:
        document: what was read.
        listed: labels and AOT names of the same environment.
        builtin: names the entities that it has too, and lends them what no document says:
            labels, references, sizes.

    """

    def __init__(
        self, document: MetadataDocument, listed: EntityList, builtin: BuiltinCatalogue
    ) -> None:
        self._document = document
        self._listed = listed
        self._builtin = builtin
        self._names: dict[str, str] = {}  # by qualified type
        self._taken: set[str] = set()

    def __iter__(self) -> Iterator[EntityType]:
        usable = list(self._document.usable())
        described = [(c, t, self._known(c, t)) for c, t in usable]
        for collection, one, (listed, standard) in described:
            name = listed.name or (standard.name if standard else f"{one.name}Entity")
            self._names[self._document.sets[collection]] = name
        for collection, one, (listed, standard) in described:
            entity = self._entity(collection, one, listed, standard)
            if why := self._refusal(entity):
                self._document.problems.append(f"{collection}: {why}")
                continue
            self._taken.add(entity.name.casefold())
            yield entity

    def _refusal(self, entity: EntityType) -> str:
        """Why a set cannot be an entity; "" when it can."""
        if not entity.fields:
            return "it has no property that a file could hold"
        if len(entity.fields) > MOST_FIELDS:
            return f"it has {len(entity.fields)} properties; at most {MOST_FIELDS} can be kept"
        if entity.name.casefold() in self._taken:
            return f"the AOT name {entity.name} belongs to another set already"
        return ""

    def _known(self, collection: str, one: Type) -> tuple[ListedEntity, EntityType | None]:
        listed = self._listed.find(collection, one.name) or ListedEntity()
        standard = self._builtin.find(listed.name or collection)
        if standard is not None and not listed.name and standard.collection != collection:
            standard = None  # found by a label that happens to be alike
        return listed, standard

    def _entity(
        self, collection: str, one: Type, listed: ListedEntity, standard: EntityType | None
    ) -> EntityType:
        name = self._names[self._document.sets[collection]]
        keys = tuple(key for key in one.keys if key.casefold() != COMPANY)
        company = any(prop.name.casefold() == COMPANY for prop in one.properties)
        fields = tuple(self._fields(one, keys, standard))
        inferred = [
            part
            for part, known in (
                ("label", listed.label or standard),
                ("name", listed.name or standard),
                ("keys", keys),
                ("staging", listed.staging or (standard and "staging" not in standard.evidence)),
            )
            if not known
        ]
        return EntityType(
            label=listed.label or (standard.label if standard else label_of(collection)),
            name=name,
            collection=collection,
            staging=listed.staging or (standard.staging if standard else staging_name_of(name)),
            per_company=company if listed.shared is None else not listed.shared,
            keys=keys or tuple(field.name for field in fields[:1]),
            fields=fields,
            category=listed.category or (standard.category if standard else ""),
            origin=Origin.ENVIRONMENT,
            evidence=", ".join(f"{part} inferred" for part in inferred),
            public_name=one.name,
            order=standard.order if standard else None,
            read_only=listed.read_only,
        )

    def _fields(
        self, one: Type, keys: tuple[str, ...], standard: EntityType | None
    ) -> Iterator[Field]:
        for prop in one.properties:
            if prop.name.casefold() == COMPANY or prop.type.startswith("Collection("):
                continue
            field = self._field(one, prop, keys)
            known = standard and standard.find_field(prop.name)
            yield _enriched(field, known) if known else field

    def _field(self, one: Type, prop: Property, keys: tuple[str, ...]) -> Field:
        field_type, certain = TYPES.get(prop.type, (FieldType.STRING, False))
        symbols: tuple[str, ...] = ()
        numbers: tuple[int, ...] = ()
        if (members := self._document.enums.get(prop.type)) is not None:
            by_number = sorted(members, key=members.__getitem__)
            field_type, certain = FieldType.ENUM, True
            symbols, numbers = tuple(by_number), tuple(members[name] for name in by_number)
            if symbols == NO_YES:
                field_type, symbols, numbers = FieldType.NOYES, (), ()
        is_text = field_type is FieldType.STRING
        return Field(
            name=prop.name,
            staging_name=prop.name.upper(),
            type=field_type,
            label=label_of(prop.name),
            size=prop.max_length or None if is_text else None,
            # Parts of a longer key may be blank in real rows, and what is no text never is.
            mandatory=is_text and not prop.nullable and (prop.name not in keys or len(keys) == 1),
            enum=symbols,
            enum_name=prop.type.rpartition(".")[2] if symbols else "",
            enum_complete=bool(symbols) or field_type is not FieldType.ENUM,
            enum_values=() if numbers == tuple(range(len(numbers))) else numbers,
            reference=self._reference(one, prop.name),
            origin=Origin.ENVIRONMENT,
            decimals=MANY_DECIMALS if prop.scale == str(MANY_DECIMALS) else 6,
            evidence="" if certain else "inferred",
            read_only=prop.name in one.computed,
        )

    def _reference(self, one: Type, name: str) -> Reference | None:
        of_type, there = one.references.get(name, ("", ""))
        entity = self._names.get(of_type)
        return Reference(entity, there) if entity else None


def _enriched(field: Field, known: Field) -> Field:
    """`field` with what the built-in catalogue knows of it and a document does not say."""
    same_family = {field.type, known.type} <= {FieldType.DATE, FieldType.DATETIME}
    return dataclasses.replace(
        field,
        staging_name=known.staging_name,
        label=known.label,
        type=known.type if same_family else field.type,
        evidence=known.evidence if same_family else field.evidence,
        size=field.size or (known.size if field.type is known.type else None),
        reference=field.reference or known.reference,
        auto_number=known.auto_number,
        decimals=max(field.decimals, known.decimals),
        read_only=field.read_only or known.read_only,
    )
