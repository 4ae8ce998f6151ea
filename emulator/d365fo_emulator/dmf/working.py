"""Running the real work of executions, and what it leads to."""

from __future__ import annotations

import dataclasses
import datetime as dt
import logging
from typing import TYPE_CHECKING

from d365fo_emulator.dmf import progression
from d365fo_emulator.dmf.model import ExecutionState, WorkStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from d365fo_emulator.dmf.model import EntityRun, Execution
    from d365fo_emulator.dmf.work import Outcome
    from d365fo_emulator.dmf.workshop import Workshop
    from d365fo_emulator.kernel.workspace import ExecutionId

log = logging.getLogger("d365fo_emulator.engine")


class Working:
    """Does the work of executions that are due.

    Args:
        shop: the executions.
        wake: tells the engine that something may be due (real clocks).
        on_failure: hears of exceptions that are the emulator's own fault.

    """

    def __init__(
        self,
        shop: Workshop,
        wake: Callable[[], None],
        on_failure: Callable[[BaseException], None],
    ) -> None:
        self._shop = shop
        self._wake = wake
        self._on_failure = on_failure

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
            if not self._shop.bench.is_closed:
                log.exception("the work of execution %s failed", running.id)
                self._break_off(running, error)
        finally:
            self._shop.bench.leave(folded)
        self._wake()

    def _taken_up(self, folded: str) -> Execution | None:
        with self._shop.lock:
            self._shop.bench.redeem(folded)
            found = self._shop.known.live_one(folded)
            if found is None or self._shop.bench.is_closed or found.work is not WorkStatus.WAITING:
                return None
            running = dataclasses.replace(found, work=WorkStatus.RUNNING)
            self._shop.known.keep(running)
            self._shop.bench.begin(folded)
            return running

    def _performed(self, execution: Execution) -> Outcome:
        folded = execution.id.casefold()

        def report(run: EntityRun) -> None:
            with self._shop.lock:
                found = self._shop.known.live_one(folded)
                if found is not None:
                    self._shop.known.keep(progression.with_run(found, run))

        def go_on() -> bool:
            return self._shop.bench.may_go_on(folded)

        return self._shop.work.perform(execution, report, go_on)

    def _conclude(self, running: ExecutionId, outcome: Outcome) -> None:
        with self._shop.lock:
            execution = None if self._shop.bench.is_closed else self._shop.known.find(running)
            if execution is None:
                return  # what closing has cut off goes on at the next start
            if outcome.state is ExecutionState.EXECUTING and execution.finished_at is None:
                stuck = progression.stuck(execution, outcome.entities, outcome.because)
                self._shop.known.keep(stuck, save=True)
                return
            now = self._shop.clock.now
            takes = (
                self._shop.work_takes if progression.works_naturally(execution) else dt.timedelta()
            )
            done = dataclasses.replace(
                execution,
                work=WorkStatus.DONE,
                work_done_at=now + takes,
                entities=progression.cut_off(outcome.entities or execution.entities),
                package=execution.package if outcome.package is None else outcome.package,
            )
            if done.finished_at is None:
                done = dataclasses.replace(done, computed=outcome.state, reason=outcome.because)
                done, _entered = progression.settled(done, now, self._shop.taken_up_after)
            self._shop.known.keep(done, save=True)
        # Only now: work that was cut off before this begins again, and needs what was held.
        self._shop.work.release(done)

    def _break_off(self, running: Execution, error: Exception) -> None:
        self._on_failure(error)
        because = f"the emulator itself failed: {type(error).__name__}: {error}"
        with self._shop.lock:
            found = self._shop.known.find(running.id) or running
            if found.finished_at is None:
                found = progression.broken_off(found, self._shop.clock.now, because)
            self._shop.known.keep(found)  # in memory at least: the store may be what has failed
        try:
            with self._shop.lock:
                self._shop.known.keep(found, save=True)
            self._shop.work.release(found)
        except Exception:
            log.exception("the end of execution %s was not written", running.id)
