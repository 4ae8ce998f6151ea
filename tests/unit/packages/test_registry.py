from __future__ import annotations

import pytest

from d365fo_emulator.kernel.errors import NotEmulated
from d365fo_emulator.packages.errors import SourceUnreadable
from d365fo_emulator.packages.formats.registry import FORMATS, STANDARD


@pytest.mark.evidence("documented")
@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("CSV", "CSV"),
        ("csv-unicode", "CSV-Unicode"),
        ("CSV - Unicode", "CSV-Unicode"),
        ("Excel", "EXCEL"),
        (" xml-element ", "XML-Element"),
    ],
)
def test_formats_are_found_without_case_and_blanks(name, found):
    assert STANDARD.find(name).name == found


@pytest.mark.evidence("documented")
@pytest.mark.parametrize(
    "name",
    ["XML-Attribute", "TAB", "Tab-Unicode", "PIPE", "Semicolon-Unicode", "Fixed width", "PACKAGE"],
)
def test_formats_of_the_product_that_are_not_built_are_named(name):
    with pytest.raises(NotEmulated, match=name):
        STANDARD.find(name)


@pytest.mark.evidence("documented")
@pytest.mark.parametrize(("name", "detail"), [("", "no source"), ("CVS", "did you mean 'CSV'")])
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
        "EXCEL": ".xlsx",
    }
