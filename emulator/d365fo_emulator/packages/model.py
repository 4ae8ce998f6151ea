"""A package's content, as values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ConversionType(StrEnum):
    """Types that a pair of an `EntityFieldConversion` may have."""

    STR = "Str"
    INT = "Int"
    REAL = "Real"
    GUID = "Guid"
    DATE = "Date"
    TIME = "Time"
    UTC_DATE_TIME = "UtcDateTime"


@dataclass(frozen=True, slots=True)
class Conversion:
    """One `EntityFieldConversion`: a value in files, and the one that is staged for it.

    Attributes:
        source: as XML spells it, whatever the culture of the data file.
        staging: likewise.
        is_default: `staging` is taken when the file has no value, or no pair fits.
        type: as what both are read and compared.
        field_type: `FieldType` as it came; its texts are not known.

    """

    source: str
    staging: str
    is_default: bool = False
    type: ConversionType = ConversionType.STR
    field_type: str = ""


@dataclass(frozen=True, slots=True)
class FieldMap:
    """One `EntityMap` of a manifest: file column (`xml_field`) to staging field.

    A manifest may have a hundred thousand of them, hence the slots.

    Attributes:
        auto_generated: the field is filled from a number sequence.
        auto_default: the field has no column; it takes the value of the default conversion.
        default_when_empty: a blank cell leaves what the target row has.

    """

    entity_field: str
    xml_field: str
    array_index: int = 0
    auto_generated: bool = False
    auto_default: bool = False
    default_when_empty: bool = False
    text_qualifier: bool = False
    conversions: tuple[Conversion, ...] = ()


@dataclass(frozen=True, slots=True)
class RowFilter:
    """Rows that an export takes: those whose field has one of these values, as files write them.

    The product keeps such conditions in a packed query alone; this is the environment file's form.
    """

    field: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class PackageEntity:
    """One `DataManagementPackageEntityData` of a manifest."""

    label: str
    file_name: str
    source_format: str
    maps: tuple[FieldMap, ...] | None
    target_entity: str = ""
    sheet: str = ""
    unit: int = 1
    level: int = 1
    sequence: int = 1
    fail_level_on_error: bool = False
    fail_unit_on_error: bool = False
    disabled: bool = False
    skip_staging: bool = False
    run_business_logic: bool = True
    run_business_validation: bool = True
    refresh_type: str = "FullPush"
    validation_status: str = "Yes"
    """State of the mapping: `Yes`, `No` (there is none: its entity never finishes) or `Error`."""
    auto_generate_mapping: bool = False
    validate_fields: bool = False
    """`RunValidateField`."""
    sample_file: str = ""
    """Id of the file by which the mapping was made (`{GUID}`)."""
    query: str = ""
    """Packed query of the export's filter, hex digits, as it came; its form is not known."""
    filters: tuple[RowFilter, ...] = ()
    """Conditions that all hold for each row of an export."""
    entity_category: str = ""
    system_module: str = ""
    tags: str = ""
    kept: tuple[tuple[str, str], ...] = ()
    """Further texts that clients may set on a data project's entity; nothing is done with them."""
    transforms: tuple[str, ...] = ()
    """Names of XSLT files in `Resources`, in their order."""


@dataclass(frozen=True)
class Manifest:
    """`Manifest.xml`."""

    definition_group: str
    description: str
    entities: tuple[PackageEntity, ...]


@dataclass(frozen=True)
class PackageHeader:
    """`PackageHeader.xml`."""

    description: str = ""
    manifest_type: str = (
        "Microsoft.Dynamics.AX.Framework.Tools.DataManagement.Serialization"
        ".DataManagementPackageManifest"
    )
    package_type: str = "DefinitionGroup"
    version: int = 2
