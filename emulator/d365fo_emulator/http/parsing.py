"""Requests out of received bytes; the parsing itself is llhttp's (httptools).

Callbacks push; whoever reads a body pulls. Between them stands only what one read of the socket
brought, since nobody reads the socket while pieces are waiting.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import httptools

from d365fo_emulator.http.limits import Limits  # noqa: TC001  kept at run time, cheap


@dataclass(frozen=True)
class Refusal:
    """What a client that broke the protocol is told before the connection ends."""

    status: str
    text: str


MALFORMED = Refusal("400 Bad Request", "the request is not well-formed HTTP")
HEAD_TOO_LARGE = Refusal(
    "431 Request Header Fields Too Large", "the request line and headers are too large"
)
TOO_MANY_HEADERS = Refusal("431 Request Header Fields Too Large", "too many header lines")
HEAD_TOO_SLOW = Refusal("408 Request Timeout", "the request line and headers came too slowly")
VERSION = Refusal("505 HTTP Version Not Supported", "this server speaks HTTP/1.0 and HTTP/1.1")
PLAIN_ON_TLS = Refusal("400 Bad Request", "this port speaks https: write https:// in the URL")
NO_TUNNEL = Refusal("501 Not Implemented", "CONNECT is for proxies")


class Incoming:
    """One request while it arrives: its head, and the pieces of body that nobody took yet."""

    __slots__ = (
        "chunked",
        "complete",
        "expects_continue",
        "head_complete",
        "headers",
        "keep_alive",
        "length",
        "method",
        "pieces",
        "refusal",
        "target",
        "version",
    )

    def __init__(self) -> None:
        self.method = ""
        self.target = b""
        self.version = "1.1"
        self.headers: list[tuple[bytes, bytes]] = []
        self.pieces: deque[bytes] = deque()
        self.head_complete = False
        self.complete = False
        self.keep_alive = False
        self.chunked = False
        self.length: int | None = None
        self.expects_continue = False
        self.refusal: Refusal | None = None


class RequestParser:
    """Turns the bytes of one connection into requests, in order.

    Attributes:
        waiting: requests begun and not yet taken; only the last can be incomplete.
        refusal: set once the bytes stop making sense; what came whole before it still counts.

    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.waiting: deque[Incoming] = deque()
        self.refusal: Refusal | None = None
        self._current: Incoming | None = None
        self._offered = Incoming()
        self._priming = False
        self._parser = httptools.HttpRequestParser(self)

    @property
    def has_head(self) -> bool:
        """Whether a request stands ready whose head is whole."""
        return bool(self.waiting) and self.waiting[0].head_complete

    @property
    def in_head(self) -> bool:
        """Whether a head has begun and is not whole."""
        return self._current is not None and not self._current.head_complete

    def feed(self, received: bytes) -> None:
        """Takes bytes from the client."""
        if self.refusal is not None:
            return
        try:
            self._parser.feed_data(received)
        except httptools.HttpParserUpgrade as upgrade:
            self._go_on_after_upgrade(received[upgrade.args[0] :])
        except httptools.HttpParserError:
            self.refusal = MALFORMED

    def _go_on_after_upgrade(self, rest: bytes) -> None:
        """Goes on with HTTP/1.1 behind a request that offered another protocol.

        The JDK's client offers h2c on every request over http; httptools then skips the body and
        would read it as the next request. A fresh parser that was told the same framing reads it
        as what it is. The offer itself is declined by silence (RFC 9110, 7.8).
        """
        offered = self._offered
        self._parser = httptools.HttpRequestParser(self)
        if offered.chunked or offered.length:
            framing = (
                b"Transfer-Encoding: chunked"
                if offered.chunked
                else b"Content-Length: %d" % (offered.length or 0)
            )
            offered.complete = False
            self._current = offered
            self._priming = True
            self._parser.feed_data(b"POST / HTTP/1.1\r\n" + framing + b"\r\n\r\n")
            self._priming = False
        if rest:
            self.feed(rest)

    # Called by httptools.

    def on_message_begin(self) -> None:
        """A request begins."""
        if not self._priming:
            self._current = Incoming()
            self.waiting.append(self._current)

    def on_url(self, url: bytes) -> None:
        """A part of the request target."""
        if not self._priming and self._current is not None:
            self._current.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header line, or a trailer."""
        current = self._current
        if self._priming or current is None or current.head_complete:
            return  # a trailer; nobody asks for one
        if len(current.headers) >= self._limits.header_count:
            current.refusal = TOO_MANY_HEADERS
            return
        current.headers.append((name, value))
        folded = name.lower()
        if folded == b"content-length" and value.isdigit():
            current.length = int(value)
        elif folded == b"transfer-encoding":
            current.chunked = True
        elif folded == b"expect":
            current.expects_continue = value.lower() == b"100-continue"

    def on_headers_complete(self) -> None:
        """The head is whole."""
        current = self._current
        if self._priming or current is None:
            return
        current.method = self._parser.get_method().decode("ascii")
        current.version = self._parser.get_http_version()
        # Chunks came with HTTP/1.1; whoever sends them as 1.0 is not to be trusted with framing.
        current.keep_alive = self._parser.should_keep_alive() and not (
            current.chunked and current.version == "1.0"
        )
        current.head_complete = True
        size = len(current.target) + sum(len(name) + len(value) for name, value in current.headers)
        if size > self._limits.head_bytes:
            current.refusal = HEAD_TOO_LARGE
        elif current.version not in {"1.0", "1.1"}:
            current.refusal = VERSION
        elif current.method == "CONNECT":
            current.refusal = NO_TUNNEL

    def on_body(self, piece: bytes) -> None:
        """A piece of the body, without its framing."""
        if self._current is not None:
            self._current.pieces.append(piece)

    def on_message_complete(self) -> None:
        """The request is whole."""
        current = self._current
        if current is not None:
            current.complete = True
            self._offered = current
            self._current = None
