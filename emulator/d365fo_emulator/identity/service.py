"""The token service of one workspace: issues tokens, and checks them for the other surfaces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from d365fo_emulator.identity import documents
from d365fo_emulator.identity.bearer import BearerCheck, BearerRefusal
from d365fo_emulator.identity.grants import Issuer, issue
from d365fo_emulator.identity.tenants import require_tenant
from d365fo_emulator.identity.tokens import issuer_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from d365fo_emulator.http.exchange import Caller
    from d365fo_emulator.identity.keys import SigningKeys
    from d365fo_emulator.identity.model import Directory, TokenRequest
    from d365fo_emulator.kernel.workspace import Workspace


class IdentityService:
    """One workspace's tenant, as clients and the other surfaces see it.

    Args:
        workspace: whose clock, ids and settings count.
        directory: tenant, applications and users; may be replaced at any time, and the next
            request goes by the new one.
        keys: the server's signing keys, the same for all workspaces.
        is_own_audience: whether a name, without a slash at its end, is an address of this server.

    """

    def __init__(
        self,
        workspace: Workspace,
        directory: Directory,
        keys: SigningKeys,
        is_own_audience: Callable[[str], bool],
    ) -> None:
        self.workspace = workspace
        self.directory = directory
        self._keys = keys
        self._is_own_audience = is_own_audience
        self._bearer = BearerCheck(keys)

    def token(self, request: TokenRequest) -> dict[str, Any]:
        """The members of the answer to a request for a token.

        Raises:
            IdentityError: refused, with the real service's code.
            NotEmulated: known to the real service, not built here.

        """
        issuer = Issuer(self.workspace, self.directory, self._keys, self._is_own_audience)
        return issue(issuer, request)

    def bearer(self, authorization: str | None, address: str = "") -> Caller | BearerRefusal:
        """Who the sender of an Authorization header is; see :meth:`BearerCheck.check`."""
        return self._bearer.check(
            authorization, self.workspace, self.directory, self._is_own_audience, address
        )

    def openid_configuration(self, tenant: str, base_url: str, version: int) -> dict[str, Any]:
        """The metadata document of version 1 or 2.

        Raises:
            IdentityError: nobody's tenant; libraries stop there (documented).

        """
        self._require_tenant(tenant)
        tenant_id = self.directory.tenant_id
        if version == 2:
            return documents.openid_configuration_v2(base_url, tenant, tenant_id)
        return documents.openid_configuration_v1(
            base_url, tenant, tenant_id, self.workspace.settings.token_issuer
        )

    def jwks(self, tenant: str, base_url: str, version: int) -> dict[str, Any]:
        """The public keys, each with the issuer that the metadata of this version names.

        Raises:
            IdentityError: nobody's tenant.

        """
        self._require_tenant(tenant)
        tenant_id = self.directory.tenant_id
        if version == 2:
            return self._keys.jwks(documents.issuer_v2(base_url, tenant_id))
        return self._keys.jwks(issuer_of(tenant_id, base_url, self.workspace.settings.token_issuer))

    def _require_tenant(self, tenant: str) -> None:
        any_tenant = self.workspace.settings.any_tenant
        require_tenant(tenant, self.directory, any_tenant=any_tenant, shared=True)
