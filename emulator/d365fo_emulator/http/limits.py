"""What a listener lets a client do, and for how long."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Bounds of one listener; all times in seconds, all sizes in bytes.

    Attributes:
        head_bytes: request line and header lines together; above it 431.
        header_count: header lines; above it 431.
        head_seconds: from the first byte of a head to its last; above it 408.
        idle_seconds: silence between two requests; then the connection is closed.
        stall_seconds: silence inside a body, or a reader that takes nothing.
        handshake_seconds: the whole TLS handshake.
        connections: open at a time; above it 503 (over TLS just a close).
        drain_bytes: the rest of an unread body that is read to keep the connection.
        linger_seconds: how long the rest of a larger body is thrown away before the close, so
            that the client can read the answer; a reset would destroy it.

    """

    head_bytes: int = 64 * 1024
    header_count: int = 200
    head_seconds: float = 10.0
    idle_seconds: float = 120.0
    stall_seconds: float = 60.0
    handshake_seconds: float = 10.0
    connections: int = 1000
    drain_bytes: int = 64 * 1024
    linger_seconds: float = 30.0
    linger_gap_seconds: float = 2.0


DEFAULT_LIMITS = Limits()
