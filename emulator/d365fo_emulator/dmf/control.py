"""Moving executions by hand, as command, admin API and fixture do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from d365fo_emulator.dmf import progression
from d365fo_emulator.dmf.errors import ControlRefused, ExecutionNotFound
from d365fo_emulator.dmf.model import WorkStatus

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    from d365fo_emulator.dmf.life import Lives
    from d365fo_emulator.dmf.model import Execution, ExecutionState
    from d365fo_emulator.dmf.workshop import Workshop
    from d365fo_emulator.kernel.workspace import ExecutionId


class Control:
    """Moves one execution at a time; each call returns when all that it has made due is done."""

    def __init__(self, lives: Lives, shop: Workshop) -> None:
        self._lives = lives
        self._shop = shop

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
        with self._shop.lock:
            found = self._controllable(execution)
            after = progression.ended(found, state, self._shop.clock.now, because)
            self._shop.known.keep(after, save=True)
            self._shop.bench.tell()
            if self._shop.bench.is_at_work(folded):
                self._shop.bench.stop(folded)
            else:
                self._shop.work.release(after)
        return self._settled(execution)

    def rerun(self, execution: ExecutionId) -> Execution:
        """Takes rows from staging to target once more: those that are not written yet.

        Raises:
            ExecutionNotFound: no such execution.
            ControlRefused: it is not at its end, or has no rows that could be taken.

        """
        with self._shop.lock:
            found = self._over(execution)
            if why := progression.why_no_rerun(found):
                raise ControlRefused(f"execution {found.id} cannot be re-run: {why}")
            again = progression.rerun(found, self._shop.clock.now)
            self._shop.known.keep(again, save=True)
        return self._settled(execution)

    def delete(self, execution: ExecutionId) -> None:
        """Removes an ended execution and all that it has left behind but its target rows.

        Raises:
            ExecutionNotFound: no such execution.
            ControlRefused: it is not at its end, or its work is still under way.

        """
        with self._shop.lock:
            self._shop.forget(self._over(execution))

    def _by_hand(
        self,
        execution: ExecutionId,
        move: Callable[[Execution, dt.datetime], Execution],
    ) -> Execution:
        with self._shop.lock:
            found = self._shop.known.live_one(execution)
            if found is not None:
                self._shop.known.keep(move(found, self._shop.clock.now), save=True)
                self._shop.bench.tell()
        return self._settled(execution)

    def _work_now(self, execution: ExecutionId) -> None:
        self._lives.work(execution)
        self._shop.bench.wait_for_end(execution.casefold())

    def _controllable(self, execution: ExecutionId) -> Execution:
        found = self._found(execution)
        if found.finished_at is not None:
            raise ControlRefused(f"execution {found.id} is at its end: {found.state}")
        return found

    def _over(self, execution: ExecutionId) -> Execution:
        found = self._found(execution)
        if not self._shop.is_over(found):
            raise ControlRefused(f"execution {found.id} is still at work: {found.shown_state}")
        return found

    def _refuse_stuck(self, execution: ExecutionId) -> None:
        found = self._lives.find(execution)
        if found is not None and found.work is WorkStatus.STUCK:
            raise ControlRefused(f"execution {found.id}: {found.reason}")

    def _settled(self, execution: ExecutionId) -> Execution:
        self._lives.catch_up()
        return self._found(execution)

    def _found(self, execution: ExecutionId) -> Execution:
        found = self._lives.find(execution)
        if found is None:
            raise ExecutionNotFound(execution)
        return found
