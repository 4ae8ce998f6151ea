"""Public entity types and enumerations of data management: one table for sets and `$metadata`.

Names, types, keys, numbers and the order of properties: read in proxies that were generated
against real environments, and in recorded rows.
"""

from __future__ import annotations

from d365fo_emulator.odata.model import EntityType, Enumeration, Property

TEXT, INT, INSTANT, BINARY = "Edm.String", "Edm.Int32", "Edm.DateTimeOffset", "Edm.Binary"


def _numbered(name: str, *members: str) -> Enumeration:
    return Enumeration(name, tuple((member, number) for number, member in enumerate(members)))


NO_YES = _numbered("NoYes", "No", "Yes")
NO_YES_ERROR = _numbered("NoYesError", "No", "Yes", "Error")
SUMMARY_STATUS = _numbered(  # names and order documented, numbers by position
    "DMFExecutionSummaryStatus",
    "Unknown",
    "NotRun",
    "Executing",
    "Succeeded",
    "PartiallySucceeded",
    "Failed",
    "Canceled",
)
MESSAGE_STATUS = _numbered(
    "IntegrationActivityMessageStatus",
    "Enqueued",
    "Dequeued",
    "Downloaded",
    "Acked",
    "Processing",
    "Processed",
    "ProcessedWithErrors",
    "PostProcessingError",
    "PreProcessingError",
    "PreProcessing",
)
PROJECT_CATEGORY = _numbered(
    "DMFProjectCategory", "Project", "Configuration", "Integration", "Other", "CDS"
)
OPERATION_TYPE = _numbered("DMFOperationType", "Import", "Export", "All", "Company")
REFRESH_TYPE = _numbered("DMFRefreshType", "IncrementalPush", "FullPush")
CHANGE_TRACKING = _numbered("DMFChangeTrackingType", "None", "ALL", "CustomQuery", "PrimaryTable")
ENTITY_CATEGORY = _numbered(
    "EntityCategory",
    "Master",
    "Configuration",
    "Transaction",
    "Reference",
    "Document",
    "Parameters",
)
TEMPLATE_STATUS = _numbered("DMFDefinitionGroupTemplateStatus", "Draft", "Error", "Validated")
# The last two: in no proxy, but client code that ran against environments reads them in rows.
BATCH_STATUS = _numbered(
    "DMFBatchJobStatus",
    "NotStarted",
    "Waiting",
    "Executing",
    "Error",
    "Finished",
    "Ready",
    "NotRun",
    "Cancelling",
    "Canceled",
    "Hold",
    "Aborted",
    "None",
)

ENUMERATIONS: tuple[Enumeration, ...] = (
    NO_YES,
    SUMMARY_STATUS,
    MESSAGE_STATUS,
    PROJECT_CATEGORY,
    OPERATION_TYPE,
    NO_YES_ERROR,
    REFRESH_TYPE,
    CHANGE_TRACKING,
    ENTITY_CATEGORY,
    TEMPLATE_STATUS,
    BATCH_STATUS,
)

DEFINITION_GROUP = EntityType(
    "DataManagementDefinitionGroup",
    "DataManagementDefinitionGroupEntity",
    ("Name",),
    (
        Property("Name", TEXT, 60),
        Property("ProjectCategory", PROJECT_CATEGORY),
        Property("OperationType", OPERATION_TYPE),
        Property("GenerateDataPackage", NO_YES),
        Property("Description", TEXT, 60),
        Property("TruncateEntityData", NO_YES),
    ),
)

# The product's type of `SysModule` is an enumeration whose members no public source lists.
DEFINITION_GROUP_DETAIL = EntityType(
    "DataManagementDefinitionGroupDetail",
    "DataManagementDefinitionGroupDetailEntity",
    ("DefinitionGroupId", "EntityName"),
    (
        Property("DefinitionGroupId", TEXT, 60),
        Property("EntityName", TEXT),
        Property("RunValidateField", NO_YES),
        Property("LevelInExecutionUnit", INT),
        Property("InputFilePath", TEXT),
        Property("RunBusinessValidation", NO_YES),
        Property("EntityCategory", ENTITY_CATEGORY),
        Property("FailExecutionUnitOnError", NO_YES),
        Property("SkipStaging", NO_YES),
        Property("QueryForODBC", TEXT),
        Property("RunBusinessLogic", NO_YES),
        Property("AutoGenerateMapping", NO_YES),
        Property("QueryData", BINARY),
        Property("IsTransformed", NO_YES),
        Property("ParentEntityName", TEXT),
        Property("SysModule", TEXT),
        Property("EntityXMLName", TEXT),
        Property("Tags", TEXT),
        Property("SequenceInLevel", INT),
        Property("DefaultRefreshType", REFRESH_TYPE),
        Property("Disable", NO_YES),
        Property("ExcelSheetName", TEXT),
        Property("SampleFilePathOriginal", TEXT),
        Property("SampleFilePath", TEXT),
        Property("ExecutionUnit", INT),
        Property("SourceFormat", TEXT),
        Property("PackageFilePath", TEXT),
        Property("ValidationStatus", NO_YES_ERROR),
        Property("FailLevelOnError", NO_YES),
    ),
)

EXECUTION_JOB = EntityType(
    "DataManagementExecutionJob",
    "DataManagementExecutionJobEntity",
    ("JobId",),
    (Property("JobId", TEXT), Property("Description", TEXT)),
)

EXECUTION_JOB_DETAIL = EntityType(
    "DataManagementExecutionJobDetail",
    "DataManagementExecutionJobDetailEntity",
    ("DefinitionGroupId", "JobId", "EntityName"),
    (
        Property("DefinitionGroupId", TEXT),
        Property("JobId", TEXT),
        Property("EntityName", TEXT),
        Property("LevelInExecutionUnit", INT),
        Property("StagingStatus", BATCH_STATUS),
        Property("RunBusinessValidation", NO_YES),
        Property("FailExecutionUnitOnError", NO_YES),
        Property("FilePath", TEXT),
        Property("RunBusinessLogic", NO_YES),
        Property("TargetStartDateTime", INSTANT),
        Property("StagingRecordsToBeProcessedCount", INT),
        Property("StagingStartDateTime", INSTANT),
        Property("TargetRecordsUpdatedCount", INT),
        Property("NumberOfRowsToSkip", INT),
        Property("TargetStatus", BATCH_STATUS),
        Property("SequenceInLevel", INT),
        Property("TargetRecordsCreatedCount", INT),
        Property("StagingEndDateTime", INSTANT),
        Property("ParallelTaskCount", INT),
        Property("ExecuteTargetStep", NO_YES),
        Property("ExcelSheetName", TEXT),
        Property("StagingRecordsCreatedCount", INT),
        Property("TargetEndDateTime", INSTANT),
        Property("IgnoreError", NO_YES),
        Property("CreateErrorFile", NO_YES),
        Property("ExecutionUnit", INT),
        Property("FirstRowIsHeader", NO_YES),
        Property("SourceFormat", TEXT),
        Property("SequenceNumber", INT),
        Property("FailLevelOnError", NO_YES),
    ),
)

TEMPLATE_HEADER = EntityType(
    "DefinitionGroupTemplateHeader",
    "DMFDefinitionGroupTemplateHeaderEntity",
    ("TemplateId",),
    (
        Property("TemplateId", TEXT),
        Property("Status", TEMPLATE_STATUS),
        Property("Description", TEXT),
        Property("ValidatedDateTime", INSTANT),
    ),
)

TEMPLATE_LINE = EntityType(
    "DefinitionGroupTemplateLine",
    "DMFDefinitionGroupTemplateLineEntity",
    ("TemplateId", "Entity"),
    (
        Property("TemplateId", TEXT),
        Property("Entity", TEXT),
        Property("SysModule", TEXT),
        Property("LevelInExecutionUnit", INT),
        Property("FailLevelOnError", NO_YES),
        Property("Sequence", INT),
        Property("EntityCategory", ENTITY_CATEGORY),
        Property("ValidationStatus", NO_YES_ERROR),
        Property("Tags", TEXT),
        Property("FailExecutionUnitOnError", NO_YES),
        Property("ExecutionUnit", INT),
    ),
)

MANAGED_ENTITY = EntityType(
    "DataManagementEntity",
    "DataManagementEntity",
    ("EntityName",),
    (
        Property("EntityName", TEXT),
        Property("EntityIsEnabled", NO_YES),
        Property("TargetName", TEXT),
        Property("CountryRegionCodes", TEXT),
        Property("IsShared", NO_YES),
        Property("ChangeTrackingType", CHANGE_TRACKING),
        Property("RecVersionValue", INT),
        Property("EntityKey", TEXT),
        Property("Category", ENTITY_CATEGORY),
        Property("StagingTableName", TEXT),
        Property("Tags", TEXT),
        Property("Modules", TEXT),
        Property("ConfigurationKeyName", TEXT),
    ),
)
