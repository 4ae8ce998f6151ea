"""`scenario`: what shipped scenarios there are, and which one is in force."""

from __future__ import annotations

from pathlib import Path

import click

from d365fo_emulator.cli.output import json_option, note, print_json, print_table
from d365fo_emulator.cli.where import Where, where_options, workspace_option
from d365fo_emulator.kernel.errors import ConfigurationError
from d365fo_emulator.scenarios import library
from d365fo_emulator.scenarios.loader import load_text, schema_text
from d365fo_emulator.scenarios.problems import ScenarioInvalid


@click.group()
def scenario() -> None:
    """Scenarios: list, show, validate, load."""


@scenario.command("list")
@json_option
def list_(as_json: bool) -> None:
    """The shipped scenarios, one line each."""
    found = library.names()
    if as_json:
        scenarios = [{"name": name, "description": text} for name, text in found]
        print_json({"scenarios": scenarios})
    else:
        print_table(("name", "description"), found)


@scenario.command()
@click.argument("name", required=False)
@json_option
@workspace_option
@where_options
def show(name: str | None, as_json: bool, workspace: str | None, where: Where) -> None:
    """A shipped scenario's file, or (without NAME) the scenario in force."""
    if name is not None:
        text = library.text(name)
        if as_json:
            print_json(dict(load_text(text, name).source))
        else:
            click.echo(text.rstrip())
        return
    admin = where.admin()
    print_json(admin.scenario(where.workspace(admin, workspace)))


@scenario.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE…")
@json_option
def validate(files: tuple[str, ...], as_json: bool) -> int:
    """Check scenario files; exit 1 when one cannot be used."""
    problems = []
    for file in files:
        try:
            load_text(_read(file), file)
        except ScenarioInvalid as invalid:
            problems += [{"file": file, **vars(problem)} for problem in invalid.problems]
    if as_json:
        print_json({"valid": not problems, "problems": problems})
    else:
        for item in problems:
            note(f"{item['file']}:{item['line']}:{item['column']}: {item['message']}")
        if not problems:
            click.echo(f"{len(files)} checked, nothing wrong")
    return 1 if problems else 0


@scenario.command()
def schema() -> None:
    """The JSON Schema of scenario files."""
    click.echo(schema_text().rstrip())


@scenario.command()
@click.argument("file_or_name")
@json_option
@workspace_option
@where_options
def load(file_or_name: str, as_json: bool, workspace: str | None, where: Where) -> None:
    """Put a scenario (a file, or a shipped one's name) in force."""
    text = scenario_text(file_or_name)
    load_text(text, file_or_name)  # refused here with the file's own name
    admin = where.admin()
    document = admin.put_scenario(where.workspace(admin, workspace), text)
    if as_json:
        print_json(document)
    else:
        count = len(document["rules"])
        rules = f"{count} rule{'' if count == 1 else 's'}"
        click.echo(f"in force: {document['name'] or file_or_name} ({rules})")


@scenario.command(help="Make a scenario file. Not built yet.")
@click.argument("name", required=False)
def new(name: str | None) -> None:
    """Refused by name."""
    del name
    raise click.ClickException("the verb 'scenario new' is not built yet")


def scenario_text(file_or_name: str) -> str:
    """The text of a file, or of the shipped scenario of this name."""
    if Path(file_or_name).suffix or "/" in file_or_name or Path(file_or_name).is_file():
        return _read(file_or_name)
    return library.text(file_or_name)


def _read(file: str) -> str:
    try:
        return Path(file).read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file}: cannot be read: {error}") from None


COMMANDS = {"scenario": scenario}
