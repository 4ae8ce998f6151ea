"""Error bodies of the OData surface, as recorded, and the errors that have a shape of their own."""

from __future__ import annotations

import json
from typing import Any

from d365fo_emulator.kernel.errors import EmulatorError

# Recorded in several reports of failed actions; the product cuts it there with an ellipsis.
STACK = (
    "   at Microsoft.Dynamics.Platform.Integration.Services.OData.Action"
    ".ActionInvokable.Invoke()\r\n"
    "   at Microsoft.Dynamics.Platform.Integration.Services.OData.Update.UpdateProcessor"
    ".ActionInvocation(ChangeOperationContext context, ActionInvokable action)\r\n"
    "   at Microsoft.Dynamics.Platform.Integration.Services.OData.Update.UpdateManager"
    ".<>c__DisplayClass13_0.<ScheduleInvokable>b__0(ChangeOperationContext context)\r\n"
    "   at Microsoft.Dynamics.Platform.Integration.Services.OData.Update.ChangeInfo"
    ".ExecuteActionsInCompanyContext(IEnumerable`1 actionList, ChangeOperationContext"
    " operationContext)"
)
EXCEPTION_TYPE = "System.InvalidOperationException"
NOT_EMULATED_TYPE = "d365fo_emulator.NotEmulated"
MODEL_STATE = "InvokeAction - Model state is invalid."  # recorded


class ActionFailed(EmulatorError):
    """An action threw: its text goes into the recorded envelope, with the action's name before it.

    `reason` says more than the service does; it goes into a header and the journal only.
    """

    def __init__(self, text: str, reason: str = "") -> None:
        super().__init__(text)
        self.text = text
        self.reason = reason or text


class ModelStateInvalid(EmulatorError):
    """The body does not fit the action's parameters."""


class NoRoute(EmulatorError):
    """The service has no such set or action."""


def envelope(message: str, kind: str = EXCEPTION_TYPE, stack: str = STACK) -> dict[str, Any]:
    """The recorded envelope: `code` is empty, `message` constant, the news is in `innererror`."""
    return {
        "error": {
            "code": "",
            "message": "An error has occurred.",
            "innererror": {"message": message, "type": kind, "stacktrace": stack},
        }
    }


def action_text(action: str, entity: str, text: str) -> str:
    """What an action's failure reads like inside the envelope (recorded)."""
    return f"Exception occurred while executing action {action} on Entity {entity}: {text}"


def no_route(uri: str) -> dict[str, Any]:
    """The answer for an unknown set, action or method (recorded): one member, the whole URI."""
    return {
        "Message": f"No HTTP resource was found that matches the request URI '{uri}'."
        " No route data was found for this request."
    }


def dump(document: dict[str, Any]) -> bytes:
    """JSON as the service writes it: compact, UTF-8, nothing escaped that need not be."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
