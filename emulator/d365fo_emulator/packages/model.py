"""A package's content, as values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldMap:
    """One `EntityMap` of a manifest: file column (`xml_field`) to staging field.

    A manifest may have a hundred thousand of them, hence the slots.
    """

    entity_field: str
    xml_field: str
    array_index: int = 0
    auto_generated: bool = False
    auto_default: bool = False
    default_when_empty: bool = False
    text_qualifier: bool = False


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
