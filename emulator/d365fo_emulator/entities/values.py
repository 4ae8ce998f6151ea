"""One text of a data file to the value that is stored, per type and culture.

Each reader takes the text of one cell and returns the storage value (see `entities.store`), or
raises :class:`ValueRejected`. A blank cell is the type's empty value, since the product's tables
have no nulls: 0, 1900-01-01, ``No``, the first symbol. Blanks around numbers, dates and symbols
do not count (inferred, as the product's loader trims them); texts are kept as they are.
"""

from __future__ import annotations

import datetime as dt
import functools
import re
from enum import StrEnum
from typing import TYPE_CHECKING

from d365fo_emulator.entities.culture import CLOCK, ENGLISH, HALF, Culture
from d365fo_emulator.entities.errors import Failure, ValueRejected
from d365fo_emulator.entities.model import Field, FieldType

if TYPE_CHECKING:
    from collections.abc import Callable

    from d365fo_emulator.entities.store import Value

    Reader = Callable[[str], Value]

FIRST_YEAR, LAST_YEAR = 1900, 2154
NO_DATE = "1900-01-01"
MIDNIGHT = " 00:00:00"
NO_MOMENT = dt.datetime.combine(dt.date(FIRST_YEAR, 1, 1), dt.time())
NO_GUID = "{00000000-0000-0000-0000-000000000000}"
TOTAL_DIGITS = 32  # numeric(32,6) and numeric(32,16), seen in exported files
SECONDS_OF_DAY = 86400

INTEGER = re.compile(r"[+-]?[0-9]+")
ZONE = r"(?P<zone>Z|[+-][0-9]{2}:[0-9]{2})?"
ISO = re.compile(
    rf"(?P<year>[0-9]{{4}})-(?P<month>[0-9]{{2}})-(?P<day>[0-9]{{2}})(?:[T ]{CLOCK}{ZONE})?"
)
TIME = re.compile(CLOCK + HALF)
GUID = re.compile(r"\{?([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})\}?")


class Spelling(StrEnum):
    """How a file names a symbol of an enumeration."""

    SYMBOL = "symbols"
    LABEL = "labels"
    NUMBER = "numbers"
    UNKNOWN = "unknown"


NOYES_WAYS: tuple[tuple[Spelling, dict[str, str]], ...] = (
    (Spelling.SYMBOL, {"yes": "Yes", "no": "No", "": "No"}),
    (Spelling.LABEL, {"true": "Yes", "false": "No"}),
    (Spelling.NUMBER, {"1": "Yes", "0": "No"}),
)
"""What a NoYes is read from."""


def reader_of(field: Field, culture: Culture = ENGLISH) -> Reader | None:
    """What reads texts of this field; None for texts, which are taken as they are."""
    if field.type is FieldType.STRING:
        return None
    if field.type is FieldType.REAL:
        return functools.partial(read_real, decimals=field.decimals, culture=culture)
    if field.type in {FieldType.ENUM, FieldType.NOYES}:
        return SymbolReader(field).read
    if field.type is FieldType.DATE:
        return functools.partial(read_date, culture=culture)
    if field.type is FieldType.DATETIME:
        return functools.partial(read_datetime, culture=culture)
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


def read_real(text: str, decimals: int = 6, culture: Culture = ENGLISH) -> float:
    """A decimal number; at most 32 digits, of which `decimals` stand after the point.

    Further ones are rounded away, as the database column does.
    """
    text = text.strip()
    if not text:
        return 0.0
    plain = culture.plain_number(text)
    if plain is None:
        raise ValueRejected(Failure.NOT_A_NUMBER)
    number = float(plain)
    if abs(number) >= 10.0 ** (TOTAL_DIGITS - decimals):
        raise ValueRejected(Failure.NUMBER_TOO_LARGE)
    return round(number, decimals)


def read_date(text: str, culture: Culture = ENGLISH) -> str:
    """A date as ``yyyy-MM-dd``; a time of day beside it is dropped, no time zone moves it."""
    return _read_moment(text, culture, local=True)[:10]


def read_datetime(text: str, culture: Culture = ENGLISH) -> str:
    """A point in time as ``yyyy-MM-dd HH:mm:ss`` in UTC.

    Without an offset it is in the culture's time zone; the empty date is the same in all of them.
    """
    return _read_moment(text, culture, local=False)


def _read_moment(text: str, culture: Culture, *, local: bool) -> str:
    text = text.strip()
    if not text:
        return NO_DATE + MIDNIGHT
    match = ISO.fullmatch(text) or culture.date.fullmatch(text)
    if not match:
        raise ValueRejected(Failure.NOT_A_DATE)
    part = match.groupdict()
    try:
        day = dt.date(int(part["year"]), int(part["month"]), int(part["day"]))
        seconds = _seconds(part, Failure.NOT_A_DATE) if part["hour"] else 0
        moment = dt.datetime.combine(day, dt.time()) + dt.timedelta(seconds=seconds)
        if zone := part.get("zone"):
            moment -= _offset(zone)
        elif not local and moment != NO_MOMENT:
            moment = culture.to_utc(moment)
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


def read_guid(text: str) -> str:
    """A GUID in capitals and braces, from one with or without them."""
    text = text.strip()
    if not text:
        return NO_GUID
    match = GUID.fullmatch(text)
    if not match:
        raise ValueRejected(Failure.NOT_A_GUID)
    return "{" + match[1].upper() + "}"


class SymbolReader:
    """Reads symbols of an enumeration: symbol, label or number become the symbol.

    Of an enumeration that is not known in full every other text is taken for a symbol, and
    numbers too, since their places are not known.
    """

    def __init__(self, field: Field) -> None:
        self._complete = field.enum_complete
        self._ways: list[tuple[Spelling, dict[str, str]]] = [
            (Spelling.SYMBOL, {symbol.casefold(): symbol for symbol in field.enum}),
            (
                Spelling.LABEL,
                dict(zip(map(str.casefold, field.enum_labels), field.enum, strict=False)),
            ),
        ]
        if field.type is FieldType.NOYES:
            self._complete = True
            self._ways = list(NOYES_WAYS)
        elif field.enum_complete:
            numbers = field.enum_numbers
            self._ways.append((Spelling.NUMBER, {str(n): one for n, one in numbers.items()}))
            if numbers:
                self._ways[0][1].setdefault("", numbers.get(0, field.enum[0]))

    def read(self, text: str) -> str:
        """The symbol."""
        return self.find(text)[0]

    def find(self, text: str) -> tuple[str, Spelling]:
        """The symbol, and how it was spelt.

        Raises:
            ValueRejected: none of a complete enumeration.

        """
        text = text.strip()
        for spelling, symbols in self._ways:
            if symbol := symbols.get(text.casefold()):
                return symbol, spelling
        if self._complete:
            raise ValueRejected(Failure.NOT_IN_ENUMERATION)
        return text, Spelling.UNKNOWN if text else Spelling.SYMBOL


BLANKS: dict[FieldType, frozenset[Value]] = {
    FieldType.DATE: frozenset({"", NO_DATE}),
    FieldType.DATETIME: frozenset({"", NO_DATE + MIDNIGHT}),
    FieldType.GUID: frozenset({"", NO_GUID}),
    # An enumeration always has a value, its first; a time always has one, midnight.
    FieldType.ENUM: frozenset(),
    FieldType.NOYES: frozenset(),
    FieldType.TIME: frozenset(),
    # The product's mandatory numbers do not take zero.
    FieldType.INT: frozenset({0}),
    FieldType.INT64: frozenset({0}),
    FieldType.REAL: frozenset({0.0}),
    FieldType.STRING: frozenset({""}),
}
"""The values of each type that do not fill in a field; None leaves what the target row has."""

READERS: dict[FieldType, Reader] = {
    FieldType.INT: functools.partial(read_integer, bits=31),
    FieldType.INT64: functools.partial(read_integer, bits=63),
    FieldType.TIME: read_time,
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
