"""Entities as an execution lists them: in which order, and what when one is listed twice.

A manifest may name an entity twice (the product's own checks only warn of it). Each listing is
read from its own file and keeps rows, errors and progress of its own, under an id of its own.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from d365fo_emulator.dmf.checks import known_entity
from d365fo_emulator.dmf.model import in_order
from d365fo_emulator.kernel.workspace import ExecutionId
from d365fo_emulator.packages.composites import known_composite

if TYPE_CHECKING:
    from collections.abc import Iterable

    from d365fo_emulator.dmf.model import Execution
    from d365fo_emulator.entities.catalogue import Catalogue
    from d365fo_emulator.packages.model import PackageEntity

SEPARATOR = "\x1f"


@dataclass(frozen=True)
class Listing:
    """One entity of an execution; `before`: how many times its entity was listed before it."""

    plan: PackageEntity
    position: int
    before: int


def listings(catalogue: Catalogue, plan: Iterable[PackageEntity]) -> list[Listing]:
    """The enabled entities in the order in which they run."""
    seen: Counter[str] = Counter()
    found = []
    for position, one in enumerate(in_order(plan)):
        entity = known_entity(catalogue, one)
        name = entity.name if entity else one.label.casefold()
        found.append(Listing(one, position, seen[name]))
        seen[name] += 1
    return found


def rows_id(execution: ExecutionId, before: int) -> ExecutionId:
    """The id that the rows of a listing are kept under: the execution's own for nearly all."""
    return ExecutionId(f"{execution}{SEPARATOR}{before}") if before else execution


def rows_ids(catalogue: Catalogue, execution: Execution) -> list[ExecutionId]:
    """Every id that rows of an execution are kept under."""
    most = max((one.before for one in listings(catalogue, execution.plan)), default=0)
    for one in execution.plan:
        if composite := known_composite(catalogue, one):
            most = max(most, max(Counter(composite.entities).values()) - 1)
    return [rows_id(execution.id, before) for before in range(most + 1)]
