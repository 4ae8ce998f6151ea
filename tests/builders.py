"""Data packages for tests, written by hand so that they do not rest on the code under test."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from xml.sax.saxutils import escape

NAMESPACE = "http://schemas.microsoft.com/dynamics/2015/01/DataManagement"
INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"
SERIALIZATION = "Microsoft.Dynamics.AX.Framework.Tools.DataManagement.Serialization"


@dataclass(frozen=True)
class Map:
    """One map of a manifest; `flags`: its elements that are true, `conversions`: ready-made XML."""

    field: str
    column: str
    flags: frozenset[str] = frozenset()
    conversions: str = ""


@dataclass(frozen=True)
class Table:
    """One entity of a package: its label, the columns of its file, and rows of text.

    `place`: unit, level, sequence; `flags`: elements of the manifest that are true,
    or `unmapped`: no column is mapped, and the manifest says so; `maps`: by
    default one of each column.
    """

    entity: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    target_entity: str = ""
    place: tuple[int, int, int] = (1, 1, 1)
    flags: frozenset[str] = frozenset()
    maps: tuple[Map, ...] = ()
    source_format: str = "CSV"
    unflagged: frozenset[str] = frozenset()

    @property
    def file(self):
        return f"{self.entity}.csv"

    @property
    def csv(self):
        return "".join(",".join(row) + "\r\n" for row in (self.columns, *self.rows)).encode()


CUSTOMER_GROUPS = Table(
    "Customer groups",
    ("CUSTOMERGROUPID", "DESCRIPTION"),
    (("10", "Wholesale"), ("20", "Major customers"), ("30", "Retail")),
    "CustCustomerGroupEntity",
)


def package(*tables, project="Customer groups", folder="", without=()):
    """The bytes of a package of CSV files.

    `folder` puts every file below a folder, which the service refuses; `without` leaves files
    out by name.
    """
    tables = tables or (CUSTOMER_GROUPS,)
    files = {table.file: table.csv for table in tables}
    files["Manifest.xml"] = manifest(tables, project).encode()
    files["PackageHeader.xml"] = header(project).encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            if name not in without:
                archive.writestr(zipfile.ZipInfo(folder + name), content)
    return buffer.getvalue()


def header(project):
    """`PackageHeader.xml`: children in alphabetical order, as the product writes them."""
    return (
        f'<DataManagementPackageHeader xmlns="{NAMESPACE}" xmlns:i="{INSTANCE}">'
        f"<Description>{escape(project)}</Description>"
        f"<ManifestType>{SERIALIZATION}.DataManagementPackageManifest</ManifestType>"
        "<PackageType>DefinitionGroup</PackageType><PackageVersion>2</PackageVersion>"
        "</DataManagementPackageHeader>"
    )


def manifest(tables, project):
    """`Manifest.xml` with every column mapped to the staging field of its name."""
    entities = "".join(map(_entity, tables))
    return (
        f'<DataManagementPackageManifest xmlns="{NAMESPACE}" xmlns:i="{INSTANCE}">'
        f"<DefinitionGroupName>{escape(project)}</DefinitionGroupName>"
        f"<Description>{escape(project)}</Description>"
        f"<PackageEntityList>{entities}</PackageEntityList>"
        '<ProjectCategory>1</ProjectCategory><RulesData i:nil="true" />'
        "</DataManagementPackageManifest>"
    )


def _entity(table):
    target = f"<TargetEntity>{table.target_entity}</TargetEntity>" if table.target_entity else ""
    unit, level, sequence = table.place
    maps = table.maps or [Map(column, column) for column in table.columns]
    is_mapped = "unmapped" not in table.flags

    def flag(name, default=False):
        holds = name not in table.unflagged if default else name in table.flags
        return f"<{name}>{str(holds).lower()}</{name}>"

    return (
        "<DataManagementPackageEntityData><DefaultRefreshType>FullPush</DefaultRefreshType>"
        f"{flag('Disable')}<EntityMapList>{''.join(map(_map, maps if is_mapped else ()))}"
        f"</EntityMapList><EntityName>{escape(table.entity)}</EntityName>"
        '<EntityTransformList i:nil="true" /><ExcelSheetName />'
        f"<ExecutionUnit>{unit}</ExecutionUnit>"
        f"{flag('FailExecutionUnitOnError')}{flag('FailLevelOnError')}"
        f"<InputFilePath>{escape(table.file)}</InputFilePath>"
        f"<LevelInExecutionUnit>{level}</LevelInExecutionUnit>"
        '<QueryData /><QueryFilter i:nil="true" />'
        f"{flag('RunBusinessLogic', default=True)}{flag('RunBusinessValidation', default=True)}"
        "<SampleFilePath />"
        f"<SequenceInLevel>{sequence}</SequenceInLevel>{flag('SkipStaging')}"
        f"<SourceFormat>{table.source_format}</SourceFormat>{target}"
        f"<ValidationStatus>{'Yes' if is_mapped else 'No'}</ValidationStatus>"
        "</DataManagementPackageEntityData>"
    )


def conversion(source, staging, kind="Str", is_default=False):
    """One `EntityFieldConversion`; `kind`: how the members of its pair are named."""
    return (
        f"<EntityFieldConversion><IsDefault>{str(is_default).lower()}</IsDefault>"
        f"<Source{kind}Value>{escape(source)}</Source{kind}Value>"
        f"<Staging{kind}Value>{escape(staging)}</Staging{kind}Value></EntityFieldConversion>"
    )


def _map(one):
    conversions = '<EntityFieldConversionList i:nil="true" />'
    if one.conversions:
        conversions = f"<EntityFieldConversionList>{one.conversions}</EntityFieldConversionList>"
    flags = "".join(
        f"<{name}>{str(name in one.flags).lower()}</{name}>"
        for name in (
            "IsAutoDefault",
            "IsAutoGenerated",
            "IsDefaultValueEqualNull",
            "UseTextQualifier",
        )
    )
    return (
        f"<EntityMap><ArrayIndex>0</ArrayIndex><EntityField>{one.field}</EntityField>"
        f"{conversions}{flags}<XMLField>{one.column}</XMLField></EntityMap>"
    )
