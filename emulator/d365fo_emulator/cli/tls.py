"""`tls`: the emulator's certificate authority."""

from __future__ import annotations

import click

from d365fo_emulator.cli.output import json_option, print_json
from d365fo_emulator.cli.where import Where, where_options


@click.group()
def tls() -> None:
    """The certificate authority of the https listener."""


@tls.command("show-ca")
@json_option
@where_options
def show_ca(as_json: bool, where: Where) -> None:
    """Print the certificate authority as PEM."""
    pem = where.admin().ca_pem()
    if as_json:
        print_json({"pem": pem})
    else:
        click.echo(pem.rstrip())


@tls.command(help="Make a certificate. Not built yet.")
def create() -> None:
    """Refused by name."""
    raise click.ClickException("the verb 'tls create' is not built yet")


COMMANDS = {"tls": tls}
