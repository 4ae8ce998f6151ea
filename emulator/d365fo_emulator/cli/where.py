"""Where the emulator is: as told, else as the client variables say, else the one running here."""

from __future__ import annotations

import functools
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from d365fo_emulator.admin.client import HttpAdmin
from d365fo_emulator.cli.ready_file import read_ready_file, well_known_path
from d365fo_emulator.config.model import Config
from d365fo_emulator.kernel.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from d365fo_emulator.admin.api import Admin

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

WHERE_OPTIONS = (
    click.option(
        "--url", help="Address; default: D365FO_BASE_URL, else the emulator running here."
    ),
    click.option("--ca", metavar="FILE", help="PEM file to trust for https."),
    click.option("--admin-token", metavar="TOKEN", help="Needed from another machine."),
    click.option(
        "--ready-file",
        metavar="PATH",
        type=click.Path(path_type=Path),
        help="Ready file of the emulator; default: the one that `serve` always writes.",
    ),
)


def where_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options that say where the emulator is; they arrive as one `where`."""

    @functools.wraps(command)
    def wrapped(
        *args: Any,
        url: str | None,
        ca: str | None,
        admin_token: str | None,
        ready_file: Path | None,
        **more: Any,
    ) -> Any:
        where = Where(url or "", ca or "", admin_token or "", ready_file, dict(os.environ))
        return command(*args, where=where, **more)

    result: Callable[..., Any] = wrapped
    for option in reversed(WHERE_OPTIONS):
        result = option(result)
    return result


def workspace_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--workspace`; without it, the workspace whose tenant the client variables name."""
    return click.option(
        "--workspace", metavar="ID", help="Default: that of D365FO_TENANT_ID, else 'default'."
    )(command)


@dataclass(frozen=True)
class Where:
    """What is known of where the emulator is.

    Attributes:
        url: as told; "" when not.
        variables: the process's environment.

    """

    url: str
    ca: str
    admin_token: str
    ready_file: Path | None
    variables: Mapping[str, str]

    def admin(self, timeout: float = 30) -> Admin:
        """The admin API of the emulator there; nothing is asked of it yet."""
        url, ca = self.address()
        self._check(ca)
        token = self.admin_token or self.variables.get("D365FO_EMULATOR_ADMIN_TOKEN", "")
        return HttpAdmin(url, token, ca, timeout)

    def address(self) -> tuple[str, str]:
        """URL and trusted PEM file (may be "")."""
        variables = self.variables
        ca = self.ca or variables.get("D365FO_CA_BUNDLE", "")
        if self.url:
            return self.url, ca or self._ca_of(self.url)
        if self.ready_file is None and (url := variables.get("D365FO_BASE_URL")):
            return url, ca
        ready = self.ready_document()
        if ready is None:
            return f"http://127.0.0.1:{Config.http_port}", ca
        return ready["http_url"] or ready["https_url"], self.ca or ready["ca_bundle"]

    def ready_document(self) -> dict[str, Any] | None:
        """The ready file: the one told, else the variable's, else the user's own emulator's."""
        told = self.ready_file or self.variables.get("D365FO_EMULATOR_READY_FILE")
        return read_ready_file(Path(told) if told else well_known_path())

    def is_client_configured(self) -> bool:
        """Whether options or variables name a service, so that no emulator is looked for."""
        return bool(self.url or (self.variables.get("D365FO_BASE_URL") and not self.ready_file))

    def workspace(self, admin: Admin, told: str | None) -> str:
        """The workspace meant: as told, else that of the tenant in the client variables."""
        tenant = self.variables.get("D365FO_TENANT_ID")
        if told or not tenant:
            return told or "default"
        return workspace_of_tenant(admin, tenant) or "default"

    def _ca_of(self, url: str) -> str:
        ready = self.ready_document()
        if ready is None or not any(same_place(url, ready[m]) for m in ("https_url", "http_url")):
            return ""
        return str(ready["ca_bundle"])

    def _check(self, ca: str) -> None:
        """A bundle that is gone: that of an emulator that kept nothing and has ended."""
        if not ca or Path(ca).is_file():
            return
        told = "--ca" if self.ca else "D365FO_CA_BUNDLE"
        raise ConfigurationError(
            f"{told}: there is no file {ca}; if the emulator was started anew, take its settings"
            ' anew: eval "$(d365fo-emulator env --url http://localhost:8365)"'
        )


def same_place(one: str, other: str) -> bool:
    """Whether two addresses name the same port, by any of the names of this machine's loopback."""
    first, second = urlsplit(one), urlsplit(other)
    if not other or (first.scheme, first.port) != (second.scheme, second.port):
        return False
    return first.hostname == second.hostname or {first.hostname, second.hostname} <= LOOPBACK


def workspace_of_tenant(admin: Admin, tenant: str) -> str | None:
    """The workspace that has this tenant id."""
    for item in admin.workspaces()["workspaces"]:
        if item["tenant_id"].casefold() == tenant.casefold():
            return str(item["id"])
    return None
