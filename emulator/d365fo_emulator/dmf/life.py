"""Executions on their way: who polls them, who runs their work, and when.

Live executions are held in memory and written through at each step, so that a poll costs no
write. On an auto or virtual clock the work runs in whoever moves time (or in the poll that leads
into it), so that runs repeat exactly; on a real clock in the engine's workers.

`workshop` has what is shared with `working`, which runs the real work, and with `control`, which
moves executions by hand: the executions, one lock, and who is at work on what.
"""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from typing import TYPE_CHECKING

from d365fo_emulator.dmf import progression
from d365fo_emulator.dmf.control import Control
from d365fo_emulator.dmf.errors import ExecutionNotFound
from d365fo_emulator.dmf.working import Working
from d365fo_emulator.dmf.workshop import Workshop
from d365fo_emulator.kernel.clock import ClockMode, Ran

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from d365fo_emulator.dmf.model import DataProject, Execution
    from d365fo_emulator.dmf.store import DataManagementStore
    from d365fo_emulator.dmf.work import Work
    from d365fo_emulator.kernel.workspace import ExecutionId, Workspace

CLEAN_UP_EVERY = dt.timedelta(hours=1)
"""As the service's own clean-up of its history runs (documented)."""


class Acceptance(StrEnum):
    """What became of an execution that was to begin."""

    ACCEPTED = "accepted"
    ID_USED = "id used"
    PROJECT_EXISTS = "project exists"
    PROJECT_BUSY = "project busy"


class Lives:
    """All executions of one workspace; also the clock's agenda of their steps.

    Args:
        wake: tells the engine that something may be due (real clocks).
        on_failure: hears of exceptions that are the emulator's own fault.

    """

    def __init__(
        self,
        workspace: Workspace,
        store: DataManagementStore,
        work: Work,
        wake: Callable[[], None],
        on_failure: Callable[[BaseException], None],
    ) -> None:
        self._shop = Workshop(workspace, store, work)
        self._working = Working(self._shop, wake, on_failure)
        self.control = Control(self, self._shop)
        self.clock = workspace.clock
        self.on_failure = on_failure
        self._keep_history = dt.timedelta(days=workspace.settings.keep_history_days)
        self._clean_up_at = workspace.clock.now
        self._busy_blocks = workspace.settings.busy_project == "refuse"
        self._wake = wake

    # What the actions ask for

    def accept(
        self,
        execution: Execution,
        project: DataProject | None,
        *,
        overwrite: bool = True,
        again: bool = False,
    ) -> Acceptance:
        """Begins an execution's life, unless that is refused: then nothing was written.

        Args:
            execution: the new one.
            project: the data project that it brings.
            overwrite: whether `project` may stand in the place of one of its name.
            again: whether it may stand in the place of an ended one of its id.

        """
        began = progression.begun(execution)
        with self._shop.lock:
            self._clean_up(self.clock.now)
            if project is not None and not overwrite and self._shop.known.has_project(project.name):
                return Acceptance.PROJECT_EXISTS
            if self._busy_blocks and progression.is_blocked(execution, self._shop.known.live()):
                return Acceptance.PROJECT_BUSY
            former = self._shop.known.find(execution.id)
            if former is not None:
                if not (again and self._shop.is_over(former)):
                    return Acceptance.ID_USED
                self._shop.forget(former)
            if not self._shop.known.add(began, project):
                return Acceptance.ID_USED
        self._wake()
        return Acceptance.ACCEPTED

    def find(self, execution: ExecutionId) -> Execution | None:
        """The execution of this id, as it stands; costs no poll."""
        with self._shop.lock:
            self._clean_up(self.clock.now)
            return self._shop.known.find(execution)

    def all(self) -> list[Execution]:
        """All executions, oldest first."""
        with self._shop.lock:
            self._clean_up(self.clock.now)
            return self._shop.known.all()

    def live(self) -> Iterable[Execution]:
        """Those that are not at their end."""
        with self._shop.lock:
            return self._shop.known.live()

    def poll(self, execution: ExecutionId) -> Execution:
        """The execution as a client's status call sees it; the call then counts.

        On an auto clock a poll that led nowhere moves time on to the next due step, after it has
        its answer.

        Raises:
            ExecutionNotFound: no such execution, or its record is not written yet by the script.

        """
        now = self.clock.now
        with self._shop.lock:
            self._clean_up(now)
            found = self._shop.known.find(execution)
            if found is None:
                raise ExecutionNotFound(execution)
            shown, after, moved = progression.polled(found, now, self._shop.taken_up_after)
            self._shop.known.keep(after, save=moved and found.finished_at is None)
        self._after_poll(moved=moved)
        if not shown.found:
            raise ExecutionNotFound(execution)
        return shown

    def _after_poll(self, *, moved: bool) -> None:
        match self.clock.mode:
            case ClockMode.REAL:
                due = self.next_due()  # work may be wanted though no step was entered
                if moved or (due is not None and due <= self.clock.now):
                    self._wake()
            case ClockMode.AUTO:
                due = self.next_due()
                if due is not None and (not moved or due <= self.clock.now):
                    self.clock.skip_to(due)
            case ClockMode.VIRTUAL:
                self.run_due(self.clock.now)

    @property
    def is_closed(self) -> bool:
        """Whether nothing more will happen here."""
        return self._shop.bench.is_closed

    def wait_until(self, holds: Callable[[], bool]) -> None:
        """Returns when this holds, which is looked at whenever an execution enters a step."""
        self._shop.bench.wait_until(holds)

    # The clock's agenda

    def next_due(self) -> dt.datetime | None:
        """When the earliest step or piece of work falls due."""
        now, after = self.clock.now, self._shop.taken_up_after
        with self._shop.lock:
            if self._shop.bench.is_closed:
                return None
            dues = [
                progression.due(one, now, after)
                for one in self._shop.known.live()
                if not self._shop.bench.is_promised(one.id.casefold())
            ]
        return min((due for due in dues if due is not None), default=None)

    def run_due(self, now: dt.datetime) -> list[Ran]:
        """Enters every step due by `now` and runs the work that becomes due by it.

        Also waits for work that other threads are at, so that all is done when it returns.
        """
        ran: list[Ran] = []
        while True:
            ran += self.settle(now)
            ready = self.take_ready(now)
            for execution in ready:
                self.work(execution)
            if not ready and not self._shop.bench.wait_for_all():
                return ran

    def time_passes(self) -> None:
        """A real clock runs from now on: the engine takes over."""
        self._wake()

    def catch_up(self) -> None:
        """Has done what is due now, by whoever does it on such a clock."""
        if self.clock.mode is ClockMode.REAL:
            self._wake()
        else:
            self.run_due(self.clock.now)

    def settle(self, now: dt.datetime) -> list[Ran]:
        """Enters every step due by `now`."""
        ran: list[Ran] = []
        with self._shop.lock:
            if self._shop.bench.is_closed:
                return ran
            self._clean_up(now)
            for execution in self._shop.known.live():
                after, entered = progression.settled(execution, now, self._shop.taken_up_after)
                if entered:
                    self._shop.known.keep(after, save=True)
                    self._shop.bench.tell()
                ran += [
                    Ran(one.at, f"execution {execution.id} entered {one.state}") for one in entered
                ]
        return ran

    def _clean_up(self, now: dt.datetime) -> None:
        """Forgets executions that ended too long ago; looks for them once an hour.

        Whoever asks for executions looks. It is no work that falls due, so that a clock that skips
        to what is due never skips to it.
        """
        if self._shop.bench.is_closed or now < self._clean_up_at:
            return
        self._clean_up_at = now + CLEAN_UP_EVERY
        for ended in self._shop.known.ended_before(now - self._keep_history):
            if self._shop.is_over(ended):
                self._shop.forget(ended)

    def take_ready(self, now: dt.datetime) -> list[ExecutionId]:
        """Executions whose work should run now; whoever asks must call `work` for each."""
        after = self._shop.taken_up_after
        with self._shop.lock:
            if self._shop.bench.is_closed:
                return []
            ready = {
                one.id.casefold(): one.id
                for one in self._shop.known.live()
                if not self._shop.bench.is_promised(one.id.casefold())
                and progression.wants_work(one, now, after)
            }
            self._shop.bench.promise(ready)
        return list(ready.values())

    def work(self, execution: ExecutionId) -> None:
        """Runs an execution's real work, unless somebody else has taken it up; never raises."""
        self._working.work(execution)

    # The end

    def close(self) -> None:
        """Stops work at its next batch, and writes what only memory knew."""
        with self._shop.lock:
            self._shop.bench.close()
            self._shop.known.save_all()
