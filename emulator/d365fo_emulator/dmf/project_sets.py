"""Data projects and their entities as rows of the sets that clients make them by."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from d365fo_emulator.dmf import errors
from d365fo_emulator.dmf.entity_types import (
    DEFINITION_GROUP,
    DEFINITION_GROUP_DETAIL,
    ENTITY_CATEGORY,
    REFRESH_TYPE,
)
from d365fo_emulator.dmf.model import DataProject, Operation, ProjectCategory
from d365fo_emulator.dmf.projects import entity_of, with_changed, with_entity, without_entity
from d365fo_emulator.kernel.errors import NotEmulated
from d365fo_emulator.odata.errors import EXCEPTION_TYPE
from d365fo_emulator.packages.errors import SourceUnreadable
from d365fo_emulator.packages.model import PackageEntity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from d365fo_emulator.dmf.service import DataManagement
    from d365fo_emulator.odata.model import Row
    from d365fo_emulator.odata.sets import Key

GROUP, DETAIL = DEFINITION_GROUP.table, DEFINITION_GROUP_DETAIL.table

# Members that stand for one member of ours each: truth values, and the rest.
FLAGS = {
    "RunValidateField": "validate_fields",
    "RunBusinessValidation": "run_business_validation",
    "FailExecutionUnitOnError": "fail_unit_on_error",
    "SkipStaging": "skip_staging",
    "RunBusinessLogic": "run_business_logic",
    "AutoGenerateMapping": "auto_generate_mapping",
    "Disable": "disabled",
    "FailLevelOnError": "fail_level_on_error",
}
PLAIN = {
    "LevelInExecutionUnit": "level",
    "InputFilePath": "file_name",
    "EntityCategory": "entity_category",
    "SysModule": "system_module",
    "Tags": "tags",
    "SequenceInLevel": "sequence",
    "DefaultRefreshType": "refresh_type",
    "ExcelSheetName": "sheet",
    "SampleFilePath": "sample_file",
    "ExecutionUnit": "unit",
    "SourceFormat": "source_format",
}
# Kept as they were said; the emulator does nothing with them.
KEPT = (
    "QueryForODBC",
    "IsTransformed",
    "ParentEntityName",
    "EntityXMLName",
    "SampleFilePathOriginal",
    "PackageFilePath",
)


def yes_no(value: bool) -> str:
    """A truth value as a member of `NoYes`."""
    return "Yes" if value else "No"


@dataclass(frozen=True)
class DefinitionGroups:
    """`DataManagementDefinitionGroups`."""

    dmf: DataManagement

    def read(self, wanted: Mapping[str, Any]) -> Iterator[Row]:
        """The data projects, by name."""
        if "Name" in wanted:
            row = self.one({"Name": str(wanted["Name"])})
            return iter(() if row is None else (row,))
        return map(group_row, self.dmf.projects.all())

    def one(self, key: Key) -> Row | None:
        """The data project of this name."""
        project = self.dmf.projects.find(key["Name"])
        return None if project is None else group_row(project)

    def create(self, values: Mapping[str, Any]) -> Row:
        """Makes a data project; members that are not said have the first of their values."""
        if not values.get("Name", "").strip():
            raise errors.write_failed(GROUP, "field-empty", field="Name")
        empty = DataProject(values["Name"], Operation.IMPORT, (), generate_package=False)
        project = _changed_group(empty, values)
        if not self.dmf.projects.create(project):
            raise errors.write_failed(GROUP, "project-row-exists", project=project.name)
        return group_row(project)

    def change(self, key: Key, values: Mapping[str, Any]) -> None:
        """Changes a data project."""
        if not self.dmf.projects.change(key["Name"], lambda old: _changed_group(old, values)):
            raise errors.row_missing()

    def delete(self, key: Key) -> None:
        """Removes a data project with its entities. One that runs may go: its run has its plan."""
        if not self.dmf.projects.remove(key["Name"]):
            raise errors.row_missing()


def group_row(project: DataProject) -> Row:
    """A data project as a row."""
    return {
        "Name": project.name,
        "ProjectCategory": str(project.category),
        "OperationType": str(project.operation),
        "GenerateDataPackage": yes_no(project.generate_package),
        "Description": project.description,
        "TruncateEntityData": yes_no(project.truncate),
    }


def _changed_group(project: DataProject, values: Mapping[str, Any]) -> DataProject:
    operation = values.get("OperationType", str(project.operation))
    if operation not in set(Operation):
        raise NotEmulated(f"data projects of the operation type {operation}")
    said = {
        "description": values.get("Description", project.description),
        "category": ProjectCategory(values.get("ProjectCategory", project.category)),
        "truncate": values.get("TruncateEntityData", yes_no(project.truncate)) == "Yes",
        "generate_package": values.get("GenerateDataPackage", yes_no(project.generate_package))
        == "Yes",
    }
    return dataclasses.replace(project, operation=Operation(operation), **said)


@dataclass(frozen=True)
class DefinitionGroupDetails:
    """`DataManagementDefinitionGroupDetails`: the entities of data projects."""

    dmf: DataManagement
    note: Callable[[str], None]

    def read(self, wanted: Mapping[str, Any]) -> Iterator[Row]:
        """The entities of all data projects, in the order of the projects' names."""
        projects = self.dmf.projects.all()
        if "DefinitionGroupId" in wanted:
            found = self.dmf.projects.find(str(wanted["DefinitionGroupId"]))
            projects = iter(() if found is None else (found,))
        return (self._row(project, entity) for project in projects for entity in project.entities)

    def one(self, key: Key) -> Row | None:
        """One entity of a data project."""
        project = self.dmf.projects.find(key["DefinitionGroupId"])
        entity = entity_of(project, key["EntityName"]) if project else None
        return self._row(project, entity) if project and entity else None

    def create(self, values: Mapping[str, Any]) -> Row:
        """Adds an entity to a data project.

        Without `AutoGenerateMapping` it has no mapping and never finishes (recorded).
        """
        for name in ("DefinitionGroupId", "EntityName", "SourceFormat"):
            if not values.get(name, "").strip():
                raise errors.write_failed(DETAIL, "field-empty", field=name)
        catalogue, name = self.dmf.at.catalogue, values["EntityName"]
        known = catalogue.find(name) or catalogue.find_composite(name)
        if known is None:
            raise errors.write_failed(DETAIL, "entity-unknown", entity=values["EntityName"])
        made: list[tuple[DataProject, PackageEntity]] = []

        def add(project: DataProject) -> DataProject:
            if entity_of(project, known.label) is not None:
                raise errors.write_failed(
                    DETAIL, "detail-row-exists", project=project.name, entity=known.label
                )
            entity = PackageEntity(
                label=known.label,
                file_name="",
                source_format="",
                maps=None,
                target_entity=known.name,
                sequence=max((one.sequence for one in project.entities), default=0) + 1,
                validation_status="No",
            )
            changed = with_entity(project, self._changed(entity, values))
            made.append((changed, changed.entities[-1]))
            return changed

        group = values["DefinitionGroupId"]
        if not self.dmf.projects.change(group, add):
            raise errors.write_failed(DETAIL, "project-unknown", project=group)
        return self._row(*made[0])

    def change(self, key: Key, values: Mapping[str, Any]) -> None:
        """Changes an entity of a data project."""

        def change(project: DataProject) -> DataProject:
            old = entity_of(project, key["EntityName"])
            if old is None:
                raise errors.row_missing()
            return with_changed(project, old, self._changed(old, values))

        if not self.dmf.projects.change(key["DefinitionGroupId"], change):
            raise errors.row_missing()

    def delete(self, key: Key) -> None:
        """Removes an entity from a data project."""

        def remove(project: DataProject) -> DataProject:
            if entity_of(project, key["EntityName"]) is None:
                raise errors.row_missing()
            return without_entity(project, key["EntityName"])

        if not self.dmf.projects.change(key["DefinitionGroupId"], remove):
            raise errors.row_missing()

    def _changed(self, entity: PackageEntity, values: Mapping[str, Any]) -> PackageEntity:
        said: dict[str, Any] = {
            ours: values[name] for name, ours in PLAIN.items() if name in values
        }
        said |= {ours: values[name] == "Yes" for name, ours in FLAGS.items() if name in values}
        if "QueryData" in values:
            said["query"] = values["QueryData"].hex()
        kept = dict(entity.kept) | {name: values[name] for name in KEPT if name in values}
        said["kept"] = tuple(sorted(kept.items()))
        if "ValidationStatus" in values:
            self.note("ValidationStatus follows from the mapping and was ignored")
        changed = dataclasses.replace(entity, **said)
        if changed.auto_generate_mapping:
            changed = dataclasses.replace(changed, validation_status="Yes")
        self._check(changed)
        return changed

    def _check(self, entity: PackageEntity) -> None:
        try:
            self.dmf.at.formats.find(entity.source_format)
        except SourceUnreadable as error:
            raise errors.write_failed(
                DETAIL, "format-unknown", str(error), format=entity.source_format
            ) from error
        if entity.skip_staging and not self._may_skip_staging(entity):
            raise errors.write_failed(
                DETAIL, "staging-needed", kind=EXCEPTION_TYPE, entity=entity.label
            )

    def _may_skip_staging(self, entity: PackageEntity) -> bool:
        """Whether files may be written without a staging table.

        Documented is that virtual fields cannot be had so; of which entities the product says that
        staging cannot be skipped, nobody has written down. Here: of composite entities, and of
        those that have fields which only logic can fill, that is, number sequences and fields that
        are read but never written.
        """
        if self.dmf.at.catalogue.find_composite(entity.label) is not None:
            return False
        known = self.dmf.at.catalogue.find(entity.label)
        fields = known.fields if known else ()
        return not any(field.auto_number or field.read_only for field in fields)

    def _row(self, project: DataProject, entity: PackageEntity) -> Row:
        known = self.dmf.at.catalogue.find(entity.label)
        category = entity.entity_category or (known.category if known else "")
        kept = dict(entity.kept)
        values: dict[str, Any] = {name: getattr(entity, ours) for name, ours in PLAIN.items()}
        values |= {name: yes_no(getattr(entity, ours)) for name, ours in FLAGS.items()}
        values |= {name: kept.get(name, "") for name in KEPT}
        values |= {
            "DefinitionGroupId": project.name,
            "EntityName": entity.label,
            "EntityCategory": category_member(category),
            "QueryData": octets_of(entity.query),
            "IsTransformed": kept.get("IsTransformed", yes_no(bool(entity.transforms))),
            "ValidationStatus": entity.validation_status,
        }
        if entity.refresh_type not in REFRESH_TYPE.names:
            values["DefaultRefreshType"] = "FullPush"
        return values


def category_member(category: str) -> str | None:
    """A category as the enumeration spells it; None where it is not known."""
    if category == "Parameter":  # as labels and files have it
        return "Parameters"
    return category if category in ENTITY_CATEGORY.names else None


def octets_of(query: str) -> bytes:
    """A packed query, kept as hex digits; empty when it is something else."""
    try:
        return bytes.fromhex(query.removeprefix("0x"))
    except ValueError:
        return b""
