"""What GetExecutionErrors calls the row of an error, and how many items a row has.

Recorded answers disagree: `RecordId` is a number that may be a record's, a natural key, or 0; one
of them has all lines of a row in one item, without a field. Hence the settings `recordId` and
`errorItems`.
"""

from __future__ import annotations

import dataclasses
import itertools
from typing import TYPE_CHECKING

from d365fo_emulator.entities.conversion import text_writer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from d365fo_emulator.entities.model import EntityType
    from d365fo_emulator.entities.store import RowError, RowStore
    from d365fo_emulator.kernel.workspace import ExecutionId

    Errors = Iterable[tuple[str, RowError]]

BETWEEN_PARTS = ", "
"""Between the parts of a natural key; inferred, as the keys that were seen have one part."""


def one_per_row(errors: Errors) -> Iterator[tuple[str, RowError]]:
    """Errors by entity and row, with all messages of a row in one, each on lines of its own."""

    def place(item: tuple[str, RowError]) -> tuple[str, int, str]:
        entity, error = item
        return entity, error.row, error.stage

    for (entity, _row, _stage), group in itertools.groupby(errors, place):
        found = [error for _entity, error in group]
        messages = "\r\n".join(dict.fromkeys(error.message for error in found))
        yield entity, dataclasses.replace(found[0], field="", message=messages)


def key_text(rows: RowStore, execution: ExecutionId, entity: EntityType, row: int) -> str:
    """The natural key of a staged row as files spell it; the row's number when it has none.

    Rows of a load that failed are in no table any more.
    """
    fields = entity.key_fields if entity.key_is_known else ()
    for numbers, columns in rows.staged(execution, entity, fields, after_row=row - 1, batch=1):
        if numbers[0] != row:
            break
        parts = [
            text_writer(field)(column[0]) for field, column in zip(fields, columns, strict=True)
        ]
        return BETWEEN_PARTS.join(filter(None, parts)) or str(row)
    return str(row)
