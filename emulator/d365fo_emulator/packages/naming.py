"""How exports name their files and sheets after an entity's label."""

from __future__ import annotations

import re

_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f]')
_NO_SHEET_LETTER = re.compile(r"[^0-9A-Za-z]")
_LONGEST_SHEET = 30
_FORBIDDEN_IN_PART = re.compile(r'[<>:"|?*\x00-\x1f]')
_DEVICE = re.compile(r"(con|prn|aux|nul|com[1-9]|lpt[1-9])(\.|$)", re.IGNORECASE)


def windows_forbids(part: str) -> bool:
    """Whether Windows, where the service unpacks, cannot have a file or folder of this name."""
    return bool(_FORBIDDEN_IN_PART.search(part) or _DEVICE.match(part) or part.endswith((" ", ".")))


def file_name_for(label: str, extension: str) -> str:
    """A data file's name: the label without what Windows forbids (documented by exports).

    `Country/regions` becomes `Countryregions.xlsx`.
    """
    return (_FORBIDDEN.sub("", label).rstrip(" .") or "Entity") + extension


def sheet_name_for(label: str) -> str:
    """A sheet's name: letters and digits, `_` for the rest, 30 characters (documented by exports).

    `ExcelSheetName` of a manifest is this and `$`.
    """
    return _NO_SHEET_LETTER.sub("_", label)[:_LONGEST_SHEET] or "Sheet1"
