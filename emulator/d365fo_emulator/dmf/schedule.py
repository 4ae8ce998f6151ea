"""In which order the entities of an import run, and which of them never do; pure rules.

Units stand beside each other. In a unit, levels follow one another; in a level, sequences do;
entities of one sequence stand beside each other (documented). An entity whose turn has come is
begun whatever becomes of those beside it, so that nothing hangs on how many run at once.

What a failing entity stops is said by its own two flags, and by `failOnError` of the call. There
is a flag for a level and one for a unit; no source has one for a sequence. So the others of a
sequence go on when one of them fails, and a level that has failed does not keep the next level of
its unit from running (inferred from the names of the flags).
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from d365fo_emulator.dmf.model import EntityStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from d365fo_emulator.dmf.model import EntityRun
    from d365fo_emulator.packages.model import PackageEntity


class Ending(StrEnum):
    """How an entity ended, as far as others hang on it."""

    DONE = "done"
    FAILED = "failed"
    NEVER = "never"
    """It does not end: what waits for it waits for ever."""


def never_ends(plan: PackageEntity) -> bool:
    """Whether an entity is begun and never ends, since it has no mapping.

    Seen of entities that were added over OData without `AutoGenerateMapping`: no row was staged,
    and the execution was Executing for as long as anybody watched (recorded).
    """
    return plan.validation_status == "No" and not plan.auto_generate_mapping and not plan.maps


def ending_of(run: EntityRun) -> Ending:
    """How an entity ended, from the states of its steps."""
    statuses = {run.staging_status, run.target_status}
    if EntityStatus.EXECUTING in statuses:
        return Ending.NEVER
    return Ending.FAILED if EntityStatus.ERROR in statuses else Ending.DONE


@dataclass
class _Chain:
    """Groups of positions that follow one another; `running`: those of the group whose turn it is
    that have not ended.
    """

    groups: list[list[int]]
    turn: int = -1
    running: set[int] = field(default_factory=set)


class Schedule:
    """Whose turn it is, as entities end.

    Args:
        plan: the enabled entities, in order of unit, level and sequence.
        one_by_one: the first failing entity stops all after it. So that "after" means something,
            entities then follow one another in the order of `plan`, whatever their units.

    """

    def __init__(self, plan: Sequence[PackageEntity], *, one_by_one: bool = False) -> None:
        self._plan = plan
        self._one_by_one = one_by_one
        self._why_not: dict[int, str] = {}
        self._chains: list[_Chain] = []
        self._chain_of: list[_Chain] = []
        for chain in _chains(plan, one_by_one=one_by_one):
            self._chains.append(chain)
            self._chain_of += [chain] * sum(map(len, chain.groups))

    def first(self) -> list[int]:
        """The positions whose turn it is at the beginning."""
        return sorted(itertools.chain.from_iterable(map(self._next, self._chains)))

    def end(self, position: int, ending: Ending) -> list[int]:
        """Notes that an entity has ended; the positions whose turn has come by it."""
        chain = self._chain_of[position]
        if ending is not Ending.DONE:
            self._stop(chain, position, ending)
        if ending is Ending.NEVER:
            return []
        chain.running.discard(position)
        return [] if chain.running else self._next(chain)

    def why_not(self, position: int) -> str:
        """Why an entity will never run; empty when nothing has stopped it so far."""
        return self._why_not.get(position, "")

    def _next(self, chain: _Chain) -> list[int]:
        for turn in range(chain.turn + 1, len(chain.groups)):
            if not self._why_not.get(chain.groups[turn][0]):
                chain.turn = turn
                chain.running = set(chain.groups[turn])
                return chain.groups[turn]
        chain.turn = len(chain.groups)
        return []

    def _stop(self, chain: _Chain, position: int, ending: Ending) -> None:
        culprit = self._plan[position]
        why, whole = _what_stops(culprit, ending, one_by_one=self._one_by_one)
        if not why:
            return
        for later in itertools.chain.from_iterable(chain.groups[chain.turn + 1 :]):
            if whole or self._plan[later].level == culprit.level:
                self._why_not.setdefault(later, why)


def _what_stops(culprit: PackageEntity, ending: Ending, *, one_by_one: bool) -> tuple[str, bool]:
    """Why later entities are stopped, if they are, and whether all of them or the level's alone."""
    if ending is Ending.NEVER:
        return f"it waits for {culprit.label}, which never ends", True
    if one_by_one:
        return f"{culprit.label} failed, and failOnError stops all after it", True
    if culprit.fail_unit_on_error:
        return f"{culprit.label} failed, and its FailExecutionUnitOnError stops the unit", True
    if culprit.fail_level_on_error:
        return f"{culprit.label} failed, and its FailLevelOnError stops the level", False
    return "", False


def _chains(plan: Sequence[PackageEntity], *, one_by_one: bool) -> Iterable[_Chain]:
    positions = range(len(plan))
    if one_by_one:
        yield _Chain([[position] for position in positions])
        return
    for _unit, unit in itertools.groupby(positions, lambda at: plan[at].unit):
        groups = itertools.groupby(unit, lambda at: (plan[at].level, plan[at].sequence))
        yield _Chain([list(group) for _place, group in groups])
