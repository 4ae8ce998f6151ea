"""The actions of the package API, one function each, found by name."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from d365fo_emulator.blob.errors import BlobError, ForeignUrl
from d365fo_emulator.blob.model import PACKAGE_CONTAINER
from d365fo_emulator.dmf import checks, errors
from d365fo_emulator.dmf.errors import ExecutionNotFound
from d365fo_emulator.dmf.life import Acceptance
from d365fo_emulator.dmf.model import (
    DataProject,
    Execution,
    ExecutionState,
    Operation,
)
from d365fo_emulator.entities.errors import TooManyFields
from d365fo_emulator.kernel.workspace import ExecutionId
from d365fo_emulator.odata.errors import ModelStateInvalid

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from d365fo_emulator.dmf.service import DataManagement
    from d365fo_emulator.http.exchange import Exchange

# Windows of the SAS URLs, as recorded: uploads from 5 minutes before to 30 after the call;
# downloads 65 minutes between start and end.
BEFORE = dt.timedelta(minutes=5)
UPLOAD_FOR = dt.timedelta(minutes=30)
DOWNLOAD_FOR = dt.timedelta(minutes=60)
ZERO_GUID = "00000000-0000-0000-0000-000000000000"
HOLD_ATTEMPTS = 10
WITH_PACKAGE = frozenset({ExecutionState.SUCCEEDED, ExecutionState.PARTIALLY_SUCCEEDED})


@dataclass(frozen=True)
class Call:
    """One call of an action: arguments by the vendor's names, already of the declared types."""

    exchange: Exchange
    arguments: Mapping[str, Any]
    dmf: DataManagement

    def __getitem__(self, name: str) -> Any:
        return self.arguments[name]


@dataclass(frozen=True)
class Job:
    """What is to be begun.

    `package`: name of the held bytes of an import. `again`: whether it may stand in the place of
    an ended execution of its id.
    """

    execution_id: str
    project: DataProject
    company: str
    package: str = ""
    again: bool = False


def get_azure_write_url(call: Call) -> str:
    """An upload URL, as JSON text in a string (documented); same name, same blob (recorded)."""
    name = call["uniqueFileName"]
    if not name:
        raise ModelStateInvalid("uniqueFileName is empty")
    workspace = call.exchange.workspace
    now = workspace.clock.now
    url = call.dmf.at.blob.issue_url(
        call.exchange.base_url, PACKAGE_CONTAINER, name, "rw", now - BEFORE, now + UPLOAD_FOR
    )
    blob_id = f"{{{str(workspace.ids.guid('blob')).upper()}}}"
    return json.dumps({"BlobId": blob_id, "BlobUrl": url}, separators=(",", ":"))


def import_from_package(call: Call) -> str:
    """Checks a package, makes its data project, and begins its import; the id of the execution."""
    with contextlib.ExitStack() as turn:
        if project := call["definitionGroupId"]:
            _take_turn(call, project, turn)
        return _import_in_turn(call, turn)


def _take_turn(call: Call, project: str, turn: contextlib.ExitStack) -> None:
    ids = call.exchange.workspace.ids
    turn.enter_context(
        call.dmf.import_calls.turn(project, lambda: errors.parallel_import(ids, project))
    )


def _import_in_turn(call: Call, turn: contextlib.ExitStack) -> str:
    dmf = call.dmf
    company = _company(call)
    execution_id = _execution_id(call)
    held = _hold_package(call)
    path = dmf.held_package(held)
    try:
        checked = checks.check_package(path, call.exchange.workspace, dmf.at.catalogue)
        group = call["definitionGroupId"]
        if not group:
            group = checked.manifest.definition_group
            _take_turn(call, group, turn)
        _check_overwrite(call, group)
        _check_id(call, execution_id, again=_may_run_again(call))
        if not checked.has_data:
            # Client code reports it: an id is returned and no execution ever appears.
            call.exchange.note("no entity of the manifest has its file in the package")
            path.unlink()
            return execution_id
        project = _imported_project(call, checked, group)
        again = _may_run_again(call)
        _begin(call, Job(execution_id, project, company, held, again=again))
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return execution_id


def _check_overwrite(call: Call, group: str) -> None:
    """`overwrite` is about the project's definition, not about rows (recorded)."""
    if call.dmf.at.store.project(group) and not call["overwrite"]:
        raise errors.failed("project-exists", project=group)


def _may_run_again(call: Call) -> bool:
    return call.exchange.workspace.settings.used_execution_id == "rerun"


def _imported_project(call: Call, checked: checks.CheckedPackage, group: str) -> DataProject:
    """The data project that the package makes, once everything unknown in it is learnt."""
    manifest = checked.manifest
    try:
        for learnt in checks.learn(call.dmf.at.catalogue, manifest):
            call.exchange.note(learnt)
    except TooManyFields as error:
        raise errors.failed("package-invalid", because=str(error)) from error
    return DataProject(group, Operation.IMPORT, manifest.entities, manifest.description)


def export_to_package(call: Call) -> str:
    """Begins the export of a data project; the id of the execution."""
    dmf = call.dmf
    company = _company(call)
    execution_id = _execution_id(call)
    project = dmf.at.store.project(call["definitionGroupId"])
    if project is None or project.operation is not Operation.EXPORT:
        return _unknown_project(call, execution_id, project)
    again = call["reExecute"] or _may_run_again(call)
    _check_id(call, execution_id, again=again)
    _begin(call, Job(execution_id, project, company, again=again))
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


def get_execution_summary_status(call: Call) -> str:
    """The state that a poll sees; the poll counts."""
    try:
        shown = call.dmf.lives.poll(ExecutionId(call["executionId"]))
    except ExecutionNotFound as error:
        raise errors.failed("execution-not-found", str(error), id=call["executionId"]) from error
    return shown.state


def get_exported_package_url(call: Call) -> str:
    """A download URL of the package; `""` until there is one (client), never null."""
    found = _found(call)
    ready = found.operation is Operation.EXPORT and found.state in WITH_PACKAGE and found.package
    if not ready:
        call.exchange.note(f"no URL: the execution is {found.state}")
        return ""
    workspace = call.exchange.workspace
    try:
        call.dmf.at.blob.properties(PACKAGE_CONTAINER, found.package)
    except BlobError:
        call.exchange.note("no URL: the package is gone")
        return ""
    now = workspace.clock.now
    return call.dmf.at.blob.issue_url(
        call.exchange.base_url,
        PACKAGE_CONTAINER,
        found.package,
        "r",
        now - BEFORE,
        now + DOWNLOAD_FOR,
    )


def get_execution_errors(call: Call) -> str:
    """A JSON list in a string; empty for unknown ids (recorded)."""
    return call.dmf.execution_errors(ExecutionId(call["executionId"]))


ACTIONS: dict[str, Callable[[Call], Any]] = {
    "GetAzureWriteUrl": get_azure_write_url,
    "ImportFromPackage": import_from_package,
    "ExportToPackage": export_to_package,
    "GetExecutionSummaryStatus": get_execution_summary_status,
    "GetExportedPackageUrl": get_exported_package_url,
    "GetExecutionErrors": get_execution_errors,
}


def _found(call: Call) -> Execution:
    found = call.dmf.lives.find(ExecutionId(call["executionId"]))
    if found is None or not found.found:
        raise errors.failed("execution-not-found", id=call["executionId"])
    return found


def _company(call: Call) -> str:
    """The company as the environment spells it; letter case is ignored (`dat` works, recorded)."""
    named = call["legalEntityId"]
    caller = call.exchange.caller
    wanted = named or (caller.company if caller else "")
    company = call.dmf.at.companies.get(wanted.casefold())
    if company is None:
        known = ", ".join(call.dmf.at.companies.values())
        raise errors.failed("company-unknown", f"the companies are {known}", company=wanted)
    return company


def _execution_id(call: Call) -> str:
    """The caller's own, else a GUID in upper case (the form of generated ids is inferred)."""
    ids = call.exchange.workspace.ids
    return call["executionId"] or str(ids.guid("execution")).upper()


def _hold_package(call: Call) -> str:
    """Keeps the bytes of the package that the URL leads to; no request leaves for anywhere."""
    held = f"{call.exchange.workspace.ids.octets('held-package').hex()}.zip"
    try:
        _hold(call, call.dmf.held_package(held))
    except ForeignUrl as error:
        raise errors.failed("blob-missing", str(error)) from error
    except BlobError as error:
        key = "blob-missing" if error.status == 404 else "blob-forbidden"
        raise errors.failed(key, error.reason or str(error)) from error
    return held


def _hold(call: Call, target: Path) -> None:
    """Holds the blob; once more when others upload to its name at this very moment."""
    for attempts_left in reversed(range(HOLD_ATTEMPTS)):
        blob = call.dmf.at.blob.package_from_url(call["packageUrl"], call.dmf.at.is_own_base)
        try:
            call.dmf.at.blob.hold(blob, target)
        except BlobError:
            if not attempts_left:
                raise
        else:
            return


def _check_id(call: Call, execution_id: str, *, again: bool) -> None:
    """Refuses a used execution id before anything is written; `_begin` looks once more."""
    found = call.dmf.lives.find(ExecutionId(execution_id))
    if found is not None and not (again and found.finished_at is not None):
        raise errors.failed("execution-id-used", id=execution_id)


def _begin(call: Call, job: Job) -> None:
    """Binds the scenario's script and begins the execution, with its project for an import."""
    exchange, project = call.exchange, job.project
    exchange.facts.update(
        definitionGroup=project.name, legalEntity=job.company, executionId=job.execution_id
    )
    labels = tuple(entity.label for entity in project.entities)
    client_id = exchange.caller.client_id if exchange.caller else ""
    script, because = call.dmf.at.scenarios.script_for(
        {**exchange.facts, "entity": labels, "clientId": client_id}
    )
    exchange.note(because)
    execution = Execution(
        id=ExecutionId(job.execution_id),
        operation=project.operation,
        group=project.name,
        company=job.company,
        script=script,
        created_at=exchange.workspace.clock.now,
        state=ExecutionState.NOT_RUN,
        execute=call.arguments.get("execute", True),
        package=job.package,
        package_name=call.arguments.get("packageName", ""),
        plan=project.entities,
    )
    made = project if project.operation is Operation.IMPORT else None
    overwrite = call.arguments.get("overwrite", True)
    match call.dmf.lives.accept(execution, made, overwrite=overwrite, again=job.again):
        case Acceptance.ID_USED:
            raise errors.failed("execution-id-used", id=job.execution_id)
        case Acceptance.PROJECT_EXISTS:
            raise errors.failed("project-exists", project=project.name)
