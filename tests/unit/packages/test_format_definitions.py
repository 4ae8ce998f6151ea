"""Source data formats as an environment file describes them."""

from __future__ import annotations

import pytest

from d365fo_emulator.entities.culture import Culture
from d365fo_emulator.kernel.errors import ConfigurationError
from d365fo_emulator.packages.formats.definitions import culture_of, format_of
from d365fo_emulator.packages.formats.delimited import Delimited
from d365fo_emulator.packages.formats.encodings import ANSI, code_page
from d365fo_emulator.packages.formats.excel import Excel
from d365fo_emulator.packages.formats.fixed_width import FixedWidth
from d365fo_emulator.packages.formats.xml_rows import XmlRows

pytestmark = pytest.mark.evidence("inferred")

GERMAN = Culture("de-DE", "dmy", ",", ".", "Europe/Berlin")


@pytest.mark.parametrize(
    ("definition", "made"),
    [
        ({"kind": "delimited"}, Delimited("X", ANSI)),
        (
            {
                "kind": "delimited",
                "delimiter": "Vertical bar",
                "qualifier": "'",
                "codePage": 65001,
                "byteOrderMark": True,
                "header": False,
                "columns": ["A", {"name": "B", "width": 3}],
                "extension": ".dat",
                "multiValueSeparator": "#",
                "culture": {"name": "de-DE", "timeZone": "Europe/Berlin"},
            },
            Delimited(
                "X",
                code_page(65001, mark=True),
                "|",
                "'",
                has_header=False,
                columns=("A", "B"),
                extension=".dat",
                culture=GERMAN,
                multi_value_separator="#",
            ),
        ),
        (
            {"kind": "delimited", "delimiter": "~", "qualifier": ""},
            Delimited("X", delimiter="~", qualifier="", extension=".txt"),
        ),
        (
            {"kind": "fixed", "codePage": 850, "columns": [{"name": "A", "width": 3}]},
            FixedWidth("X", code_page(850), columns=(("A", 3),)),
        ),
        ({"kind": "xml"}, XmlRows("X")),
        (
            {"kind": "xml", "style": "attribute", "rootElement": "Rows"},
            XmlRows("X", in_attributes=True, root="Rows"),
        ),
        (
            {"kind": "excel", "culture": {"name": "de-DE", "timeZone": "Europe/Berlin"}},
            Excel(name="X", culture=GERMAN),
        ),
    ],
)
def test_a_definition_becomes_a_format(definition, made):
    assert format_of({"name": "X", **definition}) == made


@pytest.mark.parametrize(
    ("definition", "words"),
    [
        ({"kind": "delimited", "rootElement": "R"}, "the kind delimited has no 'rootElement'"),
        ({"kind": "excel", "header": False}, "no 'header'"),
        ({"kind": "xml", "codePage": 1252}, "no 'codePage'"),
        ({"kind": "delimited", "delimiter": "||"}, "one character, or one of comma, semicolon"),
        ({"kind": "delimited", "delimiter": "\n"}, "one character"),
        ({"kind": "delimited", "qualifier": "\r"}, "a qualifier is one character"),
        ({"kind": "delimited", "delimiter": "'", "qualifier": "'"}, "both delimiter and"),
        ({"kind": "delimited", "codePage": 4711}, "there is no code page 4711"),
        ({"kind": "delimited", "columns": ["A"]}, "say header: false"),
        ({"kind": "fixed", "columns": ["A"]}, "needs a width"),
        ({"kind": "fixed", "columns": [{"name": "AB", "width": 1}]}, "narrower than its name"),
        ({"kind": "xml", "rootElement": "a b"}, "name of an XML element"),
        ({"kind": "delimited", "culture": {"name": "tlh"}}, "'tlh' is not known: give"),
        ({"kind": "delimited", "culture": {"timeZone": "Mars/Phobos"}}, "no time zone"),
        ({"kind": "delimited", "culture": {"timeZone": "../x"}}, "no time zone"),
        ({"kind": "delimited", "culture": {"decimalSeparator": ","}}, "cannot part numbers"),
    ],
)
def test_what_cannot_be_is_refused_by_the_name_of_the_data_source(definition, words):
    with pytest.raises(ConfigurationError, match=r"^dataSources: Bank: ") as caught:
        format_of({"name": "Bank", **definition})
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("definition", "culture"),
    [
        ({}, Culture()),
        ({"name": "en-us"}, Culture("en-us")),
        ({"name": "de-AT"}, Culture("de-AT", "dmy", ",", ".")),
        ({"name": "sv-SE", "groupSeparator": ""}, Culture("sv-SE", "ymd", ",", "")),
        (
            {"name": "x", "dateOrder": "ymd", "decimalSeparator": ".", "groupSeparator": ""},
            Culture("x", "ymd", ".", ""),
        ),
    ],
)
def test_a_culture_is_as_its_language_is_written_unless_told(definition, culture):
    assert culture_of(definition) == culture
