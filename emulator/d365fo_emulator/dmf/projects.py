"""Data projects made and changed from outside: one change at a time, each whole or not at all."""

from __future__ import annotations

import dataclasses
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from d365fo_emulator.dmf.model import DataProject
    from d365fo_emulator.dmf.store import DataManagementStore
    from d365fo_emulator.packages.model import PackageEntity


class Projects:
    """The data projects of one workspace; entities in them are found without letter case.

    Changes of one project that overlap follow one another. The real service may refuse the later
    one as an update conflict; nobody knows when.
    """

    def __init__(self, store: DataManagementStore) -> None:
        self._store = store
        self._lock = threading.Lock()

    def all(self) -> Iterator[DataProject]:
        """All of them, by folded name."""
        return iter(self._store.projects())

    def find(self, name: str) -> DataProject | None:
        """The one of this name."""
        return self._store.project(name)

    def create(self, project: DataProject) -> bool:
        """Adds a project; False, with nothing written, when there is one of its name."""
        with self._lock:
            if self._store.project(project.name) is not None:
                return False
            self._store.save_project(project)
            return True

    def change(self, name: str, change: Callable[[DataProject], DataProject]) -> bool:
        """Puts what `change` makes of a project in its place; False when there is none.

        Nothing is written when `change` raises.
        """
        with self._lock:
            project = self._store.project(name)
            if project is None:
                return False
            self._store.save_project(change(project))
            return True

    def remove(self, name: str) -> bool:
        """Removes a project; whether there was one. What runs goes on: its plan is its own."""
        with self._lock:
            return self._store.remove_project(name)


def entity_of(project: DataProject, label: str) -> PackageEntity | None:
    """The project's entity of this label."""
    folded = label.casefold()
    return next((one for one in project.entities if one.label.casefold() == folded), None)


def with_entity(project: DataProject, entity: PackageEntity) -> DataProject:
    """The project with an entity at its end."""
    return dataclasses.replace(project, entities=(*project.entities, entity))


def with_changed(project: DataProject, old: PackageEntity, new: PackageEntity) -> DataProject:
    """The project with an entity in the place of another."""
    entities = tuple(new if one is old else one for one in project.entities)
    return dataclasses.replace(project, entities=entities)


def without_entity(project: DataProject, label: str) -> DataProject:
    """The project without an entity."""
    folded = label.casefold()
    kept = tuple(one for one in project.entities if one.label.casefold() != folded)
    return dataclasses.replace(project, entities=kept)
