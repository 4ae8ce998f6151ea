"""Entities of which only names are known until one is asked for."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator

    from d365fo_emulator.entities.model import EntityType


@dataclass(frozen=True, slots=True)
class Names:
    """What an entity is called; `place` says where its definition is."""

    label: str
    name: str
    collection: str
    place: Hashable


class IndexedEntities:
    """Entities found by label, AOT name or collection, letter case aside, each read at first use.

    Immutable, so one serves all workspaces and threads. Two threads that ask for an entity at
    once may both read it; the first result is kept, so that an entity is always the same object.

    Args:
        entries: the names; two of one AOT name are the caller's mistake, the later one counts.
        read: makes the entity of a place.

    """

    def __init__(self, entries: Iterable[Names], read: Callable[[Hashable], EntityType]) -> None:
        self._read_place = read
        self._by_name: dict[str, Names] = {}
        self._by_label: dict[str, list[str]] = defaultdict(list)
        self._by_collection: dict[str, str] = {}
        for entry in entries:
            folded = entry.name.casefold()
            self._by_name[folded] = entry
            self._by_label[entry.label.casefold()].append(folded)
            self._by_collection.setdefault(entry.collection.casefold(), folded)
        self._by_label.default_factory = None
        self._parsed: dict[Hashable, EntityType] = {}

    def get(self, name: str) -> EntityType | None:
        """The entity with this AOT name."""
        entry = self._by_name.get(name.casefold())
        return None if entry is None else self._read(entry.place)

    def with_label(self, label: str) -> tuple[str, ...]:
        """Folded AOT names of the entities with this label: labels are not unique."""
        return tuple(self._by_label.get(label.casefold(), ()))

    def of_collection(self, collection: str) -> str | None:
        """Folded AOT name of the entity with this collection."""
        return self._by_collection.get(collection.casefold())

    def find(self, name: str) -> EntityType | None:
        """The entity with this label, else AOT name, else collection."""
        labelled = self.with_label(name)
        folded = min(labelled, key=by_length) if labelled else name.casefold()
        return self.get(folded) or self.get(self.of_collection(name) or "")

    def names(self) -> Iterator[Names]:
        """What all entities are called, by label; reads none."""
        return iter(sorted(self._by_name.values(), key=lambda one: one.label.casefold()))

    def all(self) -> Iterator[EntityType]:
        """Every entity, by label; reads those that were not read yet."""
        return (self._read(entry.place) for entry in self.names())

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of all entities, in order; reads none."""
        return tuple(entry.label for entry in self.names())

    def __len__(self) -> int:
        return len(self._by_name)

    def _read(self, place: Hashable) -> EntityType:
        entity = self._parsed.get(place)
        if entity is None:
            entity = self._parsed.setdefault(place, self._read_place(place))
        return entity


def by_length(name: str) -> tuple[int, str]:
    """Which of several entities of one label counts: the shortest AOT name, then the alphabet."""
    return len(name), name
