"""The documents that libraries read before they ask for a token; functions of address and tenant.

`tenant` is the name in the request's path, and comes back in every address, because libraries take
it from there (client); `tenant_id` is the directory's own.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlsplit

from d365fo_emulator.identity.errors import IdentityError
from d365fo_emulator.identity.tokens import issuer_of

TRUSTED_REALM = "http://schemas.microsoft.com/rel/trusted-realm"
CLAIMS = [
    "sub",
    "iss",
    "cloud_instance_name",
    "aud",
    "exp",
    "iat",
    "auth_time",
    "acr",
    "nonce",
    "preferred_username",
    "name",
    "tid",
    "ver",
    "at_hash",
    "c_hash",
    "email",
]


def openid_configuration_v2(base_url: str, tenant: str, tenant_id: str) -> dict[str, Any]:
    """The metadata of version 2: the first request of most libraries (client)."""
    return _configuration(
        base_url,
        tenant,
        issuer=issuer_v2(base_url, tenant_id),
        version="/v2.0",
    )


def openid_configuration_v1(
    base_url: str, tenant: str, tenant_id: str, token_issuer: str
) -> dict[str, Any]:
    """The metadata of version 1, with the issuer that tokens carry."""
    return _configuration(
        base_url,
        tenant,
        issuer=issuer_of(tenant_id, base_url, token_issuer),
        version="",
    )


def issuer_v2(base_url: str, tenant_id: str) -> str:
    """The issuer that the metadata of version 2 names."""
    return f"{base_url}/{tenant_id}/v2.0"


def _configuration(base_url: str, tenant: str, *, issuer: str, version: str) -> dict[str, Any]:
    authority = f"{base_url}/{quote(tenant, safe='')}"
    return {
        "token_endpoint": f"{authority}/oauth2{version}/token",
        "token_endpoint_auth_methods_supported": [
            "client_secret_post",
            "private_key_jwt",
            "client_secret_basic",
        ],
        "jwks_uri": f"{authority}/discovery{version}/keys",
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "issuer": issuer,
        "request_uri_parameter_supported": False,
        "userinfo_endpoint": f"{base_url}/oidc/userinfo",
        "authorization_endpoint": f"{authority}/oauth2{version}/authorize",
        "device_authorization_endpoint": f"{authority}/oauth2{version}/devicecode",
        "http_logout_supported": True,
        "frontchannel_logout_supported": True,
        "end_session_endpoint": f"{authority}/oauth2{version}/logout",
        "claims_supported": CLAIMS,
        "tenant_region_scope": "EU",
        "cloud_instance_name": "microsoftonline.com",
    }


def instance_discovery(
    base_url: str, authorization_endpoint: str, api_version: str
) -> dict[str, Any]:
    """Which hosts speak for an authority: this one.

    The tenant comes from the path of `authorization_endpoint`; nothing else of it is used, because
    msal sends it without the port (client).

    Raises:
        IdentityError: 50049, no address of an authority.

    """
    try:
        path = urlsplit(authorization_endpoint).path
    except ValueError:
        path = ""
    tenant = path.strip("/").partition("/")[0]
    if not tenant:
        raise IdentityError(50049, "authorization_endpoint names no tenant in its path")
    host = urlsplit(base_url).netloc
    return {
        "tenant_discovery_endpoint": (
            f"{base_url}/{quote(tenant, safe='%')}/v2.0/.well-known/openid-configuration"
        ),
        "api-version": api_version,
        "metadata": [{"preferred_network": host, "preferred_cache": host, "aliases": [host]}],
    }


def webfinger(base_url: str, resource: str) -> dict[str, Any]:
    """The trusted realm that MSAL.NET asks an AD FS authority for (client).

    It asks with `resource` = its own idea of the host, without port, and wants that back.
    """
    realm = resource or base_url
    return {"subject": realm, "links": [{"rel": TRUSTED_REALM, "href": realm}]}
