"""The actions of the package API, one function each, found by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from d365fo_emulator.dmf.actions.exports import (
    export_from_package,
    export_to_package,
    export_to_package_async,
    export_to_package_delta,
    export_to_package_preview,
    export_to_package_preview_async,
    get_exported_file_url,
    get_exported_package_url,
    reset_version_token,
)
from d365fo_emulator.dmf.actions.housekeeping import (
    delete_execution_history_job,
    get_entity_sequence,
    initialize_data_management,
)
from d365fo_emulator.dmf.actions.imports import (
    import_from_dmt_package,
    import_from_package,
    import_from_package_async,
)
from d365fo_emulator.dmf.actions.messages import (
    get_execution_id_by_message_id,
    get_message_status,
)
from d365fo_emulator.dmf.actions.results import (
    generate_import_target_error_keys_file,
    get_import_staging_error_file_url,
    get_import_target_error_keys_file_url,
)
from d365fo_emulator.dmf.actions.status import (
    get_entity_execution_summary_status_list,
    get_execution_errors,
    get_execution_summary_page_url,
    get_execution_summary_status,
)
from d365fo_emulator.dmf.actions.uploads import get_azure_write_url

if TYPE_CHECKING:
    from collections.abc import Callable

    from d365fo_emulator.dmf.actions.call import Call

ACTIONS: dict[str, Callable[[Call], Any]] = {
    "GetAzureWriteUrl": get_azure_write_url,
    "ImportFromPackage": import_from_package,
    "ImportFromPackageAsync": import_from_package_async,
    "ImportFromDMTPackage": import_from_dmt_package,
    "ExportToPackage": export_to_package,
    "ExportToPackageAsync": export_to_package_async,
    "ExportToPackagePreview": export_to_package_preview,
    "ExportToPackagePreviewAsync": export_to_package_preview_async,
    "ExportToPackageDelta": export_to_package_delta,
    "ExportFromPackage": export_from_package,
    "GetExportedFileUrl": get_exported_file_url,
    "ResetVersionToken": reset_version_token,
    "GetExecutionSummaryStatus": get_execution_summary_status,
    "GetExportedPackageUrl": get_exported_package_url,
    "GetExecutionErrors": get_execution_errors,
    "GetImportStagingErrorFileUrl": get_import_staging_error_file_url,
    "GenerateImportTargetErrorKeysFile": generate_import_target_error_keys_file,
    "GetImportTargetErrorKeysFileUrl": get_import_target_error_keys_file_url,
    "GetEntityExecutionSummaryStatusList": get_entity_execution_summary_status_list,
    "GetExecutionSummaryPageUrl": get_execution_summary_page_url,
    "GetMessageStatus": get_message_status,
    "GetExecutionIdByMessageId": get_execution_id_by_message_id,
    "GetEntitySequence": get_entity_sequence,
    "InitializeDataManagement": initialize_data_management,
    "InitializeDataManagementAsync": initialize_data_management,
    "DeleteExecutionHistoryJob": delete_execution_history_job,
}
