"""The entities that environment files describe: where they are read, and how often.

A `$metadata` document takes seconds to read. It is turned into a file of definitions in the
user's cache folder, named by where the document lies, its size and time; from then on a start
reads the names of that file alone. Workspaces of one process share what was read.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from typing import TYPE_CHECKING, Any

from d365fo_emulator.entities.indexed import IndexedEntities, Names
from d365fo_emulator.kernel.errors import ConfigurationError
from d365fo_emulator.kernel.tables import did_you_mean
from d365fo_emulator.kernel.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from d365fo_emulator.entities.builtin import BuiltinCatalogue
    from d365fo_emulator.entities.catalogue import Catalogue
    from d365fo_emulator.entities.definition_files import DefinitionFiles
    from d365fo_emulator.entities.model import EntityType

log = logging.getLogger("d365fo_emulator")


class EntitySources:
    """Reads sources of entities, each once; safe to use from several threads.

    Args:
        builtin: lends names to the entities of `$metadata` documents.
        cache: where definitions made of documents are kept; None: the user's cache folder.

    """

    def __init__(self, builtin: BuiltinCatalogue, cache: Path | None = None) -> None:
        self._builtin = builtin
        self._cache = cache
        self._lock = threading.Lock()
        self._files: dict[tuple[str, ...], DefinitionFiles] = {}
        self._documents: dict[tuple[str, ...], IndexedEntities] = {}

    def definitions(self, path: Path) -> DefinitionFiles:
        """The entities of a file or folder of definitions."""
        from d365fo_emulator.entities.definition_files import (  # noqa: PLC0415  few starts need it
            DefinitionFiles,
        )

        key = _state(path)
        with self._lock:
            if key not in self._files:
                self._files[key] = DefinitionFiles(path)
            return self._files[key]

    def metadata(self, path: Path, listed: Path | None = None) -> IndexedEntities:
        """The entities of a `$metadata` document, named by a list where there is one."""
        key = (__version__, *_state(path), *(_state(listed) if listed else ()))
        with self._lock:
            if key not in self._documents:
                self._documents[key] = self._of_metadata(path, listed, key)
            return self._documents[key]

    def _of_metadata(
        self, path: Path, listed: Path | None, key: tuple[str, ...]
    ) -> IndexedEntities:
        from d365fo_emulator.entities.definition_files import (  # noqa: PLC0415  few starts need it
            LINES,
            DefinitionFiles,
            write_definitions,
        )

        digest = hashlib.sha256("\n".join(key).encode()).hexdigest()[:32]
        cached = self._folder() / f"{digest}{LINES}"
        if cached.is_file():
            return DefinitionFiles(cached)
        log.info("%s: read for the first time; that takes a second for every 6 MB", path)
        entities, problems = entities_of_metadata(path, listed, self._builtin)
        if problems:
            log.warning("%s: %d left out; the first: %s", path, len(problems), problems[0])
        try:
            cached.parent.mkdir(parents=True, exist_ok=True)
            write_definitions(cached, entities)
        except (OSError, ConfigurationError):  # read again at the next start, that is all
            return _in_memory(entities)
        return DefinitionFiles(cached)

    def _folder(self) -> Path:
        if self._cache is not None:
            return self._cache
        import platformdirs  # noqa: PLC0415  only documents need it

        return platformdirs.user_cache_path("d365fo-emulator", appauthor=False) / "metadata"


def entities_of_metadata(
    path: Path, listed: Path | None, builtin: BuiltinCatalogue
) -> tuple[list[EntityType], list[str]]:
    """The entities of a `$metadata` document, by label, and what was left out of it and why.

    Raises:
        ConfigurationError: a document or a list that cannot be read, or without any entity.

    """
    # Few starts need these.
    from d365fo_emulator.entities.entity_list import EntityList, read_entity_list  # noqa: PLC0415
    from d365fo_emulator.entities.metadata_document import read_metadata  # noqa: PLC0415
    from d365fo_emulator.entities.metadata_entities import MetadataEntities  # noqa: PLC0415

    names = read_entity_list(listed) if listed else EntityList()
    try:
        with path.open("rb") as stream:
            document = read_metadata(stream, str(path))
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error}") from None
    entities = sorted(
        MetadataEntities(document, names, builtin), key=lambda one: one.label.casefold()
    )
    if not entities:
        first = f"; the first problem: {document.problems[0]}" if document.problems else ""
        raise ConfigurationError(f"{path}: none of its sets can be an entity{first}")
    return entities, document.problems


def describe_entities(
    catalogue: Catalogue,
    entries: Sequence[Mapping[str, Any]],
    sources: EntitySources,
    learn: Callable[[Path], object],
) -> None:
    """Puts what the `entities` of an environment file describe into a catalogue.

    Nothing of it is kept: the file says it again at each start.

    Args:
        learn: takes in the entities of a package.

    Raises:
        ConfigurationError: an entity that cannot be, with file and place.

    """
    if not entries:
        return
    from d365fo_emulator.entities.definitions import (  # noqa: PLC0415  few starts need it
        composite_of,
        entity_of,
    )

    for entry in entries:
        if "metadata" in entry:
            catalogue.add_source(sources.metadata(entry["metadata"], entry.get("entityList")))
        elif "definitions" in entry:
            source = sources.definitions(entry["definitions"])
            catalogue.add_source(source)
            for composite in source.composites:
                catalogue.add_composite(composite)
        elif "package" in entry:
            learn(entry["package"])
        elif "composite" in entry:
            catalogue.add_composite(composite_of(entry))
        else:
            catalogue.add(entity_of(entry))
    _check_composites(catalogue)


def _check_composites(catalogue: Catalogue) -> None:
    for composite in catalogue.composites():
        for name in composite.entities:
            if catalogue.find(name) is None:
                hint = did_you_mean(name, (entry.name for entry in catalogue.names()))
                raise ConfigurationError(
                    f"entities: {composite.label} holds {name!r}, which no entity is called{hint}"
                )


def _in_memory(entities: Sequence[EntityType]) -> IndexedEntities:
    by_name = {one.name: one for one in entities}
    names = [Names(one.label, one.name, one.collection, one.name) for one in entities]
    return IndexedEntities(names, lambda place: by_name[str(place)])


def _state(path: Path) -> tuple[str, ...]:
    """What tells a changed file from the same; of a folder, of all that is in it."""
    try:
        files = sorted(path.iterdir()) if path.is_dir() else [path]
        states = [(str(one.resolve()), one.stat()) for one in files]
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error}") from None
    return tuple(f"{name}|{stat.st_size}|{stat.st_mtime_ns}" for name, stat in states)
