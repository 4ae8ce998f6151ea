"""Tenants, applications and users of one workspace, as values."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Application:
    """An app registration, and its row in *Microsoft Entra ID applications* (`user`: mapped to)."""

    client_id: str
    secret: str
    user: str = ""
    name: str = ""


@dataclass(frozen=True)
class User:
    """A Finance & Operations user. `data_management`: may use data management."""

    id: str
    upn: str
    password: str = ""
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
