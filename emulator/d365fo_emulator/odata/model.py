"""Entity types, enumerations and rows of the OData surface, as values."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

NAMESPACE = "Microsoft.Dynamics.DataEntities"

EMPTY_INSTANT = dt.datetime(1900, 1, 1, tzinfo=dt.UTC)
"""What the product has in place of an instant that never was (recorded for dates)."""

Row = Mapping[str, Any]
"""A row by property: texts, ints, `datetime`s, `bytes`, names of members; None: null."""


@dataclass(frozen=True)
class Enumeration:
    """An enumeration; `members`: name and number."""

    name: str
    members: tuple[tuple[str, int], ...]

    @property
    def full_name(self) -> str:
        """With its namespace."""
        return f"{NAMESPACE}.{self.name}"

    @cached_property
    def names(self) -> frozenset[str]:
        """Names of the members."""
        return frozenset(name for name, _number in self.members)


@dataclass(frozen=True)
class Property:
    """One property: `type` is an Edm type's full name, or the enumeration.

    Attributes:
        size: most characters of a text; None: any.

    """

    name: str
    type: str | Enumeration
    size: int | None = None

    @property
    def type_name(self) -> str:
        """The full name of the type."""
        return self.type.full_name if isinstance(self.type, Enumeration) else self.type


@dataclass(frozen=True)
class EntityType:
    """A public entity type. `table`: the product's own name, which its error texts have."""

    name: str
    table: str
    key: tuple[str, ...]
    properties: tuple[Property, ...]

    @property
    def full_name(self) -> str:
        """With its namespace."""
        return f"{NAMESPACE}.{self.name}"

    @cached_property
    def by_name(self) -> dict[str, Property]:
        """Properties by their exact names."""
        return {one.name: one for one in self.properties}
