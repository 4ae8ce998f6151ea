"""The reference page of entity sets, from their types."""

from __future__ import annotations

from typing import TYPE_CHECKING

from d365fo_emulator.dmf.entity_types import ENUMERATIONS
from d365fo_emulator.dmf.errors import ROW_TEXTS
from d365fo_emulator.dmf.sets import entity_sets
from d365fo_emulator.odata.errors import QUERY_TEXTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from d365fo_emulator.odata.sets import EntitySet

SETS = tuple(entity_sets(lambda workspace: workspace).values())


def set_rows() -> Iterator[tuple[str, str, str]]:
    """Every set with its key and what can be done with it."""
    for one in SETS:
        key = ", ".join(f"`{name}`" for name in one.type.key)
        yield f"`{one.name}`", key, "read, create, change, delete" if one.writer_of else "read"


def property_sections() -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """The heading of every set, and its properties with their types."""
    for one in SETS:
        yield f"`{one.name}`", _properties(one)


def _properties(of: EntitySet) -> list[tuple[str, str]]:
    rows = []
    for one in of.type.properties:
        kind = one.type_name.rpartition(".")[2]
        rows.append((f"`{one.name}`", f"{kind}, {one.size} characters" if one.size else kind))
    return rows


def enumeration_rows() -> Iterator[tuple[str, str]]:
    """Every enumeration with its members in the order of their numbers."""
    for one in ENUMERATIONS:
        yield f"`{one.name}`", ", ".join(f"{name} {number}" for name, number in one.members)


def refusal_rows() -> Iterator[tuple[str, str]]:
    """Texts of refused rows and queries, with what each rests on."""
    yield from ROW_TEXTS.values()
    for text in QUERY_TEXTS.values():
        yield text, "inferred"
