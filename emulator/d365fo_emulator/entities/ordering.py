"""In which order entities load: what a real project says, else what their references ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from d365fo_emulator.entities.model import ExecutionOrder

if TYPE_CHECKING:
    from collections.abc import Callable

    from d365fo_emulator.entities.model import EntityType

FIRST = ExecutionOrder(1, 10, 10)
"""Where what refers to nothing stands: real projects number levels and sequences in tens."""
STEP = 10


def order_of(entity: EntityType, find: Callable[[str], EntityType | None]) -> ExecutionOrder:
    """Where a project should run `entity`: its own known place, else just after what it refers to.

    Derived places are inferred, save that they agree with the real ones where both are known to
    the extent that the references are. Entities that refer to one another in a ring stand where
    the ring is cut, which is at the one asked for.

    Args:
        entity: any entity.
        find: the entity of an AOT name, None when it is unknown.

    """
    return _order(entity, find, set())


def _order(
    entity: EntityType, find: Callable[[str], EntityType | None], above: set[str]
) -> ExecutionOrder:
    if entity.order is not None:
        return entity.order
    latest = None
    above.add(entity.name)
    for name in sorted({field.reference.entity for field in entity.fields if field.reference}):
        other = find(name)
        if other is not None and other.name not in above:
            order = _order(other, find, above)
            latest = order if latest is None else max(latest, order)
    above.discard(entity.name)
    if latest is None:
        return FIRST
    return ExecutionOrder(latest.unit, latest.level, latest.sequence + STEP)
