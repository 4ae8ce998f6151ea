"""Calls that answer only when their execution has ended: the setting `exportSync`."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from d365fo_emulator.dmf.errors import ControlRefused, ExecutionNotFound
from d365fo_emulator.kernel.clock import ClockMode

if TYPE_CHECKING:
    from d365fo_emulator.dmf.life import Lives
    from d365fo_emulator.kernel.workspace import ExecutionId


def wait_for_end(lives: Lives, execution: ExecutionId) -> None:
    """Returns when an execution is at its end, or when time alone will never bring it there.

    An auto clock moves on from step to step; an execution that a scenario keeps for ever is left
    where it is. A virtual clock stands still, so the execution enters its last step now: whoever
    could move the clock may be the one who waits. On a real clock the wait lasts as long as the
    execution does, as with the service.
    """

    def ended() -> bool:
        found = lives.find(execution)
        return found is None or found.finished_at is not None

    while not ended():
        mode = lives.clock.mode
        if mode is ClockMode.REAL:
            lives.wait_until(lambda: ended() or lives.clock.mode is not ClockMode.REAL)
            if lives.is_closed:
                return
        elif mode is ClockMode.VIRTUAL:
            with contextlib.suppress(ControlRefused, ExecutionNotFound):
                lives.finish(execution)
            return
        elif (due := lives.next_due()) is None:
            return
        else:
            lives.clock.skip_to(due)
