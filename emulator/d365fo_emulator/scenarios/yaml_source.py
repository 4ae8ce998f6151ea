"""YAML or JSON text, read safely into plain values that remember their places.

Safe means: no tags, no merge keys, few aliases, bounded size and depth. Scalars follow YAML 1.2's
core schema, so `no` and `2026-01-01` are texts;
so is `010`, because keys such as customer groups are written like that.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import yaml

from d365fo_emulator.kernel.errors import ConfigurationError

MAX_CHARACTERS = 1024 * 1024
MAX_ALIASES = 8
MAX_DEPTH = 40
MAX_NODES = 200_000

_CORE = (
    (r"(~|null|Null|NULL|)", lambda _text: None),
    (r"(true|True|TRUE)", lambda _text: True),
    (r"(false|False|FALSE)", lambda _text: False),
    (r"[-+]?(0|[1-9][0-9]{0,400})", int),
    (r"0o[0-7]{1,400}", lambda text: int(text, 0)),
    (r"0x[0-9a-fA-F]{1,400}", lambda text: int(text, 0)),
    (r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?", float),
)

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's, where it was built

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Mark:
    """A place in the text, counted from one."""

    line: int
    column: int


@dataclass
class Source:
    """A document's value, and where each part of it begins (keys for the parts of mappings)."""

    value: Any = None
    marks: dict[Path, Mark] = field(default_factory=dict)

    def mark(self, path: Path) -> Mark:
        """Where `path` begins, or the nearest part around it that is in the text."""
        while path and path not in self.marks:
            path = path[:-1]
        return self.marks.get(path, Mark(1, 1))


class SourceRefused(ConfigurationError):
    """The text cannot be read as YAML or JSON, or not safely."""

    def __init__(self, message: str, mark: Mark | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.mark = mark or Mark(1, 1)


def read_source(text: str) -> Source:
    """The document that `text` holds.

    Raises:
        SourceRefused: no YAML, more than one document, too large, or a feature that is unsafe.

    """
    if len(text) > MAX_CHARACTERS:
        raise SourceRefused(f"the document is larger than {MAX_CHARACTERS} characters")
    try:
        _check_events(text)
        node = yaml.compose(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        what = error.problem or error.context or "no YAML"
        raise SourceRefused(f"this is no valid YAML: {what}", _mark(error.problem_mark)) from error
    except yaml.YAMLError as error:
        raise SourceRefused(f"this is no valid YAML: {error}") from error
    if node is None:
        raise SourceRefused("the document is empty")
    builder = _Builder()
    return Source(builder.build(node, ()), builder.marks)


def _check_events(text: str) -> None:
    aliases = depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        if isinstance(event, yaml.AliasEvent):
            aliases += 1
            if aliases > MAX_ALIASES:
                message = f"more than {MAX_ALIASES} aliases (*name) are not read"
                raise SourceRefused(message, _mark(event.start_mark))
        elif (tag := getattr(event, "tag", None)) is not None:
            message = f"tags such as {tag} are not read"
            raise SourceRefused(message, _mark(event.start_mark))
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise SourceRefused(f"nested deeper than {MAX_DEPTH}", _mark(event.start_mark))
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


class _Builder:
    def __init__(self) -> None:
        self.marks: dict[Path, Mark] = {}
        self._nodes = 0

    def build(self, node: yaml.Node, path: Path) -> Any:
        self._nodes += 1
        if self._nodes > MAX_NODES or len(path) > MAX_DEPTH:
            raise SourceRefused("the aliases (*name) expand to too much", _mark(node.start_mark))
        self.marks.setdefault(path, _mark(node.start_mark))
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, (*path, index)) for index, item in enumerate(node.value)]
        return _scalar(node)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        members: dict[str, Any] = {}
        for key_node, value_node in node.value:
            mark = _mark(key_node.start_mark)
            if not isinstance(key_node, yaml.ScalarNode):
                raise SourceRefused("a key must be a text", mark)
            key = str(key_node.value)
            if key in members:
                raise SourceRefused(f"the key {key!r} is there twice", mark)
            self.marks[(*path, key)] = mark
            members[key] = self.build(value_node, (*path, key))
        return members


def _scalar(node: yaml.Node) -> Any:
    text = str(node.value)
    if getattr(node, "style", None):
        return text
    for pattern, convert in _CORE:
        if re.fullmatch(pattern, text):
            return convert(text)
    return text


def _mark(mark: Any) -> Mark:
    return Mark(mark.line + 1, mark.column + 1) if mark else Mark(1, 1)
