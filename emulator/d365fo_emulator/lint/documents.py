"""Findings and rules as JSON and as plain text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from d365fo_emulator.lint.model import Finding, Rule


def finding_document(finding: Finding) -> dict[str, Any]:
    """A finding with every member; numbers are 0 and texts empty where nothing is known."""
    place = finding.place
    return {
        "code": finding.code,
        "severity": finding.severity.value,
        "word": finding.severity.word,
        "file": place.file,
        "line": place.line,
        "column": place.column,
        "row": place.row,
        "field": place.field,
        "element": place.element,
        "message": finding.message,
        "remedy": finding.remedy,
        "more": finding.more,
    }


def rule_document(rule: Rule) -> dict[str, Any]:
    """A rule of the table."""
    return {
        "code": rule.code,
        "severity": rule.severity.value,
        "word": rule.severity.word,
        "title": rule.title,
        "explanation": rule.explanation,
        "remedy": rule.remedy,
        "evidence": rule.evidence,
        "fixable": rule.fixable,
        "emulator": rule.emulator,
    }


def explanation_lines(rule: Rule) -> list[str]:
    """What `--explain` says of a rule."""
    lines = [
        f"{rule.code}: {rule.title}",
        f"Severity: {rule.severity.value}, {rule.severity.word}: {rule.severity.meaning}.",
        rule.explanation,
        f"Remedy: {rule.remedy}",
        f"Evidence: {rule.evidence}.",
    ]
    if rule.fixable:
        lines.append("`--fix` can mend it.")
    if rule.emulator:
        lines.append(f"The emulator {rule.emulator}.")
    return lines


def text_lines(package: str, findings: Sequence[Finding]) -> Iterator[str]:
    """Findings for people: by file, a finding and its remedy, each remedy once."""
    yield package
    file = None
    remedies: set[tuple[str, str]] = set()
    for finding in findings:
        if finding.place.file != file:
            file = finding.place.file
            if file:
                yield f"  {printable(file)}"
        where = str(finding.place).removeprefix(finding.place.file).lstrip(": ")
        where = f"{where}: " if where else ""
        yield printable(f"    {finding.severity.word:8}{finding.code}  {where}{finding.message}")
        if finding.more:
            yield f"            … and {finding.more} more of {finding.code}"
        if (finding.code, finding.remedy) not in remedies:
            remedies.add((finding.code, finding.remedy))
            yield f"            → {finding.remedy}"


def printable(text: str) -> str:
    """Text of a stranger's package without what a terminal would take for a command."""
    return "".join(character if character.isprintable() else "�" for character in text)
