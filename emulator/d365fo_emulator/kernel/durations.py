"""Durations as people write them: ``2s``, ``61m``, ``1.5h``, ``8d``, ``250ms``."""

from __future__ import annotations

import datetime as dt
import re

PATTERN = r"^[0-9]+(\.[0-9]+)?(ms|s|m|h|d)$"
SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}

LONGEST = dt.timedelta(days=36_525)
"""A hundred years: no date that is counted on from today comes near the end of the calendar."""


def parse_duration(text: str | dt.timedelta) -> dt.timedelta:
    """The duration that `text` names.

    Raises:
        ValueError: no number, no unit, another unit than ms, s, m, h, d, or beyond 100 years.

    """
    if isinstance(text, dt.timedelta):
        return text
    if not re.match(PATTERN, text):
        raise ValueError(
            f"{text!r} is no duration: write a number and a unit (ms, s, m, h, d), such as 2s or 8d"
        )
    number, unit = re.fullmatch(r"([0-9.]+)([a-z]+)", text).groups()  # type: ignore[union-attr]
    seconds = float(number) * SECONDS[unit]
    if seconds > LONGEST.total_seconds():
        raise ValueError(f"{text[:20]!r} is longer than 100 years")
    return dt.timedelta(seconds=seconds)


def format_duration(duration: dt.timedelta) -> str:
    """`duration` in the largest unit that gives a whole number."""
    milliseconds = round(duration.total_seconds() * 1000)
    for unit in ("d", "h", "m", "s"):
        size = int(SECONDS[unit] * 1000)
        if milliseconds and milliseconds % size == 0:
            return f"{milliseconds // size}{unit}"
    return f"{milliseconds}ms"
