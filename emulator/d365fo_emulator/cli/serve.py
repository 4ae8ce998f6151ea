"""`serve`: an emulator that runs until it is told to stop."""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING, Any

import click

from d365fo_emulator.admin.connection import client_config, environment_variables, first_application
from d365fo_emulator.cli.logs import configure_log
from d365fo_emulator.cli.options import config_options
from d365fo_emulator.cli.output import note
from d365fo_emulator.cli.ready_file import (
    remove_ready_file,
    well_known_path,
    write_ready_file,
)
from d365fo_emulator.config.environment import load_environment
from d365fo_emulator.config.loader import environment_path, load_config
from d365fo_emulator.kernel.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from d365fo_emulator.config.model import Config
    from d365fo_emulator.emulator.server import Emulator

LOOK_SECONDS = 0.5
"""How long the main thread waits at a stretch: on Windows a signal is only seen in between."""


@click.command("serve")
@config_options
def serve(**arguments: Any) -> int:
    """Run the emulator until SIGINT or SIGTERM.

    Standard output: the addresses, where to point a client, and then `Ready.`; requests are
    logged to standard error.
    """
    stop = _stop_signal()
    config = read_config(arguments, dict(os.environ))
    configure_log(config.log_format, config.log_level)
    from d365fo_emulator.emulator.server import Emulator  # noqa: PLC0415  not for --help

    emulator = Emulator(config=config)
    emulator.start()
    written: list[Path] = []
    try:
        document = ready_document(emulator)
        announce(document, config)
        written = _write_ready_files(document, config)
        click.echo("Ready.")
        while not stop.wait(LOOK_SECONDS):
            pass
    finally:
        for path in written:
            remove_ready_file(path)
        emulator.stop()
    return 0


def read_config(arguments: Mapping[str, Any], variables: Mapping[str, str]) -> Config:
    """The configuration of arguments, variables and the environment file.

    Raises:
        ConfigurationError: something in them cannot be used.

    """
    path = environment_path(arguments, variables)
    server = load_environment(path).server if path else {}
    return load_config(arguments, variables, server)


def ready_document(emulator: Emulator) -> dict[str, Any]:
    """The ready file's content."""
    info = emulator.server_info()
    directory = emulator.parts.directory
    base_url = info.https_url or info.http_url
    connection = client_config(directory, base_url, info.ca_bundle)
    variables = environment_variables(directory, base_url, info.ca_bundle)
    user = directory.by_user_id.get(first_application(directory).user.casefold())
    return {
        "version": info.version,
        "pid": os.getpid(),
        "http_url": info.http_url,
        "https_url": info.https_url,
        "admin_url": f"{info.http_url or info.https_url}/_emulator/v1",
        "blob_url": info.blob_url,
        "ca_bundle": info.ca_bundle,
        "data_dir": info.data_dir,
        "tenant_id": connection["tenant_id"],
        "client_id": connection["client_id"],
        "client_secret": connection["client_secret"],
        "username": user.upn if user else "",
        "password": user.password if user else "",
        "resource": connection["resource"],
        "company": variables["D365FO_COMPANY"],
    }


def announce(document: Mapping[str, Any], config: Config) -> None:
    """The lines of standard output before `Ready.`; the first one is fixed."""
    click.echo(" ".join(url for url in (document["https_url"], document["http_url"]) if url))
    click.echo(f"Tenant    {document['tenant_id']}")
    click.echo(f"Client    {document['client_id']}  secret {document['client_secret']}")
    click.echo(f"Company   {document['company']}")
    if document["ca_bundle"]:
        click.echo(f"Trust     {document['ca_bundle']}")
    click.echo(f"Data      {'nothing is kept' if config.ephemeral else document['data_dir']}")
    click.echo(f"Seed      {config.seed}")
    click.echo("Settings  d365fo-emulator env  (--format sh, ps1, dotenv, json, appsettings)")
    click.echo("Try       d365fo-emulator import PACKAGE  (another terminal; Ctrl-C ends this)")


def _stop_signal() -> threading.Event:
    """An event that SIGINT and SIGTERM set; a second one ends the process at once."""
    stop = threading.Event()

    def handle(number: int, _frame: object) -> None:
        if stop.is_set():
            os._exit(128 + number)
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, handle)
    return stop


def _write_ready_files(document: Mapping[str, Any], config: Config) -> list[Path]:
    written = []
    if config.ready_file is not None:
        try:
            write_ready_file(config.ready_file, document)
        except OSError as error:
            raise ConfigurationError(f"ready_file: cannot be written: {error}") from None
        written.append(config.ready_file)
    try:
        write_ready_file(well_known_path(), document)
        written.append(well_known_path())
    except OSError as error:  # a read-only home: the other verbs then need --url or --ready-file
        note(f"other verbs will not find this emulator by themselves: {error}")
    return written


COMMANDS = {"serve": serve}
