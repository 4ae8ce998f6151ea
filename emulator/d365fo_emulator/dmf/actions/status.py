"""How executions stand: states and errors."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from d365fo_emulator.dmf import errors
from d365fo_emulator.dmf.actions.call import found_execution
from d365fo_emulator.dmf.errors import ExecutionNotFound
from d365fo_emulator.dmf.model import ExecutionState
from d365fo_emulator.dmf.states import entity_state
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
    execution = ExecutionId(call["executionId"])
    text = call.dmf.execution_errors(execution)
    found = call.dmf.lives.find(execution)
    if text == "[]" and found is not None and found.state is ExecutionState.FAILED:
        call.exchange.note(f"the list says nothing, the execution document does: {found.reason}")
    return text


def get_entity_execution_summary_status_list(call: Call) -> list[str]:
    """`Label: State` of each entity, in the order in which they run.

    That it is a list of texts is told by client code; what the texts say was never seen, so their
    form is inferred, and so is the empty list of an unknown id.
    """
    found = call.dmf.lives.find(ExecutionId(call["executionId"]))
    if found is None or not found.found:
        call.exchange.note("there is no execution of this id")
        return []
    return [f"{run.entity}: {entity_state(run)}" for run in found.entities]


def get_execution_summary_page_url(call: Call) -> str:
    """Where the execution can be looked at: its document in the admin API.

    Clients write it into a shortcut; what the service's own address looks like is not known.
    """
    found = found_execution(call)
    workspace = quote(call.exchange.workspace.id, safe="")
    path = f"/_emulator/v1/executions/{quote(found.id, safe='')}"
    return f"{call.exchange.base_url}{path}?workspace={workspace}"
