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

# Refused query options. No answer of the real service is recorded; these are the words of the
# vendor's own OData library, which it is made with, in the envelope that is recorded for the rest:
# inferred.
QUERY_TYPE = "Microsoft.OData.ODataException"
QUERY_STACK = "   at Microsoft.OData.UriParser.ODataQueryOptionParser.ParseFilter()"
QUERY_TEXTS: dict[str, str] = {
    "property": "Could not find a property named '{name}' on type '{type}'.",
    "function": (
        "An unknown function with name '{name}' was found. This may also be a function import or a"
        " key lookup on a navigation property, which is not allowed."
    ),
    "signature": (
        "No function signature for the function with name '{name}' matches the specified arguments."
    ),
    "operands": (
        "A binary operator with incompatible types was detected. Found operand types '{left}' and"
        " '{right}' for operator kind '{operator}'."
    ),
    "enum": "The string '{member}' is not a valid enumeration type constant.",
    "boolean": "The $filter expression must evaluate to a single boolean value.",
    "negation": (
        "A unary operator with an incompatible type was detected. Found operand type '{type}' for"
        " operator kind 'Not'."
    ),
    "syntax": "Syntax error at position {position} in '{text}'.",
    "literal": "Unrecognized '{kind}' literal '{text}'.",
    "key": "Bad Request - Error in query syntax.",
    "too-deep": "Recursion depth exceeded allowed limit.",
    "number": (
        "Invalid value '{text}' for {option} query option found. The {option} query option requires"
        " a non-negative integer value."
    ),
    "count": "Invalid value '{text}' for $count query option found.",
    "option": "The query parameter '{name}' is not supported.",
    "twice": (
        "Query option '{name}' was specified more than once, but it must be specified at most once."
    ),
}


def query_text(key: str, **names: object) -> str:
    """The text of this meaning."""
    return QUERY_TEXTS[key].format(**names)


# Writes that failed: type, first lines of the stack and the form of the text are recorded, of
# business entities.
WRITE_TYPE = "Microsoft.Dynamics.Platform.Integration.Services.OData.AxODataWriteException"
WRITE_STACK = (
    "   at Microsoft.Dynamics.Platform.Integration.Services.OData.Update.UpdateProcessor"
    ".CreateEntity_Save(ChangeOperationContext context, ChangeInfo changeInfo)"
)
NO_RESOURCE = "No resources were found when selecting for update."  # recorded; two clients know it
# A body that cannot be read as a row (recorded); which member it was is not in it.
PAYLOAD_TYPE = "System.Reflection.TargetInvocationException"
PAYLOAD_TEXT = "Exception has been thrown by the target of an invocation."
PAYLOAD_STACK = "   at System.RuntimeMethodHandle.InvokeMethod()"
WRITE_TEXTS: dict[str, str] = {
    "infolog": "Write failed for table row of type '{table}'. Infolog: {entries}.",  # recorded
    "update-conflict": (  # recorded
        "Write failed for table row of type '{table}'. An update conflict occurred due to another"
        " user process deleting the record or changing one or more fields in the record."
    ),
}


def write_text(key: str, **names: object) -> str:
    """The text of this meaning."""
    return WRITE_TEXTS[key].format(**names)


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


class QueryInvalid(EmulatorError):
    """A query option that cannot be; `reason` says more than the service's text."""

    def __init__(self, text: str, reason: str = "") -> None:
        super().__init__(text)
        self.text = text
        self.reason = reason or text


class PayloadInvalid(EmulatorError):
    """A body that is no row of its set."""


class WriteFailed(EmulatorError):
    """A row was not written; `reason` says more than the service's text."""

    def __init__(self, text: str, reason: str = "", kind: str = "") -> None:
        super().__init__(text)
        self.text = text
        self.reason = reason or text
        self.kind = kind or WRITE_TYPE


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
