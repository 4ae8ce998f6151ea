"""How exports name their files and sheets after an entity's label."""

from __future__ import annotations

import re

_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f]')
_NO_SHEET_LETTER = re.compile(r"[^0-9A-Za-z]")
_LONGEST_SHEET = 30


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
