"""The admin API on the wire: `/_emulator/v1/…`, open to this machine, to others by token."""

from __future__ import annotations

import functools
import hmac
import ipaddress
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import flask
from werkzeug.exceptions import HTTPException

from d365fo_emulator.admin.api import DEFAULT_WORKSPACE
from d365fo_emulator.admin.errors import AdminProblem, BadRequest, problem_kind, problems_of
from d365fo_emulator.admin.routes import PREFIX, ROUTES, UNBUILT, Call, Route, flask_path
from d365fo_emulator.http.exchange import SurfaceName, exchange_of
from d365fo_emulator.http.surface import Surface
from d365fo_emulator.kernel.errors import EmulatorError, NotEmulated, WorkspaceNotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from wsgiref.types import WSGIApplication

    from werkzeug.datastructures import Headers
    from werkzeug.wrappers import Response

    from d365fo_emulator.admin.api import Admin
    from d365fo_emulator.admin.model import Workspaces
    from d365fo_emulator.http.exchange import Exchange
    from d365fo_emulator.kernel.workspace import Workspace

MOST_BODY = 8 * 1024 * 1024
LOCAL_NAMES = ("localhost",)


@dataclass(frozen=True)
class AdminAccess:
    """Who may call what is not open to all.

    Attributes:
        token: lets any client in, as a bearer; "": no client of another machine gets in.
        names: host names or addresses of this server, beside localhost. Another name in `Host`
            may be one that a web page has pointed at this machine, and is refused.

    """

    token: str = ""
    names: Sequence[str] = field(default_factory=tuple)

    def refusal(self, exchange: Exchange, headers: Headers) -> tuple[int, str] | None:
        """Status and reason when this caller may not; None when it may."""
        given = headers.get("Authorization", "")
        if given.casefold().startswith("bearer ") and self.token:
            if hmac.compare_digest(given[7:].strip().encode(), self.token.encode()):
                return None
            return 403, "the bearer is not the admin token"
        if not _is_loopback(exchange.remote_address):
            return 401, "from another machine the admin API needs the admin token (--admin-token)"
        if not self._is_own_name(host := headers.get("Host", "")):
            return 403, f"{host!r} is no name of this server (add it with --tls-san)"
        return None

    def _is_own_name(self, host: str) -> bool:
        name = urlsplit(f"//{host}").hostname or ""
        own = {_host_of(known) for known in (*LOCAL_NAMES, *self.names) if known}
        return name.casefold() in own or _is_address(name)


def admin_surface(admin: Admin, workspaces: Workspaces, access: AdminAccess) -> Surface:
    """The surface that the gateway serves below `/_emulator/`."""

    def find_workspace(environ: Mapping[str, Any]) -> Workspace | None:
        wanted = parse_qs(environ.get("QUERY_STRING", "")).get("workspace", [DEFAULT_WORKSPACE])[0]
        try:
            return workspaces.get(wanted).workspace
        except WorkspaceNotFound:
            return None  # the handler says so; the gateway only needs somebody's clock

    def error(exchange: Exchange, status: int, text: str) -> Response:
        exchange.reason = exchange.reason or text
        return _problem(status, "refused", "Refused", text)

    return Surface(
        name=SurfaceName.ADMIN,
        app=_when_called(lambda: _application(admin, access)),
        find_workspace=find_workspace,
        error=error,
    )


def _when_called(build: Callable[[], flask.Flask]) -> WSGIApplication:
    """An application made at its first call: most runs never call it, and it has many routes."""
    made = functools.cache(build)
    return lambda environ, start_response: made()(environ, start_response)  # noqa: PLW0108  not yet


def _application(admin: Admin, access: AdminAccess) -> flask.Flask:
    app = flask.Flask("d365fo_emulator.admin", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MOST_BODY
    app.config["PROPAGATE_EXCEPTIONS"] = True  # a bug of ours is the gateway's to tell
    app.url_map.merge_slashes = False  # an execution id may hold two of them
    app.url_map.strict_slashes = False
    for route in ROUTES:
        app.add_url_rule(
            PREFIX + flask_path(route.path),
            endpoint=f"{route.method} {route.path}",
            view_func=_view(route, admin, access),
            methods=[route.method],
            provide_automatic_options=False,
        )
    for (method, path), what in UNBUILT.items():
        app.add_url_rule(
            PREFIX + flask_path(path),
            endpoint=f"{method} {path}",
            view_func=_guarded(_unbuilt(what), access),
            methods=[method],
            provide_automatic_options=False,
        )
    app.add_url_rule(f"{PREFIX}/openapi.json", "openapi", _guarded(_openapi, access))
    app.add_url_rule("/_emulator/", "console", _guarded(_unbuilt("the console"), access))
    app.register_error_handler(EmulatorError, _answer_error)
    app.register_error_handler(HTTPException, _answer_http_error)
    return app


def _openapi() -> Any:
    from d365fo_emulator.admin.openapi import openapi_document  # noqa: PLC0415  seldom asked for

    return _json(openapi_document())


def _view(route: Route, admin: Admin, access: AdminAccess) -> Callable[..., Any]:
    def view(**path: str) -> Any:
        result = route.run(admin, _call(route, path))
        if result is None:
            return "", 204
        if isinstance(result, str):
            return flask.Response(result, mimetype=route.content_type)
        status = 200 if route.status_of is None else route.status_of(result)
        return _json(result, status)

    return _guarded(view, access, is_open=route.is_open)


def _guarded(
    view: Callable[..., Any], access: AdminAccess, *, is_open: bool = False
) -> Callable[..., Any]:
    def guarded(**path: str) -> Any:
        exchange = exchange_of(flask.request.environ)
        headers = flask.request.headers
        refusal = None if is_open else access.refusal(exchange, headers)
        if refusal is None and not _is_same_origin(exchange, headers):
            refusal = 403, "calls from web pages of other sites are refused"
        if refusal is not None:
            status, reason = refusal
            exchange.reason = reason
            return _problem(status, "not-allowed", "Not allowed", reason)
        return view(**path)

    return guarded


def _call(route: Route, path: Mapping[str, str]) -> Call:
    query = {name: values[-1] for name, values in flask.request.args.lists()}
    for name in query:
        if name not in route.query_names:
            known = ", ".join(route.query_names)
            raise BadRequest(f"there is no parameter {name!r} here; there are: {known or 'none'}")
    exchange = exchange_of(flask.request.environ)
    return Call(
        workspace=query.pop("workspace", DEFAULT_WORKSPACE),
        path=path,
        query=query,
        body=_body(route),
        base_url=exchange.base_url if exchange.secure else "",
    )


def _body(route: Route) -> Any:
    if route.body is None:
        return None
    text = flask.request.get_data(as_text=False)
    try:
        decoded = text.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadRequest("the body is not UTF-8") from None
    if route.body == "text":
        return decoded
    try:
        value = json.loads(decoded or "{}")
    except ValueError as error:
        raise BadRequest(f"the body is no JSON: {error}") from None
    if not isinstance(value, dict):
        raise BadRequest("the body is no JSON object")
    return value


def _unbuilt(what: str) -> Callable[..., Any]:
    def refuse(**path: str) -> Any:
        del path
        raise NotEmulated(what)

    return refuse


def _answer_error(error: EmulatorError) -> Response:
    kind = problem_kind(error)
    if isinstance(error, AdminProblem):  # an admin that is itself a client of another
        return _problem(error.status, error.kind, "Refused", str(error), error.problems)
    exchange_of(flask.request.environ).reason = str(error)
    return _problem(kind.status, kind.slug, kind.title, str(error), problems_of(error))


def _answer_http_error(error: HTTPException) -> Response:
    status = error.code or 500
    path = flask.request.path
    detail = {
        404: f"there is nothing at {path}; see {PREFIX}/openapi.json",
        405: f"{flask.request.method} is not possible at {path}",
        413: f"the body is larger than {MOST_BODY // 1024 // 1024} MiB",
    }.get(status, error.description or error.name)
    exchange_of(flask.request.environ).reason = detail
    response = _problem(status, "http", error.name, detail)
    allowed = getattr(error, "valid_methods", None)
    if allowed:
        response.headers["Allow"] = ", ".join(sorted(allowed))
    return response


def _json(document: Any, status: int = 200) -> Response:
    text = json.dumps(document, ensure_ascii=False)  # members in their order, unlike jsonify's
    return flask.Response(text, status=status, mimetype="application/json")


def _problem(
    status: int, slug: str, title: str, detail: str, problems: Sequence[Any] = ()
) -> Response:
    document: dict[str, Any] = {
        "type": f"urn:d365fo-emulator:problem:{slug}",
        "title": title,
        "status": status,
        "detail": detail,
    }
    if problems:
        document["problems"] = list(problems)
    response = flask.Response(
        json.dumps(document, ensure_ascii=False),
        status=status,
        content_type="application/problem+json",
    )
    if status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="d365fo-emulator admin"'
    return response


def _is_same_origin(exchange: Exchange, headers: Headers) -> bool:
    origin = headers.get("Origin")
    if origin is None:
        return True
    host = headers.get("Host", "").casefold()
    return origin.casefold() in (f"http://{host}", f"https://{host}", exchange.base_url.casefold())


def _host_of(known: str) -> str:
    """The host of a name, or of a whole URL such as the public one."""
    host = urlsplit(known).hostname if "://" in known else known
    return (host or "").casefold()


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _is_loopback(address: str) -> bool:
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None)
    return (mapped or parsed).is_loopback
