"""Executions on their way: who polls them, who runs their work, and when.

Live executions are held in memory and written through at each step, so that a poll costs no
write. On an auto or virtual clock the work runs in whoever moves time (or in the poll that leads
into it), so that runs repeat exactly; on a real clock in the engine's workers.
"""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import logging
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from d365fo_emulator.dmf import progression
from d365fo_emulator.dmf.errors import ControlRefused, ExecutionNotFound
from d365fo_emulator.dmf.model import EntityRun, Execution, ExecutionState, WorkStatus
from d365fo_emulator.kernel.clock import ClockMode, Ran

if TYPE_CHECKING:
    from collections.abc import Callable

    from d365fo_emulator.dmf.model import DataProject
    from d365fo_emulator.dmf.store import DataManagementStore
    from d365fo_emulator.kernel.workspace import ExecutionId, Workspace

    Report = Callable[[EntityRun], None]
    GoOn = Callable[[], bool]

log = logging.getLogger("d365fo_emulator.engine")

ENDED_IN_MEMORY = 1000


@dataclass(frozen=True)
class Outcome:
    """What the real work of an execution led to; `package`: name of the exported blob."""

    state: ExecutionState
    because: str
    entities: tuple[EntityRun, ...] = ()
    package: str | None = None


class Lives:
    """All executions of one workspace; also the clock's agenda of their steps.

    Args:
        perform: the real work: (execution, report, go on?) to its outcome.
        wake: tells the engine that something may be due (real clocks).
        on_failure: hears of exceptions that are the emulator's own fault.

    """

    def __init__(
        self,
        workspace: Workspace,
        store: DataManagementStore,
        perform: Callable[[Execution, Report, GoOn], Outcome],
        wake: Callable[[], None],
        on_failure: Callable[[BaseException], None],
    ) -> None:
        self.clock = workspace.clock
        self._take_up = dt.timedelta(seconds=workspace.settings.take_up_after_seconds)
        self._takes = dt.timedelta(seconds=workspace.settings.work_takes_seconds)
        self._store = store
        self._perform = perform
        self._wake = wake
        self._on_failure = on_failure
        self._lock = threading.RLock()
        self._idle = threading.Condition(self._lock)
        self._queued: set[str] = set()
        self._at_work: set[str] = set()
        self._stopping: set[str] = set()
        self._closed = False
        self._live = {one.id.casefold(): _resumed(store, one) for one in store.live()}
        self._ended: collections.OrderedDict[str, Execution] = collections.OrderedDict()

    # What the actions ask for

    def accept(self, execution: Execution, project: DataProject | None) -> bool:
        """Begins an execution's life; False, with nothing written, when its id is used."""
        began = progression.begun(execution)
        with self._lock:
            if not self._store.accept(began, project):
                return False
            self._keep(began)
        self._wake()
        return True

    def find(self, execution: ExecutionId) -> Execution | None:
        """The execution of this id, as it stands; costs no poll."""
        with self._lock:
            folded = execution.casefold()
            known = self._live.get(folded) or self._ended.get(folded)
            if known is None:
                known = self._store.execution(execution)
                if known is not None:
                    self._remember(known)
            return known

    def all(self) -> list[Execution]:
        """All executions, oldest first."""
        with self._lock:
            return [self.find(one.id) or one for one in self._store.executions()]

    def poll(self, execution: ExecutionId) -> Execution:
        """The execution as a client's status call sees it; the call then counts.

        On an auto clock a poll that led nowhere moves time on to the next due step, after it has
        its answer.

        Raises:
            ExecutionNotFound: no such execution, or its record is not written yet by the script.

        """
        with self._lock:
            found = self.find(execution)
            if found is None:
                raise ExecutionNotFound(execution)
            shown, after, moved = progression.polled(found, self.clock.now, self._taken_up_after)
            self._keep(after, save=moved and found.finished_at is None)
        self._after_poll(moved=moved)
        if not shown.found:
            raise ExecutionNotFound(execution)
        return shown

    def _after_poll(self, *, moved: bool) -> None:
        match self.clock.mode:
            case ClockMode.REAL:
                if moved:
                    self._wake()
            case ClockMode.AUTO:
                due = self.next_due()
                if due is not None and (not moved or due <= self.clock.now):
                    self.clock.skip_to(due)
            case ClockMode.VIRTUAL:
                self.run_due(self.clock.now)

    # The clock's agenda

    def next_due(self) -> dt.datetime | None:
        """When the earliest step or piece of work falls due."""
        now, after = self.clock.now, self._taken_up_after
        with self._lock:
            dues = [
                progression.due(one, now, after)
                for folded, one in self._live.items()
                if folded not in self._queued
            ]
        return min((due for due in dues if due is not None), default=None)

    def run_due(self, now: dt.datetime) -> list[Ran]:
        """Enters every step due by `now` and runs the work that becomes due by it."""
        ran: list[Ran] = []
        while True:
            ran += self.settle(now)
            ready = self.take_ready(now)
            for execution in ready:
                self.work(execution)
            if not ready and not self._wait_for_others():
                return ran

    def settle(self, now: dt.datetime) -> list[Ran]:
        """Enters every step due by `now`."""
        ran: list[Ran] = []
        with self._lock:
            for execution in list(self._live.values()):
                after, entered = progression.settled(execution, now, self._taken_up_after)
                if entered:
                    self._keep(after, save=True)
                ran += [
                    Ran(one.at, f"execution {execution.id} entered {one.state}") for one in entered
                ]
        return ran

    def take_ready(self, now: dt.datetime) -> list[ExecutionId]:
        """Executions whose work should run now; whoever asks first must call `work` for them."""
        after = self._taken_up_after
        with self._lock:
            ready = {
                folded: one.id
                for folded, one in self._live.items()
                if folded not in self._queued and progression.wants_work(one, now, after)
            }
            self._queued.update(ready)
        return list(ready.values())

    def _wait_for_others(self) -> bool:
        """Waits for work that other threads are at; whether there was any."""
        with self._idle:
            busy = bool(self._queued or self._at_work)
            self._idle.wait_for(lambda: self._closed or not (self._queued or self._at_work))
            return busy and not self._closed

    # The real work

    def work(self, execution: ExecutionId) -> None:
        """Runs an execution's real work, unless somebody else has taken it up."""
        folded = execution.casefold()
        with self._idle:
            self._queued.discard(folded)
            found = self._live.get(folded)
            if found is None or self._closed or not self._store.claim(execution):
                self._idle.notify_all()
                return
            running = dataclasses.replace(found, work=WorkStatus.RUNNING)
            self._live[folded] = running
            self._at_work.add(folded)
        outcome = self._outcome(running)
        with self._idle:
            self._at_work.discard(folded)
            if not self._closed:  # what closing has cut off goes on at the next start
                self._end_work(folded, outcome)
            self._idle.notify_all()
        self._wake()

    def _outcome(self, execution: Execution) -> Outcome:
        folded = execution.id.casefold()

        def report(run: EntityRun) -> None:
            with self._lock:
                if folded in self._live:
                    self._live[folded] = progression.with_run(self._live[folded], run)

        def go_on() -> bool:
            return not self._closed and folded not in self._stopping

        try:
            return self._perform(execution, report, go_on)
        except Exception as error:
            if not self._closed:
                log.exception("the work of execution %s failed", execution.id)
                self._on_failure(error)
            because = f"the emulator itself failed: {type(error).__name__}: {error}"
            return Outcome(ExecutionState.FAILED, because)

    def _end_work(self, folded: str, outcome: Outcome) -> None:
        now = self.clock.now
        execution = self._live.get(folded) or self._ended[folded]
        takes = self._work_takes if progression.works_naturally(execution) else dt.timedelta()
        done = dataclasses.replace(
            execution,
            work=WorkStatus.DONE,
            work_done_at=now + takes,
            entities=outcome.entities or execution.entities,
            package=execution.package if outcome.package is None else outcome.package,
        )
        if folded in self._stopping:
            self._stopping.discard(folded)
        else:
            done = dataclasses.replace(done, computed=outcome.state, reason=outcome.because)
        if done.finished_at is None:
            done, _entered = progression.settled(done, now, self._taken_up_after)
        self._keep(done, save=True)

    # By hand

    def advance(self, execution: ExecutionId) -> Execution:
        """Enters the next step, running the work first where it needs that.

        Raises:
            ExecutionNotFound: no such execution.
            ControlRefused: it is at its end.

        """
        if progression.next_needs_work(self._controllable(execution)):
            self._work_now(execution)
        return self._by_hand(execution, progression.advanced)

    def finish(self, execution: ExecutionId) -> Execution:
        """Runs the work and enters the last step. Raises as `advance`."""
        self._controllable(execution)
        self._work_now(execution)
        return self._by_hand(execution, progression.finished)

    def end(self, execution: ExecutionId, state: ExecutionState, because: str) -> Execution:
        """Ends an execution in `state` at once; what was written stays. Raises as `advance`."""
        folded = execution.casefold()
        with self._idle:
            found = self._controllable(execution)
            if folded in self._at_work:
                self._stopping.add(folded)
            after = progression.ended(found, state, self.clock.now, because)
            self._keep(after, save=True)
            self._idle.wait_for(lambda: folded not in self._at_work)
        return self._settled(execution)

    def _by_hand(
        self,
        execution: ExecutionId,
        move: Callable[[Execution, dt.datetime], Execution],
    ) -> Execution:
        with self._lock:
            found = self._live.get(execution.casefold())
            if found is not None:
                self._keep(move(found, self.clock.now), save=True)
        return self._settled(execution)

    def _work_now(self, execution: ExecutionId) -> None:
        self.work(execution)
        with self._idle:
            self._idle.wait_for(lambda: execution.casefold() not in self._at_work)

    def _controllable(self, execution: ExecutionId) -> Execution:
        found = self.find(execution)
        if found is None:
            raise ExecutionNotFound(execution)
        if found.finished_at is not None:
            raise ControlRefused(f"execution {found.id} is at its end: {found.state}")
        return found

    def _settled(self, execution: ExecutionId) -> Execution:
        if self.clock.mode is ClockMode.REAL:
            self._wake()
        else:
            self.run_due(self.clock.now)
        found = self.find(execution)
        if found is None:
            raise ExecutionNotFound(execution)
        return found

    # Life and death of the registry itself

    def forget(self, execution: ExecutionId) -> None:
        """Removes an execution that is at its end."""
        with self._lock:
            self._ended.pop(execution.casefold(), None)
            self._store.remove(execution)

    def close(self) -> None:
        """Stops work at its next batch, and writes what only memory knew."""
        with self._idle:
            self._closed = True
            self._idle.notify_all()
            self._idle.wait_for(lambda: not self._at_work, timeout=5)
            for execution in (*self._live.values(), *self._ended.values()):
                self._store.save(execution)

    @property
    def _taken_up_after(self) -> dt.timedelta:
        """On a real clock the engine takes executions up at once."""
        return dt.timedelta() if self.clock.mode is ClockMode.REAL else self._take_up

    @property
    def _work_takes(self) -> dt.timedelta:
        """On a real clock the work takes what it takes; else no poll would ever see Executing."""
        return dt.timedelta() if self.clock.mode is ClockMode.REAL else self._takes

    def _keep(self, execution: Execution, *, save: bool = False) -> None:
        folded = execution.id.casefold()
        if execution.finished_at is None:
            self._live[folded] = execution
        else:
            self._live.pop(folded, None)
            self._remember(execution)
        if save:
            self._store.save(execution)

    def _remember(self, execution: Execution) -> None:
        folded = execution.id.casefold()
        self._ended[folded] = execution
        self._ended.move_to_end(folded)
        while len(self._ended) > ENDED_IN_MEMORY:
            _, forgotten = self._ended.popitem(last=False)
            self._store.save(forgotten)


def _resumed(store: DataManagementStore, execution: Execution) -> Execution:
    """Work that a former process did not end begins again, from its progress."""
    if execution.work is not WorkStatus.RUNNING:
        return execution
    waiting = dataclasses.replace(execution, work=WorkStatus.WAITING)
    store.save(waiting)
    return waiting
