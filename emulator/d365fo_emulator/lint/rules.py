"""The table of rules: checks, `--explain`, the reference page and tests come from it."""

from __future__ import annotations

from d365fo_emulator.lint.file_rules import (
    DELIMITED_RULES,
    ROW_RULES,
    SHEET_RULES,
    XML_RULES,
)
from d365fo_emulator.lint.package_rules import MANIFEST_RULES, MAPPING_RULES, PACKAGE_RULES

FAMILIES = {
    "PKG": ("The zip", PACKAGE_RULES),
    "MAN": ("Control files", MANIFEST_RULES),
    "MAP": ("Maps", MAPPING_RULES),
    "CSV": ("Delimited files", DELIMITED_RULES),
    "XLS": ("Worksheets", SHEET_RULES),
    "XML": ("XML files", XML_RULES),
    "ROW": ("Rows", ROW_RULES),
}
"""Families by the letters of their codes: a heading, and the rules."""

RULES = {rule.code: rule for _heading, rules in FAMILIES.values() for rule in rules}
"""Every rule by its code."""

# By what the readers of data files raise: the product's own codes.
OF_PRODUCT_CODE = {
    "FF004": "CSV003",
    "DMF2050": "CSV004",
    "DMF1999": "CSV005",
    "DMF2053": "CSV006",
    "DMF1855": "MAN010",
    "DMF2009": "XLS001",
    "DMF2025": "MAP001",
    "DMF2060": "MAP001",
    "DMF1963": "MAN012",
    "MAP011": "MAN012",
    "DMF1961": "MAN012",
    "DMF1830": "XML001",
    "DMF2055": "XML002",
}
