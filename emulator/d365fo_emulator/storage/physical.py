"""Physical tables of entities: their generated names, and how keys are written.

An entity has a staging table `s_<n>` and a target table `t_<n>` with the same columns `c<m>`. The
names are generated and kept in `physical` and `physical_column`, so nothing that a request or a
file says ever reaches SQL as a name. Columns are added, never dropped.

`_key` is the natural key as one text that sorts: parts joined by a unit separator, letter case
folded (the product's keys do not distinguish it; inferred), numbers with a fixed width.
"""

from __future__ import annotations

import itertools
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from d365fo_emulator.entities.model import FieldType
from d365fo_emulator.entities.store import row_company
from d365fo_emulator.entities.values import BLANKS

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from d365fo_emulator.entities.model import EntityType, Field
    from d365fo_emulator.entities.store import Value
    from d365fo_emulator.storage.database import Database

SEPARATOR = "\x1f"
AFTER_SEPARATOR = "\x20"

INTEGERS = frozenset({FieldType.INT, FieldType.INT64, FieldType.TIME})
NUMBERS = INTEGERS | {FieldType.REAL}
NINES_COMPLEMENT = str.maketrans("0123456789", "9876543210")


@dataclass(frozen=True)
class PhysicalTable:
    """The tables of one entity; `columns` by staging name in upper case."""

    number: int
    columns: Mapping[str, str]

    @property
    def staging(self) -> str:
        """Name of the staging table."""
        return f"s_{self.number}"

    @property
    def target(self) -> str:
        """Name of the target table."""
        return f"t_{self.number}"

    def names(self, fields: Iterable[Field]) -> list[str]:
        """The columns of these fields."""
        return [self.columns[field.staging_name.upper()] for field in fields]

    def read_names(self, fields: Iterable[Field], alias: str) -> list[str]:
        """Expressions that read these fields; nothing where a field has no column yet."""
        columns = (self.columns.get(field.staging_name.upper()) for field in fields)
        return [f"{alias}.{column}" if column else "NULL" for column in columns]

    def staged_company(self, entity: EntityType) -> str:
        """An expression for the company of staged rows `s`; needs `know_companies`, `:company`."""
        if entity.company_field is None:
            return ":company"
        return f"row_company({self.read_names([entity.company_field], 's')[0]}, :company)"

    def target_names(self, entity: EntityType, fields: Sequence[Field]) -> list[str]:
        """Expressions that read fields of target rows `t`; the company field is never blank."""
        own = entity.company_field
        return [
            f"coalesce(nullif(trim({name}), ''), t.company)" if field is own else name
            for name, field in zip(self.read_names(fields, "t"), fields, strict=True)
        ]

    def lacks(self, entity: EntityType) -> list[Field]:
        """The entity's fields that have no column yet."""
        return [f for f in entity.fields if f.staging_name.upper() not in self.columns]


def know_companies(connection: sqlite3.Connection) -> None:
    """Lets statements on this connection work out the company of a row."""
    connection.create_function("row_company", 2, row_company, deterministic=True)


class PhysicalTables:
    """The physical tables of one `data.db`; remembers those that it has seen."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[str, PhysicalTable] = {}
        self._lock = threading.Lock()

    def find(self, entity: EntityType) -> PhysicalTable | None:
        """The entity's tables; None when nothing was ever written for it."""
        table = self._known.get(entity.name)
        if table is None:
            with self._database.read() as connection:
                table = _load(connection, entity.name)
            if table is not None:
                self._known[entity.name] = table
        return table

    def prepare(self, entity: EntityType) -> PhysicalTable:
        """The entity's tables, with a column for each of its fields."""
        with self._lock:
            table = self.find(entity)
            if table is None or table.lacks(entity):
                table = self._prepare([entity])[0]
            return table

    def prepare_all(self, entities: Iterable[EntityType]) -> None:
        """As `prepare`, in one transaction.

        Every connection reads the whole schema anew after each that changed it, so that a package
        of hundreds of entities would spend most of its import on that.
        """
        with self._lock:
            lacking = {}
            for entity in entities:
                table = self.find(entity)
                if table is None or table.lacks(entity):
                    lacking[entity.name] = entity
            if lacking:
                self._prepare(list(lacking.values()))

    def _prepare(self, entities: Sequence[EntityType]) -> list[PhysicalTable]:
        tables = []
        with self._database.write() as connection:
            for entity in entities:
                known = _load(connection, entity.name)
                tables.append(
                    _create(connection, entity)
                    if known is None
                    else _add_columns(connection, entity, known)
                )
        for entity, table in zip(entities, tables, strict=True):
            self._known[entity.name] = table
        return tables

    def all(self) -> list[PhysicalTable]:
        """The tables of every entity."""
        with self._database.read() as connection:
            numbers = connection.execute("SELECT number FROM physical").fetchall()
        return [PhysicalTable(number, {}) for (number,) in numbers]


def _load(connection: sqlite3.Connection, name: str) -> PhysicalTable | None:
    row = connection.execute("SELECT number FROM physical WHERE entity = ?", (name,)).fetchone()
    if row is None:
        return None
    columns = connection.execute(
        "SELECT field, name FROM physical_column WHERE entity = ?", (name,)
    )
    return PhysicalTable(row[0], dict(columns.fetchall()))


def _create(connection: sqlite3.Connection, entity: EntityType) -> PhysicalTable:
    """Both tables with all their columns: adding one later makes SQLite read the whole schema."""
    (number,) = connection.execute("SELECT coalesce(max(number), 0) + 1 FROM physical").fetchone()
    table = PhysicalTable(number, {})
    connection.execute("INSERT INTO physical VALUES (?, ?)", (entity.name, number))
    named = _name_columns(connection, entity, table)
    columns = "".join(f", {name} {kind}" for name, kind in named.values())
    connection.execute(
        f"CREATE TABLE {table.staging} (execution INTEGER NOT NULL, row INTEGER NOT NULL,"
        f" _key TEXT NOT NULL{columns}, PRIMARY KEY (execution, row)) WITHOUT ROWID"
    )
    connection.execute(
        f"CREATE TABLE {table.target} (company TEXT NOT NULL, _key TEXT NOT NULL,"
        f" _ver INTEGER NOT NULL{columns}, PRIMARY KEY (company, _key))"
    )
    return PhysicalTable(number, {field: name for field, (name, _kind) in named.items()})


def _add_columns(
    connection: sqlite3.Connection, entity: EntityType, table: PhysicalTable
) -> PhysicalTable:
    named = _name_columns(connection, entity, table)
    for name, kind in named.values():
        for part in (table.staging, table.target):
            connection.execute(f"ALTER TABLE {part} ADD COLUMN {name} {kind}")
    more = {field: name for field, (name, _kind) in named.items()}
    return PhysicalTable(table.number, {**table.columns, **more})


def _name_columns(
    connection: sqlite3.Connection, entity: EntityType, table: PhysicalTable
) -> dict[str, tuple[str, str]]:
    """Names and types for the fields that have no column yet, by staging name; also noted."""
    first = len(table.columns) + 1
    named = {
        field.staging_name.upper(): (f"c{number}", column_type(field))
        for number, field in enumerate(table.lacks(entity), first)
    }
    connection.executemany(
        "INSERT INTO physical_column VALUES (?, ?, ?, ?)",
        [(entity.name, field, name, kind) for field, (name, kind) in named.items()],
    )
    return named


def column_type(field: Field) -> str:
    """The SQL type of a field's column."""
    if field.type is FieldType.REAL:
        return "REAL"
    return "INTEGER" if field.type in INTEGERS else "TEXT"


def key_part(field: Field) -> Callable[[Value], str]:
    """What writes values of a field as part of `_key`, folded and in an order that sorts."""
    if field.type in INTEGERS:
        return lambda value: _sortable(int(value or 0), f"{abs(int(value or 0)):020}")
    if field.type is FieldType.REAL:
        return lambda value: _sortable(float(value or 0), f"{abs(float(value or 0)):045.12f}")
    return lambda value: "" if value is None else str(value).casefold()


def blank_keys(entity: EntityType) -> list[str]:
    """What `_key` is of rows whose key is blank in all its parts; such a key is none."""
    parts = []
    for field in entity.key_fields:
        write = key_part(field)
        parts.append({write(value) for value in BLANKS[field.type]})
    return list(map(SEPARATOR.join, itertools.product(*parts)))


def keys_of(
    entity: EntityType, fields: Sequence[Field], columns: Sequence[Sequence[Value]], count: int
) -> list[str]:
    """`_key` of each of `count` rows given column by column; a key field not given is blank."""
    given = {field.name: column for field, column in zip(fields, columns, strict=True)}
    absent = [None] * count
    columns = [given.get(field.name) or absent for field in entity.key_fields]
    if not entity.key_is_known:
        # Two texts in different letter case are two rows, lest one be lost. Such a key grows with
        # its columns; rows from before are blank in new ones.
        texts = zip(*([value or "" for value in column] for column in columns), strict=True)
        return [SEPARATOR.join(row).rstrip(SEPARATOR) for row in texts]
    parts = [
        _folded_column(field, column)
        for field, column in zip(entity.key_fields, columns, strict=True)
    ]
    return parts[0] if len(parts) == 1 else list(map(SEPARATOR.join, zip(*parts, strict=True)))


def _folded_column(field: Field, column: Sequence[Value]) -> list[str]:
    texts = cast("Sequence[str]", column)  # nearly always; and then at C speed
    try:
        return list(map(str.casefold, texts))
    except TypeError:
        return list(map(key_part(field), column))


def _sortable(value: float, digits: str) -> str:
    """Fixed digits with a sign that sorts: below zero, the larger the number the earlier."""
    return "0" + digits.translate(NINES_COMPLEMENT) if value < 0 else "1" + digits
