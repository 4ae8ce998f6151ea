"""Which rule a failed row breaks, by the table of failures whose texts the import gives."""

from __future__ import annotations

import functools
import re

from d365fo_emulator.entities.errors import Failure

RULE_OF: dict[str, str] = {
    "NOT_A_NUMBER": "ROW004",
    "NUMBER_TOO_LARGE": "ROW004",
    "NOT_A_DATE": "ROW004",
    "DATE_OUT_OF_RANGE": "ROW004",
    "NOT_A_TIME": "ROW004",
    "NOT_A_GUID": "ROW004",
    "NOT_IN_ENUMERATION": "ROW005",
    "TEXT_TOO_LONG": "ROW003",
    "BLANK": "ROW002",
    "NOT_FOUND": "ROW006",
    "NO_COMPANY": "ROW010",
}
"""By the name of the failure; one that is not here is of ROW008."""

OTHER = "ROW008"


def code_of_failure(message: str) -> str:
    """The rule of the failure that gives texts of this form."""
    for failure, form in _forms():
        if form.fullmatch(message):
            return RULE_OF.get(failure.name, OTHER)
    return OTHER


@functools.cache
def _forms() -> tuple[tuple[Failure, re.Pattern[str]], ...]:
    """Texts as patterns. Computed once: the table does not change."""
    return tuple((failure, _pattern(failure.value.form)) for failure in Failure)


def _pattern(form: str) -> re.Pattern[str]:
    parts = re.split(r"\{\w+\}", form)
    return re.compile("(?s:.*)".join(map(re.escape, parts)))
