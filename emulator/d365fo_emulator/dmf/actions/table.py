"""The actions of the package API, one function each, found by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from d365fo_emulator.dmf.actions.exports import export_to_package, get_exported_package_url
from d365fo_emulator.dmf.actions.imports import (
    import_from_dmt_package,
    import_from_package,
    import_from_package_async,
)
from d365fo_emulator.dmf.actions.status import get_execution_errors, get_execution_summary_status
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
    "GetExecutionSummaryStatus": get_execution_summary_status,
    "GetExportedPackageUrl": get_exported_package_url,
    "GetExecutionErrors": get_execution_errors,
}
