"""How `import` and `export` find the service and who they sign in as."""

from __future__ import annotations

import dataclasses
import functools
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from d365fo_emulator.admin.connection import VARIABLES
from d365fo_emulator.admin.errors import AdminProblem, AdminUnreachable
from d365fo_emulator.cli.api import Connection
from d365fo_emulator.cli.where import Where
from d365fo_emulator.kernel.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from d365fo_emulator.admin.api import Admin

OPTIONS: dict[str, tuple[str, str]] = {
    "url": ("base_url", "Address; default: D365FO_BASE_URL, else the emulator running here."),
    "tenant": ("tenant_id", "Tenant id; an emulator tells its own, as all below."),
    "client_id": ("client_id", "Application id."),
    "client_secret": ("client_secret", "Its secret; better by D365FO_CLIENT_SECRET."),
    "resource": ("resource", "Resource to ask a token for; default: the address."),
    "token_url": ("token_url", "Token endpoint."),
    "ca": ("ca_bundle", "PEM file to trust for https."),
}
"""Option to the member of the connection that it sets, and its help."""

PUBLIC_AUTHORITY = "https://login.microsoftonline.com"
PROBE_SECONDS = 5.0


@dataclass(frozen=True)
class Connected:
    """Where to go as whom; `admin` when the service is an emulator that lets us look.

    `companies`: as told, in their order; none: the user's own.
    """

    connection: Connection
    admin: Admin | None
    companies: tuple[str, ...] = ()


def connection_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options; they arrive as one `connected`."""

    @functools.wraps(command)
    def wrapped(
        *args: Any,
        ready_file: Path | None,
        admin_token: str | None,
        company: tuple[str, ...],
        **more: Any,
    ) -> Any:
        told: dict[str, str | None] = {
            member: more.pop(option) for option, (member, _) in OPTIONS.items()
        }
        where = Where(
            told["base_url"] or "",
            told["ca_bundle"] or "",
            admin_token or "",
            ready_file,
            dict(os.environ),
        )
        told["company"] = company[0] if company else None
        connected = dataclasses.replace(
            connect(told, where), companies=tuple(dict.fromkeys(company))
        )
        return command(*args, connected=connected, **more)

    result: Callable[..., Any] = wrapped
    result = click.option(
        "--admin-token", metavar="TOKEN", help="To see counts of an emulator on another machine."
    )(result)
    result = click.option(
        "--ready-file",
        type=click.Path(path_type=Path),
        help="Ready file of the emulator; default: the one that `serve` always writes.",
    )(result)
    result = click.option(
        "--company", multiple=True, help="Legal entity; repeatable; default: the user's."
    )(result)
    for option, (_, text) in reversed(OPTIONS.items()):
        result = click.option("--" + option.replace("_", "-"), option, help=text)(result)
    return result


def connect(told: Mapping[str, str | None], where: Where) -> Connected:
    """The connection that options, else variables, else the emulator here give.

    Raises:
        ConfigurationError: something is missing that nobody knows; the message names it.
        AdminUnreachable: nothing names a service, and no emulator runs here.

    """
    given = {member: value for member, value in told.items() if value}
    known = dict(given) if where.url else {**_from_variables(where), **given}
    admin: Admin | None = where.admin(PROBE_SECONDS)
    try:
        own = dict(_block_of(admin))
    except (AdminUnreachable, AdminProblem):
        if not where.is_client_configured() or (where.url and not _signs_in(told, where)):
            raise  # an address alone means an emulator; its silence is what is wrong
        admin, own = None, {}
    if not where.is_client_configured():
        known = {**own, **given}
    elif where.url:
        known = {**own, **_from_variables_for(where, own), **given}
    return Connected(_connection(known), admin)


def _signs_in(told: Mapping[str, str | None], where: Where) -> bool:
    """Whether anything says who signs in, as one must at a service that is no emulator."""
    names = ("D365FO_CLIENT_ID", "D365FO_TENANT_ID")
    return any(told.get(member) for member in ("client_id", "client_secret", "token_url")) or any(
        where.variables.get(name) for name in names
    )


def _block_of(admin: Admin | None) -> dict[str, str]:
    assert admin is not None  # noqa: S101  the caller has just made it
    admin.live()
    try:
        block = admin.environment_block("default")
    except AdminProblem:
        return {}  # an emulator on another machine, without its admin token: still one to use
    return {member: block[variable] for variable, member in VARIABLES.items()}


def _from_variables(where: Where) -> dict[str, str]:
    found = {member: where.variables.get(variable) for variable, member in VARIABLES.items()}
    return {member: value for member, value in found.items() if value}


def _from_variables_for(where: Where, own: Mapping[str, str]) -> dict[str, str]:
    """Variables beside `--url`: who signs in, unless the emulator there has said it."""
    if own:
        return {}
    found = _from_variables(where)
    same = found.get("base_url", "").rstrip("/") == where.url.rstrip("/")
    members = found if same else {m: found[m] for m in PERSONAL if m in found}
    return dict(members)


PERSONAL = ("tenant_id", "client_id", "client_secret", "company")
"""Members that say who signs in, and not where."""


def _connection(known: Mapping[str, str]) -> Connection:
    base_url = known.get("base_url", "").rstrip("/")
    tenant = known.get("tenant_id", "")
    token_url = known.get("token_url", "")
    if not token_url and tenant:
        token_url = f"{known.get('authority') or f'{PUBLIC_AUTHORITY}/{tenant}'}/oauth2/token"
    missing = [
        name
        for name, value in (
            ("--url", base_url),
            ("--client-id", known.get("client_id")),
            ("--client-secret", known.get("client_secret")),
            ("--tenant or --token-url", token_url),
        )
        if not value
    ]
    if missing:
        raise ConfigurationError(f"missing: {', '.join(missing)} (or the D365FO_* variables)")
    return Connection(
        base_url=base_url,
        token_url=token_url,
        client_id=known["client_id"],
        client_secret=known["client_secret"],
        resource=known.get("resource") or base_url,
        company=known.get("company") or "",
        ca=known.get("ca_bundle") or "",
        tenant_id=tenant,
    )
