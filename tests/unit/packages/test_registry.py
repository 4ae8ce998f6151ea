from __future__ import annotations

import pytest

from d365fo_emulator.kernel.errors import NotEmulated
from d365fo_emulator.packages.errors import SourceUnreadable
from d365fo_emulator.packages.formats.delimited import Delimited
from d365fo_emulator.packages.formats.registry import FORMATS, STANDARD, SourceFormats


@pytest.mark.evidence("documented")
@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("CSV", "CSV"),
        ("csv-unicode", "CSV-Unicode"),
        ("CSV - Unicode", "CSV-Unicode"),
        ("Excel", "EXCEL"),
        (" xml-element ", "XML-Element"),
        ("XML-Attribute", "XML-Attribute"),
        ("tab", "TAB"),
        ("Tab-unicode", "Tab-Unicode"),
        ("Pipe", "PIPE"),
    ],
)
def test_formats_are_found_without_case_and_blanks(name, found):
    assert STANDARD.find(name).name == found


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("Semicolon separated", "Semicolon"),
        ("Colon-delimited", "Colon"),
        ("Pipe (ASCII)", "PIPE"),
        ("Tab delimited Unicode", "Tab-Unicode"),
        ("Fixed width", "Fixed"),
        ("Fixed width - Unicode", "Fixed-Unicode"),
    ],
)
def test_the_first_word_tells_where_the_others_are_not_known(name, found):
    assert STANDARD.find(name).name == found


@pytest.mark.evidence("client")
def test_files_of_packages_are_named_as_not_emulated():
    with pytest.raises(NotEmulated, match="PACKAGE"):
        STANDARD.find("PACKAGE")


@pytest.mark.evidence("inferred")
def test_a_data_source_of_its_own_stands_in_place_of_a_standard_one():
    own = Delimited("csv", delimiter=";")
    formats = SourceFormats([own, Delimited("Bank")])
    assert formats.find("CSV") is own
    assert formats.find("bank").name == "Bank"
    assert formats.find("CSV-Unicode").name == "CSV-Unicode"


@pytest.mark.evidence("documented")
@pytest.mark.parametrize(
    ("name", "detail"),
    [
        ("", "no source"),
        ("CVS", "did you mean 'CSV'"),
        ("Semicolon-Unicode", "no source"),
        ("Tabular", "no source"),
    ],
)
def test_an_unknown_format_is_of_the_wrong_type(name, detail):
    with pytest.raises(SourceUnreadable) as caught:
        STANDARD.find(name)
    assert caught.value.code == "DMF1855"
    assert detail in caught.value.detail


@pytest.mark.evidence("documented")
def test_each_format_has_its_extension():
    assert {item.name: item.extension for item in FORMATS} == {
        "CSV": ".csv",
        "CSV-Unicode": ".csv",
        "XML-Element": ".xml",
        "XML-Attribute": ".xml",
        "EXCEL": ".xlsx",
        "TAB": ".txt",
        "Tab-Unicode": ".txt",
        "PIPE": ".txt",
        "Semicolon": ".txt",
        "Colon": ".txt",
        "Fixed": ".txt",
        "Fixed-Unicode": ".txt",
    }
