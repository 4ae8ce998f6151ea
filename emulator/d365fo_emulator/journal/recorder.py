"""The journal of one workspace: the latest exchanges, bounded in number and in bytes."""

from __future__ import annotations

import dataclasses
import threading
from collections import deque
from typing import TYPE_CHECKING

from d365fo_emulator.journal.model import Entry, facts_of, size_of
from d365fo_emulator.journal.redaction import (
    has_secret_headers,
    may_hold_secrets,
    redact_headers,
    redact_text,
)

if TYPE_CHECKING:
    import datetime as dt

    from d365fo_emulator.kernel.workspace import WorkspaceId

MAX_ENTRIES = 1000
MAX_BYTES = 16 * 1024 * 1024


class Journal:
    """What happened in one workspace, oldest first; safe to use from several threads.

    Secrets are taken out when an entry is recorded, so that none is ever held.

    Args:
        workspace_id: whose it is.
        max_entries: how many exchanges are kept.
        max_bytes: about how much memory they may take; the latest entry is kept whatever it takes.

    """

    def __init__(
        self,
        workspace_id: WorkspaceId,
        max_entries: int = MAX_ENTRIES,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self.workspace_id = workspace_id
        self._max_entries = max(max_entries, 1)
        self._max_bytes = max_bytes
        self._entries: deque[tuple[Entry, int]] = deque()
        self._bytes = 0
        self._dropped = 0
        self._lock = threading.Lock()

    @property
    def dropped(self) -> int:
        """How many entries the bounds have pushed out since the last clear."""
        return self._dropped

    def record(self, entry: Entry) -> Entry:
        """Keeps `entry` without its secrets, and returns it so."""
        kept = redacted(entry)
        size = size_of(kept)
        with self._lock:
            self._entries.append((kept, size))
            self._bytes += size
            while len(self._entries) > self._max_entries or (
                self._bytes > self._max_bytes and len(self._entries) > 1
            ):
                self._bytes -= self._entries.popleft()[1]
                self._dropped += 1
        return kept

    def entries(
        self,
        since: dt.datetime | None = None,
        limit: int | None = None,
        *,
        action: str | None = None,
        execution: str | None = None,
        status: int | None = None,
        surface: str | None = None,
    ) -> list[Entry]:
        """The entries at or after `since` that have all these values, oldest first.

        Args:
            since: the workspace's time.
            limit: at most so many, the latest ones.
            action: name of an OData action.
            execution: an execution id; letter case does not count.
            status: HTTP status of the answer.
            surface: token, action, odata, blob or admin.

        """
        wanted = {
            name: str(value).casefold()
            for name, value in (
                ("action", action),
                ("executionId", execution),
                ("status", status),
                ("surface", surface),
            )
            if value is not None
        }
        found = [
            entry
            for entry in self._all()
            if (since is None or entry.at >= since) and (not wanted or _has(entry, wanted))
        ]
        return found if limit is None else found[max(len(found) - max(limit, 0), 0) :]

    def get(self, entry_id: str) -> Entry | None:
        """The entry with this id; None when there is none, or no longer."""
        return next((entry for entry in reversed(self._all()) if entry.id == entry_id), None)

    def clear(self) -> None:
        """Forgets everything."""
        with self._lock:
            self._entries.clear()
            self._bytes = self._dropped = 0

    def excerpt(self, number: int = 20) -> list[str]:
        """The latest entries as short lines, for a failed test's report."""
        lines = [entry.line() for entry in self.entries(limit=number)]
        earlier = len(self) + self._dropped - len(lines)
        return [f"({earlier} earlier)", *lines] if earlier > 0 else lines

    def __len__(self) -> int:
        return len(self._entries)

    def _all(self) -> list[Entry]:
        with self._lock:
            return [entry for entry, _size in self._entries]


def redacted(entry: Entry) -> Entry:
    """`entry` without the secrets in its path, query, headers, bodies and reason."""
    headers = (*entry.request_headers, *entry.response_headers)
    texts = (entry.path, entry.query, entry.request_body or "", entry.response_body or "")
    # One look at all texts together: a poll has nothing to hide, and there are many polls.
    everything = "\n".join((*texts, entry.reason, *entry.notes, *(value for _, value in headers)))
    if not may_hold_secrets(everything) and not has_secret_headers(headers):
        return entry
    return dataclasses.replace(
        entry,
        path=redact_text(entry.path),
        query=redact_text(entry.query),
        request_headers=redact_headers(entry.request_headers),
        response_headers=redact_headers(entry.response_headers),
        request_body=None if entry.request_body is None else redact_text(entry.request_body),
        response_body=None if entry.response_body is None else redact_text(entry.response_body),
        reason=redact_text(entry.reason),
        notes=tuple(redact_text(note) for note in entry.notes),
    )


def _has(entry: Entry, wanted: dict[str, str]) -> bool:
    facts = facts_of(entry)
    return all(
        value in (fact.casefold() for fact in facts.get(name, ())) for name, value in wanted.items()
    )
