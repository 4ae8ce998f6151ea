"""`clock`: a workspace's time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from d365fo_emulator.cli.executions import short_instant
from d365fo_emulator.cli.output import json_option, print_json
from d365fo_emulator.cli.where import Where, where_options, workspace_option

if TYPE_CHECKING:
    from d365fo_emulator.admin.api import Document


@click.group()
def clock() -> None:
    """Show and move a workspace's clock."""


@clock.command()
@json_option
@workspace_option
@where_options
def show(as_json: bool, workspace: str | None, where: Where) -> None:
    """The present time, how it goes, and when the next work falls due."""
    admin = where.admin()
    _print(admin.clock(where.workspace(admin, workspace)), as_json=as_json)


@clock.command()
@json_option
@workspace_option
@where_options
def freeze(as_json: bool, workspace: str | None, where: Where) -> None:
    """Stop the clock."""
    admin = where.admin()
    _print(admin.freeze_clock(where.workspace(admin, workspace)), as_json=as_json)


@clock.command()
@json_option
@workspace_option
@where_options
def resume(as_json: bool, workspace: str | None, where: Where) -> None:
    """Let the clock run with the machine's again."""
    admin = where.admin()
    _print(admin.resume_clock(where.workspace(admin, workspace)), as_json=as_json)


@clock.command()
@click.argument("by")
@json_option
@workspace_option
@where_options
def advance(by: str, as_json: bool, workspace: str | None, where: Where) -> None:
    """Move the clock on by a duration, such as 61m or 8d."""
    admin = where.admin()
    _print(admin.advance_clock(where.workspace(admin, workspace), by), as_json=as_json)


def _print(document: Document, *, as_json: bool) -> None:
    if as_json:
        print_json(document)
        return
    due = document.get("nextDue")
    now = short_instant(document["now"])
    click.echo(f"{now} ({document['mode']})" + (f", next due {short_instant(due)}" if due else ""))
    for item in document.get("ran", ()):
        click.echo(f"  {short_instant(item['at'])}  {item['what']}")


COMMANDS = {"clock": clock}
