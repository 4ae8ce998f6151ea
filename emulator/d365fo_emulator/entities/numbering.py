"""Number sequences: fields that the system fills where a file says nothing.

The product fills a field that is mapped as auto-generated while it fills staging (documented). The
form of its numbers is set up in each environment; ours has the parts that its wizard proposes, the
company and a running number (inferred). Numbers go on from import to import; how far a sequence
has come is kept together with the rows that took its numbers, so that none is given twice or left
out, whenever the process ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from d365fo_emulator.entities.model import Field, FieldType

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from d365fo_emulator.entities.model import EntityType
    from d365fo_emulator.entities.store import Value

DIGITS = 6
NUMBERED = frozenset({FieldType.STRING, FieldType.INT, FieldType.INT64})
"""Types that a number can be a value of; other fields stay blank."""


@dataclass(frozen=True)
class NumberSequence:
    """The numbers of one field; each company has its own.

    Attributes:
        field: the field that is filled.
        company: id of the company in capitals; "" for entities that all companies share.

    """

    field: Field
    company: str

    def value(self, number: int) -> Value:
        """`USMF-000001`; shorter where the field is, and the number alone in numeric fields."""
        if self.field.type is not FieldType.STRING:
            return number
        digits = f"{number:0{DIGITS}}"
        text = f"{self.company}-{digits}" if self.company else digits
        size = self.field.size
        if size is None or len(text) <= size:
            return text
        return digits if len(digits) <= size else str(number)


def sequences_of(
    entity: EntityType, fields: Sequence[Field], generated: Collection[str], company: str
) -> list[NumberSequence]:
    """The sequences that fill blank cells of these fields.

    Those of the maps do, and those that the catalogue knows of where a row cannot be without the
    number: in keys and mandatory fields. Elsewhere a blank cell empties what an update finds.

    Args:
        entity: the entity.
        fields: the fields that are staged.
        generated: staging names, in upper case, of fields that are mapped as auto-generated.
        company: the company of the import.

    """
    owner = company.upper() if entity.per_company else ""
    return [
        NumberSequence(field, owner)
        for field in fields
        if field.type in NUMBERED
        and (
            field.staging_name.upper() in generated
            or (field.auto_number and (field.mandatory or field.name in entity.keys))
        )
    ]
