"""The body of a request as a stream that a WSGI application reads (`wsgi.input`)."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from d365fo_emulator.http.bodies import BodyTruncated
from d365fo_emulator.http.sockets import TIMED_OUT

if TYPE_CHECKING:
    from collections.abc import Callable

    from d365fo_emulator.http.parsing import Incoming, RequestParser

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
RECEIVE_BYTES = 256 * 1024


class BodyInput(io.RawIOBase):
    """Reads a body from the socket through the parser, a piece at a time.

    A body that stops short raises; it never looks like one that ended (half an upload must not
    be stored as a whole one).
    """

    def __init__(
        self,
        request: Incoming,
        parser: RequestParser,
        receive: Callable[[], bytes],
        send: Callable[[bytes], None],
        waste_limit: int,
    ) -> None:
        super().__init__()
        self._request = request
        self._parser = parser
        self._receive = receive
        self._send = send
        self._rest = memoryview(b"")
        self._owes_continue = request.expects_continue and request.version == "1.1"
        self._waste_limit = waste_limit
        self._wasted = 0
        self.taken = 0

    @property
    def whole(self) -> bool:
        """Whether all of the body has arrived (read by the application or not)."""
        return self._request.complete

    @property
    def missing(self) -> int | None:
        """How many bytes are still to come; None when nobody knows, or none will before a 100."""
        if self._request.complete:
            return 0
        if self._owes_continue or self._request.length is None:
            return None
        waiting = len(self._rest) + sum(map(len, self._request.pieces))
        return self._request.length - self.taken - waiting

    def readable(self) -> bool:
        """Says yes."""
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        """Exactly `size` bytes, or all of them; fewer only at the end of the body.

        Raises:
            BodyTruncated: the client left, fell silent or broke the framing.

        """
        if size == 0:
            return b""
        first = self.read1(-1 if size is None or size < 0 else size)
        wanted = None if size is None or size < 0 else size
        if not first or len(first) == wanted:
            return first
        pieces, count = [first], len(first)
        while wanted is None or count < wanted:
            piece = self.read1(-1 if wanted is None else wanted - count)
            if not piece:
                break
            pieces.append(piece)
            count += len(piece)
        return b"".join(pieces)

    def readall(self) -> bytes:
        """The rest of the body."""
        return self.read()

    def read1(self, size: int = -1, /) -> bytes:
        """What is at hand, at most `size` bytes; waits only when there is nothing."""
        piece = self._next_piece()
        if 0 <= size < len(piece):
            self._rest = piece[size:]
            piece = piece[:size]
        self.taken += len(piece)
        return bytes(piece)

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        """As `read1`, into a buffer."""
        room = memoryview(buffer).cast("B")
        if not len(room):
            return 0
        piece = self._next_piece()
        if len(piece) > len(room):
            self._rest = piece[len(room) :]
            piece = piece[: len(room)]
        room[: len(piece)] = piece
        self.taken += len(piece)
        return len(piece)

    def discard(self) -> None:
        """Throws the rest of the body away."""
        while self._next_piece():
            pass

    def _next_piece(self) -> memoryview:
        if self._rest:
            rest, self._rest = self._rest, memoryview(b"")
            return rest
        request = self._request
        while not request.pieces:
            if request.complete:
                return memoryview(b"")
            self._fill()
        return memoryview(request.pieces.popleft())

    def _fill(self) -> None:
        if self._parser.refusal is not None:
            raise BodyTruncated("the framing of the request body is broken")
        try:
            if self._owes_continue:
                self._owes_continue = False
                self._send(CONTINUE)
            received = self._receive()
        except TIMED_OUT as silent:
            raise BodyTruncated("the client stopped in the middle of the request body") from silent
        except OSError as left:
            raise BodyTruncated("the client left in the middle of the request body") from left
        if not received:
            raise BodyTruncated("the request body ended before its announced end")
        self._parser.feed(received)
        self._count_waste(len(received))

    def _count_waste(self, received: int) -> None:
        """Bounds what is neither body nor end: chunk extensions and trailers without end."""
        if self._request.pieces or self._request.complete:
            self._wasted = 0
            return
        self._wasted += received
        if self._wasted > self._waste_limit and self._parser.refusal is None:
            raise BodyTruncated("too many bytes between two pieces of the request body")
