"""What is wrong with a scenario file, in words that name the place and the nearest right word."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from d365fo_emulator.kernel.errors import ConfigurationError
from d365fo_emulator.kernel.tables import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from jsonschema.exceptions import ValidationError

    from d365fo_emulator.scenarios.yaml_source import Path, Source


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a file; line and column count from one."""

    path: str
    line: int
    column: int
    message: str


class ScenarioInvalid(ConfigurationError):
    """A scenario that cannot be used; `problems` says all that is wrong with it, and where."""

    def __init__(self, source_name: str, problems: tuple[Problem, ...]) -> None:
        super().__init__(
            "\n".join(f"{source_name}:{p.line}:{p.column}: {p.message}" for p in problems)
        )
        self.source_name = source_name
        self.problems = problems


def json_path(path: Path) -> str:
    """`path` as people write it: ``rules[0].execution``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def problem(source: Source, path: Path, message: str) -> Problem:
    """A problem at `path`; its message begins with the path."""
    mark = source.mark(path)
    name = json_path(path)
    return Problem(name, mark.line, mark.column, f"{name}: {message}" if name else message)


def schema_problems(source: Source, schema: Mapping[str, Any]) -> list[Problem]:
    """Everything that the schema has against the document, in the text's order."""
    from jsonschema import Draft202012Validator  # noqa: PLC0415  60 ms that only files need

    errors = list(Draft202012Validator(schema).iter_errors(source.value))
    # A misspelt effect is one mistake: its place is not also told that an effect is missing.
    misspelt = {tuple(e.absolute_path) for e in errors if e.validator == "additionalProperties"}
    found = {
        problem(source, path, message)
        for error in errors
        if error.validator != "anyOf" or tuple(error.absolute_path) not in misspelt
        for path, message in _spoken(error)
    }
    return sorted(found, key=lambda p: (p.line, p.column, p.message))


def _spoken(error: ValidationError) -> Iterator[tuple[Path, str]]:
    path: Path = tuple(error.absolute_path)
    schema = error.schema if isinstance(error.schema, dict) else {}
    instance: Any = error.instance
    wanted: Any = error.validator_value
    if error.validator in {"additionalProperties", "unevaluatedProperties"}:
        known = schema.get("properties", {})
        for key in instance:
            if key not in known:
                hint = did_you_mean(key, known) or f"; known are {', '.join(known)}"
                yield (*path, key), f"there is no such key{hint}"
    elif error.validator == "enum":
        words = [str(word) for word in schema["enum"]]
        hint = did_you_mean(instance, words) if isinstance(instance, str) else ""
        yield path, f"{instance!r} is not one of {', '.join(words)}{hint}"
    elif error.validator == "required":
        missing = [name for name in wanted if name not in instance]
        yield path, f"{' and '.join(repr(name) for name in missing)} is missing"
    elif error.validator == "type" and "pattern" not in schema:
        yield path, f"{_shown(instance)} is not of type {_type_names(wanted)}"
    elif error.validator in {"oneOf", "anyOf", "pattern", "type"}:
        yield from _spoken_choice(error, path, schema)
    else:
        yield path, error.message


def _spoken_choice(
    error: ValidationError, path: Path, schema: Mapping[str, Any]
) -> Iterator[tuple[Path, str]]:
    """One sentence for a choice that nothing fits, not one for each of its branches."""
    from jsonschema.exceptions import best_match  # noqa: PLC0415  as above

    nearest = best_match(error.context or [])
    if nearest is not None and len(nearest.absolute_path) > len(path):
        yield from _spoken(nearest)
    elif "description" in schema:
        yield path, f"{_shown(error.instance)} is not {schema['description']}"
    else:
        yield path, error.message


def _shown(instance: Any) -> str:
    text = json.dumps(instance, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _type_names(types: str | list[str]) -> str:
    return types if isinstance(types, str) else " or ".join(types)
