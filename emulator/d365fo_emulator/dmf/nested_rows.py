"""Stored rows of a composite's entities, each with those that belong inside it.

Each table is read once, in the order of the links to the entity around it, beside the rows of that
entity: a merge of sorted streams, of which one row each is held. That takes links that make up the
whole key of the entity around, from its first field on, in fields of the same type; those that an
environment file does not spell out do. Rows behind other links are sought row by row.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from d365fo_emulator.entities.store import RowQuery

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from types import TracebackType

    from d365fo_emulator.entities.model import Field
    from d365fo_emulator.entities.store import RowStore, Value
    from d365fo_emulator.packages.composites import NestedPart


@dataclass(frozen=True)
class NestedRow:
    """A row: its values, and those it is ordered by, folded ("" in rows that were sought)."""

    values: tuple[Value, ...]
    place: tuple[Value, ...] = ()


@dataclass(frozen=True)
class _Reading:
    """How a part is read. `links`: how many of `order` are links; None: row by row."""

    order: tuple[Field, ...]
    links: int | None


class NestedReader:
    """The rows of one export; use it as a context manager, and ask from the outside to the inside.

    Args:
        rows: where they are stored.
        root: the outermost part.
        fields: what is read of each part.
        company: of the call; it goes for entities that have one.

    """

    def __init__(
        self,
        rows: RowStore,
        root: NestedPart,
        fields: Mapping[NestedPart, Sequence[Field]],
        company: str,
    ) -> None:
        self._rows = rows
        self._root = root
        self._fields = fields
        self._company = company
        self._readings = _readings(root)
        self._streams: dict[NestedPart, _Stream] = {}
        self._open = contextlib.ExitStack()

    def outermost(self) -> Iterator[NestedRow]:
        """The rows of the outermost entity, by key."""
        return self._streams[self._root].all()

    def inside(
        self, child: NestedPart, parent: NestedPart, around: NestedRow
    ) -> Iterator[NestedRow]:
        """The rows of a part that belong to a row of the entity around it, once for each row."""
        links = self._readings[child].links
        if links is not None:
            return self._streams[child].at(around.place[:links])
        return self._sought(child, parent, around)

    def _sought(
        self, child: NestedPart, parent: NestedPart, around: NestedRow
    ) -> Iterator[NestedRow]:
        names = (field.staging_name.upper() for field in self._fields[parent])
        known = dict(zip(names, around.values, strict=True))
        where = tuple(
            (child.entity.by_staging_name[here], (known[there],))
            for here, there in child.links
            if there in known
        )
        query = RowQuery(company=self._company_of(child), where=where)
        with self._rows.snapshot(child.entity, self._fields[child], query) as found:
            for values in found.rows:
                yield NestedRow(values)

    def _company_of(self, part: NestedPart) -> str | None:
        return self._company if part.entity.per_company else None

    def __enter__(self) -> Self:
        for part, reading in self._readings.items():
            if reading.links is None:
                continue
            query = RowQuery(company=self._company_of(part), order=reading.order)
            snapshot = self._rows.snapshot(part.entity, self._fields[part], query)
            found = self._open.enter_context(snapshot)
            self._streams[part] = _Stream(found.rows, len(self._fields[part]))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()


class _Stream:
    """Rows in order, of which those of one place after the other are taken."""

    def __init__(self, rows: Iterator[tuple[Value, ...]], width: int) -> None:
        self._rows = (NestedRow(row[:width], row[width:]) for row in rows)
        self._next = next(self._rows, None)

    def all(self) -> Iterator[NestedRow]:
        return self.at(())

    def at(self, place: tuple[Value, ...]) -> Iterator[NestedRow]:
        """The rows whose place begins so; those that come before belong to no row and are left."""
        count, wanted = len(place), tuple(map(str, place))
        while self._next is not None and _texts(self._next, count) < wanted:
            self._next = next(self._rows, None)
        while self._next is not None and _texts(self._next, count) == wanted:
            row, self._next = self._next, next(self._rows, None)
            yield row


def _texts(row: NestedRow, count: int) -> tuple[str, ...]:
    return tuple(map(str, row.place[:count]))


def _readings(root: NestedPart) -> dict[NestedPart, _Reading]:
    found = {root: _Reading(root.entity.key_fields, 0)}
    for parent in root.parts():
        for child in parent.children:
            found[child] = _reading(child, parent, found[parent])
    return found


def _reading(child: NestedPart, parent: NestedPart, around: _Reading) -> _Reading:
    by_name = {field.staging_name.upper(): at for at, field in enumerate(around.order)}
    sought = _Reading((), None)
    if around.links is None or not child.links:
        return sought
    if any(there not in by_name for _here, there in child.links):
        return sought
    pairs = sorted(child.links, key=lambda pair: by_name[pair[1]])
    here = [child.entity.by_staging_name[name] for name, _there in pairs]
    there = [around.order[by_name[name]] for _here, name in pairs]
    is_first = tuple(there) == around.order[: len(there)]
    is_key = {*parent.entity.key_fields} <= {*there}
    same = all(one.type is other.type for one, other in zip(here, there, strict=True))
    if not (is_first and is_key and same and len({*here}) == len(here)):
        return sought
    rest = [field for field in child.entity.key_fields if field not in here]
    return _Reading((*here, *rest), len(here))
