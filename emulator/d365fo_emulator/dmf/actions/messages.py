"""What becomes of messages of the recurring integrations API, as seen from the package API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from d365fo_emulator.dmf import errors
from d365fo_emulator.dmf.actions.exports import ZERO_GUID

if TYPE_CHECKING:
    from d365fo_emulator.dmf.actions.call import Call


def get_message_status(call: Call) -> str:
    """The state of a message.

    Messages come by the recurring integrations API alone, which is not built: none is ever known.
    What the service says of an unknown one was never seen; a state would keep a client polling.
    """
    because = "only the recurring integrations API makes messages, and it is not emulated"
    raise errors.failed("message-not-found", because, id=call["messageId"])


def get_execution_id_by_message_id(call: Call) -> str:
    """The zero GUID: no execution has taken the message up (recorded for those that wait)."""
    call.exchange.note(f"no execution belongs to the message {call['_messageId']!r}")
    return ZERO_GUID
