"""Uploads that are broken, cut off or at odds with one another: a blob is whole or it is not."""

from __future__ import annotations

import base64
import hashlib
import http.client
import socket
import threading
from urllib.parse import urlsplit

import pytest

from bad_input.support import assert_blob_refusal, blob, looked_at, peak_memory, send_raw

pytestmark = pytest.mark.evidence("documented")

MIB = 1 << 20
PUT = {"x-ms-blob-type": "BlockBlob"}


def md5(content):
    return base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()


def target(url):
    address = urlsplit(url)
    return f"{address.path}?{address.query}"


@pytest.mark.evidence("recorded")
@pytest.mark.parametrize(
    ("headers", "status", "code", "message", "details"),
    [
        pytest.param(
            {},
            400,
            "MissingRequiredHeader",
            "An HTTP header that's mandatory for this request is not specified.",
            {"HeaderName": "x-ms-blob-type"},
            id="no blob type",
        ),
        pytest.param(
            {"x-ms-blob-type": "NoBlob"},
            400,
            "InvalidHeaderValue",
            "The value for one of the HTTP headers is not in the correct format.",
            {"HeaderName": "x-ms-blob-type", "HeaderValue": "NoBlob"},
            id="a blob type that is none",
        ),
        pytest.param(
            PUT | {"x-ms-version": "latest"},
            400,
            "InvalidHeaderValue",
            "The value for one of the HTTP headers is not in the correct format.",
            {"HeaderName": "x-ms-version", "HeaderValue": "latest"},
            id="a version that is no date",
        ),
        pytest.param(
            PUT | {"Content-MD5": md5(b"other")},
            400,
            "Md5Mismatch",
            "The MD5 value specified in the request did not match with the MD5 value calculated"
            " by the server.",
            None,
            id="the MD5 of something else",
        ),
        pytest.param(
            PUT | {"x-ms-blob-content-md5": md5(b"other")},
            400,
            "Md5Mismatch",
            "The MD5 value specified in the request did not match with the MD5 value calculated"
            " by the server.",
            None,
            id="the MD5 of another blob",
        ),
        pytest.param(
            PUT | {"Content-MD5": "no base64"},
            400,
            "InvalidMd5",
            "The MD5 value specified in the request is invalid. The MD5 value must be 128 bits"
            " and Base64-encoded.",
            None,
            id="an MD5 that is no base64",
        ),
        pytest.param(
            PUT | {"Content-MD5": "QUJD"},
            400,
            "InvalidMd5",
            "The MD5 value specified in the request is invalid. The MD5 value must be 128 bits"
            " and Base64-encoded.",
            None,
            id="an MD5 that is too short",
        ),
        pytest.param(
            PUT | {"If-None-Match": "*"},
            409,
            "BlobAlreadyExists",
            "The specified blob already exists.",
            {},
            id="a wish to be the first",
        ),
        pytest.param(
            PUT | {"If-Match": '"0x0"'},
            412,
            "ConditionNotMet",
            "The condition specified using HTTP conditional header(s) is not met.",
            {},
            id="a tag that is another's",
        ),
    ],
)
def test_an_upload_with(place, headers, status, code, message, details):
    url = place.upload(b"old")
    with place.changing():
        answer = blob("PUT", url, headers, b"new")
        if details is None:
            assert (answer.status, answer.headers["x-ms-error-code"]) == (status, code)
            assert message in answer.text
        else:
            assert_blob_refusal(answer, status, code, message, **details)
    assert blob("GET", url).body == b"old"


@pytest.mark.parametrize("ending", ["", "&comp=block&blockid=AAAA", "&comp=blocklist"])
def test_a_body_without_a_length_is_refused_with_411(place, ending):
    """Chunked, as a generator is sent by most libraries."""
    url = place.upload(b"old")
    host = urlsplit(url).netloc
    head = (
        f"PUT {target(url)}{ending} HTTP/1.1\r\nHost: {host}\r\nx-ms-blob-type: BlockBlob\r\n"
        "Transfer-Encoding: chunked\r\n\r\n3\r\nnew\r\n0\r\n\r\n"
    )
    with place.changing():
        assert_blob_refusal(
            send_raw(place.base, head.encode(), method="PUT"),
            411,
            "MissingContentLengthHeader",
            "The content length header was not specified.",
        )
        without = head.partition("Transfer-Encoding")[0] + "\r\n"
        assert send_raw(place.base, without.encode(), method="PUT").status == 411


def test_a_body_beyond_the_largest_blob_is_refused_before_it_is_sent(place):
    url = place.upload(b"old")
    most = 5000 * MIB
    host = urlsplit(url).netloc
    head = (
        f"PUT {target(url)} HTTP/1.1\r\nHost: {host}\r\nx-ms-blob-type: BlockBlob\r\n"
        f"Expect: 100-continue\r\nContent-Length: {most + 1}\r\n\r\n"
    )
    with place.changing():
        assert_blob_refusal(
            send_raw(place.base, head.encode(), method="PUT"),
            413,
            "RequestBodyTooLarge",
            "The request body is too large and exceeds the maximum permissible limit.",
            MaxLimit=str(most),
        )


@pytest.mark.parametrize("how", ["closed", "reset"])
@pytest.mark.parametrize("ending", ["", "&comp=block&blockid=AAAA"], ids=["blob", "block"])
@pytest.mark.parametrize("sent", [0, 1, 3 * MIB], ids=["no octet", "one octet", "3 MiB"])
def test_an_upload_cut_off_leaves_the_old_blob_whole(place, how, ending, sent):
    url = place.upload(b"old" * 1000)
    address = urlsplit(url)
    head = (
        f"PUT {target(url)}{ending} HTTP/1.1\r\nHost: {address.netloc}\r\n"
        f"x-ms-blob-type: BlockBlob\r\nContent-Length: {4 * MIB}\r\n\r\n"
    )
    before = len(place.view.journal)
    with place.changing():
        with socket.create_connection((address.hostname, address.port)) as connection:
            connection.sendall(head.encode() + b"x" * sent)
            if how == "reset":
                linger_for_nothing = b"\x01\0\0\0\0\0\0\0"
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_for_nothing)
            else:
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65536):
                    pass
        wait_for(lambda: len(place.view.journal) > before)
        assert blob("GET", url).body == b"old" * 1000


def wait_for(holds):
    """Until the server has noticed that the client is gone."""
    waited = threading.Event()
    for _ in range(500):
        if holds():
            return
        waited.wait(0.01)
    raise AssertionError("the server has not noticed")


@pytest.mark.evidence("recorded")
def test_of_two_uploads_at_once_every_reader_sees_one_whole(place):
    url = place.upload(b"a" * MIB)
    seen, failed, done = set(), [], threading.Event()

    def write(letter):
        answers = [place.put(url, letter * MIB) for _ in range(8)]
        failed.extend(letter for answer in answers if answer.status != 201)

    def read():
        while not done.is_set():
            answer = blob("GET", url)
            seen.add((answer.status, len(answer.body), answer.body[:1], len(set(answer.body))))
            if answer.headers["content-md5"] != md5(answer.body):
                failed.append("a tag of other content")

    writers = [threading.Thread(target=write, args=(each,)) for each in (b"b", b"c")]
    readers = [threading.Thread(target=read) for _ in range(2)]
    for thread in (*writers, *readers):
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    for thread in readers:
        thread.join()
    assert failed == []
    assert seen <= {(200, MIB, letter, 1) for letter in (b"a", b"b", b"c")}
    content = list((place.view.parts.workspace.folder / "content").iterdir())
    assert len(content) == 1, content


def test_a_slow_upload_holds_up_nobody(place):
    """Its bytes come in two pieces; between them another client uploads the same name."""
    url = place.upload(b"old")
    address = urlsplit(url)
    head = (
        f"PUT {target(url)} HTTP/1.1\r\nHost: {address.netloc}\r\n"
        "x-ms-blob-type: BlockBlob\r\nContent-Length: 8\r\n\r\nslow"
    )
    with socket.create_connection((address.hostname, address.port)) as connection:
        connection.sendall(head.encode())
        assert place.put(url, b"quick").status == 201
        assert blob("GET", url).body == b"quick"
        connection.sendall(b"slow")
        response = http.client.HTTPResponse(connection)
        response.begin()
        assert looked_at(response).status == 201
    assert blob("GET", url).body == b"slowslow"


@pytest.mark.parametrize(
    ("ending", "body", "code"),
    [
        pytest.param("&comp=blocklist", b"", "InvalidXmlDocument", id="nothing"),
        pytest.param("&comp=blocklist", b"<BlockList>", "InvalidXmlDocument", id="half an XML"),
        pytest.param("&comp=blocklist", b"AAAA", "InvalidXmlDocument", id="a text"),
        pytest.param(
            "&comp=blocklist",
            b'<!DOCTYPE x [<!ENTITY a "AAAA">]><BlockList><Latest>&a;</Latest></BlockList>',
            "InvalidXmlDocument",
            id="a document type",
        ),
        pytest.param("&comp=blocklist", b"<Blocks/>", "InvalidXmlDocument", id="another root"),
        pytest.param(
            "&comp=blocklist",
            b"<BlockList><Latest>AAAA</Latest></BlockList>",
            "InvalidBlockList",
            id="a block that nobody staged",
        ),
        pytest.param(
            "&comp=blocklist",
            b"<BlockList>" + b"<Latest>AAAA</Latest>" * 50_001 + b"</BlockList>",
            "BlockListTooLong",
            id="50,001 blocks",
        ),
        pytest.param("&comp=block", b"x", "MissingRequiredQueryParameter", id="a block, no id"),
        pytest.param(
            "&comp=block&blockid=a%20b", b"x", "InvalidQueryParameterValue", id="no base64"
        ),
        pytest.param(
            "&comp=block&blockid=" + "QUFB" * 40, b"x", "InvalidQueryParameterValue", id="a long id"
        ),
    ],
)
def test_blocks_with(place, ending, body, code):
    url = place.upload(b"old")
    with place.changing():
        answer = blob("PUT", url + ending, {}, body)
        assert (answer.status, answer.headers["x-ms-error-code"]) == (400, code), answer.text
    assert blob("GET", url).body == b"old"


@pytest.mark.parametrize(
    ("range_", "status", "content"),
    [
        pytest.param("bytes=5-", 416, None, id="beyond the end"),
        pytest.param("bytes=-0", 200, b"whole", id="the last none"),
        pytest.param("bytes=2-1", 200, b"whole", id="backwards"),
        pytest.param("bytes=x-y", 200, b"whole", id="letters"),
        pytest.param("bytes=0-1,3-4", 200, b"whole", id="two ranges"),
        pytest.param("lines=0-1", 200, b"whole", id="another unit"),
        pytest.param(f"bytes=0-{'9' * 4000}", 200, b"whole", id="an end of 4000 digits"),
        pytest.param(f"bytes={'9' * 5000}-", 200, b"whole", id="a beginning of 5000 digits"),
    ],
)
def test_a_range(place, range_, status, content):
    url = place.upload(b"whole")
    with place.changing():
        answer = blob("GET", url, {"x-ms-range": range_})
        assert answer.status == status
        if content is None:
            assert answer.headers["content-range"] == "bytes */5"
            assert answer.headers["x-ms-error-code"] == "InvalidRange"
        else:
            assert answer.body == content


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("If-Modified-Since", "yesterday", id="no date"),
        pytest.param("If-Modified-Since", "Thu, 99 Foo 2026 99:99:99 GMT", id="an impossible date"),
        pytest.param("If-Unmodified-Since", "-" * 5000, id="a long no date"),
    ],
)
def test_a_condition_with(place, name, value):
    url = place.upload(b"whole")
    with place.changing():
        assert_blob_refusal(
            blob("GET", url, {name: value}),
            400,
            "InvalidHeaderValue",
            "The value for one of the HTTP headers is not in the correct format.",
            HeaderName=name.lower(),
            HeaderValue=value,
        )


@pytest.mark.parametrize("method", ["POST", "PATCH", "OPTIONS", "TRACE"])
def test_another_method(place, method):
    url = place.upload(b"whole")
    with place.changing():
        answer = blob(method, url)
        assert answer.status in {400, 403, 405, 501}, answer.text
        assert answer.headers["content-type"] == "application/xml"


@pytest.mark.parametrize(
    "path",
    [
        "/devstoreaccount1",
        "/devstoreaccount1/",
        "/devstoreaccount1/dmf",
        "/devstoreaccount1/dmf/",
        "/devstoreaccount1/%FF/x",
        "/devstoreaccount1/dmf/%FF",
        "/devstoreaccount1/no-container/x",
        "/devstoreaccount1//x",
        "/devstoreaccount1/../data",
        "/devstoreaccount1/dmf/x?comp=nonsense",
        "/devstoreaccount1?comp=list",
        "/devstoreaccount1/dmf?restype=container&comp=list",
        "/devstoreaccount1/dmf/x?sig=&sig=",
        "/devstoreaccount1/dmf/x?%FF=%FF",
    ],
)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_a_path_without_access(place, method, path):
    """Always the storage service's XML and a code; never a listing, never an accident."""
    with place.changing():
        answer = blob(method, place.base + path, PUT, None if method == "GET" else b"x")
        assert 400 <= answer.status < 502
        assert answer.headers["content-type"] == "application/xml"
        assert f"<Code>{answer.headers['x-ms-error-code']}</Code>" in answer.text


def test_64_mb_pass_through_in_pieces(place):
    url = place.write_url("large.bin")
    content = memoryview(bytes(64 * MIB))
    with peak_memory() as at_most:
        connection = http.client.HTTPConnection(urlsplit(url).netloc)
        connection.request("PUT", target(url), content, PUT)
        assert looked_at(connection.getresponse()).status == 201
        connection.close()
        at_most(24 * MIB)
