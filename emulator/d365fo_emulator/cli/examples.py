"""One example for each verb: shown at the end of its help, and in the reference page."""

from __future__ import annotations

import click

PROGRAM = "d365fo-emulator"

EXAMPLES: dict[str, str] = {
    "serve": "serve --ephemeral --scenario partially-succeeded",
    "wait": "wait --timeout 60",
    "env": 'eval "$(d365fo-emulator env)"',
    "import": "import fixtures/packages/customer-groups-csv.zip --company USMF",
    "export": 'export "Export customer groups" --output groups.zip',
    "executions": "executions list",
    "executions list": "executions list --json",
    "executions show": "executions show A7AE09C1",
    "executions advance": "executions advance A7AE09C1",
    "executions finish": "executions finish A7AE09C1",
    "executions fail": "executions fail A7AE09C1",
    "executions cancel": "executions cancel A7AE09C1",
    "executions rerun": "executions rerun A7AE09C1",
    "clock": "clock advance 61m",
    "clock show": "clock show",
    "clock freeze": "clock freeze",
    "clock resume": "clock resume",
    "clock advance": "clock advance 61m",
    "scenario": "scenario load partially-succeeded",
    "scenario list": "scenario list",
    "scenario show": "scenario show partially-succeeded > my-scenario.yaml",
    "scenario validate": "scenario validate my-scenario.yaml",
    "scenario schema": "scenario schema > scenario.v1.schema.json",
    "scenario load": "scenario load my-scenario.yaml",
    "journal": "journal show",
    "journal show": "journal show --action ImportFromPackage",
    "lint": "lint fixtures/packages/broken-wrong-encoding.zip",
    "package": "package show fixtures/packages/customers-with-groups.zip",
    "package new": 'package new "Customer groups=groups.csv" --output groups.zip',
    "package show": "package show fixtures/packages/customers-with-groups.zip --entity Customers",
    "catalogue": "catalogue show CustomersV3",
    "catalogue show": "catalogue show CustomersV3",
    "catalogue import": "catalogue import metadata.xml --entities entities.csv",
    "catalogue learn": "catalogue learn package.zip --output own.jsonl",
    "tls": "tls show-ca",
    "tls show-ca": "tls show-ca > ca.pem",
}
"""By the words of the verb; what begins with another word than a verb is a whole shell line."""


def example_line(words: str) -> str:
    """The example of this verb as it is typed; "" for a verb that is not built."""
    text = EXAMPLES.get(words, "")
    return f"{PROGRAM} {text}" if text.startswith(words) else text


def show_examples(command: click.Command, words: str) -> click.Command:
    """Ends the help of a verb, and of those below it, with their examples."""
    if line := example_line(words):
        command.epilog = f"\b\nExample:\n  {line}"
    if isinstance(command, click.Group):
        for name, below in command.commands.items():
            show_examples(below, f"{words} {name}")
    return command
