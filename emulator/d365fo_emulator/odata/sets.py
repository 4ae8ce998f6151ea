"""Entity sets: what they are called and made of, and who has their rows.

A set is put together from data (name, type) and two functions that give, for a request, whoever
reads its rows and whoever writes them. This module knows no set by name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from d365fo_emulator.http.exchange import Exchange
    from d365fo_emulator.odata.model import EntityType, Row

Key = Mapping[str, Any]
"""A row's key by property; all of the key's properties are there."""


class Rows(Protocol):
    """Who reads the rows of a set."""

    def read(self, wanted: Mapping[str, Any], /) -> Iterator[Row]:
        """The rows, in a fixed order; each has every property of the type.

        `wanted`: values that the rows sought have. Other rows may come nevertheless.
        """
        ...

    def one(self, key: Key, /) -> Row | None:
        """The row of this key."""
        ...


class Writer(Protocol):
    """Who writes the rows of a set. What is refused changes nothing."""

    def create(self, values: Mapping[str, Any], /) -> Row:
        """Makes a row and gives it back.

        Raises:
            WriteFailed: with the service's text.

        """
        ...

    def change(self, key: Key, values: Mapping[str, Any], /) -> None:
        """Changes what is given of a row.

        Raises:
            WriteFailed: there is no such row, or the service refuses.

        """
        ...

    def delete(self, key: Key, /) -> None:
        """Removes a row.

        Raises:
            WriteFailed: as above.

        """
        ...


@dataclass(frozen=True)
class EntitySet:
    """One entity set; `writer_of`: None where nothing can be written."""

    name: str
    type: EntityType
    rows_of: Callable[[Exchange], Rows]
    writer_of: Callable[[Exchange], Writer] | None = None
