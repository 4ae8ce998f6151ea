"""From the schema of an older release to this one's."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from d365fo_emulator.kernel.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# By file: version that a step leads to, and its statements. The first release has none.
CONTROL_STEPS: Mapping[int, str] = {}
DATA_STEPS: Mapping[int, str] = {}


def migrate(path: Path, version: int, steps: Mapping[int, str]) -> None:
    """Brings a file to `version`, step by step, each in a transaction of its own.

    Raises:
        ConfigurationError: a newer release has written the file; nothing was changed.

    """
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        (found,) = connection.execute("PRAGMA user_version").fetchone()
        if found > version:
            raise ConfigurationError(
                f"{path} was written by a newer release (version {found}, this one knows"
                f" {version}): take that release, or another data directory"
            )
        for step in range(found + 1, version + 1):
            connection.executescript(
                f"BEGIN IMMEDIATE; {steps[step]}; PRAGMA user_version={step}; COMMIT;"
            )
    finally:
        connection.close()
