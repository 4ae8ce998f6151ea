"""Source data formats and the ends of executions, from the tables of the code."""

from __future__ import annotations

from typing import Any

from d365fo_emulator.dmf.states import SUMMARY
from d365fo_emulator.packages.formats.registry import FORMATS

UNICODE = "UTF-16, little endian, with byte order mark"
PAGES = "Windows-1252; UTF-8 is read as well"


def format_rows() -> list[tuple[str, str, str]]:
    """Name, files, and what it is."""
    return [(f"`{one.name}`", f"`*{one.extension}`", described(one)) for one in FORMATS]


def described(one: Any) -> str:
    """A format in one line, by what it is made of."""
    needs_mark = getattr(getattr(one, "encoding", None), "needs_mark", False)
    encoding = UNICODE if needs_mark else PAGES
    if delimiter := getattr(one, "delimiter", ""):
        named = "tab" if delimiter == "\t" else f"`{delimiter}`"
        return f"values parted by {named}, quoted by `{one.qualifier}`; {encoding}"
    if one.extension == ".xml":
        fields = "attributes" if "Attribute" in one.name else "elements"
        return f"one element for each row, fields as {fields}; UTF-8"
    if one.extension == ".xlsx":
        return "a workbook: one sheet, the header in its first row, cells as text"
    return f"columns of fixed width, by the sizes of the fields; {encoding}"


def state_rows() -> list[tuple[str, str, str, str]]:
    """Rule, when it holds, state, reason."""
    return [(rule.name, rule.when, f"`{rule.state}`", rule.because) for rule in SUMMARY]


def state_diagram() -> str:
    """The rules as a chain of questions."""
    lines = ["```mermaid", "flowchart TD", "  NotRun --> Work[Executing] --> rule0"]
    for number, rule in enumerate(SUMMARY):
        lines.append(
            f'  rule{number}{{"{rule.when}"}} -- yes --> {rule.state}{number}["{rule.state}"]'
        )
        if number + 1 < len(SUMMARY):
            lines.append(f"  rule{number} -- no --> rule{number + 1}")
    return "\n".join([*lines, "```"])
