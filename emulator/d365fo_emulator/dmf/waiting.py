"""Calls that answer only when their execution has ended: the setting `exportSync`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from d365fo_emulator.dmf.errors import ControlRefused, ExecutionNotFound
from d365fo_emulator.dmf.model import WorkStatus
from d365fo_emulator.kernel.clock import ClockMode
from d365fo_emulator.scenarios.model import Stay, StepState
from d365fo_emulator.scenarios.timeline import normalized

if TYPE_CHECKING:
    from d365fo_emulator.dmf.life import Lives
    from d365fo_emulator.dmf.model import Execution
    from d365fo_emulator.kernel.workspace import ExecutionId


def wait_for_end(lives: Lives, execution: ExecutionId) -> None:
    """Returns when an execution is at its end, or when time alone will never bring it there.

    An auto clock moves on from step to step. A virtual clock stands still, so the steps are entered
    now, one after the other: whoever could move the clock may be the one who waits. On a real clock
    the answer waits for as long as the execution lasts, as the service's does. On all, an execution
    that waits for polls or a hand, or that never ends, is left where it is.
    """

    def ended() -> bool:
        found = lives.find(execution)
        return found is None or found.finished_at is not None

    def is_left_alone() -> bool:
        found = lives.find(execution)
        return found is None or not _comes_to_its_end(found)

    while not ended():
        mode = lives.clock.mode
        if mode is ClockMode.REAL:
            lives.wait_until(lambda: is_left_alone() or lives.clock.mode is not ClockMode.REAL)
            if lives.is_closed or is_left_alone():
                return
        elif mode is ClockMode.VIRTUAL:
            if not _step_entered(lives, execution):
                return
        elif (due := lives.next_due()) is None:
            return
        elif not lives.clock.skip_to(due) and lives.next_due() == due:
            return  # whoever has what is due does not get on with it


def _step_entered(lives: Lives, execution: ExecutionId) -> bool:
    """Enters the next step of an execution whose present one time would end; whether it did."""
    found = lives.find(execution)
    if found is None or not _ends_by_time(found):
        return False
    try:
        return lives.control.advance(execution).step != found.step
    except (ControlRefused, ExecutionNotFound):
        return False  # somebody else has ended it meanwhile


def _comes_to_its_end(execution: Execution) -> bool:
    """Whether time and the work end the present step of an execution that has not ended."""
    if execution.finished_at is not None or execution.work is WorkStatus.STUCK:
        return False
    steps = normalized(execution.script.timeline)
    if execution.step >= len(steps) - 1:
        return False  # the last step has no end
    step = steps[execution.step]
    if step.stay == Stay():  # other states end after one poll
        return step.state in {StepState.NOT_RUN, StepState.EXECUTING}
    return _ends_by_time(execution)


def _ends_by_time(execution: Execution) -> bool:
    steps = normalized(execution.script.timeline)
    stay = steps[min(execution.step, len(steps) - 1)].stay
    return stay == Stay() or (stay.time is not None and not stay.need_all)
