"""Texts of files to storage values and back, with the exact words for what is refused."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from d365fo_emulator.entities.conversion import Converter, convert_batch, to_text
from d365fo_emulator.entities.model import Field, FieldType
from d365fo_emulator.entities.store import RowError, Stage

pytestmark = pytest.mark.evidence("inferred")


def field(kind, **more):
    return Field("TheField", "THEFIELD", FieldType(kind), "The field", **more)


COLOURS = field("enum", enum=("None", "Red", "DarkBlue"), enum_labels=("None", "Red", "Dark blue"))
OPEN = field("enum", enum=("One", "Two"), enum_complete=False, enum_name="Many")
SHORT = field("string", size=5)


def convert(kind, *texts):
    the_field = kind if isinstance(kind, Field) else field(kind)
    columns, errors = convert_batch([the_field], [[text] for text in texts], 1)
    return list(columns[0]), errors


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("real", "1.5", 1.5),
        ("real", ".5", 0.5),
        ("real", "-.500000", -0.5),
        ("real", "-1", -1.0),
        ("real", "+7.", 7.0),
        ("real", " 2.5 ", 2.5),
        ("real", "", 0.0),
        ("real", "1,234,567.25", 1234567.25),
        ("real", "12345678901234567890123", 12345678901234567890123.0),
        ("real", "1e-05", 0.00001),
        ("real", "0.12345678", 0.123457),
        (field("real", decimals=16), "1.3357400000000000", 1.33574),
        ("int", "42", 42),
        ("int", "-2147483648", -2147483648),
        ("int", "2147483647", 2147483647),
        ("int", "0007", 7),
        ("int", "", 0),
        ("int64", "5637144576", 5637144576),
        ("int64", "9223372036854775807", 9223372036854775807),
        ("date", "2011-01-31 00:00:00", "2011-01-31"),
        ("date", "2011-01-31", "2011-01-31"),
        ("date", "8/25/2020", "2020-08-25"),
        ("date", "8/25/2020 13:03", "2020-08-25"),
        ("date", "", "1900-01-01"),
        ("date", "2154-12-31", "2154-12-31"),
        ("datetime", "2011-01-31", "2011-01-31 00:00:00"),
        ("datetime", "2011-01-31T10:20:30Z", "2011-01-31 10:20:30"),
        ("datetime", "2011-01-31T10:20:30.123Z", "2011-01-31 10:20:30"),
        ("datetime", "2011-01-31T01:20:30+02:00", "2011-01-30 23:20:30"),
        ("datetime", "12/31/2154 23:59", "2154-12-31 23:59:00"),
        ("datetime", "8/25/2020 1:03 PM", "2020-08-25 13:03:00"),
        ("datetime", "8/25/2020 12:03:09 AM", "2020-08-25 00:03:09"),
        ("datetime", "2024-02-29 00:00:00", "2024-02-29 00:00:00"),
        ("datetime", "", "1900-01-01 00:00:00"),
        ("time", "13:05:09", 47109),
        ("time", "1:05 PM", 47100),
        ("time", "47109", 47109),
        ("time", "", 0),
        ("noyes", "Yes", "Yes"),
        ("noyes", "no", "No"),
        ("noyes", "1", "Yes"),
        ("noyes", "0", "No"),
        ("noyes", "TRUE", "Yes"),
        ("noyes", "false", "No"),
        ("noyes", "", "No"),
        (COLOURS, "Red", "Red"),
        (COLOURS, "darkBLUE", "DarkBlue"),
        (COLOURS, "Dark blue", "DarkBlue"),
        (COLOURS, "2", "DarkBlue"),
        (COLOURS, "", "None"),
        (OPEN, "two", "Two"),
        (OPEN, "Seventeen", "Seventeen"),
        (OPEN, "", ""),
        (
            "guid",
            "2608f674-963b-4846-9bd1-2b13b36e6896",
            "{2608F674-963B-4846-9BD1-2B13B36E6896}",
        ),
        (
            "guid",
            "{2608F674-963B-4846-9BD1-2B13B36E6896}",
            "{2608F674-963B-4846-9BD1-2B13B36E6896}",
        ),
        ("guid", "", "{00000000-0000-0000-0000-000000000000}"),
        ("string", "  as it is  ", "  as it is  "),
        ("string", "0001", "0001"),
        (SHORT, "12345", "12345"),
        (SHORT, "", ""),
    ],
)
def test_a_text_becomes_the_value_that_it_names(kind, text, value):
    assert convert(kind, text) == ([value], [])


NUMBER = "DMF2018: The value '{}' in field 'The field' is not a number."
RANGE = "DMF2018: The value '{}' in field 'The field' is beyond the range of its type."
DATE = "DMF2016: The value '{}' in field 'The field' is not a valid date."
YEARS = "DMF2016: The value '{}' in field 'The field' is outside 1900-01-01 to 2154-12-31."
TIME = "DMF2016: The value '{}' in field 'The field' is not a valid time."
SYMBOL = "DMF021: The value '{}' in field 'The field' is none of its enumeration 'TheField'."


@pytest.mark.parametrize(
    ("kind", "text", "message"),
    [
        ("real", "abc", NUMBER),
        ("real", "1.2.3", NUMBER),
        ("real", "5-3", NUMBER),
        ("real", "1,5", NUMBER),
        ("real", "1_000", NUMBER),
        ("real", "nan", NUMBER),
        ("real", "inf", NUMBER),
        ("real", "-", NUMBER),
        ("real", ".", NUMBER),
        ("real", "١٢", NUMBER),
        ("real", "1" * 27, RANGE),
        ("real", "1e300", RANGE),
        (field("real", decimals=16), "1" * 17, RANGE),
        ("int", "1.0", NUMBER),
        ("int", "1_0", NUMBER),
        ("int", "twelve", NUMBER),
        ("int", "2147483648", RANGE),
        ("int", "-2147483649", RANGE),
        ("int64", "9223372036854775808", RANGE),
        ("date", "2023-02-29", DATE),
        ("date", "31/12/2023", DATE),
        ("date", "tomorrow", DATE),
        ("date", "2023-1-1", DATE),
        ("date", "1899-12-31", YEARS),
        ("date", "2155-01-01", YEARS),
        ("datetime", "2023-01-01 24:00:00", DATE),
        ("datetime", "2023-01-01 10:60", DATE),
        ("datetime", "1/1/2023 13:00 PM", DATE),
        ("datetime", "0001-01-01T00:00:00+10:00", DATE),
        ("datetime", "1900-01-01T00:00:00+01:00", YEARS),
        ("time", "25:00", TIME),
        ("time", "86400", TIME),
        ("time", "noon", TIME),
        (COLOURS, "Green", SYMBOL),
        (COLOURS, "3", SYMBOL),
        (
            "noyes",
            "maybe",
            "DMF021: The value '{}' in field 'The field' is none of its enumeration 'NoYes'.",
        ),
        ("guid", "not-a-guid", "DMF2018: The value '{}' in field 'The field' is not a GUID."),
    ],
)
@pytest.mark.evidence("documented")
def test_a_text_of_the_wrong_type_fails_the_load_with_its_code(kind, text, message):
    values, errors = convert(kind, text)
    assert values == [None]
    assert errors == [RowError(1, Stage.STAGING, "THEFIELD", message.format(text))]


def test_a_very_long_value_is_cut_in_its_message():
    values, errors = convert("int", "9" * 5000)
    assert values == [None]
    assert errors[0].message == RANGE.format("9" * 100 + "…")


def test_a_text_that_is_too_long_fails_its_row_alone_and_is_kept():
    values, errors = convert(SHORT, "12345", "123456")
    message = "DMF2018: The value '123456' in field 'The field' is longer than 5 characters."
    assert values == ["12345", "123456"]
    assert errors == [RowError(2, Stage.TARGET, "THEFIELD", message)]


def test_each_bad_value_of_a_batch_has_its_own_row_and_the_good_ones_are_kept():
    values, errors = convert("int", "1", "x", "", "3", "y")
    assert values == [1, None, 0, 3, None]
    assert [(error.row, error.message) for error in errors] == [
        (2, NUMBER.format("x")),
        (5, NUMBER.format("y")),
    ]


def test_rows_are_numbered_from_the_first_row_given():
    _columns, errors = convert_batch([field("int")], [["x"]], 4001)
    assert errors[0].row == 4001


def test_one_bad_number_does_not_hide_behind_its_neighbours():
    values, errors = convert("real", "1", "-")
    assert values == [1.0, None]
    assert [error.row for error in errors] == [2]
    assert convert("real", ".5", "0000000")[0] == [0.5, 0.0]


def test_no_rows_make_empty_columns():
    assert convert_batch([SHORT, COLOURS], [], 1) == ([[], []], [])


@pytest.mark.parametrize("rows", [[["a"], ["a", "b"]], [["a", "b"], ["a"]], [["a", "b", "c"]]])
def test_rows_of_another_length_than_the_fields_are_refused(rows):
    with pytest.raises(ValueError, match="argument"):
        convert_batch([SHORT, SHORT], rows, 1)


@pytest.mark.evidence("client")
def test_blank_cells_of_chosen_fields_leave_what_is_there():
    fields = [Field(name, name, kind, name) for name, kind in KINDS.items()]
    converter = Converter(fields, blank_keeps={"TEXT", "AMOUNT"})
    columns, errors = converter.convert([["", "", ""], ["a", "1", "2"]], 1)
    assert [list(column) for column in columns] == [[None, "a"], [None, 1.0], [0, 2]]
    assert errors == []


KINDS = {"TEXT": FieldType.STRING, "AMOUNT": FieldType.REAL, "COUNT": FieldType.INT}


def test_a_converter_does_not_grow_with_the_values_that_it_has_read():
    converter = Converter([field("date")])
    for start in range(0, 30_000, 1000):
        rows = [[f"2020-01-01 {n // 3600:02}:{n // 60 % 60:02}:{n % 60:02}"] for n in
                range(start, start + 1000)]  # fmt: skip
        converter.convert(rows, 1)
    assert len(converter._columns[0]._values) <= 10_000


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        ("real", 0.0, ".000000"),
        ("real", -0.0, ".000000"),
        ("real", -0.5, "-.500000"),
        ("real", 12.25, "12.250000"),
        ("real", 1e22, "10000000000000000000000.000000"),
        ("real", None, ".000000"),
        (field("real", decimals=16), 1.33574, "1.3357400000000000"),
        (field("real", decimals=16), 8.8, "8.8000000000000000"),
        (field("real", decimals=16), -0.5, "-.5000000000000000"),
        ("date", "2011-01-31", "2011-01-31 00:00:00"),
        ("datetime", "2154-12-31 23:59:59", "2154-12-31 23:59:59"),
        ("noyes", "Yes", "Yes"),
        (COLOURS, "DarkBlue", "DarkBlue"),
        ("string", "0001", "0001"),
        ("string", None, ""),
        ("int64", 5637144576, "5637144576"),
    ],
)
@pytest.mark.evidence("recorded")
def test_values_are_written_as_exported_files_have_them(kind, value, text):
    assert to_text(kind if isinstance(kind, Field) else field(kind), value) == text


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("int", "0"),
        ("date", "1900-01-01 00:00:00"),
        ("datetime", "1900-01-01 00:00:00"),
        ("time", "00:00:00"),
        ("noyes", "No"),
        ("guid", "{00000000-0000-0000-0000-000000000000}"),
        (COLOURS, "None"),
        (OPEN, ""),
    ],
)
def test_a_value_that_was_never_given_is_written_as_the_empty_one(kind, text):
    the_field = kind if isinstance(kind, Field) else field(kind)
    assert to_text(the_field, None) == text
    assert to_text(the_field, convert(the_field, "")[0][0]) == text


def test_values_are_taken_from_where_they_stand_in_a_row():
    fields = [SHORT, field("int"), field("int")]
    converter = Converter(fields, positions=(2, 0, None))
    columns, errors = converter.convert([["1", "ignored", "a"], ["2", "ignored", "bb"]], 1)
    assert [list(column) for column in columns] == [["a", "bb"], [1, 2], [0, 0]]
    assert errors == []


TEXTS = {
    "real": st.decimals(-(10**14), 10**14, places=6).map(str),
    "int": st.integers(-(2**31), 2**31 - 1).map(str),
    "int64": st.integers(-(2**63), 2**63 - 1).map(str),
    "date": st.dates(
        min_value=dt.date(1900, 1, 1),
        max_value=dt.date(2154, 12, 31),
    ).map(str),
    "time": st.integers(0, 86399).map(str),
    "string": st.text(),
}


@pytest.mark.parametrize("kind", TEXTS)
@given(data=st.data())
def test_what_is_exported_reads_as_the_value_that_was_stored(kind, data):
    texts = data.draw(st.lists(TEXTS[kind], min_size=1, max_size=5))
    values, errors = convert(kind, *texts)
    assert errors == []
    written = [to_text(field(kind), value) for value in values]
    assert convert(kind, *written) == (values, [])
