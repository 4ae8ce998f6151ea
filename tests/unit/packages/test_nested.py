"""Nested rows of composite entities, read part by part and written."""

from __future__ import annotations

import io
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from d365fo_emulator.entities.model import EntityType, Field, FieldType
from d365fo_emulator.packages.composites import NestedPart
from d365fo_emulator.packages.errors import SourceUnreadable
from d365fo_emulator.packages.formats.model import Shape
from d365fo_emulator.packages.formats.nested import NestedRows, NestedWriter, fields_by_part
from d365fo_emulator.packages.formats.xml_rows import XML_ATTRIBUTE, XML_ELEMENT

pytestmark = pytest.mark.evidence("inferred")

TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=8).map(
    lambda text: text.replace("\ufffe", "").replace("\uffff", "")
)


def part(name, *fields, links=(), children=()):
    made = tuple(Field(field, field, FieldType.STRING, field) for field in fields)
    entity = EntityType(name, name, f"{name}s", name, True, fields[:1], made)
    return NestedPart(entity, tuple(links), tuple(children))


LEAF = part("LEAF", "L", "ID", links=[("ID", "ID")])
HEAD = part("HEAD", "ID", "H", children=[LEAF])


def rows(content, of=LEAF, columns=("ID", "L"), source_format=XML_ELEMENT):
    stream = io.BytesIO(content.encode() if isinstance(content, str) else content)
    return list(NestedRows(source_format, HEAD, of).read(stream, Shape(columns=columns)).rows)


def found(content, source_format=XML_ELEMENT, names=None):
    fields = fields_by_part(source_format, io.BytesIO(content.encode()), HEAD, names or {})
    return {one.entity.name: names for one, names in fields.items()}


def test_fields_are_those_that_any_row_has():
    content = (
        "<Document><HEAD><ID>1</ID><LEAF><L>a</L></LEAF></HEAD>"
        "<Head><H/><Leaf><Other>x</Other></Leaf></Head></Document>"
    )
    assert found(content) == {"HEAD": ("ID", "H"), "LEAF": ("L", "OTHER")}


def test_the_key_may_stand_after_the_rows_inside_and_a_row_may_say_its_own():
    content = (
        "<Document><HEAD><LEAF><L>a</L></LEAF><LEAF><ID>9</ID><L>b</L></LEAF><ID>1</ID></HEAD>"
        "<HEAD><LEAF><L>c</L></LEAF></HEAD></Document>"
    )
    assert sorted(rows(content)) == [["", "c"], ["1", "a"], ["9", "b"]]
    assert rows(content, HEAD, ("ID",)) == [["1"]]


@pytest.mark.parametrize(
    "content",
    [
        "<HEAD/>",
        "<Document><LEAF/></Document>",
        "<Document><HEAD><ID><X/></ID></HEAD></Document>",
        "<Document><HEAD><LEAF><LEAF><X><Y/></X></LEAF></LEAF></HEAD></Document>",
        "<!DOCTYPE Document><Document/>",
        "<Document><HEAD>",
        "<Document><HEAD><ID>" + "x" * (5 << 20) + "</ID></HEAD></Document>",
    ],
)
def test_other_forms_fail_in_the_words_for_bad_xml(content):
    with pytest.raises(SourceUnreadable, match="0xC0010009"):
        rows(content, HEAD)


def test_rows_that_wait_for_a_key_are_bounded():
    many = f"<LEAF><L>{'y' * 1000}</L></LEAF>" * 5000
    with pytest.raises(SourceUnreadable, match="0xC0010009") as caught:
        rows(f"<Document><HEAD>{many}<ID>1</ID></HEAD></Document>")
    assert "longer than" in caught.value.detail


def test_a_million_characters_of_rows_in_one_row_pass_in_small_memory():
    many = b"<LEAF><L>" + b"y" * 100 + b"</L></LEAF>"
    content = b"<Document><HEAD><ID>1</ID>" + many * 50_000 + b"</HEAD></Document>"
    stream = io.BytesIO(content)
    tracemalloc.start()
    try:
        table = NestedRows(XML_ELEMENT, HEAD, LEAF).read(stream, Shape(columns=("ID", "L")))
        assert sum(1 for _ in table.rows) == 50_000
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2 << 20


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(TEXTS.filter(bool), TEXTS, st.lists(TEXTS.filter(bool))), min_size=1),
    st.sampled_from([XML_ELEMENT, XML_ATTRIBUTE]),
)
def test_what_is_written_is_read_again(heads, source_format):
    stream = io.BytesIO()
    out = NestedWriter(source_format, stream)
    for key, text, leaves in heads:
        out.begin("Head", ("ID", "H"), (key, text))
        for leaf in leaves:
            out.begin("Leaf", ("L",), (leaf,))
            out.end()
        out.end()
    out.close()
    content = stream.getvalue()
    assert rows(content, HEAD, ("ID", "H"), source_format) == [[k, text] for k, text, _ in heads]
    assert rows(content, source_format=source_format) == [
        [key, leaf] for key, _text, leaves in heads for leaf in leaves
    ]
