"""From the schema of an older release to this one's."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from d365fo_emulator.kernel.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# By file: version that a step leads to, and its statements.
CONTROL_STEPS: Mapping[int, str] = {
    2: """
        ALTER TABLE project ADD COLUMN document TEXT NOT NULL DEFAULT '';
        UPDATE project SET document = json_object('name', name, 'operation', operation,
          'entities', json(entities), 'description', description);
        ALTER TABLE project DROP COLUMN entities;
        ALTER TABLE project DROP COLUMN description;
        ALTER TABLE project DROP COLUMN operation;
        CREATE TABLE version_token (
          project TEXT NOT NULL, entity TEXT NOT NULL, company TEXT NOT NULL,
          token INTEGER NOT NULL, PRIMARY KEY (project, entity, company)
        ) WITHOUT ROWID;
    """,
}
# Rows of version 1 have the number of their writer as change; changes go on above it.
DATA_STEPS: Mapping[int, str] = {
    2: """
        CREATE TABLE change (number INTEGER NOT NULL);
        INSERT INTO change SELECT coalesce(max(number), 0) FROM writer;
    """,
    3: """
        CREATE TABLE number_sequence (
          entity TEXT NOT NULL, field TEXT NOT NULL, company TEXT NOT NULL, last INTEGER NOT NULL,
          PRIMARY KEY (entity, field, company)
        ) WITHOUT ROWID;
    """,
    4: "ALTER TABLE progress ADD COLUMN truncated INTEGER NOT NULL DEFAULT 0",
    5: """
        CREATE TABLE attachment (
          entity TEXT NOT NULL, company TEXT NOT NULL, folded TEXT NOT NULL, name TEXT NOT NULL,
          content TEXT NOT NULL, size INTEGER NOT NULL, PRIMARY KEY (entity, company, folded)
        ) WITHOUT ROWID;
        CREATE INDEX attachment_content ON attachment (content);
    """,
    6: """
        ALTER TABLE progress ADD COLUMN reruns INTEGER NOT NULL DEFAULT 0;
        CREATE TABLE rerun_row (
          execution TEXT NOT NULL, entity TEXT NOT NULL, row INTEGER NOT NULL,
          PRIMARY KEY (execution, entity, row)
        ) WITHOUT ROWID;
    """,
}


def migrate(path: Path, version: int, steps: Mapping[int, str]) -> None:
    """Brings a file to `version`, step by step, each in a transaction of its own.

    Raises:
        ConfigurationError: a newer release has written the file, or it is no file of ours, or
            broken; nothing was changed.

    """
    try:
        _migrate(path, version, steps)
    except sqlite3.DatabaseError as error:
        raise _unusable(path, str(error)) from error


def _migrate(path: Path, version: int, steps: Mapping[int, str]) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        (found,) = connection.execute("PRAGMA user_version").fetchone()
        if found > version:
            raise ConfigurationError(
                f"{path} was written by a newer release (version {found}, this one knows"
                f" {version}): take that release, or another data directory"
            )
        wanted = range(found + 1, version + 1)
        if not set(wanted) <= set(steps):  # an empty file reads as version 0
            raise _unusable(path, f"it says version {found}, which no release has written")
        for step in wanted:
            connection.executescript(
                f"BEGIN IMMEDIATE; {steps[step]}; PRAGMA user_version={step}; COMMIT;"
            )
    finally:
        connection.close()


def _unusable(path: Path, because: str) -> ConfigurationError:
    return ConfigurationError(
        f"{path} cannot be used as a database ({because}): remove its workspace's folder, or take"
        " another data directory"
    )
