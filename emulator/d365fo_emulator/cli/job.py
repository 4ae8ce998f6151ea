"""One import or export through the public API, as any client does it: begun, waited for, told."""

from __future__ import annotations

import secrets
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from d365fo_emulator.admin.errors import AdminProblem, AdminUnreachable
from d365fo_emulator.cli.api import ApiRefused, ApiUnreachable, StillWaiting, parse_value
from d365fo_emulator.cli.output import note
from d365fo_emulator.cli.where import workspace_of_tenant
from d365fo_emulator.packages.naming import file_name_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from d365fo_emulator.admin.api import Admin
    from d365fo_emulator.cli.api import PackageApi

    Say = Callable[[str], None]

ENDS = frozenset({"Succeeded", "PartiallySucceeded", "Failed", "Canceled"})
NOT_FOUND_TEXT = "were not found"
"""In the refusal of a state call that comes before the summary row is written (recorded)."""
ZERO_GUID = "00000000-0000-0000-0000-000000000000"
LOST = frozenset({408, 502, 504})
"""Statuses of a gateway that did not wait for the service's own answer."""
LOOKS = 5
"""For an execution whose beginning was not answered, the first after a second."""
DETAILS = "DataManagementExecutionJobDetails"


@dataclass(frozen=True)
class Waiting:
    """How to wait for an execution: seconds between two polls, and in all."""

    interval: float
    timeout: float


def start_import(
    api: PackageApi, package: Path, project: str, *, overwrite: bool, say: Say = note
) -> str:
    """Uploads the package and has it imported; the execution id."""
    name = f"{_new_guid()}.zip"
    blob = parse_value(api.action("GetAzureWriteUrl", uniqueFileName=name))
    if not isinstance(blob, dict) or "BlobUrl" not in blob:
        raise ApiRefused("GetAzureWriteUrl", 200, f"no BlobUrl in {blob!r}")
    api.upload(
        blob["BlobUrl"],
        package,
        lambda sent, size: say(f"{package.name}: {100 * sent // max(size, 1)} % uploaded"),
    )
    return _started(
        api,
        "ImportFromPackage",
        packageUrl=blob["BlobUrl"],
        definitionGroupId=project,
        execute=True,
        overwrite=overwrite,
        legalEntityId=api.connection.company,
    )


def start_export(api: PackageApi, project: str, package_name: str) -> str:
    """Has the project exported; the execution id."""
    return _started(
        api,
        "ExportToPackage",
        definitionGroupId=project,
        packageName=package_name,
        reExecute=False,
        legalEntityId=api.connection.company,
    )


def _started(api: PackageApi, action: str, **members: Any) -> str:
    """Calls an action that starts an execution, under an id of our own.

    When its answer is lost it is not sent again, which could do everything twice: the id is
    looked up instead.
    """
    wanted = _new_guid().upper()
    try:
        value = api.action(action, executionId=wanted, **members)
    except (ApiRefused, ApiUnreachable) as error:
        lost = isinstance(error, ApiUnreachable) or error.status in LOST
        if lost and _is_known(api, wanted):
            note(f"the answer to {action} was lost, but execution {wanted} has begun")
            return wanted
        raise
    if not value or value == ZERO_GUID:  # documented samples test for it
        raise ApiRefused(action, 200, "the service did not start an execution")
    return str(value)


def _is_known(api: PackageApi, execution: str) -> bool:
    for look in range(LOOKS):
        api.wait(2.0**look)
        try:
            api.action("GetExecutionSummaryStatus", executionId=execution)
        except ApiUnreachable:
            return False
        except ApiRefused as refused:
            if NOT_FOUND_TEXT not in refused.text:
                return False
        else:
            return True
    return False


def _new_guid() -> str:
    return str(uuid.UUID(bytes=secrets.token_bytes(16), version=4))


def wait_for_end(api: PackageApi, execution: str, waiting: Waiting, say: Say = note) -> str:
    """The state in which the execution ends; `say` hears of each state.

    "Execution details were not found" counts as not begun yet: the summary row of an accepted job
    comes a moment after the answer (recorded; clients handle it so).

    Raises:
        ApiRefused: another refusal.
        StillWaiting: the time is over.

    """
    deadline = time.monotonic() + waiting.timeout
    state = said = "NotRun"
    while True:
        try:
            state = str(api.action("GetExecutionSummaryStatus", executionId=execution))
        except ApiRefused as refused:
            if NOT_FOUND_TEXT not in refused.text:
                raise
        if state in ENDS:
            return state
        if state != said:
            say(f"execution {execution}: {state}")
            said = state
        if time.monotonic() + waiting.interval > deadline:
            raise StillWaiting(f"execution {execution}: still {state} after {waiting.timeout:g} s")
        api.wait(waiting.interval)


def download(api: PackageApi, execution: str, target: Path, waiting: Waiting) -> None:
    """Saves the exported package; the file appears only when it is whole."""
    deadline = time.monotonic() + waiting.timeout
    while not (url := api.action("GetExportedPackageUrl", executionId=execution)):
        if time.monotonic() + waiting.interval > deadline:
            raise StillWaiting(
                f"execution {execution}: still no package after {waiting.timeout:g} s"
            )
        api.wait(waiting.interval)
    _saved(api, url, target)


def result_document(
    api: PackageApi, admin: Admin | None, execution: str, state: str
) -> dict[str, Any]:
    """The execution document when the server is an emulator; else what the public API tells.

    The actions have no counts; the set of execution details has some, where a service has it.
    Nothing is guessed.
    """
    if admin is not None:
        try:
            tenant = api.connection.tenant_id
            workspace = workspace_of_tenant(admin, tenant) if tenant else "default"
            if workspace is not None:
                return admin.execution(workspace, execution)
        except (AdminProblem, AdminUnreachable) as problem:
            note(f"counts are not available: {problem}")
    errors = parse_value(api.action("GetExecutionErrors", executionId=execution))
    document = {"executionId": execution, "state": state, "errors": errors or []}
    if entities := _details(api, execution):
        document["entities"] = entities
    return document


def _details(api: PackageApi, execution: str) -> list[dict[str, Any]]:
    """Counts by entity from the set of execution details; none where there is no such set."""
    literal = execution.replace("'", "''")
    try:
        rows = api.rows(DETAILS, f"JobId eq '{literal}'")
    except (ApiRefused, ApiUnreachable):
        return []
    return [_entity_of(row) for row in rows]


def _entity_of(row: dict[str, Any]) -> dict[str, Any]:
    """One row of the set in the words of the execution document (in error: as clients count)."""
    read, staged, created, updated = (
        int(row.get(name) or 0)
        for name in (
            "StagingRecordsToBeProcessedCount",
            "StagingRecordsCreatedCount",
            "TargetRecordsCreatedCount",
            "TargetRecordsUpdatedCount",
        )
    )
    went_on = row.get("TargetStatus") not in ("NotRun", "None")
    return {
        "entity": row.get("EntityName", ""),
        "stagingStatus": row.get("StagingStatus", ""),
        "targetStatus": row.get("TargetStatus", ""),
        "sourceRecords": read,
        "stagingRecordsCreated": staged,
        "stagingRecordsInError": max(read - staged, 0),
        "targetRecordsCreated": created,
        "targetRecordsUpdated": updated,
        "targetRecordsInError": max(staged - created - updated, 0) if went_on else 0,
    }


def save_error_files(
    api: PackageApi, execution: str, labels: Iterator[str], beside: Path, waiting: Waiting
) -> list[Path]:
    """Saves the error files of an import next to its package; those that the service has.

    Args:
        api: the session.
        execution: the import.
        labels: of the entities that may have errors.
        beside: the package; files are named after it, the entity, and what they are.
        waiting: how long to wait for keys files.

    """
    saved = []
    for label in labels:
        stem = f"{beside.stem}.{file_name_for(label, '')}"
        try:
            saved += _save_staging_file(api, execution, label, beside.with_name(stem))
            saved += _save_keys_file(api, execution, label, beside.with_name(stem), waiting)
        except (ApiRefused, StillWaiting) as error:
            note(f"{label}: no error file: {error}")
    return saved


def _save_staging_file(api: PackageApi, execution: str, label: str, stem: Path) -> list[Path]:
    url = api.action("GetImportStagingErrorFileUrl", executionId=execution, entityName=label)
    if not url:
        return []
    ending = urlsplit(url).path.rpartition(".")[2]
    extension = f".{ending}" if ending.isalnum() and len(ending) <= 5 else ".txt"
    return [_saved(api, url, stem.with_name(f"{stem.name}.staging-errors{extension}"))]


def _save_keys_file(
    api: PackageApi, execution: str, label: str, stem: Path, waiting: Waiting
) -> list[Path]:
    members = {"executionId": execution, "entityName": label}
    if api.action("GenerateImportTargetErrorKeysFile", **members) is not True:
        return []
    deadline = time.monotonic() + waiting.timeout
    while not (url := api.action("GetImportTargetErrorKeysFileUrl", **members)):
        if time.monotonic() + waiting.interval > deadline:
            raise StillWaiting(f"no keys file after {waiting.timeout:g} s")
        api.wait(waiting.interval)
    return [_saved(api, url, stem.with_name(f"{stem.name}.error-keys.txt"))]


def _saved(api: PackageApi, url: str, target: Path) -> Path:
    partial = target.with_name(f"{target.name}.part")
    try:
        api.download(url, partial)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return target
