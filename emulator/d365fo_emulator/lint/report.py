"""Collecting findings: so many of one rule in one file, the rest as a number."""

from __future__ import annotations

import dataclasses

from d365fo_emulator.lint.model import PACKAGE, Finding, Place, Severity
from d365fo_emulator.lint.rules import RULES

MOST_OF_A_RULE = 10
LONGEST_MESSAGE = 500
"""Characters; a package may have a hundred thousand columns to name."""


class Report:
    """The findings of one package.

    Args:
        most: findings that are kept of one rule in one file; further ones are counted.

    """

    def __init__(self, most: int = MOST_OF_A_RULE) -> None:
        self._most = most
        self._kept: list[Finding] = []
        self._count: dict[tuple[str, str], int] = {}
        self._last: dict[tuple[str, str], int] = {}

    def add(
        self,
        code: str,
        message: str,
        place: Place = PACKAGE,
        *,
        remedy: str = "",
        severity: Severity | None = None,
    ) -> None:
        """Keeps or counts a finding; remedy and severity are the rule's unless given."""
        group = (code, place.file)
        self._count[group] = self._count.get(group, 0) + 1
        if self._count[group] > self._most:
            return
        rule = RULES[code]
        if len(message) > LONGEST_MESSAGE:
            message = f"{message[:LONGEST_MESSAGE]}…"
        self._last[group] = len(self._kept)
        self._kept.append(
            Finding(code, severity or rule.severity, place, message, remedy or rule.remedy)
        )

    def has(self, *codes: str, file: str | None = None) -> bool:
        """Whether one of these rules was broken, anywhere or in one file."""
        return any(code in codes and file in (None, name) for code, name in self._count)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """By file in the order in which they were met, the worst first."""
        kept = list(self._kept)
        for group, at in self._last.items():
            kept[at] = dataclasses.replace(kept[at], more=max(0, self._count[group] - self._most))
        order = {name: at for at, name in enumerate(dict.fromkeys(f.place.file for f in kept))}
        return tuple(sorted(kept, key=lambda f: (order[f.place.file], f.severity.rank)))
