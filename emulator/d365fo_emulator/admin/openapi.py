"""The OpenAPI 3.1 document of the admin API, made from the table of routes."""

from __future__ import annotations

import re
from typing import Any

from d365fo_emulator.admin.routes import PREFIX, ROUTES, Route
from d365fo_emulator.kernel.version import __version__

OBJECT = {"type": "object"}


def openapi_document() -> dict[str, Any]:
    """The document that `/_emulator/v1/openapi.json` answers with."""
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "d365fo-emulator admin API",
            "version": __version__,
            "description": "Looking into and steering a running emulator. Open to this machine;"
            " to others with the admin token. Paths marked open need neither.",
        },
        "servers": [{"url": PREFIX}],
        "security": [{}, {"adminToken": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"adminToken": {"type": "http", "scheme": "bearer"}},
            "schemas": {
                "Problem": {
                    "type": "object",
                    "required": ["type", "title", "status", "detail"],
                    "properties": {
                        "type": {"type": "string"},
                        "title": {"type": "string"},
                        "status": {"type": "integer"},
                        "detail": {"type": "string"},
                        "problems": {"type": "array", "items": OBJECT},
                    },
                }
            },
        },
    }


def _operation(route: Route) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": _operation_id(route),
        "summary": route.summary,
        "responses": _responses(route),
    }
    if parameters := _parameters(route):
        operation["parameters"] = parameters
    if route.body == "json":
        operation["requestBody"] = {"content": {"application/json": {"schema": OBJECT}}}
    if route.body == "text":
        content = {"application/json": {"schema": OBJECT}, "application/yaml": {"schema": {}}}
        operation["requestBody"] = {"required": True, "content": content}
    if route.is_open:
        operation["security"] = []
    return operation


def _operation_id(route: Route) -> str:
    words = re.findall(r"[a-z]+", route.path)
    return route.method.lower() + "".join(word.capitalize() for word in words)


def _parameters(route: Route) -> list[dict[str, Any]]:
    in_path = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"\{(\w+)\}", route.path)
    ]
    kinds = {"workspace": "string", **route.query} if route.has_workspace else route.query
    return in_path + [
        {"name": name, "in": "query", "schema": {"type": kind}} for name, kind in kinds.items()
    ]


def _responses(route: Route) -> dict[str, Any]:
    content = {route.content_type: {"schema": OBJECT if "json" in route.content_type else {}}}
    problem = {"schema": {"$ref": "#/components/schemas/Problem"}}
    if route.method == "DELETE":
        done: dict[str, Any] = {"204": {"description": "Done"}}
    else:
        status = "201" if route.path == "/workspaces" and route.method == "POST" else "200"
        done = {status: {"description": route.summary, "content": content}}
    for status, path in (("503", "/ready"), ("409", "/verify")):
        if route.path == path:
            done[status] = {"description": "Not so", "content": content}
    refused = {"description": "Refused", "content": {"application/problem+json": problem}}
    return {**done, "default": refused}
