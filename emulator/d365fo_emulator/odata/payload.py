"""Bodies that make or change a row, converted by the types of its properties; pure rules."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
from typing import TYPE_CHECKING, Any

from d365fo_emulator.odata.binding import INT32, has_half_character, parse_body
from d365fo_emulator.odata.errors import ModelStateInvalid, PayloadInvalid
from d365fo_emulator.odata.model import Enumeration

if TYPE_CHECKING:
    from collections.abc import Callable

    from d365fo_emulator.odata.model import EntityType, Property


def read_payload(body: bytes, of: EntityType, note: Callable[[str], None]) -> dict[str, Any]:
    """The values that a body gives, by property; what is null is as if it were not there.

    Annotations (`@odata.type`) are left aside. Texts are cut to their size without a word, as the
    product's tables do (recorded of `Description`); `note` is told of it.

    Raises:
        PayloadInvalid: no JSON object, unknown members, values of other types.

    """
    if not body.strip():
        raise PayloadInvalid("the body is empty")
    try:
        members = parse_body(body)
    except ModelStateInvalid as error:
        raise PayloadInvalid(str(error)) from error
    values = {}
    for name, value in members.items():
        if "@" in name:
            continue
        found = of.by_name.get(name)
        if found is None:
            raise PayloadInvalid(f"{of.name} has no property {name!r}")
        if value is not None:
            values[name] = _value(found, value, note)
    return values


def _value(of: Property, value: Any, note: Callable[[str], None]) -> Any:
    if isinstance(of.type, Enumeration):
        if not isinstance(value, str) or value not in of.type.names:
            known = ", ".join(member for member, _number in of.type.members)
            raise PayloadInvalid(f"{of.name}: {_shown(value)} is none of {known}")
        return value
    match of.type:
        case "Edm.Int32":
            if type(value) is not int or value not in INT32:
                raise PayloadInvalid(f"{of.name}: {_shown(value)} is no Edm.Int32")
            return value
        case "Edm.DateTimeOffset":
            return _instant(of, value)
        case "Edm.Binary":
            return _octets(of, value)
    if not isinstance(value, str) or has_half_character(value):
        raise PayloadInvalid(f"{of.name}: {_shown(value)} is no Edm.String")
    if of.size is not None and len(value) > of.size:
        note(f"{of.name} was cut to {of.size} characters")
        return value[: of.size]
    return value


def _instant(of: Property, value: Any) -> dt.datetime:
    try:
        instant = dt.datetime.fromisoformat(value)
        return instant.astimezone(dt.UTC).replace(microsecond=0)
    except (TypeError, ValueError, OverflowError) as error:
        raise PayloadInvalid(f"{of.name}: {_shown(value)} is no Edm.DateTimeOffset") from error


def _octets(of: Property, value: Any) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except (TypeError, ValueError, binascii.Error) as error:
        raise PayloadInvalid(f"{of.name}: {_shown(value)} is no Edm.Binary") from error


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 100 else f"{text[:100]}…"
