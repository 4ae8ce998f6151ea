from __future__ import annotations

import datetime as dt
from urllib.parse import parse_qsl, quote, urlencode

import pytest

from blob_tools import BASE, NOW
from d365fo_emulator.blob import sas
from d365fo_emulator.blob.address import BlobAddress
from d365fo_emulator.blob.errors import BlobError, ForeignUrl
from d365fo_emulator.kernel.errors import NotEmulated

KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
BLOB = BlobAddress("devstoreaccount1", "dmf", "my orders+ä.zip")
HERE = sas.Circumstances(NOW, secure=False, remote_address="127.0.0.1")
WINDOW = {"st": "2026-01-01T11:55:00Z", "se": "2026-01-01T12:30:00Z"}


def signed(version, text_of, **fields):
    """A SAS whose string to sign the test has written itself."""
    fields = {"sv": version, "sr": "b", "sp": "rw", **WINDOW, **fields}
    return [*fields.items(), ("sig", sas.sign(text_of(fields), KEY))]


def text_2013(f):
    return "\n".join(
        [f["sp"], f["st"], f["se"], "/devstoreaccount1/dmf/my orders+ä.zip", "", f["sv"], *[""] * 5]
    )


def text_2015_02(f):
    return text_2013(f).replace("/devstore", "/blob/devstore")


def text_2015_04(f):
    return "\n".join(
        [
            f["sp"],
            f["st"],
            f["se"],
            "/blob/devstoreaccount1/dmf/my orders+ä.zip",
            "",
            f.get("sip", ""),
            f.get("spr", ""),
            f["sv"],
            *[""] * 5,
        ]
    )


def text_2018(f):
    return "\n".join(
        [
            f["sp"],
            f["st"],
            f["se"],
            "/blob/devstoreaccount1/dmf/my orders+ä.zip",
            "",
            f.get("sip", ""),
            f.get("spr", ""),
            f["sv"],
            f["sr"],
            "",
            *[""] * 5,
        ]
    )


def text_2020(f):
    return "\n".join(
        [
            f["sp"],
            f["st"],
            f["se"],
            "/blob/devstoreaccount1/dmf/my orders+ä.zip",
            "",
            f.get("sip", ""),
            f.get("spr", ""),
            f["sv"],
            f["sr"],
            "",
            "",
            *[""] * 5,
        ]
    )


@pytest.mark.evidence("documented")
@pytest.mark.parametrize(
    ("version", "text_of"),
    [
        ("2013-08-15", text_2013),
        ("2014-02-14", text_2013),
        ("2015-02-21", text_2015_02),
        ("2015-04-05", text_2015_04),
        ("2017-11-09", text_2015_04),
        ("2018-11-09", text_2018),
        ("2020-02-10", text_2018),
        ("2020-12-06", text_2020),
        ("2026-10-06", text_2020),
    ],
)
def test_each_version_signs_its_own_string(version, text_of):
    grant = sas.verify(signed(version, text_of), BLOB, KEY, HERE)
    assert (grant.permissions, grant.version) == ("rw", version)


@pytest.mark.evidence("client")
def test_a_sas_of_the_python_client_is_taken_with_its_response_headers():
    from azure.storage.blob import BlobSasPermissions, generate_blob_sas

    query = generate_blob_sas(
        "devstoreaccount1",
        "dmf",
        BLOB.name,
        account_key=KEY,
        permission=BlobSasPermissions(read=True),
        start=NOW,
        expiry=NOW + dt.timedelta(hours=1),
        protocol="https,http",
        content_disposition="attachment; filename=x.zip",
    )
    grant = sas.verify(sas.read_query(query), BLOB, KEY, HERE)
    assert grant.permissions == "r"
    assert grant.overrides == {"Content-Disposition": "attachment; filename=x.zip"}


@pytest.mark.evidence("client")
def test_a_container_sas_of_the_python_client_opens_every_blob_of_it_and_no_other_container():
    from azure.storage.blob import ContainerSasPermissions, generate_container_sas

    query = generate_container_sas(
        "devstoreaccount1",
        "dmf",
        account_key=KEY,
        permission=ContainerSasPermissions(read=True, list=True),
        expiry=NOW + dt.timedelta(hours=1),
    )
    parameters = sas.read_query(query)
    for name in ("", "a", "b/c"):
        assert sas.verify(parameters, BlobAddress(BLOB.account, "dmf", name), KEY, HERE)
    with pytest.raises(BlobError, match="AuthenticationFailed"):
        sas.verify(parameters, BlobAddress(BLOB.account, "other", "a"), KEY, HERE)


@pytest.mark.evidence("recorded")
def test_minted_urls_have_the_recorded_form():
    query = sas.mint(BLOB, KEY, "rw", NOW - dt.timedelta(minutes=5), NOW + dt.timedelta(minutes=30))
    fields = dict(parse_qsl(query))
    assert [name for name, _ in parse_qsl(query)] == ["sv", "sr", "sig", "st", "se", "sp"]
    expected = {"sv": "2014-02-14", "sr": "b", **WINDOW, "sp": "rw"}
    sig = quote(sas.sign(text_2013(expected), KEY), safe="")
    assert query == (
        f"sv=2014-02-14&sr=b&sig={sig}&st=2026-01-01T11%3A55%3A00Z"
        "&se=2026-01-01T12%3A30%3A00Z&sp=rw"
    )
    assert sas.verify(list(fields.items()), BLOB, KEY, HERE).permissions == "rw"


def refusal(parameters, address=BLOB, circumstances=HERE):
    with pytest.raises(BlobError) as caught:
        sas.verify(parameters, address, KEY, circumstances)
    return caught.value


@pytest.mark.evidence("recorded")
@pytest.mark.parametrize("field", ["sp", "se", "st", "sv"])
def test_a_changed_field_breaks_the_signature_and_the_answer_tells_the_string(field):
    changed = {
        "sp": "rwd",
        "se": "2030-01-01T00:00:00Z",
        "st": "2020-01-01T00:00:00Z",
        "sv": "2014-02-15",
    }
    parameters = dict(signed("2014-02-14", text_2013)) | {field: changed[field]}
    error = refusal(list(parameters.items()))
    assert error.status == 403
    assert error.details == (
        (
            "AuthenticationErrorDetail",
            f"Signature did not match. String to sign used was {text_2013(parameters)}",
        ),
    )


@pytest.mark.evidence("recorded")
def test_a_sas_of_another_blob_does_not_match():
    error = refusal(signed("2014-02-14", text_2013), BlobAddress(BLOB.account, "dmf", "other"))
    assert "Signature did not match" in error.details[0][1]


@pytest.mark.evidence("recorded")
@pytest.mark.parametrize("missing", ["se", "sp", "sr", "sv"])
def test_missing_fields_are_told_as_not_well_formed(missing):
    parameters = [pair for pair in signed("2014-02-14", text_2013) if pair[0] != missing]
    error = refusal(parameters)
    assert error.details == (("AuthenticationErrorDetail", "Signature fields not well formed."),)


@pytest.mark.evidence("client")
def test_a_signature_given_twice_is_refused():
    parameters = signed("2014-02-14", text_2013)
    assert refusal([*parameters, parameters[-1]]).details[0][1] == sas.NOT_WELL_FORMED


@pytest.mark.evidence("recorded")
@pytest.mark.parametrize(
    ("now", "valid"),
    [
        ("2026-01-01T11:54:59+00:00", False),
        ("2026-01-01T11:55:00+00:00", True),
        ("2026-01-01T12:29:59+00:00", True),
        ("2026-01-01T12:30:00+00:00", False),
    ],
)
def test_the_window_runs_from_its_start_up_to_its_end(now, valid):
    instant = dt.datetime.fromisoformat(now)
    parameters = signed("2014-02-14", text_2013)
    circumstances = sas.Circumstances(instant, secure=False)
    if valid:
        assert sas.verify(parameters, BLOB, KEY, circumstances)
        return
    assert refusal(parameters, circumstances=circumstances).details[0][1] == (
        "Signature not valid in the specified time frame: Start [Thu, 01 Jan 2026 11:55:00 GMT]"
        f" - Expiry [Thu, 01 Jan 2026 12:30:00 GMT] - Current [{sas.http_date(instant)}]"
    )


@pytest.mark.evidence("documented")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-02", "2026-01-02T00:00:00+00:00"),
        ("2026-01-02T03:04Z", "2026-01-02T03:04:00+00:00"),
        ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05+00:00"),
        ("2026-01-02T03:04:05.1234567Z", "2026-01-02T03:04:05.123456+00:00"),
        ("2026-01-02T03:04:05", None),
        ("2026-13-02", None),
        ("02.01.2026", None),
        ("", None),
    ],
)
def test_dates_come_in_the_documented_forms(text, expected):
    instant = sas.parse_instant(text)
    assert (instant.isoformat() if instant else None) == expected


@pytest.mark.evidence("recorded")
def test_https_only_is_kept_and_the_address_range_too():
    parameters = signed("2015-04-05", text_2015_04, spr="https")
    assert refusal(parameters).code == "AuthorizationProtocolMismatch"
    assert sas.verify(parameters, BLOB, KEY, sas.Circumstances(NOW, secure=True))
    ranged = signed("2015-04-05", text_2015_04, sip="127.0.0.1-127.0.0.9")
    assert sas.verify(ranged, BLOB, KEY, HERE)
    foreign = sas.Circumstances(NOW, secure=False, remote_address="10.0.0.1")
    error = refusal(ranged, circumstances=foreign)
    assert error.code == "AuthorizationSourceIPMismatch"
    assert "10.0.0.1" in error.message


@pytest.mark.evidence("client")
def test_parameters_outside_the_signature_do_not_matter():
    parameters = [("timeout", "90"), *signed("2014-02-14", text_2013), ("api-version", "x")]
    assert sas.verify(parameters, BLOB, KEY, HERE)


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize("extra", [{"ss": "b"}, {"skoid": "x"}])
def test_other_kinds_of_sas_are_named_as_not_emulated(extra):
    with pytest.raises(NotEmulated, match="SAS"):
        sas.verify([*signed("2020-12-06", text_2020), *extra.items()], BLOB, KEY, HERE)


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize(
    "form",
    ["http://127.0.0.1:10000/devstoreaccount1", "http://devstoreaccount1.blob.127.0.0.1:10000"],
)
def test_a_package_url_is_followed_only_inside(place, form):
    place.service.write_package("dmf", "in/ä b+c%.zip", lambda sink: sink.write(b"zip"))
    url = place.url("in/ä b+c%.zip", "r").replace(f"{BASE}/devstoreaccount1", form)
    blob = place.service.package_from_url(url, lambda base: base == BASE)
    assert (blob.name, blob.size) == ("in/ä b+c%.zip", 3)


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest",
        "file:///etc/passwd",
        "http://127.0.0.1:10000@evil.example/devstoreaccount1/dmf/x",
        f"{BASE}/other/dmf/x",
        f"{BASE}/devstoreaccount1/dmf",
        "http://[",
        "",
        "no url",
    ],
)
def test_a_foreign_package_url_is_refused_without_a_request(place, url):
    with pytest.raises(ForeignUrl):
        place.service.package_from_url(url, lambda base: base == BASE)


@pytest.mark.evidence("inferred")
def test_a_package_url_needs_a_valid_signature_with_the_right_to_read(place, other):
    def own(base):
        return base == BASE

    for url, code in [
        (place.url("missing", "r"), "BlobNotFound"),
        (place.url("missing", "w"), "AuthorizationPermissionMismatch"),
        (other.url("missing", "r"), "AuthenticationFailed"),
        (place.url("missing", "r").partition("?")[0], "PublicAccessNotPermitted"),
    ]:
        with pytest.raises(BlobError) as caught:
            place.service.package_from_url(url, own)
        assert caught.value.code == code
    url = place.url("missing", "r")
    place.workspace.clock.advance(dt.timedelta(minutes=31))
    with pytest.raises(BlobError, match="time frame"):
        place.service.package_from_url(url, own)


@pytest.mark.evidence("client")
def test_decoded_values_are_signed_as_they_stand():
    fields = dict(signed("2014-02-14", text_2013))
    assert sas.verify(sas.read_query(urlencode(fields)), BLOB, KEY, HERE)
