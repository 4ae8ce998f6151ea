"""Bodies of action calls, converted by declared types; pure rules."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from d365fo_emulator.odata.actions import EdmType
from d365fo_emulator.odata.errors import ModelStateInvalid

if TYPE_CHECKING:
    from d365fo_emulator.odata.actions import ActionSignature, Parameter

# Client code leaves out every one of them somewhere, and it works: text "", false, 0.
ABSENT: dict[EdmType, Any] = {EdmType.STRING: "", EdmType.BOOLEAN: False, EdmType.INT32: 0}
PYTHON_TYPES: dict[EdmType, type] = {
    EdmType.STRING: str,
    EdmType.BOOLEAN: bool,
    EdmType.INT32: int,
}

INT32 = range(-(2**31), 2**31)
"""The whole numbers of `Edm.Int32`."""


# JSON can spell half of a surrogate pair; nothing can store it.
_HALF_CHARACTER = re.compile("[\ud800-\udfff]")


def has_half_character(text: str) -> bool:
    """Whether there is half of a surrogate pair in it."""
    return _HALF_CHARACTER.search(text) is not None


MOST_LENIENT = 16 * 1024
"""Bytes that the lenient grammar reads, at a tenth of a second; no client's body has a tenth."""


@dataclass(frozen=True)
class Bound:
    """Arguments by the parameters' own names, and what the body had that it should not have."""

    arguments: dict[str, Any]
    oddities: tuple[str, ...]


def parse_body(body: bytes) -> dict[str, Any]:
    """The members of a body; an empty one has none.

    The product's reader takes single quotes (a widely used cmdlet posts them), so what is no
    strict JSON is read once more with the lenient grammar.

    Raises:
        ModelStateInvalid: neither grammar can read it, or it is no object.

    """
    if not body.strip():
        return {}
    try:
        text = body.decode("utf-8-sig")
        members = json.loads(text)
    except UnicodeDecodeError as error:
        raise ModelStateInvalid("the body is not UTF-8") from error
    except (ValueError, RecursionError):
        members = _parse_lenient(text)
    if not isinstance(members, dict):
        raise ModelStateInvalid("the body is no JSON object")
    return members


def _parse_lenient(text: str) -> Any:
    import json5  # noqa: PLC0415  rare, and slow to import

    if len(text) > MOST_LENIENT:
        raise ModelStateInvalid("the body is no JSON")
    try:
        return json5.loads(text)
    except (ValueError, RecursionError) as error:
        raise ModelStateInvalid("the body is no JSON") from error


def bind(signature: ActionSignature, members: dict[str, Any], *, strict: bool) -> Bound:
    """The arguments of a call.

    Names are matched without letter case unless `strict` (`overWrite` occurs in client code);
    unknown members are left aside and named in `oddities`.

    Raises:
        ModelStateInvalid: a member is null or of another type (recorded for blank values).

    """
    by_name = {name: p for p in signature.parameters for name in (p.name, *p.also)}
    folded = {name.casefold(): p for name, p in by_name.items()}
    arguments = {p.name: ABSENT[p.type] for p in signature.parameters}
    oddities = []
    for name, value in members.items():
        parameter = by_name.get(name)
        if parameter is None and not strict:
            parameter = folded.get(name.casefold())
            if parameter is not None:
                oddities.append(f"member {name!r} was taken as {parameter.name!r}")
        if parameter is None:
            if strict:
                raise ModelStateInvalid(f"the action has no parameter {name!r}")
            oddities.append(f"member {name!r} is no parameter of the action and was ignored")
            continue
        arguments[parameter.name] = _checked(parameter, value)
    return Bound(arguments, tuple(oddities))


def _checked(parameter: Parameter, value: Any) -> Any:
    expected = PYTHON_TYPES[parameter.type]
    if type(value) is not expected:
        shown = "null" if value is None else f"a {type(value).__name__}"
        raise ModelStateInvalid(f"{parameter.name} must be {parameter.type}, not {shown}")
    if parameter.type is EdmType.INT32 and value not in INT32:
        raise ModelStateInvalid(f"{parameter.name} must be {parameter.type}, which {value} is not")
    if isinstance(value, str) and has_half_character(value):
        raise ModelStateInvalid(f"{parameter.name} has half of a character, which is no text")
    return value
