"""What workspaces have learnt of entities, in `control.db`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from d365fo_emulator.storage.database import Database


class SqliteLearntStore:
    """The table `entity` of one workspace's control database.

    Args:
        database: the workspace's `control.db`.

    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def load(self) -> list[tuple[str, str]]:
        """Everything kept, as (AOT name, document), oldest first."""
        with self._database.read() as connection:
            return connection.execute("SELECT name, document FROM entity ORDER BY rowid").fetchall()

    def save(self, name: str, document: str) -> None:
        """Keeps a document in place of an older one of this name."""
        with self._database.write() as connection:
            connection.execute(
                "INSERT INTO entity (name, document) VALUES (?, ?)"
                " ON CONFLICT (name) DO UPDATE SET document = excluded.document",
                (name, document),
            )

    def clear(self) -> None:
        """Forgets everything."""
        with self._database.write() as connection:
            connection.execute("DELETE FROM entity")
