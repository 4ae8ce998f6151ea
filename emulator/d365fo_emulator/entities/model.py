"""Entities and their fields, as values."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_FIELDS = 1900
"""Most fields of one entity; the database takes 2000 columns, some of them are ours."""

COMPANY_FIELD = "DATAAREAID"
"""Staging name of the field by which a row of a per-company entity names its own company."""


class FieldType(StrEnum):
    """Types of fields in staging tables."""

    STRING = "string"
    INT = "int"
    INT64 = "int64"
    REAL = "real"
    DATE = "date"
    DATETIME = "datetime"
    TIME = "time"
    NOYES = "noyes"
    ENUM = "enum"
    GUID = "guid"


class Origin(StrEnum):
    """Where the emulator knows an entity or field from."""

    CATALOGUE = "catalogue"
    ENVIRONMENT = "environment"
    LEARNT = "learnt"


@dataclass(frozen=True)
class Reference:
    """A value that must exist as `field` of the entity with this AOT name."""

    entity: str
    field: str


@dataclass(frozen=True)
class Field:
    """One field of an entity.

    Attributes:
        name: OData spelling (`CustomerGroupId`).
        staging_name: spelling in files and maps (`CUSTOMERGROUPID`); unique without letter case.
        label: what error texts call it (`Customer group`).
        size: most characters of a text; None: any.
        enum: symbols of an enumeration, in order of their numbers.
        enum_labels: labels, in the same order; empty when unknown.
        enum_complete: whether `enum` has every symbol; else others are taken as they come.
        auto_number: filled from a number sequence when empty.
        enum_values: numbers of the symbols, in the same order; empty: 0, 1, 2 and so on.
        decimals: how many digits after the point a real has in exported files.
        default: what a new row takes where its file says nothing, as a file would write it.
        read_only: exported, but never taken from a file (`EndDate` of Exchange rates).
        array_size: of how many elements the field consists; a map names one by `ArrayIndex`.
        evidence: ``inferred`` where the type was not verified; else "".

    """

    name: str
    staging_name: str
    type: FieldType
    label: str
    size: int | None = None
    mandatory: bool = False
    enum: tuple[str, ...] = ()
    enum_labels: tuple[str, ...] = ()
    enum_name: str = ""
    reference: Reference | None = None
    origin: Origin = Origin.CATALOGUE
    auto_number: bool = False
    enum_complete: bool = True
    decimals: int = 6
    evidence: str = ""
    enum_values: tuple[int, ...] = ()
    default: str = ""
    read_only: bool = False
    array_size: int = 1

    @property
    def enum_numbers(self) -> dict[int, str]:
        """Symbols by the numbers that they are stored as."""
        return dict(zip(self.enum_values or range(len(self.enum)), self.enum, strict=False))


@dataclass(frozen=True, order=True)
class ExecutionOrder:
    """Where a data project runs an entity: units beside one another, levels one after the other."""

    unit: int
    level: int
    sequence: int


@dataclass(frozen=True)
class EntityType:
    """One data entity.

    Attributes:
        label: what manifests call it (`Customer groups`).
        name: AOT name (`CustCustomerGroupEntity`).
        collection: OData set (`CustomerGroups`).
        keys: OData names of the natural key, company left out, in index order.
        per_company: rows belong to a company; else they are shared.
        evidence: which of collection, keys and staging name are inferred, in words; else "".
        public_name: name of the OData type (`CustomerGroup`); "" when unknown.
        order: where the product's own project for the entity runs it; None: not known.
        read_only: exported only.

    """

    label: str
    name: str
    collection: str
    staging: str
    per_company: bool
    keys: tuple[str, ...]
    fields: tuple[Field, ...]
    category: str = ""
    origin: Origin = Origin.CATALOGUE
    evidence: str = ""
    public_name: str = ""
    order: ExecutionOrder | None = None
    read_only: bool = False

    @property
    def key_is_known(self) -> bool:
        """Whether `keys` is the product's key; a learnt entity's is made up of all its columns."""
        return self.origin is not Origin.LEARNT

    @cached_property
    def by_staging_name(self) -> dict[str, Field]:
        """Fields by staging name in upper case."""
        return {field.staging_name.upper(): field for field in self.fields}

    @cached_property
    def by_name(self) -> dict[str, Field]:
        """Fields by OData name, folded."""
        return {field.name.casefold(): field for field in self.fields}

    def find_field(self, name: str) -> Field | None:
        """The field with this staging or OData name, letter case aside."""
        return self.by_staging_name.get(name.upper()) or self.by_name.get(name.casefold())

    @cached_property
    def company_field(self) -> Field | None:
        """The field that says which company a row belongs to; None: each row is the job's.

        Inferred from a real export of Customers V3, in which one account stands twice, for two
        companies, told apart by this column alone. An export for one company has no such column.
        """
        return self.by_staging_name.get(COMPANY_FIELD) if self.per_company else None

    @cached_property
    def key_fields(self) -> tuple[Field, ...]:
        """The fields of the natural key, in index order."""
        return tuple(self.by_name[key.casefold()] for key in self.keys)

    @cached_property
    def file_fields(self) -> tuple[Field, ...]:
        """Fields in the order of exported files: the key in index order, the rest by alphabet."""
        key = set(self.keys)
        rest = sorted(
            (field for field in self.fields if field.name not in key),
            key=lambda field: field.staging_name.upper(),
        )
        return (*self.key_fields, *rest)

    def with_fields(self, more: tuple[Field, ...]) -> EntityType:
        """The same entity with further fields."""
        return dataclasses.replace(self, fields=(*self.fields, *more))


@dataclass(frozen=True)
class CompositePart:
    """One entity of a composite, with those nested in it.

    Attributes:
        entity: AOT name (`SalesOrderLineV2Entity`).
        links: pairs of a field here and the field of the parent that fills it, by OData name;
            empty: every field of the parent's key that is here too, by the same name.

    """

    entity: str
    children: tuple[CompositePart, ...] = ()
    links: tuple[tuple[str, str], ...] = ()

    def parts(self) -> Iterator[CompositePart]:
        """This part and all below it, parents first."""
        yield self
        for child in self.children:
            yield from child.parts()


@dataclass(frozen=True)
class Composite:
    """A composite data entity: entities whose rows stand inside one another in one XML file.

    Attributes:
        label: what manifests call it.
        name: AOT name.
        root: the outermost entity; an element for every part must be in the file (documented).

    """

    label: str
    name: str
    root: CompositePart
    origin: Origin = Origin.ENVIRONMENT

    @property
    def entities(self) -> tuple[str, ...]:
        """AOT names of all parts, parents first."""
        return tuple(part.entity for part in self.root.parts())
