"""The WSGI environment of a request (PEP 3333), and what ours has beyond it."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from d365fo_emulator.http.bodies import FileAnswer

if TYPE_CHECKING:
    from d365fo_emulator.http.incoming import BodyInput
    from d365fo_emulator.http.parsing import Incoming

CONNECTION_KEY = "d365fo_emulator.connection"
RAW_HEADERS_KEY = "d365fo_emulator.headers"
_METADATA = b"x-ms-meta-"
_AUTHORITY_END = re.compile(rb"[/?#]")


def split_target(target: bytes) -> tuple[bytes | None, bytes, bytes]:
    """Authority (None unless absolute), path and query of a request target, all undecoded."""
    authority = None
    if not target.startswith(b"/") and b"://" in target.partition(b"?")[0]:
        rest = target.partition(b"://")[2]
        authority = _AUTHORITY_END.split(rest, 1)[0]
        target = b"/" + rest[len(authority) :].removeprefix(b"/")
    path, _, query = target.partition(b"#")[0].partition(b"?")
    return authority, path, query


def environment_of(
    request: Incoming, body: BodyInput, shared: dict[str, Any], connection: object
) -> dict[str, Any]:
    """The environment of one request; `shared` holds what the whole connection has in common.

    `RAW_URI` is path and query as sent: signatures and blob names need them undecoded. Repeated
    headers are joined with a comma, which makes a second `Host` an invalid one. Header names with
    an underscore are left out (they would pose as others), but for blob metadata, whose names may
    have one.
    """
    authority, path, query = split_target(request.target)
    environ = shared.copy()
    for name, value in request.headers:
        if b"_" in name and not name.lower().startswith(_METADATA):
            continue
        key = "HTTP_" + name.decode("latin-1").upper().replace("-", "_")
        text = value.decode("latin-1")
        environ[key] = f"{environ[key]},{text}" if key in environ else text
    environ.pop("HTTP_CONTENT_LENGTH", None)
    if request.length is not None:
        environ["CONTENT_LENGTH"] = str(request.length)
    if "HTTP_CONTENT_TYPE" in environ:
        environ["CONTENT_TYPE"] = environ.pop("HTTP_CONTENT_TYPE")
    if authority is not None:
        environ["HTTP_HOST"] = authority.decode("latin-1")  # it wins over Host (RFC 9112, 3.2.2)
    decoded = unquote_to_bytes(path) if b"%" in path else path
    raw = path + b"?" + query if query else path
    environ["REQUEST_METHOD"] = request.method
    environ["PATH_INFO"] = decoded.decode("latin-1")
    environ["QUERY_STRING"] = query.decode("latin-1")
    environ["RAW_URI"] = environ["REQUEST_URI"] = raw.decode("latin-1")
    environ["SERVER_PROTOCOL"] = "HTTP/" + request.version
    environ["wsgi.input"] = body
    environ[RAW_HEADERS_KEY] = request.headers
    environ[CONNECTION_KEY] = connection
    return environ


def shared_environment(
    own: tuple[Any, ...], peer: tuple[Any, ...], *, secure: bool
) -> dict[str, Any]:
    """What all requests of one connection have in common."""
    return {
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "https" if secure else "http",
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "wsgi.input_terminated": True,  # the stream knows its own end, chunked or not
        "wsgi.file_wrapper": FileAnswer,
        "SCRIPT_NAME": "",
        "SERVER_NAME": str(own[0]),
        "SERVER_PORT": str(own[1]),
        "REMOTE_ADDR": str(peer[0]) if peer else "",
        "REMOTE_PORT": str(peer[1]) if peer else "",
    }
