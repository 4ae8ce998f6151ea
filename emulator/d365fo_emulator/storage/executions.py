"""Data projects and executions in the control database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from d365fo_emulator.dmf.model import DataProject, Execution
from d365fo_emulator.storage.documents import decode, encode

if TYPE_CHECKING:
    import datetime as dt
    import sqlite3
    from collections.abc import Iterator, Sequence

    from d365fo_emulator.dmf.tokens import TokenMove
    from d365fo_emulator.kernel.workspace import ExecutionId
    from d365fo_emulator.storage.database import Database

COLUMNS = (
    "folded, id, group_name, company, operation, state, work, live, created_at, finished_at,"
    " document"
)


BATCH = 100
"""Executions that are read at a time where all of them are wanted."""


class SqliteDataManagementStore:
    """The store of one workspace. The columns beside `document` are what queries ask for."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def project(self, name: str) -> DataProject | None:
        """The data project of this name."""
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT document FROM project WHERE folded = ?", (name.casefold(),)
            ).fetchone()
        return None if row is None else decode(row[0], DataProject)

    def projects(self) -> Sequence[DataProject]:
        """All data projects, by folded name."""
        with self._database.read() as connection:
            rows = connection.execute("SELECT document FROM project ORDER BY folded").fetchall()
        return [decode(document, DataProject) for (document,) in rows]

    def remove_project(self, name: str) -> bool:
        """Removes a data project and its version tokens; whether there was one."""
        folded = name.casefold()
        with self._database.write() as connection:
            connection.execute("DELETE FROM version_token WHERE project = ?", (folded,))
            removed = connection.execute("DELETE FROM project WHERE folded = ?", (folded,)).rowcount
        return bool(removed)

    def save_project(self, project: DataProject) -> None:
        """Creates the project, or puts it in place of the one of its name."""
        with self._database.write() as connection:
            _put_project(connection, project)

    def accept(self, execution: Execution, project: DataProject | None) -> bool:
        """Adds an execution, and its project where one is given, in one transaction."""
        with self._database.write() as connection:
            added = connection.execute(
                f"INSERT INTO execution (number, {COLUMNS}) VALUES"
                " ((SELECT coalesce(max(number), 0) + 1 FROM execution),"
                " ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (folded) DO NOTHING",
                _row(execution),
            ).rowcount
            if added and project is not None:
                _put_project(connection, project)
        return bool(added)

    def remove(self, execution: ExecutionId) -> None:
        """Removes an execution."""
        with self._database.write() as connection:
            connection.execute("DELETE FROM execution WHERE folded = ?", (execution.casefold(),))

    def execution(self, execution: ExecutionId) -> Execution | None:
        """The execution of this id."""
        found = self._select("WHERE folded = ?", (execution.casefold(),))
        return found[0] if found else None

    def executions(self) -> Sequence[Execution]:
        """All executions, oldest first."""
        return self._select("ORDER BY number")

    def each_execution(self) -> Iterator[Execution]:
        """The same one by one: few are held at a time, and what begins meanwhile comes too."""
        last = 0
        while True:
            with self._database.read() as connection:
                rows = connection.execute(
                    "SELECT number, document FROM execution WHERE number > ? ORDER BY number LIMIT"
                    f" {BATCH}",
                    (last,),
                ).fetchall()
            if not rows:
                return
            last = rows[-1][0]
            yield from (decode(document, Execution) for _number, document in rows)

    def ended_before(self, instant: dt.datetime) -> Sequence[Execution]:
        """Executions whose end was before an instant, oldest first."""
        return self._select("WHERE finished_at < ? ORDER BY number", (instant.isoformat(),))

    def live(self) -> Sequence[Execution]:
        """Executions that are not at their end, oldest first."""
        return self._select("WHERE live = 1 ORDER BY number")

    def save(self, execution: Execution, moves: Sequence[TokenMove] = ()) -> None:
        """Writes an execution back, and moves these version tokens, in one transaction."""
        folded, *values = _row(execution)
        with self._database.write() as connection:
            connection.execute(
                "UPDATE execution SET id = ?, group_name = ?, company = ?, operation = ?,"
                " state = ?, work = ?, live = ?, created_at = ?, finished_at = ?, document = ?"
                " WHERE folded = ?",
                (*values, folded),
            )
            for move in moves:
                _move_token(connection, move)

    # Version tokens

    def version_token(self, project: str, entity: str, company: str) -> int:
        """The change up to which the last finished export of this entity went; 0: none."""
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT token FROM version_token WHERE project = ? AND entity = ? AND company = ?",
                (project.casefold(), entity.casefold(), company),
            ).fetchone()
        return int(row[0]) if row else 0

    def remove_version_tokens(self, project: str, entity: str) -> bool:
        """Removes an entity's tokens in a project, of every company; whether there were any."""
        with self._database.write() as connection:
            removed = connection.execute(
                "DELETE FROM version_token WHERE project = ? AND entity = ?",
                (project.casefold(), entity.casefold()),
            ).rowcount
        return bool(removed)

    def _select(self, clause: str, values: tuple[str, ...] = ()) -> list[Execution]:
        with self._database.read() as connection:
            rows = connection.execute(f"SELECT document FROM execution {clause}", values).fetchall()
        return [decode(document, Execution) for (document,) in rows]


def _move_token(connection: sqlite3.Connection, move: TokenMove) -> None:
    """Moves a token that is still where the move begins; none counts as being at 0."""
    connection.execute(
        "INSERT INTO version_token (project, entity, company, token)"
        " SELECT ?1, ?2, ?3, ?5 WHERE ?4 = 0 OR EXISTS (SELECT 1 FROM version_token"
        " WHERE project = ?1 AND entity = ?2 AND company = ?3)"
        " ON CONFLICT (project, entity, company) DO UPDATE SET token = excluded.token"
        " WHERE token = ?4",
        (
            move.project.casefold(),
            move.entity.casefold(),
            move.company,
            move.after,
            move.through,
        ),
    )


def _put_project(connection: sqlite3.Connection, project: DataProject) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO project (folded, name, document) VALUES (?, ?, ?)",
        (project.name.casefold(), project.name, encode(project)),
    )


def _row(execution: Execution) -> tuple[str | int | None, ...]:
    finished = execution.finished_at
    return (
        execution.id.casefold(),
        execution.id,
        execution.group,
        execution.company,
        execution.operation,
        execution.state,
        execution.work,
        int(finished is None),
        execution.created_at.isoformat(),
        finished.isoformat() if finished else None,
        encode(execution),
    )
