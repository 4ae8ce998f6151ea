"""The grants of the token service: one function each, found through a table.

The order of the checks is the real service's as far as it is known: tenant, grant type, client id,
client known, parameters of the grant, scope or resource, credential (inferred; recorded is that an
empty request is told of `grant_type`).
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

from d365fo_emulator.identity.errors import IdentityError
from d365fo_emulator.identity.tenants import require_tenant
from d365fo_emulator.identity.tokens import IssuedToken, mint
from d365fo_emulator.kernel.errors import NotEmulated

if TYPE_CHECKING:
    from d365fo_emulator.identity.keys import SigningKeys
    from d365fo_emulator.identity.model import Application, Directory, TokenRequest
    from d365fo_emulator.kernel.workspace import Workspace

DYNAMICS_ERP = "00000015-0000-0000-c000-000000000000"
"""The first-party application of the product: an audience of every environment (documented)."""

DEFAULT_SCOPE = "/.default"


@dataclass(frozen=True)
class Issuer:
    """What the grants draw on: one workspace's directory, and the server's keys and addresses."""

    workspace: Workspace
    directory: Directory
    keys: SigningKeys
    is_own_audience: Callable[[str], bool]


@dataclass(frozen=True)
class ClientCredential:
    """The client as it names and proves itself, in the form or in a Basic header."""

    client_id: str
    secret: str = field(default="", repr=False)
    has_assertion: bool = False


Grant = Callable[[Issuer, "TokenRequest"], dict[str, Any]]


def issue(issuer: Issuer, request: TokenRequest) -> dict[str, Any]:
    """The answer to a request for a token.

    Raises:
        IdentityError: refused, with the real service's code.
        NotEmulated: a grant or credential that the real service knows and this one does not.

    """
    any_tenant = issuer.workspace.settings.any_tenant
    require_tenant(request.tenant, issuer.directory, any_tenant=any_tenant, shared=False)
    grant_type = required(request, "grant_type")
    grant = TABLE.get(grant_type)
    if grant is None:
        raise IdentityError(70003, grant_type=grant_type)
    return grant(issuer, request)


def client_credentials(issuer: Issuer, request: TokenRequest) -> dict[str, Any]:
    """An app-only token: for `resource` on version 1, for `scope` on version 2 (documented)."""
    credential = credential_of(request)
    application = _registered(issuer, credential)
    resource = (
        _resource_of_scope(request) if request.version == 2 else required(request, "resource")
    )
    _require_known(issuer, resource)
    _prove(application, credential)
    token = mint(
        issuer.workspace,
        issuer.keys,
        application=application,
        tenant_id=issuer.directory.tenant_id,
        audience=resource,
        base_url=request.base_url,
    )
    return _body_v2(token) if request.version == 2 else _body_v1(token, resource)


def _not_built(name: str) -> Grant:
    def refuse(_issuer: Issuer, _request: TokenRequest) -> dict[str, Any]:
        raise NotEmulated(name)

    return refuse


TABLE: dict[str, Grant] = {
    "client_credentials": client_credentials,
    "password": _not_built("the grant 'password'"),
    "authorization_code": _not_built("the grant 'authorization_code'"),
    "refresh_token": _not_built("the grant 'refresh_token'"),
    "device_code": _not_built("the grant 'device_code'"),
    "urn:ietf:params:oauth:grant-type:device_code": _not_built("the grant 'device_code'"),
    "urn:ietf:params:oauth:grant-type:jwt-bearer": _not_built("the grant 'jwt-bearer'"),
}


def required(request: TokenRequest, parameter: str) -> str:
    """A member of the form that must be there and not empty.

    Raises:
        IdentityError: 900144, naming it.

    """
    value = request.form.get(parameter, "")
    if not value:
        raise IdentityError(900144, parameter=parameter)
    return value


def credential_of(request: TokenRequest) -> ClientCredential:
    """Who asks, from the form or from a Basic header alone.

    Generic libraries send the header only (client: Authlib, simple-oauth2), both parts
    form-encoded (RFC 6749, 2.3.1). A header that names another client than the form is not used.
    """
    client_id = request.form.get("client_id", "")
    secret = request.form.get("client_secret", "")
    basic_id, basic_secret = _basic(request.authorization)
    if not secret and client_id.casefold() in {"", basic_id.casefold()}:
        client_id, secret = client_id or basic_id, basic_secret
    return ClientCredential(
        client_id=client_id or basic_id,
        secret=secret,
        has_assertion=bool(
            request.form.get("client_assertion") or request.form.get("client_assertion_type")
        ),
    )


def _basic(authorization: str | None) -> tuple[str, str]:
    scheme, _, encoded = (authorization or "").partition(" ")
    if scheme.casefold() != "basic":
        return "", ""
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        return "", ""
    client_id, _, secret = text.partition(":")
    return unquote_plus(client_id), unquote_plus(secret)


def _registered(issuer: Issuer, credential: ClientCredential) -> Application:
    if not credential.client_id:
        raise IdentityError(900144, parameter="client_id")
    application = issuer.directory.by_client_id.get(credential.client_id.casefold())
    if application is None:
        raise IdentityError(700016, client_id=credential.client_id, tenant=issuer.directory.domain)
    return application


def _resource_of_scope(request: TokenRequest) -> str:
    """Everything before the last slash (client): `https://env//.default` keeps its own slash."""
    if request.form.get("resource"):
        raise IdentityError(901002)
    scope = required(request, "scope")
    scopes = scope.split()
    if len(scopes) != 1:
        raise IdentityError(70011, "exactly one scope will do here", scope=scope)
    resource = scopes[0].removesuffix(DEFAULT_SCOPE)
    if not resource or resource == scopes[0]:
        raise IdentityError(1002012, scope=scope)
    return resource


def _require_known(issuer: Issuer, resource: str) -> None:
    """The token service knows a resource by name, `spn:` name, and with a slash at the end.

    It issues for the slash too; Finance & Operations then refuses the token (recorded).
    """
    if issuer.workspace.settings.any_resource:
        return
    name = resource.removeprefix("spn:").removesuffix("/")
    known = {DYNAMICS_ERP, *(r.removesuffix("/").casefold() for r in issuer.directory.resources)}
    if name.casefold() not in known and not issuer.is_own_audience(name):
        raise IdentityError(
            500011,
            "known are this server's own addresses, the environment's `resources` and"
            f" {DYNAMICS_ERP}",
            resource=resource,
            tenant=issuer.directory.domain,
        )


def _prove(application: Application, credential: ClientCredential) -> None:
    if credential.has_assertion:
        raise NotEmulated("a certificate as client credential (client_assertion)")
    if not credential.secret:
        raise IdentityError(7000218)
    if not hmac.compare_digest(application.secret.encode(), credential.secret.encode()):
        raise IdentityError(7000215, client_id=application.client_id)


def _body_v1(token: IssuedToken, resource: str) -> dict[str, Any]:
    """Version 1: every value is text (recorded)."""
    return {
        "token_type": "Bearer",
        "expires_in": str(token.expires_in),
        "ext_expires_in": str(token.expires_in),
        "expires_on": str(token.expires_on),
        "not_before": str(token.not_before),
        "resource": resource,
        "access_token": token.access_token,
    }


def _body_v2(token: IssuedToken) -> dict[str, Any]:
    """Version 2: numbers, and fewer members (documented)."""
    return {
        "token_type": "Bearer",
        "expires_in": token.expires_in,
        "ext_expires_in": token.expires_in,
        "access_token": token.access_token,
    }
