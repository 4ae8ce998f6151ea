"""Access tokens as the token service signs them.

Finance & Operations is a resource of the first generation: its tokens are `ver` 1.0 whichever
endpoint issues them, because the resource decides the version (documented).
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from d365fo_emulator.identity.keys import SigningKeys
    from d365fo_emulator.identity.model import Application
    from d365fo_emulator.kernel.ids import Ids
    from d365fo_emulator.kernel.workspace import Workspace

STS = "https://sts.windows.net"
SHORTEST_LIFETIME = 3599
LONGEST_LIFETIME = 3900
BACKDATED = 300
"""Seconds by which a token is valid before it was issued (recorded)."""


@dataclass(frozen=True)
class IssuedToken:
    """A signed token with the figures that the answer repeats; instants are POSIX seconds."""

    access_token: str
    expires_in: int
    expires_on: int
    not_before: int


def issuer_of(tenant_id: str, base_url: str, token_issuer: str) -> str:
    """The `iss` of tokens: the real service's, or the emulator's own address (`emulator`)."""
    authority = base_url if token_issuer == "emulator" else STS  # noqa: S105  a setting's value
    return f"{authority}/{tenant_id}/"


def mint(
    workspace: Workspace,
    keys: SigningKeys,
    *,
    application: Application,
    tenant_id: str,
    audience: str,
    base_url: str,
) -> IssuedToken:
    """An app-only token for `audience`, exactly as it was asked for.

    Its times are the workspace's, so that a test can let it expire by moving the clock.
    """
    issued = int(workspace.clock.now.timestamp())
    lifetime = workspace.ids.number("token-lifetime", SHORTEST_LIFETIME, LONGEST_LIFETIME)
    issuer = issuer_of(tenant_id, base_url, workspace.settings.token_issuer)
    principal = service_principal_id(workspace.ids, application)
    claims: dict[str, Any] = {
        "aud": audience,
        "iss": issuer,
        "iat": issued,
        "nbf": issued - BACKDATED,
        "exp": issued + lifetime,
        "aio": base64.b64encode(workspace.ids.octets("token-aio", 32)).decode(),
        "appid": application.client_id,
        "appidacr": "1",
        "idp": issuer,
        "oid": principal,
        "rh": f"1.{_base64url(workspace.ids.octets('token-rh', 32))}.",
        "sub": principal,
        "tid": tenant_id,
        "uti": _base64url(workspace.ids.octets("token-uti")),
        "ver": "1.0",
    }
    return IssuedToken(
        access_token=sign(claims, keys),
        expires_in=lifetime,
        expires_on=claims["exp"],
        not_before=claims["nbf"],
    )


def sign(claims: dict[str, Any], keys: SigningKeys) -> str:
    """The claims as a signed token, header as documented for version 1."""
    import jwt  # noqa: PLC0415  heavy

    key = keys.current
    return jwt.encode(
        claims, key.private_key, algorithm="RS256", headers={"x5t": key.kid, "kid": key.kid}
    )


def service_principal_id(ids: Ids, application: Application) -> str:
    """The object id of an application's service principal: the same in each of its tokens."""
    return str(ids.fixed_guid(f"service-principal|{application.client_id.casefold()}"))


def _base64url(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")
