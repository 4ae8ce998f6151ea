"""Row errors that a scenario asks for, found among the rows of an import; pure rules."""

from __future__ import annotations

import fnmatch
from typing import TYPE_CHECKING

from d365fo_emulator.entities.store import RowError, Stage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from d365fo_emulator.entities.model import EntityType, Field
    from d365fo_emulator.entities.store import Value
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
            errors += [
                RowError(number, stage, script.field, script.message)
                for index, number in enumerate(row_numbers)
                if _hits(script, fields, number, index, columns)
            ]
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
    number: int,
    index: int,
    columns: Sequence[Sequence[Value]],
) -> bool:
    if script.row is not None:
        return number == script.row
    if script.every is not None:
        return number % script.every == 0
    by_name = {
        name.casefold(): column
        for field, column in zip(fields, columns, strict=True)
        for name in (field.staging_name, field.name)
    }
    return all(
        name.casefold() in by_name
        and _text(by_name[name.casefold()][index]).casefold() == wanted.casefold()
        for name, wanted in script.where.items()
    )


def _text(value: Value) -> str:
    if value is None:
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)
