"""What a check of a package gives: rules, places and findings, as values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """What the service does with a package that breaks a rule; the worst first."""

    REFUSED = "E"
    FAILS = "F"
    SILENT = "S"
    FRAGILE = "W"

    @property
    def word(self) -> str:
        """For people."""
        return _WORDS[self]

    @property
    def meaning(self) -> str:
        """In a sentence."""
        return _MEANINGS[self]

    @property
    def rank(self) -> int:
        """0 for the worst."""
        return list(Severity).index(self)


_WORDS = {
    Severity.REFUSED: "refused",
    Severity.FAILS: "fails",
    Severity.SILENT: "silent",
    Severity.FRAGILE: "fragile",
}
_MEANINGS = {
    Severity.REFUSED: "the service refuses the import call",
    Severity.FAILS: "the call is taken, and an entity or rows of it fail",
    Severity.SILENT: "nothing is said, and something else happens than was meant",
    Severity.FRAGILE: "works, but is unlike what the product writes or easily breaks",
}


@dataclass(frozen=True)
class Rule:
    """One rule of the table that drives checks, documentation and tests.

    Attributes:
        code: family and number.
        severity: of its findings, unless one says otherwise.
        title: what is wrong, in one line.
        explanation: what the service does, and why.
        remedy: what to do.
        evidence: what it rests on: documented, recorded, client or inferred.
        fixable: whether `--fix` can do it.
        emulator: where the emulator takes what the service does not, that it does; else "".

    """

    code: str
    severity: Severity
    title: str
    explanation: str
    remedy: str
    evidence: str
    fixable: bool = False
    emulator: str = ""


@dataclass(frozen=True)
class Place:
    """Where in a package.

    Attributes:
        file: name of the file in the package; "": the package itself.
        line: of a control file, from 1; 0: not known.
        column: in that line, from 1.
        row: data row, 1 is the first below the header; 0: none.
        field: column of the data, or field of the entity.
        element: path of the element, or name of the entity.

    """

    file: str = ""
    line: int = 0
    column: int = 0
    row: int = 0
    field: str = ""
    element: str = ""

    def __str__(self) -> str:
        """`Manifest.xml:1:233`, `Customers.csv row 7 NAME`."""
        text = self.file
        if self.line:
            text += f":{self.line}:{self.column}"
        if self.row:
            text += f" row {self.row}"
        if self.field:
            text += f" {self.field}"
        return text.strip()


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong. `more`: how many alike were counted and left out after it."""

    code: str
    severity: Severity
    place: Place
    message: str
    remedy: str
    more: int = 0


PACKAGE = Place()
