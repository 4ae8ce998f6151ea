from __future__ import annotations

import pytest
from flask import Response, abort, make_response
from werkzeug.exceptions import TooManyRequests

from d365fo_emulator.http.dialect import build_app

pytestmark = pytest.mark.evidence("inferred")


@pytest.fixture
def client():
    app = build_app(__name__, lambda status, text: Response(f"own {status}", status))
    app.add_url_rule("/exact", view_func=lambda: "exact", methods=["GET"])
    app.add_url_rule("/blob/<path:name>", "blob", lambda name: name)

    @app.get("/limited")
    def limited():
        raise TooManyRequests(retry_after=7)

    @app.get("/own")
    def own():
        abort(make_response("the handler's", 418))

    @app.get("/bug")
    def bug():
        raise ZeroDivisionError

    return app.test_client()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", "/static/x.css", 404),
        ("POST", "/exact", 405),
        ("OPTIONS", "/exact", 405),
    ],
)
def test_every_error_has_the_dialects_body(client, method, path, status):
    answer = client.open(path, method=method)
    assert (answer.status_code, answer.text) == (status, f"own {status}")


def test_headers_of_an_error_are_kept(client):
    assert "GET" in client.post("/exact").headers["Allow"]
    answer = client.get("/limited")
    assert (answer.text, answer.headers["Retry-After"]) == ("own 429", "7")


def test_an_answer_that_a_handler_aborts_with_is_its_own(client):
    answer = client.get("/own")
    assert (answer.status_code, answer.text) == (418, "the handler's")


def test_a_trailing_slash_does_not_redirect(client):
    assert client.get("/exact/").status_code == 200


def test_slashes_in_a_row_are_kept(client):
    assert client.get("/blob/a//b").text == "a//b"


def test_a_bug_goes_on_to_the_gateway(client):
    with pytest.raises(ZeroDivisionError):
        client.get("/bug")
