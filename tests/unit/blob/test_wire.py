from __future__ import annotations

import base64
import hashlib
import io
import threading
from pathlib import Path

import pytest

from blob_tools import ACCOUNT, BASE, PUT, b64
from d365fo_emulator.blob.operations import OPERATIONS

REQUEST_ID = "fc3ea0bb-801a-00da-4cc9-21dfba000000"


def md5(data):
    return base64.b64encode(hashlib.md5(data).digest()).decode()


@pytest.mark.evidence("recorded")
def test_a_blob_comes_back_as_it_was_put(wire, place):
    url = place.url()
    put = wire.put(url, b"content", x_ms_meta_Origin="test", Content_Type="application/zip")
    assert put.status_code == 201
    assert put.headers["ETag"].startswith('"0x8D')
    assert put.headers["Last-Modified"] == "Thu, 01 Jan 2026 12:00:00 GMT"
    assert put.headers["Content-MD5"] == md5(b"content")
    assert put.headers["x-ms-request-server-encrypted"] == "true"
    assert "Content-Type" not in put.headers
    got = wire.get(url, x_ms_version="2021-01-01", x_ms_client_request_id="mine")
    assert (got.status_code, got.data) == (200, b"content")
    expected = {
        "Content-Length": "7",
        "Content-Type": "application/zip",
        "Content-MD5": md5(b"content"),
        "ETag": put.headers["ETag"],
        "Accept-Ranges": "bytes",
        "x-ms-blob-type": "BlockBlob",
        "x-ms-meta-origin": "test",
        "x-ms-request-id": REQUEST_ID,
        "x-ms-version": "2021-01-01",
        "x-ms-client-request-id": "mine",
        "Server": "Windows-Azure-Blob/1.0 Microsoft-HTTPAPI/2.0",
        "Date": "Thu, 01 Jan 2026 12:00:00 GMT",
    }
    assert {name: got.headers[name] for name in expected} == expected
    head = wire.get(url, "HEAD")
    assert (head.status_code, head.data) == (200, b"")
    assert head.headers["Content-Length"] == "7"
    assert head.headers["x-ms-access-tier"] == "Hot"


@pytest.mark.evidence("recorded")
@pytest.mark.parametrize(
    "name",
    [
        "a",
        "folder/a.zip",
        "with space",
        "a+b",
        "100%",
        "a%2Fb",
        "#1?x=y",
        "ä/€",
        "/lead",
        "a//b",
        "./a",
        "a/../b",
        "trailing/",
        "a&b=c",
    ],
)
def test_names_are_decoded_once_and_never_normalised(wire, place, name):
    url = place.url(name)
    assert wire.put(url, b"x").status_code == 201
    assert place.service.properties("dmf", name).name == name
    assert wire.get(url).data == b"x"


@pytest.mark.evidence("recorded")
def test_the_host_may_name_the_account(wire, place):
    url = place.url("a/b").replace(f"{BASE}/{ACCOUNT}", f"http://{ACCOUNT}.blob.localhost:10000")
    assert wire.put(url, b"x").status_code == 201
    assert wire.get(place.url("a/b")).data == b"x"


@pytest.mark.evidence("inferred")
def test_the_signature_decides_between_equal_names_of_two_workspaces(wire, place, other):
    ours, theirs = place.url("same"), other.url("same")
    assert ours.partition("?")[0] == theirs.partition("?")[0]
    wire.put(ours, b"ours")
    wire.put(theirs, b"theirs")
    assert (wire.get(ours).data, wire.get(theirs).data) == (b"ours", b"theirs")
    wire.index._known.clear()  # as after a restart: found by trying the keys
    assert wire.get(theirs).data == b"theirs"


@pytest.mark.evidence("recorded")
def test_an_error_has_the_services_body(wire, place):
    answer = wire.get(place.url("missing"))
    assert answer.status == "404 The specified blob does not exist."
    assert answer.headers["x-ms-error-code"] == "BlobNotFound"
    assert answer.content_type == "application/xml"
    assert answer.text == (
        '<?xml version="1.0" encoding="utf-8"?><Error><Code>BlobNotFound</Code>'
        "<Message>The specified blob does not exist.\n"
        f"RequestId:{REQUEST_ID}\nTime:2026-01-01T12:00:00.0000000Z</Message></Error>"
    )
    head = wire.get(place.url("missing"), "HEAD")
    assert (head.data, head.headers["x-ms-error-code"]) == (b"", "BlobNotFound")


class Untouchable(io.RawIOBase):
    def readinto(self, _):
        raise AssertionError("the body was read")


@pytest.mark.evidence("recorded")
@pytest.mark.parametrize(
    ("change", "status", "code", "detail"),
    [
        (
            lambda u: u.replace("sp=rw", "sp=rwd"),
            403,
            "AuthenticationFailed",
            "<AuthenticationErrorDetail>Signature did not match. String to sign used was rwd\n",
        ),
        (
            lambda u: u.replace("/a?", "/b?"),
            403,
            "AuthenticationFailed",
            "<AuthenticationErrorDetail>Signature did not match. String to sign used was rw\n",
        ),
        (
            lambda u: u + "&sig=x",
            403,
            "AuthenticationFailed",
            "<AuthenticationErrorDetail>Signature fields not well formed.<",
        ),
        (
            lambda u: u.replace("&sp=rw", ""),
            403,
            "AuthenticationFailed",
            "<AuthenticationErrorDetail>Signature fields not well formed.<",
        ),
        (lambda u: u.partition("?")[0], 409, "PublicAccessNotPermitted", ""),
        (lambda u: u.replace(ACCOUNT, "other", 1), 404, "ResourceNotFound", ""),
    ],
)
def test_a_refused_upload_is_not_read(wire, place, change, status, code, detail):
    answer = wire.send(
        "PUT",
        change(place.url("a")),
        headers=PUT,
        environ_overrides={"wsgi.input": Untouchable(), "CONTENT_LENGTH": "5"},
    )
    assert (answer.status_code, answer.headers["x-ms-error-code"]) == (status, code)
    assert detail in answer.text
    assert place.files() == []


@pytest.mark.evidence("recorded")
@pytest.mark.parametrize(
    ("permissions", "method"), [("r", "PUT"), ("w", "GET"), ("w", "HEAD"), ("rw", "DELETE")]
)
def test_permissions_bind(wire, place, permissions, method):
    answer = wire.send(method, place.url("a", permissions), headers=PUT, data=b"")
    assert answer.headers["x-ms-error-code"] == "AuthorizationPermissionMismatch"
    assert answer.status_code == 403


@pytest.mark.evidence("documented")
def test_the_right_to_create_does_not_replace(wire, place):
    url = place.url("a", "c")
    assert wire.put(url, b"1").status_code == 201
    assert wire.put(url, b"2").headers["x-ms-error-code"] == "UnauthorizedBlobOverwrite"
    assert place.read("a") == b"1"


@pytest.mark.evidence("inferred")
def test_operations_without_a_handler_are_named(wire, place):
    for operation, query in [("LeaseBlob", "comp=lease"), ("SetBlobMetadata", "comp=metadata")]:
        answer = wire.send("PUT", f"{place.url('a')}&{query}")
        assert answer.status_code == 501
        assert f"{operation} is not emulated" in answer.text
    key = wire.send("PUT", place.url("a"), headers={"Authorization": "SharedKey a:b"})
    assert (key.status_code, "SharedKey" in key.text) == (501, True)
    assert len(
        {(row.method, row.place, row.comp, row.restype, row.headers) for row in OPERATIONS}
    ) == len(OPERATIONS)


@pytest.mark.evidence("client")
def test_the_probe_for_a_hierarchical_namespace_is_answered_400(wire, place):
    import datetime as dt

    from azure.storage.blob import ContainerSasPermissions, generate_container_sas

    sas = generate_container_sas(
        ACCOUNT,
        "dmf",
        account_key=place.workspace.storage_key,
        permission=ContainerSasPermissions(list=True),
        expiry=place.workspace.clock.now + dt.timedelta(hours=1),
    )
    answer = wire.send("HEAD", f"{BASE}/{ACCOUNT}/dmf/?action=getAccessControl&{sas}")
    assert answer.status_code == 400
    assert (
        wire.send("GET", f"{BASE}/{ACCOUNT}/dmf?restype=container&comp=list&{sas}").status_code
        == 501
    )


@pytest.mark.evidence("inferred")
def test_a_bearer_token_beside_a_sas_is_ignored_and_noted(wire, place):
    answer = wire.put(place.url(), b"x", Authorization="Bearer abc")
    assert answer.status_code == 201
    assert any("Bearer" in note for note in wire.last.notes)


@pytest.mark.evidence("documented")
@pytest.mark.parametrize(
    ("headers", "code", "status"),
    [
        ({}, "MissingRequiredHeader", 400),
        ({"x-ms-blob-type": "Blob"}, "InvalidHeaderValue", 400),
        ({**PUT, "x-ms-version": "new"}, "InvalidHeaderValue", 400),
        ({**PUT, "Content-MD5": "abc"}, "InvalidMd5", 400),
        ({**PUT, "Content-MD5": md5(b"other")}, "Md5Mismatch", 400),
        ({**PUT, "x-ms-blob-content-md5": md5(b"other")}, "Md5Mismatch", 400),
        (
            {**PUT, "Content-MD5": "a", "x-ms-content-crc64": "b"},
            "BothCrc64AndMd5HeaderPresent",
            400,
        ),
        ({**PUT, "If-Modified-Since": "yesterday"}, "InvalidHeaderValue", 400),
        ({**PUT, "x-ms-blob-type": "PageBlob"}, "NotImplemented", 501),
        ({**PUT, "Transfer-Encoding": "chunked"}, "MissingContentLengthHeader", 411),
    ],
)
def test_bad_uploads_leave_the_old_blob_and_no_file(wire, place, headers, code, status):
    wire.put(place.url(), b"old")
    files = place.files()
    answer = wire.send("PUT", place.url(), data=b"content", headers=headers)
    assert (answer.headers["x-ms-error-code"], answer.status_code) == (code, status)
    assert place.read() == b"old"
    assert place.files() == files


@pytest.mark.evidence("documented")
def test_an_upload_beyond_the_limit_is_refused_by_its_length(wire, place):
    answer = wire.send(
        "PUT",
        place.url(),
        headers=PUT,
        environ_overrides={
            "wsgi.input": Untouchable(),
            "CONTENT_LENGTH": str(5000 * 1024 * 1024 + 1),
        },
    )
    assert answer.status_code == 413
    assert "<MaxLimit>5242880000</MaxLimit>" in answer.text


@pytest.mark.evidence("recorded")
def test_an_upload_that_is_cut_leaves_the_old_blob_and_no_file(wire, place):
    wire.put(place.url(), b"old")
    files = place.files()
    answer = wire.send(
        "PUT",
        place.url(),
        headers=PUT,
        environ_overrides={"wsgi.input": io.BytesIO(b"half"), "CONTENT_LENGTH": "1000"},
    )
    assert answer.status_code == 400
    assert place.read() == b"old"
    assert place.files() == files


class Slow(io.RawIOBase):
    """A body that waits for the other upload to have begun."""

    def __init__(self, data, barrier):
        self._source, self._barrier = io.BytesIO(data), barrier

    def read(self, size=-1):
        if self._source.tell() == 0:
            self._barrier.wait(10)
        return self._source.read(size)


@pytest.mark.evidence("documented")
def test_two_uploads_of_one_name_at_once_leave_one_of_them_whole(wire, place):
    url, barrier, answers = place.url(), threading.Barrier(2), []
    bodies = [bytes([byte]) * 600_000 for byte in b"ab"]

    def upload(body):
        answers.append(
            wire.send(
                "PUT",
                url,
                headers=PUT,
                environ_overrides={
                    "wsgi.input": Slow(body, barrier),
                    "CONTENT_LENGTH": str(len(body)),
                },
            )
        )

    threads = [threading.Thread(target=upload, args=(body,)) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert [answer.status_code for answer in answers] == [201, 201]
    assert place.read() in bodies
    assert len(place.files()) == 1


@pytest.mark.evidence("documented")
def test_of_two_uploads_that_must_create_one_wins(wire, place):
    url, barrier, answers = place.url(), threading.Barrier(2), []

    def upload():
        answers.append(
            wire.send(
                "PUT",
                url,
                headers={**PUT, "If-None-Match": "*"},
                environ_overrides={"wsgi.input": Slow(b"x", barrier), "CONTENT_LENGTH": "1"},
            ).status_code
        )

    threads = [threading.Thread(target=upload) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(answers) == [201, 409]
    assert len(place.files()) == 1


@pytest.mark.evidence("recorded")
@pytest.mark.parametrize(
    ("headers", "status", "content", "content_range"),
    [
        ({"Range": "bytes=2-4"}, 206, b"234", "bytes 2-4/10"),
        ({"Range": "bytes=7-"}, 206, b"789", "bytes 7-9/10"),
        ({"Range": "bytes=0-99"}, 206, b"0123456789", "bytes 0-9/10"),
        ({"x-ms-range": "bytes=1-1", "Range": "bytes=5-6"}, 206, b"1", "bytes 1-1/10"),
        ({"Range": "bytes=-3"}, 200, b"0123456789", None),
        ({"Range": "lines=1-2"}, 200, b"0123456789", None),
        ({"Range": "bytes=4-2"}, 200, b"0123456789", None),
    ],
)
def test_ranges(wire, place, headers, status, content, content_range):
    wire.put(place.url(), b"0123456789")
    answer = wire.send("GET", place.url(), headers=headers)
    assert (answer.status_code, answer.data) == (status, content)
    assert answer.headers.get("Content-Range") == content_range
    if status == 206:
        assert answer.headers["x-ms-blob-content-md5"] == md5(b"0123456789")
        assert "Content-MD5" not in answer.headers
        assert answer.headers["Content-Length"] == str(len(content))


@pytest.mark.evidence("recorded")
def test_a_range_behind_the_end_tells_the_size(wire, place):
    wire.put(place.url(), b"")
    answer = wire.get(place.url(), x_ms_range="bytes=0-99")
    assert (answer.status_code, answer.headers["Content-Range"]) == (416, "bytes */0")
    assert answer.headers["x-ms-error-code"] == "InvalidRange"


@pytest.mark.evidence("documented")
def test_the_md5_of_a_range_is_given_on_demand(wire, place):
    wire.put(place.url(), bytes(4 * 1024 * 1024 + 1))
    asked = {"x_ms_range_get_content_md5": "true"}
    assert wire.get(place.url(), x_ms_range="bytes=1-3", **asked).headers["Content-MD5"] == md5(
        bytes(3)
    )
    assert wire.get(place.url(), x_ms_range="bytes=0-", **asked).headers["x-ms-error-code"] == (
        "OutOfRangeInput"
    )
    assert wire.get(place.url(), **asked).status_code == 400


EARLIER, SAME, LATER = (f"Thu, 01 Jan 2026 12:00:0{second} GMT" for second in (0, 5, 9))


@pytest.mark.evidence("client")
@pytest.mark.parametrize(
    ("headers", "read", "write"),
    [
        ({"If-Match": "{etag}"}, 200, 201),
        ({"If-Match": '"0x8D0", {etag}'}, 200, 201),
        ({"If-Match": "*"}, 200, 201),
        ({"If-Match": '"0x8D0"'}, 412, 412),
        ({"If-None-Match": "{etag}"}, 304, 412),
        ({"If-None-Match": '"0x8D0"'}, 200, 201),
        ({"If-None-Match": "*"}, 304, 409),
        ({"If-Modified-Since": EARLIER}, 200, 201),
        ({"If-Modified-Since": SAME}, 304, 412),
        ({"If-Unmodified-Since": EARLIER}, 412, 412),
        ({"If-Unmodified-Since": SAME}, 200, 201),
        ({"If-Unmodified-Since": LATER}, 200, 201),
        ({"If-Match": '"0x8D0"', "If-None-Match": "{etag}"}, 412, 412),
        ({"If-None-Match": '"0x8D0"', "If-Modified-Since": SAME}, 200, 412),
    ],
)
def test_conditions(wire, place, headers, read, write):
    import datetime as dt

    place.workspace.clock.advance(dt.timedelta(seconds=5.5))
    etag = wire.put(place.url(), b"x").headers["ETag"]
    sent = {name: value.replace("{etag}", etag) for name, value in headers.items()}
    got = wire.send("GET", place.url(), headers=sent)
    assert got.status_code == read
    if read != 200:
        assert got.headers["x-ms-error-code"] == "ConditionNotMet"
        assert (got.data == b"") == (read == 304)
    assert wire.send("PUT", place.url(), data=b"y", headers=PUT | sent).status_code == write


@pytest.mark.evidence("recorded")
def test_if_match_refuses_to_create(wire, place):
    assert wire.put(place.url(), b"x", If_Match="*").status_code == 412


@pytest.mark.evidence("documented")
def test_every_write_has_an_etag_of_its_own_though_time_stands_still(wire, place):
    assert len({wire.put(place.url(), b"x").headers["ETag"] for _ in range(5)}) == 5


@pytest.mark.evidence("recorded")
def test_delete_removes_blob_and_bytes(wire, place):
    url = place.url(permissions="rwd")
    wire.put(url, b"x")
    assert wire.send("DELETE", url).status_code == 202
    assert wire.get(url).status_code == 404
    assert wire.send("DELETE", url).status_code == 404
    assert place.files() == []


@pytest.mark.evidence("recorded")
def test_a_download_survives_the_blobs_replacement(wire, place):
    wire.put(place.url(), b"old" * 200_000)
    _, file = place.service.open("dmf", "orders.zip")
    with file:
        wire.put(place.url(), b"new")
        assert file.read() == b"old" * 200_000
    assert len(place.files()) == 1


@pytest.mark.evidence("documented")
def test_an_unknown_method_and_an_unknown_comp_are_refused(wire, place):
    assert wire.send("POST", place.url()).headers["x-ms-error-code"] == "UnsupportedHttpVerb"
    answer = wire.send("GET", place.url() + "&comp=nonsense")
    assert "<QueryParameterName>comp</QueryParameterName>" in answer.text


@pytest.mark.evidence("inferred")
def test_an_unexpected_error_goes_on_to_the_gateway_which_answers_in_the_dialect(
    wire, place, monkeypatch
):
    monkeypatch.setattr(place.service, "open", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        wire.get(place.url())
    answer = wire.surface.error(wire.last, 500, "division by zero")
    assert (answer.status_code, answer.headers["x-ms-error-code"]) == (500, "InternalError")
    assert answer.headers["x-ms-request-id"] == REQUEST_ID
    assert wire.last.reason == "division by zero"


@pytest.mark.evidence("inferred")
def test_rules_are_told_the_operation_before_the_handler_runs(wire, place):
    wire.put(place.url("a/b"), b"")
    environ = {
        "REQUEST_METHOD": "PUT",
        "RAW_URI": f"/{ACCOUNT}/dmf/a%20b?comp=block",
        "QUERY_STRING": "comp=block",
        "HTTP_HOST": "localhost",
    }
    assert wire.surface.describe(environ) == {
        "method": "PUT",
        "container": "dmf",
        "blob": "a b",
        "operation": "PutBlock",
    }
    assert wire.surface.journals_bodies is False
    assert b64(b"\xff\xff") == "//8%3D"


@pytest.mark.evidence("inferred")
@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="no list of open files here")
def test_no_way_out_leaves_a_file_open(wire, place):
    wire.put(place.url(), b"0123456789")

    def open_files():
        links = [fd.readlink() for fd in Path("/proc/self/fd").iterdir() if fd.exists()]
        return [link for link in links if str(link).startswith(str(place.folder))]

    with place.folder.joinpath(place.files()[0]).open("rb"):
        assert len(open_files()) == 1  # the list does show what is open
    unread = {"wsgi.input": io.BytesIO(b"half"), "CONTENT_LENGTH": "1000"}
    for method, headers, overrides in [
        ("GET", {}, {}),
        ("GET", {"Range": "bytes=2-4"}, {}),
        ("GET", {"Range": "bytes=99-"}, {}),
        ("GET", {"x-ms-range-get-content-md5": "true"}, {}),
        ("GET", {"If-Match": '"0x8D0"'}, {}),
        ("GET", {"If-Modified-Since": "never"}, {}),
        ("HEAD", {}, {}),
        ("PUT", PUT, unread),
        ("PUT", {**PUT, "Content-MD5": md5(b"other")}, {}),
    ]:
        wire.send(method, place.url(), headers=headers, environ_overrides=overrides).close()
        assert open_files() == [], (method, headers)
    assert len(place.files()) == 1
