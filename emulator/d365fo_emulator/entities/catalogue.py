"""The entities that one workspace knows: built in, from its environment file, and learnt.

**Learnt entities.** A package may bring an entity that nobody has described. Its columns become
texts of any length. Its key is unknown: exported files carry the key fields first, but how many
they are cannot be seen, and a guess that is too short merges rows that are different. So *all*
columns are the key: rows equal in every column are one row, any other stays a row of its own,
and nothing that was imported is ever lost. The price is that a changed row is a second row;
whoever needs updates describes the entity in the environment file. For the same reason rows
belong to the company they were imported for, unless a column names the company: the entity then
counts as shared, and its rows as told apart by that column.

**Labels.** Several entities may have one label (the product has 51 such labels). A manifest that
names its `TargetEntity` means that one. Else (inferred) the one counts that the environment file
defines by itself; else the one that is built in, which real manifests of this label name; else
the one of the shortest AOT name, then by alphabet. `namesakes` says which others there are.
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
from d365fo_emulator.entities.indexed import Names, by_length
from d365fo_emulator.entities.model import (
    MOST_FIELDS,
    Composite,
    EntityType,
    Field,
    FieldType,
    Origin,
)
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
    from d365fo_emulator.entities.indexed import IndexedEntities
    from d365fo_emulator.entities.store import LearntStore

COMPANY_COLUMNS = frozenset({"LEGALENTITYID", "COMPANY", "DATAAREA", "DATAAREAID"})
"""Columns by which shared entities name a company (seen in exported files)."""


class NothingLearnt:
    """Keeps nothing: for a catalogue that is asked and thrown away."""

    def load(self) -> list[tuple[str, str]]:
        """Nothing was kept."""
        return []

    def save(self, name: str, document: str) -> None:
        """Keeps nothing."""

    def clear(self) -> None:
        """There is nothing to forget."""


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
        self._sources: list[IndexedEntities] = []
        self._own: dict[str, EntityType] = {}  # by folded AOT name: what no source has as it is
        self._inline: set[str] = set()  # folded AOT names of single definitions
        self._labels: dict[str, set[str]] = {}  # folded label: folded AOT names in `_own`
        self._collections: dict[str, str] = {}  # folded collection: the same
        self._more: dict[str, tuple[Field, ...]] = {}  # learnt fields of entities described
        self._composites: dict[str, Composite] = {}  # by folded AOT name, label
        for name, document in learnt.load():
            self._restore(name, json.loads(document))

    def find(self, name: str) -> EntityType | None:
        """The entity with this label, else AOT name, else collection, letter case aside."""
        with self._lock:
            labelled = self._with_label(name)
            if labelled:
                return self._get(labelled[0])
            return self._get(name.casefold()) or self._get(self._of_collection(name))

    def namesakes(self, label: str) -> list[str]:
        """AOT names of all entities with this label, the one that `find` takes first."""
        with self._lock:
            return [entity.name for one in self._with_label(label) if (entity := self._get(one))]

    def all(self) -> Iterator[EntityType]:
        """Every entity, by label; reads those that were not read yet (see `names`)."""
        with self._lock:
            found = (self._get(entry.name.casefold()) for entry in self.names())
            return iter([entity for entity in found if entity is not None])

    def names(self) -> list[Names]:
        """What every entity is called, by label; reads none."""
        with self._lock:
            known = {
                entry.name.casefold(): entry
                for source in (self._builtin, *self._sources)
                for entry in source.names()
            }
            for folded, one in self._own.items():
                known[folded] = Names(one.label, one.name, one.collection, None)
        return sorted(known.values(), key=lambda entry: entry.label.casefold())

    def nearest(self, name: str) -> list[str]:
        """The labels most like `name`, best first, at most three."""
        return nearest(name, {entry.label for entry in self.names()})

    def add(self, entity: EntityType) -> EntityType:
        """Adds an entity of the environment file, in place of any known by the same AOT name.

        It is not kept: the file says it again at each start. Fields learnt for it stay known.
        """
        with self._lock:
            self._inline.add(entity.name.casefold())
            return self._put(self._with_more(entity))

    def add_source(self, source: IndexedEntities) -> None:
        """Adds many entities of the environment file, each read when it is asked for.

        They stand in place of those known by the same AOT name, but not of single definitions.
        """
        with self._lock:
            self._sources.append(source)

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
            known = (self.find(target_entity) if target_entity else None) or self.find(label)
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
            entity = self._get(entity.name.casefold()) or entity
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
            inline = [entity for folded, entity in self._own.items() if folded in self._inline]
            self._own.clear()
            self._labels.clear()
            self._collections.clear()
            for entity in inline:
                self._put(_without_learnt(entity))

    def _get(self, folded: str | None) -> EntityType | None:
        """The entity with this folded AOT name, with what was learnt of it."""
        if folded is None:
            return None
        own = self._own.get(folded)
        if own is not None:
            return own
        entity = self._described(folded)
        if entity is not None and folded in self._more:
            entity = self._put(self._with_more(entity))
        return entity

    def _described(self, folded: str) -> EntityType | None:
        for source in reversed(self._sources):
            if (entity := source.get(folded)) is not None:
                return entity
        return self._builtin.get(folded)

    def _with_label(self, label: str) -> list[str]:
        """Folded AOT names of the entities with this label, the one that counts first."""
        folded = label.casefold()
        found = set(self._labels.get(folded, ()))
        standard = self._builtin.with_label(label)
        for source in (self._builtin, *self._sources):
            found.update(source.with_label(label))
        if len(found) > 1:
            found = {name for name in found if self._label_of(name) == folded}

        def rank(name: str) -> tuple[bool, bool, tuple[int, str]]:
            return name not in self._inline, name not in standard, by_length(name)

        return sorted(found, key=rank)

    def _label_of(self, name: str) -> str:
        """The label in force: a source may give a built-in entity another one."""
        entity = self._get(name)
        return entity.label.casefold() if entity else ""

    def _of_collection(self, collection: str) -> str | None:
        own = self._collections.get(collection.casefold())
        sources = (source.of_collection(collection) for source in reversed(self._sources))
        found = (own, *sources, self._builtin.of_collection(collection))
        return next((name for name in found if name is not None), None)

    def _put(self, entity: EntityType) -> EntityType:
        folded = entity.name.casefold()
        self._own[folded] = entity
        self._labels.setdefault(entity.label.casefold(), set()).add(folded)
        self._collections[entity.collection.casefold()] = folded
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
