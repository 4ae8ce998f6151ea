"""Executions on their way: who polls them, who runs their work, and when.

Live executions are held in memory and written through at each step, so that a poll costs no
write. On an auto or virtual clock the work runs in whoever moves time (or in the poll that leads
into it), so that runs repeat exactly; on a real clock in the engine's workers.

One lock guards all of it; it is never held while work runs. Whose work is promised, under way or
to stop, `bench` knows.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import logging
import threading
from enum import StrEnum
from typing import TYPE_CHECKING

from d365fo_emulator.dmf import progression
from d365fo_emulator.dmf.bench import Bench
from d365fo_emulator.dmf.errors import ControlRefused, ExecutionNotFound
from d365fo_emulator.dmf.model import ExecutionState, WorkStatus
from d365fo_emulator.dmf.registry import Registry
from d365fo_emulator.kernel.clock import ClockMode, Ran

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from d365fo_emulator.dmf.model import DataProject, EntityRun, Execution
    from d365fo_emulator.dmf.store import DataManagementStore
    from d365fo_emulator.dmf.work import Outcome, Work
    from d365fo_emulator.kernel.workspace import ExecutionId, Workspace

log = logging.getLogger("d365fo_emulator.engine")


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
        self.clock = workspace.clock
        self.on_failure = on_failure
        self._take_up = dt.timedelta(seconds=workspace.settings.take_up_after_seconds)
        self._takes = dt.timedelta(seconds=workspace.settings.work_takes_seconds)
        self._keep_history = dt.timedelta(days=workspace.settings.keep_history_days)
        self._clean_up_at = workspace.clock.now
        self._busy_blocks = workspace.settings.busy_project == "refuse"
        self._work = work
        self._wake = wake
        self._lock = threading.RLock()
        self._bench = Bench(self._lock)
        self._known = Registry(store)

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
        with self._lock:
            self._clean_up(self.clock.now)
            if project is not None and not overwrite and self._known.has_project(project.name):
                return Acceptance.PROJECT_EXISTS
            if self._busy_blocks and progression.is_blocked(execution, self._known.live()):
                return Acceptance.PROJECT_BUSY
            former = self._known.find(execution.id)
            if former is not None:
                if not (again and self._is_over(former)):
                    return Acceptance.ID_USED
                self._forget(former)
            if not self._known.add(began, project):
                return Acceptance.ID_USED
        self._wake()
        return Acceptance.ACCEPTED

    def find(self, execution: ExecutionId) -> Execution | None:
        """The execution of this id, as it stands; costs no poll."""
        with self._lock:
            self._clean_up(self.clock.now)
            return self._known.find(execution)

    def all(self) -> list[Execution]:
        """All executions, oldest first."""
        with self._lock:
            self._clean_up(self.clock.now)
            return self._known.all()

    def live(self) -> Iterable[Execution]:
        """Those that are not at their end."""
        with self._lock:
            return self._known.live()

    def poll(self, execution: ExecutionId) -> Execution:
        """The execution as a client's status call sees it; the call then counts.

        On an auto clock a poll that led nowhere moves time on to the next due step, after it has
        its answer.

        Raises:
            ExecutionNotFound: no such execution, or its record is not written yet by the script.

        """
        now = self.clock.now
        with self._lock:
            self._clean_up(now)
            found = self._known.find(execution)
            if found is None:
                raise ExecutionNotFound(execution)
            shown, after, moved = progression.polled(found, now, self._taken_up_after)
            self._known.keep(after, save=moved and found.finished_at is None)
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
        return self._bench.is_closed

    def wait_until(self, holds: Callable[[], bool]) -> None:
        """Returns when this holds, which is looked at whenever an execution enters a step."""
        self._bench.wait_until(holds)

    # The clock's agenda

    def next_due(self) -> dt.datetime | None:
        """When the earliest step or piece of work falls due."""
        now, after = self.clock.now, self._taken_up_after
        with self._lock:
            if self._bench.is_closed:
                return None
            dues = [
                progression.due(one, now, after)
                for one in self._known.live()
                if not self._bench.is_promised(one.id.casefold())
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
            if not ready and not self._bench.wait_for_all():
                return ran

    def time_passes(self) -> None:
        """A real clock runs from now on: the engine takes over."""
        self._wake()

    def settle(self, now: dt.datetime) -> list[Ran]:
        """Enters every step due by `now`."""
        ran: list[Ran] = []
        with self._lock:
            if self._bench.is_closed:
                return ran
            self._clean_up(now)
            for execution in self._known.live():
                after, entered = progression.settled(execution, now, self._taken_up_after)
                if entered:
                    self._known.keep(after, save=True)
                    self._bench.tell()
                ran += [
                    Ran(one.at, f"execution {execution.id} entered {one.state}") for one in entered
                ]
        return ran

    def _clean_up(self, now: dt.datetime) -> None:
        """Forgets executions that ended too long ago; looks for them once an hour.

        Whoever asks for executions looks. It is no work that falls due, so that a clock that skips
        to what is due never skips to it.
        """
        if self._bench.is_closed or now < self._clean_up_at:
            return
        self._clean_up_at = now + CLEAN_UP_EVERY
        for ended in self._known.ended_before(now - self._keep_history):
            if self._is_over(ended):
                self._forget(ended)

    def take_ready(self, now: dt.datetime) -> list[ExecutionId]:
        """Executions whose work should run now; whoever asks must call `work` for each."""
        after = self._taken_up_after
        with self._lock:
            if self._bench.is_closed:
                return []
            ready = {
                one.id.casefold(): one.id
                for one in self._known.live()
                if not self._bench.is_promised(one.id.casefold())
                and progression.wants_work(one, now, after)
            }
            self._bench.promise(ready)
        return list(ready.values())

    # The real work

    def work(self, execution: ExecutionId) -> None:
        """Runs an execution's real work, unless somebody else has taken it up.

        Never raises: what fails in it is told to `on_failure` and ends the execution as Failed.
        """
        folded = execution.casefold()
        running = self._taken_up(folded)
        if running is None:
            return
        try:
            self._conclude(running.id, self._performed(running))
        except Exception as error:
            if not self._bench.is_closed:
                log.exception("the work of execution %s failed", running.id)
                self._break_off(running, error)
        finally:
            self._bench.leave(folded)
        self._wake()

    def _taken_up(self, folded: str) -> Execution | None:
        with self._lock:
            self._bench.redeem(folded)
            found = self._known.live_one(folded)
            if found is None or self._bench.is_closed or found.work is not WorkStatus.WAITING:
                return None
            running = dataclasses.replace(found, work=WorkStatus.RUNNING)
            self._known.keep(running)
            self._bench.begin(folded)
            return running

    def _performed(self, execution: Execution) -> Outcome:
        folded = execution.id.casefold()

        def report(run: EntityRun) -> None:
            with self._lock:
                found = self._known.live_one(folded)
                if found is not None:
                    self._known.keep(progression.with_run(found, run))

        def go_on() -> bool:
            return self._bench.may_go_on(folded)

        return self._work.perform(execution, report, go_on)

    def _conclude(self, running: ExecutionId, outcome: Outcome) -> None:
        with self._lock:
            execution = None if self._bench.is_closed else self._known.find(running)
            if execution is None:
                return  # what closing has cut off goes on at the next start
            if outcome.state is ExecutionState.EXECUTING and execution.finished_at is None:
                stuck = progression.stuck(execution, outcome.entities, outcome.because)
                self._known.keep(stuck, save=True)
                return
            now = self.clock.now
            takes = self._work_takes if progression.works_naturally(execution) else dt.timedelta()
            done = dataclasses.replace(
                execution,
                work=WorkStatus.DONE,
                work_done_at=now + takes,
                entities=progression.cut_off(outcome.entities or execution.entities),
                package=execution.package if outcome.package is None else outcome.package,
            )
            if done.finished_at is None:
                done = dataclasses.replace(done, computed=outcome.state, reason=outcome.because)
                done, _entered = progression.settled(done, now, self._taken_up_after)
            self._known.keep(done, save=True)
        # Only now: work that was cut off before this begins again, and needs what was held.
        self._work.release(done)

    def _break_off(self, running: Execution, error: Exception) -> None:
        self.on_failure(error)
        because = f"the emulator itself failed: {type(error).__name__}: {error}"
        with self._lock:
            found = self._known.find(running.id) or running
            if found.finished_at is None:
                found = progression.broken_off(found, self.clock.now, because)
            self._known.keep(found)  # in memory at least: the store may be what has failed
        try:
            with self._lock:
                self._known.keep(found, save=True)
            self._work.release(found)
        except Exception:
            log.exception("the end of execution %s was not written", running.id)

    # By hand

    def advance(self, execution: ExecutionId) -> Execution:
        """Enters the next step, running the work first where it needs that.

        Raises:
            ExecutionNotFound: no such execution.
            ControlRefused: it is at its end, or it will never be.

        """
        if progression.next_needs_work(self._controllable(execution)):
            self._work_now(execution)
            self._refuse_stuck(execution)
        return self._by_hand(execution, progression.advanced)

    def finish(self, execution: ExecutionId) -> Execution:
        """Runs the work and enters the last step. Raises as `advance`."""
        self._controllable(execution)
        self._work_now(execution)
        self._refuse_stuck(execution)
        return self._by_hand(execution, progression.finished)

    def end(self, execution: ExecutionId, state: ExecutionState, because: str) -> Execution:
        """Ends an execution in `state` at once; what was written stays. Raises as `advance`."""
        folded = execution.casefold()
        with self._lock:
            found = self._controllable(execution)
            after = progression.ended(found, state, self.clock.now, because)
            self._known.keep(after, save=True)
            if self._bench.is_at_work(folded):
                self._bench.stop(folded)
            else:
                self._work.release(after)
        return self._settled(execution)

    def delete(self, execution: ExecutionId) -> None:
        """Removes an ended execution and all that it has left behind but its target rows.

        Raises:
            ExecutionNotFound: no such execution.
            ControlRefused: it is not at its end, or its work is still under way.

        """
        with self._lock:
            found = self._known.find(execution)
            if found is None:
                raise ExecutionNotFound(execution)
            if not self._is_over(found):
                raise ControlRefused(f"execution {found.id} is still at work: {found.shown_state}")
            self._forget(found)

    def _forget(self, ended: Execution) -> None:
        """The rows go first: who is killed between the two finds an execution that can go again."""
        self._work.discard(ended)
        self._known.remove(ended)

    def _by_hand(
        self,
        execution: ExecutionId,
        move: Callable[[Execution, dt.datetime], Execution],
    ) -> Execution:
        with self._lock:
            found = self._known.live_one(execution)
            if found is not None:
                self._known.keep(move(found, self.clock.now), save=True)
        return self._settled(execution)

    def _work_now(self, execution: ExecutionId) -> None:
        self.work(execution)
        self._bench.wait_for_end(execution.casefold())

    def _controllable(self, execution: ExecutionId) -> Execution:
        found = self.find(execution)
        if found is None:
            raise ExecutionNotFound(execution)
        if found.finished_at is not None:
            raise ControlRefused(f"execution {found.id} is at its end: {found.state}")
        return found

    def _refuse_stuck(self, execution: ExecutionId) -> None:
        found = self.find(execution)
        if found is not None and found.work is WorkStatus.STUCK:
            raise ControlRefused(f"execution {found.id}: {found.reason}")

    def _is_over(self, execution: Execution) -> bool:
        return execution.finished_at is not None and not self._bench.is_busy(
            execution.id.casefold()
        )

    def _settled(self, execution: ExecutionId) -> Execution:
        if self.clock.mode is ClockMode.REAL:
            self._wake()
        else:
            self.run_due(self.clock.now)
        found = self.find(execution)
        if found is None:
            raise ExecutionNotFound(execution)
        return found

    # The end

    def close(self) -> None:
        """Stops work at its next batch, and writes what only memory knew."""
        with self._lock:
            self._bench.close()
            self._known.save_all()

    @property
    def _taken_up_after(self) -> dt.timedelta:
        """On a real clock the engine takes executions up at once."""
        return dt.timedelta() if self.clock.mode is ClockMode.REAL else self._take_up

    @property
    def _work_takes(self) -> dt.timedelta:
        """On a real clock the work takes what it takes; else no poll would ever see Executing."""
        return dt.timedelta() if self.clock.mode is ClockMode.REAL else self._takes
