"""In which order entities are imported so that what a row refers to is there before it."""

from __future__ import annotations

import graphlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from d365fo_emulator.entities.catalogue import Catalogue
    from d365fo_emulator.entities.model import EntityType


@dataclass(frozen=True)
class Sequenced:
    """An entity's place: entities of one level do not refer to each other, or in a circle."""

    label: str
    unit: int
    level: int
    sequence: int


def in_sequence(catalogue: Catalogue, names: Iterable[str]) -> tuple[list[Sequenced], list[str]]:
    """The places of the entities of these names, and the names that no entity has.

    By level, those of one level as they were named. All are in unit 1 with sequence 1, as in the
    only example that is known (client). An entity stands above all that it refers to, also through
    entities that were not asked for. In a circle of references one of them counts for nothing.
    """
    wanted: dict[str, EntityType] = {}
    unknown = []
    for name in names:
        entity = catalogue.find(name)
        if entity is None:
            unknown.append(name)
        else:
            wanted.setdefault(entity.name, entity)
    graph = _references(catalogue, wanted.values())
    levels: dict[str, int] = {}
    for name in _in_order(graph):
        below = max((levels[one] for one in graph[name]), default=0)
        levels[name] = below + (name in wanted)
    places = [Sequenced(one.label, 1, levels[one.name], 1) for one in wanted.values()]
    return sorted(places, key=lambda place: place.level), unknown


def _references(catalogue: Catalogue, entities: Iterable[EntityType]) -> dict[str, list[str]]:
    """What each entity refers to, for all that can be come to from these."""
    graph: dict[str, list[str]] = {}
    to_visit = list(entities)
    while to_visit:
        entity = to_visit.pop()
        if entity.name in graph:
            continue
        found = [
            catalogue.find(field.reference.entity) for field in entity.fields if field.reference
        ]
        others = {one.name: one for one in found if one and one.name != entity.name}
        graph[entity.name] = list(others)
        to_visit += others.values()
    return graph


def _in_order(graph: dict[str, list[str]]) -> list[str]:
    """Every entity after those that it refers to; takes references out of circles."""
    while True:
        try:
            return list(graphlib.TopologicalSorter(graph).static_order())
        except graphlib.CycleError as error:
            first, second, *_rest = error.args[1]  # the second refers to the first
            graph[second].remove(first)
