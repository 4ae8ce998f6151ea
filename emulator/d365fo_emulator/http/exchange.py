"""One request and its answer on their way through the gateway's list."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from d365fo_emulator.kernel.faults import Decision

if TYPE_CHECKING:
    import datetime as dt

    from d365fo_emulator.kernel.workspace import Workspace

ENVIRON_KEY = "d365fo_emulator.exchange"


class SurfaceName(StrEnum):
    """The wire dialects, in the words of scenario files (and `admin`, which none can match)."""

    TOKEN = "token"  # noqa: S105  a surface, no secret
    FINANCE = "odata"
    BLOB = "blob"
    ADMIN = "admin"


@dataclass(frozen=True)
class Caller:
    """Who a request acts as: the application, and the Finance & Operations user it maps to."""

    client_id: str
    user_id: str
    company: str


@dataclass
class Exchange:
    """What is known of one request; steps fill it in, the journal keeps it.

    Attributes:
        path: as the client sent it, decoded; prefixes included.
        base_url: scheme, host and port for absolute URLs in the answer, without trailing slash.
        prefix: `/namespaces/<x>` in front of the path, or nothing; it belongs behind `base_url`
            in URLs that the answer holds.
        facts: what scenario rules and the journal match on (action, definitionGroup, operation…).
        reason: one sentence that says why the request was refused (`X-Emulator-Reason`).
        notes: the decision path: which rule, which check, in order.

    """

    method: str
    path: str
    query: str
    surface: SurfaceName
    workspace: Workspace
    request_id: str
    received_at: dt.datetime
    base_url: str
    secure: bool
    remote_address: str
    prefix: str = ""
    caller: Caller | None = None
    decision: Decision = field(default_factory=Decision)
    facts: dict[str, Any] = field(default_factory=dict)
    reason: str = ""
    notes: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        """Adds a step to the decision path that the journal shows."""
        self.notes.append(text)


def exchange_of(environ: dict[str, Any]) -> Exchange:
    """The exchange that the gateway put into a WSGI environment (`flask.request.environ`)."""
    exchange = environ[ENVIRON_KEY]
    assert isinstance(exchange, Exchange)  # noqa: S101  the gateway puts nothing else there
    return exchange
