"""What the journal keeps of one request and its answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping


@dataclass(frozen=True)
class Entry:
    """One exchange, with its secrets redacted.

    Attributes:
        id: what the answer carried as `X-Emulator-Request-Id`.
        surface: the wire dialect: token, odata, blob or admin.
        status: 0 when the connection ended without an answer.
        request_body: text as kept (cut and redacted); None when the surface keeps no bodies.
        reason: one sentence that says why the request was refused; empty when it was not.
        notes: the decision path, in order.
        facts: what rules matched on (action, definitionGroup, executionId and so on).
        caller: the application's id; empty when unknown.

    """

    id: str
    at: dt.datetime
    surface: str
    method: str
    path: str
    query: str = ""
    status: int = 0
    request_headers: tuple[tuple[str, str], ...] = ()
    request_body: str | None = None
    response_headers: tuple[tuple[str, str], ...] = ()
    response_body: str | None = None
    reason: str = ""
    notes: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    caller: str = ""

    def line(self) -> str:
        """The entry in one short line."""
        what = self.facts.get("action") or self.facts.get("operation") or ""
        parts = (f"{self.at:%H:%M:%S}", self.surface, self.method, self.path, str(what))
        line = f"{' '.join(part for part in parts if part)} -> {self.status or 'no answer'}"
        return f"{line} ({self.reason})" if self.reason else line


def size_of(entry: Entry) -> int:
    """About how many bytes of memory the entry's texts take; only the bound needs it."""
    size = 512 + len(entry.path) + len(entry.query) + len(entry.reason)
    size += len(entry.request_body or "") + len(entry.response_body or "")
    for headers in (entry.request_headers, entry.response_headers):
        size += sum(len(name) + len(value) for name, value in headers)
    return size + sum(len(note) for note in entry.notes)


def facts_of(entry: Entry) -> dict[str, tuple[str, ...]]:
    """What an entry can be found by: its facts, and surface, method, path, status and clientId.

    A call of an action is found by the surface `action`, the word of scenario files, as well.
    """
    facts = {
        name: tuple(map(str, value)) if isinstance(value, (tuple, list)) else (str(value),)
        for name, value in entry.facts.items()
    }
    surfaces = (entry.surface, "action") if "action" in facts else (entry.surface,)
    return {
        **facts,
        "surface": surfaces,
        "method": (entry.method,),
        "path": (entry.path,),
        "status": (str(entry.status),),
        **({"clientId": (entry.caller,)} if entry.caller else {}),
    }
