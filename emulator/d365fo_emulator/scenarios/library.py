"""The scenarios that come with the emulator, by name."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

from d365fo_emulator.kernel.errors import ConfigurationError
from d365fo_emulator.kernel.tables import did_you_mean
from d365fo_emulator.scenarios.loader import load_text

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from d365fo_emulator.scenarios.model import Scenario

_SUFFIX = ".yaml"


def names() -> list[tuple[str, str]]:
    """Name and one-line description of each, by name."""
    return [(name, load(name).description) for name in _file_names()]


def text(name: str) -> str:
    """The file of the scenario `name`, as written.

    Raises:
        ConfigurationError: there is none of that name; the message names the nearest.

    """
    known = _file_names()
    if name not in known:
        hint = did_you_mean(name, known) or f"; there are {', '.join(known)}"
        raise ConfigurationError(f"there is no scenario {name!r}{hint}")
    return _folder().joinpath(name + _SUFFIX).read_text(encoding="utf-8")


def load(name: str) -> Scenario:
    """The scenario `name`.

    Raises:
        ConfigurationError: there is none of that name.

    """
    return load_text(text(name), name)


def _folder() -> Traversable:
    return resources.files("d365fo_emulator.scenarios").joinpath("library")


def _file_names() -> list[str]:
    files = (file.name for file in _folder().iterdir())
    return sorted(name.removesuffix(_SUFFIX) for name in files if name.endswith(_SUFFIX))
