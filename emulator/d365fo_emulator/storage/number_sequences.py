"""How far number sequences have come, and the filling of blank cells from them.

Functions on a connection, so that numbers are taken in the transaction of the rows that get them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from d365fo_emulator.entities.model import EntityType, Field
    from d365fo_emulator.entities.numbering import NumberSequence
    from d365fo_emulator.entities.store import Value


def filled(
    connection: sqlite3.Connection,
    entity: EntityType,
    fields: Sequence[Field],
    columns: Sequence[Sequence[Value]],
    sequences: Sequence[NumberSequence],
) -> list[Sequence[Value]]:
    """The columns, with the next numbers where those of the sequences are blank."""
    numbered = list(columns)
    for sequence in sequences:
        at = fields.index(sequence.field)
        blank = [place for place, value in enumerate(columns[at]) if not value]
        if blank:
            values = list(columns[at])
            first = take(connection, entity.name, sequence, len(blank))
            for number, place in enumerate(blank, first):
                values[place] = sequence.value(number)
            numbered[at] = values
    return numbered


def take(connection: sqlite3.Connection, entity: str, sequence: NumberSequence, count: int) -> int:
    """Takes the next `count` numbers of a sequence; gives the first of them."""
    key = (entity, sequence.field.staging_name.upper(), sequence.company)
    connection.execute(
        "INSERT INTO number_sequence (entity, field, company, last) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (entity, field, company) DO UPDATE SET last = last + excluded.last",
        (*key, count),
    )
    (last,) = connection.execute(
        "SELECT last FROM number_sequence WHERE entity = ? AND field = ? AND company = ?", key
    ).fetchone()
    return int(last) - count + 1
