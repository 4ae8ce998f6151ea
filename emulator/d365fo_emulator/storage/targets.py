"""Target rows: the step from staging, in key order, chunk by chunk.

Chunks in the order of the file would each touch all of the key's index (four times slower on a
shuffled file). So the rows' numbers are put in key order once, into a temporary table, which
takes no write lock; each chunk then writes neighbours. The order is made of all staged rows,
failed ones too, so that a place in it means the same after a restart.
"""

from __future__ import annotations

import contextlib
import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from d365fo_emulator.entities.replacing import defaults_of
from d365fo_emulator.storage.import_state import (
    next_change,
    read_progress,
    write_progress,
    writer_number,
)
from d365fo_emulator.storage.physical import know_companies
from d365fo_emulator.storage.reruns import IS_AWAITED

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Sequence

    from d365fo_emulator.entities.model import EntityType, Field
    from d365fo_emulator.entities.store import EntityProgress
    from d365fo_emulator.kernel.workspace import ExecutionId
    from d365fo_emulator.storage.database import Database
    from d365fo_emulator.storage.physical import PhysicalTable


@dataclass(frozen=True)
class Upsert:
    """The target step of one entity of one execution, on one connection.

    `company` is the job's; rows that name a company of their own belong to that.
    """

    database: Database
    connection: sqlite3.Connection
    table: PhysicalTable
    execution: ExecutionId
    entity: EntityType
    fields: Sequence[Field]
    company: str

    @contextlib.contextmanager
    def ordered(self) -> Iterator[int]:
        """Puts the staged rows in key order, for as long as it is entered; gives their count.

        Rows with errors are gathered beside it: to look for each row among all errors of the
        workspace took a third of the whole step.
        """
        connection = self.connection
        know_companies(connection)
        self._drop_order()
        connection.execute(
            "CREATE TEMP TABLE key_order (position INTEGER PRIMARY KEY, row INTEGER NOT NULL)"
        )
        connection.execute("CREATE TEMP TABLE failed (row INTEGER PRIMARY KEY)")
        try:
            reruns = read_progress(connection, self.execution, self.entity.name).reruns
            connection.execute(
                f"INSERT INTO temp.key_order (row) SELECT s.row FROM main.{self.table.staging} s"
                " WHERE s.execution = (SELECT w.number FROM main.writer w"
                f" WHERE w.execution = :execution) {f'AND {IS_AWAITED}' if reruns else ''}"
                " ORDER BY s._key, s.row",
                {"execution": self.execution, "entity": self.entity.name},
            )
            connection.execute(
                "INSERT OR IGNORE INTO temp.failed SELECT e.row FROM main.row_error e"
                " WHERE e.execution = ? AND e.entity = ?",
                (self.execution, self.entity.name),
            )
            (count,) = connection.execute("SELECT count(*) FROM temp.key_order").fetchone()
            yield int(count)
        finally:
            self._drop_order()

    def _drop_order(self) -> None:
        for name in ("key_order", "failed"):
            self.connection.execute(f"DROP TABLE IF EXISTS temp.{name}")

    def write_chunk(self, total: int, chunk: int) -> EntityProgress:
        """Writes the next `chunk` rows of the order, and how far it has come, together."""
        connection, table = self.connection, self.table
        with self.database.write_on(connection):
            progress = read_progress(connection, self.execution, self.entity.name)
            through = min(progress.ordered_through + chunk, total)
            writer = writer_number(connection, self.execution)
            before = last_row(connection, table)
            defaults = defaults_of(self.entity, self.fields)
            cursor = connection.execute(
                upsert_sql(table, self.entity, self.fields, [field for field, _ in defaults]),
                {
                    **{f"default{number}": value for number, (_, value) in enumerate(defaults)},
                    "after": progress.ordered_through,
                    "through": through,
                    "writer": writer,
                    "change": next_change(connection),
                    "company": self.company,
                },
            )
            created = last_row(connection, table) - before
            progress = dataclasses.replace(
                progress,
                ordered_through=through,
                created=progress.created + created,
                updated=progress.updated + cursor.rowcount - created,
                target_done=through == total,
            )
            write_progress(connection, self.execution, self.entity.name, progress)
        return progress


def last_row(connection: sqlite3.Connection, table: PhysicalTable) -> int:
    """The highest row id of the target: an insert adds one to it, an update nothing."""
    (last,) = connection.execute(
        f"SELECT coalesce(max(t.rowid), 0) FROM {table.target} t"
    ).fetchone()
    return int(last)


def upsert_sql(
    table: PhysicalTable, entity: EntityType, fields: Sequence[Field], defaulted: Sequence[Field]
) -> str:
    """The statement that writes the rows of one chunk that have no error.

    `defaulted`: fields that are not given, of which new rows take `:default0`, `:default1`, ….
    """
    columns = table.names(fields)
    return (
        f"INSERT INTO {table.target}"
        f" (company, _key, _ver{listed(columns)}{listed(table.names(defaulted))})"
        f" SELECT {table.staged_company(entity)}, s._key, :change"
        f"{listed([f's.{name}' for name in columns])}"
        f"{listed([f':default{number}' for number in range(len(defaulted))])}"
        f" FROM temp.key_order o CROSS JOIN {table.staging} s"
        " WHERE o.position > :after AND o.position <= :through"
        " AND s.execution = :writer AND s.row = o.row"
        " AND NOT EXISTS (SELECT 1 FROM temp.failed e WHERE e.row = o.row)"
        f" {on_conflict(table, entity, fields)}"
    )


def on_conflict(table: PhysicalTable, entity: EntityType, fields: Sequence[Field]) -> str:
    """What happens to a row that is there: its key keeps its spelling, None changes nothing."""
    keys = set(entity.keys)
    changed = table.names(field for field in fields if field.name not in keys)
    sets = [f"{name} = coalesce(excluded.{name}, {name})" for name in changed]
    return f"ON CONFLICT (company, _key) DO UPDATE SET {', '.join(['_ver = excluded._ver', *sets])}"


def listed(names: Sequence[str]) -> str:
    """Names to follow others in a list."""
    return "".join(f", {name}" for name in names)
