"""Plain socket work: binding, time-outs kept by the kernel, and the ways to end a connection.

Options that an operating system lacks are left out; nothing here needs Linux.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import ssl
import struct
import sys

from d365fo_emulator.kernel.errors import ConfigurationError

BACKLOG = 512  # a short queue overflows at 64 connections: refused SYNs cost their client a second
LOOPBACK_HOSTS = ("127.0.0.1", "localhost")
_WINDOWS = sys.platform == "win32"
_LINGER_NONE = struct.pack("hh" if _WINDOWS else "ii", 1, 0)
_PORT_TRIES = 50
_DRAIN_READS = 64
_DRAIN_BYTES = 64 * 1024

TIMED_OUT = (TimeoutError, BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
"""What a read or write raises when its time is up, by any way of setting it."""


def bind(host: str, port: int) -> list[socket.socket]:
    """Listening sockets for `host`: both loopbacks on one port for the loopback default.

    Some clients try ``::1`` first for ``localhost``, others only know 127.0.0.1. Port 0 takes one
    that is free on both. Without IPv6 on the machine, 127.0.0.1 stands alone.

    Raises:
        ConfigurationError: the port is taken, or the host is not one of this machine's.

    """
    try:
        if host in LOOPBACK_HOSTS:
            return _bind_loopbacks(port)
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return [_listen(family, host, port)]
    except OSError as refused:
        raise ConfigurationError(_why_not_bound(host, port, refused)) from refused


def _bind_loopbacks(port: int) -> list[socket.socket]:
    for _ in range(_PORT_TRIES):
        first = _listen(socket.AF_INET, "127.0.0.1", port)
        try:
            second = _listen(socket.AF_INET6, "::1", first.getsockname()[1])
        except OSError as refused:
            if refused.errno != errno.EADDRINUSE:
                return [first]  # no IPv6 here
            first.close()
            if port:
                raise
        else:
            return [first, second]
    raise OSError(errno.EADDRINUSE, "no port is free on both 127.0.0.1 and ::1")


def _listen(family: int, host: str, port: int) -> socket.socket:
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        if _WINDOWS:
            listening.setsockopt(socket.SOL_SOCKET, getattr(socket, "SO_EXCLUSIVEADDRUSE", -5), 1)
        else:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6 and hasattr(socket, "IPV6_V6ONLY"):
            only = 0 if host == "::" else 1
            with contextlib.suppress(OSError):
                listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, only)
        listening.bind((host, port))
        listening.listen(BACKLOG)
        listening.setblocking(False)
    except BaseException:
        listening.close()
        raise
    return listening


def _why_not_bound(host: str, port: int, refused: OSError) -> str:
    if refused.errno == errno.EADDRINUSE or getattr(refused, "winerror", 0) in {10013, 10048}:
        return (
            f"port {port} on {host} is taken: choose another port, or 0 for any free one,"
            " with --http-port and --https-port"
        )
    if refused.errno == errno.EACCES:
        return f"port {port} on {host} needs more rights: choose a port above 1023"
    return f"cannot listen on {host} port {port}: {refused.strerror or refused}"


def prepare(connection: socket.socket) -> None:
    """Options of an accepted socket: blocking, and small answers leave at once."""
    connection.setblocking(True)
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


class Timer:
    """The time-out of one socket, set only when it changes.

    Python's own time-outs cost a `poll()` before each read; the kernel's cost nothing (measured:
    1.8 times the rate at 16 connections). Under TLS `settimeout` stays, since `ssl` repeats reads.
    """

    __slots__ = ("_socket", "_use_kernel", "seconds")

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self.seconds: float | None = None
        self._use_kernel = not isinstance(connection, ssl.SSLSocket) and hasattr(
            socket, "SO_RCVTIMEO"
        )

    def set(self, seconds: float) -> None:
        """Every read and write from now on may take `seconds` (at least a millisecond)."""
        if seconds == self.seconds:
            return
        self.seconds = seconds
        if self._use_kernel:
            value = _timeval(max(seconds, 0.001))
            try:
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, value)
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, value)
            except OSError:
                self._use_kernel = False
            else:
                return
        self._socket.settimeout(max(seconds, 0.001))


def _timeval(seconds: float) -> bytes | int:
    if _WINDOWS:
        return round(seconds * 1000)
    whole = int(seconds)
    return struct.pack("ll", whole, int((seconds - whole) * 1_000_000))


def reset(connection: socket.socket) -> None:
    """Ends with RST: the client sees "connection reset"."""
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NONE)
        socket.close(connection.detach())


def finish(connection: socket.socket) -> None:
    """Ends with FIN on the spot, over TLS without close_notify: the client sees a cut stream."""
    descriptor = connection.detach()
    if descriptor < 0:
        return
    with contextlib.suppress(OSError), socket.socket(fileno=descriptor) as raw:
        raw.shutdown(socket.SHUT_WR)
        raw.setblocking(False)
        for _ in range(_DRAIN_READS):  # unread bytes would turn the close into RST
            if not raw.recv(_DRAIN_BYTES):
                break


def wake(connection: socket.socket) -> None:
    """Ends reads and writes that another thread is in; that thread closes the socket."""
    with contextlib.suppress(OSError):
        # The method of the base class: ssl's own would pull the TLS state from under the reader.
        socket.socket.shutdown(connection, socket.SHUT_RDWR)


def end_writing(connection: socket.socket) -> None:
    """Says that nothing more comes: close_notify over TLS, then FIN; reading stays possible."""
    say_goodbye(connection)
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_WR)


def say_goodbye(connection: socket.socket) -> None:
    """Over TLS: sends close_notify without waiting for the client's."""
    if isinstance(connection, ssl.SSLSocket):
        with contextlib.suppress(OSError, ValueError):
            connection.settimeout(0)
            connection.unwrap()


def can_sendfile(connection: socket.socket) -> bool:
    """Whether the kernel can copy from a file (only on Linux does it keep to our time-outs)."""
    return (
        sys.platform == "linux"
        and hasattr(os, "sendfile")
        and not isinstance(connection, ssl.SSLSocket)
    )
