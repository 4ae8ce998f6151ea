"""The query of a URL, and bodies that make rows."""

from __future__ import annotations

import datetime as dt

import pytest

from d365fo_emulator.dmf.entity_types import DEFINITION_GROUP, DEFINITION_GROUP_DETAIL
from d365fo_emulator.kernel.errors import NotEmulated
from d365fo_emulator.odata.errors import PayloadInvalid, QueryInvalid
from d365fo_emulator.odata.model import EntityType, Property
from d365fo_emulator.odata.payload import read_payload
from d365fo_emulator.odata.query import Query, parse_query
from d365fo_emulator.odata.tree import Compare, Comparison, Literal, Name

THING = EntityType(
    "Thing",
    "ThingEntity",
    ("Id",),
    (Property("Id", "Edm.String"), Property("At", "Edm.DateTimeOffset")),
)


def equal(name, value):
    return Compare(Comparison.EQ, Name(name), Literal(value))


@pytest.mark.evidence("client")
@pytest.mark.parametrize(
    "text",
    [
        "$filter=Id eq 'a b'",
        "$filter=Id%20eq%20'a%20b'",
        "%24filter=Id+eq+'a+b'",
        "&$filter=Id+eq+%27a+b%27&",
    ],
)
def test_blanks_and_dollars_come_in_several_spellings(text):
    assert parse_query(text, THING).filter == equal("Id", "a b")


@pytest.mark.evidence("inferred")
def test_a_query_is_split_before_it_is_decoded():
    assert parse_query("$filter=Id%20eq%20'a%26%24top%3D1%2B'", THING) == Query(
        filter=equal("Id", "a&$top=1+"), rest="$filter=Id%20eq%20'a%26%24top%3D1%2B'"
    )


@pytest.mark.evidence("documented")
def test_every_option_is_read():
    query = parse_query(
        "$select=Id,%20At&$orderby=At%20desc,Id&$top=5&$skip=2&$count=true&cross-company=true",
        THING,
    )
    assert (query.select, query.order) == (("Id", "At"), (("At", True), ("Id", False)))
    assert (query.top, query.skip, query.count) == (5, 2, True)


@pytest.mark.evidence("inferred")
def test_the_next_page_is_asked_for_with_everything_else_as_it_was():
    query = parse_query("$top=25&$filter=Id%20ne%20'%26'&cross-company=true&$skip=10", THING)
    assert query.next_page(10) == "$filter=Id%20ne%20'%26'&cross-company=true&$top=15&$skip=20"
    assert parse_query("", THING).next_page(10) == "$skip=10"
    again = parse_query(query.next_page(10), THING)
    assert (again.filter, again.top, again.skip) == (query.filter, 15, 20)


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("$top=1&$top=1", "more than once"),
        ("$top=-1", "requires a non-negative integer"),
        ("$select=Nme", "'Nme' on type 'Microsoft.Dynamics.DataEntities.Thing'"),
        ("$orderby=Nme", "'Nme' on type"),
        ("$nosuch=1", "'$nosuch' is not supported"),
        ("$count=1", "for $count"),
    ],
)
def test_options_that_cannot_be_are_refused_in_the_words_of_the_language(text, said):
    with pytest.raises(QueryInvalid) as refused:
        parse_query(text, THING)
    assert said in refused.value.text


@pytest.mark.evidence("inferred")
def test_formats_other_than_json_are_refused_by_name():
    with pytest.raises(NotEmulated, match="atom"):
        parse_query("$format=atom", THING)


@pytest.mark.evidence("inferred")
def test_values_become_those_of_their_types():
    body = b'{"ExecutionUnit":3,"QueryData":"AAEC","Tags":null,"SkipStaging":"Yes","x@y":1}'
    assert read_payload(body, DEFINITION_GROUP_DETAIL, print) == {
        "ExecutionUnit": 3,
        "QueryData": b"\x00\x01\x02",
        "SkipStaging": "Yes",
    }
    assert read_payload(b'{"At":"2026-11-24T12:00:00.5+02:00"}', THING, print) == {
        "At": dt.datetime(2026, 11, 24, 10, tzinfo=dt.UTC)
    }
    with pytest.raises(PayloadInvalid, match="At"):
        read_payload(b'{"At":"today"}', THING, print)


@pytest.mark.evidence("recorded")
def test_what_is_cut_is_noted():
    notes = []
    values = read_payload(b'{"Description":"%b"}' % (b"d" * 61), DEFINITION_GROUP, notes.append)
    assert values == {"Description": "d" * 60}
    assert notes == ["Description was cut to 60 characters"]


@pytest.mark.evidence("inferred")
def test_a_refusal_names_the_member_and_shows_no_more_of_its_value_than_needed():
    with pytest.raises(PayloadInvalid, match=r"^OperationType: 'x+… is none of Import, Export"):
        read_payload(b'{"OperationType":"%b"}' % (b"x" * 1000), DEFINITION_GROUP, print)
