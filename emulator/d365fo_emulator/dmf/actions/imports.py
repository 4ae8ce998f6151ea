"""Imports: the package that a URL leads to, checked and begun."""

from __future__ import annotations

import contextlib
import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from d365fo_emulator.blob.errors import BlobError, ForeignUrl
from d365fo_emulator.dmf import checks, errors
from d365fo_emulator.dmf.actions import composites
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
from d365fo_emulator.odata.errors import ActionFailed

if TYPE_CHECKING:
    from pathlib import Path

    from d365fo_emulator.dmf.actions.call import Call

HOLD_ATTEMPTS = 10


def import_from_package(call: Call) -> str:
    """Checks a package, makes its data project, and begins its import; the id of the execution."""
    return _import(call, RunOptions(execute=call["execute"]))


def import_from_dmt_package(call: Call) -> str:
    """As `import_from_package`, with two parameters more of the data migration toolkit."""
    options = RunOptions(
        execute=call["execute"],
        fail_on_error=call["failOnError"],
        batch_group=call["importBatchGroupId"],
    )
    return _import(call, options)


def import_from_package_async(call: Call) -> str:
    """Begins an import, whatever is wrong with it; the id of the execution.

    The id comes at once and all else later (documented). So what the synchronous form answers
    with 400 ends here as Failed, and makes no data project (inferred): an unknown company, a data
    project that is there without overwrite, and everything that is wrong with the package, its
    URL included. A used id is refused at once, as it can name no other execution.
    """
    execution_id = execution_id_of(call)
    check_id(call, execution_id, again=may_run_again(call))
    options = RunOptions(
        execute=call["execute"],
        fail_on_error=call["failOnError"],
        without_batch=call["runAsyncWithoutBatch"],
        batch_threshold=call["thresholdToRunInBatch"],
    )
    company = call["legalEntityId"]
    try:
        company = company_of(call)
        return _begin_import(call, _accepted(call), company, execution_id, options)
    except ActionFailed as error:
        _begin_refused(call, error, company, execution_id, options)
        return execution_id


def _begin_refused(
    call: Call, error: ActionFailed, company: str, execution_id: str, options: RunOptions
) -> None:
    refusal = error.text
    if error.reason != error.text:
        refusal += f" ({error.reason})"
    call.exchange.note(f"the execution will fail: {refusal}")
    project = DataProject(call["definitionGroupId"], Operation.IMPORT, ())
    options = dataclasses.replace(options, refusal=refusal)
    again = may_run_again(call)
    begin(call, Job(execution_id, project, company, options, again=again, makes_project=False))


def _import(call: Call, options: RunOptions) -> str:
    with contextlib.ExitStack() as turn:
        if project := call["definitionGroupId"]:
            take_turn(call, project, turn)
        company = company_of(call)
        execution_id = execution_id_of(call)
        return _begin_import(call, _accepted(call), company, execution_id, options, turn)


def take_turn(call: Call, project: str, turn: contextlib.ExitStack) -> None:
    """Until `turn` ends, other calls that make this data project meet with `parallelImports`."""
    ids = call.exchange.workspace.ids
    turn.enter_context(
        call.dmf.import_calls.turn(project, lambda: errors.parallel_import(ids, project))
    )


@dataclass(frozen=True)
class _Accepted:
    """A package whose bytes are held under a name, with what was found in it."""

    held: str
    checked: checks.CheckedPackage


def _accepted(call: Call) -> _Accepted:
    held = hold_package(call)
    path = call.dmf.held_package(held)
    at = call.dmf.at
    try:
        checked = checks.check_package(path, call.exchange.workspace, at.catalogue, at.formats)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return _Accepted(held, checked)


def _begin_import(
    call: Call,
    package: _Accepted,
    company: str,
    execution_id: str,
    options: RunOptions,
    turn: contextlib.ExitStack | None = None,
) -> str:
    """Begins the import; with a `turn`, one call at a time for each data project."""
    path = call.dmf.held_package(package.held)
    checked = package.checked
    try:
        group = call["definitionGroupId"]
        if not group:
            group = checked.manifest.definition_group
            if turn is not None:
                take_turn(call, group, turn)
        is_composite = composites.has_rules(call, checked)
        if is_composite:
            options = composites.checked_options(call, checked, group, options)
        else:
            check_overwrite(call, group)
        again = may_run_again(call)
        check_id(call, execution_id, again=again)
        if not checked.has_data:
            # Client code reports it: an id is returned and no execution ever appears.
            call.exchange.note("no enabled entity has its file: no execution will follow")
            path.unlink()
            return execution_id
        project = made_project(call, checked, group, Operation.IMPORT)
        if is_composite and (existing := call.dmf.at.store.project(group)):
            project = composites.mapped_as_in(existing, project)
        job = Job(
            execution_id,
            project,
            company,
            options,
            package=package.held,
            again=again,
            overwrite=call["overwrite"],
            makes_project=not is_composite,
        )
        begin(call, job)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return execution_id


def check_overwrite(call: Call, group: str) -> None:
    """`overwrite` is about the project's definition, not about rows (recorded)."""
    if call.dmf.at.store.project(group) and not call["overwrite"]:
        raise errors.failed("project-exists", project=group)


def made_project(
    call: Call, checked: checks.CheckedPackage, group: str, operation: Operation
) -> DataProject:
    """The data project that the package makes, once everything unknown in it is learnt."""
    manifest = checked.manifest
    try:
        for learnt in checks.learn(call.dmf.at.catalogue, manifest):
            call.exchange.note(learnt)
    except TooManyFields as error:
        raise errors.failed("package-invalid", because=str(error)) from error
    return DataProject(group, operation, manifest.entities, manifest.description)


def hold_package(call: Call) -> str:
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
