"""Every action of the package API, with its parameters in order.

Routing, conversion of bodies, `$metadata`, documentation and tests are made from these tables.
Parameters and results: documented by Microsoft, or read in public clients and in a proxy that was
generated against a real environment; `evidence` says which.
"""

from __future__ import annotations

from d365fo_emulator.odata.actions import ActionSignature, EdmType, Parameter

COLLECTION = "DataManagementDefinitionGroups"
ENTITY = "DataManagementDefinitionGroup"

S, B, N = EdmType.STRING, EdmType.BOOLEAN, EdmType.INT32

EXECUTION = (Parameter("executionId", S),)
EXECUTION_ENTITY = (*EXECUTION, Parameter("entityName", S))
IMPORT = (
    Parameter("packageUrl", S),
    Parameter("definitionGroupId", S),
    *EXECUTION,
    Parameter("execute", B),
    Parameter("overwrite", B),
    Parameter("legalEntityId", S),
)
IMPORT_ASYNC = (
    *IMPORT,
    Parameter("failOnError", B),
    Parameter("runAsyncWithoutBatch", B),
    Parameter("thresholdToRunInBatch", N),
)
IMPORT_DMT = (*IMPORT, Parameter("importBatchGroupId", S), Parameter("failOnError", B))
EXPORT = (
    Parameter("definitionGroupId", S),
    Parameter("packageName", S),
    *EXECUTION,
    Parameter("reExecute", B),
    Parameter("legalEntityId", S),
)
EXPORT_LIST = (*EXPORT, Parameter("entityList", S))
EXPORT_PREVIEW = (*EXPORT, Parameter("exportPreviewCount", N, also=("count",)))


def _action(
    name: str,
    parameters: tuple[Parameter, ...],
    returns: EdmType,
    since: int,
    evidence: str,
    *,
    built: bool = False,
) -> ActionSignature:
    return ActionSignature(name, ENTITY, COLLECTION, parameters, returns, since, built, evidence)


# `since`: the platform update of the first page or report that has the action; 5 is where the API
# began. Years without a known update are given the one that was current then.
ACTIONS: tuple[ActionSignature, ...] = (
    _action("GetAzureWriteUrl", (Parameter("uniqueFileName", S),), S, 5, "documented", built=True),
    _action("ImportFromPackage", IMPORT, S, 5, "documented", built=True),
    _action("ImportFromPackageAsync", IMPORT_ASYNC, S, 58, "client", built=True),
    _action("ImportFromDMTPackage", IMPORT_DMT, S, 58, "client", built=True),
    _action("ExportToPackage", EXPORT, S, 5, "documented", built=True),
    _action("ExportToPackageAsync", EXPORT_LIST, S, 58, "client", built=True),
    _action("ExportToPackagePreview", EXPORT_PREVIEW, S, 58, "client", built=True),
    _action("ExportToPackagePreviewAsync", EXPORT_PREVIEW, S, 58, "client", built=True),
    _action("ExportToPackageDelta", EXPORT_LIST, S, 58, "client", built=True),
    _action("ExportFromPackage", IMPORT, S, 58, "client", built=True),
    _action("GetExportedPackageUrl", EXECUTION, S, 5, "documented", built=True),
    _action(
        "GetExecutionSummaryStatus",
        EXECUTION,
        EdmType.EXECUTION_STATUS,
        5,
        "documented",
        built=True,
    ),
    _action(
        "GetEntityExecutionSummaryStatusList", EXECUTION, EdmType.STRINGS, 36, "client", built=True
    ),
    _action("GetExecutionErrors", EXECUTION, S, 24, "documented", built=True),
    _action("GetExecutionSummaryPageUrl", EXECUTION, S, 12, "client", built=True),
    _action("GetImportStagingErrorFileUrl", EXECUTION_ENTITY, S, 24, "documented", built=True),
    _action("GenerateImportTargetErrorKeysFile", EXECUTION_ENTITY, B, 24, "documented", built=True),
    _action("GetImportTargetErrorKeysFileUrl", EXECUTION_ENTITY, S, 24, "documented", built=True),
    _action(
        "GetMessageStatus",
        (Parameter("messageId", S),),
        EdmType.MESSAGE_STATUS,
        12,
        "documented",
        built=True,
    ),
    _action(
        "GetExecutionIdByMessageId", (Parameter("_messageId", S),), S, 61, "documented", built=True
    ),
    _action(
        "GetEntitySequence", (Parameter("listOfDataEntities", S),), S, 36, "client", built=True
    ),
    _action(
        "ResetVersionToken",
        (
            Parameter("definitionGroupId", S),
            Parameter("entityName", S),
            Parameter("sourceName", S),
        ),
        B,
        36,
        "client",
        built=True,
    ),
    _action("InitializeDataManagement", (), EdmType.NOTHING, 12, "client", built=True),
    _action("InitializeDataManagementAsync", (), EdmType.NOTHING, 58, "client", built=True),
    _action("GetExportedFileUrl", EXECUTION_ENTITY, S, 36, "client", built=True),
    _action("DeleteExecutionHistoryJob", EXECUTION, EdmType.NOTHING, 58, "client", built=True),
)

# What of an action nobody has documented or recorded, and the emulator had to choose.
INFERRED: dict[str, str] = {
    "ImportFromPackageAsync": (
        "What `ImportFromPackage` refuses, of package, URL, company or data project, ends as"
        " Failed; a used execution id is refused at once."
    ),
    "ImportFromDMTPackage": "Everything but its parameters: it does what `ImportFromPackage` does.",
    "GetEntityExecutionSummaryStatusList": (
        "The text of an item, `Label: State`, and the empty list of an unknown id."
    ),
    "GetExecutionErrors": "The empty list of an unknown id, and the row's number as `RecordId`.",
    "GetExecutionSummaryPageUrl": "The URL: it leads to the execution in the admin API.",
    "GetImportStagingErrorFileUrl": (
        "The file: format, header and columns of the input. Without `entityName`: the first entity"
        " that has one."
    ),
    "GenerateImportTargetErrorKeysFile": "Without `entityName`: the first entity with such errors.",
    "GetImportTargetErrorKeysFileUrl": (
        "The file: key fields in the order of the index, comma-separated UTF-8 with byte order"
        " mark and CRLF."
    ),
    "GetMessageStatus": "That an unknown message is refused, and the text of that.",
    "GetExecutionIdByMessageId": "The zero GUID for a message that never was.",
    "GetEntitySequence": "That unknown names are left out; unit and sequence are always 1.",
    "DeleteExecutionHistoryJob": (
        "All but its parameter: staging rows, errors and files go, target rows stay."
    ),
}

# Actions of another set whose parameters no public source gives.
TEMPLATE_COLLECTION = "DataManagementTemplates"
TEMPLATE_ACTIONS: tuple[str, ...] = (
    "ImportTemplateFromPackage",
    "ImportTemplateFromPackageIgnoreMissingEntities",
)

# Sets that the service has and that are not built yet.
UNBUILT_SETS: tuple[str, ...] = (TEMPLATE_COLLECTION,)
