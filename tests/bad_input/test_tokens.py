"""Callers that Finance & Operations must not let in: 401 in the recorded words, nothing changed."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

import pytest

from bad_input.support import (
    ACTIONS,
    assert_action_refusal,
    assert_unauthorized,
    send,
    send_raw,
)

pytestmark = pytest.mark.evidence("recorded")

ACTION = ACTIONS + "GetAzureWriteUrl"
BODY = b'{"uniqueFileName":"x.zip"}'


def call(place, **headers):
    sent = {"Content-Type": "application/json", **headers}
    return send(place.base, "POST", ACTION, sent, BODY)


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def octets(part):
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def encoded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def parts(token):
    header, claims, _signature = token.split(".")
    return json.loads(octets(header)), json.loads(octets(claims))


def joined(header, claims):
    return f"{encoded(json.dumps(header).encode())}.{encoded(json.dumps(claims).encode())}"


def unsigned(place):
    header, claims = parts(place.token)
    return f"{joined(header | {'alg': 'none'}, claims)}."


def signed_with_the_public_key(place):
    """The classic confusion: the published RSA key, as PEM, taken for a shared secret."""
    from cryptography.hazmat.primitives import serialization
    from jwt.algorithms import RSAAlgorithm

    tenant = place.view.client_config()["tenant_id"]
    keys = send(place.base, "GET", f"/{tenant}/discovery/keys").json["keys"]
    key = RSAAlgorithm.from_jwk(json.dumps(keys[0]))
    pem = key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    header, claims = parts(place.token)
    content = joined(header | {"alg": "HS256"}, claims)
    return f"{content}.{encoded(hmac.new(pem, content.encode(), hashlib.sha256).digest())}"


def signed_by_a_foreign_key(place):
    import jwt
    from cryptography.hazmat.primitives.asymmetric import rsa

    header, claims = parts(place.token)
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return jwt.encode(claims, key, algorithm="RS256", headers=header)


def with_a_foreign_key_id(place):
    header, claims = parts(place.token)
    return f"{joined(header | {'kid': 'another'}, claims)}.{place.token.split('.')[2]}"


def with_a_changed_claim(place):
    header, claims = parts(place.token)
    later = claims | {"exp": claims["exp"] + 3600}
    return f"{joined(header, later)}.{place.token.split('.')[2]}"


def with_a_cut_signature(place):
    return place.token[:-21]  # a length that no base64 text has, whatever the signature


def deeply_nested(place):
    return f"{encoded(b'[' * 6000)}.{encoded(b'[' * 4000)}.x"


@pytest.mark.parametrize(
    ("make", "because"),
    [
        pytest.param(unsigned, "only RS256", id="a token without a signature (alg none)"),
        pytest.param(
            signed_with_the_public_key, "only RS256", id="a token signed with the public key"
        ),
        pytest.param(signed_by_a_foreign_key, "signature", id="a token of a foreign key"),
        pytest.param(with_a_foreign_key_id, "kid", id="a token that names another key"),
        pytest.param(with_a_changed_claim, "signature", id="a token whose claims were changed"),
        pytest.param(with_a_cut_signature, "cannot be read", id="a token whose end is cut off"),
        pytest.param(deeply_nested, "header cannot be read", id="a token nested without end"),
    ],
)
def test_forged(place, make, because):
    token = make(place)
    with place.changing():
        assert_unauthorized(call(place, **bearer(token)), because)


@pytest.mark.parametrize(
    "authorization",
    [
        pytest.param("", id="an empty header"),
        pytest.param("Bearer", id="a scheme without a token"),
        pytest.param("Bearer ", id="a scheme and a blank"),
        pytest.param("Bearer a.b", id="two parts"),
        pytest.param("Bearer ..", id="three empty parts"),
        pytest.param("Bearer {token} {token}", id="two tokens"),
        pytest.param("Basic dTpw", id="another scheme"),
        pytest.param("{token}", id="a token without its scheme"),
        pytest.param("Bearer \u00e4.\u00f6.\u00fc", id="letters that no token has"),
    ],
)
def test_no_bearer(place, authorization):
    filled = authorization.replace("{token}", place.token)
    with place.changing():
        assert_unauthorized(call(place, Authorization=filled), "Authorization header")


def test_without_a_token(place):
    with place.changing():
        assert_unauthorized(call(place), "no Authorization header")


def test_two_authorization_headers_are_no_bearer(place):
    line = f"Authorization: Bearer {place.token}\r\n"
    host = place.base.partition("//")[2]
    head = f"POST {ACTION} HTTP/1.1\r\nHost: {host}\r\n{line}{line}Content-Length: {len(BODY)}\r\n"
    with place.changing():
        answer = send_raw(place.base, f"{head}\r\n".encode() + BODY, method="POST")
        assert_unauthorized(answer, "is not 'Bearer' and one access token")


def test_an_expired_token_is_refused_when_the_environments_clock_says_so(place):
    assert call(place, **bearer(place.token)).status == 200
    place.view.clock.advance("71m")  # the longest life is 65 minutes, 5 are forgiven
    with place.changing():
        assert_unauthorized(call(place, **bearer(place.token)), "the token expired")


class TestAudience:
    @pytest.fixture
    def settings(self):
        return {"anyResource": True}

    def test_a_token_for_another_resource_is_refused(self, place):
        token = place.ask_token("https://other.operations.dynamics.com")
        with place.changing():
            assert_unauthorized(call(place, **bearer(token)), "audience")

    def test_a_slash_at_the_end_of_the_audience_is_refused_with_the_remedy(self, place):
        token = place.ask_token(place.base + "/")
        with place.changing():
            assert_unauthorized(
                call(place, **bearer(token)), "ask for the resource without the slash at its end"
            )

    def test_a_token_for_another_port_of_this_machine_is_refused(self, place):
        token = place.ask_token("https://localhost:1")
        with place.changing():
            assert_unauthorized(call(place, **bearer(token)), "audience")


def test_a_token_of_another_workspace_leads_to_that_one_alone(place, other):
    package = place.upload(b"never read")
    with place.changing():
        status = other.act("GetExecutionSummaryStatus", executionId="anything")
        assert_action_refusal(
            status,
            "GetExecutionSummaryStatus",
            "Execution details were not found for execution id: anything",
        )
        refused = other.import_from(package)
        assert_action_refusal(
            refused, "ImportFromPackage", "The remote server returned an error: (403) Forbidden."
        )


def test_a_token_with_the_tenant_of_another_workspace_is_a_forgery(place, other):
    header, claims = parts(place.token)
    claims["tid"] = other.view.client_config()["tenant_id"]
    token = f"{joined(header, claims)}.{place.token.split('.')[2]}"
    with place.changing():
        assert_unauthorized(call(place, **bearer(token)), "signature")


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize(
    ("size", "status"),
    [
        pytest.param(60_000, 401, id="60 kB are read and refused"),
        pytest.param(1_000_000, 431, id="a megabyte is not even read"),
    ],
)
def test_a_token_of(place, size, status):
    host = place.base.partition("//")[2]
    line = b"Authorization: Bearer a." + b"A" * size + b".a\r\n"
    head = f"POST {ACTION} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\n".encode()
    with place.changing():
        answer = send_raw(place.base, head + line + b"\r\n", method="POST")
        assert answer.status == status
        if status == 401:
            assert_unauthorized(answer, "longer than 16384 characters")
