"""The Finance & Operations surface: service document, `$metadata`, bound actions, entity sets.

Actions come as a table of signatures and one function that carries a call out, sets as a table of
theirs; this module knows routes, bodies, headers and error shapes, and nothing of data management.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from flask import Flask, request
from werkzeug.wrappers import Response

from d365fo_emulator.http.dialect import build_app
from d365fo_emulator.http.exchange import Exchange, SurfaceName, exchange_of
from d365fo_emulator.http.surface import Surface
from d365fo_emulator.kernel.errors import NotEmulated
from d365fo_emulator.odata import binding, errors, serving
from d365fo_emulator.odata.actions import NAMESPACE, EdmType

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from d365fo_emulator.kernel.workspace import Workspace
    from d365fo_emulator.odata.actions import ActionSignature
    from d365fo_emulator.odata.sets import EntitySet

JSON = "application/json; odata.metadata=minimal"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
DYN_NAMESPACE = "AxProdProd"  # recorded
SERVICE_ENDPOINTS = frozenset({"connector", "services"})
# A set, a key in parentheses, and what follows; in a key, text in quotes may have any character.
SET_PATH = re.compile(r"([^/()']+)(?:\((.*)\))?(?:/([^()']*))?", re.DOTALL)


@dataclass(frozen=True)
class Finance:
    """What the surface is made of.

    Attributes:
        actions: signatures by (set, action).
        invoke: carries a call out; raises `ActionFailed`, or `NotEmulated`.
        metadata: `$metadata` of the platform update with this number.
        unbuilt: what the service has and the emulator has not: paths below `/data/`.
        is_entity_set: whether the workspace's environment has a business entity set of this name.
        sets: the entity sets by name, as the service document lists them.
        authenticate: refuses, or fills `exchange.caller`.

    """

    actions: Mapping[tuple[str, str], ActionSignature]
    invoke: Callable[[Exchange, ActionSignature, dict[str, Any]], Any]
    metadata: Callable[[int], bytes]
    find_workspace: Callable[[Mapping[str, Any]], Workspace | None]
    authenticate: Callable[[Exchange, Mapping[str, Any]], Response | None]
    is_entity_set: Callable[[Exchange, str], bool]
    sets: Mapping[str, EntitySet] = field(default_factory=dict)
    unbuilt: frozenset[str] = field(default_factory=frozenset)


def build_surface(finance: Finance) -> Surface:
    """The surface for the gateway."""
    return Surface(
        name=SurfaceName.FINANCE,
        app=_build_app(finance),
        find_workspace=finance.find_workspace,
        error=error_response,
        describe=_describe,
        authenticate=finance.authenticate,
    )


def error_response(exchange: Exchange, status: int, text: str) -> Response:
    """A refusal in this dialect, for what the handlers do not refuse themselves."""
    exchange.reason = exchange.reason or text
    if status in {404, 405}:
        return _answer(exchange, errors.no_route(_uri(exchange)), 404)
    return _answer(exchange, errors.envelope(text), status)


def _describe(environ: Mapping[str, Any]) -> dict[str, Any]:
    last = environ["PATH_INFO"].rpartition("/")[2]
    return {"action": last.rpartition(".")[2]} if last.startswith(NAMESPACE) else {}


def _build_app(finance: Finance) -> Flask:
    app = build_app("d365fo_emulator.odata", _error_body)

    def view(path: str = "") -> Response:
        return _dispatch(finance, exchange_of(request.environ), _path_parts(path))

    # One route: roots in any letter case and `/namespaces/<x>` before them are beyond a URL map.
    for rule in ("/", "/<path:path>"):
        app.add_url_rule(rule, view_func=view, methods=METHODS, endpoint=f"finance {rule}")
    return app


def _path_parts(path: str) -> list[str]:
    parts = path.split("/")
    if parts and parts[0].casefold() == "namespaces":
        parts = parts[2:]
    return [part for index, part in enumerate(parts) if part or index + 1 < len(parts)]


def _dispatch(finance: Finance, exchange: Exchange, parts: list[str]) -> Response:
    try:
        return _route(finance, exchange, parts)
    except errors.NoRoute:
        exchange.reason = "no set or action of this name"
        return _answer(exchange, errors.no_route(_uri(exchange)), 404)
    except NotEmulated as error:
        exchange.reason = str(error)
        body = errors.envelope(str(error), errors.NOT_EMULATED_TYPE, "")
        return _answer(exchange, body, 501)
    except errors.QueryInvalid as error:
        exchange.reason = error.reason
        body = errors.envelope(error.text, errors.QUERY_TYPE, errors.QUERY_STACK)
        return _answer(exchange, body, 400)
    except errors.PayloadInvalid as error:
        exchange.reason = str(error)
        body = errors.envelope(errors.PAYLOAD_TEXT, errors.PAYLOAD_TYPE, errors.PAYLOAD_STACK)
        return _answer(exchange, body, 400)
    except errors.WriteFailed as error:
        exchange.reason = error.reason
        body = errors.envelope(error.text, error.kind, errors.WRITE_STACK)
        return _answer(exchange, body, 400)


def _route(finance: Finance, exchange: Exchange, parts: list[str]) -> Response:
    root = parts[0].casefold() if parts else ""
    if root == "metadata":
        raise NotEmulated("the metadata service (/metadata)")
    if root == "api" and parts[1:2] and parts[1].casefold() in SERVICE_ENDPOINTS:
        raise NotEmulated("the service endpoint /" + "/".join(parts[:2]))
    if root != "data":
        raise errors.NoRoute
    rest = parts[1:]
    if request.method in {"GET", "HEAD"}:
        if not rest:
            return _service_document(finance, exchange)
        if rest == ["$metadata"]:
            document = finance.metadata(exchange.workspace.settings.platform_update)
            return _with_headers(exchange, Response(document, 200, mimetype="application/xml"))
    if len(rest) == 2 and rest[1].startswith(f"{NAMESPACE}."):
        return _action(finance, exchange, rest[0], rest[1].removeprefix(f"{NAMESPACE}."))
    path = SET_PATH.fullmatch("/".join(rest))
    if path is not None and path[1] in finance.sets:
        return _set(finance.sets[path[1]], exchange, path[2], path[3] or "")
    name = rest[0].partition("(")[0] if rest else ""
    if name in finance.unbuilt or finance.is_entity_set(exchange, name):
        raise NotEmulated(f"the entity set {name}")
    if name == "$batch":
        raise NotEmulated("$batch")
    raise errors.NoRoute


def _service_document(finance: Finance, exchange: Exchange) -> Response:
    sets = [{"name": name, "kind": "EntitySet", "url": name} for name in finance.sets]
    return _answer(exchange, {"@odata.context": _context(exchange, ""), "value": sets}, 200)


def _set(of: EntitySet, exchange: Exchange, key: str | None, tail: str) -> Response:
    exchange.facts["entitySet"] = of.name
    answer = serving.answer(
        serving.SetRequest(
            exchange=exchange,
            of=of,
            base=f"{exchange.base_url}{exchange.prefix}/data",
            method=request.method,
            key=key,
            tail=tail,
            query=exchange.query,
            headers=dict(request.headers),
            body=lambda: request.get_data(cache=False),
            page_size=max(1, exchange.workspace.settings.page_size),
        )
    )
    content: bytes | str | Iterable[bytes] | None = answer.text
    if answer.document is not None:
        content = errors.dump(answer.document)
    elif answer.pieces is not None:
        content = answer.pieces
    kind = answer.content_type or (JSON if answer.document is not None else None)
    response = Response(content, answer.status, content_type=kind)
    if content is None:
        response.headers.pop("Content-Type", None)
    response.headers.extend(answer.headers)
    return _with_headers(exchange, response)


def _action(finance: Finance, exchange: Exchange, collection: str, name: str) -> Response:
    signature = finance.actions.get((collection, name))
    if signature is None or exchange.workspace.settings.platform_update < signature.since:
        if f"{collection}.{name}" in finance.unbuilt:
            raise NotEmulated(f"the action {name}")
        raise errors.NoRoute
    if request.method != "POST":  # GET of an action: no client does it; answered as no route
        raise errors.NoRoute
    if not signature.built:
        raise NotEmulated(f"the action {name}")
    try:
        value = _invoke(finance, exchange, signature)
    except errors.ModelStateInvalid as error:
        exchange.reason = str(error)
        return _failure(exchange, errors.MODEL_STATE)
    except errors.ActionFailed as error:
        exchange.reason = error.reason
        text = errors.action_text(signature.name, signature.entity, error.text)
        return _failure(exchange, text)
    if signature.returns is EdmType.NOTHING:
        nothing = Response(status=204)
        del nothing.headers["Content-Type"]
        return _with_headers(exchange, nothing)
    # Exactly these two members: the vendor's generated client refuses any other.
    body = {"@odata.context": _context(exchange, f"#{signature.returns}"), "value": value}
    return _answer(exchange, body, 200)


def _invoke(finance: Finance, exchange: Exchange, signature: ActionSignature) -> Any:
    members = binding.parse_body(request.get_data(cache=False))
    strict = exchange.workspace.settings.strict_members
    bound = binding.bind(signature, members, strict=strict)
    for oddity in bound.oddities:
        exchange.note(oddity)
    return finance.invoke(exchange, signature, bound.arguments)


def _failure(exchange: Exchange, text: str) -> Response:
    status = exchange.workspace.settings.action_failure_status
    return _answer(exchange, errors.envelope(text), status)


def _context(exchange: Exchange, fragment: str) -> str:
    return f"{exchange.base_url}{exchange.prefix}/data/$metadata{fragment}"


def _uri(exchange: Exchange) -> str:
    query = f"?{exchange.query}" if exchange.query else ""
    path = exchange.path.encode("latin-1").decode("utf-8", "replace")  # WSGI has octets in a text
    return f"{exchange.base_url}{path}{query}"


def _error_body(status: int, text: str) -> Response:
    return error_response(exchange_of(request.environ), status, text)


def _answer(exchange: Exchange, document: dict[str, Any], status: int) -> Response:
    return _with_headers(exchange, Response(errors.dump(document), status, content_type=JSON))


def _with_headers(exchange: Exchange, response: Response) -> Response:
    """Headers that every answer of the service carries (recorded)."""
    ids = exchange.workspace.ids
    for name, value in (
        ("OData-Version", "4.0"),
        ("ms-dyn-aid", str(ids.guid("activity"))),
        ("ms-dyn-fqhn", "d365fo-emulator"),
        ("ms-dyn-namespace", DYN_NAMESPACE),
        ("ms-dyn-tenant", str(ids.fixed_guid("ms-dyn-tenant"))),
        ("ms-dyn-role", "AOSService"),
        ("X-Content-Type-Options", "nosniff"),
        ("X-Frame-Options", "SAMEORIGIN"),
    ):
        response.headers.add(name, value)  # the response is new: none of them is there to replace
    return response
