"""From arguments, variables and the environment file to one `Config`; and the reference page."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from d365fo_emulator.config.model import ENVIRONMENT_PREFIX, Config, Setting, settings
from d365fo_emulator.kernel.errors import ConfigurationError
from d365fo_emulator.kernel.tables import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

TRUE = frozenset({"1", "true", "yes", "on"})
FALSE = frozenset({"0", "false", "no", "off"})


def load_config(
    arguments: Mapping[str, Any] | None = None,
    variables: Mapping[str, str] | None = None,
    server: Mapping[str, Any] | None = None,
) -> Config:
    """The configuration that arguments, else variables, else the file, else defaults give.

    Args:
        arguments: by name of the setting (``http_port``); None and ``()`` were not given.
        variables: the process's environment.
        server: the `server` mapping of the environment file, by key (``httpPort``).

    Raises:
        ConfigurationError: unknown names, values of a wrong kind, values that exclude each other.

    """
    chosen = _from_file(server or {})
    chosen.update(_from_variables(variables or {}))
    chosen.update(_from_arguments(arguments or {}))
    return Config(**chosen)


def environment_path(arguments: Mapping[str, Any], variables: Mapping[str, str]) -> Path | None:
    """Where the environment file is: it must be read before the rest can be known."""
    path = arguments.get("environment") or variables.get(ENVIRONMENT_PREFIX + "ENVIRONMENT")
    return Path(path) if path else None


def _from_file(server: Mapping[str, Any]) -> dict[str, Any]:
    table = {setting.key: setting for setting in settings() if setting.in_file}
    return _chosen(table, server.items(), "server.")


def _from_variables(variables: Mapping[str, str]) -> dict[str, Any]:
    table = {setting.variable: setting for setting in settings()}
    ours = ((k, v) for k, v in variables.items() if k.startswith(ENVIRONMENT_PREFIX))
    return _chosen(table, ours, "variable ")


def _from_arguments(arguments: Mapping[str, Any]) -> dict[str, Any]:
    table = {setting.name: setting for setting in settings()}
    given = ((k, v) for k, v in arguments.items() if v is not None and v != ())
    return _chosen(table, given, "")


def _chosen(
    table: Mapping[str, Setting], given: Iterable[tuple[str, Any]], prefix: str
) -> dict[str, Any]:
    chosen = {}
    for name, value in given:
        if name not in table:
            hint = did_you_mean(name, table)
            raise ConfigurationError(f"{prefix}{name}: there is no such setting{hint}")
        setting = table[name]
        chosen[setting.name] = _convert(setting, value, prefix + name)
    return chosen


def _convert(setting: Setting, value: Any, named: str) -> Any:
    convert = {
        "text": _text,
        "number": _number,
        "switch": _switch,
        "path": _path,
        "list": _list,
    }[setting.kind]
    converted = convert(value, named)
    if setting.options and converted not in setting.options:
        hint = did_you_mean(str(converted), setting.options)
        raise ConfigurationError(
            f"{named}: {converted!r} is not one of {', '.join(setting.options)}{hint}"
        )
    return converted


def _text(value: Any, named: str) -> str:
    if not isinstance(value, str):
        raise ConfigurationError(f"{named}: {value!r} is no text")
    return value


def _number(value: Any, named: str) -> int:
    if not re.fullmatch(r"-?[0-9]+", str(value)):
        raise ConfigurationError(f"{named}: {value!r} is no whole number")
    return int(value)


def _switch(value: Any, named: str) -> bool:
    word = str(value).strip().casefold()
    if word not in TRUE | FALSE:
        raise ConfigurationError(f"{named}: {value!r} is neither true nor false")
    return word in TRUE


def _path(value: Any, named: str) -> Path:
    if not isinstance(value, (str, Path)) or not str(value):
        raise ConfigurationError(f"{named}: {value!r} is no path")
    return Path(value)


def _list(value: Any, named: str) -> tuple[str, ...]:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    if isinstance(value, (list, tuple)) and all(isinstance(part, str) for part in value):
        return tuple(value)
    raise ConfigurationError(f"{named}: {value!r} is no list of texts")


def reference_markdown() -> str:
    """The page `docs/configuration.md`, made from the table."""
    head = (
        "# Configuration\n\n"
        "<!-- Made by d365fo_emulator.config.loader.reference_markdown(); a test compares. -->\n\n"
        "Each setting can be given as a flag of `serve`, else as an environment variable, else as a"
        " key of\nthe mapping `server` in the environment file, else it has its default. An unknown"
        " name is refused in\nall three places. In a variable, several values of a repeatable flag"
        " are separated by commas.\n\n"
        "| Flag | Variable | Key | Default | What it does |\n|---|---|---|---|---|\n"
    )
    return head + "".join(_reference_row(setting) for setting in settings())


def _reference_row(setting: Setting) -> str:
    options = f" One of {', '.join(f'`{o}`' for o in setting.options)}." if setting.options else ""
    repeatable = " Repeatable." if setting.kind == "list" else ""
    flag = setting.flag
    if setting.kind == "switch" and setting.default:
        flag = "--no-" + flag[2:]
    key = f"`{setting.key}`" if setting.in_file else ""
    return (
        f"| `{flag}` | `{setting.variable}` | {key} | {_default(setting)}"
        f" | {setting.help}{options}{repeatable} |\n"
    )


def _default(setting: Setting) -> str:
    if setting.default in (None, "", ()):
        return ""
    if setting.name == "storage_key":
        return "the storage emulators' published key"
    if setting.kind == "switch":
        return "`true`" if setting.default else "`false`"
    return f"`{setting.default}`"
