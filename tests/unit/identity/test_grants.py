from __future__ import annotations

import base64
import re
from dataclasses import replace
from urllib.parse import quote_plus

import pytest
from joserfc import jwt as joserfc_jwt
from joserfc.jwk import KeySet

from d365fo_emulator.identity.errors import TABLE, IdentityError
from d365fo_emulator.identity.grants import TABLE as GRANTS
from d365fo_emulator.identity.model import TokenRequest
from d365fo_emulator.identity.service import IdentityService
from d365fo_emulator.kernel.errors import NotEmulated
from identity_tools import (
    BASE,
    CLIENT,
    DIRECTORY,
    DOMAIN,
    ENVIRONMENT,
    GUID,
    NOW,
    SECRET,
    TENANT,
    ask,
    claims_of,
    is_own_audience,
    workspace_in,
)

UNKNOWN = "11111111-2222-4333-8444-555555555555"


def basic(client_id: str, secret: str) -> str:
    pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


def code_of(service: IdentityService, request: TokenRequest) -> int:
    with pytest.raises(IdentityError) as caught:
        service.token(request)
    return caught.value.row.code


@pytest.mark.evidence("recorded")
def test_version_1_answers_in_text_alone(service):
    answer = service.token(ask(1))
    assert list(answer) == [
        "token_type",
        "expires_in",
        "ext_expires_in",
        "expires_on",
        "not_before",
        "resource",
        "access_token",
    ]
    assert all(isinstance(value, str) for value in answer.values())
    issued = int(NOW.timestamp())
    assert answer["resource"] == BASE
    assert int(answer["expires_on"]) == issued + int(answer["expires_in"])
    assert int(answer["not_before"]) == issued - 300
    assert answer["ext_expires_in"] == answer["expires_in"]


@pytest.mark.evidence("documented")
def test_version_2_answers_with_numbers_and_fewer_members(service):
    answer = service.token(ask(2))
    assert list(answer) == ["token_type", "expires_in", "ext_expires_in", "access_token"]
    assert answer["token_type"] == "Bearer"
    assert type(answer["expires_in"]) is int
    assert 3599 <= answer["expires_in"] <= 3900


@pytest.mark.evidence("documented")
@pytest.mark.parametrize("version", [1, 2])
def test_a_token_has_the_claims_of_version_1_whichever_endpoint_issues_it(service, version):
    answer = service.token(ask(version))
    claims = claims_of(answer["access_token"])
    issued = int(NOW.timestamp())
    assert set(claims) == {
        "aud",
        "iss",
        "iat",
        "nbf",
        "exp",
        "aio",
        "appid",
        "appidacr",
        "idp",
        "oid",
        "rh",
        "sub",
        "tid",
        "uti",
        "ver",
    }
    assert claims["aud"] == BASE
    assert claims["iss"] == claims["idp"] == f"https://sts.windows.net/{TENANT}/"
    assert (claims["appid"], claims["appidacr"], claims["tid"]) == (CLIENT, "1", TENANT)
    assert claims["ver"] == "1.0"
    assert claims["oid"] == claims["sub"]
    assert claims["iat"] == issued
    assert claims["exp"] == issued + int(answer["expires_in"])


@pytest.mark.evidence("documented")
def test_a_second_library_verifies_the_token_by_the_key_set(service):
    token = service.token(ask(2))["access_token"]
    key_set = KeySet.import_key_set(service.jwks(TENANT, BASE, 2))
    decoded = joserfc_jwt.decode(token, key_set, algorithms=["RS256"])
    assert decoded.claims["appid"] == CLIENT
    kid = service.jwks(TENANT, BASE, 2)["keys"][0]["kid"]
    assert decoded.header == {"typ": "JWT", "alg": "RS256", "kid": kid, "x5t": kid}


@pytest.mark.evidence("inferred")
def test_the_principal_of_an_application_stays_and_the_token_id_does_not(service):
    first, second = (claims_of(service.token(ask(2))["access_token"]) for _ in range(2))
    assert first["oid"] == second["oid"]
    assert first["uti"] != second["uti"]


@pytest.mark.evidence("inferred")
def test_the_same_seed_gives_the_same_token(tmp_path, keys):
    tokens = [
        IdentityService(workspace_in(tmp_path), DIRECTORY, keys, is_own_audience).token(ask(2))
        for _ in range(2)
    ]
    assert tokens[0] == tokens[1]


@pytest.mark.evidence("client")
@pytest.mark.parametrize(
    ("scope", "audience"),
    [
        (f"{BASE}/.default", BASE),
        (f"{BASE}//.default", f"{BASE}/"),
        (f"{ENVIRONMENT}/.default", ENVIRONMENT),
        (f"{GUID}/.default", GUID),
        (f"spn:{GUID}/.default", f"spn:{GUID}"),
        (f"{BASE}/namespaces/AXSF/.default", f"{BASE}/namespaces/AXSF"),
    ],
)
def test_the_audience_is_the_scope_up_to_its_last_slash(service, scope, audience):
    token = service.token(ask(2, scope=scope))["access_token"]
    assert claims_of(token)["aud"] == audience


@pytest.mark.evidence("documented")
@pytest.mark.parametrize("resource", [BASE, f"{BASE}/", ENVIRONMENT, f"{ENVIRONMENT}/", GUID])
def test_version_1_keeps_the_resource_literally(service, resource):
    answer = service.token(ask(1, resource=resource))
    assert answer["resource"] == resource
    assert claims_of(answer["access_token"])["aud"] == resource


@pytest.mark.evidence("client")
@pytest.mark.parametrize("form", [{"client_id": "", "client_secret": ""}, {"client_secret": ""}])
def test_a_basic_header_is_enough_and_is_form_decoded(service, form):
    answer = service.token(ask(2, authorization=basic(CLIENT, SECRET), **form))
    assert claims_of(answer["access_token"])["appid"] == CLIENT


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize(
    ("authorization", "form", "code"),
    [
        (basic(CLIENT, "wrong"), {"client_secret": ""}, 7000215),
        (basic(UNKNOWN, SECRET), {"client_secret": ""}, 7000218),
        (basic(UNKNOWN, SECRET), {"client_id": "", "client_secret": ""}, 700016),
        ("Basic !!!", {"client_id": "", "client_secret": ""}, 900144),
        ("Basic /////w==", {"client_id": "", "client_secret": ""}, 900144),
        ("Basic", {"client_id": "", "client_secret": ""}, 900144),
        ("Bearer abc", {"client_secret": ""}, 7000218),
    ],
)
def test_a_basic_header_that_proves_nothing_is_refused(service, authorization, form, code):
    assert code_of(service, ask(2, authorization=authorization, **form)) == code


@pytest.mark.evidence("documented")
@pytest.mark.parametrize(
    "tenant", [TENANT, TENANT.upper(), DOMAIN, DOMAIN.upper(), "Contoso.OnMicrosoft.Example"]
)
def test_a_tenant_is_known_by_id_and_by_domain_in_any_letter_case(service, tenant):
    token = service.token(ask(2, tenant=tenant, client_id=CLIENT.upper()))["access_token"]
    assert claims_of(token)["tid"] == TENANT


@pytest.mark.evidence("documented")
@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (ask(2, tenant=UNKNOWN), 90002),
        (ask(2, tenant="fabrikam.example"), 90002),
        (ask(2, tenant="common"), 90002),
        (ask(2, tenant="Organizations"), 90002),
        (ask(2, tenant="no tenant"), 900023),
        (ask(2, tenant="word"), 900023),
        (ask(2, grant_type=""), 900144),
        (ask(2, grant_type="barter"), 70003),
        (ask(2, client_id=""), 900144),
        (ask(2, client_id=UNKNOWN), 700016),
        (ask(2, scope=""), 900144),
        (ask(1, resource=""), 900144),
        (ask(2, resource=BASE), 901002),
        (ask(2, scope=BASE), 1002012),
        (ask(2, scope="/.default"), 1002012),
        (ask(2, scope=f"{BASE}/.default openid"), 70011),
        (ask(2, scope=" "), 70011),
        (ask(2, scope="https://elsewhere.example/.default"), 500011),
        (ask(2, scope=f"{BASE}///.default"), 500011),
        (ask(1, resource="https://elsewhere.example"), 500011),
        (ask(2, client_secret=""), 7000218),
        (ask(2, client_secret="wrong"), 7000215),
        (ask(2, client_secret="wröng \N{SNOWMAN}"), 7000215),
    ],
    ids=lambda value: value if isinstance(value, int) else "",
)
def test_a_wrong_request_gets_the_code_of_its_fault(service, request_, code):
    assert code_of(service, request_) == code


@pytest.mark.evidence("inferred")
def test_of_several_faults_the_first_of_the_order_is_told(service):
    faults = {
        "grant_type": "barter",
        "client_id": UNKNOWN,
        "scope": "https://elsewhere.example/.default",
        "client_secret": "wrong",
    }
    right = {"grant_type": "client_credentials", "client_id": CLIENT, "scope": f"{BASE}/.default"}
    told = [code_of(service, ask(2, tenant=UNKNOWN, **faults))]
    for name, value in right.items():
        told.append(code_of(service, ask(2, **faults)))
        faults[name] = value
    told.append(code_of(service, ask(2, **faults)))
    assert told == [90002, 70003, 700016, 500011, 7000215]


@pytest.mark.evidence("recorded")
def test_an_empty_request_is_told_of_the_grant_type(service):
    with pytest.raises(IdentityError) as caught:
        service.token(TokenRequest(TENANT, 2, {}, BASE))
    assert caught.value.text == (
        "AADSTS900144: The request body must contain the following parameter: 'grant_type'."
    )


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize("grant_type", sorted(set(GRANTS) - {"client_credentials"}))
def test_a_grant_that_is_not_built_is_named(service, grant_type):
    with pytest.raises(NotEmulated, match=re.escape(grant_type.rsplit(":", 1)[-1])):
        service.token(ask(2, grant_type=grant_type, client_id=""))


@pytest.mark.evidence("inferred")
def test_a_certificate_as_credential_is_not_built_and_is_named(service):
    with pytest.raises(NotEmulated, match="client_assertion"):
        service.token(ask(2, client_secret="", client_assertion="e30.e30.e30"))


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize("tenant", [UNKNOWN, "common", "anything at all"])
def test_the_lenient_tenant_switch_issues_for_every_name(service_with, tenant):
    token = service_with(any_tenant=True).token(ask(2, tenant=tenant))["access_token"]
    assert claims_of(token)["tid"] == TENANT


@pytest.mark.evidence("inferred")
def test_the_lenient_resource_switch_issues_what_the_environment_still_refuses(service_with):
    service = service_with(any_resource=True)
    token = service.token(ask(1, resource="https://elsewhere.example"))["access_token"]
    refusal = service.bearer(f"Bearer {token}")
    assert refusal.status == 401
    assert "https://elsewhere.example" in refusal.reason


@pytest.mark.evidence("documented")
def test_the_emulator_can_be_the_issuer(service_with):
    service = service_with(token_issuer="emulator")
    token = service.token(ask(2))["access_token"]
    assert claims_of(token)["iss"] == f"{BASE}/{TENANT}/"
    assert service.openid_configuration(TENANT, BASE, 1)["issuer"] == f"{BASE}/{TENANT}/"
    assert service.bearer(f"Bearer {token}").client_id == CLIENT


@pytest.mark.evidence("inferred")
def test_every_code_has_a_text_and_the_status_of_its_kind():
    assert len(TABLE) >= 40
    for row in TABLE.values():
        assert row.text.endswith("."), row
        assert row.evidence in {"recorded", "documented", "inferred"}
        assert row.status == 401 if row.error == "invalid_client" else row.status != 401


@pytest.mark.evidence("inferred")
def test_secrets_are_in_no_refusal_and_in_no_printed_value(service):
    guess = "s3cret-guess"
    authorization = basic(CLIENT, guess)
    for request in (
        ask(2, client_secret=guess),
        ask(2, client_secret="", authorization=authorization),
        ask(2, client_secret=guess, scope="nonsense"),
        ask(2, client_secret=guess, password=guess, grant_type="barter"),
    ):
        with pytest.raises(IdentityError) as caught:
            service.token(request)
        told = f"{caught.value} {caught.value.reason} {request!r}"
        assert guess not in told
        assert SECRET not in told
        assert authorization not in told
    assert SECRET not in repr(service.directory)
    assert "user-password" not in repr(service.directory)


@pytest.mark.evidence("inferred")
def test_a_replaced_directory_counts_from_the_next_request_on(service):
    service.directory = replace(service.directory, applications=())
    assert code_of(service, ask(2)) == 700016
