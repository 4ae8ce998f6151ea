"""One client's connection, served by a thread of its own from handshake to close."""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
from typing import TYPE_CHECKING, Any

from d365fo_emulator.http import sockets
from d365fo_emulator.http.answering import Answer, plain_answer
from d365fo_emulator.http.bodies import BodyTruncated
from d365fo_emulator.http.environment import environment_of, shared_environment
from d365fo_emulator.http.incoming import RECEIVE_BYTES, BodyInput
from d365fo_emulator.http.parsing import (
    HEAD_TOO_LARGE,
    HEAD_TOO_SLOW,
    MALFORMED,
    PLAIN_ON_TLS,
    RequestParser,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from wsgiref.types import WSGIApplication

    from d365fo_emulator.http.limits import Limits
    from d365fo_emulator.http.parsing import Incoming, Refusal

HEAD_RECEIVE_BYTES = 64 * 1024


class ConnectionHandle:
    """What a wire fault gets hold of: `environ["d365fo_emulator.connection"]`.

    After any of its methods the listener writes nothing more on this connection; after
    `send_raw` alone it closes with FIN when the application returns.
    """

    __slots__ = ("socket", "taken")

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self.taken = False

    def reset(self) -> None:
        """Ends the connection with RST."""
        self.taken = True
        sockets.reset(self.socket)

    def close(self) -> None:
        """Ends the connection with FIN, over TLS without close_notify."""
        self.taken = True
        sockets.finish(self.socket)

    def send_raw(self, data: bytes) -> None:
        """Writes `data` as it stands, encrypted where the connection is.

        Raises:
            OSError: the client has gone.

        """
        self.taken = True
        self.socket.sendall(data)


class Connection:
    """Serves the requests of one accepted socket, one after the other.

    Args:
        on_error: told of each exception that the application let out.
        on_end: called once, when the connection is closed.

    """

    def __init__(
        self,
        accepted: socket.socket,
        peer: tuple[Any, ...],
        app: WSGIApplication,
        tls: ssl.SSLContext | None,
        limits: Limits,
        on_error: Callable[[BaseException], object],
        on_end: Callable[[Connection], object],
    ) -> None:
        self.socket = accepted
        self._peer = peer
        self._app = app
        self._tls = tls
        self._limits = limits
        self._on_error = on_error
        self._on_end = on_end
        self.busy = False
        self.stopping = False

    def run(self) -> None:
        """The life of the connection; raises nothing."""
        try:
            sockets.prepare(self.socket)
            if self._tls is not None:
                self._shake_hands(self._tls)
            self._serve()
        except OSError:
            pass  # the client left, refused our certificate, or the listener is being stopped
        finally:
            sockets.finish(self.socket)
            self._on_end(self)

    def stop(self) -> None:
        """Ends an idle connection at once; a busy one after the answer it is at."""
        self.stopping = True
        if not self.busy:
            self.kill()

    def kill(self) -> None:
        """Ends the connection whatever it is at."""
        self.stopping = True
        sockets.wake(self.socket)

    def _shake_hands(self, tls: ssl.SSLContext) -> None:
        """The TLS handshake, in this thread: a silent client holds up nobody else."""
        self.socket.settimeout(self._limits.handshake_seconds)
        secured = tls.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.socket = secured
        if self.stopping:
            raise ConnectionAbortedError  # stop() still had the socket that is now detached
        try:
            secured.do_handshake()
        except ssl.SSLError as failed:
            if failed.reason == "HTTP_REQUEST":
                self.socket = socket.socket(fileno=secured.detach())
                self._timer = sockets.Timer(self.socket)
                self._refuse(PLAIN_ON_TLS)
            raise

    def _serve(self) -> None:
        self._timer = sockets.Timer(self.socket)
        self._parser = RequestParser(self._limits)
        self._handle = ConnectionHandle(self.socket)
        self._shared = shared_environment(
            self.socket.getsockname(), self._peer, secure=self._tls is not None
        )
        keeps = True
        while keeps and not self.stopping:
            request = self._next_request()
            if request is None:
                return
            keeps = self._serve_one(request)
            self.busy = False
        if not self._handle.taken:
            sockets.say_goodbye(self.socket)

    def _next_request(self) -> Incoming | None:
        """The next request whose head is whole; None when the connection is over."""
        refusal = self._receive_request()
        if refusal is None and self._parser.has_head:
            self.busy = True
            request = self._parser.waiting.popleft()
            if request.refusal is None:
                return request
            refusal = request.refusal
        if refusal is not None:
            self._refuse(refusal)
        return None

    def _receive_request(self) -> Refusal | None:
        """Receives until a head is whole; without one the client fell silent, left, or erred."""
        parser = self._parser
        deadline: float | None = None
        size = 0
        while not parser.has_head:
            if parser.refusal is not None:
                return parser.refusal
            if size > self._limits.head_bytes:
                return HEAD_TOO_LARGE
            if deadline is None and (size or parser.in_head):
                deadline = time.monotonic() + self._limits.head_seconds
            left = self._limits.idle_seconds if deadline is None else deadline - time.monotonic()
            received = self._receive_head(left)
            if received is None:
                return None if deadline is None else HEAD_TOO_SLOW
            if not received:
                return None
            size += len(received)
            parser.feed(received)
        return None

    def _receive_head(self, seconds: float) -> bytes | None:
        if seconds <= 0:
            return None
        self._timer.set(seconds)
        try:
            return self.socket.recv(HEAD_RECEIVE_BYTES)
        except sockets.TIMED_OUT:
            return None

    def _receive_body(self) -> bytes:
        return self.socket.recv(RECEIVE_BYTES)

    def _serve_one(self, request: Incoming) -> bool:
        """Answers one request; False when the connection cannot serve another."""
        self._timer.set(self._limits.stall_seconds)
        body = BodyInput(
            request,
            self._parser,
            self._receive_body,
            self.socket.sendall,
            self._limits.head_bytes,
        )
        answer = Answer(self.socket, request, lambda: self._can_keep(body))
        environ = environment_of(request, body, self._shared, self._handle)
        if not self._run_app(environ, answer, body):
            return False
        if body.whole:
            return answer.keeps
        return self._clear(body, keep=answer.keeps)

    def _can_keep(self, body: BodyInput) -> bool:
        if self.stopping:
            return False
        missing = body.missing
        return missing is not None and missing <= self._limits.drain_bytes

    def _run_app(self, environ: dict[str, Any], answer: Answer, body: BodyInput) -> bool:
        """Calls the application and sends what it answers; False: the connection is done with."""
        try:
            self._call_app(environ, answer)
        except BodyTruncated:
            if self._parser.refusal is not None and not answer.begun:
                self._refuse(MALFORMED)
            return False
        except OSError as error:
            if not self._handle.taken and not (answer.begun and _is_the_clients(error)):
                self._fail(error, answer, body)
            return False
        except Exception as error:  # noqa: BLE001  whatever an application lets out ends here
            self._fail(error, answer, body)
            return False
        return not self._handle.taken

    def _call_app(self, environ: dict[str, Any], answer: Answer) -> None:
        result: Iterable[bytes] = self._app(environ, answer.start_response)
        try:
            if not self._handle.taken:
                answer.send(result)
        finally:
            close = getattr(result, "close", None)
            if close is not None:
                close()

    def _fail(self, error: Exception, answer: Answer, body: BodyInput) -> None:
        self._on_error(error)
        if self._handle.taken:
            return
        if answer.begun:
            # Too late for a status: a cut connection is the only way left to say "not whole".
            sockets.finish(self.socket)
            return
        with contextlib.suppress(OSError):
            self.socket.sendall(plain_answer("500 Internal Server Error", ""))
            if not body.whole:
                self._linger()

    def _refuse(self, refusal: Refusal) -> None:
        """Answers a client that broke the protocol, and ends."""
        with contextlib.suppress(OSError):
            self._timer.set(self._limits.linger_gap_seconds)
            self.socket.sendall(plain_answer(refusal.status, refusal.text))
            self._linger()

    def _clear(self, body: BodyInput, *, keep: bool) -> bool:
        """Gets rid of what the application left unread; False when that ends the connection."""
        if keep:
            self._timer.set(self._limits.linger_gap_seconds)
            try:
                body.discard()
            except BodyTruncated:
                return False
            return True
        self._linger()
        return False

    def _linger(self) -> None:
        """Closes our side, then throws away what still comes, until the client closes too.

        A close with unread bytes sends RST, which can destroy the answer before it is read.
        """
        sockets.end_writing(self.socket)
        end = time.monotonic() + self._limits.linger_seconds
        self._timer = sockets.Timer(self.socket)
        with contextlib.suppress(OSError):
            self.socket.settimeout(None)
            while not self.stopping and time.monotonic() < end:
                self._timer.set(self._limits.linger_gap_seconds)
                if not self.socket.recv(RECEIVE_BYTES):
                    return


def _is_the_clients(error: OSError) -> bool:
    """Whether an error means that the client is gone or takes nothing, not that we failed."""
    return isinstance(error, (ConnectionError, ssl.SSLError, *sockets.TIMED_OUT))
