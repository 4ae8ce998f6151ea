"""The development values that are the same on every machine, and the demonstration rows."""

from __future__ import annotations

import base64
import dataclasses
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from d365fo_emulator.config.entries import (
    Client,
    Company,
    EnvironmentFile,
    Project,
    ProjectEntity,
    Seed,
    Tenant,
    UserEntry,
)

if TYPE_CHECKING:
    from d365fo_emulator.kernel.ids import Ids

TENANT = Tenant("d365f0e0-0000-4000-8000-000000000001", "contoso.onmicrosoft.example")
SECRET = "emulator-secret"  # noqa: S105  published, worthless
PASSWORD = "emulator-password"  # noqa: S105  published, worthless

CLIENTS = (
    Client("d365f0e0-0000-4000-8000-00000000c11e", SECRET, "admin", "Emulator client"),
    Client("d365f0e0-0000-4000-8000-0000000000ff", SECRET, "", "Client without user"),
    Client("d365f0e0-0000-4000-8000-0000000000fe", SECRET, "clerk", "Client without rights"),
)
USERS = (
    UserEntry("admin", f"admin@{TENANT.domain}", PASSWORD, "USMF", ("System administrator",)),
    UserEntry("clerk", f"clerk@{TENANT.domain}", PASSWORD, "USMF", ("Accounts receivable clerk",)),
)
COMPANIES = (
    Company("DAT", "Company accounts data"),
    Company("USMF", "Contoso Entertainment System USA"),
    Company("DEMF", "Contoso Entertainment System Germany"),
    Company("USRT", "Contoso Retail USA"),
    Company("GBSI", "Contoso Group UK"),
    Company("INMF", "Contoso Entertainment System India"),
)

DEMONSTRATION_PROJECTS = (
    Project("Export customers", "Export", (ProjectEntity("Customers V3", "CSV"),)),
    Project("Export customer groups", "Export", (ProjectEntity("Customer groups", "CSV"),)),
)

_GROUPS = (
    ("10", "Wholesale", "Net30"),
    ("20", "Retail", "Net10"),
    ("30", "Public sector", "Net30"),
    ("40", "Within the group", "Net10"),
)
_CUSTOMERS = (
    ("EMU-0001", "Harbour Bakery", "20", "USD", "Net10"),
    ("EMU-0002", "Northlight Cinemas", "10", "USD", "Net30"),
    ("EMU-0003", "City of Elmfield", "30", "USD", "Net30"),
    ("EMU-0004", "Papermill Café", "20", "EUR", "Net10"),
    ("EMU-0005", "Quarry & Sons", "10", "USD", "Net30"),
)

DEMONSTRATION_DATA = (
    Seed(
        "Currencies",
        "",
        (
            {"CURRENCYCODE": "USD", "NAME": "US dollar", "SYMBOL": "$"},
            {"CURRENCYCODE": "EUR", "NAME": "Euro", "SYMBOL": "€"},
            {"CURRENCYCODE": "GBP", "NAME": "Pound sterling", "SYMBOL": "£"},
        ),
    ),
    Seed(
        "Terms of payment",
        "USMF",
        (
            {"NAME": "Net10", "DESCRIPTION": "Net 10 days", "NUMBEROFDAYS": 10},
            {"NAME": "Net30", "DESCRIPTION": "Net 30 days", "NUMBEROFDAYS": 30},
        ),
    ),
    Seed(
        "Customer groups",
        "USMF",
        tuple(
            {"CUSTOMERGROUPID": group, "DESCRIPTION": text, "PAYMENTTERMID": term}
            for group, text, term in _GROUPS
        ),
    ),
    Seed(
        "Customers V3",
        "USMF",
        tuple(
            {
                "CUSTOMERACCOUNT": account,
                "PARTYTYPE": "Organization",
                "ORGANIZATIONNAME": name,
                "CUSTOMERGROUPID": group,
                "SALESCURRENCYCODE": currency,
                "PAYMENTTERMS": term,
            }
            for account, name, group, currency, term in _CUSTOMERS
        ),
    ),
)


def default_environment(*, demonstration: bool) -> EnvironmentFile:
    """The environment without a file: `serve` has the demonstration rows, the fixture has none."""
    return EnvironmentFile(
        tenant=TENANT,
        clients=CLIENTS,
        users=USERS,
        companies=COMPANIES,
        data_projects=DEMONSTRATION_PROJECTS if demonstration else (),
        data=DEMONSTRATION_DATA if demonstration else (),
    )


@dataclass(frozen=True)
class WorkspaceIdentity:
    """What sets a workspace other than `default` apart from every other on the wire."""

    tenant_id: str
    domain: str
    client_ids: tuple[str, ...]
    secret: str
    storage_key: str


def workspace_identity(workspace_id: str, ids: Ids, clients: int = 3) -> WorkspaceIdentity:
    """The tenant, clients and keys of a workspace; the same for the same seed and id."""
    label = re.sub(r"[^a-z0-9]+", "-", workspace_id.casefold()).strip("-")[:40] or "workspace"
    digest = ids.fixed(f"domain|{workspace_id}", 4).hex()
    key = ids.fixed("storage-key|1", 32) + ids.fixed("storage-key|2", 32)
    return WorkspaceIdentity(
        tenant_id=str(ids.fixed_guid(f"tenant|{workspace_id}")),
        domain=f"{label}-{digest}.onmicrosoft.example",
        client_ids=tuple(
            str(ids.fixed_guid(f"client|{workspace_id}|{index}")) for index in range(clients)
        ),
        secret=base64.urlsafe_b64encode(ids.fixed(f"secret|{workspace_id}", 24)).decode(),
        storage_key=base64.b64encode(key).decode(),
    )


def for_workspace(environment: EnvironmentFile, identity: WorkspaceIdentity) -> EnvironmentFile:
    """`environment` with the workspace's own tenant, client ids, secrets and user names.

    Users keep their password; clients stay mapped to the same users.
    """
    own = zip(environment.clients, identity.client_ids, strict=True)
    domain = environment.tenant.domain
    return dataclasses.replace(
        environment,
        tenant=Tenant(identity.tenant_id, identity.domain),
        clients=tuple(
            dataclasses.replace(client, id=client_id, secret=identity.secret)
            for client, client_id in own
        ),
        users=tuple(
            dataclasses.replace(user, upn=user.upn.replace(f"@{domain}", f"@{identity.domain}"))
            for user in environment.users
        ),
    )
