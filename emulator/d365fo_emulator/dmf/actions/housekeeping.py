"""Order of entities, set-up, and the end of an execution's history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from d365fo_emulator.dmf import errors
from d365fo_emulator.dmf.actions.call import found_execution
from d365fo_emulator.dmf.errors import ControlRefused
from d365fo_emulator.dmf.sequence import in_sequence

if TYPE_CHECKING:
    from d365fo_emulator.dmf.actions.call import Call


def get_entity_sequence(call: Call) -> str:
    """`Label-unit-level-sequence,` for each entity, the last comma included (client).

    Unknown names are left out (inferred). A label with a hyphen makes the form ambiguous, there
    as here.
    """
    names = [name.strip() for name in call["listOfDataEntities"].split(",")]
    places, unknown = in_sequence(call.dmf.at.catalogue, filter(None, names))
    for name in unknown:
        call.exchange.note(f"no entity is called {name!r}: it was left out")
    return "".join(f"{one.label}-{one.unit}-{one.level}-{one.sequence}," for one in places)


def initialize_data_management(call: Call) -> None:
    """Refreshes the list of entities; the emulator's is never out of date."""
    call.exchange.note("there is nothing to refresh: the catalogue is always whole")


def delete_execution_history_job(call: Call) -> None:
    """Removes an ended execution with its staging rows, errors and files (inferred)."""
    found = found_execution(call)
    try:
        call.dmf.lives.control.delete(found.id)
    except ControlRefused as error:
        raise errors.failed("execution-running", str(error), id=found.id) from error
