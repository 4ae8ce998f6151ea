"""Reading target rows: single values, counts, whole tables, and what has changed."""

from __future__ import annotations

import contextlib
import dataclasses
from typing import TYPE_CHECKING

from d365fo_emulator.storage import selection
from d365fo_emulator.storage.physical import AFTER_SEPARATOR, SEPARATOR, key_part

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from d365fo_emulator.entities.model import EntityType, Field
    from d365fo_emulator.entities.store import RowQuery, Snapshot, Value
    from d365fo_emulator.storage.database import Database
    from d365fo_emulator.storage.physical import PhysicalTables

SHARED = ""
"""The company of rows of entities that have none."""


class TargetReader:
    """The reading half of a workspace's row store; see `entities.store.RowStore`."""

    def __init__(self, database: Database, tables: PhysicalTables) -> None:
        self._database = database
        self._tables = tables

    def exists(self, entity: EntityType, field: Field, value: Value, company: str) -> bool:
        """Whether a target row has this value, letter case aside (its company, or shared).

        A key field, or the first of several, is looked up in the key; another one is searched.
        """
        table = self._tables.find(entity)
        if table is None:
            return False
        folded = key_part(field)(value)
        with self._database.read() as connection:
            if entity.key_is_known and entity.keys[0] == field.name:
                condition = "(t._key = ?2 OR (t._key >= ?3 AND t._key < ?4))"
            else:
                connection.create_function("folded", 1, key_part(field), deterministic=True)
                condition = f"folded({table.read_names([field], 't')[0]}) = ?2 AND ?3 < ?4"
            row = connection.execute(
                f"SELECT 1 FROM {table.target} t WHERE t.company = ?1 AND {condition} LIMIT 1",
                (
                    stored_company(entity, company),
                    folded,
                    folded + SEPARATOR,
                    folded + AFTER_SEPARATOR,
                ),
            ).fetchone()
        return row is not None

    def count(self, entity: EntityType, company: str | None = None) -> int:
        """How many target rows there are, in one company or in all."""
        table = self._tables.find(entity)
        if table is None:
            return 0
        with self._database.read() as connection:
            (count,) = connection.execute(
                f"SELECT count(*) FROM {table.target} t WHERE ?1 IS NULL OR t.company = ?1",
                (None if company is None else stored_company(entity, company),),
            ).fetchone()
        return int(count)

    def rows(
        self,
        entity: EntityType,
        fields: Sequence[Field],
        company: str | None = None,
    ) -> Iterator[tuple[Value, ...]]:
        """Target rows in key order, read as they are asked for; all as of the first one."""
        table = self._tables.find(entity)
        if table is None:
            return
        with self._database.read() as connection:
            cursor = connection.execute(
                f"SELECT {', '.join(table.target_names(entity, fields)) or 'NULL'}"
                f" FROM {table.target} t WHERE ?1 IS NULL OR t.company = ?1"
                " ORDER BY t.company, t._key",
                (None if company is None else stored_company(entity, company),),
            )
            with contextlib.closing(cursor):
                yield from cursor

    @contextlib.contextmanager
    def snapshot(
        self, entity: EntityType, fields: Sequence[Field], query: RowQuery
    ) -> Iterator[Snapshot]:
        """Target rows in key order, together with the number of the last change among them."""
        company = None if query.company is None else stored_company(entity, query.company)
        query = dataclasses.replace(query, company=company)
        while True:
            table = self._tables.find(entity)
            with (
                self._database.read() as connection,
                selection.taken(connection, table, entity, fields, query) as found,
            ):
                # Rows may have come with their table before the change was read: look again.
                if table is not None or self._tables.find(entity) is None:
                    yield found
                    return


def stored_company(entity: EntityType, company: str) -> str:
    """How the company is kept: in capitals, since the product's ids do not distinguish case."""
    return company.upper() if entity.per_company else SHARED
