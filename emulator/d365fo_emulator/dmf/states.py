"""How entities end, and what state that adds up to: two tables, read from top to bottom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from d365fo_emulator.dmf.model import EntityRun, EntityStatus, ExecutionState

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

FINAL = frozenset(
    {
        ExecutionState.SUCCEEDED,
        ExecutionState.PARTIALLY_SUCCEEDED,
        ExecutionState.FAILED,
        ExecutionState.CANCELED,
    }
)


def has_errors(run: EntityRun) -> bool:
    """Whether anything of the entity failed: rows, or all of it."""
    rows = run.staging_in_error + run.target_in_error
    return bool(rows) or EntityStatus.ERROR in {run.staging_status, run.target_status}


def wrote(run: EntityRun) -> bool:
    """Whether the entity wrote what it was asked to: target rows, or staging rows alone."""
    if run.target_status is EntityStatus.NOT_RUN:
        return run.staging_status is EntityStatus.FINISHED and run.staging_created > 0
    return run.target_created + run.target_updated > 0


def has_begun(run: EntityRun) -> bool:
    """Whether anything was done for the entity."""
    return {run.staging_status, run.target_status} != {EntityStatus.NOT_RUN}


def _is(status: EntityStatus, run: EntityRun) -> bool:
    return status in {run.staging_status, run.target_status}


def entity_state(run: EntityRun) -> ExecutionState:
    """The state of one entity in the words of the summary, as far as it has come."""
    stages = (run.staging_status, run.target_status)
    if EntityStatus.EXECUTING in stages:
        return ExecutionState.EXECUTING
    if run.staging_status is EntityStatus.NOT_RUN:
        return ExecutionState.NOT_RUN
    return summarise((run,))[0]


@dataclass(frozen=True)
class SummaryRule:
    """One rule: its name, when it holds, the state it gives, and the sentence that says why.

    `when` says in words what `holds` looks for.
    """

    name: str
    when: str
    holds: Callable[[Sequence[EntityRun]], bool]
    state: ExecutionState
    because: str


# Inferred from the vendor's tutorial, where five rows created, three updated and two in error make
# a partial success; nobody has recorded what an import of bad rows alone is called. That an entity
# without a mapping never ends is recorded.
SUMMARY: tuple[SummaryRule, ...] = (
    SummaryRule(
        "unfinished",
        "an entity is still Executing though all work is done: it has no mapping",
        lambda runs: any(_is(EntityStatus.EXECUTING, run) for run in runs),
        ExecutionState.EXECUTING,
        "an entity has no mapping, so that it never ends",
    ),
    SummaryRule(
        "stopped",
        "an entity was Aborted in one of its steps",
        lambda runs: any(_is(EntityStatus.ABORTED, run) for run in runs),
        ExecutionState.CANCELED,
        "it was stopped before it had written everything",
    ),
    SummaryRule(
        "clean",
        "no entity is in Error and no row failed",
        lambda runs: not any(has_errors(run) for run in runs),
        ExecutionState.SUCCEEDED,
        "no entity and no row failed",
    ),
    SummaryRule(
        "mixed",
        "something failed, and an entity wrote rows or ended without error",
        lambda runs: any(wrote(run) or (has_begun(run) and not has_errors(run)) for run in runs),
        ExecutionState.PARTIALLY_SUCCEEDED,
        "some rows or entities failed and others were written",
    ),
    SummaryRule(
        "nothing",
        "every entity that ran failed and wrote nothing",
        lambda _runs: True,
        ExecutionState.FAILED,
        "nothing could be written",
    ),
)


def summarise(runs: Sequence[EntityRun]) -> tuple[ExecutionState, str]:
    """The computed state of an execution, and why."""
    rule = next(rule for rule in SUMMARY if rule.holds(runs))
    return rule.state, rule.because
