"""Executions in memory and in the store; whoever owns a registry guards it by a lock."""

from __future__ import annotations

import collections
import dataclasses
from typing import TYPE_CHECKING

from d365fo_emulator.dmf.model import WorkStatus
from d365fo_emulator.dmf.tokens import token_moves

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

    from d365fo_emulator.dmf.model import DataProject, Execution
    from d365fo_emulator.dmf.store import DataManagementStore
    from d365fo_emulator.kernel.workspace import ExecutionId

ENDED_IN_MEMORY = 1000


class Registry:
    """Live executions are all in memory; of the ended ones those that were asked for last."""

    def __init__(self, store: DataManagementStore) -> None:
        self._store = store
        self._live = {one.id.casefold(): _resumed(one) for one in store.live()}
        self._ended: collections.OrderedDict[str, Execution] = collections.OrderedDict()

    def live(self) -> Iterable[Execution]:
        """Those that are not at their end, oldest first; safe to keep."""
        return tuple(self._live.values())

    def live_one(self, execution: str) -> Execution | None:
        """One of those."""
        return self._live.get(execution.casefold())

    def find(self, execution: ExecutionId) -> Execution | None:
        """The execution of this id."""
        folded = execution.casefold()
        known = self._live.get(folded) or self._ended.get(folded)
        if known is None:
            known = self._store.execution(execution)
            if known is not None:
                self._remember(known)
        return known

    def all(self) -> list[Execution]:
        """All of them, oldest first."""
        held = {**self._ended, **self._live}
        return [held.get(one.id.casefold(), one) for one in self._store.executions()]

    def ended_before(self, instant: dt.datetime) -> list[Execution]:
        """Those whose end was before an instant."""
        return list(self._store.ended_before(instant))

    def has_project(self, name: str) -> bool:
        """Whether there is a data project of this name."""
        return self._store.project(name) is not None

    def add(self, execution: Execution, project: DataProject | None) -> bool:
        """Adds an execution and its project; False, with nothing written, when its id is used."""
        added = self._store.accept(execution, project)
        if added:
            self._live[execution.id.casefold()] = execution
        return added

    def keep(self, execution: Execution, *, save: bool = False) -> None:
        """Puts an execution in the place of its former value.

        It is written first, so that a store that fails leaves memory as it was.
        """
        if save:
            self._store.save(execution, token_moves(execution))
        if execution.finished_at is None:
            self._live[execution.id.casefold()] = execution
            self._ended.pop(execution.id.casefold(), None)  # it may have come back by a re-run
        else:
            self._live.pop(execution.id.casefold(), None)
            self._remember(execution)

    def remove(self, execution: Execution) -> None:
        """Forgets an ended execution."""
        self._store.remove(execution.id)
        self._ended.pop(execution.id.casefold(), None)

    def save_all(self) -> None:
        """Writes what only memory knew: polls that led to no step."""
        for execution in (*self._live.values(), *self._ended.values()):
            self._store.save(execution)

    def _remember(self, execution: Execution) -> None:
        folded = execution.id.casefold()
        self._ended[folded] = execution
        self._ended.move_to_end(folded)
        while len(self._ended) > ENDED_IN_MEMORY:
            _folded, oldest = self._ended.popitem(last=False)
            self._store.save(oldest)


def _resumed(execution: Execution) -> Execution:
    """Work that a former process did not end begins again, from its progress."""
    if execution.work is not WorkStatus.RUNNING:
        return execution
    return dataclasses.replace(execution, work=WorkStatus.WAITING)
