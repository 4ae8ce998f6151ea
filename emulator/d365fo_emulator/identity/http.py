"""The token service over HTTP: its routes, its headers and its error bodies.

Paths match in any letter case (client: MSAL4J folds the authority), and members that the service
does not know are ignored (client: adal and msal-node send their own).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from flask import Flask, request
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from d365fo_emulator.http.exchange import Exchange, SurfaceName, exchange_of
from d365fo_emulator.http.surface import Surface
from d365fo_emulator.identity import documents
from d365fo_emulator.identity.errors import IdentityError, correlation_id, error_body, printable
from d365fo_emulator.identity.grants import credential_of
from d365fo_emulator.identity.model import TokenRequest
from d365fo_emulator.kernel.errors import NotEmulated

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from d365fo_emulator.identity.service import IdentityService
    from d365fo_emulator.kernel.workspace import Workspace

LARGEST_BODY = 1024 * 1024
NO_STORE = {"Cache-Control": "no-store, no-cache", "Pragma": "no-cache"}
ERRORS = {404: "not_found", 500: "server_error", 501: "not_emulated"}
"""`error` of answers that have no code of the real service; the others are `invalid_request`."""


@dataclass(frozen=True)
class Route:
    """A path of the token service; `missing` names what is known but not built."""

    operation: str
    pattern: re.Pattern[str]
    version: int = 0
    missing: str = ""


def _route(operation: str, path: str, version: int = 0, missing: str = "") -> Route:
    expression = path.replace("{t}", "(?P<tenant>[^/]+)").replace(".", r"\.")
    return Route(operation, re.compile(rf"{expression}/?", re.IGNORECASE), version, missing)


_ADFS = Route("Adfs", re.compile(r"/adfs(/.*)?", re.IGNORECASE), missing="AD FS (/adfs)")
_USER_REALM = Route(
    "UserRealm",
    re.compile(r"/(?P<tenant>[^/]+)/userrealm(/.*)?", re.IGNORECASE),
    missing="user realm discovery",
)
ROUTES = (
    _ADFS,
    _route("Token", "/{t}/oauth2/v2.0/token", 2),
    _route("Token", "/{t}/oauth2/token", 1),
    _route("OpenIdConfiguration", "/{t}/v2.0/.well-known/openid-configuration", 2),
    _route("OpenIdConfiguration", "/{t}/.well-known/openid-configuration", 1),
    _route("Keys", "/{t}/discovery/v2.0/keys", 2),
    _route("Keys", "/{t}/discovery/keys", 1),
    _route("InstanceDiscovery", "/{t}/discovery/instance"),
    _route("Webfinger", "/.well-known/webfinger"),
    _route("Authorize", "/{t}/oauth2/v2.0/authorize", missing="the sign-in page (authorize)"),
    _route("Authorize", "/{t}/oauth2/authorize", missing="the sign-in page (authorize)"),
    _route("DeviceCode", "/{t}/oauth2/v2.0/devicecode", missing="the device flow (devicecode)"),
    _route("DeviceCode", "/{t}/oauth2/devicecode", missing="the device flow (devicecode)"),
    _route("Logout", "/{t}/oauth2/v2.0/logout", missing="signing out (logout)"),
    _route("Logout", "/{t}/oauth2/logout", missing="signing out (logout)"),
    _route("UserInfo", "/oidc/userinfo", missing="the user information endpoint (userinfo)"),
    _USER_REALM,
)


def build_surface(
    *,
    service_of: Callable[[Workspace], IdentityService],
    workspace_of_tenant: Callable[[str], Workspace | None],
) -> Surface:
    """The token dialect.

    Args:
        service_of: the token service of a workspace.
        workspace_of_tenant: the workspace whose tenant has this id or domain (any letter case). A
            tenant that none has goes to the default workspace, which refuses it in the real words.

    """

    def find_workspace(environ: Mapping[str, Any]) -> Workspace | None:
        tenant = _match(_path_of(environ))[1]
        return workspace_of_tenant(tenant) if tenant else None

    def describe(environ: Mapping[str, Any]) -> dict[str, Any]:
        route, tenant = _match(_path_of(environ))
        operation = {"operation": route.operation} if route else {}
        return {**operation, **({"tenant": printable(tenant)} if tenant else {})}

    return Surface(
        name=SurfaceName.TOKEN,
        app=_build_app(service_of),
        find_workspace=find_workspace,
        error=refuse,
        describe=describe,
        journals_bodies=False,  # secrets go in and tokens come out
    )


def refuse(exchange: Exchange, status: int, text: str) -> Response:
    """A refusal without a code of the real service, in the members that OAuth clients read."""
    exchange.reason = exchange.reason or printable(text, 600)
    error = ERRORS.get(status, "invalid_request")
    return _answer(exchange, status, {"error": error, "error_description": text})


def _build_app(service_of: Callable[[Workspace], IdentityService]) -> Flask:
    app = Flask(__name__, static_folder=None)
    # What nobody expected is for the gateway to answer and to report.
    app.config.update(MAX_CONTENT_LENGTH=LARGEST_BODY, PROPAGATE_EXCEPTIONS=True)

    def dispatch() -> Response:
        exchange = exchange_of(request.environ)
        route, tenant = _match(_path_of(request.environ))
        try:
            return _respond(service_of(exchange.workspace), exchange, route, tenant)
        except IdentityError as error:
            return _refuse_with_code(exchange, error)
        except NotEmulated as missing:
            return refuse(exchange, 501, f"{missing.what} is not emulated by d365fo-emulator")

    def refuse_http(error: HTTPException) -> Response:
        status = error.code or HTTPStatus.BAD_REQUEST
        return refuse(exchange_of(request.environ), status, error.description or error.name)

    # Before Flask's own routing, which tells letter cases apart and refuses some paths itself.
    app.before_request(dispatch)
    app.register_error_handler(HTTPException, refuse_http)
    app.after_request(_echo_request_id)
    return app


def _path_of(environ: Mapping[str, Any]) -> str:
    path: str = environ.get("PATH_INFO", "")
    return path.encode("latin-1").decode("utf-8", "replace")


def _match(path: str) -> tuple[Route | None, str]:
    """The route of a path and the tenant in it ("" where it has none)."""
    for route in ROUTES:
        match = route.pattern.fullmatch(path)
        if match:
            return route, match.groupdict().get("tenant") or ""
    return None, ""


def _respond(
    service: IdentityService, exchange: Exchange, route: Route | None, tenant: str
) -> Response:
    if route is None:
        return refuse(exchange, 404, "the token service has no such address")
    if route.missing:
        raise NotEmulated(route.missing)
    if route.operation == "Token":
        return _token(service, exchange, tenant, route.version)
    if request.method not in {"GET", "HEAD"}:
        return refuse(exchange, 405, f"{route.operation} can only be read: use GET")
    return _answer(exchange, 200, _document(service, exchange, route, tenant))


def _document(
    service: IdentityService, exchange: Exchange, route: Route, tenant: str
) -> dict[str, Any]:
    base_url, arguments = exchange.base_url, request.args
    match route.operation:
        case "OpenIdConfiguration":
            return service.openid_configuration(tenant, base_url, route.version)
        case "Keys":
            return service.jwks(tenant, base_url, route.version)
        case "InstanceDiscovery":
            endpoint = arguments.get("authorization_endpoint", "")
            api_version = arguments.get("api-version", "1.1")
            return documents.instance_discovery(base_url, endpoint, api_version)
        case _:
            return documents.webfinger(base_url, arguments.get("resource", ""))


def _token(service: IdentityService, exchange: Exchange, tenant: str, version: int) -> Response:
    if request.method != "POST":
        raise IdentityError(900561, method=request.method)
    asked = TokenRequest(
        tenant=tenant,
        version=version,
        form=request.form.to_dict(),
        base_url=exchange.base_url,
        authorization=request.headers.get("Authorization"),
    )
    exchange.facts.update(
        tenant=printable(tenant),
        grantType=printable(asked.form.get("grant_type", "")),
        clientId=printable(credential_of(asked).client_id),
    )
    answer = service.token(asked)
    exchange.note(f"issued an access token of {answer['expires_in']} s")
    return _answer(exchange, 200, answer, no_store=True)


def _refuse_with_code(exchange: Exchange, error: IdentityError) -> Response:
    workspace = exchange.workspace
    exchange.reason = error.reason
    trace_id = str(workspace.ids.guid("trace"))
    body = error_body(
        error,
        now=workspace.clock.now,
        trace_id=trace_id,
        correlation_id=_requested_id() or str(workspace.ids.guid("correlation")),
        separator=workspace.settings.error_separator,
    )
    return _answer(exchange, error.row.status, body, trace_id=trace_id, no_store=True)


def _echo_request_id(response: Response) -> Response:
    """Gives the request's id back to those who ask for it (client: adal)."""
    own = correlation_id([request.headers.get("client-request-id")])
    if own and request.headers.get("return-client-request-id", "").casefold() == "true":
        response.headers["client-request-id"] = own
    return response


def _requested_id() -> str | None:
    """The request's own id, wherever the library puts it (client: msal-node uses the query)."""
    form = request.form if request.method == "POST" else {}
    return correlation_id(
        (
            request.headers.get("client-request-id"),
            form.get("client-request-id"),
            request.args.get("client-request-id"),
        )
    )


def _answer(
    exchange: Exchange,
    status: int,
    body: dict[str, Any],
    *,
    trace_id: str = "",
    no_store: bool = False,
) -> Response:
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "x-ms-request-id": trace_id or str(exchange.workspace.ids.guid("trace")),
        **(NO_STORE if no_store or status >= 400 else {}),
    }
    return Response(json.dumps(body, separators=(",", ":")), status, headers)
