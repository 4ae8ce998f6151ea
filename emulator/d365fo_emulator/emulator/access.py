"""Who may call the Finance & Operations surface, and in which workspace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Response

from d365fo_emulator.identity.bearer import BearerRefusal, workspace_hint_of_bearer
from d365fo_emulator.odata.http import error_response

if TYPE_CHECKING:
    from collections.abc import Mapping

    from d365fo_emulator.emulator.workspaces import WorkspaceRegistry
    from d365fo_emulator.http.exchange import Exchange
    from d365fo_emulator.kernel.workspace import Workspace


class FinanceAccess:
    """Finds the workspace by the token's tenant, and checks the token by that workspace's clock."""

    def __init__(self, registry: WorkspaceRegistry) -> None:
        self._registry = registry

    def find_workspace(self, environ: Mapping[str, Any]) -> Workspace | None:
        """The workspace of the token, whether or not it will be accepted."""
        tenant = workspace_hint_of_bearer(environ.get("HTTP_AUTHORIZATION"))
        return self._registry.of_tenant(tenant) if tenant else None

    def authenticate(self, exchange: Exchange, environ: Mapping[str, Any]) -> Response | None:
        """Lets the caller in, or answers with the recorded refusal."""
        identity = self._registry.get(exchange.workspace.id).identity
        found = identity.bearer(environ.get("HTTP_AUTHORIZATION"), exchange.base_url)
        if not isinstance(found, BearerRefusal):
            exchange.caller = found
            return None
        exchange.reason = found.reason
        if not found.body:
            return error_response(exchange, found.status, found.reason)
        return Response(found.body, found.status, headers=list(found.headers))
