"""From an exchange to the journal's entry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from d365fo_emulator.journal.model import Entry

if TYPE_CHECKING:
    from collections.abc import Iterable

    from d365fo_emulator.http.exchange import Exchange


def entry_of(
    exchange: Exchange,
    status: int,
    headers: Iterable[tuple[str, str]],
    request_body: bytes,
    response_body: bytes,
) -> Entry:
    """What the journal keeps of an exchange; it redacts secrets itself."""
    return Entry(
        id=exchange.request_id,
        at=exchange.received_at,
        surface=exchange.surface,
        method=exchange.method,
        path=exchange.path,
        query=exchange.query,
        status=status,
        request_body=request_body.decode("utf-8", "replace") or None,
        response_headers=tuple(headers),
        response_body=response_body.decode("utf-8", "replace") or None,
        reason=exchange.reason,
        notes=tuple(exchange.notes),
        facts=dict(exchange.facts),
        caller=exchange.caller.client_id if exchange.caller else "",
    )
