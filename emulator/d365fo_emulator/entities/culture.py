"""The culture of a source data format: how its files write numbers, dates and times.

Inferred from the symptoms that people report of data sources whose language or time zone is
another than that of their files: days and months exchanged, days off by one, commas that count as
groups of digits.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

DATE_ORDERS = ("mdy", "dmy", "ymd")
PARTS = {"y": "(?P<year>[0-9]{4})", "m": "(?P<month>[0-9]{1,2})", "d": "(?P<day>[0-9]{1,2})"}
CLOCK = r"(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:\.[0-9]+)?)?"
HALF = r"(?: ?(?P<half>[AaPp][Mm]))?"
EXPONENT = "(?:[eE][+-]?[0-9]+)?"


@dataclass(frozen=True)
class Culture:
    """How texts of a file are read. ISO dates are taken in every culture.

    Attributes:
        name: as data sources name it (`en-US`).
        date_order: order of the parts of a date that is not ISO: `mdy`, `dmy` or `ymd`.
        decimal_separator: one character.
        group_separator: between groups of three digits; one character, "" for none.
        time_zone: IANA name of the zone that points in time without an offset are in.

    Raises:
        ValueError: an order, separator or zone that there is not; separators that are the same.

    """

    name: str = "en-US"
    date_order: str = "mdy"
    decimal_separator: str = "."
    group_separator: str = ","
    time_zone: str = "UTC"

    def __post_init__(self) -> None:
        if self.date_order not in DATE_ORDERS:
            raise ValueError(f"{self.date_order!r} is none of {', '.join(DATE_ORDERS)}")
        separators = (self.decimal_separator, self.group_separator)
        if len(self.decimal_separator) != 1 or len(self.group_separator) > 1:
            raise ValueError("a separator is one character")
        if separators[0] == separators[1] or any(
            one.isalnum() or one in {"+", "-"} for one in separators
        ):
            raise ValueError(f"{separators[0]!r} and {separators[1]!r} cannot part numbers")
        _ = self.zone

    @cached_property
    def zone(self) -> ZoneInfo | None:
        """The time zone; None for UTC, which needs no conversion."""
        from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # noqa: PLC0415  rarely needed

        if self.time_zone.upper() == "UTC":
            return None
        try:
            return ZoneInfo(self.time_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(f"there is no time zone {self.time_zone!r}") from error

    @cached_property
    def number(self) -> re.Pattern[str]:
        """A decimal number: digits, or groups of three; an exponent as spreadsheets write it."""
        point = re.escape(self.decimal_separator)
        forms = [f"[0-9]+(?:{point}[0-9]*)?", f"{point}[0-9]+"]
        if self.group_separator:
            group = re.escape(self.group_separator)
            forms.append(f"[0-9]{{1,3}}(?:{group}[0-9]{{3}})+(?:{point}[0-9]*)?")
        return re.compile(f"[+-]?(?:{'|'.join(forms)}){EXPONENT}")

    @cached_property
    def date(self) -> re.Pattern[str]:
        """A date in the culture's order, parted by strokes, points or hyphens, and a clock time."""
        first, second, third = (PARTS[part] for part in self.date_order)
        return re.compile(f"{first}(?P<part>[/.-]){second}(?P=part){third}(?: {CLOCK}{HALF})?")

    def plain_number(self, text: str) -> str | None:
        """A number of this culture as `float` takes it; None when it is none.

        The form of exported files (`.500000`, always with a point) is taken in every culture, as
        far as its point cannot part groups.
        """
        if self.number.fullmatch(text):
            text = text.replace(self.group_separator, "") if self.group_separator else text
            return text.replace(self.decimal_separator, ".")
        return text if EXPORTED_NUMBER.fullmatch(text) else None

    def to_utc(self, moment: dt.datetime) -> dt.datetime:
        """A local time of the zone as UTC; of a time that comes twice, the first (inferred).

        One that daylight saving leaves out counts as if the clocks had not yet gone forward.
        """
        if self.zone is None:
            return moment
        return moment.replace(tzinfo=self.zone).astimezone(dt.UTC).replace(tzinfo=None)

    def to_local(self, moment: dt.datetime) -> dt.datetime:
        """A time in UTC as the zone's clocks show it."""
        if self.zone is None:
            return moment
        return moment.replace(tzinfo=dt.UTC).astimezone(self.zone).replace(tzinfo=None)


EXPORTED_NUMBER = re.compile(r"-?(?:[0-9]+\.[0-9]*|\.[0-9]+)")

ENGLISH = Culture()
