"""`env`: the settings that a client needs, in the form that its surroundings read."""

from __future__ import annotations

import json
import re
import shlex
from typing import TYPE_CHECKING

import click

from d365fo_emulator.admin.connection import LIBRARY_VARIABLES, VARIABLES
from d365fo_emulator.admin.errors import AdminProblem
from d365fo_emulator.cli.where import Where, where_options, workspace_option
from d365fo_emulator.config.environment import environment_schema_text
from d365fo_emulator.kernel.errors import ConfigurationError
from d365fo_emulator.kernel.tables import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from d365fo_emulator.admin.api import Admin


def as_sh(variables: Mapping[str, str]) -> str:
    """For `eval` in a POSIX shell."""
    return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in variables.items())


def as_ps1(variables: Mapping[str, str]) -> str:
    """For `Invoke-Expression` in PowerShell."""
    quoted = {name: value.replace("'", "''") for name, value in variables.items()}
    return "\n".join(f"$env:{name} = '{value}'" for name, value in quoted.items())


def as_dotenv(variables: Mapping[str, str]) -> str:
    """For programs that read a file `.env`."""
    return "\n".join(f"{name}={_dotenv_value(value)}" for name, value in variables.items())


def as_json(variables: Mapping[str, str]) -> str:
    """An object, variable to value."""
    return json.dumps(dict(variables), ensure_ascii=False, indent=2)


def as_appsettings(variables: Mapping[str, str]) -> str:
    """For .NET configuration: the section `D365FO`, names in its spelling."""
    section = {
        "".join(word.capitalize() for word in member.split("_")): variables[name]
        for name, member in VARIABLES.items()
        if name in variables
    }
    return json.dumps({"D365FO": section}, ensure_ascii=False, indent=2)


FORMATS: dict[str, Callable[[Mapping[str, str]], str]] = {
    "sh": as_sh,
    "ps1": as_ps1,
    "dotenv": as_dotenv,
    "json": as_json,
    "appsettings": as_appsettings,
}


@click.command("env")
@click.option(
    "--format",
    "form",
    type=click.Choice(list(FORMATS)),
    default="sh",
    show_default=True,
    help="For which surroundings.",
)
@click.option("--schema", is_flag=True, help="Print the JSON Schema of environment files instead.")
@click.option("--json", "wants_json", is_flag=True, help="The same as --format json.")
@click.option("--get", "key", metavar="KEY", help="One value: D365FO_TENANT_ID, or tenant_id.")
@click.option("--create", is_flag=True, help="Create the workspace when it is not there.")
@click.option(
    "--libraries/--no-libraries",
    default=True,
    help="Also variables of client libraries: REQUESTS_CA_BUNDLE, AZURE_* and so on.",
)
@workspace_option
@where_options
def env(
    form: str,
    wants_json: bool,
    key: str | None,
    schema: bool,
    create: bool,
    libraries: bool,
    workspace: str | None,
    where: Where,
) -> None:
    """Print the settings that a client needs to reach the emulator."""
    if schema:
        click.echo(environment_schema_text().rstrip())
        return
    admin = where.admin()
    if create and not workspace:
        raise click.UsageError("--create needs --workspace ID")
    variables = variables_of(admin, where.workspace(admin, workspace), create=create)
    if key is not None:
        click.echo(value_of(variables, key))
        return
    if not libraries:
        variables = {k: v for k, v in variables.items() if k not in LIBRARY_VARIABLES}
    click.echo(FORMATS["json" if wants_json else form](variables))


def variables_of(admin: Admin, workspace: str, *, create: bool) -> dict[str, str]:
    """The workspace's variables; with `create` it is made when it is not there."""
    if create:
        try:
            return dict(admin.create_workspace(workspace)["environment"])
        except AdminProblem as problem:
            if problem.kind != "workspace-exists":
                raise
    return admin.environment_block(workspace)


def value_of(variables: Mapping[str, str], key: str) -> str:
    """The value of a variable, or of a member: `D365FO_TENANT_ID`, `tenant_id`, `tenant`.

    Raises:
        ConfigurationError: there is none of this name.

    """
    folded = re.sub(r"[^a-z0-9]", "", key.casefold())
    for name, value in variables.items():
        short = name.removeprefix("D365FO_")
        spellings = {name, short, short.removesuffix("_ID"), short.removesuffix("_URL")}
        if folded in {spelling.replace("_", "").casefold() for spelling in spellings}:
            return value
    raise ConfigurationError(f"there is no setting {key!r}{did_you_mean(key.upper(), variables)}")


def _dotenv_value(value: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9_./:@%+,-]*", value):
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")
    return f'"{escaped}"'


COMMANDS = {"env": env}
