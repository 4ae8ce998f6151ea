"""A local emulator of the file-based integration of Dynamics 365 Finance & Operations.

Names are loaded when they are first used, so that importing the package (as the pytest plugin
does) costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from d365fo_emulator.config.model import Config
    from d365fo_emulator.emulator.server import Emulator
    from d365fo_emulator.scenarios.builder import (
        Canceled,
        Computed,
        Executing,
        Failed,
        NotFound,
        NotRun,
        PartiallySucceeded,
        Succeeded,
        Unknown,
    )
    from d365fo_emulator.scenarios.model import Scenario

_HOMES = {
    "__version__": "kernel.version",
    "Config": "config.model",
    "Emulator": "emulator.server",
    "Scenario": "scenarios.model",
    **dict.fromkeys(
        (
            "Canceled",
            "Computed",
            "Executing",
            "Failed",
            "NotFound",
            "NotRun",
            "PartiallySucceeded",
            "Succeeded",
            "Unknown",
        ),
        "scenarios.builder",
    ),
}

__all__ = [
    "Canceled",
    "Computed",
    "Config",
    "Emulator",
    "Executing",
    "Failed",
    "NotFound",
    "NotRun",
    "PartiallySucceeded",
    "Scenario",
    "Succeeded",
    "Unknown",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
