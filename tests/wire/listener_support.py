"""A listener with an echo application, and a client that writes bytes as a test spells them."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import io
import json
import socket
import ssl
import threading

from d365fo_emulator.http.bodies import FileAnswer, RangeReader
from d365fo_emulator.http.environment import CONNECTION_KEY
from d365fo_emulator.http.limits import Limits
from d365fo_emulator.http.listener import Listener

WAIT = 5  # seconds a test waits for what must come; none waits so long when all is well

# Small sizes, patient times: a busy machine must not make a sound client look like a slow one.
PATIENT = Limits(head_bytes=2048, header_count=20, drain_bytes=1024)
SHORT = 0.1


def hasty(*names):
    """Limits of which these alone are reached within a test."""
    return dataclasses.replace(PATIENT, **dict.fromkeys(names, SHORT))


class Echo:
    """An application that answers with what it was asked; its paths make it misbehave."""

    def __init__(self, folder) -> None:
        self.file = folder / "big.bin"
        self.file.write_bytes(bytes(range(256)) * 4096)
        self.ended = threading.Event()
        self.seen: list[BaseException] = []
        self.release = threading.Event()

    def __call__(self, environ, start_response):
        name = environ["PATH_INFO"].strip("/").split("/")[0].replace("-", "_")
        return getattr(self, f"do_{name}", self.do_echo)(environ, start_response)

    def do_echo(self, environ, start_response):
        body = environ["wsgi.input"].read()
        told = {k: v for k, v in environ.items() if isinstance(v, (str, bool, int))}
        told |= {"body_length": len(body), "sha256": hashlib.sha256(body).hexdigest()}
        told["body"] = body[:200].decode("latin-1")
        start_response("200 OK", [("Content-Type", "application/json")])
        return [json.dumps(told).encode()]

    def do_ignore(self, environ, start_response):
        start_response("403 Forbidden", [("Content-Length", "2")])
        return [b"no"]

    def do_pieces(self, environ, start_response):
        start_response("200 OK", [])
        return iter([b"one", b"", b"two", b"three"])

    def do_empty(self, environ, start_response):
        start_response("204 No Content", [])
        return []

    def do_short(self, environ, start_response):
        start_response("200 OK", [("Content-Length", "100")])
        return [b"short"]

    def do_long(self, environ, start_response):
        start_response("200 OK", [("Content-Length", "2")])
        return [b"longer"]

    def do_split(self, environ, start_response):
        start_response("200 OK", [("X-Bad", "a\r\nSet-Cookie: b")])
        return [b""]

    def do_raise(self, environ, start_response):
        raise RuntimeError("a bug")

    def do_raise_late(self, environ, start_response):
        start_response("200 OK", [])
        yield b"first"
        raise RuntimeError("a late bug")

    def do_big(self, environ, start_response):
        size = self.file.stat().st_size
        start_response("200 OK", [("Content-Length", str(size))])
        return environ["wsgi.file_wrapper"](self.file.open("rb"))

    def do_range(self, environ, start_response):
        start_response("206 Partial Content", [("Content-Length", "1000")])
        return FileAnswer(RangeReader(self.file.open("rb"), 1000, 1999))

    def do_memory(self, environ, start_response):
        start_response("200 OK", [("Content-Length", "5")])
        return environ["wsgi.file_wrapper"](io.BytesIO(b"bytes"))

    def do_wait(self, environ, start_response):
        self.ended.set()
        self.release.wait(WAIT)
        start_response("200 OK", [])
        return [b"done"]

    def do_upload(self, environ, start_response):
        try:
            length = len(environ["wsgi.input"].read())
        except ConnectionAbortedError as error:
            self.seen.append(error)
            self.ended.set()
            raise
        start_response("201 Created", [])
        return [str(length).encode()]

    def do_endless(self, environ, start_response):
        start_response("200 OK", [])
        try:
            while True:
                yield b"x" * 65536
        finally:
            self.ended.set()

    def do_reset(self, environ, start_response):
        environ[CONNECTION_KEY].reset()
        start_response("200 OK", [])
        return [b"never"]

    def do_close(self, environ, start_response):
        environ[CONNECTION_KEY].close()
        start_response("200 OK", [])
        return [b"never"]

    def do_garbage(self, environ, start_response):
        environ[CONNECTION_KEY].send_raw(b"\x00\xffGARB 99\r\n\r\n")
        start_response("200 OK", [])
        return [b"never"]


class Answer:
    def __init__(self, status, headers, body) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    def json(self):
        return json.loads(self.body)


class Wire:
    """A client that knows only bytes."""

    def __init__(self, port, context=None, host="127.0.0.1") -> None:
        self.socket = socket.create_connection((host, port), timeout=WAIT)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if context is not None:
            self.socket = context.wrap_socket(self.socket, server_hostname="localhost")
        self._buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def ask(self, data, method=b"GET"):
        self.send(data)
        return self.answer(bodiless=method == b"HEAD")

    def get(self, path="/echo", *headers):
        lines = [f"GET {path} HTTP/1.1", "Host: localhost", *headers, "", ""]
        return self.ask("\r\n".join(lines).encode())

    def _more(self):
        data = self.socket.recv(65536)
        self._buffer += data
        return data

    def _until(self, mark):
        while mark not in self._buffer:
            if not self._more():
                raise EOFError(self._buffer)
        found, _, self._buffer = self._buffer.partition(mark)
        return found

    def _exactly(self, count):
        while len(self._buffer) < count:
            if not self._more():
                raise EOFError(self._buffer)
        found, self._buffer = self._buffer[:count], self._buffer[count:]
        return found

    def answer(self, *, bodiless=False):
        first, *lines = self._until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        status = int(first.split()[1])
        if bodiless or status in {100, 204, 304}:
            return Answer(status, headers, b"")
        if headers.get("transfer-encoding") == "chunked":
            return Answer(status, headers, self._chunks())
        if "content-length" in headers:
            return Answer(status, headers, self._exactly(int(headers["content-length"])))
        return Answer(status, headers, self.rest())

    def _chunks(self):
        body = b""
        while size := int(self._until(b"\r\n"), 16):
            body += self._exactly(size)
            self._exactly(2)
        self._exactly(2)
        return body

    def rest(self):
        """Everything up to the end of the connection."""
        while self._more():
            pass
        found, self._buffer = self._buffer, b""
        return found

    def has_ended(self):
        return not self._buffer and not self.socket.recv(1)


@contextlib.contextmanager
def serving(app, limits=PATIENT, tls=None, on_error=None):
    caught = []
    listener = Listener(app, limits=limits, tls=tls, on_error=on_error or caught.append)
    listener.start()
    try:
        yield listener
    finally:
        if hasattr(app, "release"):
            app.release.set()
        listener.stop(WAIT)
    if on_error is None:
        assert caught == []


def until(true):
    """Waits for another thread to make something true."""
    pause = threading.Event()
    for _ in range(WAIT * 1000):
        if true():
            return
        pause.wait(0.001)
    raise AssertionError("it did not happen")


def client_context(ca_pem):
    context = ssl.create_default_context(cadata=ca_pem.decode("ascii"))
    assert context.verify_mode is ssl.CERT_REQUIRED
    return context
