"""Filters over rows."""

from __future__ import annotations

import datetime as dt

import pytest

from d365fo_emulator.kernel.errors import NotEmulated
from d365fo_emulator.odata.errors import QueryInvalid
from d365fo_emulator.odata.expressions import parse_filter
from d365fo_emulator.odata.model import EntityType, Enumeration, Property
from d365fo_emulator.odata.predicates import predicate

pytestmark = pytest.mark.evidence("inferred")
COLOUR = Enumeration("Colour", (("Red", 0), ("Blue", 1)))
FULL = COLOUR.full_name
THING = EntityType(
    "Thing",
    "ThingEntity",
    ("Name",),
    (
        Property("Name", "Edm.String"),
        Property("Note", "Edm.String"),
        Property("Count", "Edm.Int32"),
        Property("At", "Edm.DateTimeOffset"),
        Property("Colour", COLOUR),
        Property("Spare", "Edm.Int32"),
    ),
)
ROW = {
    "Name": "Straße 7",
    "Note": "what? [it] is",
    "Count": 5,
    "At": dt.datetime(2026, 11, 24, 10, tzinfo=dt.UTC),
    "Colour": "Red",
    "Spare": None,
}


def fits(text):
    return predicate(parse_filter(text), THING)(ROW)


@pytest.mark.parametrize(
    "text",
    [
        "Name eq 'Straße 7'",
        "Name eq 'STRASSE 7'",
        "Name ne 'other'",
        "Name gt 'A' and Name lt 'Z'",
        "Name ge 'straße 7' and Name le 'Straße 7'",
        "Count eq 5 and Count eq 5.0 and Count lt 5.5 and Count ge 5 and 6 gt Count",
        "At gt 2026-11-24T09:59:59Z and At lt 2026-11-25",
        "At ge 2026-11-24",
        f"Colour eq {FULL}'Red' and Colour ne {FULL}'Blue'",
        f"Colour eq {FULL}'0'",
        "startswith(Name,'str') and endswith(Name,'7') and contains(Name,'E 7')",
        "contains(tolower(Name),tolower('STRASSE')) or Count eq 0",
        "toupper(Note) eq 'WHAT? [IT] IS'",
        "not (Count eq 6)",
        "(Count eq 5) eq true",
        "Spare eq null and Count ne null and null eq null",
        "Spare ne 3",
        "not (Spare gt 1) and not (Spare le 1)",
        "true",
    ],
)
def test_a_row_fits(text):
    assert fits(text) is True


@pytest.mark.parametrize(
    "text",
    [
        "Count eq 6",
        "Name eq null",
        "Spare gt null",
        "not true",
        "startswith(Name,'x')",
        "Spare eq 0",
    ],
)
def test_a_row_does_not_fit(text):
    assert fits(text) is False


@pytest.mark.evidence("documented")
@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("*", True),
        ("what*", True),
        ("*IS", True),
        ("*[it]*", True),
        ("wh?t*", False),
        ("*x*", False),
        ("what", False),
    ],
)
def test_a_star_in_a_text_stands_for_anything(pattern, found):
    assert fits(f"Note eq '{pattern}'") is found
    assert fits(f"Note ne '{pattern}'") is not found


def test_many_stars_cost_no_more_than_few():
    row = ROW | {"Note": "a" * 20_000}
    pattern = "*".join("a" * 30) + "*b"
    assert predicate(parse_filter(f"Note eq '{pattern}'"), THING)(row) is False


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Nme eq 'x'", f"Could not find a property named 'Nme' on type '{THING.full_name}'."),
        ("name eq 'x'", "Could not find a property named 'name'"),
        ("Nav/Name eq 'x'", "Could not find a property named 'Nav/Name'"),
        ("Name eq 5", "Found operand types 'Edm.String' and 'Edm.Int32' for operator kind 'Equal'"),
        ("Count gt 'x'", "'Edm.Int32' and 'Edm.String' for operator kind 'GreaterThan'"),
        ("Colour eq 'Red'", f"'{FULL}' and 'Edm.String' for operator kind 'Equal'"),
        (f"Colour gt {FULL}'Red'", "operator kind 'GreaterThan'"),
        (f"Colour eq {FULL}'Green'", "The string 'Green' is not a valid enumeration type"),
        ("Colour eq Other.Type'Red'", f"'{FULL}' and 'Other.Type'"),
        ("Name", "must evaluate to a single boolean value"),
        ("Name and true", "operator kind 'And'"),
        ("true or 5", "operator kind 'Or'"),
        ("not Name", "operator kind 'Not'"),
        ("nosuch(Name)", "An unknown function with name 'nosuch' was found"),
        ("startswith(Name)", "No function signature"),
        ("contains(Count,'5')", "No function signature"),
        ("tolower(Name,Name) eq 'x'", "No function signature"),
    ],
)
def test_what_does_not_go_together_is_refused_before_any_row_is_looked_at(text, said):
    with pytest.raises(QueryInvalid) as refused:
        predicate(parse_filter(text), THING)
    assert said in refused.value.text


@pytest.mark.parametrize("text", ["length(Name) eq 8", "year(At) eq 2026"])
def test_functions_of_the_language_that_are_not_built_are_refused_by_name(text):
    with pytest.raises(NotEmulated, match=text.split("(")[0]):
        predicate(parse_filter(text), THING)
