"""How executions stand: states and errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from d365fo_emulator.dmf import errors
from d365fo_emulator.dmf.errors import ExecutionNotFound
from d365fo_emulator.kernel.workspace import ExecutionId

if TYPE_CHECKING:
    from d365fo_emulator.dmf.actions.call import Call


def get_execution_summary_status(call: Call) -> str:
    """The state that a poll sees; the poll counts."""
    try:
        shown = call.dmf.lives.poll(ExecutionId(call["executionId"]))
    except ExecutionNotFound as error:
        raise errors.failed("execution-not-found", str(error), id=call["executionId"]) from error
    return shown.state


def get_execution_errors(call: Call) -> str:
    """A JSON list in a string; empty for unknown ids (recorded)."""
    return call.dmf.execution_errors(ExecutionId(call["executionId"]))
