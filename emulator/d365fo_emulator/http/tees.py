"""Bodies watched as they pass: what the journal keeps of them, and how large they may be."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from werkzeug.exceptions import RequestEntityTooLarge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import BinaryIO


class RequestTee(io.RawIOBase):
    """`wsgi.input` that remembers the first bytes read from it and refuses too many.

    Args:
        keep: how many bytes to remember.
        limit: how many there may be; above it reading raises werkzeug's 413.

    """

    def __init__(self, source: BinaryIO, keep: int, limit: int) -> None:
        super().__init__()
        self._source = source
        self._keep = keep
        self._limit = limit
        self._count = 0
        self._kept = bytearray()

    @property
    def excerpt(self) -> bytes:
        """The first bytes that were read."""
        return bytes(self._kept)

    def readable(self) -> bool:
        """Says yes."""
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        """As the source does, but never more than one byte above the limit."""
        room = self._limit - self._count + 1
        wanted = room if size is None or size < 0 else min(size, room)
        data = self._source.read(wanted)
        self._watch(data)
        return data

    def readall(self) -> bytes:
        """The rest of the body."""
        return self.read()

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        """As `read`, into a buffer."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def _watch(self, data: bytes) -> None:
        self._count += len(data)
        if self._count > self._limit:
            raise RequestEntityTooLarge
        room = self._keep - len(self._kept)
        if room > 0:
            self._kept += data[:room]


class AnswerTee:
    """A streamed answer that remembers its first bytes and tells when it is over.

    It runs one piece ahead, so that `done` is called before the last piece leaves: who has the
    whole answer can rely on what `done` does, such as the journal's entry.
    """

    def __init__(
        self, source: Iterable[bytes], keep: int, done: Callable[[bytes, bool], object]
    ) -> None:
        self._source = source
        self._keep = keep
        self._kept = bytearray()
        self._done: Callable[[bytes, bool], object] | None = done

    def __iter__(self) -> Iterator[bytes]:
        held = b""
        for piece in self._source:
            if held:
                yield held
            held = piece
            room = self._keep - len(self._kept)
            if room > 0:
                self._kept += piece[:room]
        self._finish(whole=True)
        yield held

    def close(self) -> None:
        """Closes the source; an answer that did not come to its end is told as such."""
        try:
            close = getattr(self._source, "close", None)
            if close is not None:
                close()
        finally:
            self._finish(whole=False)

    def _finish(self, *, whole: bool) -> None:
        if self._done is not None:
            done, self._done = self._done, None
            done(bytes(self._kept), whole)
