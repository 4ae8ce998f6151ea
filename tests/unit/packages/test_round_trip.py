"""Whatever a format writes, it reads back."""

from __future__ import annotations

import io
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from d365fo_emulator.packages.errors import FileNotWritable
from d365fo_emulator.packages.formats.delimited import Delimited
from d365fo_emulator.packages.formats.encodings import UNICODE, code_page
from d365fo_emulator.packages.formats.excel import Excel
from d365fo_emulator.packages.formats.model import Shape
from d365fo_emulator.packages.formats.registry import STANDARD

CHARACTERS = st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]) | st.sampled_from(
    "\r\n\t,\"'<>&;=_x"
)
XML_CHARACTERS = CHARACTERS.filter(lambda character: character not in "\ufffe\uffff")
CODE_PAGE = st.characters(codec="cp1252", exclude_categories=["Cc"]) | st.sampled_from("\r\n\t,\"'")
BOUNDED = settings(max_examples=40, deadline=None)


@st.composite
def tables(draw, characters):
    width = draw(st.integers(1, 4))
    value = st.text(characters, max_size=12)
    row = st.lists(value, min_size=width, max_size=width)
    rows = draw(st.lists(row, min_size=1, max_size=5))
    return [f"FIELD{number}" for number in range(width)], rows


def back(source_format, header, rows):
    widths = (20,) * len(header)
    shape = Shape("SomeEntity", "Some label", tuple(header), widths, "Some_label$")
    stream = io.BytesIO()
    assert source_format.write(stream, shape, rows) == len(rows)
    stream.seek(0)
    table = source_format.read(stream, shape)
    assert list(table.header) == header
    return list(table.rows)


@pytest.mark.evidence("inferred")
@BOUNDED
@given(tables(CODE_PAGE))
def test_csv(table):
    header, rows = table
    # Text of the code page that happens to be UTF-8 (`Ã©`) is read as UTF-8; `ÿ` never is.
    rows = [["ÿ"] * len(header), *rows]
    assert back(STANDARD.find("CSV"), header, rows) == rows


@pytest.mark.evidence("inferred")
@BOUNDED
@given(tables(CHARACTERS))
def test_csv_unicode(table):
    assert back(STANDARD.find("CSV-Unicode"), *table) == table[1]


@pytest.mark.evidence("inferred")
@BOUNDED
@given(tables(XML_CHARACTERS))
def test_xml_element(table):
    assert back(STANDARD.find("XML-Element"), *table) == table[1]


def _filled(table):
    # A worksheet ends with its last filled row.
    return any(table[1][-1])


@pytest.mark.evidence("inferred")
@BOUNDED
@given(tables(XML_CHARACTERS).filter(_filled))
def test_excel(table):
    assert back(Excel(), *table) == table[1]


@pytest.mark.evidence("inferred")
@settings(max_examples=15, deadline=None)
@given(tables(XML_CHARACTERS).filter(_filled))
def test_excel_streaming(table):
    assert back(Excel(largest_in_memory=0), *table) == table[1]


@pytest.mark.evidence("inferred")
@BOUNDED
@given(tables(XML_CHARACTERS))
def test_xml_attribute(table):
    assert back(STANDARD.find("XML-Attribute"), *table) == table[1]


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize("name", ["TAB", "PIPE", "Semicolon", "Colon"])
@BOUNDED
@given(tables(CODE_PAGE))
def test_delimited(name, table):
    header, rows = table
    rows = [["ÿ"] * len(header), *rows]
    assert back(STANDARD.find(name), header, rows) == rows


@pytest.mark.evidence("inferred")
@BOUNDED
@given(tables(CHARACTERS), st.sampled_from(",;|:\t#~€"), st.sampled_from("\"'`$"))
def test_any_delimiter_and_qualifier(table, delimiter, qualifier):
    own = Delimited("Own", UNICODE, delimiter=delimiter, qualifier=qualifier)
    assert back(own, *table) == table[1]


@pytest.mark.evidence("inferred")
@BOUNDED
@given(tables(CHARACTERS))
def test_no_qualifier_holds_the_table_or_says_so(table):
    own = Delimited("Own", code_page(65001), delimiter="|", qualifier="")
    try:
        assert back(own, *table) == table[1]
    except FileNotWritable:
        texts = "".join(itertools.chain.from_iterable(table[1]))
        assert not texts or set(texts) & set("|\r\n") or [""] in table[1]


@pytest.mark.evidence("inferred")
@BOUNDED
@given(tables(CHARACTERS.filter(lambda character: character not in "\r\n")))
def test_fixed_width_but_for_blanks_at_the_end(table):
    header, rows = table
    wanted = [[value.rstrip(" ") for value in row] for row in rows]
    assert back(STANDARD.find("Fixed-Unicode"), header, rows) == wanted
