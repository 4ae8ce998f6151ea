"""The entity sets around the actions: which there are, and the rows of those that are only read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from d365fo_emulator.dmf.entity_types import (
    BATCH_STATUS,
    DEFINITION_GROUP,
    DEFINITION_GROUP_DETAIL,
    EXECUTION_JOB,
    EXECUTION_JOB_DETAIL,
    MANAGED_ENTITY,
    TEMPLATE_HEADER,
    TEMPLATE_LINE,
)
from d365fo_emulator.dmf.model import EntityRun, in_order
from d365fo_emulator.dmf.project_sets import (
    DefinitionGroupDetails,
    DefinitionGroups,
    category_member,
    yes_no,
)
from d365fo_emulator.odata.model import EMPTY_INSTANT
from d365fo_emulator.odata.sets import EntitySet
from d365fo_emulator.packages.model import PackageEntity

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from d365fo_emulator.dmf.model import Execution
    from d365fo_emulator.dmf.service import DataManagement
    from d365fo_emulator.entities.model import EntityType
    from d365fo_emulator.http.exchange import Exchange
    from d365fo_emulator.kernel.workspace import Workspace
    from d365fo_emulator.odata.model import Row
    from d365fo_emulator.odata.sets import Key

# Actions beside the package API that a client of the whole service calls: read in its code.
UNBUILT_ACTIONS = frozenset(
    {
        "DataManagementEntities.GetApplicationVersion",
        "DataManagementEntities.GetPlatformBuildVersion",
        "DataManagementEntities.GetApplicationBuildVersion",
        "DataManagementEntities.query",
        "SystemNotifications.GetInstalledModules",
    }
)


def entity_sets(service_of: Callable[[Workspace], DataManagement]) -> dict[str, EntitySet]:
    """The sets by name, in the order of the service document."""

    def dmf(exchange: Exchange) -> DataManagement:
        return service_of(exchange.workspace)

    def groups(exchange: Exchange) -> DefinitionGroups:
        return DefinitionGroups(dmf(exchange))

    def details(exchange: Exchange) -> DefinitionGroupDetails:
        return DefinitionGroupDetails(dmf(exchange), exchange.note)

    sets = (
        EntitySet("DataManagementDefinitionGroups", DEFINITION_GROUP, groups, groups),
        EntitySet(
            "DataManagementDefinitionGroupDetails", DEFINITION_GROUP_DETAIL, details, details
        ),
        EntitySet("DataManagementExecutionJobs", EXECUTION_JOB, lambda x: Jobs(dmf(x))),
        EntitySet(
            "DataManagementExecutionJobDetails", EXECUTION_JOB_DETAIL, lambda x: JobDetails(dmf(x))
        ),
        EntitySet(
            "DefinitionGroupTemplateHeaders", TEMPLATE_HEADER, lambda x: TemplateHeaders(dmf(x))
        ),
        EntitySet("DefinitionGroupTemplateLines", TEMPLATE_LINE, lambda x: TemplateLines(dmf(x))),
        EntitySet("DataManagementEntities", MANAGED_ENTITY, lambda x: ManagedEntities(dmf(x))),
    )
    return {one.name: one for one in sets}


def executions_of(dmf: DataManagement, wanted: Mapping[str, Any]) -> Iterator[Execution]:
    """Executions whose record is there, oldest first; costs no poll."""
    if "JobId" in wanted:
        found = dmf.execution(str(wanted["JobId"]))
        executions = iter(() if found is None else (found,))
    else:
        executions = dmf.each_execution()
    return (one for one in executions if one.found)


@dataclass(frozen=True)
class Jobs:
    """`DataManagementExecutionJobs`."""

    dmf: DataManagement

    def read(self, wanted: Mapping[str, Any]) -> Iterator[Row]:
        """The executions; each is described as its data project is (inferred)."""
        texts = {one.name.casefold(): one.description for one in self.dmf.projects.all()}
        for one in executions_of(self.dmf, wanted):
            yield {"JobId": str(one.id), "Description": texts.get(one.group.casefold(), "")}

    def one(self, key: Key) -> Row | None:
        """The execution of this id."""
        return next(self.read({"JobId": key["JobId"]}), None)


@dataclass(frozen=True)
class JobDetails:
    """`DataManagementExecutionJobDetails`: the entities of executions."""

    dmf: DataManagement

    def read(self, wanted: Mapping[str, Any]) -> Iterator[Row]:
        """The entities, execution by execution, in the order in which they run."""
        for execution in executions_of(self.dmf, wanted):
            plan = in_order(execution.plan)
            runs = execution.entities or tuple(
                EntityRun.planned(entity, position) for position, entity in enumerate(plan)
            )
            for run in runs:
                yield job_detail_row(execution, run, _planned(plan, run))

    def one(self, key: Key) -> Row | None:
        """One entity of an execution."""
        return row_of(self.read({"JobId": key["JobId"]}), key)


def _planned(plan: list[PackageEntity], run: EntityRun) -> PackageEntity:
    if run.position < len(plan) and plan[run.position].label == run.entity:
        return plan[run.position]
    same = (one for one in plan if one.label == run.entity)
    return next(same, PackageEntity(run.entity, run.file, run.source_format, None))


def job_detail_row(execution: Execution, run: EntityRun, plan: PackageEntity) -> Row:
    """One entity of an execution as a row."""
    return {
        "DefinitionGroupId": execution.group,
        "JobId": str(execution.id),
        "EntityName": run.entity,
        "LevelInExecutionUnit": plan.level,
        "StagingStatus": _status(run.staging_status),
        "RunBusinessValidation": yes_no(plan.run_business_validation),
        "FailExecutionUnitOnError": yes_no(plan.fail_unit_on_error),
        "FilePath": run.file,
        "RunBusinessLogic": yes_no(plan.run_business_logic),
        "TargetStartDateTime": _instant(run.target_started_at),
        "StagingRecordsToBeProcessedCount": run.source_records,
        "StagingStartDateTime": _instant(run.staging_started_at),
        "TargetRecordsUpdatedCount": run.target_updated,
        "NumberOfRowsToSkip": 0,
        "TargetStatus": _status(run.target_status),
        "SequenceInLevel": plan.sequence,
        "TargetRecordsCreatedCount": run.target_created,
        "StagingEndDateTime": _instant(run.staging_ended_at),
        "ParallelTaskCount": 0,
        "ExecuteTargetStep": yes_no(execution.options.execute),
        "ExcelSheetName": plan.sheet,
        "StagingRecordsCreatedCount": run.staging_created,
        "TargetEndDateTime": _instant(run.target_ended_at),
        "IgnoreError": "No",
        "CreateErrorFile": "No",
        "ExecutionUnit": plan.unit,
        "FirstRowIsHeader": "Yes",
        "SourceFormat": run.source_format,
        "SequenceNumber": run.position,
        "FailLevelOnError": yes_no(plan.fail_level_on_error),
    }


def _status(status: str) -> str:
    return str(status) if status in BATCH_STATUS.names else "NotRun"


def _instant(instant: dt.datetime | None) -> dt.datetime:
    return EMPTY_INSTANT if instant is None else instant.replace(microsecond=0)


@dataclass(frozen=True)
class TemplateHeaders:
    """`DefinitionGroupTemplateHeaders`: the templates of the environment file."""

    dmf: DataManagement

    def read(self, _wanted: Mapping[str, Any]) -> Iterator[Row]:
        """The templates, in the file's order."""
        for one in self.dmf.at.templates:
            yield {
                "TemplateId": one.id,
                "Status": one.status,
                "Description": one.description,
                "ValidatedDateTime": _instant(one.validated),
            }

    def one(self, key: Key) -> Row | None:
        """The template of this id."""
        return row_of(self.read({}), key)


@dataclass(frozen=True)
class TemplateLines:
    """`DefinitionGroupTemplateLines`: the entities of the templates."""

    dmf: DataManagement

    def read(self, _wanted: Mapping[str, Any]) -> Iterator[Row]:
        """The entities, template by template."""
        for template in self.dmf.at.templates:
            for one in template.entities:
                known = self.dmf.at.catalogue.find(one.entity)
                category = one.category or (known.category if known else "")
                yield {
                    "TemplateId": template.id,
                    "Entity": known.label if known else one.entity,
                    "SysModule": one.module,
                    "LevelInExecutionUnit": one.level,
                    "FailLevelOnError": "No",
                    "Sequence": one.sequence,
                    "EntityCategory": category_member(category),
                    "ValidationStatus": "No",  # recorded so, of a template that is validated
                    "Tags": one.tags,
                    "FailExecutionUnitOnError": "No",
                    "ExecutionUnit": one.unit,
                }

    def one(self, key: Key) -> Row | None:
        """One entity of a template."""
        return row_of(self.read({}), key)


def row_of(rows: Iterable[Row], key: Key) -> Row | None:
    """The row of this key, letter case aside."""
    for row in rows:
        if all(row[name].casefold() == value.casefold() for name, value in key.items()):
            return row
    return None


@dataclass(frozen=True)
class ManagedEntities:
    """`DataManagementEntities`: what the catalogue knows."""

    dmf: DataManagement

    def read(self, _wanted: Mapping[str, Any]) -> Iterator[Row]:
        """The entities, by label."""
        return map(managed_entity_row, self.dmf.at.catalogue.all())

    def one(self, key: Key) -> Row | None:
        """The entity of this label."""
        entity = self.dmf.at.catalogue.find(key["EntityName"])
        if entity is None or entity.label.casefold() != key["EntityName"].casefold():
            return None
        return managed_entity_row(entity)


def managed_entity_row(entity: EntityType) -> Row:
    """An entity as a row; what the catalogue does not know of it is blank."""
    return {
        "EntityName": entity.label,
        "EntityIsEnabled": "Yes",
        "TargetName": entity.name,
        "CountryRegionCodes": "",
        "IsShared": yes_no(not entity.per_company),
        "ChangeTrackingType": "None",
        "RecVersionValue": 0,
        "EntityKey": "",
        "Category": category_member(entity.category),
        "StagingTableName": entity.staging,
        "Tags": "",
        "Modules": "",
        "ConfigurationKeyName": "",
    }
