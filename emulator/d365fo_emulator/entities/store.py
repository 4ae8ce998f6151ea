"""Where rows and learnt entities of one workspace live (implemented in `storage`).

Values in rows are storage values: text for string, enum (symbol), noyes (``Yes``/``No``), guid,
date (``yyyy-MM-dd``) and datetime (``yyyy-MM-dd HH:mm:ss``); int for int, int64 and time (seconds
since midnight); float for real; None for an empty value of a column that the file does not have.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from d365fo_emulator.entities.model import EntityType, Field
    from d365fo_emulator.entities.numbering import NumberSequence
    from d365fo_emulator.kernel.workspace import ExecutionId


Value = str | int | float | None


class Stage(StrEnum):
    """Where in an import a row failed."""

    SOURCE = "source"
    STAGING = "staging"
    TARGET = "target"


@dataclass(frozen=True)
class RowError:
    """One failed row: its number in the file (1 = first data row; 0 = the whole entity)."""

    row: int
    stage: Stage
    field: str
    message: str


@dataclass(frozen=True)
class EntityProgress:
    """How far one entity of one execution has come; written with each batch, read at restart.

    `staged`: source records written to staging (rows 1..staged). `ordered_through`: rows of the
    key order that the target step is through with. `created` and `updated`: target rows so far.
    `reruns`: the number of the re-run that the target step belongs to.
    """

    staged: int = 0
    staging_done: bool = False
    ordered_through: int = 0
    created: int = 0
    updated: int = 0
    target_done: bool = False
    reruns: int = 0


@dataclass(frozen=True)
class RowQuery:
    """Which target rows are read.

    Attributes:
        company: theirs; None: of all companies.
        changed_after: only rows that were written after this change; 0: all.
        where: pairs of a field and the values that it may have, letter case aside; None: rows
            that have none.
        order: rows come by these fields before they come by key: by their folded values, as texts
            that sort, which follow the values of each row.

    """

    company: str | None = None
    changed_after: int = 0
    where: tuple[tuple[Field, tuple[Value, ...]], ...] = ()
    order: tuple[Field, ...] = ()


@dataclass(frozen=True)
class Snapshot:
    """Rows as they were at one moment: all changes up to the number `change` are in them.

    `rows` are read as they are asked for; what is written meanwhile is not among them, and has a
    higher number.
    """

    change: int
    rows: Iterator[tuple[Value, ...]]


def row_company(named: Value, job_company: str) -> str:
    """The company of a row: the one that its company field names, else the job's.

    In capitals, as companies are kept, since the product's ids do not distinguish letter case.
    """
    return str(named or "").strip().upper() or job_company.upper()


class LearntStore(Protocol):
    """What a workspace has learnt of entities, as JSON texts by AOT name."""

    def load(self) -> list[tuple[str, str]]:
        """Everything kept, as (AOT name, document), oldest first."""
        ...

    def save(self, name: str, document: str) -> None:
        """Keeps a document in place of an older one of this name."""
        ...

    def clear(self) -> None:
        """Forgets everything."""
        ...


class RowStore(Protocol):
    """Staging and target rows of one workspace.

    Where a method takes a company, it is the job's: rows of entities with a company field belong
    to the company that they name (see `row_company`).
    """

    def prepare(self, entity: EntityType) -> None:
        """Creates the entity's tables, or adds columns for fields that are new; else nothing."""
        ...

    def prepare_all(self, entities: Iterable[EntityType]) -> None:
        """As `prepare`, for all of them at once: creating tables one by one is slow."""
        ...

    def progress(self, execution: ExecutionId, entity: EntityType) -> EntityProgress:
        """How far this entity has come; all zero when nothing was written yet."""
        ...

    def begin(self, execution: ExecutionId, entity: EntityType, place: int) -> None:
        """Gives an entity its place in the execution, in whose order errors are told."""
        ...

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
        """Writes a batch of rows (column-wise), their errors and the progress, together.

        Blank cells of the fields of `sequences` take their next numbers, in the same transaction.
        """
        ...

    def finish_staging(self, execution: ExecutionId, entity: EntityType, *, failed: bool) -> None:
        """Marks staging as done; `failed` removes the entity's staged rows (nothing was loaded)."""
        ...

    def duplicate_rows(
        self, execution: ExecutionId, entity: EntityType, company: str
    ) -> Iterator[int]:
        """Rows whose company and key an earlier staged row has already, in order of the file.

        None for a learnt entity: its key is made up, and must not fail a load.
        """
        ...

    def add_errors(
        self, execution: ExecutionId, entity: EntityType, errors: Sequence[RowError]
    ) -> None:
        """Adds errors; a second error of one row, stage and field with one text is kept once."""
        ...

    def staged(
        self,
        execution: ExecutionId,
        entity: EntityType,
        fields: Sequence[Field],
        after_row: int = 0,
        batch: int = 1000,
    ) -> Iterator[tuple[list[int], list[list[Value]]]]:
        """Staged rows in order of the file, in batches: row numbers, and values column-wise."""
        ...

    def new_rows(self, execution: ExecutionId, entity: EntityType, company: str) -> Iterator[int]:
        """Staged rows whose key no target row of their company has, in order of the file."""
        ...

    def reopen(self, execution: ExecutionId, entity: EntityType, number: int) -> bool:
        """Has the target step begin anew for the rows that it has not written, once per `number`.

        Errors of the former step go. All in one transaction; False: this re-run is begun already.
        """
        ...

    def awaited(
        self, execution: ExecutionId, entity: EntityType, rows: Collection[int]
    ) -> set[int]:
        """Which of these rows a re-run takes."""
        ...

    def truncate(self, execution: ExecutionId, entity: EntityType, company: str) -> None:
        """Deletes the target rows of a company, once for an entity of an execution that has begun.

        Who asks again, after a restart say, deletes nothing that was written since.
        """
        ...

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
        """Writes staged rows without error to the target, in key order, chunk by chunk.

        A staged None leaves what the target row has. A key keeps the spelling it came with first.
        Each chunk and the progress are one transaction; it starts after what was written before,
        and ends early when `go_on` says no (what was written stays).
        """
        ...

    def errors(
        self, execution: ExecutionId, entity: EntityType | None = None
    ) -> Iterator[tuple[str, RowError]]:
        """Errors as (AOT name of the entity, error), by entity in order of writing, by row."""
        ...

    def count_failed_rows(self, execution: ExecutionId, entity: EntityType, stage: Stage) -> int:
        """How many different rows have an error of this stage."""
        ...

    def exists(self, entity: EntityType, field: Field, value: Value, company: str) -> bool:
        """Whether a target row has this value, letter case aside (its company, or shared)."""
        ...

    def count(self, entity: EntityType, company: str | None = None) -> int:
        """How many target rows there are, in one company or in all."""
        ...

    def rows(
        self,
        entity: EntityType,
        fields: Sequence[Field],
        company: str | None = None,
    ) -> Iterator[tuple[Value, ...]]:
        """Target rows in key order, read as they are asked for."""
        ...

    def snapshot(
        self, entity: EntityType, fields: Sequence[Field], query: RowQuery
    ) -> AbstractContextManager[Snapshot]:
        """Target rows in key order, together with the number of the last change among them.

        For as long as it is entered, the file keeps what was replaced meanwhile.
        """
        ...

    def put(
        self,
        entity: EntityType,
        fields: Sequence[Field],
        company: str,
        rows: Sequence[Sequence[Value]],
    ) -> tuple[int, int]:
        """Inserts or updates target rows by key outside any execution: (created, updated).

        Whether a company that a row names exists is not asked.
        """
        ...

    def drop_execution(self, execution: ExecutionId) -> None:
        """Removes staging rows, errors and progress of an execution."""
        ...

    def clear(self) -> None:
        """Removes all rows, errors and progress; the tables stay."""
        ...
