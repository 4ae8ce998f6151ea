"""Describing entities from the packages that bring them: names, columns, a guessed key and types.

All of it but labels, names and columns is inferred, and marked so. Exported files carry the key
fields first and the others by alphabet (recorded); the shortest key that this allows and that
tells the rows apart is taken. Types are those that every value of a column can have; digits alone
stay texts, since codes such as ``0010`` are texts.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from d365fo_emulator.entities.catalogue import COMPANY_COLUMNS
from d365fo_emulator.entities.model import MOST_FIELDS, EntityType, Field, FieldType, Origin
from d365fo_emulator.entities.naming import (
    collection_of,
    label_of,
    staging_name_of,
    type_name_of,
)
from d365fo_emulator.kernel.errors import NotEmulated
from d365fo_emulator.packages.archive import MANIFEST, open_package
from d365fo_emulator.packages.errors import PackageRefused, SourceUnreadable
from d365fo_emulator.packages.formats.model import Shape
from d365fo_emulator.packages.manifest import parse_manifest
from d365fo_emulator.packages.mapping import staging_name, wanted_columns

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from d365fo_emulator.packages.archive import Package
    from d365fo_emulator.packages.formats.registry import SourceFormats
    from d365fo_emulator.packages.model import PackageEntity

MOST_ROWS = 10_000
"""Most rows of a file that are looked at."""
MANY_DECIMALS = 16
PATTERNS: tuple[tuple[FieldType, re.Pattern[str]], ...] = (
    (FieldType.NOYES, re.compile(r"(?:Yes|No)")),
    (FieldType.DATE, re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?: 00:00:00)?")),
    (FieldType.DATETIME, re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}")),
    (FieldType.REAL, re.compile(r"-?[0-9]{0,16}\.[0-9]{1,16}")),
    (FieldType.GUID, re.compile(r"\{[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\}")),
)
"""How exported files write values of each type; the first that fits all is taken."""


@dataclass
class Seen:
    """What packages show of one entity.

    Attributes:
        columns: staging names in the order of files.
        rows: of the first file, some of them.
        in_file: how many of the columns stand in that file; the others were joined.
        has_file: whether the package has its data; else only the map is known.
        problem: why its file could not be read; "" when it could.

    """

    label: str
    target_entity: str
    columns: list[str] = field(default_factory=list)
    rows: list[Sequence[str]] = field(default_factory=list)
    in_file: int = 0
    has_file: bool = True
    problem: str = ""

    def add(self, columns: Iterable[str]) -> None:
        """Joins columns that were not seen before."""
        known = {column.upper() for column in self.columns}
        for column in columns:
            if column.strip() and column.upper() not in known:
                known.add(column.upper())
                self.columns.append(column)


def look_at(path: Path, formats: SourceFormats) -> Iterator[Seen]:
    """What a package shows of each of its entities, in its order.

    Raises:
        PackageRefused: it is no package.

    """
    with open_package(path) as package:
        with package.open(MANIFEST) as stream:
            manifest = parse_manifest(stream)
        for plan in manifest.entities:
            yield _seen(package, plan, formats)


def _seen(package: Package, plan: PackageEntity, formats: SourceFormats) -> Seen:
    seen = Seen(plan.label, plan.target_entity)
    mapped = {one.xml_field.casefold(): staging_name(one) for one in plan.maps or ()}
    if package.find(plan.file_name) is None:
        seen.has_file = False
    else:
        try:
            header, seen.rows = _read(package, plan, formats)
            seen.in_file = len(header)
            seen.columns = [mapped.get(name.casefold(), name) for name in header]
        except (SourceUnreadable, NotEmulated, PackageRefused) as error:
            seen.problem = str(error)
    seen.add(mapped.values())
    return seen


def _read(
    package: Package, plan: PackageEntity, formats: SourceFormats
) -> tuple[Sequence[str], list[Sequence[str]]]:
    """The header of a data file, and its first rows."""
    source_format = formats.find(plan.source_format)
    with package.open(plan.file_name) as stream:
        wanted = wanted_columns(plan.maps or ())
        shape = Shape(plan.target_entity, plan.label, wanted, sheet=plan.sheet)
        table = source_format.read(stream, shape)
        return table.header, list(itertools.islice(table.rows, MOST_ROWS))


def describe(seen: Seen) -> EntityType | None:
    """The entity that was seen, as far as it can be guessed; None: it has no usable column."""
    places = {column.upper(): at for at, column in reversed(list(enumerate(seen.columns)))}
    kept = [
        (at, column)
        for at, column in enumerate(seen.columns)
        if column.strip() and places[column.upper()] == at
    ]
    columns = [column for _, column in kept]
    if not columns or len(columns) > MOST_FIELDS:
        return None
    values = [_values(seen.rows, places[column.upper()]) for column in columns]
    ordered = sum(at < seen.in_file for at, _ in kept) if seen.rows else 0
    key = _guessed_key(columns[:ordered], values[:ordered]) if ordered else len(columns)
    name = seen.target_entity or type_name_of(seen.label)
    marks = ["collection", "keys", "perCompany", "staging"]
    if not seen.target_entity:
        marks.insert(0, "name")
    return EntityType(
        label=seen.label,
        name=name,
        collection=collection_of(seen.label) or name,
        staging=staging_name_of(name),
        per_company=not any(column.upper() in COMPANY_COLUMNS for column in columns),
        keys=tuple(columns[:key]),
        fields=tuple(_field(*pair) for pair in zip(columns, values, strict=True)),
        origin=Origin.ENVIRONMENT,
        evidence=", ".join(f"{part} inferred" for part in marks),
    )


def learnt_fields_of(seen: Seen, known: EntityType) -> tuple[Field, ...]:
    """Fields for the columns that a known entity lacks, with guessed types."""
    more: dict[str, Field] = {}
    for at, column in enumerate(seen.columns):
        if column.strip() and column.upper() not in more and known.find_field(column) is None:
            more[column.upper()] = _field(column, _values(seen.rows, at))
    return tuple(more.values())


def _values(rows: Sequence[Sequence[str]], at: int) -> list[str]:
    return [row[at] if at < len(row) else "" for row in rows]


def _guessed_key(columns: Sequence[str], values: Sequence[Sequence[str]]) -> int:
    """How many columns at the front are the key."""
    folded = [column.casefold() for column in columns]
    first = len(folded) - 1
    while first > 1 and folded[first - 1] < folded[first]:
        first -= 1
    first = max(first, 1)
    count = len(values[0])
    for key in range(first, len(columns) + 1):
        rows = zip(*(map(str.casefold, column) for column in values[:key]), strict=True)
        if len(set(rows)) == count:
            return key
    return len(columns)


def _field(column: str, values: Sequence[str]) -> Field:
    given = [value for value in values if value]
    found = FieldType.STRING
    if given:
        fitting = (
            kind for kind, pattern in PATTERNS if all(pattern.fullmatch(one) for one in given)
        )
        found = next(fitting, FieldType.STRING)
    longest = max((len(one.rpartition(".")[2]) for one in given), default=0)
    return Field(
        name=column,
        staging_name=column.upper(),
        type=found,
        label=label_of(column),
        origin=Origin.ENVIRONMENT,
        decimals=MANY_DECIMALS if found is FieldType.REAL and longest > 6 else 6,
        evidence="inferred",
    )
