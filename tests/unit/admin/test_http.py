"""The admin API on the wire: who gets in, and how it refuses."""

import json

import pytest
from werkzeug.test import Client

from d365fo_emulator.admin.routes import PREFIX, ROUTES, UNBUILT

pytestmark = pytest.mark.evidence("documented")
OPEN = ("/live", "/ready", "/info", "/ca.pem")


@pytest.fixture
def client(application):
    return Client(application)


def get(client, path, **more):
    return client.get(PREFIX + path, **more)


@pytest.mark.parametrize("path", OPEN)
def test_what_is_open_answers_any_machine(client, path):
    answer = get(
        client, path, environ_base={"REMOTE_ADDR": "192.0.2.7"}, base_url="http://any.test"
    )
    assert answer.status_code == 200


def test_exactly_four_routes_are_open():
    assert tuple(route.path for route in ROUTES if route.is_open) == OPEN


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
def test_this_machine_needs_no_token(client, address):
    assert get(client, "/executions", environ_base={"REMOTE_ADDR": address}).status_code == 200


@pytest.mark.parametrize("address", ["192.0.2.7", "2001:db8::1", ""])
def test_another_machine_needs_the_token(client, address):
    there = {"REMOTE_ADDR": address}
    refused = get(client, "/executions", environ_base=there)
    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"].startswith("Bearer")
    assert refused.content_type == "application/problem+json"
    right = {"Authorization": "Bearer letmein"}
    assert get(client, "/executions", environ_base=there, headers=right).status_code == 200
    wrong = {"Authorization": "Bearer letmeout"}
    assert get(client, "/executions", environ_base=there, headers=wrong).status_code == 403


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:8365", 200),
        ("127.0.0.1:8365", 200),
        ("[::1]:8365", 200),
        ("emulator.test", 200),
        ("public.test", 200),
        ("EMULATOR.test:1", 200),
        ("rebound.attacker.test", 403),
        ("localhost.attacker.test", 403),
    ],
)
def test_a_name_that_is_not_ours_is_refused_without_the_token(client, host, status):
    assert get(client, "/executions", headers={"Host": host}).status_code == status
    token = {"Host": host, "Authorization": "Bearer letmein"}
    assert get(client, "/executions", headers=token).status_code == 200


@pytest.mark.parametrize("path", ["/executions", "/info"])
@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://localhost", 200),
        ("https://localhost", 200),
        ("http://localhost:3000", 403),
        ("https://attacker.test", 403),
        ("null", 403),
    ],
)
def test_pages_of_other_sites_are_refused(client, path, origin, status):
    assert get(client, path, headers={"Origin": origin}).status_code == status


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "says"),
    [
        ("GET", "/nowhere", None, 404, "openapi.json"),
        ("PUT", "/executions", None, 405, "not possible"),
        ("GET", "/executions/none", None, 404, "there is no execution 'none'"),
        ("POST", "/executions/none/cancel", None, 404, "there is no execution 'none'"),
        ("GET", "/clock?workspace=none", None, 404, "there is no workspace 'none'"),
        ("DELETE", "/workspaces/none", None, 404, "there is no workspace 'none'"),
        ("POST", "/workspaces", {"id": "default"}, 409, "exists already"),
        ("POST", "/workspaces", {"name": "x"}, 400, "no member 'name'"),
        ("POST", "/clock/advance", {}, 400, "needs the member 'by'"),
        ("POST", "/clock/advance", {"by": "soon"}, 400, "is no duration"),
        ("POST", "/clock/advance", {"by": 5}, 400, "is no duration"),
        ("POST", "/clock/advance", [], 400, "no JSON object"),
        ("POST", "/clock/advance", b"{", 400, "no JSON"),
        ("POST", "/clock/advance", b"\xff", 400, "not UTF-8"),
        ("PUT", "/clock", {}, 400, "needs the member"),
        ("PUT", "/clock", {"mode": "fast"}, 400, "is not one of real, auto, virtual"),
        ("PUT", "/clock", {"mode": True}, 400, "is no text"),
        ("PUT", "/clock", {"now": "soon"}, 400, "is no instant"),
        ("PUT", "/clock", {"now": "2020-01-01"}, 409, "backwards"),
        ("GET", "/executions?wrokspace=x", None, 400, "no parameter 'wrokspace'"),
        ("GET", "/rows", None, 400, "'entity' is missing"),
        ("GET", "/rows?entity=Custmer+groups", None, 404, "did you mean 'Customer groups'"),
        ("GET", "/rows?entity=CustomerGroups&limit=-1", None, 400, "no whole number"),
        ("GET", "/rows?entity=CustomerGroups&stage=middle", None, 400, "not one of target"),
        ("GET", "/journal/none", None, 404, "no entry 'none'"),
        ("GET", "/journal?since=yesterday", None, 400, "is no instant"),
        ("POST", "/reset?keep=rows", None, 400, "is not one of"),
        ("POST", "/verify", {"match": {"acton": "x"}}, 400, "did you mean 'action'"),
        ("POST", "/verify", {"count": True}, 400, "no whole number"),
        ("PUT", "/scenario", b"version: 1\nrules: [", 422, "line"),
        ("PATCH", "/scenario", {"match": {"acton": "x"}}, 422, "acton"),
    ],
)
def test_every_refusal_is_a_problem_document(client, method, path, body, status, says):
    data = body if isinstance(body, bytes) or body is None else json.dumps(body)
    answer = client.open(PREFIX + path, method=method, data=data)
    problem = json.loads(answer.get_data())
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")
    assert problem["status"] == status
    assert says in answer.get_data(as_text=True)


@pytest.mark.parametrize("path", ["/_emulator", "/_emulator/"])
def test_the_console_is_named_as_not_emulated(client, path):
    answer = client.get(path)
    assert answer.status_code == 501
    assert "the console is not emulated" in answer.get_data(as_text=True)


@pytest.mark.parametrize(("route", "what"), UNBUILT.items())
def test_a_planned_route_is_named_as_not_emulated(client, route, what):
    method, path = route
    answer = client.open(PREFIX + path.replace("{id}", "x").replace("{name}", "x"), method=method)
    assert (answer.status_code, answer.content_type) == (501, "application/problem+json")
    assert json.loads(answer.get_data())["detail"] == f"{what} is not emulated"


def test_the_schemas_of_both_kinds_of_file_are_served(client):
    for path, title in (("/environment", "Emulated environment"), ("/scenario", "scenario")):
        schema = json.loads(get(client, f"{path}/schema").get_data())
        assert schema["$schema"].endswith("2020-12/schema")
        assert title.casefold() in schema["title"].casefold()


def test_a_body_beyond_the_limit_is_refused(client):
    answer = client.put(PREFIX + "/scenario", data=b"#" * (8 * 1024 * 1024 + 1))
    assert answer.status_code == 413
    assert answer.content_type == "application/problem+json"


def test_not_ready_is_503_with_what_is_pending(client, server):
    server.change(pending=("listener",))
    answer = get(client, "/ready")
    assert answer.status_code == 503
    assert json.loads(answer.get_data()) == {"ready": False, "pending": ["listener"]}


def test_a_bad_scenario_is_refused_with_line_and_column_and_changes_nothing(client):
    before = get(client, "/scenario").get_data()
    text = "version: 1\nrules:\n  - match: {action: X}\n    exeution: {}\n"
    answer = client.put(PREFIX + "/scenario", data=text)
    assert answer.status_code == 422
    problems = json.loads(answer.get_data())["problems"]
    assert {problem["line"] for problem in problems} <= {3, 4}
    assert all(problem["column"] >= 5 for problem in problems)
    assert get(client, "/scenario").get_data() == before


def test_the_openapi_document_has_every_route(client):
    document = json.loads(get(client, "/openapi.json").get_data())
    listed = {(method.upper(), path) for path, item in document["paths"].items() for method in item}
    assert listed == {(route.method, route.path) for route in ROUTES}
    assert document["openapi"].startswith("3.1")
    ids = [op["operationId"] for item in document["paths"].values() for op in item.values()]
    assert len(ids) == len(set(ids))


def test_every_path_parameter_of_the_openapi_document_is_declared(client):
    document = json.loads(get(client, "/openapi.json").get_data())
    for path, item in document["paths"].items():
        for operation in item.values():
            declared = {p["name"] for p in operation.get("parameters", []) if p["in"] == "path"}
            assert declared == {part[1:-1] for part in path.split("/") if part.startswith("{")}
            assert "default" in operation["responses"]


def test_a_bug_of_ours_is_left_to_the_gateway(client, workspaces, monkeypatch):
    def broken(_self):
        raise ZeroDivisionError

    monkeypatch.setattr(type(workspaces.get("default").dmf), "executions", broken)
    with pytest.raises(ZeroDivisionError):
        get(client, "/executions")
