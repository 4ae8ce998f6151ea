"""Values that stand for others, defaults, and what of them counts first."""

import pytest

from d365fo_emulator.entities.conversion import Converter
from d365fo_emulator.entities.culture import Culture
from d365fo_emulator.entities.model import Field, FieldType
from d365fo_emulator.entities.replacing import ValuePair, ValueRule
from d365fo_emulator.entities.store import RowError, Stage

pytestmark = pytest.mark.evidence("inferred")

GERMAN = Culture("de-DE", "dmy", ",", ".", "UTC")
TEXT, INT, REAL = FieldType.STRING, FieldType.INT64, FieldType.REAL
COLOURS = {"enum": ("None", "Red", "DarkBlue"), "enum_labels": ("None", "Red", "Dark blue")}


def convert(kind, rule, *texts, culture=None, positions=None, **more):
    field = Field("TheField", "THEFIELD", FieldType(kind), "The field", **more)
    converter = Converter(
        [field], positions=positions, rules={"THEFIELD": rule}, culture=culture or Culture()
    )
    columns, errors = converter.convert([[text] for text in texts], 1)
    return list(columns[0]), errors


def pairs(kind, **staging):
    return ValueRule(tuple(ValuePair(kind, source[1:], to) for source, to in staging.items()))


@pytest.mark.evidence("documented")
def test_a_value_is_staged_in_place_of_the_one_that_the_file_has():
    rule = ValueRule((ValuePair(TEXT, "Germany", "DEU"), ValuePair(TEXT, "", "ZZZ")))
    values = ["DEU", "DEU", "FRA", "ZZZ", "ZZZ"]
    assert convert("string", rule, "Germany", " GERMANY ", "FRA", "", "  ") == (values, [])


@pytest.mark.parametrize(
    ("kind", "source", "cells"),
    [
        (FieldType.INT64, "7", ("7", "07", " +7 ")),
        (FieldType.REAL, "1234.5", ("1234.50", "1,234.5", "1.2345e3")),
        (FieldType.DATE, "2024-02-01T00:00:00", ("2024-02-01", "2/1/2024", "2024-02-01 00:00:00")),
        (FieldType.TIME, "3600", ("01:00", "1:00 AM", "3600")),
        (
            FieldType.DATETIME,
            "2024-02-01T10:00:00Z",
            ("2024-02-01 10:00:00", "2024-02-01T12:00:00+02:00"),
        ),
        (
            FieldType.GUID,
            "2608f674-963b-4846-9bd1-2b13b36e6896",
            ("{2608F674-963B-4846-9BD1-2B13B36E6896}",),
        ),
    ],
)
def test_cells_are_compared_as_the_type_of_the_pair(kind, source, cells):
    rule = ValueRule((ValuePair(kind, source, "it"),))
    assert convert("string", rule, *cells, "other", "")[0] == ["it"] * len(cells) + ["other", ""]


def test_cells_are_read_in_the_culture_of_the_file_and_pairs_in_english():
    rule = ValueRule((ValuePair(REAL, "1.5", "2.5"), ValuePair(REAL, "3", "1000")))
    assert convert("real", rule, "1,5", "3", "1.000", culture=GERMAN)[0] == [2.5, 1000.0, 1000.0]


@pytest.mark.parametrize(
    ("kind", "staging", "value", "more"),
    [
        ("int", "7", 7, {}),
        ("real", ".5", 0.5, {}),
        ("noyes", "1", "Yes", {}),
        ("enum", "2", "DarkBlue", COLOURS),
        ("enum", "Dark blue", "DarkBlue", COLOURS),
        ("date", "2024-02-01T00:00:00", "2024-02-01", {}),
        ("time", "3600", 3600, {}),
    ],
)
def test_what_is_staged_is_a_value_of_the_field(kind, staging, value, more):
    rule = ValueRule((ValuePair(TEXT, "x", staging),))
    assert convert(kind, rule, "x", **more) == ([value], [])


def test_a_default_alone_fills_blank_cells():
    assert convert("string", ValueRule(default="EUR"), "", "USD", " ")[0] == ["EUR", "USD", "EUR"]
    assert convert("int", ValueRule(default="5"), "", "0", "3")[0] == [5, 0, 3]


def test_a_default_beside_pairs_takes_whatever_none_of_them_fits():
    rule = ValueRule((ValuePair(TEXT, "A", "1"),), default="9")
    assert convert("int", rule, "A", "B", "", "1")[0] == [1, 9, 9, 9]


def test_without_a_default_what_no_pair_fits_is_taken_as_it_is():
    rule = ValueRule((ValuePair(TEXT, "A", "1"),))
    values, errors = convert("int", rule, "A", "5", "B")
    assert values == [1, 5, None]
    assert [(error.row, error.stage) for error in errors] == [(3, Stage.STAGING)]


def test_a_blank_that_keeps_what_is_there_goes_before_the_default_but_after_a_pair():
    assert convert("int", ValueRule(default="5", blank_keeps=True), "", "3")[0] == [None, 3]
    of_blank = ValueRule((ValuePair(TEXT, "", "4"),), blank_keeps=True)
    assert convert("int", of_blank, "", "3")[0] == [4, 3]


@pytest.mark.evidence("documented")
def test_a_field_without_a_column_takes_the_default():
    field = Field("TheField", "THEFIELD", TEXT, "The field")
    other = Field("Other", "OTHER", TEXT, "Other")
    rules = {"THEFIELD": ValueRule(default="EUR")}
    converter = Converter([field, other], positions=(None, 0), rules=rules)
    columns, _errors = converter.convert([["a"], ["b"]], 1)
    assert [list(column) for column in columns] == [["EUR", "EUR"], ["a", "b"]]


def test_without_a_default_of_the_map_the_field_has_one_of_its_own_or_is_empty():
    assert convert("int", ValueRule(), "", positions=(None,), default="7")[0] == [7]
    assert convert("int", ValueRule(), "", positions=(None,))[0] == [0]


def test_a_staged_value_that_the_field_cannot_take_is_named_in_the_error():
    values, errors = convert("int", ValueRule((ValuePair(TEXT, "x", "seven"),)), "x")
    message = "DMF2018: The value 'seven' in field 'The field' is not a number."
    assert (values, errors) == ([None], [RowError(1, Stage.STAGING, "THEFIELD", message)])


def test_a_replaced_text_that_is_too_long_fails_its_row():
    rule = ValueRule((ValuePair(TEXT, "a", "abcdef"),))
    _values, errors = convert("string", rule, "a", "b", size=3)
    assert [(error.row, error.stage) for error in errors] == [(1, Stage.TARGET)]


def test_a_pair_whose_source_is_no_value_of_its_type_fits_nothing():
    assert convert("int", ValueRule((ValuePair(INT, "one", "7"),)), "1", "0")[0] == [1, 0]
