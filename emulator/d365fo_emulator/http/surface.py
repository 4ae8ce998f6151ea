"""What the gateway must know of a wire dialect; each slice's `http.py` builds one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from wsgiref.types import WSGIApplication

    from werkzeug.wrappers import Response

    from d365fo_emulator.http.exchange import Exchange, SurfaceName
    from d365fo_emulator.kernel.workspace import Workspace


class ErrorDialect(Protocol):
    """Error bodies of one dialect, for refusals that are not the handlers' own."""

    def __call__(self, exchange: Exchange, status: int, text: str) -> Response:
        """A refusal with this status; `text` is for the log and `X-Emulator-Reason`."""
        ...


@dataclass(frozen=True)
class Surface:
    """One wire dialect: one Flask application with its own error bodies for every status.

    Attributes:
        find_workspace: the workspace of a request, read from its token, SAS, tenant or admin
            parameter, never from a header that client code would have to send; None: default.
        describe: facts known before the handler runs (action, operation, method), for rules.
        authenticate: refuses, or fills `exchange.caller`; None where the dialect checks by itself.
        journals_bodies: whether bodies may be kept (never those of blobs).

    """

    name: SurfaceName
    app: WSGIApplication
    find_workspace: Callable[[Mapping[str, Any]], Workspace | None]
    error: ErrorDialect
    describe: Callable[[Mapping[str, Any]], dict[str, Any]] = lambda _environ: {}
    authenticate: Callable[[Exchange, Mapping[str, Any]], Response | None] | None = None
    journals_bodies: bool = True
