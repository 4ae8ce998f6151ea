"""Numbers, dates and times as cultures spell them, and nothing lost between file and store."""

import datetime as dt
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from d365fo_emulator.entities.conversion import Converter, to_text
from d365fo_emulator.entities.culture import ENGLISH, Culture
from d365fo_emulator.entities.model import Field, FieldType

pytestmark = pytest.mark.evidence("inferred")

GERMAN = Culture("de-DE", "dmy", ",", ".", "Europe/Berlin")
CULTURES = {
    "english": ENGLISH,
    "german": GERMAN,
    "french": Culture("fr-FR", "dmy", ",", "\u202f", "Europe/Paris"),
    "swiss": Culture("de-CH", "dmy", ".", "\u2019", "Europe/Zurich"),
    "swedish": Culture("sv-SE", "ymd", ",", "", "Europe/Stockholm"),
    "american": Culture("en-US", "mdy", ".", ",", "America/New_York"),
    "nepali": Culture("ne-NP", "ymd", ".", ",", "Asia/Kathmandu"),
}


def field(kind, **more):
    return Field("TheField", "THEFIELD", FieldType(kind), "The field", **more)


def convert(the_field, culture, *texts):
    columns, errors = Converter([the_field], culture=culture).convert([[t] for t in texts], 1)
    return list(columns[0]), errors


@pytest.mark.parametrize(
    ("culture", "text", "value"),
    [
        ("german", "1,5", 1.5),
        ("german", "1.234", 1234.0),
        ("german", "1.234.567,25", 1234567.25),
        ("german", "-,5", -0.5),
        ("german", "12.250000", 12.25),
        ("german", ".500000", 0.5),
        ("french", "1\u202f234,5", 1234.5),
        ("swiss", "1\u2019234.5", 1234.5),
        ("swedish", "1234,5", 1234.5),
        ("american", "1,234.5", 1234.5),
    ],
)
def test_decimals_and_groups_are_parted_as_the_culture_says(culture, text, value):
    assert convert(field("real"), CULTURES[culture], text) == ([value], [])


@pytest.mark.parametrize(
    ("culture", "text"),
    [
        ("english", "1,5"),
        ("german", "1,2,3"),
        ("german", "1.23.456"),
        ("swedish", "1 234"),
        ("french", "1.234,5"),
    ],
)
def test_a_number_of_another_culture_fails_the_load(culture, text):
    values, errors = convert(field("real"), CULTURES[culture], text)
    assert values == [None]
    assert errors[0].message.startswith("DMF2018")


@pytest.mark.evidence("recorded")
def test_an_ambiguous_date_is_read_in_the_order_of_the_culture():
    date = field("date")
    assert convert(date, ENGLISH, "02/03/2025")[0] == ["2025-02-03"]
    assert convert(date, GERMAN, "02/03/2025", "2.3.2025")[0] == ["2025-03-02", "2025-03-02"]
    assert convert(date, CULTURES["swedish"], "2025/2/3")[0] == ["2025-02-03"]


@pytest.mark.parametrize("text", ["31/12/2024", "2024.12.31", "1-2.2024", "12/31/24"])
def test_a_date_in_another_order_or_form_fails_the_load(text):
    assert convert(field("date"), ENGLISH, text)[1][0].message.startswith("DMF2016")


@pytest.mark.parametrize("culture", CULTURES.values(), ids=CULTURES)
def test_iso_dates_are_taken_in_every_culture_and_dates_have_no_zone(culture):
    texts = ("2024-02-03", "2024-02-03T00:00:00", "2024-02-03 23:59:59")
    assert convert(field("date"), culture, *texts) == (["2024-02-03"] * 3, [])


@pytest.mark.evidence("recorded")
@pytest.mark.parametrize(
    ("local", "utc"),
    [
        ("2024-01-15 12:00:00", "2024-01-15 11:00:00"),
        ("2024-07-15 12:00:00", "2024-07-15 10:00:00"),
        ("15.07.2024 00:30", "2024-07-14 22:30:00"),
        ("2024-07-15T12:00:00Z", "2024-07-15 12:00:00"),
        ("2024-07-15T12:00:00+05:00", "2024-07-15 07:00:00"),
        ("2024-10-27 02:30:00", "2024-10-27 00:30:00"),
        ("2024-03-31 02:30:00", "2024-03-31 01:30:00"),
        ("", "1900-01-01 00:00:00"),
        ("1900-01-01 00:00:00", "1900-01-01 00:00:00"),
    ],
)
def test_points_in_time_without_an_offset_are_in_the_zone_of_the_culture(local, utc):
    assert convert(field("datetime"), GERMAN, local) == ([utc], [])


def test_a_time_that_clocks_show_twice_is_written_in_utc():
    moment = field("datetime")
    assert to_text(moment, "2024-10-27 00:30:00", GERMAN) == "2024-10-27 02:30:00"
    assert to_text(moment, "2024-10-27 01:30:00", GERMAN) == "2024-10-27 01:30:00Z"


@pytest.mark.parametrize(
    "wrong",
    [
        {"date_order": "ydm"},
        {"decimal_separator": ""},
        {"decimal_separator": ","},
        {"group_separator": "5"},
        {"group_separator": "::"},
        {"time_zone": "Mars/Olympus"},
        {"time_zone": "../etc/passwd"},
    ],
)
def test_a_culture_that_cannot_part_values_is_refused(wrong):
    with pytest.raises(ValueError, match=re.escape(repr(next(iter(wrong.values())))) + "|one char"):
        Culture(**wrong)


VALUES = {
    "real": st.decimals(-(10**9), 10**9, places=6).map(float),
    "int": st.integers(-(2**31), 2**31 - 1),
    "int64": st.integers(-(2**63), 2**63 - 1),
    "date": st.dates(dt.date(1900, 1, 1), dt.date(2154, 12, 31)).map(str),
    "datetime": st.datetimes(
        dt.datetime.fromisoformat("1900-01-01"),
        dt.datetime.fromisoformat("2154-12-31 23:59:59"),
    ).map(lambda moment: moment.replace(microsecond=0).isoformat(sep=" ")),
    "time": st.integers(0, 86399),
    "noyes": st.sampled_from(["Yes", "No"]),
    "guid": st.uuids().map(lambda guid: "{" + str(guid).upper() + "}"),
    "string": st.text(),
}
FIELDS = [field(kind) for kind in VALUES]


@pytest.mark.parametrize("culture", CULTURES.values(), ids=CULTURES)
@given(table=st.lists(st.tuples(*VALUES.values()), min_size=1, max_size=5))
def test_any_table_that_is_written_is_read_as_the_same_table(culture, table):
    texts = [
        [to_text(one, value, culture) for one, value in zip(FIELDS, row, strict=True)]
        for row in table
    ]
    columns, errors = Converter(FIELDS, culture=culture).convert(texts, 1)
    assert errors == []
    assert list(zip(*columns, strict=True)) == table


@pytest.mark.parametrize("culture", CULTURES.values(), ids=CULTURES)
@pytest.mark.parametrize("decimals", [1, 2, 3, 6, 16])
@given(number=st.integers(-(10**9), 10**9))
def test_reals_of_any_number_of_digits_are_read_as_they_were_written(culture, decimals, number):
    real = field("real", decimals=decimals)
    value = round(number / 10**decimals, decimals)
    assert convert(real, culture, to_text(real, value, culture)) == ([value], [])
