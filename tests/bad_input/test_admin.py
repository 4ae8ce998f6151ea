"""The admin API against web pages, strangers' tokens and senseless bodies; and unknown paths."""

from __future__ import annotations

import json

import pytest

from bad_input.support import assert_problem, peak_memory, send

pytestmark = pytest.mark.evidence("inferred")

V1 = "/_emulator/v1"
MIB = 1 << 20
SOUND = "version: 1\nname: sound\nrules: []\n"


def with_step(stay):
    """A scenario that is sound but for how long one step stays."""
    return (
        b"version: 1\nname: x\nrules:\n- id: a\n  match: {action: '*'}\n  execution:\n"
        b"    timeline: [{state: Executing, stay: " + stay + b"}, {state: Failed}]\n"
    )


def admin(place, method, path, body=None, **headers):
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return send(place.base, method, f"{V1}{path}", sent, body)


def of(place):
    return f"?workspace={place.view.id}"


@pytest.mark.parametrize(
    "origin",
    [
        pytest.param("http://evil.example", id="another site"),
        pytest.param("null", id="a file or a sandbox"),
        pytest.param("http://localhost", id="another port of localhost"),
        pytest.param("http://localhost.evil.example", id="a site that begins like ours"),
        pytest.param("chrome-extension://x", id="an extension"),
        pytest.param("", id="nothing"),
    ],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/reset"), ("PUT", "/scenario"), ("GET", "/journal"), ("GET", "/environment")],
)
def test_a_web_page_of(place, origin, method, path):
    with place.changing():
        answer = admin(place, method, path + of(place), SOUND.encode(), Origin=origin)
        assert_problem(
            answer,
            403,
            "not-allowed",
            "Not allowed",
            "calls from web pages of other sites are refused",
        )
        assert "access-control-allow-origin" not in answer.headers


def test_a_name_that_was_pointed_at_this_machine_is_refused(place):
    """DNS rebinding: the page's own name is in `Host`, so its `Origin` would be the same."""
    port = place.base.rpartition(":")[2]
    host = f"evil.example:{port}"
    with place.changing():
        answer = admin(place, "POST", "/reset" + of(place), Host=host, Origin=f"http://{host}")
        assert_problem(
            answer,
            403,
            "not-allowed",
            "Not allowed",
            f"{host!r} is no name of this server (add it with --tls-san)",
        )


def test_a_page_may_not_ask_before_it_calls(place):
    headers = {"Origin": "http://evil.example", "Access_Control_Request_Method": "PUT"}
    with place.changing():
        answer = admin(place, "OPTIONS", "/scenario", **headers)
        assert answer.status == 405
        assert "access-control-allow-origin" not in answer.headers


class TestToken:
    """The token of a server that has one; the suite's own has none."""

    @pytest.fixture
    def base(self):
        from d365fo_emulator import Emulator
        from d365fo_emulator.config.loader import load_config

        config = load_config(
            {"http_port": 0, "https_port": -1, "ephemeral": True, "admin_token": "right"}
        )
        with Emulator(config=config) as emulator:
            yield emulator.http_url
            assert emulator.failures == ()

    @pytest.mark.parametrize(
        "token",
        [
            pytest.param("wrong", id="another token"),
            pytest.param("right"[:-1], id="its beginning"),
            pytest.param("right ly", id="its beginning and more"),
            pytest.param("RIGHT", id="other letter case"),
            pytest.param("", id="nothing"),
            pytest.param("\u00e4", id="a letter beyond ASCII"),
            pytest.param("x" * 60_000, id="60 kB"),
        ],
    )
    def test_a_bearer_of(self, base, token):
        answer = send(base, "POST", f"{V1}/reset", {"Authorization": f"Bearer {token}"})
        if token:
            assert_problem(
                answer, 403, "not-allowed", "Not allowed", "the bearer is not the admin token"
            )
        else:
            assert answer.status in {200, 403}

    def test_the_token_itself_lets_in_under_any_name(self, base):
        headers = {"Authorization": "Bearer right", "Host": "emulator.example"}
        assert send(base, "GET", f"{V1}/rules", headers).status == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [("PUT", "/scenario"), ("POST", "/scenario/validate"), ("POST", "/workspaces")],
)
def test_a_body_of_100_mb(place, method, path):
    pieces = (b" " * MIB for _ in range(100))
    with place.changing(), peak_memory() as at_most:
        answer = send(place.base, method, V1 + path, {"Content-Length": str(100 * MIB)}, pieces)
        assert answer.status == 413
        assert answer.headers["content-type"] == "application/problem+json"
        at_most(24 * MIB)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"nonsense", id="a word"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b"\xff\xfe", id="no UTF-8"),
        pytest.param(b"version: [", id="YAML that does not end"),
        pytest.param(b"version: 1\nversion: 1\nname: x\nrules: []\n", id="a key twice"),
        pytest.param(b"version: 2\nname: x\nrules: []\n", id="another version"),
        pytest.param(b"version: '1'\nname: x\nrules: []\n", id="a version that is a text"),
        pytest.param(b"version: " + b"9" * 5000, id="a version of 5000 digits"),
        pytest.param(b"version: 1\nrulez: []\n", id="a key misspelt"),
        pytest.param(with_step(b"{time: " + b"9" * 5000 + b"d}"), id="a step longer than all time"),
        pytest.param(with_step(b"{time: 40000d}"), id="a step of more than 100 years"),
        pytest.param(with_step(b"{polls: .inf}"), id="polls without end"),
        pytest.param(with_step(b"{polls: 1e400}"), id="polls beyond all numbers"),
        pytest.param(with_step(b"{polls: -1}"), id="polls below zero"),
        pytest.param(b"version: 1\nrules: {}\n", id="rules that are no list"),
        pytest.param(b"version: 1\nrules: [null]\n", id="a rule that is null"),
        pytest.param(b"version: 1\nrules: [{when: {action: Nonsense}}]\n", id="an unknown action"),
        pytest.param(b"version: 1\nname: !!python/object/apply:os.system [x]\n", id="a tag"),
        pytest.param(b"version: 1\nname: &a x\nrules: [*a]\n", id="an alias of a text"),
        pytest.param(
            b"a: &a ["
            + b"x," * 50
            + b"]\n"
            + b"".join(
                f"{n}: &{n} [{f'*{p},' * 50}]\n".encode()
                for p, n in zip("abcdefgh", "bcdefghi", strict=True)
            ),
            id="aliases that multiply",
        ),
        pytest.param(b"[" * 20_000, id="lists nested without end"),
        pytest.param(b"{a: " * 20_000, id="mappings nested without end"),
        pytest.param(b"x" * (7 * MIB), id="7 MB"),
        pytest.param(b"version: 1\nname: a\0b\n", id="a NUL"),
        pytest.param(b'{"version": 1, "name": "\\ud800", "rules": [3]}', id="half a character"),
        pytest.param(b"--- 1\n--- 2\n", id="two documents"),
    ],
)
def test_a_scenario_of(place, body):
    """Refused with line and column; the one in force stays."""
    before = admin(place, "GET", "/scenario" + of(place)).json
    with place.changing(), peak_memory() as at_most:
        answer = admin(place, "PUT", "/scenario" + of(place), body)
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.status in {400, 422}, answer.text
        if answer.status == 422:
            assert answer.json["problems"]
            assert all(each["line"] >= 1 for each in answer.json["problems"])
        assert len(answer.body) < 64 * 1024
        at_most(96 * MIB)
    assert admin(place, "GET", "/scenario" + of(place)).json == before


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        pytest.param("POST", "/clock/advance", {"by": 5}, 400, id="a number for a duration"),
        pytest.param("POST", "/clock/advance", {"by": "soon"}, 400, id="a word for a duration"),
        pytest.param("POST", "/clock/advance", {"by": "-1h"}, 400, id="time backwards"),
        pytest.param(
            "POST", "/clock/advance", {"by": "9" * 5000 + "d"}, 400, id="5000 digits of days"
        ),
        pytest.param("POST", "/clock/advance", {"by": "9999999d"}, 400, id="time without end"),
        pytest.param("POST", "/clock/advance", {}, 400, id="no duration"),
        pytest.param("POST", "/workspaces", {"id": 5}, 400, id="a number for an id"),
        pytest.param("POST", "/workspaces", {"id": "default"}, 409, id="an id that is taken"),
        pytest.param("POST", "/workspaces", {"seed": "x"}, 400, id="a word for a seed"),
        pytest.param("POST", "/workspaces", {"clock": "sundial"}, 400, id="no such clock"),
        pytest.param("POST", "/workspaces", {"scenario": 5}, 400, id="a number for a scenario"),
        pytest.param(
            "POST", "/workspaces", {"environment": {"version": 9}}, 400, id="no such environment"
        ),
        pytest.param(
            "POST", "/workspaces", {"environment": "/etc/passwd"}, 400, id="a path to read"
        ),
        pytest.param("POST", "/workspaces", {"x": 1}, 400, id="an unknown member"),
        pytest.param("POST", "/verify", {"match": []}, 400, id="a match that is a list"),
        pytest.param("POST", "/verify", {"match": {"nonsense": 1}}, 400, id="an unknown matcher"),
        pytest.param("POST", "/verify", {"count": "1"}, 400, id="a text for a count"),
        pytest.param("PATCH", "/scenario", {"when": 5}, 422, id="a rule that is none"),
        pytest.param("POST", "/executions/x/advance", None, 404, id="no such execution"),
        pytest.param("POST", "/executions/x/explode", None, 405, id="no such action"),
        pytest.param("GET", "/executions/..%2F..%2Fx", None, 404, id="a way up for an id"),
        pytest.param("GET", "/journal/x", None, 404, id="no such entry"),
        pytest.param("GET", "/journal?limit=-1", None, 400, id="a limit below zero"),
        pytest.param("GET", "/journal?limit=" + "9" * 5000, None, 400, id="a long limit"),
        pytest.param("GET", "/journal?since=yesterday", None, 400, id="a word for a time"),
        pytest.param("GET", "/journal?nonsense=1", None, 400, id="an unknown parameter"),
        pytest.param("GET", "/rows", None, 400, id="rows of nothing"),
        pytest.param("GET", "/rows?entity=Moon", None, 404, id="rows of no entity"),
        pytest.param("GET", "/rows?entity=x%27%20OR%201=1", None, 404, id="rows of a condition"),
        pytest.param(
            "GET", "/rows?entity=Customer%20groups&stage=moon", None, 400, id="no such stage"
        ),
        pytest.param("POST", "/reset?keep=everything", None, 400, id="keeping what there is not"),
        pytest.param("DELETE", "/workspaces/default", None, 400, id="dropping the default one"),
        pytest.param("DELETE", "/workspaces/x", None, 404, id="dropping what there is not"),
        pytest.param("GET", "/rules?workspace=x", None, 404, id="an unknown workspace"),
        pytest.param("GET", "/nonsense", None, 404, id="an unknown path"),
        pytest.param("GET", "", None, 404, id="the root"),
        pytest.param("DELETE", "/live", None, 405, id="another method"),
    ],
)
def test_a_call_with(place, method, path, body, status):
    if "workspace" not in path and method != "DELETE" and "nonsense" not in path:
        path += ("&" if "?" in path else "?") + f"workspace={place.view.id}"
    content = None if body is None else json.dumps(body).encode()
    with place.changing():
        answer = admin(place, method, path, content)
        assert answer.headers["content-type"] == "application/problem+json", answer.text
        assert answer.status == answer.json["status"] == status, answer.text
        assert answer.json["detail"]


@pytest.mark.parametrize(
    ("path", "status", "kind"),
    [
        ("/common/nonsense", 404, "json"),
        ("/{tenant}/oauth2/nonsense", 404, "json"),
        ("/{tenant}/oauth2/v2.0/token", 400, "json"),
        ("/nobody/oauth2/token", 400, "json"),
        ("/%FF/oauth2/token", 400, "json"),
        ("/{tenant}/discovery/nonsense", 404, "json"),
        ("/adfs/oauth2/token", 501, "json"),
        ("/_emulator", 501, "problem"),
        ("/_emulator/nonsense", 404, "problem"),
        ("/_emulator/", 501, "problem"),
        ("/_EMULATOR/v1/live", 401, "json"),
        ("/devstoreaccount1/nonsense/x", 409, "xml"),
        ("/metadata", 401, "json"),
        ("/namespaces", 401, "json"),
        ("/namespaces/x", 401, "json"),
        ("/favicon.ico", 401, "json"),
        ("/robots.txt", 401, "json"),
        ("/%00", 401, "json"),
        ("/..%2f..%2fetc/passwd", 401, "json"),
        ("//evil.example/", 401, "json"),
        ("/" + "x" * 8000, 401, "json"),
    ],
)
def test_an_unknown_path_without_a_token(place, path, status, kind):
    tenant = place.view.client_config()["tenant_id"]
    with place.changing():
        answer = send(place.base, "GET", path.replace("{tenant}", tenant))
        assert answer.status == status, answer.text
        assert kind in answer.headers["content-type"]
        assert "location" not in answer.headers


def test_the_same_scenario_with_an_honest_step_is_taken(place):
    """As a proof that the refusals above are not for another reason."""
    answer = admin(place, "PUT", "/scenario" + of(place), with_step(b"{time: 365d}"))
    assert answer.status == 200
