"""Hosts that are none: refused in the dialect of each surface, and in no URL of any answer."""

from __future__ import annotations

import json

import pytest

from bad_input.support import ACTIONS, assert_blob_refusal, send, send_raw

pytestmark = pytest.mark.evidence("inferred")

FINANCE = ACTIONS + "GetAzureWriteUrl"
BODY = b'{"uniqueFileName":"x.zip"}'


def requests_of(place):
    """One request per surface whose good answer has absolute URLs, or that changes something."""
    tenant = place.view.client_config()["tenant_id"]
    bearer = f"Authorization: Bearer {place.token}\r\n"
    upload = place.write_url()
    blob_path = upload.removeprefix(place.base)
    return {
        "finance": ("POST", FINANCE, bearer + "Content-Type: application/json\r\n", BODY),
        "token": ("GET", f"/{tenant}/v2.0/.well-known/openid-configuration", "", b""),
        "blob": ("PUT", blob_path, "x-ms-blob-type: BlockBlob\r\n", b"content"),
        "admin": ("GET", "/_emulator/v1/environment", "", b""),
        "admin change": ("POST", "/_emulator/v1/reset", "", b""),
    }


SURFACES = ["finance", "token", "blob", "admin", "admin change"]

HOSTS = [
    pytest.param("evil.example/..", id="a path"),
    pytest.param("evil.example/", id="a slash"),
    pytest.param("evil.example?", id="a query"),
    pytest.param("evil.example#", id="a fragment"),
    pytest.param("a@evil.example", id="a user"),
    pytest.param("user:secret@evil.example:80", id="a user with a secret"),
    pytest.param("evil.example:99999", id="a port beyond all"),
    pytest.param("evil.example:0", id="port zero"),
    pytest.param("evil.example:-1", id="a port below zero"),
    pytest.param("evil.example:", id="a colon without a port"),
    pytest.param("evil.example:80:80", id="two ports"),
    pytest.param("evil.example:8\u00b2", id="a raised digit"),
    pytest.param("evil.example:eighty", id="a port in letters"),
    pytest.param("evil example", id="a blank within"),
    pytest.param("evil.example\tb", id="a tab within"),
    pytest.param("evil.example,other.example", id="two in one"),
    pytest.param("", id="nothing"),
    pytest.param("http://evil.example", id="a URL"),
    pytest.param("evil..example", id="two dots in a row"),
    pytest.param(".evil.example", id="a dot in front"),
    pytest.param("-evil.example", id="a dash in front"),
    pytest.param("e" * 300 + ".example", id="300 characters"),
    pytest.param("evil.ex\u00e4mple", id="a letter beyond ASCII"),
    pytest.param("<script>", id="markup"),
    pytest.param('"evil"', id="quotes"),
    pytest.param("evil.example\\", id="a backslash"),
    pytest.param("%65vil.example", id="an escape"),
    pytest.param("999.999.999.999", id="an address beyond all"),
    pytest.param("1.2.3", id="half an address"),
    pytest.param("[::1", id="IPv6 without its end"),
    pytest.param("[evil.example]", id="a name in brackets"),
    pytest.param("[::1%25eth0]", id="IPv6 with a zone"),
    pytest.param("[::1]evil.example", id="IPv6 and more"),
    pytest.param("devstoreaccount1.blob.evil.example/x", id="host style and a path"),
]


def ask(place, surface, lines):
    """The answer to a surface's request with these `Host` lines."""
    method, path, headers, body = requests_of(place)[surface]
    head = f"{method} {path} HTTP/1.1\r\n{lines}{headers}Content-Length: {len(body)}\r\n\r\n"
    return send_raw(place.base, head.encode("latin-1") + body, method=method)


def assert_refused(answer, surface, host, because="is no valid host and port"):
    """400 in the surface's own shape; what was sent as a host stands in no URL."""
    if surface == "finance":
        assert answer.status == 400
        assert answer.json["error"]["code"] == ""
        assert because in answer.json["error"]["innererror"]["message"]
    elif surface == "token":
        assert answer.status == 400
        assert answer.json["error"] == "invalid_request"
        assert because in answer.json["error_description"]
    elif surface == "blob":
        assert_blob_refusal(answer, 400, "InvalidInput", "One of the request inputs is not valid.")
        assert because in answer.reason
    else:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json["status"] == answer.status == 400
        assert because in answer.json["detail"]
    everything = answer.text + json.dumps(answer.headers)
    assert not host or f"://{host}" not in everything
    assert "location" not in answer.headers


@pytest.mark.parametrize("surface", SURFACES)
@pytest.mark.parametrize("host", HOSTS)
def test_a_host_with(place, host, surface):
    # A host-style name makes any path the blob service's, as in the real one.
    surface = "blob" if host.startswith("devstoreaccount1.blob.") else surface
    with place.changing():
        answer = ask(place, surface, f"Host: {host}\r\n")
        assert_refused(answer, surface, host)


@pytest.mark.parametrize("surface", SURFACES)
@pytest.mark.parametrize(
    "second", [pytest.param("evil.example", id="another"), pytest.param("", id="an empty")]
)
def test_two_hosts(place, surface, second):
    own = place.base.partition("//")[2]
    with place.changing():
        answer = ask(place, surface, f"Host: {own}\r\nHost: {second}\r\n")
        assert_refused(answer, surface, second)


@pytest.mark.parametrize("surface", SURFACES)
def test_no_host_at_all(place, surface):
    with place.changing():
        assert_refused(ask(place, surface, ""), surface, "")


@pytest.mark.parametrize("surface", SURFACES)
@pytest.mark.parametrize(
    "lines",
    [
        pytest.param("Host: a\rb\r\n", id="a carriage return"),
        pytest.param("Host: a\0b\r\n", id="a NUL"),
        pytest.param("Host: a\r\n evil.example\r\n", id="a folded line"),
        pytest.param("Host : a\r\n", id="a blank before the colon"),
    ],
)
def test_a_host_line_that_is_no_header(place, surface, lines):
    """Below the surfaces: the listener itself ends the connection."""
    with place.changing():
        answer = ask(place, surface, lines)
        assert answer.status == 400
        assert answer.headers["connection"] == "close"
        assert "evil" not in answer.text


@pytest.mark.parametrize("surface", SURFACES)
def test_headers_of_proxies_change_no_address(place, surface):
    method, path, _headers, body = requests_of(place)[surface]
    if surface == "admin change":
        return
    headers = {
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "gopher",
        "X-Forwarded-For": "203.0.113.9",
        "X-Original-URL": "/evil",
        "Forwarded": "host=evil.example",
        "x-ms-blob-type": "BlockBlob",
        "Authorization": f"Bearer {place.token}" if surface == "finance" else None,
    }
    answer = send(place.base, method, path, headers, body, own_paths=surface == "admin")
    assert answer.status in {200, 201}, answer.text
    assert "evil" not in answer.text + json.dumps(answer.headers)


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("http://evil.example/..{path}", id="an absolute target of another host"),
        pytest.param("http://a@evil.example{path}", id="an absolute target with a user"),
        pytest.param("http://{path}", id="an absolute target without a host"),
    ],
)
def test_the_host_of_an_absolute_target(place, path):
    """It wins over `Host`, so it has to be as sound; a sound foreign name is one like any other."""
    own = place.base.partition("//")[2]
    target = path.replace("{path}", FINANCE)
    head = (
        f"POST {target} HTTP/1.1\r\nHost: {own}\r\nAuthorization: Bearer {place.token}\r\n"
        f"Content-Length: {len(BODY)}\r\n\r\n"
    )
    with place.changing():
        answer = send_raw(place.base, head.encode() + BODY, method="POST")
        assert answer.status in {400, 404}
        assert "evil.example/devstoreaccount1" not in answer.text
