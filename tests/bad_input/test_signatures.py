"""Shared access signatures that give no access: refused in the storage service's XML."""

from __future__ import annotations

import datetime as dt
from email.utils import format_datetime
from urllib.parse import parse_qsl, quote, urlsplit

import pytest

from bad_input.support import FORBIDDEN, assert_action_refusal, assert_blob_refusal, blob

pytestmark = pytest.mark.evidence("recorded")

FAILED = (
    "Server failed to authenticate the request. Make sure the value of Authorization header is"
    " formed correctly including the signature."
)
MISMATCH = "This request is not authorized to perform this operation using this permission."
NOT_WELL_FORMED = "Signature fields not well formed."


def fields(url):
    return dict(parse_qsl(urlsplit(url).query))


def with_fields(url, changed, path=None):
    """The URL with other fields; None leaves one out."""
    address = urlsplit(url)
    kept = {name: value for name, value in (fields(url) | changed).items() if value is not None}
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in kept.items())
    return f"{address.scheme}://{address.netloc}{path or address.path}?{query}"


def string_to_sign(url):
    """What the service says it signed, for the version that the product mints."""
    given = fields(url)
    path = urlsplit(url).path
    resource = "/".join(path.split("/")[:3]) if given["sr"] == "c" else path
    signed = [given.get(name, "") for name in ("sp", "st", "se")]
    return "\n".join([*signed, resource, "", given["sv"], "", "", "", "", ""])


def assert_refused_everywhere(place, url, detail):
    """Neither writing, reading, looking nor deleting is let through, nor an import from it."""
    for method, content in (("PUT", b"other"), ("GET", None), ("DELETE", None)):
        answer = blob(method, url, {"x-ms-blob-type": "BlockBlob"}, content)
        assert_blob_refusal(
            answer, 403, "AuthenticationFailed", FAILED, AuthenticationErrorDetail=detail
        )
    head = blob("HEAD", url)
    assert (head.status, head.headers["x-ms-error-code"]) == (403, "AuthenticationFailed")
    assert head.body == b""
    assert_action_refusal(place.import_from(url), "ImportFromPackage", FORBIDDEN)


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"sp": "rwdl"}, id="more permissions"),
        pytest.param({"st": "2020-01-01T00:00:00Z"}, id="an earlier start"),
        pytest.param({"se": "2099-01-01T00:00:00Z"}, id="a later end"),
        pytest.param({"sr": "c"}, id="the container for the blob"),
        pytest.param({"sv": "2014-02-13"}, id="another version of the same form"),
        pytest.param({"sig": "A" * 43 + "="}, id="another signature"),
        pytest.param({"sig": "no base64 at all"}, id="a signature that is none"),
        pytest.param({"sig": "\u00e4"}, id="a signature beyond ASCII"),
        pytest.param({"st": None}, id="no start"),
    ],
)
def test_a_changed_signature_with(place, changed):
    url = place.upload(b"whole")
    tampered = with_fields(url, changed)
    with place.changing():
        detail = f"Signature did not match. String to sign used was {string_to_sign(tampered)}"
        assert_refused_everywhere(place, tampered, detail)


@pytest.mark.parametrize(
    "version", [pytest.param(text, id=text) for text in ("2015-04-05", "2018-11-09", "2026-10-06")]
)
def test_a_signature_passed_off_as_one_of_version(place, version):
    url = place.upload(b"whole")
    with place.changing():
        answer = place.put(with_fields(url, {"sv": version}), b"other")
        assert answer.status == 403
        assert "<AuthenticationErrorDetail>Signature did not match." in answer.text


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"sv": None}, id="no version"),
        pytest.param({"sv": "today"}, id="a version that is no date"),
        pytest.param({"sr": None}, id="no resource"),
        pytest.param({"sr": "x"}, id="a resource of no kind"),
        pytest.param({"se": None}, id="no end"),
        pytest.param({"se": "tomorrow"}, id="an end that is no time"),
        pytest.param({"se": "2026-13-01T00:00:00Z"}, id="an end in a thirteenth month"),
        pytest.param({"st": "0000-00-00"}, id="a start before all time"),
        pytest.param({"sp": None}, id="no permissions"),
        pytest.param({"sp": ""}, id="empty permissions"),
    ],
)
def test_a_signature_with(place, changed):
    url = place.upload(b"whole")
    with place.changing():
        assert_refused_everywhere(place, with_fields(url, changed), NOT_WELL_FORMED)


@pytest.mark.parametrize("name", ["sig", "sp", "se", "sr", "sv"])
@pytest.mark.parametrize("second", ["the same", "another"])
def test_a_field_given_twice(place, name, second):
    url = place.upload(b"whole")
    value = fields(url)[name] if second == "the same" else "r"
    with place.changing():
        assert_refused_everywhere(place, f"{url}&{name}={quote(value, safe='')}", NOT_WELL_FORMED)


@pytest.mark.evidence("documented")
@pytest.mark.parametrize("query", ["", "sig=", "timeout=90", "sv=2014-02-14&sr=b&sp=rw"])
def test_without_any_signature_there_is_no_access(place, query):
    url = place.upload(b"whole").partition("?")[0]
    message = "Public access is not permitted on this storage account."
    with place.changing():
        for method in ("PUT", "GET", "DELETE"):
            answer = blob(method, f"{url}?{query}", {"x-ms-blob-type": "BlockBlob"}, b"other")
            assert_blob_refusal(answer, 409, "PublicAccessNotPermitted", message)
        assert_action_refusal(place.import_from(f"{url}?{query}"), "ImportFromPackage", FORBIDDEN)


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("/devstoreaccount1/dmf/other.zip", id="another blob"),
        pytest.param("/devstoreaccount1/dmf/package.zip/", id="the name and a slash"),
        pytest.param("/devstoreaccount1/dmf/PACKAGE.ZIP", id="the name in capitals"),
        pytest.param("/devstoreaccount1/dmf/./package.zip", id="the name behind a dot"),
        pytest.param("/devstoreaccount1/dmf/x/../package.zip", id="a way up to the name"),
        pytest.param("/devstoreaccount1/dmf//package.zip", id="a doubled slash"),
        pytest.param("/devstoreaccount1/other/package.zip", id="another container"),
    ],
)
def test_a_signature_taken_to(place, path):
    place.upload(b"other", "other.zip")
    url = place.upload(b"whole")
    moved = with_fields(url, {}, path)
    with place.changing():
        detail = f"Signature did not match. String to sign used was {string_to_sign(moved)}"
        assert_refused_everywhere(place, moved, detail)


def test_an_expired_signature_says_when_it_was_valid_and_what_time_it_is(place):
    url = place.upload(b"whole")
    place.view.clock.advance("31m")
    with place.changing():
        assert_refused_everywhere(place, url, frame(place, url))


def test_a_signature_whose_time_has_not_come_is_refused(place):
    from d365fo_emulator.blob import sas
    from d365fo_emulator.blob.address import BlobAddress

    workspace = place.view.parts.workspace
    address = BlobAddress("devstoreaccount1", "dmf", "package.zip")
    start = workspace.clock.now + dt.timedelta(minutes=10)
    end = start + dt.timedelta(minutes=10)
    query = sas.mint(address, workspace.storage_key, "rw", start, end)
    url = f"{place.base}/devstoreaccount1/dmf/package.zip?{query}"
    with place.changing():
        assert_refused_everywhere(place, url, frame(place, url))


def frame(place, url):
    given = fields(url)
    start, end = (dt.datetime.fromisoformat(given[name]) for name in ("st", "se"))
    shown = [format_datetime(each, usegmt=True) for each in (start, end, place.view.clock.now)]
    return (
        "Signature not valid in the specified time frame:"
        f" Start [{shown[0]}] - Expiry [{shown[1]}] - Current [{shown[2]}]"
    )


def test_a_signature_of_another_workspace_never_touches_this_one(place, other):
    mine = place.upload(b"mine")
    theirs = other.upload(b"theirs")
    assert urlsplit(mine).path == urlsplit(theirs).path
    with place.changing():
        assert blob("GET", theirs).body == b"theirs"
        assert_action_refusal(place.import_from(theirs), "ImportFromPackage", FORBIDDEN)
    with place.changing("blobs", "content"):
        assert place.put(theirs, b"theirs again").status == 201
    assert blob("GET", mine).body == b"mine"


def test_a_reading_signature_neither_writes_nor_deletes(place):
    execution = place.value(
        "ExportToPackage",
        definitionGroupId="Export customer groups",
        packageName="groups",
        executionId="",
        reExecute=False,
        legalEntityId="USMF",
    )
    assert place.finish(execution) == "Succeeded"
    url = place.value("GetExportedPackageUrl", executionId=execution)
    content = blob("GET", url).body
    assert content.startswith(b"PK")
    block = "&comp=block&blockid=AAAA"
    with place.changing():
        for method, ending in (("PUT", ""), ("PUT", block), ("DELETE", "")):
            answer = blob(method, url + ending, {"x-ms-blob-type": "BlockBlob"}, b"other")
            assert_blob_refusal(answer, 403, "AuthorizationPermissionMismatch", MISMATCH)
        assert blob("GET", url).body == content


def test_an_uploading_signature_does_not_delete(place):
    url = place.upload(b"whole")
    with place.changing():
        answer = blob("DELETE", url)
        assert_blob_refusal(answer, 403, "AuthorizationPermissionMismatch", MISMATCH)
