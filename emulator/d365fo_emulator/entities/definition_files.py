"""Files of definitions: one line per entity, so that ten thousand cost a start nothing.

A `.jsonl` file has one definition a line, a `.json` file one or an array of them, a folder any
number of both. Of a `.jsonl` file only the names at the beginning of each line are read at first;
a line is parsed when its entity is asked for. Files written here, and by hand, are the same.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from d365fo_emulator.entities.definitions import (
    check_definition,
    composite_of,
    definition_of,
    entity_of,
)
from d365fo_emulator.entities.indexed import IndexedEntities, Names
from d365fo_emulator.kernel.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator
    from pathlib import Path

    from d365fo_emulator.entities.model import Composite, EntityType

LINES = ".jsonl"
SUFFIXES = (LINES, ".json")
CHECKED_AT_ONCE = 500
"""Up to so many definitions are checked whole at the start; of more, each when it is used."""
NAME_KEYS = ("name", "type", "collection")
_TEXT = rb'"([^"\\\x00-\x1f]*)"'
_HEAD = re.compile(rb'\{"name": %s, "type": %s, "collection": %s,' % (_TEXT, _TEXT, _TEXT))


class DefinitionFiles(IndexedEntities):
    """The entities of a file or folder.

    Args:
        path: a `.jsonl` or `.json` file, or a folder of them.

    Raises:
        ConfigurationError: unreadable, or a definition that cannot be, with file and line; for
            large files the latter comes when the entity is asked for.

    """

    def __init__(self, path: Path) -> None:
        self.composites: list[Composite] = []
        entries: dict[str, Names] = {}
        for file in _files(path):
            for entry in self._entries(file):
                before = entries.setdefault(entry.name.casefold(), entry)
                if before is not entry:
                    raise ConfigurationError(
                        f"{_where(entry.place)}: {entry.name} is defined twice;"
                        f" before at {_where(before.place)}"
                    )
        super().__init__(entries.values(), _entity_at)
        if len(self) <= CHECKED_AT_ONCE:
            for _ in self.all():
                pass

    def _entries(self, file: Path) -> Iterator[Names]:
        for place, raw in _definitions(file):
            head = _HEAD.match(raw)
            if head:
                label, name, collection = (
                    part.decode("utf-8", "replace") for part in head.groups()
                )
                yield Names(label, name, collection, place)
                continue
            definition = _parsed(place, raw)
            if "composite" in definition:
                self.composites.append(composite_of(definition))
            else:
                label, name, collection = (str(definition[k]) for k in NAME_KEYS)
                yield Names(label, name, collection, place)


class _Place:
    """Where a definition is: bytes of a file."""

    __slots__ = ("file", "length", "line", "offset")

    def __init__(self, file: Path, line: int, offset: int, length: int) -> None:
        self.file = file
        self.line = line
        self.offset = offset
        self.length = length


def write_definitions(path: Path, entities: Iterable[EntityType]) -> int:
    """Writes entities to a `.jsonl` file, or to a folder of a `.json` file each; how many.

    Raises:
        ConfigurationError: it cannot be written.

    """
    try:
        if path.suffix == LINES:
            return _write_lines(path, entities)
        path.mkdir(parents=True, exist_ok=True)
        count = 0
        for entity in entities:
            text = json.dumps(definition_of(entity), ensure_ascii=False, indent=1)
            (path / f"{entity.name}.json").write_text(text + "\n", "utf-8", newline="\n")
            count += 1
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be written: {error}") from None
    return count


def _write_lines(path: Path, entities: Iterable[EntityType]) -> int:
    draft = path.with_name(f"{path.name}.draft")
    count = 0
    with draft.open("w", encoding="utf-8", newline="\n") as stream:
        for entity in entities:
            stream.write(json.dumps(definition_of(entity), ensure_ascii=False) + "\n")
            count += 1
    draft.replace(path)
    return count


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        found = sorted(one for one in path.iterdir() if one.suffix in SUFFIXES)
        if not found:
            raise ConfigurationError(f"{path}: the folder has no {' and no '.join(SUFFIXES)} file")
        return found
    if path.suffix not in SUFFIXES:
        raise ConfigurationError(f"{path}: definitions are in {' or '.join(SUFFIXES)} files")
    return [path]


def _definitions(file: Path) -> Iterator[tuple[_Place, bytes]]:
    """Each definition of a file with its place, not parsed as far as can be."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{file}: cannot be read: {error}") from None
    if file.suffix != LINES:
        yield from _of_array(file, content)
        return
    offset = 3 if content.startswith(b"\xef\xbb\xbf") else 0
    for line, raw in enumerate(content[offset:].split(b"\n"), start=1):
        if raw.strip():
            yield _Place(file, line, offset, len(raw)), raw
        offset += len(raw) + 1


def _of_array(file: Path, content: bytes) -> Iterator[tuple[_Place, bytes]]:
    """Definitions of a `.json` file; each is kept as the text of its own, since it has no line."""
    place = _Place(file, 1, 0, len(content))
    document = _json(place, content)
    many = document if isinstance(document, list) else [document]
    for definition in many:
        raw = json.dumps(definition, ensure_ascii=False).encode()
        yield (place if document is definition else _Text(file, raw)), raw


class _Text(_Place):
    """A definition inside an array: its own text."""

    __slots__ = ("raw",)

    def __init__(self, file: Path, raw: bytes) -> None:
        super().__init__(file, 1, 0, len(raw))
        self.raw = raw


def _entity_at(place: Hashable) -> EntityType:
    assert isinstance(place, _Place)  # noqa: S101  made here
    if isinstance(place, _Text):
        raw = place.raw
    else:
        try:
            with place.file.open("rb") as stream:
                stream.seek(place.offset)
                raw = stream.read(place.length)
        except OSError as error:
            raise ConfigurationError(f"{place.file}: cannot be read: {error}") from None
    definition = _parsed(place, raw)
    try:
        return entity_of(definition)
    except ConfigurationError as error:
        raise ConfigurationError(f"{_where(place)}: {error}") from None
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ConfigurationError(f"{_where(place)}: {definition.get('name')}: {error}") from None


def _parsed(place: _Place, raw: bytes) -> dict[str, Any]:
    definition = _json(place, raw)
    try:
        check_definition(definition)
    except ConfigurationError as error:
        raise ConfigurationError(f"{_where(place)}: {error}") from None
    parsed: dict[str, Any] = definition
    return parsed


def _json(place: _Place, raw: bytes) -> Any:
    try:
        return json.loads(raw.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"{_where(place)}: no JSON: {error}") from None


def _where(place: Hashable) -> str:
    if isinstance(place, _Place) and place.file.suffix == LINES:
        return f"{place.file}, line {place.line}"
    return str(place.file) if isinstance(place, _Place) else str(place)
