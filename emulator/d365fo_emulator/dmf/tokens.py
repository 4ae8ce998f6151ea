"""Version tokens: up to which change each entity of a data project has been exported. Pure.

A token belongs to a project, an entity and a company. It moves when an export of changes has ended
with a package that has this entity, and never by an export that failed or was canceled, nor by a
preview (inferred: else rows would never reach anybody). It moves only from where that export
began: when it was reset meanwhile, or another export was faster, rows may come twice, and none is
left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from d365fo_emulator.dmf.model import EntityStatus, ExecutionState, Operation

if TYPE_CHECKING:
    from d365fo_emulator.dmf.model import EntityRun, Execution

WITH_PACKAGE = frozenset({ExecutionState.SUCCEEDED, ExecutionState.PARTIALLY_SUCCEEDED})
"""Final states of exports that have a package."""


@dataclass(frozen=True)
class TokenMove:
    """A token's way from one change to a later one; `entity` is a label."""

    project: str
    entity: str
    company: str
    after: int
    through: int


def token_moves(execution: Execution) -> list[TokenMove]:
    """The tokens that an execution moves, as it stands; none before its end.

    An entity that is listed twice moves its token when both listings have ended well, to the
    earlier of the two changes.
    """
    ended = execution.finished_at is not None and execution.state in WITH_PACKAGE
    if not ended or execution.operation is not Operation.EXPORT or not execution.package:
        return []
    listed: dict[str, list[EntityRun]] = {}
    for run in execution.entities:
        listed.setdefault(run.entity.casefold(), []).append(run)
    return [
        TokenMove(
            execution.group,
            runs[0].entity,
            execution.company,
            min(run.changes_after or 0 for run in runs),
            min(run.changes_through for run in runs),
        )
        for runs in listed.values()
        if all(_tells_of_changes(run) for run in runs)
    ]


def _tells_of_changes(run: EntityRun) -> bool:
    return run.changes_after is not None and run.target_status is EntityStatus.FINISHED
