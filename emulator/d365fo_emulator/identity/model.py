"""Tenants, applications and users of one workspace, as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Application:
    """An app registration, and its row in *Microsoft Entra ID applications* (`user`: mapped to)."""

    client_id: str
    secret: str = field(repr=False)
    user: str = ""
    name: str = ""


@dataclass(frozen=True)
class User:
    """A Finance & Operations user. `data_management`: may use data management."""

    id: str
    upn: str
    password: str = field(default="", repr=False)
    company: str = "USMF"
    roles: tuple[str, ...] = ("System administrator",)
    enabled: bool = True

    @property
    def data_management(self) -> bool:
        """Whether the roles include the right to data management."""
        return bool(
            {"system administrator", "data management administrator"}.intersection(
                role.casefold() for role in self.roles
            )
        )


@dataclass(frozen=True)
class Directory:
    """One workspace's tenant with all that is registered in it.

    `resources`: names that a token can be asked for beside the emulator's own addresses.
    """

    tenant_id: str
    domain: str
    applications: tuple[Application, ...]
    users: tuple[User, ...]
    resources: tuple[str, ...] = ()

    @cached_property
    def by_client_id(self) -> dict[str, Application]:
        """Applications by client id, folded."""
        return {application.client_id.casefold(): application for application in self.applications}

    @cached_property
    def by_user_id(self) -> dict[str, User]:
        """Users by id, folded."""
        return {user.id.casefold(): user for user in self.users}


@dataclass(frozen=True)
class TokenRequest:
    """One request for a token, as it came in.

    `version`: 1 or 2, by the endpoint. `form` and `authorization` hold secrets: never printed.
    `base_url`: the address that the request came to, without trailing slash.
    """

    tenant: str
    version: int
    form: Mapping[str, str] = field(repr=False)
    base_url: str
    authorization: str | None = field(default=None, repr=False)
