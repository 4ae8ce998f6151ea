"""One text of a data file to the value that is stored, per type; English (en-US) culture.

Each reader takes the text of one cell and returns the storage value (see `entities.store`), or
raises :class:`ValueRejected`. A blank cell is the type's empty value, since the product's tables
have no nulls: 0, 1900-01-01, ``No``, the first symbol. Blanks around numbers, dates and symbols
do not count (inferred, as the product's loader trims them); texts are kept as they are.
"""

from __future__ import annotations

import datetime as dt
import functools
import re
from typing import TYPE_CHECKING

from d365fo_emulator.entities.errors import Failure, ValueRejected
from d365fo_emulator.entities.model import Field, FieldType

if TYPE_CHECKING:
    from collections.abc import Callable

    from d365fo_emulator.entities.store import Value

    Reader = Callable[[str], Value]

FIRST_YEAR, LAST_YEAR = 1900, 2154
NO_DATE = "1900-01-01"
MIDNIGHT = " 00:00:00"
NO_GUID = "{00000000-0000-0000-0000-000000000000}"
TOTAL_DIGITS = 32  # numeric(32,6) and numeric(32,16), seen in exported files
SECONDS_OF_DAY = 86400

# Digits, or groups of three parted by commas; an exponent as spreadsheets write small numbers.
REAL = re.compile(
    r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+|[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]*)?)(?:[eE][+-]?[0-9]+)?"
)
INTEGER = re.compile(r"[+-]?[0-9]+")
CLOCK = r"(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:\.[0-9]+)?)?"
ZONE = r"(?P<zone>Z|[+-][0-9]{2}:[0-9]{2})?"
HALF = r"(?: ?(?P<half>[AaPp][Mm]))?"
ISO = re.compile(
    rf"(?P<year>[0-9]{{4}})-(?P<month>[0-9]{{2}})-(?P<day>[0-9]{{2}})(?:[T ]{CLOCK}{ZONE})?"
)
AMERICAN = re.compile(
    rf"(?P<month>[0-9]{{1,2}})/(?P<day>[0-9]{{1,2}})/(?P<year>[0-9]{{4}})(?: {CLOCK}{HALF})?"
)
TIME = re.compile(CLOCK + HALF)
GUID = re.compile(r"\{?([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})\}?")
TRUE_WORDS = {"yes": "Yes", "1": "Yes", "true": "Yes"}
FALSE_WORDS = {"no": "No", "0": "No", "false": "No", "": "No"}
NOYES_WORDS = TRUE_WORDS | FALSE_WORDS


def reader_of(field: Field) -> Reader | None:
    """What reads texts of this field; None for texts, which are taken as they are."""
    if field.type is FieldType.STRING:
        return None
    if field.type is FieldType.REAL:
        return functools.partial(read_real, decimals=field.decimals)
    if field.type is FieldType.ENUM:
        return enumeration_reader(field)
    return READERS[field.type]


def read_integer(text: str, bits: int) -> int:
    """A whole number of `bits` bits and a sign."""
    text = text.strip()
    if not text:
        return 0
    if not INTEGER.fullmatch(text):
        raise ValueRejected(Failure.NOT_A_NUMBER)
    if len(text) > 30 or not -(1 << bits) <= int(text) < 1 << bits:
        raise ValueRejected(Failure.NUMBER_TOO_LARGE)
    return int(text)


def read_real(text: str, decimals: int = 6) -> float:
    """A decimal number; at most 32 digits, of which `decimals` stand after the point.

    Further ones are rounded away, as the database column does.
    """
    text = text.strip()
    if not text:
        return 0.0
    if not REAL.fullmatch(text):
        raise ValueRejected(Failure.NOT_A_NUMBER)
    number = float(text.replace(",", ""))
    if abs(number) >= 10.0 ** (TOTAL_DIGITS - decimals):
        raise ValueRejected(Failure.NUMBER_TOO_LARGE)
    return round(number, decimals)


def read_date(text: str) -> str:
    """A date as ``yyyy-MM-dd``; a time of day beside it is dropped."""
    return read_datetime(text)[:10]


def read_datetime(text: str) -> str:
    """A point in time as ``yyyy-MM-dd HH:mm:ss`` in UTC; without an offset it is taken as UTC."""
    text = text.strip()
    if not text:
        return NO_DATE + MIDNIGHT
    match = ISO.fullmatch(text) or AMERICAN.fullmatch(text)
    if not match:
        raise ValueRejected(Failure.NOT_A_DATE)
    part = match.groupdict()
    try:
        day = dt.date(int(part["year"]), int(part["month"]), int(part["day"]))
        seconds = _seconds(part, Failure.NOT_A_DATE) if part["hour"] else 0
        moment = dt.datetime.combine(day, dt.time()) + dt.timedelta(seconds=seconds)
        moment -= _offset(part.get("zone"))
    except (ValueError, OverflowError) as error:
        if isinstance(error, ValueRejected):
            raise
        raise ValueRejected(Failure.NOT_A_DATE) from None
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise ValueRejected(Failure.DATE_OUT_OF_RANGE)
    return moment.isoformat(sep=" ")


def read_time(text: str) -> int:
    """A time of day as seconds since midnight, from a clock time or from the seconds."""
    text = text.strip()
    if not text:
        return 0
    if match := TIME.fullmatch(text):
        return _seconds(match.groupdict(), Failure.NOT_A_TIME)
    if len(text) <= 5 and text.isascii() and text.isdigit() and int(text) < SECONDS_OF_DAY:
        return int(text)
    raise ValueRejected(Failure.NOT_A_TIME)


def read_noyes(text: str) -> str:
    """``Yes`` or ``No``, from these, from 1 and 0 or from true and false."""
    try:
        return NOYES_WORDS[text.strip().casefold()]
    except KeyError:
        raise ValueRejected(Failure.NOT_IN_ENUMERATION) from None


def read_guid(text: str) -> str:
    """A GUID in capitals and braces, from one with or without them."""
    text = text.strip()
    if not text:
        return NO_GUID
    match = GUID.fullmatch(text)
    if not match:
        raise ValueRejected(Failure.NOT_A_GUID)
    return "{" + match[1].upper() + "}"


def enumeration_reader(field: Field) -> Reader:
    """What reads symbols of `field`: symbol, label or number become the symbol.

    Of an enumeration that is not known in full every other text is taken for a symbol, and
    numbers too, since their places are not known.
    """
    known: dict[str, str] = {}
    if field.enum_complete:
        known.update((str(number), symbol) for number, symbol in enumerate(field.enum))
    known.update(zip(map(str.casefold, field.enum_labels), field.enum, strict=False))
    known.update((symbol.casefold(), symbol) for symbol in field.enum)
    if field.enum_complete and field.enum:
        known.setdefault("", field.enum[0])

    def read(text: str) -> str:
        text = text.strip()
        symbol = known.get(text.casefold())
        if symbol is None:
            if field.enum_complete:
                raise ValueRejected(Failure.NOT_IN_ENUMERATION)
            return text
        return symbol

    return read


READERS: dict[FieldType, Reader] = {
    FieldType.INT: functools.partial(read_integer, bits=31),
    FieldType.INT64: functools.partial(read_integer, bits=63),
    FieldType.DATE: read_date,
    FieldType.DATETIME: read_datetime,
    FieldType.TIME: read_time,
    FieldType.NOYES: read_noyes,
    FieldType.GUID: read_guid,
}
"""Readers of the types that need to know no more than their type."""


def _seconds(part: dict[str, str | None], failure: Failure) -> int:
    hour, minute = int(part["hour"] or 0), int(part["minute"] or 0)
    second = int(part["second"] or 0)
    if half := part.get("half"):
        if not 1 <= hour <= 12:
            raise ValueRejected(failure)
        hour = hour % 12 + (12 if half.upper() == "PM" else 0)
    if hour > 23 or minute > 59 or second > 59:
        raise ValueRejected(failure)
    return (hour * 60 + minute) * 60 + second


def _offset(zone: str | None) -> dt.timedelta:
    if not zone or zone == "Z":
        return dt.timedelta()
    size = dt.timedelta(hours=int(zone[1:3]), minutes=int(zone[4:6]))
    return -size if zone[0] == "-" else size
