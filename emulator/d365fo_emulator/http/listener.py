"""Our HTTP/1.1 listener: a thread per connection, a kept parser, nothing between us and the wire.

Own, because no kept server carries out every wire fault, starts in a millisecond, stops at once
and lets no silent TLS client block the others. Parsing is llhttp's.
"""

from __future__ import annotations

import _thread
import contextlib
import logging
import selectors
import socket
import threading
from typing import TYPE_CHECKING, Any

from d365fo_emulator.http import sockets
from d365fo_emulator.http.answering import plain_answer
from d365fo_emulator.http.connection import Connection
from d365fo_emulator.http.limits import DEFAULT_LIMITS, Limits

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable
    from wsgiref.types import WSGIApplication

_log = logging.getLogger(__name__)
_FULL = plain_answer("503 Service Unavailable", "too many connections")
_PAUSE_SECONDS = 0.05


def _log_error(error: BaseException) -> None:
    _log.error("an application let an exception out", exc_info=error)


class Listener:
    """Serves a WSGI application on one port.

    The sockets are bound on construction, so that `port` is known before `start`.

    Args:
        host: 127.0.0.1 and localhost mean both loopbacks, 127.0.0.1 and ::1.
        port: 0 for any free one.
        tls: serves https with it.
        name: for log lines and threads.
        on_error: told of each exception that the application lets out (default: logged).

    Raises:
        ConfigurationError: the port cannot be had; the message names the remedy.

    """

    def __init__(
        self,
        app: WSGIApplication,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        limits: Limits = DEFAULT_LIMITS,
        name: str = "http",
        on_error: Callable[[BaseException], object] = _log_error,
    ) -> None:
        self._app = app
        self._tls = tls
        self._limits = limits
        self._on_error = on_error
        self.name = name
        self._listening = sockets.bind(host, port)
        self.addresses: tuple[tuple[str, int], ...] = tuple(
            each.getsockname()[:2] for each in self._listening
        )
        self.port: int = self.addresses[0][1]
        self._connections: set[Connection] = set()
        self._changed = threading.Condition()
        self._stopping = False
        self._woken, self._waker = socket.socketpair()
        self._acceptor: threading.Thread | None = None

    @property
    def scheme(self) -> str:
        """What URLs of this listener begin with: http or https."""
        return "http" if self._tls is None else "https"

    @property
    def connection_count(self) -> int:
        """How many connections are open."""
        return len(self._connections)

    def start(self) -> None:
        """Begins to accept; returns at once."""
        self._acceptor = threading.Thread(
            target=self._accept_all, name=f"{self.name}-accept", daemon=True
        )
        self._acceptor.start()

    def stop(self, timeout: float = 5.0) -> None:
        """Ends: no new connections, idle ones closed, running requests given `timeout` seconds.

        Returns as soon as nothing is left; what still runs after `timeout` is cut off.
        """
        self._stopping = True
        with contextlib.suppress(OSError):
            self._waker.send(b"x")
        if self._acceptor is not None:
            self._acceptor.join()
        for each in (*self._listening, self._woken, self._waker):
            each.close()
        with self._changed:
            for connection in self._connections:
                connection.stop()
            self._changed.wait_for(lambda: not self._connections, timeout)
            for connection in self._connections:
                connection.kill()

    def _accept_all(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._woken, selectors.EVENT_READ)
            for each in self._listening:
                selector.register(each, selectors.EVENT_READ)
            while not self._stopping:
                for key, _ in selector.select():
                    if key.fileobj is not self._woken and isinstance(key.fileobj, socket.socket):
                        self._accept(key.fileobj)

    def _accept(self, listening: socket.socket) -> None:
        while not self._stopping:
            try:
                accepted, peer = listening.accept()
            except BlockingIOError:
                return
            except ConnectionError:
                continue  # it left while it waited in the queue
            except OSError as refused:  # no descriptors left; some will be free in a moment
                _log.warning("%s: cannot accept: %s", self.name, refused)
                self._woken.settimeout(_PAUSE_SECONDS)
                with contextlib.suppress(OSError):
                    self._woken.recv(1, socket.MSG_PEEK)
                return
            self._begin(accepted, peer)

    def _begin(self, accepted: socket.socket, peer: tuple[Any, ...]) -> None:
        if len(self._connections) >= self._limits.connections:
            self._turn_away(accepted)
            return
        connection = Connection(
            accepted, peer, self._app, self._tls, self._limits, self._on_error, self._ended
        )
        with self._changed:
            self._connections.add(connection)
        try:
            # Thread.start() would wait until the thread runs: a tail of 800 ms at 64 connections.
            _thread.start_new_thread(connection.run, ())
        except RuntimeError as refused:
            _log.warning("%s: no thread for a connection: %s", self.name, refused)
            accepted.close()
            self._ended(connection)

    def _turn_away(self, accepted: socket.socket) -> None:
        with accepted, contextlib.suppress(OSError):
            if self._tls is None:
                accepted.setblocking(False)
                accepted.send(_FULL)
                accepted.shutdown(socket.SHUT_WR)

    def _ended(self, connection: Connection) -> None:
        with self._changed:
            self._connections.discard(connection)
            if not self._connections:
                self._changed.notify_all()
