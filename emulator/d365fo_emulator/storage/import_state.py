"""How far imports have come, and what failed in them: the fixed tables of `data.db`.

Functions on a connection, so that they join the transaction of the rows that they tell of.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from d365fo_emulator.entities.store import EntityProgress, RowError, Stage

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator

    from d365fo_emulator.kernel.workspace import ExecutionId


def writer_number(connection: sqlite3.Connection, execution: ExecutionId) -> int:
    """The number of an execution in staging tables; given at its first write."""
    number = find_writer(connection, execution)
    if number is None:
        cursor = connection.execute("INSERT INTO writer (execution) VALUES (?)", (execution,))
        number = cursor.lastrowid
    assert number is not None  # noqa: S101  an INSERT always has one
    return number


def find_writer(connection: sqlite3.Connection, execution: ExecutionId) -> int | None:
    """The number of an execution that has written; else None."""
    row = connection.execute(
        "SELECT number FROM writer WHERE execution = ?", (execution,)
    ).fetchone()
    return None if row is None else int(row[0])


def next_change(connection: sqlite3.Connection) -> int:
    """A fresh change number for the rows that this transaction writes (`_ver`).

    Writes of one file are one after the other, so a transaction that commits later has a higher
    number: whoever reads all rows up to the present number misses none.
    """
    connection.execute("UPDATE change SET number = number + 1")
    return current_change(connection)


def current_change(connection: sqlite3.Connection) -> int:
    """The number of the last change that this connection sees."""
    (number,) = connection.execute("SELECT number FROM change").fetchone()
    return int(number)


def read_progress(
    connection: sqlite3.Connection, execution: ExecutionId, entity: str
) -> EntityProgress:
    """How far an entity of an execution has come; all zero at first."""
    row = connection.execute(
        "SELECT staged, staging_done, ordered_through, created, updated, target_done, reruns"
        " FROM progress WHERE execution = ? AND entity = ?",
        (execution, entity),
    ).fetchone()
    if row is None:
        return EntityProgress()
    staged, staging_done, ordered_through, created, updated, target_done, reruns = row
    return EntityProgress(
        staged, bool(staging_done), ordered_through, created, updated, bool(target_done), reruns
    )


def begin_progress(
    connection: sqlite3.Connection, execution: ExecutionId, entity: str, place: int
) -> None:
    """Gives an entity its place among those of its execution, once."""
    connection.execute(
        "INSERT OR IGNORE INTO progress (execution, entity, position) VALUES (?, ?, ?)",
        (execution, entity, place),
    )


def may_truncate(connection: sqlite3.Connection, execution: ExecutionId, entity: str) -> bool:
    """Whether the target was not emptied for this entity of this execution yet; notes that it is.

    The entity must have its place (see `begin_progress`).
    """
    noted = connection.execute(
        "UPDATE progress SET truncated = 1 WHERE execution = ? AND entity = ? AND truncated = 0",
        (execution, entity),
    )
    return noted.rowcount > 0


def write_progress(
    connection: sqlite3.Connection,
    execution: ExecutionId,
    entity: str,
    progress: EntityProgress,
) -> None:
    """Keeps the progress; an entity without a place yet comes after those that have one."""
    connection.execute(
        "INSERT INTO progress (execution, entity, position, staged, staging_done,"
        " ordered_through, created, updated, target_done)"
        " SELECT ?1, ?2, (SELECT count(*) FROM progress WHERE execution = ?1),"
        " ?3, ?4, ?5, ?6, ?7, ?8 WHERE true"
        " ON CONFLICT (execution, entity) DO UPDATE SET staged = excluded.staged,"
        " staging_done = excluded.staging_done, ordered_through = excluded.ordered_through,"
        " created = excluded.created, updated = excluded.updated,"
        " target_done = excluded.target_done",
        (
            execution,
            entity,
            progress.staged,
            progress.staging_done,
            progress.ordered_through,
            progress.created,
            progress.updated,
            progress.target_done,
        ),
    )


def write_errors(
    connection: sqlite3.Connection,
    execution: ExecutionId,
    entity: str,
    errors: Iterable[RowError],
) -> None:
    """Keeps errors; the same one again is kept once."""
    connection.executemany(
        "INSERT OR IGNORE INTO row_error (execution, entity, row, stage, field, message)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (
            (execution, entity, error.row, error.stage.value, error.field, error.message)
            for error in errors
        ),
    )


def read_errors(
    connection: sqlite3.Connection, execution: ExecutionId, entity: str | None
) -> Iterator[tuple[str, RowError]]:
    """Errors of an execution or of one of its entities, in the order of writing, by row."""
    cursor = connection.execute(
        "SELECT e.entity, e.row, e.stage, e.field, e.message FROM row_error e"
        " LEFT JOIN progress p ON p.execution = e.execution AND p.entity = e.entity"
        " WHERE e.execution = ?1 AND (?2 IS NULL OR e.entity = ?2)"
        " ORDER BY p.position, e.entity, e.row, e.stage, e.field, e.message",
        (execution, entity),
    )
    try:
        for name, row, stage, field, message in cursor:
            yield name, RowError(row, Stage(stage), field, message)
    finally:
        cursor.close()  # an unfinished statement would keep its snapshot of the file


def count_failed_rows(
    connection: sqlite3.Connection, execution: ExecutionId, entity: str, stage: Stage
) -> int:
    """How many different rows have an error of this stage; the entity's own error is none."""
    (count,) = connection.execute(
        "SELECT count(DISTINCT row) FROM row_error"
        " WHERE execution = ? AND entity = ? AND stage = ? AND row > 0",
        (execution, entity, stage.value),
    ).fetchone()
    return int(count)
