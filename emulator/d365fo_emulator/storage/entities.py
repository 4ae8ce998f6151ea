"""Staging and target rows in `data.db`; see `entities.store.RowStore` for what each method means.

Every write is one transaction with the progress that tells of it, so a crash leaves no row that
the progress does not know, and a restart goes on from it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import json
from typing import TYPE_CHECKING

from d365fo_emulator.entities.store import row_company
from d365fo_emulator.storage import import_state, number_sequences, reruns
from d365fo_emulator.storage.physical import (
    PhysicalTables,
    blank_keys,
    keys_of,
    know_companies,
)
from d365fo_emulator.storage.reading import TargetReader, stored_company
from d365fo_emulator.storage.targets import Upsert, last_row, listed, on_conflict

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from d365fo_emulator.entities.model import EntityType, Field
    from d365fo_emulator.entities.numbering import NumberSequence
    from d365fo_emulator.entities.store import (
        EntityProgress,
        RowError,
        Stage,
        Value,
    )
    from d365fo_emulator.kernel.workspace import ExecutionId
    from d365fo_emulator.storage.database import Database
    from d365fo_emulator.storage.physical import PhysicalTable

LARGE = 20_000
"""Rows from which an import is followed by emptying the write-ahead log."""

PAGE = 1000


class SqliteRowStore(TargetReader):
    """The rows of one workspace.

    Args:
        database: the workspace's `data.db`; this store must be the only one on it.

    """

    def __init__(self, database: Database) -> None:
        super().__init__(database, PhysicalTables(database))

    def prepare(self, entity: EntityType) -> None:
        """Creates the entity's tables, or adds columns for fields that are new; else nothing."""
        self._tables.prepare(entity)

    def prepare_all(self, entities: Iterable[EntityType]) -> None:
        """As `prepare`, for all of them at once: creating tables one by one is slow."""
        self._tables.prepare_all(entities)

    def progress(self, execution: ExecutionId, entity: EntityType) -> EntityProgress:
        """How far this entity has come; all zero when nothing was written yet."""
        with self._database.read() as connection:
            return import_state.read_progress(connection, execution, entity.name)

    # Staging

    def begin(self, execution: ExecutionId, entity: EntityType, place: int) -> None:
        """Gives an entity its place in the execution, in whose order errors are told."""
        with self._database.write() as connection:
            import_state.begin_progress(connection, execution, entity.name, place)

    def stage(
        self,
        execution: ExecutionId,
        entity: EntityType,
        fields: Sequence[Field],
        first_row: int,
        columns: Sequence[Sequence[Value]],
        errors: Sequence[RowError],
        sequences: Sequence[NumberSequence] = (),
    ) -> None:
        """Writes a batch of rows (column-wise), their errors and the progress, together."""
        table = self._tables.prepare(entity)
        count = len(columns[0]) if columns else 0
        keys = [] if sequences else keys_of(entity, fields, columns, count)
        names = table.names(fields)
        insert = (
            f"INSERT INTO {table.staging} (execution, row, _key{listed(names)})"
            f" VALUES (?, ?, ?{', ?' * len(names)})"
        )
        with self._database.write() as connection:
            writer = import_state.writer_number(connection, execution)
            if sequences:
                columns = number_sequences.filled(connection, entity, fields, columns, sequences)
                keys = keys_of(entity, fields, columns, count)
            rows = zip(itertools.repeat(writer), itertools.count(first_row), keys, *columns)
            connection.executemany(insert, rows)
            import_state.write_errors(connection, execution, entity.name, errors)
            progress = import_state.read_progress(connection, execution, entity.name)
            progress = dataclasses.replace(progress, staged=first_row - 1 + count)
            import_state.write_progress(connection, execution, entity.name, progress)

    def finish_staging(self, execution: ExecutionId, entity: EntityType, *, failed: bool) -> None:
        """Marks staging as done; `failed` removes the entity's staged rows (nothing was loaded).

        How many records were read stays in the progress.
        """
        table = self._tables.prepare(entity)
        with self._database.write() as connection:
            if failed:
                self._remove_staged(connection, table, execution)
            progress = import_state.read_progress(connection, execution, entity.name)
            progress = dataclasses.replace(progress, staging_done=True)
            import_state.write_progress(connection, execution, entity.name, progress)

    def duplicate_rows(
        self, execution: ExecutionId, entity: EntityType, company: str
    ) -> Iterator[int]:
        """Rows whose company and key an earlier staged row has already, in order of the file.

        A key that is blank in all its parts is none: such rows fail alone, later (inferred).
        Reads outside the write lock: the sort of a large file takes seconds. Whether there is any
        such row is asked first, since numbering the rows of each key takes thrice as long.
        """
        if not entity.key_is_known:
            return
        blank = json.dumps(blank_keys(entity))
        any_twice = self._staged_numbers(
            execution,
            entity,
            "SELECT 1 FROM {staging} s WHERE s.execution = :writer"
            " GROUP BY {company}, s._key HAVING count(*) > 1"
            " AND s._key NOT IN (SELECT value FROM json_each(:blank)) LIMIT 1",
            company=stored_company(entity, company),
            blank=blank,
        )
        if not list(any_twice):
            return
        yield from self._staged_numbers(
            execution,
            entity,
            "SELECT d.row FROM (SELECT s.row, s._key, row_number() OVER"
            " (PARTITION BY {company}, s._key ORDER BY s.row) AS turn FROM {staging} s"
            " WHERE s.execution = :writer) d WHERE d.turn > 1"
            " AND d._key NOT IN (SELECT value FROM json_each(:blank)) ORDER BY d.row",
            company=stored_company(entity, company),
            blank=blank,
        )

    def new_rows(self, execution: ExecutionId, entity: EntityType, company: str) -> Iterator[int]:
        """Staged rows whose key no target row of their company has, in order of the file."""
        return self._staged_numbers(
            execution,
            entity,
            "SELECT s.row FROM {staging} s WHERE s.execution = :writer AND NOT EXISTS"
            " (SELECT 1 FROM {target} t WHERE t.company = {company} AND t._key = s._key)"
            " ORDER BY s.row",
            company=stored_company(entity, company),
        )

    def staged(
        self,
        execution: ExecutionId,
        entity: EntityType,
        fields: Sequence[Field],
        after_row: int = 0,
        batch: int = PAGE,
    ) -> Iterator[tuple[list[int], list[list[Value]]]]:
        """Staged rows in order of the file, in batches: row numbers, and values column-wise.

        Each batch is a read of its own, so that the writes between them are not held up.
        """
        table = self._tables.find(entity)
        if table is None:
            return
        query = (
            f"SELECT s.row{listed(table.read_names(fields, 's'))} FROM {table.staging} s"
            " WHERE s.execution = (SELECT w.number FROM writer w WHERE w.execution = ?)"
            " AND s.row > ? ORDER BY s.row LIMIT ?"
        )
        while True:
            with self._database.read() as connection:
                rows = connection.execute(query, (execution, after_row, batch)).fetchall()
            if not rows:
                return
            numbers, *columns = map(list, zip(*rows, strict=True))
            yield numbers, columns
            after_row = numbers[-1]

    def _staged_numbers(
        self, execution: ExecutionId, entity: EntityType, query: str, **values: Value
    ) -> Iterator[int]:
        table = self._tables.find(entity)
        if table is None:
            return
        names = {
            "staging": table.staging,
            "target": table.target,
            "company": table.staged_company(entity),
        }
        with self._database.read() as connection:
            know_companies(connection)
            writer = import_state.find_writer(connection, execution)
            cursor = connection.execute(query.format_map(names), {"writer": writer, **values})
            with contextlib.closing(cursor):
                for (row,) in cursor:
                    yield row

    # Errors

    def add_errors(
        self, execution: ExecutionId, entity: EntityType, errors: Sequence[RowError]
    ) -> None:
        """Adds errors; a second error of one row, stage and field with one text is kept once."""
        if not errors:
            return
        with self._database.write() as connection:
            import_state.write_errors(connection, execution, entity.name, errors)
            progress = import_state.read_progress(connection, execution, entity.name)
            import_state.write_progress(connection, execution, entity.name, progress)

    def errors(
        self, execution: ExecutionId, entity: EntityType | None = None
    ) -> Iterator[tuple[str, RowError]]:
        """Errors as (AOT name of the entity, error), by entity in order of writing, by row."""
        name = None if entity is None else entity.name
        with self._database.read() as connection:
            yield from import_state.read_errors(connection, execution, name)

    def count_failed_rows(self, execution: ExecutionId, entity: EntityType, stage: Stage) -> int:
        """How many different rows have an error of this stage."""
        with self._database.read() as connection:
            return import_state.count_failed_rows(connection, execution, entity.name, stage)

    # Target

    def reopen(self, execution: ExecutionId, entity: EntityType, number: int) -> bool:
        """Has the target step begin anew for the rows that it has not written."""
        table = self._tables.prepare(entity)
        with self._database.write() as connection:
            return reruns.reopen(connection, table, execution, entity.name, number)

    def awaited(
        self, execution: ExecutionId, entity: EntityType, rows: Collection[int]
    ) -> set[int]:
        """Which of these rows a re-run takes."""
        with self._database.read() as connection:
            return reruns.awaited(connection, execution, entity.name, rows)

    def truncate(self, execution: ExecutionId, entity: EntityType, company: str) -> None:
        """Deletes the target rows of a company, once for an entity of an execution that has begun.

        It is noted in the transaction that deletes.
        """
        table = self._tables.prepare(entity)
        with self._database.write() as connection:
            if import_state.may_truncate(connection, execution, entity.name):
                connection.execute(
                    f"DELETE FROM {table.target} WHERE company = ?",
                    (stored_company(entity, company),),
                )

    def upsert(
        self,
        execution: ExecutionId,
        entity: EntityType,
        fields: Sequence[Field],
        company: str,
        *,
        chunk: int = 5000,
        go_on: Callable[[], bool] = lambda: True,
    ) -> EntityProgress:
        """Writes staged rows without error to the target, in key order, chunk by chunk."""
        table = self._tables.prepare(entity)
        with self._database.read() as connection:
            step = Upsert(
                self._database,
                connection,
                table,
                execution,
                entity,
                fields,
                stored_company(entity, company),
            )
            with step.ordered() as total:
                progress = import_state.read_progress(connection, execution, entity.name)
                while not progress.target_done and go_on():
                    progress = step.write_chunk(total, chunk)
        if total >= LARGE:
            self._database.truncate_log()
        return progress

    def put(
        self,
        entity: EntityType,
        fields: Sequence[Field],
        company: str,
        rows: Sequence[Sequence[Value]],
    ) -> tuple[int, int]:
        """Inserts or updates target rows by key outside any execution: (created, updated)."""
        if not rows:
            return 0, 0
        table = self._tables.prepare(entity)
        columns = list(zip(*rows, strict=True))
        keys = keys_of(entity, fields, columns, len(rows))
        names = table.names(fields)
        statement = (
            f"INSERT INTO {table.target} (company, _key, _ver{listed(names)})"
            f" VALUES (?, ?, ?{', ?' * len(names)}) {on_conflict(table, entity, fields)}"
        )
        with self._database.write() as connection:
            change = import_state.next_change(connection)
            before = last_row(connection, table)
            owners = _companies(entity, fields, company, columns)
            connection.executemany(statement, zip(owners, keys, itertools.repeat(change), *columns))
            created = last_row(connection, table) - before
        return created, len(rows) - created

    # Removal

    def drop_execution(self, execution: ExecutionId) -> None:
        """Removes staging rows, errors and progress of an execution."""
        tables = self._tables.all()
        with self._database.write() as connection:
            for table in tables:
                self._remove_staged(connection, table, execution)
            for name in ("row_error", "rerun_row", "progress", "writer"):
                connection.execute(f"DELETE FROM {name} WHERE execution = ?", (execution,))

    def clear(self) -> None:
        """Removes all rows, errors and progress; the tables stay."""
        tables = self._tables.all()
        names = [name for table in tables for name in (table.staging, table.target)]
        with self._database.write() as connection:
            for name in (*names, "row_error", "rerun_row", "progress", "writer", "number_sequence"):
                connection.execute(f"DELETE FROM {name}")

    @staticmethod
    def _remove_staged(
        connection: sqlite3.Connection, table: PhysicalTable, execution: ExecutionId
    ) -> None:
        connection.execute(
            f"DELETE FROM {table.staging} WHERE execution ="
            " (SELECT w.number FROM writer w WHERE w.execution = ?)",
            (execution,),
        )


def _companies(
    entity: EntityType, fields: Sequence[Field], company: str, columns: Sequence[Sequence[Value]]
) -> Iterable[str]:
    """The company of each row given column by column."""
    job_company = stored_company(entity, company)
    if entity.company_field is None or entity.company_field not in fields:
        return itertools.repeat(job_company)
    named = columns[fields.index(entity.company_field)]
    return [row_company(name, job_company) for name in named]
