"""Which tenant a path names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from d365fo_emulator.identity.errors import IdentityError

if TYPE_CHECKING:
    from d365fo_emulator.identity.model import Directory

SHARED = frozenset({"common", "organizations"})
"""Names that stand for every tenant; metadata can be had under them, app-only tokens cannot."""

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_DOMAIN = re.compile(r"(?=.{1,253}$)([a-z0-9-]{1,63}\.)+[a-z0-9-]{1,63}", re.IGNORECASE)


def require_tenant(name: str, directory: Directory, *, any_tenant: bool, shared: bool) -> None:
    """Refuses a tenant name that is not the directory's; letter case does not count.

    Args:
        name: the tenant of the path.
        directory: the workspace's own.
        any_tenant: the lenient switch of the settings.
        shared: whether `common` and `organizations` will do.

    Raises:
        IdentityError: 90002 for a name that nobody has, 900023 for one that none can have.

    """
    folded = name.casefold()
    if any_tenant or folded in {directory.tenant_id.casefold(), directory.domain.casefold()}:
        return
    if folded in SHARED:
        if shared:
            return
        raise IdentityError(
            90002,
            f"an application signs in to its own tenant, not to {folded}: this environment's is"
            f" {directory.tenant_id}",
            tenant=name,
        )
    because = f"this environment's tenant is {directory.tenant_id} or {directory.domain}"
    if _GUID.fullmatch(name) or _DOMAIN.fullmatch(name):
        raise IdentityError(90002, because, tenant=name)
    raise IdentityError(900023, because, tenant=name)
