"""`journal`: what clients asked, what was answered and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from d365fo_emulator.cli.output import is_terminal, json_option, print_json
from d365fo_emulator.cli.where import Where, where_options, workspace_option

if TYPE_CHECKING:
    from collections.abc import Mapping


@click.group()
def journal() -> None:
    """What clients asked, and what was answered."""


@journal.command()
@click.argument("request_id", required=False)
@click.option(
    "--limit",
    type=click.IntRange(1, 1000),
    default=50,
    show_default=True,
    help="How many of the latest calls.",
)
@click.option("--action", help="Calls of this action alone.")
@click.option("--execution", metavar="ID", help="Calls about this execution alone.")
@click.option("--status", type=int, help="Calls answered with this status alone.")
@click.option("--surface", help="token, odata, blob or admin.")
@click.option("--since", metavar="INSTANT", help="Calls from then on.")
@json_option
@workspace_option
@where_options
def show(
    request_id: str | None, as_json: bool, workspace: str | None, where: Where, **filters: Any
) -> None:
    """The latest calls, or one in full by its X-Emulator-Request-Id."""
    admin = where.admin()
    wanted = where.workspace(admin, workspace)
    if request_id is not None:
        print_json(admin.journal_entry(wanted, request_id))
        return
    given = {name: value for name, value in filters.items() if value is not None}
    found = admin.journal(wanted, **given)
    if as_json:
        print_json(found)
        return
    if is_terminal():
        for entry in found["entries"]:
            click.echo(short_line(entry))
        return
    for entry in found["entries"]:
        click.echo(f"{entry['id']}  {entry['line']}")


def short_line(entry: Mapping[str, Any]) -> str:
    """A call in 80 columns, its reason below it: the id for a look at it in full comes first."""
    facts = entry["facts"]
    what = facts.get("action") or facts.get("operation") or f"{entry['method']} {entry['path']}"
    line = f"{entry['id']}  {entry['at'][11:19]}  {entry['status']}  {what}"
    return f"{line}\n    {entry['reason']}" if entry["reason"] else line


for _name in ("tail", "export"):

    @journal.command(_name, help="Not built yet.")
    @click.pass_context
    def _unbuilt(ctx: click.Context) -> None:
        raise click.ClickException(f"the verb 'journal {ctx.info_name}' is not built yet")


COMMANDS = {"journal": journal}
