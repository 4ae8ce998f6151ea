"""The entities that one workspace knows: built in, from its environment file, and learnt.

**Learnt entities.** A package may bring an entity that nobody has described. Its columns become
texts of any length. Its key is unknown: exported files carry the key fields first, but how many
they are cannot be seen, and a guess that is too short merges rows that are different. So *all*
columns are the key: rows equal in every column are one row, any other stays a row of its own,
and nothing that was imported is ever lost. The price is that a changed row is a second row;
whoever needs updates describes the entity in the environment file. For the same reason rows
belong to the company they were imported for, unless a column names the company: the entity then
counts as shared, and its rows as told apart by that column.
"""

from __future__ import annotations

import dataclasses
import json
import threading
from typing import TYPE_CHECKING, Any

from d365fo_emulator.entities.documents import (
    entity_from_document,
    entity_to_document,
    field_from_document,
    learnt_field_to_document,
)
from d365fo_emulator.entities.errors import TooManyFields
from d365fo_emulator.entities.model import Composite, EntityType, Field, FieldType, Origin
from d365fo_emulator.entities.naming import (
    collection_of,
    label_of,
    staging_name_of,
    type_name_of,
)
from d365fo_emulator.kernel.tables import nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from d365fo_emulator.entities.builtin import BuiltinCatalogue
    from d365fo_emulator.entities.store import LearntStore

MOST_FIELDS = 1900
"""Most fields of one entity; the database takes 2000 columns, some of them are ours."""

COMPANY_COLUMNS = frozenset({"LEGALENTITYID", "COMPANY", "DATAAREA", "DATAAREAID"})
"""Columns by which shared entities name a company (seen in exported files)."""


class Catalogue:
    """What one workspace knows of entities; safe to use from several threads.

    Args:
        builtin: the standard entities, shared by all workspaces.
        learnt: where learnt entities and fields of this workspace are kept.

    """

    def __init__(self, builtin: BuiltinCatalogue, learnt: LearntStore) -> None:
        self._builtin = builtin
        self._learnt = learnt
        self._lock = threading.RLock()
        self._own: dict[str, EntityType] = {}  # by folded AOT name: what the built-in has not
        self._names: dict[str, str] = {}  # folded label, AOT name, collection: folded AOT name
        self._more: dict[str, tuple[Field, ...]] = {}  # learnt fields of entities described
        self._composites: dict[str, Composite] = {}  # by folded AOT name, label
        for name, document in learnt.load():
            self._restore(name, json.loads(document))

    def find(self, name: str) -> EntityType | None:
        """The entity with this label, AOT name or collection, letter case aside."""
        with self._lock:
            own = self._names.get(name.casefold())
            return self._builtin.find(name) if own is None else self._own[own]

    def all(self) -> Iterator[EntityType]:
        """Every entity, by label."""
        with self._lock:
            known = {entity.name.casefold(): entity for entity in self._builtin.all()}
            known.update(self._own)
        return iter(sorted(known.values(), key=lambda entity: entity.label.casefold()))

    def nearest(self, name: str) -> list[str]:
        """The labels most like `name`, best first, at most three."""
        with self._lock:
            own = [entity.label for entity in self._own.values()]
        return nearest(name, {*self._builtin.labels, *own})

    def add(self, entity: EntityType) -> EntityType:
        """Adds an entity of the environment file, in place of any known by the same AOT name.

        It is not kept: the file says it again at each start. Fields learnt for it stay known.
        """
        with self._lock:
            return self._put(self._with_more(entity))

    def find_composite(self, name: str) -> Composite | None:
        """The composite entity with this label or AOT name, letter case aside.

        None is built in: which entities the product's composites hold is not known.
        """
        with self._lock:
            return self._composites.get(name.casefold())

    def composites(self) -> list[Composite]:
        """Every composite entity, by label."""
        with self._lock:
            known = {composite.name: composite for composite in self._composites.values()}
        return sorted(known.values(), key=lambda composite: composite.label.casefold())

    def add_composite(self, composite: Composite) -> Composite:
        """Adds a composite entity of the environment file; its entities are found when used."""
        with self._lock:
            for name in (composite.name, composite.label):
                self._composites[name.casefold()] = composite
        return composite

    def learn(self, label: str, target_entity: str, columns: Iterable[str]) -> EntityType:
        """The entity `label`, made up from a file's columns unless it is known already.

        Args:
            label: `EntityName` of the manifest.
            target_entity: its `TargetEntity`, "" when it has none.
            columns: the file's column names; blank and doubled ones are left out.

        Raises:
            TooManyFields: more columns than a table takes.

        """
        columns = tuple(columns)
        with self._lock:
            known = self.find(label) or (self.find(target_entity) if target_entity else None)
            if known is not None:
                return self.extend(known, columns)
            entity = self._put(self._made_up(label, target_entity, columns))
            self._keep(entity)
            return entity

    def extend(self, entity: EntityType, columns: Iterable[str]) -> EntityType:
        """`entity` with those of the columns that it lacks, as learnt texts of any length.

        Of a learnt entity they join the key; earlier rows count as blank in them.

        Raises:
            TooManyFields: more columns than a table takes.

        """
        with self._lock:
            entity = self.find(entity.name) or entity
            more = learnt_fields(columns, {field.staging_name.upper() for field in entity.fields})
            if not more:
                return entity
            if len(entity.fields) + len(more) > MOST_FIELDS:
                raise TooManyFields(entity.label, len(entity.fields) + len(more), MOST_FIELDS)
            if not entity.key_is_known:
                entity = _with_key(entity, more)
            else:
                folded = entity.name.casefold()
                self._more[folded] = (*self._more.get(folded, ()), *more)
                entity = entity.with_fields(more)
            self._put(entity)
            self._keep(entity)
            return entity

    def forget(self) -> None:
        """Forgets what was learnt; entities of the environment file stay, without learnt fields."""
        with self._lock:
            self._learnt.clear()
            self._more.clear()
            environment = [e for e in self._own.values() if e.origin is Origin.ENVIRONMENT]
            self._own.clear()
            self._names.clear()
            for entity in environment:
                self._put(_without_learnt(entity))

    def _put(self, entity: EntityType) -> EntityType:
        folded = entity.name.casefold()
        self._own[folded] = entity
        for name in (entity.collection, entity.name, entity.label):
            self._names[name.casefold()] = folded
        return entity

    def _with_more(self, entity: EntityType) -> EntityType:
        more = self._more.get(entity.name.casefold(), ())
        return entity.with_fields(tuple(f for f in more if not entity.find_field(f.staging_name)))

    def _made_up(self, label: str, target_entity: str, columns: tuple[str, ...]) -> EntityType:
        fields = learnt_fields(columns, set())
        if len(fields) > MOST_FIELDS:
            raise TooManyFields(label, len(fields), MOST_FIELDS)
        name = target_entity or self._free(type_name_of(label))
        return EntityType(
            label=label,
            name=name,
            collection=self._free(collection_of(label) or name),
            staging=staging_name_of(name),
            per_company=not any(f.staging_name.upper() in COMPANY_COLUMNS for f in fields),
            keys=tuple(field.name for field in fields),
            fields=fields,
            origin=Origin.LEARNT,
        )

    def _free(self, name: str) -> str:
        free, number = name, 1
        while self.find(free) is not None:
            number += 1
            free = f"{name}{number}"
        return free

    def _keep(self, entity: EntityType) -> None:
        document: dict[str, Any]
        if entity.key_is_known:
            more = self._more[entity.name.casefold()]
            document = {"more": [learnt_field_to_document(field) for field in more]}
        else:
            document = {"entity": entity_to_document(entity)}
        self._learnt.save(entity.name, json.dumps(document, ensure_ascii=False))

    def _restore(self, name: str, document: dict[str, Any]) -> None:
        if "entity" in document:
            self._put(entity_from_document(document["entity"], Origin.LEARNT))
            return
        self._more[name.casefold()] = tuple(
            field_from_document(field, Origin.LEARNT) for field in document["more"]
        )
        known = self._builtin.find(name)
        if known is not None:
            self._put(self._with_more(known))


def learnt_fields(columns: Iterable[str], known: set[str]) -> tuple[Field, ...]:
    """Texts of any length for the columns whose upper-case names are not in `known`."""
    seen = set(known)
    fields = []
    for column in columns:
        folded = column.upper()
        if not column.strip() or folded in seen:
            continue
        seen.add(folded)
        fields.append(
            Field(column, column, FieldType.STRING, label_of(column), origin=Origin.LEARNT)
        )
    return tuple(fields)


def _with_key(entity: EntityType, more: tuple[Field, ...]) -> EntityType:
    return dataclasses.replace(
        entity,
        fields=(*entity.fields, *more),
        keys=(*entity.keys, *(field.name for field in more)),
    )


def _without_learnt(entity: EntityType) -> EntityType:
    kept = tuple(field for field in entity.fields if field.origin is not Origin.LEARNT)
    return dataclasses.replace(entity, fields=kept)
