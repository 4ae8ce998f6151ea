"""What all who move the executions of one workspace share: a lock, the executions, the bench."""

from __future__ import annotations

import datetime as dt
import threading
from typing import TYPE_CHECKING

from d365fo_emulator.dmf.bench import Bench
from d365fo_emulator.dmf.registry import Registry
from d365fo_emulator.kernel.clock import ClockMode

if TYPE_CHECKING:
    from d365fo_emulator.dmf.model import Execution
    from d365fo_emulator.dmf.store import DataManagementStore
    from d365fo_emulator.dmf.work import Work
    from d365fo_emulator.kernel.workspace import Workspace


class Workshop:
    """Executions, and who is at work on which; `lock` guards both, and is free while work runs."""

    def __init__(self, workspace: Workspace, store: DataManagementStore, work: Work) -> None:
        self.clock = workspace.clock
        self.work = work
        self.lock = threading.RLock()
        self.bench = Bench(self.lock)
        self.known = Registry(store)
        self._take_up = dt.timedelta(seconds=workspace.settings.take_up_after_seconds)
        self._takes = dt.timedelta(seconds=workspace.settings.work_takes_seconds)

    @property
    def taken_up_after(self) -> dt.timedelta:
        """How long an execution is NotRun; on a real clock the engine takes it up at once."""
        return dt.timedelta() if self.clock.mode is ClockMode.REAL else self._take_up

    @property
    def work_takes(self) -> dt.timedelta:
        """How long the work lasts by the clock, beside what it takes.

        On a real clock it takes what it takes; on others no poll would ever see Executing.
        """
        return dt.timedelta() if self.clock.mode is ClockMode.REAL else self._takes

    def is_over(self, execution: Execution) -> bool:
        """Whether an execution is at its end and nobody is at its work any more."""
        return execution.finished_at is not None and not self.bench.is_busy(execution.id.casefold())

    def forget(self, ended: Execution) -> None:
        """Removes an execution that is over, and all it has left behind but its target rows.

        The rows go first: who is killed between the two finds an execution that can go again.
        """
        self.work.discard(ended)
        self.known.remove(ended)
