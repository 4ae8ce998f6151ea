"""`import` and `export`: the main job, for one package or many, in one company or several."""

from __future__ import annotations

import contextlib
import dataclasses
import glob
import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from d365fo_emulator.cli.api import PackageApi
from d365fo_emulator.cli.connection import connection_options
from d365fo_emulator.cli.executions import print_entities
from d365fo_emulator.cli.job import (
    Waiting,
    download,
    result_document,
    save_error_files,
    start_export,
    start_import,
    wait_for_end,
)
from d365fo_emulator.cli.output import json_option, print_json
from d365fo_emulator.cli.progress import progress
from d365fo_emulator.kernel.errors import ConfigurationError, EmulatorError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from d365fo_emulator.admin.api import Admin
    from d365fo_emulator.cli.api import Connection
    from d365fo_emulator.cli.connection import Connected

OWN_INTERVAL = 0.2
OTHER_INTERVAL = 5.0
WITH_PACKAGE = frozenset({"Succeeded", "PartiallySucceeded"})


def waiting_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--interval` and `--timeout`."""
    command = click.option(
        "--interval", type=float, help="Seconds between polls: 0.2 at an emulator, else 5."
    )(command)
    return click.option(
        "--timeout", type=float, default=900.0, show_default=True, help="Seconds to wait in all."
    )(command)


@click.command("import")
@click.argument("packages", nargs=-1, required=True, metavar="PACKAGE…")
@click.option("--project", help="Data project; default: the file's name without .zip.")
@click.option("--overwrite/--no-overwrite", default=True, help="Replace a project of this name.")
@click.option(
    "--error-files/--no-error-files",
    default=True,
    help="Save files of the failed records next to the package.",
)
@waiting_options
@json_option
@connection_options
def import_(
    packages: tuple[str, ...],
    project: str | None,
    overwrite: bool,
    error_files: bool,
    interval: float | None,
    timeout: float,
    as_json: bool,
    connected: Connected,
) -> int:
    """Import data packages: upload, import, wait, print counts and row errors.

    PACKAGE is a file, a folder (its .zip files, by name) or a pattern. Several packages are
    imported one after the other, each into every company: the service does not take two imports
    of one data project at once. A call that is refused ends the command: later packages may rest
    on the rows of this one.
    """
    files = _packages(packages)
    several = len(files) * max(len(connected.companies), 1) > 1
    if project and len(files) > 1:
        raise ConfigurationError("--project names one data project, and there are several packages")
    waiting = Waiting(_interval(interval, connected.admin), timeout)
    documents: list[dict[str, Any]] = []
    wanted = list(itertools.product(files, _connections(connected)))
    for file, connection in wanted:
        heading = _heading(file, connection, connected) if several else ""
        api = PackageApi(connection)
        try:
            with _told_of(heading, documents, len(wanted), as_json=as_json), progress() as say:
                name = project or file.stem
                execution = start_import(api, file, name, overwrite=overwrite, say=say)
                say(f"waiting for execution {execution}")
                state = wait_for_end(api, execution, waiting, say)
                document = result_document(api, connected.admin, execution, state)
            if error_files and state not in ("Succeeded", "Canceled"):
                beside = _beside(file, connection.company, connected)
                labels = _with_errors(document)
                saved = save_error_files(api, execution, labels, beside, waiting)
                document["errorFiles"] = [str(path) for path in saved]
        finally:
            api.close()
        documents.append({"package": str(file), **document} if several else document)
        if not as_json:
            _print_result(document, heading)
    return _ended(documents, as_json=as_json)


@click.command("export")
@click.argument("projects", nargs=-1, required=True, metavar="PROJECT…")
@click.option(
    "--output", type=click.Path(path_type=Path), help="Where to save it: a file, or a folder."
)
@click.option("--force", is_flag=True, help="Replace the file when it is there.")
@click.option("--package-name", help="Name of the package; default: the project's.")
@waiting_options
@json_option
@connection_options
def export(
    projects: tuple[str, ...],
    output: Path | None,
    force: bool,
    package_name: str | None,
    interval: float | None,
    timeout: float,
    as_json: bool,
    connected: Connected,
) -> int:
    """Export data projects: wait, download the packages, save them."""
    connections = _connections(connected)
    several = len(projects) * len(connections) > 1
    wanted = [
        (project, connection, _target(project, connection.company, output, several, connected))
        for project, connection in itertools.product(projects, connections)
    ]
    for _project, _connection, target in wanted:
        if target.exists() and not force:
            raise ConfigurationError(f"{target} is there already: give --force or another --output")
    waiting = Waiting(_interval(interval, connected.admin), timeout)
    documents: list[dict[str, Any]] = []
    for project, connection, target in wanted:
        heading = _heading(project, connection, connected) if several else ""
        api = PackageApi(connection)
        try:
            with _told_of(heading, documents, len(wanted), as_json=as_json), progress() as say:
                execution = start_export(api, project, package_name or project)
                say(f"waiting for execution {execution}")
                state = wait_for_end(api, execution, waiting, say)
                document = result_document(api, connected.admin, execution, state)
                if state in WITH_PACKAGE:
                    target.parent.mkdir(parents=True, exist_ok=True)
                    download(api, execution, target, waiting)
                    document["output"] = str(target)
        finally:
            api.close()
        documents.append(document)
        if not as_json:
            _print_result(document, heading)
    return _ended(documents, as_json=as_json)


@contextlib.contextmanager
def _told_of(
    heading: str, documents: Sequence[Mapping[str, Any]], number: int, *, as_json: bool
) -> Iterator[None]:
    """Says which of several failed and how many are left; those before it are not lost."""
    try:
        yield
    except EmulatorError:
        if heading:
            left = number - len(documents) - 1
            click.echo(f"{heading}: failed, and {left} more not begun", err=True)
        if documents and as_json:
            print_json({"executions": documents})
        raise


def _packages(arguments: Sequence[str]) -> list[Path]:
    """The files that arguments mean, in their order; a pattern that a shell left is expanded."""
    found: list[Path] = []
    for argument in arguments:
        path = Path(argument)
        if path.is_dir():
            matches = sorted(path.glob("*.zip"))
        elif path.exists():
            matches = [path]
        else:
            matches = sorted(Path(name) for name in glob.glob(argument))  # noqa: PTH207  absolute patterns too
        if not matches:
            raise ConfigurationError(
                f"there is no package in {argument}" if path.is_dir() else f"there is no {argument}"
            )
        found += [one for one in matches if one not in found]
    return found


def _connections(connected: Connected) -> list[Connection]:
    """One connection for each company told; without any, for the user's own."""
    return [
        dataclasses.replace(connected.connection, company=company)
        for company in connected.companies or (connected.connection.company,)
    ]


def _heading(what: str | Path, connection: Connection, connected: Connected) -> str:
    """What the result of one of several is shown under."""
    return f"{what}, {connection.company}" if len(connected.companies) > 1 else str(what)


def _beside(file: Path, company: str, connected: Connected) -> Path:
    """The package's own path, with the company where there are several."""
    return file.with_stem(f"{file.stem}.{company}") if len(connected.companies) > 1 else file


def _with_errors(document: Mapping[str, Any]) -> Iterator[str]:
    for item in document.get("entities", ()):
        ends = {item["stagingStatus"], item["targetStatus"]}
        if "Error" in ends or item["stagingRecordsInError"] or item["targetRecordsInError"]:
            yield item["entity"]


def _target(
    project: str, company: str, output: Path | None, several: bool, connected: Connected
) -> Path:
    """Where a package is saved. With several of them `--output` is a folder."""
    name = _file_name(project)
    if len(connected.companies) > 1:
        name = f"{name}-{_file_name(company)}"
    if several or (output is not None and output.is_dir()):
        return (output or Path()) / f"{name}.zip"
    return output or Path(f"{name}.zip")


def _ended(documents: Sequence[Mapping[str, Any]], *, as_json: bool) -> int:
    if as_json:
        print_json(documents[0] if len(documents) == 1 else {"executions": documents})
    return 0 if all(one["state"] == "Succeeded" for one in documents) else 1


def _print_result(document: Mapping[str, Any], what: str) -> None:
    if what:
        click.echo(f"{what}:")
    click.echo(f"{document['executionId']}: {document['state']}")
    if document.get("reason"):
        click.echo(document["reason"])
    if "entities" in document:
        print_entities(document)
    else:
        errors = document["errors"]
        for error in errors if isinstance(errors, list) else [errors]:
            click.echo(_foreign_error(error))
    for saved in (*document.get("errorFiles", ()), *filter(None, [document.get("output")])):
        click.echo(f"saved {saved}")


def _foreign_error(error: Any) -> str:
    if isinstance(error, dict):
        return ", ".join(f"{key}: {' '.join(str(value).split())}" for key, value in error.items())
    return str(error)


def _interval(told: float | None, admin: Admin | None) -> float:
    if told is not None:
        return max(told, 0.0)
    return OTHER_INTERVAL if admin is None else OWN_INTERVAL


def _file_name(project: str) -> str:
    """A project's name as a file's: what no file system takes becomes an underscore."""
    name = "".join("_" if c in '<>:"/\\|?*' or ord(c) < 32 else c for c in project)
    return name.strip(" .") or "package"


COMMANDS = {"import": import_, "export": export}
