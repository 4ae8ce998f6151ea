"""`executions`: look at runs without spending polls, and move them by hand."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click

from d365fo_emulator.cli.output import is_terminal, json_option, print_json, print_table
from d365fo_emulator.cli.where import Where, where_options, workspace_option

if TYPE_CHECKING:
    from collections.abc import Mapping

    from d365fo_emulator.admin.api import Admin

ACTIONS = {
    "advance": "Enter the next step of its timeline.",
    "finish": "Enter the last step of its timeline.",
    "fail": "End it as Failed.",
    "cancel": "End it as Canceled.",
    "rerun": "Run the target step again, for staged rows that are not written yet.",
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
    if is_terminal():  # 80 columns: an id is never cut, the rest shares one column
        head = ("execution", "state", "polls", "what")
        rows = [[i["executionId"], i["state"], i["polls"], _what(i)] for i in found["executions"]]
        print_table(head, rows, whole=head[:3])
        return
    keys = ("executionId", "operation", "definitionGroup", "company", "state", "polls")
    print_table(keys, [[item.get(key) for key in keys] for item in found["executions"]])


def _what(item: Mapping[str, Any]) -> str:
    return f"{item['operation']} {item['company']} {item['definitionGroup']}"


@executions.command()
@click.argument("execution")
@json_option
@workspace_option
@where_options
def show(execution: str, as_json: bool, workspace: str | None, where: Where) -> None:
    """One execution: states, entities, errors."""
    admin = where.admin()
    wanted = where.workspace(admin, workspace)
    document = admin.execution(wanted, full_id(admin, wanted, execution))
    if as_json:
        print_json(document)
    else:
        print_execution(document)


def full_id(admin: Admin, workspace: str, execution: str) -> str:
    """The id that begins so, when exactly one does; else what was given, for the server to refuse.

    Ids are 36 characters long, and free text when a client chose them.
    """
    ids = [str(item["executionId"]) for item in admin.executions(workspace)["executions"]]
    begin_so = [one for one in ids if one.casefold().startswith(execution.casefold())]
    return begin_so[0] if execution not in ids and len(begin_so) == 1 else execution


def print_execution(document: Mapping[str, Any]) -> None:
    """An execution document, for people."""
    click.echo(f"{document['executionId']}: {document['state']}")
    if document.get("reason"):
        click.echo(document["reason"])
    for entry in document.get("timeline", ()):
        click.echo(f"  {short_instant(entry['at'])}  {entry['state']}: {entry['because']}")
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
    """What became of one entity, in one line; what went well without saying is left out."""
    in_error = {"staging": item["stagingRecordsInError"], "target": item["targetRecordsInError"]}
    ends = {"staging": item["stagingStatus"], "target": item["targetStatus"]}
    return (
        f"{item['entity']}: {item['sourceRecords']} read, {item['stagingRecordsCreated']} staged,"
        f" {item['targetRecordsCreated']} created, {item['targetRecordsUpdated']} updated"
        + "".join(f", {count} in error at {stage}" for stage, count in in_error.items() if count)
        + "".join(f"; {stage} {end}" for stage, end in ends.items() if end != "Finished")
    )


def short_instant(text: str) -> str:
    """An instant of a document without the digits that nobody reads: those below a millisecond."""
    return re.sub(r"(\.[0-9]{3})[0-9]+", r"\1", text)


def error_line(error: Mapping[str, Any]) -> str:
    """One row error in one line."""
    record = str(error.get("recordId", "?"))
    row = f" row {record}" if record != "0" else ""  # 0: the entity as a whole
    place = f"{error.get('entity', '')}{row} ({error.get('stage', '')})"
    field = f" {error['field']}:" if error.get("field") else ""
    return f"{place}:{field} {' '.join(str(error.get('message', '')).split())}"


def _action(name: str, text: str) -> click.Command:
    @click.argument("execution")
    @json_option
    @workspace_option
    @where_options
    def move(execution: str, as_json: bool, workspace: str | None, where: Where) -> None:
        admin = where.admin()
        wanted = where.workspace(admin, workspace)
        document = admin.control(wanted, full_id(admin, wanted, execution), name)
        if as_json:
            print_json(document)
        else:
            click.echo(f"{document['executionId']}: {document['state']}")

    return click.command(name, help=text)(move)


for _name, _text in ACTIONS.items():
    executions.add_command(_action(_name, _text))

COMMANDS = {"executions": executions}
