"""What an import has left behind for its caller: error files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from d365fo_emulator.dmf.actions.call import found_execution
from d365fo_emulator.dmf.actions.exports import download_url

if TYPE_CHECKING:
    from d365fo_emulator.dmf.actions.call import Call


def get_import_staging_error_file_url(call: Call) -> str:
    """A URL of the input records that failed on the way to staging; `""` when none did."""
    found = found_execution(call)
    blob = call.dmf.error_files.staging_file(found, call["entityName"])
    if not blob:
        call.exchange.note("no URL: no record of this entity failed before the target step")
    return download_url(call, blob) if blob else ""


def generate_import_target_error_keys_file(call: Call) -> bool:
    """Has the keys of records written that failed in the target step; whether any did."""
    found = found_execution(call)
    return call.dmf.error_files.generate_keys(found, call["entityName"])


def get_import_target_error_keys_file_url(call: Call) -> str:
    """A URL of the keys, once they were asked for and are ready; else `""`.

    Clients ask until it is not empty, without limit: after a `true` of
    GenerateImportTargetErrorKeysFile it is never empty for good.
    """
    found = found_execution(call)
    blob = call.dmf.error_files.keys_file(found, call["entityName"])
    if not blob:
        call.exchange.note(
            "no URL: the keys were not asked for, none failed, or errorKeysAfter is not over"
        )
    return download_url(call, blob) if blob else ""
