"""Exports: data projects into packages, and where the packages can be had."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from d365fo_emulator.blob.errors import BlobError
from d365fo_emulator.blob.model import PACKAGE_CONTAINER
from d365fo_emulator.dmf import errors
from d365fo_emulator.dmf.actions.call import (
    Job,
    begin,
    check_id,
    company_of,
    execution_id_of,
    found_execution,
    may_run_again,
)
from d365fo_emulator.dmf.model import ExecutionState, Operation, RunOptions

if TYPE_CHECKING:
    from d365fo_emulator.dmf.actions.call import Call
    from d365fo_emulator.dmf.model import DataProject

# Window of download URLs, as recorded: 65 minutes between start and end.
BEFORE = dt.timedelta(minutes=5)
DOWNLOAD_FOR = dt.timedelta(minutes=60)
ZERO_GUID = "00000000-0000-0000-0000-000000000000"
WITH_PACKAGE = frozenset({ExecutionState.SUCCEEDED, ExecutionState.PARTIALLY_SUCCEEDED})


def export_to_package(call: Call) -> str:
    """Begins the export of a data project; the id of the execution."""
    dmf = call.dmf
    company = company_of(call)
    execution_id = execution_id_of(call)
    project = dmf.at.store.project(call["definitionGroupId"])
    if project is None or project.operation is not Operation.EXPORT:
        return _unknown_project(call, execution_id, project)
    again = call["reExecute"] or may_run_again(call)
    check_id(call, execution_id, again=again)
    job = Job(
        execution_id,
        project,
        company,
        RunOptions(),
        package_name=call["packageName"],
        again=again,
    )
    begin(call, job)
    return execution_id


def _unknown_project(call: Call, execution_id: str, project: DataProject | None) -> str:
    match call.exchange.workspace.settings.unknown_project:
        case "accept":
            call.exchange.note("unknownProject: accept: the id leads to no execution, for ever")
            return execution_id
        case "zeroGuid":
            return ZERO_GUID
    name = call["definitionGroupId"]
    because = "is an import project" if project else "does not exist"
    raise errors.failed(
        "export-failed",
        f"the data project {name!r} {because}",
        project=name,
        package=call["packageName"],
        id=execution_id,
    )


def get_exported_package_url(call: Call) -> str:
    """A download URL of the package; `""` until there is one (client), never null."""
    found = found_execution(call)
    ready = found.operation is Operation.EXPORT and found.state in WITH_PACKAGE and found.package
    if not ready:
        call.exchange.note(f"no URL: the execution is {found.state}")
        return ""
    try:
        call.dmf.at.blob.properties(PACKAGE_CONTAINER, found.package)
    except BlobError:
        call.exchange.note("no URL: the package is gone")
        return ""
    return download_url(call, found.package)


def download_url(call: Call, blob: str) -> str:
    """A URL by which a blob of the package container can be read for an hour."""
    now = call.exchange.workspace.clock.now
    return call.dmf.at.blob.issue_url(
        call.exchange.base_url, PACKAGE_CONTAINER, blob, "r", now - BEFORE, now + DOWNLOAD_FOR
    )
