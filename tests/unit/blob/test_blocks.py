from __future__ import annotations

import base64
import hashlib

import pytest

from blob_tools import b64


def code_of(answer):
    return answer.headers.get("x-ms-error-code")


@pytest.mark.evidence("recorded")
def test_blocks_become_a_blob_in_the_order_of_the_list(wire, place):
    url = place.url()
    for block_id, data in ((b"1", b"one"), (b"2", b"two"), (b"3", b"three")):
        answer = wire.stage(url, block_id, data)
        assert answer.status_code == 201
        assert "ETag" not in answer.headers
    answer = wire.commit(url, ("Latest", b"3"), ("Uncommitted", b"1"), ("Latest", b"3"))
    assert answer.status_code == 201
    assert place.read() == b"threeonethree"
    assert len(place.files()) == 1


@pytest.mark.evidence("recorded")
def test_what_is_only_staged_cannot_be_seen(wire, place):
    url = place.url()
    wire.stage(url, b"1", b"one")
    assert wire.get(url).status_code == wire.get(url, "HEAD").status_code == 404


@pytest.mark.evidence("recorded")
def test_a_block_staged_again_replaces_the_first(wire, place):
    url = place.url()
    wire.stage(url, b"1", b"old")
    wire.stage(url, b"1", b"new")
    assert len(place.files()) == 1
    wire.commit(url, ("Latest", b"1"))
    assert place.read() == b"new"


@pytest.mark.evidence("documented")
def test_a_list_may_mix_committed_and_fresh_blocks(wire, place):
    url = place.url()
    for block_id in (b"1", b"2", b"3"):
        wire.stage(url, block_id, block_id * 3)
    wire.commit(url, *[("Latest", block_id) for block_id in (b"1", b"2", b"3")])
    wire.stage(url, b"2", b"new")
    wire.stage(url, b"4", b"four")
    assert (
        wire.commit(
            url, ("Committed", b"2"), ("Latest", b"2"), ("Uncommitted", b"4"), ("Latest", b"3")
        ).status_code
        == 201
    )
    assert place.read() == b"222newfour333"


@pytest.mark.evidence("recorded")
@pytest.mark.parametrize(
    "entries",
    [[("Latest", b"9")], [("Committed", b"1")], [("Latest", b"1"), ("Uncommitted", b"9")]],
)
def test_a_list_with_a_block_that_is_not_there_changes_nothing(wire, place, entries):
    url = place.url()
    wire.put(url, b"old")
    wire.stage(url, b"1", b"one")
    files = place.files()
    assert code_of(wire.commit(url, *entries)) == "InvalidBlockList"
    assert place.read() == b"old"
    assert place.files() == files


@pytest.mark.evidence("recorded")
def test_an_empty_list_makes_an_empty_blob_without_the_old_properties(wire, place):
    url = place.url()
    wire.put(url, b"old", x_ms_meta_a="1", Content_Type="text/plain")
    assert wire.commit(url, Content_Type="application/xml").status_code == 201
    blob = place.service.properties("dmf", "orders.zip")
    assert (blob.size, dict(blob.metadata)) == (0, {})
    assert blob.headers.content_type == "application/octet-stream"


@pytest.mark.evidence("documented")
def test_put_blob_discards_what_is_staged(wire, place):
    url = place.url()
    wire.stage(url, b"1", b"one")
    wire.put(url, b"whole")
    assert code_of(wire.commit(url, ("Latest", b"1"))) == "InvalidBlockList"
    assert len(place.files()) == 1


@pytest.mark.evidence("recorded")
def test_ids_must_be_base64_and_of_one_length(wire, place):
    url = place.url()
    answer = wire.send("PUT", url + "&comp=block&blockid=a*b", data=b"x")
    assert code_of(answer) == "InvalidQueryParameterValue"
    assert "<QueryParameterName>blockid</QueryParameterName>" in answer.text
    assert code_of(wire.stage(url, b"x" * 65, b"x")) == "InvalidQueryParameterValue"
    assert code_of(wire.send("PUT", url + "&comp=block")) == "MissingRequiredQueryParameter"
    assert wire.stage(url, b"12", b"x").status_code == 201
    assert code_of(wire.stage(url, b"123", b"x")) == "InvalidBlobOrBlock"
    wire.commit(url, ("Latest", b"12"))
    assert wire.stage(url, b"123", b"x").status_code == 201


@pytest.mark.evidence("client")
@pytest.mark.parametrize(
    "document",
    [
        "<?xml version='1.0'?>\n<BlockList>\n <Latest>{id}</Latest>\n</BlockList>",
        (
            '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
            "<BlockList><Latest>{id}</Latest>"
            "</BlockList>"
        ),
        "<BlockList><Uncommitted>{id}</Uncommitted></BlockList>",
    ],
)
def test_lists_come_as_the_clients_write_them(wire, place, document):
    url = place.url()
    wire.stage(url, b"\xff\xff\xff", b"x")
    body = document.format(id=b64(b"\xff\xff\xff", quoted=False)).encode()
    assert wire.send("PUT", url + "&comp=blocklist", data=body).status_code == 201


@pytest.mark.evidence("documented")
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<BlockList>",
        b"{}",
        b"<Other/>",
        b"<BlockList><Oldest>MQ==</Oldest></BlockList>",
        b"<BlockList><Latest><a/></Latest></BlockList>",
        b'<!DOCTYPE a [<!ENTITY b "MQ==">]><BlockList><Latest>&b;</Latest></BlockList>',
    ],
)
def test_a_list_that_is_none_is_refused(wire, place, body):
    answer = wire.send("PUT", place.url() + "&comp=blocklist", data=body)
    assert (answer.status_code, code_of(answer)) == (400, "InvalidXmlDocument")


@pytest.mark.evidence("documented")
def test_the_md5_of_a_block_is_checked_and_that_of_the_blob_is_kept(wire, place):
    url, right = place.url(), base64.b64encode(hashlib.md5(b"one").digest()).decode()
    wrong = base64.b64encode(bytes(16)).decode()
    assert code_of(wire.stage(url, b"1", b"one", **{"Content-MD5": wrong})) == "Md5Mismatch"
    assert place.files() == []
    answer = wire.stage(url, b"1", b"one", **{"Content-MD5": right})
    assert answer.headers["Content-MD5"] == right
    assert code_of(wire.commit(url, ("Latest", b"1"), Content_MD5=wrong)) == "Md5Mismatch"
    wire.commit(url, ("Latest", b"1"), x_ms_blob_content_md5=wrong)
    assert wire.get(url).headers["Content-MD5"] == wrong


@pytest.mark.evidence("recorded")
def test_the_block_list_can_be_read(wire, place):
    url = place.url()
    assert code_of(wire.get(url + "&comp=blocklist")) == "BlobNotFound"
    wire.stage(url, b"1", b"one")
    wire.commit(url, ("Latest", b"1"))
    wire.stage(url, b"2", b"more")
    assert wire.get(url + "&comp=blocklist&blocklisttype=all").text == (
        '<?xml version="1.0" encoding="utf-8"?><BlockList><CommittedBlocks><Block><Name>MQ=='
        "</Name><Size>3</Size></Block></CommittedBlocks><UncommittedBlocks><Block><Name>Mg=="
        "</Name><Size>4</Size></Block></UncommittedBlocks></BlockList>"
    )
    assert "Uncommitted" not in wire.get(url + "&comp=blocklist").text
    assert code_of(wire.get(url + "&comp=blocklist&blocklisttype=x")) == (
        "InvalidQueryParameterValue"
    )


@pytest.mark.evidence("client")
def test_a_conditional_commit_does_not_replace(wire, place):
    url = place.url()
    wire.put(url, b"old")
    wire.stage(url, b"1", b"one")
    assert code_of(wire.commit(url, ("Latest", b"1"), If_None_Match="*")) == "BlobAlreadyExists"
    assert place.read() == b"old"
