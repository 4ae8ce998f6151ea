"""Writes an application's answer to the wire: framing, keep-alive, one write for small ones."""

from __future__ import annotations

import os
from http.client import responses
from typing import TYPE_CHECKING, Any

from d365fo_emulator.http.bodies import PIECE, FileAnswer
from d365fo_emulator.http.sockets import can_sendfile

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterable
    from types import TracebackType

    from d365fo_emulator.http.bodies import FilePart
    from d365fo_emulator.http.parsing import Incoming

    Headers = list[tuple[str, str]]
    ExceptionInfo = tuple[type[BaseException], BaseException, TracebackType] | tuple[None, ...]

JOIN_BELOW = 64 * 1024
LAST_CHUNK = b"0\r\n\r\n"


class AnswerBroken(Exception):
    """The application's answer cannot be framed; its author must know."""


class Answer:
    """One answer on its way.

    Args:
        may_keep: asked when the head is written: whether the connection can serve on.

    """

    def __init__(
        self, connection: socket.socket, request: Incoming, may_keep: Callable[[], bool]
    ) -> None:
        self._socket = connection
        self._request = request
        self._may_keep = may_keep
        self._status = ""
        self._headers: Headers = []
        self._chunked = False
        self._bodiless = request.method == "HEAD"
        self._left: int | None = None
        self.begun = False
        self.keeps = False

    def start_response(
        self, status: str, headers: Headers, exc_info: ExceptionInfo | None = None
    ) -> Callable[[bytes], None]:
        """The callable that PEP 3333 gives to an application."""
        if exc_info is not None and exc_info[1] is not None and self.begun:
            raise exc_info[1]
        if self._status and exc_info is None:
            raise AnswerBroken("start_response was called twice")
        self._status, self._headers = status, headers
        return self.write

    def send(self, result: Iterable[bytes]) -> None:
        """Sends all of what an application returned.

        Raises:
            AnswerBroken: more or fewer bytes than its Content-Length says, or a bad header.

        """
        if isinstance(result, FileAnswer) and self._status:
            self._send_file(result)
        elif isinstance(result, (list, tuple)) and not self.begun:
            whole = result[0] if len(result) == 1 else b"".join(result)
            self._begin(whole, len(whole))
        else:
            for piece in result:
                self.write(piece)
        self._end()

    def write(self, piece: bytes) -> None:
        """Sends one piece of the body, after the head where that is still to come."""
        if not piece:
            return
        if not self.begun:
            self._begin(piece, None)
        else:
            self._send_piece(piece)

    def _end(self) -> None:
        if not self.begun:
            self._begin(b"", 0)
        if self._bodiless:
            return
        if self._chunked:
            self._socket.sendall(LAST_CHUNK)
        elif self._left:
            self.keeps = False
            raise AnswerBroken(f"the answer ended {self._left} bytes before its Content-Length")

    def _begin(self, piece: bytes, total: int | None) -> None:
        head = self._head(total)
        framed = b"" if self._bodiless or not piece else self._framed(piece)
        self.begun = True
        if len(framed) < JOIN_BELOW:
            self._socket.sendall(head + framed)
        else:
            self._socket.sendall(head)
            self._socket.sendall(framed)

    def _send_piece(self, piece: bytes) -> None:
        if not self._bodiless:
            self._socket.sendall(self._framed(piece))

    def _framed(self, piece: bytes) -> bytes:
        if self._chunked:
            return b"%x\r\n%b\r\n" % (len(piece), piece)
        if self._left is not None:
            if len(piece) > self._left:
                raise AnswerBroken("the answer is longer than its Content-Length")
            self._left -= len(piece)
        return piece

    def _head(self, total: int | None) -> bytes:
        if not self._status:
            raise AnswerBroken("the application answered without start_response")
        lines = [f"HTTP/1.1 {in_usual_case(self._status)}"]
        length: int | None = None
        wants_close = False
        for name, value in self._headers:
            folded = name.lower()
            if folded == "content-length":
                length = int(value)
            elif folded == "connection":
                wants_close = wants_close or "close" in value.lower()
                continue
            elif folded == "transfer-encoding":
                continue
            lines.append(f"{name}: {value}")
        self._frame(lines, length, total)
        self.keeps = self.keeps and not wants_close and self._may_keep()
        if not self.keeps:
            lines.append("Connection: close")
        elif self._request.version == "1.0":
            lines.append("Connection: keep-alive")
        head = "\r\n".join(lines)
        if head.count("\n") != len(lines) - 1 or head.count("\r") != len(lines) - 1:
            raise AnswerBroken("a line break inside a header of the answer")
        return (head + "\r\n\r\n").encode("latin-1")

    def _frame(self, lines: list[str], length: int | None, total: int | None) -> None:
        """Decides how the client will know the body's end."""
        self.keeps = self._request.keep_alive
        if self._status[:3] in {"204", "304"} or self._status.startswith("1"):
            self._bodiless = True
            return
        if length is None and total is not None and self._request.method != "HEAD":
            length = total
            lines.append(f"Content-Length: {total}")
        self._left = length
        if length is None and not self._bodiless:
            if self._request.version == "1.1":
                self._chunked = True
                lines.append("Transfer-Encoding: chunked")
            else:
                self.keeps = False

    def _send_file(self, answer: FileAnswer) -> None:
        part = answer.part if can_sendfile(self._socket) else None
        head = self._head(None)
        self._socket.sendall(head)
        self.begun = True
        if self._bodiless:
            return
        if part is not None and self._left is not None:
            self._sendfile(part)
            return
        for piece in answer:
            self._send_piece(piece)

    def _sendfile(self, part: FilePart) -> None:
        offset = part.offset
        if part.limit is not None and part.limit > (self._left or 0):
            raise AnswerBroken("the range is longer than the answer's Content-Length")
        out = self._socket.fileno()
        while self._left:
            sent = os.sendfile(out, part.descriptor, offset, min(self._left, 4 * PIECE))
            if not sent:
                return  # the file is shorter than announced; `_end` says so
            offset += sent
            self._left -= sent


def in_usual_case(status: str) -> str:
    """A status line as the service's servers spell it: `400 Bad Request`.

    Werkzeug writes standard phrases in capitals, and clients show what they read
    (`ReasonPhrase`). A phrase of one's own, as blob errors have, stays.
    """
    code, _, phrase = status.partition(" ")
    usual = responses.get(int(code), "") if code.isdecimal() else ""
    return f"{code} {usual}" if phrase == usual.upper() else status


def plain_answer(status: str, text: str) -> bytes:
    """A whole answer for a client that broke the protocol."""
    body = text.encode() + b"\n" if text else b""
    head: dict[str, Any] = {
        "Content-Type": "text/plain; charset=utf-8",
        "Content-Length": len(body),
        "Connection": "close",
    }
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in head.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body
