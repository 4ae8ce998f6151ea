"""`wait`: until the emulator answers."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import click

from d365fo_emulator.admin.errors import AdminProblem, AdminUnreachable
from d365fo_emulator.cli.where import Where, where_options

if TYPE_CHECKING:
    from d365fo_emulator.kernel.errors import EmulatorError

PAUSE_SECONDS = 0.05


@click.command("wait")
@click.option("--timeout", type=float, default=30.0, show_default=True, help="Seconds to wait.")
@where_options
def wait(timeout: float, where: Where) -> int:
    """Wait until the emulator is ready; exit 3 when it is not in time."""
    deadline = time.monotonic() + timeout
    pause = threading.Event()
    reason = "nothing was asked"
    while (left := deadline - time.monotonic()) > 0:
        pending = pending_of(where, left)
        if pending is None:
            return 0
        reason = pending
        pause.wait(min(PAUSE_SECONDS, max(left, 0)))
    raise AdminUnreachable(f"not ready after {timeout:g} s: {reason}")


def pending_of(where: Where, timeout: float) -> str | None:
    """What the emulator is still busy with, in words; None when it is ready."""
    error: EmulatorError
    try:
        answer = where.admin(timeout=max(timeout, 0.1)).ready()
    except (AdminUnreachable, AdminProblem) as error:
        return str(error)
    return None if answer["ready"] else f"pending: {', '.join(answer['pending'])}"


COMMANDS = {"wait": wait}
