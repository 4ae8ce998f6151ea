"""`executions`: look at runs without spending polls, and move them by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from d365fo_emulator.cli.output import json_option, print_json, print_table
from d365fo_emulator.cli.where import Where, where_options, workspace_option

if TYPE_CHECKING:
    from collections.abc import Mapping

ACTIONS = {
    "advance": "Enter the next step of its timeline.",
    "finish": "Enter the last step of its timeline.",
    "fail": "End it as Failed.",
    "cancel": "End it as Canceled.",
}


@click.group()
def executions() -> None:
    """Look at executions, and move them by hand."""


@executions.command("list")
@json_option
@workspace_option
@where_options
def list_(as_json: bool, workspace: str | None, where: Where) -> None:
    """All executions, oldest first."""
    admin = where.admin()
    found = admin.executions(where.workspace(admin, workspace))
    if as_json:
        print_json(found)
        return
    head = ("execution", "operation", "project", "company", "state", "polls")
    keys = ("executionId", "operation", "definitionGroup", "company", "state", "polls")
    print_table(head, [[item.get(key) for key in keys] for item in found["executions"]])


@executions.command()
@click.argument("execution")
@json_option
@workspace_option
@where_options
def show(execution: str, as_json: bool, workspace: str | None, where: Where) -> None:
    """One execution: states, entities, errors."""
    admin = where.admin()
    document = admin.execution(where.workspace(admin, workspace), execution)
    if as_json:
        print_json(document)
    else:
        print_execution(document)


def print_execution(document: Mapping[str, Any]) -> None:
    """An execution document, for people."""
    click.echo(f"{document['executionId']}: {document['state']}")
    if document.get("reason"):
        click.echo(document["reason"])
    for entry in document.get("timeline", ()):
        click.echo(f"  {entry['at']}  {entry['state']}: {entry['because']}")
    print_entities(document)


def print_entities(document: Mapping[str, Any]) -> None:
    """Counts by entity, then the errors."""
    for item in document.get("entities", ()):
        click.echo(counts_line(item))
    for error in document.get("errors", []):
        click.echo(error_line(error))
    more = document.get("errorCount", 0) - len(document.get("errors", []))
    if more > 0:
        click.echo(f"and {more} more errors")


def counts_line(item: Mapping[str, Any]) -> str:
    """What became of one entity, in one line."""
    staged, target = item["stagingStatus"], item["targetStatus"]
    return (
        f"{item['entity']}: {item['sourceRecords']} read,"
        f" {item['stagingRecordsCreated']} staged ({item['stagingRecordsInError']} in error),"
        f" {item['targetRecordsCreated']} created, {item['targetRecordsUpdated']} updated"
        f" ({item['targetRecordsInError']} in error); staging {staged}, target {target}"
    )


def error_line(error: Mapping[str, Any]) -> str:
    """One row error in one line."""
    place = f"{error.get('entity', '')} row {error.get('recordId', '?')} ({error.get('stage', '')})"
    field = f" {error['field']}:" if error.get("field") else ""
    return f"{place}:{field} {' '.join(str(error.get('message', '')).split())}"


def _action(name: str, text: str) -> click.Command:
    @click.argument("execution")
    @json_option
    @workspace_option
    @where_options
    def move(execution: str, as_json: bool, workspace: str | None, where: Where) -> None:
        admin = where.admin()
        document = admin.control(where.workspace(admin, workspace), execution, name)
        if as_json:
            print_json(document)
        else:
            click.echo(f"{document['executionId']}: {document['state']}")

    return click.command(name, help=text)(move)


for _name, _text in ACTIONS.items():
    executions.add_command(_action(_name, _text))

COMMANDS = {"executions": executions}
