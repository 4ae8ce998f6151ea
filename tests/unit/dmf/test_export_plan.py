"""Which fields, names, files and rows an export has; pure rules."""

from __future__ import annotations

import dataclasses

import pytest

from d365fo_emulator.dmf.export_plan import (
    chosen_entities,
    exported_maps,
    filter_values,
    query_of,
    reads_changes,
    written_as,
)
from d365fo_emulator.dmf.model import RunOptions
from d365fo_emulator.entities.model import EntityType, Field, FieldType, Origin
from d365fo_emulator.packages.formats.registry import STANDARD
from d365fo_emulator.packages.model import FieldMap, PackageEntity, RowFilter

RATE = Field("RateType", "RATETYPE", FieldType.STRING, "Rate type")
START = Field("StartDate", "STARTDATE", FieldType.DATE, "Start date")
END = Field("EndDate", "ENDDATE", FieldType.DATE, "End date", read_only=True)
FIXED = Field("IsFixed", "ISFIXED", FieldType.NOYES, "Fixed")
COMPANY = Field("DATAAREAID", "DATAAREAID", FieldType.STRING, "Company", origin=Origin.LEARNT)
RATES = EntityType(
    label="Exchange rates",
    name="ExchangeRateEntity",
    collection="ExchangeRates",
    staging="ExchangeRateStaging",
    per_company=True,
    keys=("StartDate", "RateType"),
    fields=(END, FIXED, RATE, START, COMPANY),
)
CSV = STANDARD.find("CSV")


def plan(*maps, **more):
    return PackageEntity("Exchange rates", "", "CSV", maps or None, "ExchangeRateEntity", **more)


@pytest.mark.evidence("recorded")
def test_without_maps_all_fields_are_written_but_no_company_column():
    names = list(exported_maps(plan(), RATES))
    assert names == ["STARTDATE", "RATETYPE", "ENDDATE", "ISFIXED"]


@pytest.mark.evidence("inferred")
def test_maps_name_the_columns_and_those_of_no_field_write_nothing():
    maps = exported_maps(
        plan(
            FieldMap("ratetype", "Kind"),
            FieldMap("DATAAREAID", "Company"),
            FieldMap("NOTHING", "NOTHING"),
            FieldMap("STARTDATE", "", auto_generated=True),
        ),
        RATES,
    )
    assert [(name, one.xml_field) for name, one in maps.items()] == [
        ("STARTDATE", "STARTDATE"),
        ("RATETYPE", "Kind"),
        ("DATAAREAID", "Company"),
    ]
    assert not any(one.auto_generated for one in maps.values())


@pytest.mark.evidence("recorded")
def test_a_read_only_field_is_in_the_file_and_not_in_the_map_of_the_package():
    written = written_as(plan(), RATES, CSV, ())
    assert [one.entity_field for one in written.maps] == ["ISFIXED", "RATETYPE", "STARTDATE"]
    assert (written.file_name, written.target_entity) == ("Exchange rates.csv", RATES.name)


@pytest.mark.evidence("inferred")
def test_a_file_name_that_is_taken_gets_a_number():
    taken = {"exchange rates.csv", "exchange rates_1.csv"}
    assert written_as(plan(), RATES, CSV, taken).file_name == "Exchange rates_2.csv"


@pytest.mark.evidence("documented")
@pytest.mark.parametrize(
    ("refresh_type", "changes_only", "expected"),
    [
        ("FullPush", False, False),
        ("FullPush", True, True),
        ("IncrementalPush", False, True),
        ("IncrementalPush", True, True),
        ("", False, False),
    ],
)
def test_changes_are_asked_for_by_the_call_or_the_refresh_type(
    refresh_type, changes_only, expected
):
    options = RunOptions(changes_only=changes_only)
    assert reads_changes(plan(refresh_type=refresh_type), options) is expected


@pytest.mark.evidence("inferred")
def test_a_filter_on_a_types_empty_value_finds_rows_that_were_never_given_one():
    filters = (RowFilter("ISFIXED", ("No",)), RowFilter("RATETYPE", ("a", "b")))
    query = query_of(plan(filters=filters), RATES, "USMF", 7)
    assert query.where == ((FIXED, ("No", None)), (RATE, ("a", "b")))
    assert (query.company, query.changed_after) == ("USMF", 7)
    shared = dataclasses.replace(RATES, per_company=False)
    assert query_of(plan(), shared, "USMF", 0).company is None


@pytest.mark.evidence("inferred")
def test_a_filter_value_that_its_field_cannot_have_is_refused():
    with pytest.raises(ValueError, match="soon"):
        filter_values(START, ["soon"])


COMMAS = PackageEntity("Terms, delivery, and more", "", "CSV", None)
GROUPS = PackageEntity("Customer groups", "", "CSV", None, "CustCustomerGroupEntity")
ALL = (COMMAS, GROUPS)


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize(
    ("names", "chosen", "unknown"),
    [
        ("", ALL, ()),
        (" , ", ALL, ()),
        ("customer GROUPS", (GROUPS,), ()),
        ("Customer groups,Terms, delivery, and more", ALL, ()),
        ("Terms,delivery,and more", (COMMAS,), ()),
        ("Terms, Customer groups", (GROUPS,), ("Terms",)),
        ("None,,Nobody", (), ("None", "Nobody")),
    ],
)
def test_a_list_of_labels_is_read_though_labels_hold_commas(names, chosen, unknown):
    assert chosen_entities(ALL, names) == (chosen, unknown)
