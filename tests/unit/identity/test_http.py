from __future__ import annotations

import base64
import json
import re
from types import SimpleNamespace

import pytest

from d365fo_emulator.identity.http import refuse
from identity_tools import (
    BASE,
    CLIENT,
    DOMAIN,
    SECRET,
    TENANT,
    claims_of,
    wire_for,
)

FORM = {
    "grant_type": "client_credentials",
    "client_id": CLIENT,
    "client_secret": SECRET,
    "scope": f"{BASE}/.default",
}
FORM_V1 = {**FORM, "scope": "", "resource": BASE}
V2 = f"/{TENANT}/oauth2/v2.0/token"
V1 = f"/{TENANT}/oauth2/token"
REQUEST_ID = "5fc87507-4086-4e77-b415-cee677eb232e"
GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@pytest.mark.evidence("client")
@pytest.mark.parametrize(
    ("path", "form"),
    [
        (V2, FORM),
        (V1, FORM_V1),
        (V2.upper(), FORM),
        (f"/{DOMAIN}/OAuth2/V2.0/Token", FORM),
        (f"{V1}?api-version=1.0", FORM_V1),
        (f"{V2}/", FORM),
        (f"{V2}?client-request-id={REQUEST_ID}", {**FORM, "x-client-SKU": "x", "tenant_id": "y"}),
    ],
)
def test_a_token_is_issued_in_every_spelling_that_clients_use(wire, path, form):
    response = wire("POST", path, data=form)
    assert response.status_code == 200
    assert claims_of(response.get_json()["access_token"])["aud"] == BASE
    assert response.headers["Content-Type"] == "application/json; charset=utf-8"
    assert response.headers["Cache-Control"] == "no-store, no-cache"
    assert response.headers["Pragma"] == "no-cache"
    assert GUID.fullmatch(response.headers["x-ms-request-id"])
    facts = wire.exchange.facts
    assert (facts["clientId"], facts["grantType"]) == (CLIENT, "client_credentials")
    assert facts["tenant"].casefold() in {TENANT, DOMAIN}


@pytest.mark.evidence("recorded")
@pytest.mark.parametrize(("separator", "between"), [("space", " "), ("crlf", "\r\n")])
def test_a_wrong_secret_is_answered_to_the_letter(service_with, separator, between):
    wire = wire_for(service_with(error_separator=separator))
    response = wire(
        "POST",
        V2,
        data={**FORM, "client_secret": "wrong"},
        headers={"client-request-id": REQUEST_ID, "return-client-request-id": "true"},
    )
    body = response.get_json()
    trace_id = response.headers["x-ms-request-id"]
    text = (
        "AADSTS7000215: Invalid client secret provided. Ensure the secret being sent in the"
        " request is the client secret value, not the client secret ID, for a secret added to app"
        f" '{CLIENT}'."
    )
    assert response.status_code == 401
    assert body == {
        "error": "invalid_client",
        "error_description": between.join(
            (
                text,
                f"Trace ID: {trace_id}",
                f"Correlation ID: {REQUEST_ID}",
                "Timestamp: 2026-01-01 12:00:00Z",
            )
        ),
        "error_codes": [7000215],
        "timestamp": "2026-01-01 12:00:00Z",
        "trace_id": trace_id,
        "correlation_id": REQUEST_ID,
        "error_uri": "https://login.microsoftonline.com/error?code=7000215",
    }
    assert response.headers["client-request-id"] == REQUEST_ID
    assert wire.exchange.reason == text


@pytest.mark.evidence("client")
@pytest.mark.parametrize(
    "options",
    [
        {"headers": {"client-request-id": REQUEST_ID}},
        {"query_string": {"client-request-id": REQUEST_ID}},
        {"data": {"client-request-id": REQUEST_ID}},
    ],
)
def test_the_correlation_id_is_the_requests_own_wherever_it_stands(wire, options):
    response = wire("POST", V2, **options)
    assert response.get_json()["correlation_id"] == REQUEST_ID
    assert "client-request-id" not in response.headers


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize("own", ["", "abc", "-" * 36, "x" * 5000])
def test_a_correlation_id_that_is_no_guid_is_replaced(wire, own):
    headers = {"client-request-id": own, "return-client-request-id": "true"}
    response = wire("POST", V2, headers=headers)
    assert GUID.fullmatch(response.get_json()["correlation_id"])
    assert "client-request-id" not in response.headers


@pytest.mark.evidence("documented")
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS"])
def test_the_token_endpoint_takes_posts_alone(wire, method):
    response = wire(method, V2)
    assert response.status_code == 400
    description = response.get_json()["error_description"]
    assert description.startswith(
        f"AADSTS900561: The endpoint only accepts POST requests. Received a {method} request."
    )


@pytest.mark.evidence("recorded")
@pytest.mark.parametrize(
    ("tenant", "code", "error"),
    [
        ("11111111-2222-4333-8444-555555555555", 90002, "invalid_tenant"),
        ("fabrikam.example", 90002, "invalid_tenant"),
        ("nonsense", 900023, "invalid_request"),
        ("%0D%0Aevil", 900023, "invalid_request"),
    ],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/oauth2/token"),
        ("POST", "/oauth2/v2.0/token"),
        ("GET", "/v2.0/.well-known/openid-configuration"),
        ("GET", "/.well-known/openid-configuration"),
        ("GET", "/discovery/keys"),
    ],
)
def test_an_unknown_tenant_is_refused_at_token_and_metadata(
    wire, tenant, code, error, method, path
):
    response = wire(method, f"/{tenant}{path}")
    assert response.status_code == 400
    body = response.get_json()
    assert (body["error_codes"], body["error"]) == ([code], error)
    assert wire.exchange.reason.isprintable()
    assert TENANT in wire.exchange.reason


@pytest.mark.evidence("client")
@pytest.mark.parametrize("tenant", [TENANT, DOMAIN, "common", "organizations"])
def test_the_metadata_names_addresses_under_the_tenant_that_was_asked_for(wire, tenant):
    document = wire("GET", f"/{tenant}/v2.0/.well-known/openid-configuration").get_json()
    assert document["token_endpoint"] == f"{BASE}/{tenant}/oauth2/v2.0/token"
    assert document["authorization_endpoint"] == f"{BASE}/{tenant}/oauth2/v2.0/authorize"
    assert document["device_authorization_endpoint"] == f"{BASE}/{tenant}/oauth2/v2.0/devicecode"
    assert document["jwks_uri"] == f"{BASE}/{tenant}/discovery/v2.0/keys"
    assert document["issuer"] == f"{BASE}/{TENANT}/v2.0"


@pytest.mark.evidence("documented")
def test_the_metadata_of_version_1_names_the_issuer_of_tokens(wire):
    document = wire("GET", f"/{TENANT}/.well-known/openid-configuration").get_json()
    token = wire("POST", V1, data=FORM_V1).get_json()["access_token"]
    assert document["issuer"] == claims_of(token)["iss"] == f"https://sts.windows.net/{TENANT}/"
    assert document["token_endpoint"] == f"{BASE}/{TENANT}/oauth2/token"
    assert document["jwks_uri"] == f"{BASE}/{TENANT}/discovery/keys"


@pytest.mark.evidence("documented")
@pytest.mark.parametrize(
    "path", [f"/{TENANT}/discovery/v2.0/keys", "/common/discovery/keys", "/COMMON/Discovery/Keys"]
)
def test_the_key_set_is_the_same_everywhere(wire, keys, path):
    [key] = wire("GET", path).get_json()["keys"]
    assert key["kid"] == keys.kid


@pytest.mark.evidence("client")
def test_instance_discovery_answers_for_an_authority_without_its_port(wire):
    response = wire(
        "GET",
        "/common/discovery/instance",
        query_string={
            "api-version": "1.1",
            "authorization_endpoint": f"https://localhost/{TENANT}/oauth2/v2.0/authorize",
        },
    )
    assert response.get_json() == {
        "tenant_discovery_endpoint": f"{BASE}/{TENANT}/v2.0/.well-known/openid-configuration",
        "api-version": "1.1",
        "metadata": [
            {
                "preferred_network": "localhost:8443",
                "preferred_cache": "localhost:8443",
                "aliases": ["localhost:8443"],
            }
        ],
    }


@pytest.mark.evidence("documented")
@pytest.mark.parametrize("endpoint", ["", "https://localhost", "https://[", "nothing:"])
def test_instance_discovery_of_no_authority_is_refused(wire, endpoint):
    response = wire(
        "GET", "/common/discovery/instance", query_string={"authorization_endpoint": endpoint}
    )
    assert response.status_code == 400
    assert response.get_json()["error"] == "invalid_instance"


@pytest.mark.evidence("client")
def test_webfinger_confirms_the_host_that_the_library_asks_for(wire):
    rel = "http://schemas.microsoft.com/rel/trusted-realm"
    response = wire(
        "GET",
        "/.well-known/webfinger",
        query_string={"rel": rel, "resource": "https://localhost"},
    )
    assert response.get_json() == {
        "subject": "https://localhost",
        "links": [{"rel": rel, "href": "https://localhost"}],
    }


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("POST", "/adfs/oauth2/token", "AD FS"),
        ("GET", "/adfs/.well-known/openid-configuration", "AD FS"),
        ("GET", "/ADFS", "AD FS"),
        ("GET", f"/{TENANT}/oauth2/v2.0/authorize", "authorize"),
        ("POST", f"/{TENANT}/oauth2/devicecode", "devicecode"),
        ("GET", "/common/UserRealm/admin@contoso.example?api-version=1.0", "user realm"),
        ("GET", f"/{TENANT}/oauth2/logout", "logout"),
        ("GET", "/oidc/userinfo", "userinfo"),
    ],
)
def test_what_is_known_and_not_built_answers_by_name(wire, method, path, name):
    response = wire(method, path)
    assert response.status_code == 501
    body = response.get_json()
    assert body["error"] == "not_emulated"
    assert name in body["error_description"]
    assert body["error_description"].endswith("is not emulated by d365fo-emulator")
    assert wire.exchange.reason == body["error_description"]


@pytest.mark.evidence("inferred")
def test_a_grant_that_is_not_built_answers_by_name(wire):
    response = wire("POST", V2, data={**FORM, "grant_type": "password"})
    assert response.status_code == 501
    assert response.get_json() == {
        "error": "not_emulated",
        "error_description": "the grant 'password' is not emulated by d365fo-emulator",
    }


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize("path", ["/", "/nothing", f"/{TENANT}/oauth2", "//oauth2/token", "/a/b/c"])
def test_any_other_path_is_not_found_in_json(wire, path):
    response = wire("GET", path)
    assert response.status_code == 404
    assert response.get_json()["error"] == "not_found"
    assert wire.exchange.reason


@pytest.mark.evidence("inferred")
def test_a_document_cannot_be_posted_to(wire):
    response = wire("POST", f"/{TENANT}/discovery/keys", data=FORM)
    assert response.status_code == 405
    assert response.get_json()["error"] == "invalid_request"


@pytest.mark.evidence("inferred")
def test_a_huge_form_is_refused_in_json(wire):
    response = wire("POST", V2, data={**FORM, "padding": "x" * 1_100_000})
    assert response.status_code == 413
    assert response.get_json()["error"] == "invalid_request"


@pytest.mark.evidence("recorded")
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"json": FORM},
        {"data": b"\xff\xfe", "content_type": "application/x-www-form-urlencoded"},
        {"data": b"%%%&&&==", "content_type": "application/x-www-form-urlencoded"},
        {"data": b"--x", "content_type": "multipart/form-data"},
    ],
)
def test_a_body_without_the_form_is_told_of_the_grant_type(wire, options):
    response = wire("POST", V2, **options)
    assert response.status_code == 400
    assert "'grant_type'" in response.get_json()["error_description"]


@pytest.mark.evidence("inferred")
def test_a_request_belongs_to_the_workspace_of_its_tenant(wire):
    def found(path):
        return wire.surface.find_workspace({"PATH_INFO": path})

    assert found(V2) is wire.service.workspace
    assert found(f"/{DOMAIN.upper()}/OAUTH2/TOKEN") is wire.service.workspace
    assert found("/11111111-2222-4333-8444-555555555555/oauth2/token") is None
    assert found("/common/discovery/instance") is None
    assert found("/adfs/oauth2/token") is None
    assert found("/\xff\xfe/oauth2/token") is None


@pytest.mark.evidence("inferred")
def test_the_operation_is_known_before_the_handler_runs(wire):
    assert wire.surface.describe({"PATH_INFO": V1}) == {"operation": "Token", "tenant": TENANT}
    assert wire.surface.describe({"PATH_INFO": "/nothing"}) == {}


@pytest.mark.evidence("inferred")
def test_the_surface_refuses_in_its_dialect_outside_of_its_application(wire):
    wire("GET", "/")
    exchange = wire.exchange
    exchange.reason = ""
    response = refuse(exchange, 503, "stopping\r\nnow")
    assert response.status_code == 503
    assert json.loads(response.get_data())["error_description"] == "stopping\r\nnow"
    assert exchange.reason == "stopping??now"


@pytest.mark.evidence("inferred")
def test_the_secret_is_in_nothing_that_an_exchange_keeps(wire):
    pair = base64.b64encode(f"{CLIENT}:{SECRET}-guess".encode()).decode()
    requests = [
        {"data": {**FORM, "client_secret": f"{SECRET}-guess"}},
        {
            "data": {"grant_type": "client_credentials"},
            "headers": {"Authorization": f"Basic {pair}"},
        },
        {"data": {**FORM, "grant_type": "password", "password": SECRET}},
        {"data": FORM},
    ]
    assert not wire.surface.journals_bodies
    for options in requests:
        response = wire("POST", V2, **options)
        exchange = wire.exchange
        kept = f"{exchange.facts} {exchange.reason} {exchange.notes} {response.headers}"
        assert SECRET not in kept
        assert pair not in kept
        assert SECRET not in response.get_data(as_text=True)


class ThroughTheWire:
    """The HTTP client that msal takes in place of its own: asks the surface, opens no socket."""

    def __init__(self, wire):
        self._wire = wire
        self.asked = []

    def get(self, url, params=None, headers=None, **_options):
        return self._open("GET", url, query_string=params, headers=headers)

    def post(self, url, params=None, data=None, headers=None, **_options):
        return self._open("POST", url, query_string=params, data=data, headers=headers)

    def close(self):
        pass

    def _open(self, method, url, **options):
        path = url.removeprefix(BASE)
        self.asked.append((method, path))
        response = self._wire(method, path, **options)
        return SimpleNamespace(
            status_code=response.status_code,
            text=response.get_data(as_text=True),
            headers=dict(response.headers),
            raise_for_status=lambda: None,
        )


@pytest.mark.evidence("client")
def test_msal_gets_a_token_and_shows_a_refusal(wire):
    import msal

    def application(secret):
        transport = ThroughTheWire(wire)
        return transport, msal.ConfidentialClientApplication(
            CLIENT,
            client_credential=secret,
            authority=f"{BASE}/{TENANT}",
            instance_discovery=False,
            http_client=transport,
        )

    transport, client = application(SECRET)
    answer = client.acquire_token_for_client([f"{BASE}/.default"])
    assert wire.service.bearer(f"Bearer {answer['access_token']}").client_id == CLIENT
    assert transport.asked == [
        ("GET", f"/{TENANT}/v2.0/.well-known/openid-configuration"),
        ("POST", V2),
    ]
    _, client = application("wrong")
    answer = client.acquire_token_for_client([f"{BASE}/.default"])
    assert (answer["error"], answer["error_codes"]) == ("invalid_client", [7000215])
