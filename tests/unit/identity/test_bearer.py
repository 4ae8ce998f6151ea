from __future__ import annotations

import base64
import datetime as dt
import hmac
import json
import threading
from dataclasses import replace

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from d365fo_emulator.http.exchange import Caller
from d365fo_emulator.identity import tokens
from d365fo_emulator.identity.bearer import (
    BODY,
    BearerCheck,
    BearerRefusal,
    workspace_hint_of_bearer,
)
from identity_tools import (
    BASE,
    CLIENT,
    DIRECTORY,
    DOMAIN,
    ENVIRONMENT,
    GUID,
    NOW,
    OF_DISABLED,
    OF_NOBODY,
    SECRET,
    TENANT,
    UNMAPPED,
    WITHOUT_ROLE,
    ask,
    changed,
    claims_of,
    is_own_audience,
)

ISSUED = int(NOW.timestamp())
CLAIMS = {
    "aud": BASE,
    "iss": f"https://sts.windows.net/{TENANT}/",
    "nbf": ISSUED - 300,
    "exp": ISSUED + 3600,
    "appid": CLIENT,
    "tid": TENANT,
}


@pytest.fixture
def signed(keys):
    """A token by the server's own key, with some claims changed (None: left out)."""

    def sign(**changes):
        claims = {k: v for k, v in {**CLAIMS, **changes}.items() if v is not None}
        return tokens.sign(claims, keys)

    return sign


def part(value) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def refused(service, authorization, status=401) -> str:
    """The reason of the refusal."""
    answer = service.bearer(authorization, BASE)
    assert isinstance(answer, BearerRefusal)
    assert answer.status == status
    assert answer.reason.isprintable()
    assert "\n" not in answer.reason
    return answer.reason


@pytest.mark.evidence("documented")
def test_an_issued_token_lets_its_application_in_as_its_user(service):
    token = service.token(ask(2))["access_token"]
    caller = Caller(client_id=CLIENT, user_id="admin", company="USMF")
    assert service.bearer(f"Bearer {token}") == caller
    assert service.bearer(f"bearer   {token} ") == caller


@pytest.mark.evidence("recorded")
@pytest.mark.parametrize("audience", [BASE, ENVIRONMENT, GUID, f"spn:{GUID}"])
def test_each_name_of_the_environment_is_an_audience(service, signed, audience):
    assert isinstance(service.bearer(f"Bearer {signed(aud=audience)}"), Caller)


@pytest.mark.evidence("recorded")
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (
            {"aud": "https://elsewhere.example"},
            "the token's audience is 'https://elsewhere.example'",
        ),
        ({"aud": f"{BASE}/"}, f"audience is '{BASE}/' but this environment is {BASE}: ask for"),
        ({"aud": f"{ENVIRONMENT}/"}, "without the slash at its end"),
        ({"aud": f"{GUID}/"}, "audience"),
        ({"aud": [BASE]}, "'aud' is missing or is no text"),
        ({"aud": None}, "'aud' is missing"),
        ({"iss": f"https://sts.windows.net/{DOMAIN}/"}, "issuer"),
        ({"iss": f"https://sts.windows.net/{TENANT}"}, "issuer"),
        ({"iss": f"{BASE}/{TENANT}/"}, "issuer"),
        ({"iss": "https://login.microsoftonline.com/x/v2.0"}, "issuer"),
        ({"iss": None}, "'iss' is missing"),
        ({"tid": "11111111-2222-4333-8444-555555555555"}, "is of tenant"),
        ({"tid": None}, "'tid' is missing"),
        ({"exp": ISSUED - 300}, "expired 300 s ago"),
        ({"exp": None}, "'exp' is missing"),
        ({"exp": "tomorrow"}, "'exp' is missing or is no number"),
        ({"exp": True}, "'exp' is missing or is no number"),
        ({"nbf": ISSUED + 301}, "valid in 301 s only"),
        ({"nbf": None}, "'nbf' is missing"),
        ({"appid": UNMAPPED}, "not mapped to a user in Microsoft Entra ID applications"),
        ({"appid": "nobody\r\nX-Header: 1"}, "not mapped to a user"),
        ({"appid": None}, "'appid' is missing"),
        ({"appid": OF_NOBODY}, "which does not exist"),
        ({"appid": OF_DISABLED}, "which is disabled"),
    ],
)
def test_a_token_with_a_wrong_claim_is_refused_and_the_reason_names_it(
    service, signed, changes, reason
):
    assert reason in refused(service, f"Bearer {signed(**changes)}")


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize("changes", [{"exp": ISSUED - 299}, {"nbf": ISSUED + 300}])
def test_five_minutes_of_clock_difference_are_forgiven(service, signed, changes):
    assert isinstance(service.bearer(f"Bearer {signed(**changes)}"), Caller)


@pytest.mark.evidence("inferred")
def test_a_user_without_the_right_is_forbidden_and_not_unauthorized(service, signed):
    answer = service.bearer(f"Bearer {signed(appid=WITHOUT_ROLE)}")
    assert (answer.status, answer.headers, answer.body) == (403, (), b"")
    assert "no right to data management" in answer.reason


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize(
    "authorization",
    [
        "Bearer",
        "Bearer ",
        "Bearer abc",
        "Bearer a.b",
        "Bearer a.b.c.d",
        "Bearer ..",
        "Bearer !.!.!",
        "Basic YTpi",
        "e30.e30.e30",
        "Bearer e30.e30.e30",
        "Bearer ////.e30.e30",
        f"Bearer {part([])}.e30.e30",
        f"Bearer {part(None)}.e30.e30",
        f"Bearer {part({'alg': ['RS256'], 'kid': 1})}.e30.e30",
        f"Bearer {part({'alg': 'RS256', 'kid': {}})}.e30.e30",
        f"Bearer {part({'alg': 'RS256', 'crit': ['x']})}.e30.e30",
        "Bearer " + base64.urlsafe_b64encode(b"[" * 9000).decode().rstrip("=") + ".e30.e30",
        "Bearer " + "a" * 1_000_000,
        "Bearer é.ü.ö",
        "\x00",
    ],
    ids=range(20),
)
def test_a_malformed_header_is_refused_and_never_an_exception(service, authorization):
    assert refused(service, authorization)


@pytest.mark.evidence("inferred")
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=60), header=st.dictionaries(st.text(max_size=5), st.text(max_size=5)))
def test_no_text_at_all_is_let_in(service, text, header):
    for authorization in (text, f"Bearer {text}", f"Bearer {part(header)}.{part(text)}.x"):
        assert isinstance(service.bearer(authorization), BearerRefusal)
        workspace_hint_of_bearer(authorization)


@pytest.mark.evidence("inferred")
def test_two_authorization_headers_joined_into_one_are_refused(service, signed):
    token = signed()
    assert "one access token" in refused(service, f"Bearer {token},Bearer {token}")


@pytest.mark.evidence("inferred")
def test_an_unsigned_token_is_refused(service):
    token = jwt.encode(CLAIMS, None, algorithm="none")
    assert "'none'; only RS256" in refused(service, f"Bearer {token}")


@pytest.mark.evidence("inferred")
def test_a_token_signed_with_the_public_key_as_a_password_is_refused(service, keys):
    pem = keys.current.public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    head = f"{part({'alg': 'HS256', 'typ': 'JWT', 'kid': keys.kid})}.{part(CLAIMS)}"
    signature = base64.urlsafe_b64encode(hmac.digest(pem, head.encode(), "sha256")).decode()
    assert "'HS256'; only RS256" in refused(service, f"Bearer {head}.{signature.rstrip('=')}")


@pytest.mark.evidence("inferred")
def test_a_token_of_another_key_is_refused_by_its_kid(service, foreign_keys):
    token = tokens.sign(CLAIMS, foreign_keys)
    assert "kid names no signing key" in refused(service, f"Bearer {token}")


@pytest.mark.evidence("inferred")
def test_a_token_of_another_key_under_our_kid_is_refused_by_its_signature(
    service, keys, foreign_keys
):
    token = jwt.encode(
        CLAIMS, foreign_keys.current.private_key, algorithm="RS256", headers={"kid": keys.kid}
    )
    assert "signature" in refused(service, f"Bearer {token}")


@pytest.mark.evidence("inferred")
def test_a_token_whose_claims_were_changed_is_refused_although_the_first_was_seen(service, signed):
    head, _, signature = signed(appid=UNMAPPED).split(".")
    assert isinstance(service.bearer(f"Bearer {signed()}"), Caller)
    assert "signature" in refused(service, f"Bearer {head}.{part(CLAIMS)}.{signature}")


@pytest.mark.evidence("recorded")
def test_the_refusal_has_the_recorded_body_and_headers(service):
    answer = service.bearer(None)
    assert (
        answer.body
        == BODY
        == (
            b'{\r\n  "Message": "Authentication failed.",\r\n  "StackTrace": null,\r\n'
            b'  "ExceptionType": "System.InvalidOperationException"\r\n}'
        )
    )
    headers = dict(answer.headers)
    assert headers["P3P"].startswith('CP="No P3P policy defined.')
    assert headers["WWW-Authenticate"] == (
        f'Bearer authorization_uri="https://login.windows.net/{TENANT}", error="invalid_token",'
        " error_description=\"The authentication failed because of missing 'Authorization'"
        ' header."'
    )
    assert "no Authorization header" in answer.reason


@pytest.mark.evidence("documented")
def test_a_token_expires_by_the_environments_clock(service):
    answer = service.token(ask(2))
    authorization = f"Bearer {answer['access_token']}"
    assert isinstance(service.bearer(authorization), Caller)
    service.workspace.clock.advance(dt.timedelta(seconds=answer["expires_in"] + 299))
    assert isinstance(service.bearer(authorization), Caller)
    service.workspace.clock.advance(dt.timedelta(seconds=1))
    assert "expired" in refused(service, authorization)


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize(
    ("directory", "status"),
    [
        (changed(DIRECTORY, CLIENT, user=""), 401),
        (changed(DIRECTORY, CLIENT, user="gone"), 401),
        (changed(DIRECTORY, CLIENT, user="clerk"), 403),
        (replace(DIRECTORY, applications=()), 401),
        (replace(DIRECTORY, tenant_id="11111111-2222-4333-8444-555555555555"), 401),
    ],
)
def test_a_change_of_the_directory_counts_for_tokens_already_seen(
    service, signed, directory, status
):
    authorization = f"Bearer {signed()}"
    assert isinstance(service.bearer(authorization), Caller)
    service.directory = directory
    refused(service, authorization, status)


@pytest.mark.evidence("inferred")
def test_the_memory_of_tokens_is_bounded_and_spares_the_signature(
    service, keys, signed, monkeypatch
):
    check = BearerCheck(keys, most_cached=2)
    decoded = []
    decode = jwt.decode
    monkeypatch.setattr(jwt, "decode", lambda *a, **k: decoded.append(1) or decode(*a, **k))

    def let_in(token):
        caller = check.check(f"Bearer {token}", service.workspace, DIRECTORY, is_own_audience)
        assert isinstance(caller, Caller)

    first, second, third = (signed(uti=n) for n in "123")
    for token in (first, first, second, third, third, first):
        let_in(token)
    assert len(decoded) == 4, "the first was forgotten when the third came"
    assert len(check._verified) == 2


@pytest.mark.evidence("inferred")
def test_many_threads_can_check_at_once(service, keys, signed):
    check = BearerCheck(keys, most_cached=2)
    authorizations = [f"Bearer {signed(uti=str(n))}" for n in range(4)]
    answers = []

    def work():
        answers.extend(
            check.check(a, service.workspace, DIRECTORY, is_own_audience)
            for a in authorizations * 5
        )

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert answers == [Caller(CLIENT, "admin", "USMF")] * 80


@pytest.mark.evidence("inferred")
def test_the_tenant_of_a_token_is_seen_without_checking_it(service):
    token = service.token(ask(2))["access_token"]
    assert workspace_hint_of_bearer(f"Bearer {token}") == claims_of(token)["tid"] == TENANT


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Basic YTpi",
        "Bearer x",
        "Bearer e30.____.e30",
        f"Bearer e30.{part([1])}.e30",
        f"Bearer e30.{part({'tid': 7})}.e30",
        "Bearer e30." + base64.urlsafe_b64encode(b"[" * 9000).decode().rstrip("=") + ".e30",
        "Bearer " + "a." * 500_000,
    ],
    ids=range(9),
)
def test_what_is_no_token_names_no_tenant(authorization):
    assert workspace_hint_of_bearer(authorization) is None


@pytest.mark.evidence("inferred")
def test_no_reason_repeats_the_token_or_the_secret(service, signed):
    for token in (signed(aud="https://elsewhere.example"), "not-a-token", signed()[:-4]):
        reason = refused(service, f"Bearer {token}")
        assert token not in reason
        assert SECRET not in reason
