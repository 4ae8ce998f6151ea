"""Which workspace a SAS belongs to, found by its signature."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from d365fo_emulator.blob import sas
from d365fo_emulator.blob.errors import BlobError
from d365fo_emulator.blob.requests import address_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from d365fo_emulator.kernel.workspace import Workspace, WorkspaceId

MOST_REMEMBERED = 10_000


class SignatureIndex:
    """Finds the workspace whose key made a signature: equal names exist in many workspaces.

    Signatures handed out are remembered, up to a bound; others (made by clients with the account
    key, or forgotten) are tried against the key of each workspace.

    Args:
        workspaces: those that exist now.

    """

    def __init__(
        self, workspaces: Callable[[], Iterable[Workspace]], most: int = MOST_REMEMBERED
    ) -> None:
        self._workspaces = workspaces
        self._most = most
        self._known: OrderedDict[str, WorkspaceId] = OrderedDict()
        self._lock = threading.Lock()

    def remember(self, signature: str, workspace_id: WorkspaceId) -> None:
        """Notes whose signature this is; the oldest is forgotten when there are too many."""
        with self._lock:
            self._known[signature] = workspace_id
            self._known.move_to_end(signature)
            if len(self._known) > self._most:
                self._known.popitem(last=False)

    def find(self, environ: Mapping[str, Any]) -> Workspace | None:
        """The workspace of a request; None when no key fits or there is no signature."""
        parameters = sas.read_query(environ.get("QUERY_STRING", ""))
        signature = sas.signature_of(parameters)
        if not signature:
            return None
        workspaces = list(self._workspaces())
        with self._lock:
            known = self._known.get(signature)
        for workspace in workspaces:
            if workspace.id == known:
                return workspace
        return next((each for each in workspaces if _signed_by(environ, parameters, each)), None)


def _signed_by(
    environ: Mapping[str, Any], parameters: list[tuple[str, str]], workspace: Workspace
) -> bool:
    try:
        address = address_of(environ, workspace.storage_account)
    except BlobError:
        return False
    return sas.is_signed_by(parameters, address, workspace.storage_key)
