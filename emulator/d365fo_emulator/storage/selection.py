"""Target rows of one moment, chosen by company, change and value: what exports read.

The last change's number and the rows are read in one transaction, so from one snapshot of the
file: a row that is written meanwhile is not among the rows and has a higher number, so whoever
later asks for rows after that number finds it.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from d365fo_emulator.entities.store import Snapshot
from d365fo_emulator.storage.import_state import current_change
from d365fo_emulator.storage.physical import key_part

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Sequence

    from d365fo_emulator.entities.model import EntityType, Field
    from d365fo_emulator.entities.store import RowQuery, Value
    from d365fo_emulator.storage.physical import PhysicalTable


@contextlib.contextmanager
def taken(
    connection: sqlite3.Connection,
    table: PhysicalTable | None,
    entity: EntityType,
    fields: Sequence[Field],
    query: RowQuery,
) -> Iterator[Snapshot]:
    """A snapshot on this connection, which nobody else may use meanwhile.

    There is no index of changes: the scan of a million rows takes a quarter of a second, and an
    index would make writing them take twice as long.
    """
    connection.execute("BEGIN")
    try:
        change = current_change(connection)
        if table is None:
            yield Snapshot(change, iter(()))
            return
        condition, values = _condition(connection, table, query)
        places = _places(connection, table, query)
        names = [f"place_{number}" for number in range(len(places))]
        columns = [*table.target_names(entity, fields), *places]
        cursor = connection.execute(
            f"SELECT {', '.join(columns) or 'NULL'}"
            f" FROM {table.target} t WHERE {condition}"
            f" ORDER BY {', '.join([*names, 't.company', 't._key'])}",
            values,
        )
        with contextlib.closing(cursor):
            yield Snapshot(change, cursor)
    finally:
        connection.rollback()


def _places(connection: sqlite3.Connection, table: PhysicalTable, query: RowQuery) -> list[str]:
    """Columns that rows are ordered by, beside the key."""
    places = []
    for number, field in enumerate(query.order):
        connection.create_function(f"sorted_{number}", 1, key_part(field), deterministic=True)
        (column,) = table.read_names([field], "t")
        places.append(f"sorted_{number}({column}) AS place_{number}")
    return places


def _condition(
    connection: sqlite3.Connection, table: PhysicalTable, query: RowQuery
) -> tuple[str, list[Value]]:
    conditions = ["t._ver > ?"]
    parameters: list[Value] = [query.changed_after]
    if query.company is not None:
        conditions.append("t.company = ?")
        parameters.append(query.company)
    for number, (field, wanted) in enumerate(query.where):
        fold = key_part(field)
        connection.create_function(f"folded_{number}", 1, fold, deterministic=True)
        (column,) = table.read_names([field], "t")
        marks = ", ".join("?" * len(wanted))
        conditions.append(f"folded_{number}({column}) IN ({marks})")
        parameters += map(fold, wanted)
    return " AND ".join(conditions), parameters
