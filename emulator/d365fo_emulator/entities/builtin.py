"""The catalogue that comes with the emulator: one data file per entity, read at first use."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from d365fo_emulator.entities.documents import entity_from_document

if TYPE_CHECKING:
    from collections.abc import Iterator

    from d365fo_emulator.entities.model import EntityType

FOLDER = Path(__file__).parent / "catalogue"
INDEX = "index.json"


class BuiltinCatalogue:
    """The standard entities; immutable, so one serves all workspaces and threads.

    Only the index is read at the start. Two threads that ask for an entity at once may both parse
    its file; the first result is kept, so that an entity is always the same object.
    """

    def __init__(self, folder: Path = FOLDER) -> None:
        self._folder = folder
        entries = json.loads((folder / INDEX).read_text("utf-8"))
        self._labels = {entry["label"]: entry["file"] for entry in entries}
        self._files = {
            entry[kind].casefold(): entry["file"]
            for kind in ("collection", "name", "label")  # the label wins where two are alike
            for entry in entries
        }
        self._parsed: dict[str, EntityType] = {}

    def find(self, name: str) -> EntityType | None:
        """The entity with this label, AOT name or collection, letter case aside."""
        file = self._files.get(name.casefold())
        return None if file is None else self._read(file)

    def all(self) -> Iterator[EntityType]:
        """Every entity, by label; reads all files that were not read yet."""
        return (self._read(file) for file in self._labels.values())

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of all entities, in order; reads no file."""
        return tuple(self._labels)

    def _read(self, file: str) -> EntityType:
        entity = self._parsed.get(file)
        if entity is None:
            document = json.loads((self._folder / file).read_text("utf-8"))
            entity = self._parsed.setdefault(file, entity_from_document(document))
        return entity
