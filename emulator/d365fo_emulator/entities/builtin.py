"""The catalogue that comes with the emulator: one data file per entity, read at first use."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from d365fo_emulator.entities.documents import entity_from_document
from d365fo_emulator.entities.indexed import IndexedEntities, Names

if TYPE_CHECKING:
    from collections.abc import Hashable

    from d365fo_emulator.entities.model import EntityType

FOLDER = Path(__file__).parent / "catalogue"
INDEX = "index.json"


class BuiltinCatalogue(IndexedEntities):
    """The standard entities; only the index is read at the start."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._folder = folder
        entries = json.loads((folder / INDEX).read_text("utf-8"))
        super().__init__(
            (Names(one["label"], one["name"], one["collection"], one["file"]) for one in entries),
            self._parse,
        )

    def _parse(self, file: Hashable) -> EntityType:
        return entity_from_document(json.loads((self._folder / str(file)).read_text("utf-8")))
