"""Findings as SARIF 2.1.0, which code scanning and editors read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from d365fo_emulator.kernel.version import __version__
from d365fo_emulator.lint.model import Severity
from d365fo_emulator.lint.rules import RULES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from d365fo_emulator.lint.model import Finding, Rule

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
HOME = "https://github.com/d365fo-emulator/d365fo-emulator"
LEVELS = {
    Severity.REFUSED: "error",
    Severity.FAILS: "error",
    Severity.SILENT: "warning",
    Severity.FRAGILE: "note",
}


def sarif_document(found: Mapping[str, Sequence[Finding]]) -> dict[str, Any]:
    """One run: the findings by package.

    The artifact is the package; where in it stands as a logical location, since lines of a file
    inside a zip are no lines of the zip.
    """
    codes = list(RULES)
    results = [
        _result(package, finding, codes.index(finding.code))
        for package, findings in found.items()
        for finding in findings
    ]
    driver = {
        "name": "d365fo-emulator",
        "version": __version__,
        "informationUri": HOME,
        "rules": [_rule(rule) for rule in RULES.values()],
    }
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.code,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.explanation},
        "help": {"text": rule.remedy},
        "defaultConfiguration": {"level": LEVELS[rule.severity]},
        "helpUri": f"{HOME}/blob/main/docs/reference/lint-rules.md#{rule.code.lower()}",
        "properties": {"severity": rule.severity.word, "evidence": rule.evidence},
    }


def _result(package: str, finding: Finding, index: int) -> dict[str, Any]:
    place = finding.place
    where = f"{place}: " if str(place) else ""
    properties: dict[str, Any] = {"severity": finding.severity.word, "more": finding.more}
    for key in ("file", "line", "column", "row", "field", "element"):
        if value := getattr(place, key):
            properties[key] = value
    location: dict[str, Any] = {"physicalLocation": {"artifactLocation": {"uri": _uri(package)}}}
    if str(place):
        name = f"{place.file}/{place.element}" if place.element else str(place)
        location["logicalLocations"] = [{"fullyQualifiedName": name, "kind": "element"}]
    return {
        "ruleId": finding.code,
        "ruleIndex": index,
        "level": LEVELS[finding.severity],
        "message": {"text": f"{where}{finding.message}\n{finding.remedy}"},
        "locations": [location],
        "properties": properties,
    }


def _uri(package: str) -> str:
    path = Path(package)
    return path.as_uri() if path.is_absolute() else quote(path.as_posix())
