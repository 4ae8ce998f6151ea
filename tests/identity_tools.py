"""What the tests of the token service stand on: a directory with every kind of client."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import jwt

from d365fo_emulator.http.exchange import ENVIRON_KEY, Exchange, SurfaceName
from d365fo_emulator.identity.http import build_surface
from d365fo_emulator.identity.model import Application, Directory, TokenRequest, User
from d365fo_emulator.kernel.clock import Clock, ClockMode
from d365fo_emulator.kernel.ids import Ids
from d365fo_emulator.kernel.settings import Settings
from d365fo_emulator.kernel.workspace import Workspace, WorkspaceId

if TYPE_CHECKING:
    from pathlib import Path

    from werkzeug.test import TestResponse

    from d365fo_emulator.identity.service import IdentityService

NOW = dt.datetime(2026, 1, 1, 12, 0, tzinfo=dt.UTC)
BASE = "https://localhost:8443"
TENANT = "d365f0e0-0000-4000-8000-000000000001"
DOMAIN = "contoso.onmicrosoft.example"
CLIENT = "d365f0e0-0000-4000-8000-00000000c11e"
UNMAPPED = "d365f0e0-0000-4000-8000-0000000000ff"
WITHOUT_ROLE = "d365f0e0-0000-4000-8000-0000000000fe"
OF_DISABLED = "d365f0e0-0000-4000-8000-0000000000fd"
OF_NOBODY = "d365f0e0-0000-4000-8000-0000000000fc"
SECRET = "emulator+secret/with=signs~"
ENVIRONMENT = "https://myenv.operations.dynamics.com"
GUID = "00000015-0000-0000-c000-000000000000"

DIRECTORY = Directory(
    tenant_id=TENANT,
    domain=DOMAIN,
    applications=(
        Application(CLIENT, SECRET, user="admin"),
        Application(UNMAPPED, SECRET),
        Application(WITHOUT_ROLE, SECRET, user="clerk"),
        Application(OF_DISABLED, SECRET, user="gone"),
        Application(OF_NOBODY, SECRET, user="never-there"),
    ),
    users=(
        User("admin", f"admin@{DOMAIN}", password="user-password"),
        User("clerk", f"clerk@{DOMAIN}", roles=("Accountant",)),
        User("gone", f"gone@{DOMAIN}", enabled=False),
    ),
    resources=(ENVIRONMENT,),
)


def workspace_in(folder: Path, **settings: Any) -> Workspace:
    return Workspace(
        id=WorkspaceId("default"),
        seed=0,
        clock=Clock(ClockMode.VIRTUAL, NOW),
        ids=Ids(0, "default"),
        folder=folder,
        storage_account="devstoreaccount1",
        storage_key="",
        settings=Settings(**settings),
    )


def is_own_audience(name: str) -> bool:
    return name in {BASE, "http://localhost:8365", f"{BASE}/namespaces/AXSF"}


def ask(version: int = 2, *, tenant: str = TENANT, authorization: str | None = None, **form: str):
    """A request for an app-only token; a member given as None-like "" is left out."""
    members = {
        "grant_type": "client_credentials",
        "client_id": CLIENT,
        "client_secret": SECRET,
        **({"scope": f"{BASE}/.default"} if version == 2 else {"resource": BASE}),
        **form,
    }
    kept = {name: value for name, value in members.items() if value}
    return TokenRequest(tenant, version, kept, BASE, authorization)


def claims_of(token: str) -> dict[str, Any]:
    return jwt.decode(token, options={"verify_signature": False})


@dataclass
class Wire:
    """The surface behind a test client that gives each request an exchange, as the gateway does."""

    service: IdentityService
    surface: Any
    exchange: Exchange | None = None

    def __call__(self, method: str, path: str, **options: Any) -> TestResponse:
        exchange = Exchange(
            method=method,
            path=path,
            query="",
            surface=SurfaceName.TOKEN,
            workspace=self.service.workspace,
            request_id="request-1",
            received_at=NOW,
            base_url=BASE,
            secure=True,
            remote_address="127.0.0.1",
        )
        self.exchange = exchange
        return self.surface.app.test_client().open(
            path, method=method, environ_overrides={ENVIRON_KEY: exchange}, **options
        )


def wire_for(service: IdentityService) -> Wire:
    def workspace_of_tenant(tenant: str) -> Workspace | None:
        names = {service.directory.tenant_id, service.directory.domain}
        return service.workspace if tenant.casefold() in names else None

    surface = build_surface(
        service_of=lambda _workspace: service, workspace_of_tenant=workspace_of_tenant
    )
    return Wire(service, surface)


def changed(directory: Directory, client_id: str, **members: Any) -> Directory:
    """The directory with one application changed."""
    return replace(
        directory,
        applications=tuple(
            replace(a, **members) if a.client_id == client_id else a for a in directory.applications
        ),
    )
