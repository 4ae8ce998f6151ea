"""Row errors that a scenario asks for, found among the rows of an import; pure rules."""

from __future__ import annotations

import contextlib
import fnmatch
from typing import TYPE_CHECKING

from d365fo_emulator.entities.conversion import text_writer
from d365fo_emulator.entities.store import RowError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from d365fo_emulator.entities.model import EntityType, Field
    from d365fo_emulator.entities.store import Stage, Value
    from d365fo_emulator.scenarios.model import ScriptedRowError


def errors_for(
    scripted: Sequence[ScriptedRowError],
    entity: EntityType,
    stage: Stage,
    fields: Sequence[Field],
    row_numbers: Sequence[int],
    columns: Sequence[Sequence[Value]],
) -> list[RowError]:
    """The scripted errors of one stage among a batch of rows (values column-wise)."""
    errors = []
    for script in scripted:
        if script.stage == stage and _names(script, entity):
            hits = _hits(script, fields, row_numbers, columns)
            errors += [RowError(row, stage, script.field, script.message) for row in hits]
    return errors


def _names(script: ScriptedRowError, entity: EntityType) -> bool:
    names = (entity.label, entity.name, entity.collection)
    return any(
        fnmatch.fnmatchcase(name.casefold(), glob.casefold())
        for glob in script.entity
        for name in names
    )


def _hits(
    script: ScriptedRowError,
    fields: Sequence[Field],
    row_numbers: Sequence[int],
    columns: Sequence[Sequence[Value]],
) -> list[int]:
    """The row numbers that a scripted error names; a field that the file lacks names none."""
    if script.row is not None:
        return [number for number in row_numbers if number == script.row]
    if script.every is not None:
        return [number for number in row_numbers if number % script.every == 0]
    by_name = {
        name.casefold(): (field, column)
        for field, column in zip(fields, columns, strict=True)
        for name in (field.staging_name, field.name)
    }
    hits = list(enumerate(row_numbers))
    for name, wanted in script.where.items():
        if name.casefold() not in by_name:
            return []
        field, column = by_name[name.casefold()]
        hits = [(index, row) for index, row in hits if _is(field, column[index], wanted)]
    return [row for _index, row in hits]


def _is(field: Field, value: Value, wanted: str) -> bool:
    """Whether a stored value is what a scenario file writes: as itself, or as files have it."""
    if value is None or value == "":
        return wanted == ""
    if isinstance(value, float):
        with contextlib.suppress(ValueError):
            return float(wanted) == value
    texts = (str(value), text_writer(field)(value))
    return wanted.casefold() in {text.casefold() for text in texts}
