"""Rows as JSON: tags, annotations by level of metadata, values by type."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from d365fo_emulator.kernel.clock import instant_text
from d365fo_emulator.odata.model import Enumeration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from d365fo_emulator.kernel.ids import Ids
    from d365fo_emulator.odata.model import Row
    from d365fo_emulator.odata.sets import EntitySet

FIRST_RECORD = 68_719_476_736
"""Record ids of the product's tables begin there (recorded)."""


class Level(StrEnum):
    """How much an answer says about itself (`odata.metadata=`)."""

    MINIMAL = "minimal"
    FULL = "full"
    NONE = "none"

    @property
    def content_type(self) -> str:
        """The header's value (recorded for the first)."""
        return f"application/json; odata.metadata={self}"


def level_of(accept: str) -> Level:
    """The level that an `Accept` header asks for, in its form of today or of version 3."""
    words = accept.replace(" ", "").casefold()
    for level in (Level.FULL, Level.NONE):
        old = "no" if level is Level.NONE else level.value
        if f"odata.metadata={level}" in words or f"odata={old}metadata" in words:
            return level
    return Level.MINIMAL


def etag(of: EntitySet, row: Row, ids: Ids) -> str:
    """A row's tag, in the recorded form: version and record id, base64 in a weak tag.

    The emulator keeps neither: the version follows from the row's values, the id from its key.
    """
    key = "|".join(str(row[name]) for name in of.type.key)
    record = int.from_bytes(ids.fixed(f"record|{of.name}|{key}", 4))
    values = repr([row[one.name] for one in of.type.properties])
    version = int.from_bytes(hashlib.sha256(values.encode()).digest()[:4]) >> 1
    inner = f"'{version},{FIRST_RECORD + record}'"
    return f'W/"{base64.b64encode(inner.encode()).decode()}"'


def key_text(of: EntitySet, row: Row) -> str:
    """The key in parentheses, encoded for a URL: bare when it is one property."""
    parts = {name: quote(str(row[name]).replace("'", "''"), safe="") for name in of.type.key}
    if len(parts) == 1:
        return "('" + "".join(parts.values()) + "')"
    return "(" + ",".join(f"{name}='{value}'" for name, value in parts.items()) + ")"


@dataclass(frozen=True)
class Rendering:
    """How rows of a set become JSON; `base`: the address of `/data`."""

    of: EntitySet
    base: str
    level: Level
    ids: Ids
    select: Sequence[str] = ()

    def context(self, *, single: bool = False) -> str:
        """`@odata.context` (recorded, with and without a selection)."""
        chosen = f"({','.join(self.select)})" if self.select else ""
        entity = "/$entity" if single else ""
        return f"{self.base}/$metadata#{self.of.name}{chosen}{entity}"

    def row(self, row: Row) -> dict[str, Any]:
        """One row. A selection leaves its tag (recorded)."""
        document: dict[str, Any] = {}
        if self.level is Level.FULL:
            document["@odata.type"] = f"#{self.of.type.full_name}"
            document["@odata.id"] = f"{self.base}/{self.of.name}{key_text(self.of, row)}"
        if self.level is not Level.NONE:
            document["@odata.etag"] = etag(self.of, row, self.ids)
        if self.level is Level.FULL:
            document["@odata.editLink"] = f"{self.of.name}{key_text(self.of, row)}"
        for one in self.of.type.properties:
            if self.select and one.name not in self.select:
                continue
            if self.level is Level.FULL and (kind := _annotated(one.type)):
                document[f"{one.name}@odata.type"] = kind
            document[one.name] = _value(row[one.name])
        return document


def _annotated(kind: str | Enumeration) -> str:
    """Types that JSON does not tell (recorded: enumerations, decimals, instants)."""
    if isinstance(kind, Enumeration):
        return f"#{kind.full_name}"
    plain = {"Edm.String", "Edm.Int32", "Edm.Boolean"}
    return "" if kind in plain else f"#{kind.removeprefix('Edm.')}"


def _value(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return instant_text(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value
