"""Bodies of action calls: what is taken, what is left aside, what is refused."""

from __future__ import annotations

import pytest

from d365fo_emulator.odata.actions import ActionSignature, EdmType, Parameter
from d365fo_emulator.odata.binding import MOST_LENIENT, bind, parse_body
from d365fo_emulator.odata.errors import ModelStateInvalid

ACTION = ActionSignature(
    "Do",
    "Group",
    "Groups",
    (
        Parameter("name", EdmType.STRING),
        Parameter("overwrite", EdmType.BOOLEAN),
        Parameter("exportPreviewCount", EdmType.INT32, also=("count",)),
    ),
    EdmType.STRING,
)


@pytest.mark.evidence("client")
@pytest.mark.parametrize("body", [b"", b" \r\n", b"{}"])
def test_an_empty_body_has_no_members_and_absent_ones_have_defaults(body):
    bound = bind(ACTION, parse_body(body), strict=True)
    assert bound.arguments == {"name": "", "overwrite": False, "exportPreviewCount": 0}


@pytest.mark.evidence("client")
@pytest.mark.parametrize("body", [b"{'name':'x'}", b'\xef\xbb\xbf{"name":"x"}', b'{"name":"x"}'])
def test_single_quotes_and_byte_order_marks_are_read(body):
    assert parse_body(body) == {"name": "x"}


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"null",
        b"3",
        b"{",
        b"\xff\xfe",
        b"\0",
        b'{"name":"\0"',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"{'a':'" + b"x" * MOST_LENIENT + b"'}",
    ],
    ids=repr,
)
def test_what_is_no_object_of_json_is_an_invalid_model(body):
    with pytest.raises(ModelStateInvalid):
        parse_body(body)


@pytest.mark.evidence("recorded")
@pytest.mark.parametrize(
    "members",
    [{"name": None}, {"name": 3}, {"overwrite": "true"}, {"overwrite": 1}, {"count": 2**31}],
)
def test_null_and_other_types_are_an_invalid_model(members):
    with pytest.raises(ModelStateInvalid):
        bind(ACTION, members, strict=False)


@pytest.mark.evidence("client")
def test_other_letter_case_and_unknown_members_are_taken_and_noted():
    bound = bind(ACTION, {"overWrite": True, "blobName": "b", "count": 2}, strict=False)
    assert bound.arguments == {"name": "", "overwrite": True, "exportPreviewCount": 2}
    assert [oddity.split("'")[1] for oddity in bound.oddities] == ["overWrite", "blobName"]


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize("member", ["overWrite", "blobName"])
def test_strictly_read_they_are_an_invalid_model(member):
    with pytest.raises(ModelStateInvalid):
        bind(ACTION, {member: True}, strict=True)


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize("body", [b'{"name":"a","name":"b"}', b"{'name':'a','name':'b'}"])
def test_of_a_member_that_comes_twice_the_last_counts(body):
    assert parse_body(body) == {"name": "b"}


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize(
    ("members", "argument", "value"),
    [
        ({"overwrite": True, "overWrite": False}, "overwrite", False),
        ({"overWrite": False, "overwrite": True}, "overwrite", True),
        ({"exportPreviewCount": 3, "count": 2}, "exportPreviewCount", 2),
        ({"count": 2, "exportPreviewCount": 3}, "exportPreviewCount", 3),
    ],
)
def test_of_a_member_in_two_spellings_the_last_counts(members, argument, value):
    assert bind(ACTION, members, strict=False).arguments[argument] == value


@pytest.mark.evidence("inferred")
def test_both_of_a_member_in_two_spellings_must_fit():
    with pytest.raises(ModelStateInvalid, match="overwrite must be"):
        bind(ACTION, {"overwrite": "yes", "overWrite": True}, strict=False)


@pytest.mark.evidence("inferred")
def test_a_large_body_that_is_json_is_read_and_one_that_is_not_is_refused_at_once():
    large = b"x" * 10_000_000
    assert len(parse_body(b'{"name":"%b"}' % large)["name"]) == len(large)
    with pytest.raises(ModelStateInvalid, match="no JSON"):
        parse_body(b"{'name':'%b'}" % large)
