"""Findings as GitHub's workflow commands: annotations of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from d365fo_emulator.lint.model import Severity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from d365fo_emulator.lint.model import Finding

LEVELS = {
    Severity.REFUSED: "error",
    Severity.FAILS: "error",
    Severity.SILENT: "warning",
    Severity.FRAGILE: "notice",
}


def annotation_lines(package: str, findings: Sequence[Finding]) -> list[str]:
    """One command per finding. The file is the package: what is in it has no line in the tree."""
    return [_line(package, finding) for finding in findings]


def _line(package: str, finding: Finding) -> str:
    more = f" (and {finding.more} more)" if finding.more else ""
    where = f"{finding.place}: " if str(finding.place) else ""
    title = f"{finding.code} {finding.severity.word}"
    text = f"{where}{finding.message}{more}\n{finding.remedy}"
    level = LEVELS[finding.severity]
    return f"::{level} file={_property(package)},title={_property(title)}::{_data(text)}"


def _data(text: str) -> str:
    """As the runner's own toolkit escapes a message."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    """As it escapes a property, in which two more characters part things."""
    return _data(text).replace(":", "%3A").replace(",", "%2C")
