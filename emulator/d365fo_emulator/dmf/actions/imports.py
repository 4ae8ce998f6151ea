"""Imports: the package that a URL leads to, checked and begun."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from d365fo_emulator.blob.errors import BlobError, ForeignUrl
from d365fo_emulator.dmf import checks, errors
from d365fo_emulator.dmf.actions.call import (
    Job,
    begin,
    check_id,
    company_of,
    execution_id_of,
    may_run_again,
)
from d365fo_emulator.dmf.model import DataProject, Operation, RunOptions
from d365fo_emulator.entities.errors import TooManyFields

if TYPE_CHECKING:
    from pathlib import Path

    from d365fo_emulator.dmf.actions.call import Call

HOLD_ATTEMPTS = 10


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
    company = company_of(call)
    execution_id = execution_id_of(call)
    held = _hold_package(call)
    path = dmf.held_package(held)
    try:
        checked = checks.check_package(
            path, call.exchange.workspace, dmf.at.catalogue, dmf.at.formats
        )
        group = call["definitionGroupId"]
        if not group:
            group = checked.manifest.definition_group
            _take_turn(call, group, turn)
        _check_overwrite(call, group)
        check_id(call, execution_id, again=may_run_again(call))
        if not checked.has_data:
            # Client code reports it: an id is returned and no execution ever appears.
            call.exchange.note("no entity of the manifest has its file in the package")
            path.unlink()
            return execution_id
        project = _imported_project(call, checked, group)
        again = may_run_again(call)
        job = Job(
            execution_id,
            project,
            company,
            RunOptions(execute=call["execute"]),
            package=held,
            again=again,
            overwrite=call["overwrite"],
        )
        begin(call, job)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return execution_id


def _check_overwrite(call: Call, group: str) -> None:
    """`overwrite` is about the project's definition, not about rows (recorded)."""
    if call.dmf.at.store.project(group) and not call["overwrite"]:
        raise errors.failed("project-exists", project=group)


def _imported_project(call: Call, checked: checks.CheckedPackage, group: str) -> DataProject:
    """The data project that the package makes, once everything unknown in it is learnt."""
    manifest = checked.manifest
    try:
        for learnt in checks.learn(call.dmf.at.catalogue, manifest):
            call.exchange.note(learnt)
    except TooManyFields as error:
        raise errors.failed("package-invalid", because=str(error)) from error
    return DataProject(group, Operation.IMPORT, manifest.entities, manifest.description)


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
