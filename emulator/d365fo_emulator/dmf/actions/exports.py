"""Exports: data projects into packages, and where the packages can be had."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
from typing import TYPE_CHECKING

from d365fo_emulator.blob.model import PACKAGE_CONTAINER
from d365fo_emulator.dmf import checks, errors
from d365fo_emulator.dmf.actions.call import (
    Job,
    begin,
    check_id,
    company_of,
    execution_id_of,
    found_execution,
    may_run_again,
)
from d365fo_emulator.dmf.actions.imports import (
    check_overwrite,
    hold_package,
    made_project,
    take_turn,
)
from d365fo_emulator.dmf.export_plan import chosen_entities
from d365fo_emulator.dmf.model import EntityStatus, Operation, RunOptions
from d365fo_emulator.dmf.tokens import WITH_PACKAGE
from d365fo_emulator.dmf.waiting import wait_for_end
from d365fo_emulator.kernel.workspace import ExecutionId

if TYPE_CHECKING:
    from d365fo_emulator.dmf.actions.call import Call
    from d365fo_emulator.dmf.model import DataProject, Execution

# Window of download URLs, as recorded: 65 minutes between start and end.
BEFORE = dt.timedelta(minutes=5)
DOWNLOAD_FOR = dt.timedelta(minutes=60)
ZERO_GUID = "00000000-0000-0000-0000-000000000000"


def export_to_package(call: Call) -> str:
    """Begins the export of a data project; the id of the execution."""
    return _export(call, RunOptions())


def export_to_package_async(call: Call) -> str:
    """As `export_to_package`, of some entities, and the answer never waits (documented)."""
    return _export(call, RunOptions(), call["entityList"], waits=False)


def export_to_package_preview(call: Call) -> str:
    """As `export_to_package`, with a number of records per entity; 0: no limit (documented)."""
    return _export(call, RunOptions(most_rows=_preview_count(call)))


def export_to_package_preview_async(call: Call) -> str:
    """As `export_to_package_preview`, and the answer never waits."""
    return _export(call, RunOptions(most_rows=_preview_count(call)), waits=False)


def export_to_package_delta(call: Call) -> str:
    """As `export_to_package`, of some entities, and of these what has changed (client)."""
    return _export(call, RunOptions(changes_only=True), call["entityList"])


def _export(call: Call, options: RunOptions, entity_list: str = "", *, waits: bool = True) -> str:
    company = company_of(call)
    execution_id = execution_id_of(call)
    project = call.dmf.at.store.project(call["definitionGroupId"])
    if project is None or project.operation is not Operation.EXPORT:
        return _unknown_project(call, execution_id, project)
    entities, unknown = chosen_entities(project.entities, entity_list)
    if unknown:
        because = f"the data project {project.name!r} has no entity {unknown[0]!r}"
        raise _export_failed(call, execution_id, because)
    project = dataclasses.replace(project, entities=entities)
    if entity_list.strip():
        labels = tuple(entity.label for entity in entities)
        options = dataclasses.replace(options, entities=labels)
    return _begin(call, project, company, execution_id, options, waits=waits)


def _begin(
    call: Call,
    project: DataProject,
    company: str,
    execution_id: str,
    options: RunOptions,
    *,
    waits: bool,
) -> str:
    # Clients send `reExecute` either way with fresh ids, and both work; it matters for used ones.
    again = call.arguments.get("reExecute", False) or may_run_again(call)
    check_id(call, execution_id, again=again)
    name = call.arguments.get("packageName", "")
    begin(call, Job(execution_id, project, company, options, package_name=name, again=again))
    if waits and call.exchange.workspace.settings.export_sync:
        wait_for_end(call.dmf.lives, ExecutionId(execution_id))
    return execution_id


def _preview_count(call: Call) -> int:
    count: int = call["exportPreviewCount"]
    if count < 0:
        call.exchange.note(f"a preview of {count} records is taken for one without limit")
    return max(count, 0)


def _unknown_project(call: Call, execution_id: str, project: DataProject | None) -> str:
    match call.exchange.workspace.settings.unknown_project:
        case "accept":
            call.exchange.note("unknownProject: accept: the id leads to no execution, for ever")
            return execution_id
        case "zeroGuid":
            return ZERO_GUID
    because = "is an import project" if project else "does not exist"
    name = call["definitionGroupId"]
    raise _export_failed(call, execution_id, f"the data project {name!r} {because}")


def _export_failed(call: Call, execution_id: str, because: str) -> Exception:
    return errors.failed(
        "export-failed",
        because,
        project=call["definitionGroupId"],
        package=call["packageName"],
        id=execution_id,
    )


def export_from_package(call: Call) -> str:
    """Makes an export project of a package and exports it when `execute` is true (client).

    The package is a template: its manifest counts, and data files need not be in it. Without
    `execute` the project alone is made, and the id leads to no execution (both inferred).
    """
    with contextlib.ExitStack() as turn:
        if project := call["definitionGroupId"]:
            take_turn(call, project, turn)
        return _export_template(call, turn)


def _export_template(call: Call, turn: contextlib.ExitStack) -> str:
    dmf = call.dmf
    company = company_of(call)
    execution_id = execution_id_of(call)
    check_id(call, execution_id, again=may_run_again(call))
    path = dmf.held_package(hold_package(call))
    try:
        checked = checks.check_package(
            path, call.exchange.workspace, dmf.at.catalogue, dmf.at.formats
        )
    finally:
        path.unlink(missing_ok=True)
    group = call["definitionGroupId"]
    if not group:
        group = checked.manifest.definition_group
        take_turn(call, group, turn)
    check_overwrite(call, group)
    project = made_project(call, checked, group, Operation.EXPORT)
    dmf.at.store.save_project(project)
    if not call["execute"]:
        call.exchange.note(f"execute is false: the data project {group!r} was made, no more")
        return execution_id
    return _begin(call, project, company, execution_id, RunOptions(), waits=True)


def get_exported_package_url(call: Call) -> str:
    """A download URL of the package; `""` until there is one (client), never null."""
    found = found_execution(call)
    if not _has_package(call, found):
        return ""
    if call.dmf.url_delays.puts_off(found):
        call.exchange.note("no URL: the setting exportUrlAfter puts it off")
        return ""
    return download_url(call, found.package)


def _has_package(call: Call, found: Execution) -> bool:
    if found.operation is not Operation.EXPORT or found.state not in WITH_PACKAGE:
        call.exchange.note(f"no URL: the {found.operation.lower()} is {found.state}")
        return False
    if call.dmf.exports.package(found) is None:
        call.exchange.note("no URL: the package is gone")
        return False
    return True


def get_exported_file_url(call: Call) -> str:
    """A download URL of one entity's file out of a package; `""` where there is none (inferred).

    The entity goes by the label or the AOT name. Of an entity that is listed twice: the first
    that has a file.
    """
    found = found_execution(call)
    if not _has_package(call, found):
        return ""
    entity = call.dmf.at.catalogue.find(call["entityName"])
    wanted = {name.casefold() for name in (call["entityName"], entity.label if entity else "")}
    for run in found.entities:
        finished = run.target_status is EntityStatus.FINISHED and run.entity.casefold() in wanted
        if finished and (blob := call.dmf.exports.file(found, run.file)):
            return download_url(call, blob)
    call.exchange.note(f"no URL: the package has no file of {call['entityName']!r}")
    return ""


def reset_version_token(call: Call) -> bool:
    """Lets the next export of changes of an entity be a full one, in every company (inferred).

    False where the project has no such entity (inferred). What `sourceName` is for is not known.
    """
    name, wanted = call["definitionGroupId"], call["entityName"]
    project = call.dmf.at.store.project(name)
    if project is None:
        raise errors.failed("project-unknown", project=name)
    if call["sourceName"]:
        call.exchange.note("sourceName is ignored: what it is for is not known")
    entities, unknown = chosen_entities(project.entities, wanted)
    if unknown or not wanted.strip():
        call.exchange.note(f"the data project {name!r} has no entity {wanted!r}")
        return False
    for one in entities:
        entity = checks.known_entity(call.dmf.at.catalogue, one)
        call.dmf.at.store.remove_version_tokens(project.name, entity.label if entity else one.label)
    return True


def download_url(call: Call, blob: str) -> str:
    """A URL by which a blob of the package container can be read for an hour."""
    now = call.exchange.workspace.clock.now
    return call.dmf.at.blob.issue_url(
        call.exchange.base_url, PACKAGE_CONTAINER, blob, "r", now - BEFORE, now + DOWNLOAD_FOR
    )
