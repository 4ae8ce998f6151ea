"""`import` and `export`: the main job, through the public API, as any client does it."""

from __future__ import annotations

import secrets
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from d365fo_emulator.admin.errors import AdminProblem, AdminUnreachable
from d365fo_emulator.cli.api import ApiRefused, PackageApi, StillWaiting, parse_value
from d365fo_emulator.cli.connection import connection_options
from d365fo_emulator.cli.executions import print_entities
from d365fo_emulator.cli.output import json_option, note, print_json
from d365fo_emulator.cli.where import workspace_of_tenant
from d365fo_emulator.kernel.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from d365fo_emulator.admin.api import Admin
    from d365fo_emulator.cli.connection import Connected

ENDS = frozenset({"Succeeded", "PartiallySucceeded", "Failed", "Canceled"})
OWN_INTERVAL = 0.2
OTHER_INTERVAL = 5.0
NOT_FOUND_TEXT = "were not found"
"""In the refusal of a state call that comes before the summary row is written (recorded)."""


@dataclass(frozen=True)
class Waiting:
    """How to wait for an execution: seconds between two polls, and in all."""

    interval: float
    timeout: float


def waiting_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--interval` and `--timeout`."""
    command = click.option(
        "--interval", type=float, help="Seconds between polls: 0.2 at an emulator, else 5."
    )(command)
    return click.option(
        "--timeout", type=float, default=900.0, show_default=True, help="Seconds to wait in all."
    )(command)


@click.command("import")
@click.argument("package", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--project", help="Data project; default: the file's name without .zip.")
@click.option("--overwrite/--no-overwrite", default=True, help="Replace a project of this name.")
@waiting_options
@json_option
@connection_options
def import_(
    package: Path,
    project: str | None,
    overwrite: bool,
    interval: float | None,
    timeout: float,
    as_json: bool,
    connected: Connected,
) -> int:
    """Import a data package: upload, import, wait, print counts and row errors."""
    api = PackageApi(connected.connection)
    waiting = Waiting(_interval(interval, connected.admin), timeout)
    try:
        execution = start_import(api, package, project or package.stem, overwrite=overwrite)
        note(f"waiting for execution {execution}")
        state = wait_for_end(api, execution, waiting)
        document = result_document(api, connected.admin, execution, state)
    finally:
        api.close()
    _print_result(document, as_json=as_json)
    return 0 if state == "Succeeded" else 1


@click.command("export")
@click.argument("project")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Where to save it.")
@click.option("--force", is_flag=True, help="Replace the file when it is there.")
@click.option("--package-name", help="Name of the package; default: the project's.")
@waiting_options
@json_option
@connection_options
def export(
    project: str,
    output: Path | None,
    force: bool,
    package_name: str | None,
    interval: float | None,
    timeout: float,
    as_json: bool,
    connected: Connected,
) -> int:
    """Export a data project: wait, download the package, save it."""
    target = output or Path(f"{_file_name(project)}.zip")
    if target.exists() and not force:
        raise ConfigurationError(f"{target} is there already: give --force or another --output")
    api = PackageApi(connected.connection)
    waiting = Waiting(_interval(interval, connected.admin), timeout)
    try:
        execution = start_export(api, project, package_name or project)
        note(f"waiting for execution {execution}")
        state = wait_for_end(api, execution, waiting)
        document = result_document(api, connected.admin, execution, state)
        if state in ("Succeeded", "PartiallySucceeded"):
            download(api, execution, target, waiting)
            document["output"] = str(target)
    finally:
        api.close()
    _print_result(document, as_json=as_json)
    return 0 if state == "Succeeded" else 1


def start_import(api: PackageApi, package: Path, project: str, *, overwrite: bool) -> str:
    """Uploads the package and has it imported; the execution id."""
    name = f"{uuid.UUID(bytes=secrets.token_bytes(16), version=4)}.zip"
    blob = parse_value(api.action("GetAzureWriteUrl", uniqueFileName=name))
    if not isinstance(blob, dict) or "BlobUrl" not in blob:
        raise ApiRefused("GetAzureWriteUrl", 200, f"no BlobUrl in {blob!r}")
    api.upload(blob["BlobUrl"], package)
    return _execution_id(
        "ImportFromPackage",
        api.action(
            "ImportFromPackage",
            packageUrl=blob["BlobUrl"],
            definitionGroupId=project,
            executionId="",
            execute=True,
            overwrite=overwrite,
            legalEntityId=api.connection.company,
        ),
    )


def start_export(api: PackageApi, project: str, package_name: str) -> str:
    """Has the project exported; the execution id."""
    return _execution_id(
        "ExportToPackage",
        api.action(
            "ExportToPackage",
            definitionGroupId=project,
            packageName=package_name,
            executionId="",
            reExecute=False,
            legalEntityId=api.connection.company,
        ),
    )


def wait_for_end(api: PackageApi, execution: str, waiting: Waiting) -> str:
    """The state in which the execution ends.

    "Execution details were not found" counts as not begun yet: the summary row of an accepted job
    comes a moment after the answer (recorded; clients handle it so).

    Raises:
        ApiRefused: another refusal.
        StillWaiting: the time is over.

    """
    deadline = time.monotonic() + waiting.timeout
    state = "NotRun"
    while True:
        try:
            state = str(api.action("GetExecutionSummaryStatus", executionId=execution))
        except ApiRefused as refused:
            if NOT_FOUND_TEXT not in refused.text:
                raise
        if state in ENDS:
            return state
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
    partial = target.with_name(f"{target.name}.part")
    try:
        api.download(url, partial)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def result_document(
    api: PackageApi, admin: Admin | None, execution: str, state: str
) -> dict[str, Any]:
    """The execution document when the server is an emulator; else what the public API tells.

    The public API has no counts, and so there are none then: nothing is guessed.
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
    return {"executionId": execution, "state": state, "errors": errors or []}


def _print_result(document: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(document)
        return
    click.echo(f"{document['executionId']}: {document['state']}")
    if document.get("reason"):
        click.echo(document["reason"])
    if "entities" in document:
        print_entities(document)
    else:
        errors = document["errors"]
        for error in errors if isinstance(errors, list) else [errors]:
            click.echo(_foreign_error(error))
    if "output" in document:
        click.echo(f"saved {document['output']}")


def _foreign_error(error: Any) -> str:
    if isinstance(error, dict):
        return ", ".join(f"{key}: {' '.join(str(value).split())}" for key, value in error.items())
    return str(error)


def _execution_id(action: str, value: Any) -> str:
    """The id in an answer; the zero GUID means that nothing was started (documented samples)."""
    if not value or value == "00000000-0000-0000-0000-000000000000":
        raise ApiRefused(action, 200, "the service did not start an execution")
    return str(value)


def _interval(told: float | None, admin: Admin | None) -> float:
    if told is not None:
        return max(told, 0.0)
    return OTHER_INTERVAL if admin is None else OWN_INTERVAL


def _file_name(project: str) -> str:
    """A project's name as a file's: what no file system takes becomes an underscore."""
    name = "".join("_" if c in '<>:"/\\|?*' or ord(c) < 32 else c for c in project)
    return name.strip(" .") or "package"


COMMANDS = {"import": import_, "export": export}
