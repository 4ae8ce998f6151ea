"""The routes of the admin API: one table for the server, its OpenAPI document and its client."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from d365fo_emulator.admin.api import PAGE
from d365fo_emulator.admin.errors import BadRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from d365fo_emulator.admin.api import Admin

PREFIX = "/_emulator/v1"
RESET_PARTS = ("scenario", "data", "journal", "clock")
JOURNAL_FILTERS = {
    "since": "string",
    "limit": "integer",
    "action": "string",
    "execution": "string",
    "status": "integer",
    "surface": "string",
}


def flask_path(path: str) -> str:
    """A route's path as Flask spells parameters; execution ids are free text, slashes included."""
    return re.sub(r"\{(\w+)\}", r"<path:\1>", path)


@dataclass(frozen=True)
class Call:
    """One call, as the route's function gets it."""

    workspace: str
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: Any
    base_url: str


@dataclass(frozen=True)
class Route:
    """One route.

    Attributes:
        query: parameters beside `workspace`, to their JSON type.
        body: ``json`` (an object), ``text`` (YAML or JSON), or None.
        is_open: whether anybody may call it.
        has_workspace: whether `?workspace=` counts.
        status_of: the status for a result, where it is not 200.
        content_type: of results that are text.

    """

    method: str
    path: str
    summary: str
    run: Callable[[Admin, Call], Any]
    query: Mapping[str, str] = field(default_factory=dict)
    body: str | None = None
    is_open: bool = False
    has_workspace: bool = True
    status_of: Callable[[Any], int] | None = None
    content_type: str = "application/json"

    @property
    def query_names(self) -> tuple[str, ...]:
        """Names of all parameters of the query."""
        return (*(("workspace",) if self.has_workspace else ()), *self.query)


def _number(call: Call, name: str, default: int) -> int:
    text = call.query.get(name, str(default))
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise BadRequest(f"{name}: {text!r} is no whole number from 0")
    return int(text)


def _member(call: Call, name: str) -> Any:
    if name not in call.body:
        raise BadRequest(f"the body needs the member {name!r}")
    return call.body[name]


def _only(call: Call, *names: str) -> Mapping[str, Any]:
    for name in call.body:
        if name not in names:
            raise BadRequest(f"there is no member {name!r} here; there are: {', '.join(names)}")
    body: Mapping[str, Any] = call.body
    return body


def _create(admin: Admin, call: Call) -> Any:
    options = dict(_only(call, "id", "clock", "seed", "scenario", "environment"))
    for name, kinds in (("id", str), ("scenario", (str, dict)), ("environment", dict)):
        value = options.get(name)
        if value is not None and not isinstance(value, kinds):
            raise BadRequest(f"{name}: {value!r} is of no type that can be used here")
    return admin.create_workspace(options.pop("id", None), **options)


def _reset(admin: Admin, call: Call) -> Any:
    keep = [part for part in call.query.get("keep", "").split(",") if part]
    for part in keep:
        if part not in RESET_PARTS:
            raise BadRequest(f"keep: {part!r} is not one of {', '.join(RESET_PARTS)}")
    return admin.reset(call.workspace, keep)


def _control(action: str) -> Callable[[Admin, Call], Any]:
    return lambda admin, call: admin.control(call.workspace, call.path["execution"], action)


def _advance_clock(admin: Admin, call: Call) -> Any:
    _only(call, "by")
    by = _member(call, "by")
    if not isinstance(by, str):
        raise BadRequest(f"by: {by!r} is no duration: write a number and a unit, such as 61m")
    return admin.advance_clock(call.workspace, by)


def _put_clock(admin: Admin, call: Call) -> Any:
    body = _only(call, "mode", "now")
    for name, value in body.items():
        if not isinstance(value, str):
            raise BadRequest(f"{name}: {value!r} is no text")
    if not body:
        raise BadRequest("the body needs the member 'mode' or 'now'")
    return admin.put_clock(call.workspace, body.get("mode"), body.get("now"))


def _journal(admin: Admin, call: Call) -> Any:
    filters: dict[str, Any] = dict(call.query)
    for name, kind in JOURNAL_FILTERS.items():
        if kind == "integer" and name in filters:
            filters[name] = _number(call, name, 0)
    return admin.journal(call.workspace, **filters)


def _verify(admin: Admin, call: Call) -> Any:
    body = _only(call, "match", "count", "atLeast", "atMost")
    bounds = {name: body.get(name) for name in ("count", "atLeast", "atMost")}
    for name, value in bounds.items():
        if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
            raise BadRequest(f"{name}: {value!r} is no whole number")
    match = body.get("match", {})
    if not isinstance(match, dict):
        raise BadRequest("match: not an object")
    return admin.verify(
        call.workspace,
        match,
        count=bounds["count"],
        at_least=bounds["atLeast"],
        at_most=bounds["atMost"],
    )


def _rows(admin: Admin, call: Call) -> Any:
    if "entity" not in call.query:
        raise BadRequest("the parameter 'entity' is missing")
    return admin.rows(
        call.workspace,
        call.query["entity"],
        call.query.get("company"),
        call.query.get("stage", "target"),
        _number(call, "limit", PAGE),
        _number(call, "offset", 0),
    )


EXECUTION = "/executions/{execution}"

ROUTES: tuple[Route, ...] = (
    Route(
        "GET",
        "/live",
        "Whether the process answers",
        lambda admin, _: admin.live(),
        is_open=True,
        has_workspace=False,
    ),
    Route(
        "GET",
        "/ready",
        "Whether everything answers; 503 until then, with what is pending",
        lambda admin, _: admin.ready(),
        is_open=True,
        has_workspace=False,
        status_of=lambda result: 200 if result["ready"] else 503,
    ),
    Route(
        "GET",
        "/info",
        "Version, addresses, workspaces",
        lambda admin, _: admin.info(),
        is_open=True,
        has_workspace=False,
    ),
    Route(
        "GET",
        "/ca.pem",
        "The certificate authority of the https listener",
        lambda admin, _: admin.ca_pem(),
        is_open=True,
        has_workspace=False,
        content_type="application/x-pem-file",
    ),
    Route(
        "GET",
        "/workspaces",
        "All workspaces",
        lambda admin, _: admin.workspaces(),
        has_workspace=False,
    ),
    Route(
        "POST",
        "/workspaces",
        "Create a workspace",
        _create,
        body="json",
        has_workspace=False,
        status_of=lambda _: 201,
    ),
    Route(
        "GET",
        "/workspaces/{id}",
        "One workspace",
        lambda admin, call: admin.workspace(call.path["id"]),
        has_workspace=False,
    ),
    Route(
        "DELETE",
        "/workspaces/{id}",
        "Drop a workspace with everything in it",
        lambda admin, call: admin.drop_workspace(call.path["id"]),
        has_workspace=False,
    ),
    Route(
        "GET",
        "/environment",
        "The environment variables that point a client here",
        lambda admin, call: admin.environment_block(call.workspace, call.base_url),
    ),
    Route(
        "GET",
        "/environment/schema",
        "The JSON Schema of environment files",
        lambda admin, _: admin.environment_schema(),
        has_workspace=False,
    ),
    Route(
        "POST",
        "/reset",
        "Back to the beginning, but for the parts to keep",
        _reset,
        query={"keep": "string"},
    ),
    Route(
        "GET",
        "/scenario",
        "The scenario in force",
        lambda admin, call: admin.scenario(call.workspace),
    ),
    Route(
        "PUT",
        "/scenario",
        "Load a scenario (YAML or JSON)",
        lambda admin, call: admin.put_scenario(call.workspace, call.body),
        body="text",
    ),
    Route(
        "PATCH",
        "/scenario",
        "Put one rule in front of the others",
        lambda admin, call: admin.add_rule(call.workspace, call.body),
        body="json",
    ),
    Route(
        "POST",
        "/scenario/validate",
        "Check a scenario; problems with line and column",
        lambda admin, call: admin.validate_scenario(call.body),
        body="text",
        has_workspace=False,
    ),
    Route(
        "GET",
        "/scenario/schema",
        "The JSON Schema of scenario files",
        lambda admin, _: admin.scenario_schema(),
        has_workspace=False,
    ),
    Route(
        "GET",
        "/rules",
        "The rules in order, with hit counts",
        lambda admin, call: admin.rules(call.workspace),
    ),
    Route(
        "GET",
        "/executions",
        "All executions, oldest first; no polls are spent",
        lambda admin, call: admin.executions(call.workspace),
    ),
    Route(
        "GET",
        EXECUTION,
        "One execution",
        lambda admin, call: admin.execution(call.workspace, call.path["execution"]),
    ),
    *(
        Route("POST", f"{EXECUTION}/{action}", text, _control(action))
        for action, text in (
            ("advance", "Enter the next step"),
            ("finish", "Enter the last step"),
            ("fail", "End as Failed"),
            ("cancel", "End as Canceled"),
            ("rerun", "Take rows that staging has kept and no target step has written"),
        )
    ),
    Route("GET", "/clock", "The clock", lambda admin, call: admin.clock(call.workspace)),
    Route(
        "PUT",
        "/clock",
        "Set how time passes (`mode`: real, auto, virtual), move it on to an instant (`now`), or"
        " both",
        _put_clock,
        body="json",
    ),
    Route(
        "POST",
        "/clock/advance",
        "Move the clock on; returns after all due work has run",
        _advance_clock,
        body="json",
    ),
    Route(
        "POST",
        "/clock/freeze",
        "Stop the clock",
        lambda admin, call: admin.freeze_clock(call.workspace),
    ),
    Route(
        "POST",
        "/clock/resume",
        "Let the clock run again",
        lambda admin, call: admin.resume_clock(call.workspace),
    ),
    Route("GET", "/journal", "What was asked and answered", _journal, query=JOURNAL_FILTERS),
    Route(
        "DELETE",
        "/journal",
        "Forget what was recorded",
        lambda admin, call: admin.clear_journal(call.workspace),
    ),
    Route(
        "GET",
        "/journal/{id}",
        "One exchange in full",
        lambda admin, call: admin.journal_entry(call.workspace, call.path["id"]),
    ),
    Route(
        "POST",
        "/verify",
        "Whether calls came so many times; 409 when not",
        _verify,
        body="json",
        status_of=lambda result: 200 if result["verified"] else 409,
    ),
    Route(
        "GET",
        "/rows",
        "Rows of an entity, in key order",
        _rows,
        query={
            "entity": "string",
            "company": "string",
            "stage": "string",
            "limit": "integer",
            "offset": "integer",
        },
    ),
)

UNBUILT: Mapping[tuple[str, str], str] = {
    ("POST", "/rules/{id}/enable"): "switching rules on and off",
    ("POST", "/rules/{id}/disable"): "switching rules on and off",
    ("POST", "/rules/{id}/reset"): "resetting a rule's hits",
    ("GET", "/journal/stream"): "the journal as a stream of events",
    ("GET", "/journal.har"): "the journal as HAR",
    ("GET", "/explain/{id}"): "the explanation of an answer",
    ("GET", "/conduct"): "the conduct report",
    ("GET", "/snapshot"): "snapshots",
    ("PUT", "/snapshot"): "snapshots",
    ("POST", "/snapshots/{name}/save"): "snapshots",
    ("POST", "/snapshots/{name}/load"): "snapshots",
    ("GET", "/entities"): "reading entity definitions",
    ("PUT", "/entities"): "replacing entity definitions",
    ("POST", "/seed"): "adding rows",
    ("GET", "/fidelity"): "the fidelity report",
    ("GET", "/metrics"): "metrics",
    ("POST", "/shutdown"): "stopping by a call",
}
"""Routes that are planned: each answers 501 and names what is missing."""
