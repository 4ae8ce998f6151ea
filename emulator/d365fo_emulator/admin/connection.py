"""What a client needs to reach a workspace: as arguments, and as environment variables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from d365fo_emulator.kernel.errors import ConfigurationError

if TYPE_CHECKING:
    from d365fo_emulator.identity.model import Application, Directory

VARIABLES: dict[str, str] = {
    "D365FO_BASE_URL": "base_url",
    "D365FO_TENANT_ID": "tenant_id",
    "D365FO_CLIENT_ID": "client_id",
    "D365FO_CLIENT_SECRET": "client_secret",
    "D365FO_RESOURCE": "resource",
    "D365FO_AUTHORITY": "authority",
    "D365FO_TOKEN_URL": "token_url",
    "D365FO_CA_BUNDLE": "ca_bundle",
    "D365FO_COMPANY": "company",
}
"""Variable to the member of the connection that it holds."""

LIBRARY_VARIABLES: dict[str, str] = {
    "REQUESTS_CA_BUNDLE": "ca_bundle",
    "SSL_CERT_FILE": "ca_bundle",
    "NODE_EXTRA_CA_CERTS": "ca_bundle",
    "AZURE_AUTHORITY_HOST": "base_url",
    "AZURE_TENANT_ID": "tenant_id",
    "AZURE_CLIENT_ID": "client_id",
    "AZURE_CLIENT_SECRET": "client_secret",
}
"""Variables of widespread libraries, so that they trust and find the emulator unmodified."""


def first_application(directory: Directory) -> Application:
    """The application that clients are given: the first that maps to a user with all rights.

    Raises:
        ConfigurationError: the environment has no application at all.

    """
    if not directory.applications:
        raise ConfigurationError("the environment has no clients: nobody could sign in")
    mapped = [application for application in directory.applications if application.user]
    return (mapped or list(directory.applications))[0]


def client_config(directory: Directory, base_url: str, ca_bundle: str) -> dict[str, str]:
    """The arguments for a client library.

    `token_url` is the v1 endpoint: it takes `resource`, and does not mind a `scope` beside it.
    """
    application = first_application(directory)
    authority = f"{base_url}/{directory.tenant_id}"
    return {
        "base_url": base_url,
        "token_url": f"{authority}/oauth2/token",
        "authority": authority,
        "tenant_id": directory.tenant_id,
        "client_id": application.client_id,
        "client_secret": application.secret,
        "resource": base_url,
        "scope": f"{base_url}/.default",
        "ca_bundle": ca_bundle,
    }


def environment_variables(
    directory: Directory, base_url: str, ca_bundle: str, *, libraries: bool = True
) -> dict[str, str]:
    """The variables that point clients at the workspace; values are texts, never missing."""
    application = first_application(directory)
    user = directory.by_user_id.get(application.user.casefold())
    values = {**client_config(directory, base_url, ca_bundle), "company": ""}
    values["company"] = user.company if user else "DAT"
    names = {**VARIABLES, **LIBRARY_VARIABLES} if libraries else VARIABLES
    return {variable: values[member] for variable, member in names.items()}
