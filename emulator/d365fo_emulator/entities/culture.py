"""The culture of a source data format: how its files write numbers, dates and times."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Culture:
    """How texts of a file are read. ISO dates are taken in every culture.

    Attributes:
        name: as data sources name it (`en-US`).
        date_order: order of the parts of a date that is not ISO: `mdy`, `dmy` or `ymd`.
        decimal_separator: one character.
        group_separator: between groups of three digits; one character, "" for none.
        time_zone: IANA name of the zone that points in time without an offset are in.

    """

    name: str = "en-US"
    date_order: str = "mdy"
    decimal_separator: str = "."
    group_separator: str = ","
    time_zone: str = "UTC"


ENGLISH = Culture()
