"""The blob surface: reads a request, checks its SAS before the first byte of the body, answers.

The path is opaque to routing: a blob's name may hold anything, so one function takes every
request and :mod:`operations` tells what it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import request
from werkzeug.wrappers import Response
from werkzeug.wsgi import FileWrapper

from d365fo_emulator.blob import errors
from d365fo_emulator.blob.address import host_style
from d365fo_emulator.blob.errors import BlobError, authentication_failed
from d365fo_emulator.blob.handlers import HANDLERS, Answer
from d365fo_emulator.blob.operations import operation_of
from d365fo_emulator.blob.requests import BlobRequest, address_of, read_request
from d365fo_emulator.blob.sas import http_date, read_query
from d365fo_emulator.http.bodies import PIECE, BodyTruncated
from d365fo_emulator.http.dialect import build_app
from d365fo_emulator.http.exchange import Exchange, SurfaceName, exchange_of
from d365fo_emulator.http.surface import Surface
from d365fo_emulator.kernel.errors import NotEmulated

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flask import Flask

    from d365fo_emulator.blob.sas import Grant
    from d365fo_emulator.blob.service import BlobService
    from d365fo_emulator.kernel.workspace import Workspace

SERVER = "Windows-Azure-Blob/1.0 Microsoft-HTTPAPI/2.0"  # recorded
XML = "application/xml"
NOT_EMULATED = "NotImplemented"


def build_surface(
    service_of: Callable[[Workspace], BlobService],
    find_workspace: Callable[[Mapping[str, Any]], Workspace | None],
) -> Surface:
    """The surface for the gateway."""
    return Surface(
        name=SurfaceName.BLOB,
        app=_build_app(service_of),
        find_workspace=find_workspace,
        error=error_response,
        describe=describe,
        journals_bodies=False,
    )


def describe(environ: Mapping[str, Any]) -> dict[str, Any]:
    """Operation, method, container and blob, for rules and the journal; no refusal from here."""
    facts: dict[str, Any] = {"method": environ["REQUEST_METHOD"]}
    account = _account(environ)
    try:
        address = address_of(environ, account)
        facts |= {"container": address.container, "blob": address.name}
        query = dict(reversed(read_query(environ.get("QUERY_STRING", ""))))
        sent = {
            name: environ.get(f"HTTP_{name.upper().replace('-', '_')}", "")
            for name in ("x-ms-copy-source", "x-ms-blob-type")
        }
        facts["operation"] = operation_of(facts["method"], address, query, sent).name
    except BlobError:
        pass  # the handler says what is wrong with it
    return facts


def error_response(exchange: Exchange, status: int, text: str) -> Response:
    """A refusal in this dialect, for what the handlers do not refuse themselves."""
    exchange.reason = exchange.reason or text
    code = {404: "ResourceNotFound", 405: "UnsupportedHttpVerb", 503: "ServerBusy"}.get(
        status, "InternalError" if status >= 500 else "InvalidInput"
    )
    row = errors.TABLE[code]
    return _error(exchange, status, code, row.message)


def _build_app(service_of: Callable[[Workspace], BlobService]) -> Flask:
    app = build_app("d365fo_emulator.blob", _refused)

    @app.before_request
    def serve() -> Response:
        """Comes before Flask looks at the path, which it would normalise."""
        exchange = exchange_of(request.environ)
        try:
            answer = _serve(service_of, exchange)
        except BlobError as error:
            exchange.reason = exchange.reason or error.reason
            response = _error(exchange, error.status, error.code, error.message, error.details)
            response.headers.extend(error.headers)
        except NotEmulated as error:
            exchange.reason = exchange.reason or str(error)
            response = _error(exchange, 501, NOT_EMULATED, str(error))
        except BodyTruncated as error:
            # The client is gone or about to be; nothing of its upload was kept.
            response = error_response(exchange, 400, str(error))
        else:
            response = _response(answer)
        return _finish(response, exchange)

    return app


def _refused(status: int, text: str) -> Response:
    exchange = exchange_of(request.environ)
    return _finish(error_response(exchange, status, text), exchange)


def _serve(service_of: Callable[[Workspace], BlobService], exchange: Exchange) -> Answer:
    asked = read_request(request.environ, exchange)
    if asked.address.account != exchange.workspace.storage_account:
        raise BlobError("ResourceNotFound", reason=f"no account {asked.address.account!r}")
    operation = operation_of(asked.method, asked.address, asked.query, asked.headers)
    exchange.facts["operation"] = operation.name
    asked.check_version()
    service = service_of(exchange.workspace)
    grant = _authorize(service, asked, operation.permissions)
    exchange.note(f"{operation.name}: the SAS allows {grant.permissions}")
    handler = HANDLERS.get(operation.name)
    if handler is None:
        raise NotEmulated(operation.name)
    for name in ("snapshot", "versionid"):
        if name in asked.query:
            raise NotEmulated(f"{operation.name} of a {name}")
    return handler(service, asked, grant)


def _authorize(service: BlobService, asked: BlobRequest, permissions: str) -> Grant:
    """Key, then SAS, then nothing (client); a bearer token beside a SAS is ignored (inferred)."""
    scheme = asked.header("authorization").partition(" ")[0].lower()
    if scheme in {"sharedkey", "sharedkeylite"}:
        raise NotEmulated("authorization with the account key (SharedKey)")
    if scheme:
        if not asked.query.get("sig"):
            raise authentication_failed(f"Authentication scheme {scheme.title()} is not supported.")
        asked.exchange.note(f"Authorization: {scheme.title()} ignored, the request has a SAS")
    exchange = asked.exchange
    return service.authorize(
        asked.address,
        asked.parameters,
        secure=exchange.secure,
        permissions=permissions,
        remote_address=exchange.remote_address,
    )


def _response(answer: Answer) -> Response:
    if answer.file is None:
        response = Response(answer.body or None, answer.status, headers=dict(answer.headers))
        if "Content-Type" not in answer.headers:
            del response.headers["Content-Type"]
        return response
    wrap = request.environ.get("wsgi.file_wrapper", FileWrapper)
    return Response(
        wrap(answer.file, PIECE),
        answer.status,
        headers=dict(answer.headers),
        direct_passthrough=True,
    )


def _error(
    exchange: Exchange,
    status: int,
    code: str,
    message: str,
    details: tuple[tuple[str, str], ...] = (),
) -> Response:
    """The body, the code as a header too, the message as the reason phrase (recorded).

    Without a body (HEAD, 304) the header is the only carrier of the code.
    """
    body = errors.document(
        code, message, details, exchange.request_id, exchange.workspace.clock.now
    )
    if exchange.method == "HEAD" or status == 304:
        body = b""
    response = Response(body, f"{status} {message}", content_type=XML)
    response.headers["x-ms-error-code"] = code
    return _stamp(response, exchange)


def _stamp(response: Response, exchange: Exchange) -> Response:
    """The headers of every answer (recorded), also of those that the gateway gives."""
    response.headers["Server"] = SERVER
    response.headers["Date"] = http_date(exchange.workspace.clock.now)
    response.headers["x-ms-request-id"] = exchange.request_id
    return response


def _finish(response: Response, exchange: Exchange) -> Response:
    """Adds what is echoed of the request (recorded)."""
    headers = _stamp(response, exchange).headers
    query = dict(read_query(exchange.query))
    version = request.headers.get("x-ms-version") or query.get("api-version") or query.get("sv")
    if version:
        headers["x-ms-version"] = version
    if client_id := request.headers.get("x-ms-client-request-id"):
        headers["x-ms-client-request-id"] = client_id
    return response


def _account(environ: Mapping[str, Any]) -> str:
    """The account that a request names, before its workspace is known."""
    host = environ.get("HTTP_HOST", "")
    label = host.partition(".")[0]
    return label if host_style(host, label) else ""
