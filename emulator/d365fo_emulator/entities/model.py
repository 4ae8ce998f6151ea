"""Entities and their fields, as values."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

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
        decimals: how many digits after the point a real has in exported files.
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
