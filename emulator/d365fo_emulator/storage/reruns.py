"""Which staged rows a re-run of the target step takes.

Functions on a connection, so that they join the transaction of the progress.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from d365fo_emulator.storage.import_state import read_progress

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection

    from d365fo_emulator.kernel.workspace import ExecutionId
    from d365fo_emulator.storage.physical import PhysicalTable

IS_AWAITED = (
    "EXISTS (SELECT 1 FROM main.rerun_row r WHERE r.execution = :execution"
    " AND r.entity = :entity AND r.row = s.row)"
)
"""Whether a re-run takes the staged row `s`."""


def reopen(
    connection: sqlite3.Connection,
    table: PhysicalTable,
    execution: ExecutionId,
    entity: str,
    number: int,
) -> bool:
    """Lists the rows that are not written, and sets the target step back for them.

    That is those with errors, and those beyond where the step had come to in its order, which is
    that of `Upsert.ordered`. False, with nothing changed, when this re-run is begun already.
    """
    progress = read_progress(connection, execution, entity)
    if progress.reruns >= number:
        return False
    names = {"execution": execution, "entity": entity}
    taken_before = f"AND {IS_AWAITED}" if progress.reruns else ""
    left = connection.execute(
        "SELECT o.row FROM (SELECT s.row, row_number() OVER (ORDER BY s._key, s.row) AS position"
        f" FROM {table.staging} s WHERE s.execution ="
        f" (SELECT w.number FROM writer w WHERE w.execution = :execution) {taken_before}) o"
        " WHERE o.position > :through OR EXISTS (SELECT 1 FROM row_error e"
        " WHERE e.execution = :execution AND e.entity = :entity AND e.row = o.row)",
        {**names, "through": progress.ordered_through},
    ).fetchall()
    forget(connection, execution, entity)
    connection.executemany(
        "INSERT INTO rerun_row (execution, entity, row) VALUES (?, ?, ?)",
        ((execution, entity, row) for (row,) in left),
    )
    connection.execute(
        "DELETE FROM row_error WHERE execution = :execution AND entity = :entity"
        " AND stage = 'target'",
        names,
    )
    connection.execute(
        "UPDATE progress SET reruns = :number, ordered_through = 0, target_done = 0"
        " WHERE execution = :execution AND entity = :entity",
        {**names, "number": number},
    )
    return True


def awaited(
    connection: sqlite3.Connection, execution: ExecutionId, entity: str, rows: Collection[int]
) -> set[int]:
    """Which of these rows the re-run takes."""
    found = connection.execute(
        "SELECT row FROM rerun_row WHERE execution = ? AND entity = ?"
        " AND row IN (SELECT value FROM json_each(?))",
        (execution, entity, json.dumps(sorted(rows))),
    )
    return {row for (row,) in found}


def forget(connection: sqlite3.Connection, execution: ExecutionId, entity: str) -> None:
    """Removes the list of an entity."""
    connection.execute(
        "DELETE FROM rerun_row WHERE execution = ? AND entity = ?", (execution, entity)
    )
