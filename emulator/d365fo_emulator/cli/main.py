"""Entry point of the command: the verbs, and what each error means for the exit code."""

from __future__ import annotations

import importlib
import io
import sys
from enum import IntEnum

import click

from d365fo_emulator.cli.examples import show_examples
from d365fo_emulator.kernel.errors import EmulatorError
from d365fo_emulator.kernel.tables import did_you_mean
from d365fo_emulator.kernel.version import __version__

VERBS: dict[str, str] = {
    "serve": "serve",
    "wait": "waiting",
    "env": "env",
    "import": "transfer",
    "export": "transfer",
    "executions": "executions",
    "clock": "clock",
    "scenario": "scenario",
    "journal": "journal",
    "tls": "tls",
    "catalogue": "catalogue",
    "lint": "lint",
    "package": "package",
}
"""Verb to the module that has it; a module is imported when its verb is used."""

UNBUILT: dict[str, str] = {
    "run": "Run a command beside an emulator.",
    "verify": "Check which calls came.",
    "snapshot": "Save or load everything kept.",
    "reset": "Put a workspace back to its beginning.",
    "doctor": "Check ports, trust and addresses.",
}
"""Verbs that are planned: shown in the help, and refused by name."""


OLDEST_PYTHON = (3, 11)


BEGINNING = """\b
To begin, in two terminals:
  d365fo-emulator serve --ephemeral
  d365fo-emulator import fixtures/packages/customer-groups-csv.zip"""
"""Ends the help; the first character keeps the lines as they are."""


class ExitCode(IntEnum):
    """What the command ends with."""

    OK = 0
    FAILED = 1
    USAGE = 2
    UNREACHABLE = 3


class Verbs(click.Group):
    """The verbs, each imported when it is asked for: `--help` and `wait` start fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every verb in the order of the reference, those not built last."""
        del ctx
        return [*VERBS, *UNBUILT]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The verb of this name."""
        del ctx
        if cmd_name in UNBUILT:
            return unbuilt(cmd_name, UNBUILT[cmd_name])
        if cmd_name not in VERBS:
            return None
        module = importlib.import_module(f"d365fo_emulator.cli.{VERBS[cmd_name]}")
        command: click.Command = module.COMMANDS[cmd_name]
        return show_examples(command, cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Refuses a word that is no verb with the nearest that is one."""
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            hint = did_you_mean(args[0], self.list_commands(ctx))
            raise click.UsageError(f"there is no verb {args[0]!r}{hint}", ctx)
        return super().resolve_command(ctx, args)


@click.command(
    cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]}, epilog=BEGINNING
)
@click.version_option(__version__, prog_name="d365fo-emulator")
def cli() -> None:
    """A local emulator of the file-based integration of Dynamics 365 Finance & Operations.

    Exit codes: 0 ok; 1 what was asked about is false or failed; 2 wrong usage or configuration;
    3 the emulator could not be reached.
    """


def unbuilt(verb: str, text: str) -> click.Command:
    """A verb that says in one sentence that there is nothing behind it yet."""

    @click.command(
        verb,
        help=f"{text} Not built yet.",
        short_help=f"{text} (not built yet)",
        context_settings={"ignore_unknown_options": True},
        add_help_option=True,
    )
    @click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
    def refuse(arguments: tuple[str, ...]) -> None:
        del arguments
        raise click.ClickException(f"the verb {verb!r} is not built yet")

    return refuse


def main() -> None:
    """Runs the command and exits."""
    if too_old := python_refusal(sys.version_info[:2]):
        sys.exit(_say(too_old, ExitCode.USAGE))
    write_anything()
    sys.exit(run(sys.argv[1:]))


def write_anything() -> None:
    """Lets answers hold characters that the output's encoding lacks: they become `?`.

    Elsewhere than on a terminal, Windows gives programs a code page.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def python_refusal(running: tuple[int, int]) -> str:
    """Why this Python cannot run the emulator; "" when it can (a checkout has no installer)."""
    if running >= OLDEST_PYTHON:
        return ""
    have, need = (".".join(map(str, version)) for version in (running, OLDEST_PYTHON))
    return f"Python {have} is too old: run it with Python {need} or later"


def run(arguments: list[str]) -> int:
    """Runs the command with these arguments; returns the exit code."""
    try:
        result = cli.main(arguments, prog_name="d365fo-emulator", standalone_mode=False)
    except click.exceptions.Exit as end:
        return end.exit_code
    except BrokenPipeError:
        return ExitCode.OK  # the reader of a pipe has seen enough
    except (click.Abort, click.ClickException, EmulatorError) as error:
        return _refuse(error)
    return result if isinstance(result, int) else ExitCode.OK


def _refuse(error: click.Abort | click.ClickException | EmulatorError) -> ExitCode:
    """Says what is wrong, in one place and one form."""
    if isinstance(error, click.UsageError):
        error.show()
        return ExitCode.USAGE
    if isinstance(error, click.ClickException):
        return _say(error.format_message(), ExitCode.USAGE)
    if isinstance(error, click.Abort):
        return _say("interrupted", ExitCode.FAILED)
    return _say(f"{error}{_remedy(error)}", exit_code_of(error))


def _remedy(error: EmulatorError) -> str:
    """What to do when no emulator is there: the one thing that a newcomer forgets."""
    from d365fo_emulator.admin.errors import AdminUnreachable  # noqa: PLC0415  as below

    if isinstance(error, AdminUnreachable) and str(error).startswith("nothing answers"):
        return "\n  no emulator runs there; start one with: d365fo-emulator serve"
    return ""


def exit_code_of(error: EmulatorError) -> ExitCode:
    """What an error means for scripts."""
    from d365fo_emulator.admin.errors import AdminProblem, AdminUnreachable  # noqa: PLC0415
    from d365fo_emulator.cli.api import (  # noqa: PLC0415
        ApiRefused,
        ApiUnreachable,
        StillWaiting,
    )

    if isinstance(error, (AdminUnreachable, ApiUnreachable)):
        return ExitCode.UNREACHABLE
    if isinstance(error, AdminProblem):
        wrong_usage = error.status in (400, 401, 403, 501)
        return ExitCode.USAGE if wrong_usage else ExitCode.FAILED
    return ExitCode.FAILED if isinstance(error, (ApiRefused, StillWaiting)) else ExitCode.USAGE


def _say(text: str, code: ExitCode) -> ExitCode:
    click.echo(f"d365fo-emulator: {text}", err=True)
    return code
