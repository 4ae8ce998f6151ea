"""One `EntityFieldConversion` of a manifest: which of its pairs counts, and how it is written.

The element has a pair of members for every type that a field may have (documented by the contract
of its first release); a record that the product's serialiser wrote has them all, so the one that
is meant must be found: by `FieldType`, else the first that is not its type's zero (inferred).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from d365fo_emulator.packages.model import Conversion, ConversionType

if TYPE_CHECKING:
    from collections.abc import Mapping

MEMBERS = {
    kind: (f"Source{ending}", f"Staging{ending}")
    for kind, ending in (
        (ConversionType.STR, "StrValue"),
        (ConversionType.INT, "IntValue"),
        (ConversionType.REAL, "RealValue"),
        (ConversionType.GUID, "GuidValue"),
        (ConversionType.DATE, "DateValue"),
        (ConversionType.TIME, "TimeValue"),
        (ConversionType.UTC_DATE_TIME, "UtcDateTime"),
    )
}
"""Members of each type's pair, in the order in which they are tried."""

# What `FieldType` may say; its texts are known from no file, so names of X++ types count too.
FIELD_TYPES = {
    **{kind.casefold(): kind for kind in ConversionType},
    "string": ConversionType.STR,
    "memo": ConversionType.STR,
    "integer": ConversionType.INT,
    "int64": ConversionType.INT,
    "enum": ConversionType.INT,
    "datetime": ConversionType.UTC_DATE_TIME,
}

_ZEROS = {"", "0", "00000000-0000-0000-0000-000000000000"}
_ZERO_DATES = ("0001-01-01", "1900-01-01")


def conversion_of(members: Mapping[str, str], *, is_default: bool) -> Conversion:
    """The conversion that the texts of the members of one element say."""
    field_type = members.get("FieldType", "").strip()
    kind = FIELD_TYPES.get(field_type.casefold())
    if kind is None:
        given = (
            one for one, pair in MEMBERS.items() if any(_is_said(members.get(m, "")) for m in pair)
        )
        kind = next(given, ConversionType.STR)
    source, staging = (members.get(name, "") for name in MEMBERS[kind])
    if kind is not ConversionType.STR:
        source, staging = source.strip(), staging.strip()
    return Conversion(source, staging, is_default, kind, field_type)


def members_of(conversion: Conversion) -> dict[str, str | bool]:
    """The members to write, in the product's order, which is alphabetical."""
    source, staging = MEMBERS[conversion.type]
    return {
        "FieldType": conversion.field_type or conversion.type,
        "IsDefault": conversion.is_default,
        source: conversion.source,
        staging: conversion.staging,
    }


def _is_said(text: str) -> bool:
    """Whether a member is more than the zero that the serialiser writes for what is not set."""
    text = text.strip().strip("{}")
    if text in _ZEROS or text.startswith(_ZERO_DATES):
        return False
    return bool(text.strip("0.+-"))
