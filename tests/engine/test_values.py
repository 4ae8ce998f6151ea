"""Values on their way from a file to the target: conversions, defaults, cultures, spellings."""

from __future__ import annotations

import dataclasses

import pytest

from builders import CUSTOMER_GROUPS, Map, Table, conversion, package
from job_tools import ENVIRONMENT, GROUPS

AUTO_DEFAULT = frozenset({"IsAutoDefault"})
KEEPS = frozenset({"IsDefaultValueEqualNull"})


def imported(client, *tables):
    """The id of an import that has succeeded."""
    execution = client.import_package(package(*tables))
    assert client.poll(execution)[-1] == "Succeeded", client.errors(execution)
    return execution


def groups(view, field="Description"):
    return {key: row[field] for key, row in view.rows(GROUPS, company="USMF").items()}


@pytest.mark.evidence("documented")
def test_values_are_converted_and_blanks_take_the_default_as_the_manifest_says(job):
    view, client = job
    pairs = conversion("W", "Wholesale") + conversion("", "Other", is_default=True)
    maps = (
        Map("CUSTOMERGROUPID", "Code"),
        Map("DESCRIPTION", "Text", conversions=pairs),
        Map(
            "PAYMENTTERMID",
            "",
            AUTO_DEFAULT,
            conversion("", "Net30", is_default=True),
        ),
    )
    rows = (("10", "w"), ("20", ""), ("30", "Retail"))
    imported(client, Table(GROUPS, ("Code", "Text"), rows, maps=maps))
    assert groups(view) == {"10": "Wholesale", "20": "Other", "30": "Other"}
    assert set(groups(view, "PaymentTermId").values()) == {"Net30"}


@pytest.mark.evidence("inferred")
def test_a_blank_cell_empties_the_target_unless_its_map_keeps_what_is_there(job):
    view, client = job
    imported(client, CUSTOMER_GROUPS)
    blank = (("10", ""),)
    maps = (Map("CUSTOMERGROUPID", "CUSTOMERGROUPID"), Map("DESCRIPTION", "DESCRIPTION", KEEPS))
    imported(client, Table(GROUPS, CUSTOMER_GROUPS.columns, blank, maps=maps))
    assert groups(view)["10"] == "Wholesale"
    imported(client, Table(GROUPS, CUSTOMER_GROUPS.columns, blank))
    assert groups(view)["10"] == ""


RATES = ("RATETYPENAME", "FROMCURRENCY", "TOCURRENCY", "STARTDATE", "RATE")
GERMAN = {
    "name": "German",
    "kind": "delimited",
    "delimiter": "semicolon",
    "culture": {"name": "de-DE"},
}


@pytest.mark.evidence("recorded")
@pytest.mark.parametrize(
    ("source_format", "separator", "date", "rate", "expected"),
    [
        ("CSV", ",", "02/03/2025", "1.5", ("2025-02-03", 1.5)),
        ("German", ";", "02/03/2025", "1,5", ("2025-03-02", 1.5)),
        ("German", ";", "2025-02-03", "1.000", ("2025-02-03", 1000.0)),
    ],
)
def test_dates_and_numbers_are_read_in_the_culture_of_the_data_source(
    job_of, source_format, separator, date, rate, expected
):
    view, client = job_of(ENVIRONMENT | {"dataSources": [GERMAN]})
    # One column for the writer of the test's files, which parts columns by commas.
    columns = RATES if separator == "," else (separator.join(RATES),)
    row = ("Default", "EUR", "USD", date, rate)
    maps = tuple(Map(name, name) for name in RATES)
    rows = (row if separator == "," else (separator.join(row),),)
    table = Table("Exchange rates", columns, rows, maps=maps, source_format=source_format)
    imported(client, table)
    (found,) = view.rows("Exchange rates").values()
    assert (found["StartDate"], found["Rate"]) == expected


@pytest.mark.evidence("inferred")
def test_how_enumerations_were_spelt_is_said_once_per_field(job):
    view, client = job
    table = Table(
        "Customers V3",
        ("CUSTOMERACCOUNT", "ONHOLDSTATUS", "CREDITLIMITISMANDATORY"),
        (("C1", "All", "1"), ("C2", "2", "true"), ("C3", "1", "Yes"), ("C4", "", "0")),
    )
    execution = client.import_package(package(CUSTOMER_GROUPS, table))
    client.poll(execution)
    reason = view.executions[execution].document["reason"]
    assert "2 values of ONHOLDSTATUS were numbers of their enumeration, not symbols" in reason
    assert "2 values of CREDITLIMITISMANDATORY were numbers" in reason
    assert "1 values of CREDITLIMITISMANDATORY were labels" in reason


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize(
    ("setting", "state", "kept"), [("fail", "PartiallySucceeded", 0), ("cut", "Succeeded", 60)]
)
def test_a_text_that_is_too_long_fails_its_row_or_is_cut(open_job, setting, state, kept):
    view, client = open_job(settings={"textTooLong": setting})
    rows = (("10", "ok"), ("20", "x" * 300))
    execution = client.import_package(package(Table(GROUPS, CUSTOMER_GROUPS.columns, rows)))
    assert client.poll(execution)[-1] == state
    assert groups(view) == {"10": "ok"} | ({"20": "x" * kept} if kept else {})


@pytest.mark.evidence("inferred")
def test_an_export_in_another_culture_and_time_zone_is_imported_unchanged(job_of):
    zone = {"name": "de-DE", "timeZone": "Europe/Berlin"}
    project = {
        "name": "Out",
        "operation": "Export",
        "entities": [{"entity": "Exchange rates", "format": "German"}],
    }
    view, client = job_of(
        ENVIRONMENT | {"dataSources": [GERMAN | {"culture": zone}], "dataProjects": [project]}
    )
    imported(client, Table("Exchange rates", RATES, (("Default", "EUR", "USD", "2/3/2025", ".5"),)))
    execution = client.export(definitionGroupId="Out")
    assert client.poll(execution)[-1] == "Succeeded"
    assert client.poll(client.import_package(client.exported(execution)))[-1] == "Succeeded"
    (row,) = view.rows("Exchange rates").values()
    assert (row["StartDate"], row["Rate"]) == ("2025-02-03", 0.5)
    assert view.executions[execution].entities[0]["sourceRecords"] == 1


@pytest.mark.evidence("documented")
def test_auto_generated_fields_are_numbered_from_import_to_import(job):
    view, client = job
    generated = Map("CUSTOMERGROUPID", "CUSTOMERGROUPID", frozenset({"IsAutoGenerated"}))
    maps = (generated, Map("DESCRIPTION", "DESCRIPTION"))
    with_column = Table(GROUPS, CUSTOMER_GROUPS.columns, (("Auto", "One"), ("Auto", "Two")))
    imported(client, dataclasses.replace(with_column, maps=maps))
    without = Table(GROUPS, ("DESCRIPTION",), (("Three",),), maps=maps)
    imported(client, without)
    numbers = ["000001", "000002", "000003"]  # ten characters do not hold the company too
    assert groups(view) == dict(zip(numbers, ("One", "Two", "Three"), strict=True))


@pytest.mark.evidence("inferred")
def test_a_blank_account_takes_a_number_where_the_catalogue_knows_of_a_sequence(job):
    view, client = job
    columns = ("CUSTOMERACCOUNT", "CUSTOMERGROUPID", "SALESCURRENCYCODE")
    rows = (("C1", "10", "USD"), ("", "10", "USD"), ("", "20", "USD"))
    imported(client, CUSTOMER_GROUPS, Table("Customers V3", columns, rows))
    customers = view.rows("Customers V3", company="USMF")
    assert list(customers) == ["C1", "USMF-000001", "USMF-000002"]


@pytest.mark.evidence("inferred")
def test_rows_without_a_key_fail_one_by_one_and_not_as_duplicates(job):
    view, client = job
    rows = (("", "One"), ("20", "Two"), ("", "Three"))
    execution = client.import_package(package(Table(GROUPS, CUSTOMER_GROUPS.columns, rows)))
    assert client.poll(execution)[-1] == "PartiallySucceeded"
    assert [error["RecordId"] for error in client.errors(execution)] == ["1", "3"]
    assert groups(view) == {"20": "Two"}


@pytest.mark.evidence("documented")
def test_without_business_validations_related_values_and_blanks_are_not_looked_at(job):
    view, client = job
    imported(client, CUSTOMER_GROUPS)
    columns = ("CUSTOMERACCOUNT", "CUSTOMERGROUPID", "SALESCURRENCYCODE")
    table = Table("Customers V3", columns, (("C1", "Nowhere", ""),))
    execution = client.import_package(package(table))
    assert client.poll(execution)[-1] != "Succeeded"
    imported(client, dataclasses.replace(table, unflagged=frozenset({"RunBusinessValidation"})))
    assert list(view.rows("Customers V3", company="USMF")) == ["C1"]


@pytest.mark.evidence("inferred")
def test_rows_that_came_earlier_in_the_same_run_can_be_referred_to(open_job):
    view, client = open_job(settings={"references": "strict"})
    columns = ("CUSTOMERACCOUNT", "CUSTOMERGROUPID", "SALESCURRENCYCODE")
    customers = Table("Customers V3", columns, (("C1", "10", "USD"),), place=(1, 3, 1))
    currencies = Table("Currencies", ("CURRENCYCODE", "NAME"), (("USD", "Dollar"),))
    late = dataclasses.replace(CUSTOMER_GROUPS, place=(1, 4, 1))
    execution = client.import_package(package(currencies, late, customers))
    assert client.poll(execution)[-1] != "Succeeded"
    assert "not found in the related table" in client.errors(execution)[0]["ErrorMessage"]
    imported(client, currencies, CUSTOMER_GROUPS, customers)
    assert list(view.rows("Customers V3", company="USMF")) == ["C1"]


@pytest.mark.evidence("inferred")
def test_letter_case_of_keys_makes_no_other_row(job):
    view, client = job
    imported(client, Table(GROUPS, CUSTOMER_GROUPS.columns, (("Abc", "One"),)))
    execution = imported(client, Table(GROUPS, CUSTOMER_GROUPS.columns, (("aBC", "Two"),)))
    (entity,) = view.executions[execution].entities
    assert (entity["targetRecordsCreated"], entity["targetRecordsUpdated"]) == (0, 1)
    assert groups(view) == {"Abc": "Two"}
    twice = Table(GROUPS, CUSTOMER_GROUPS.columns, (("x", "One"), ("X", "Two")))
    assert client.poll(client.import_package(package(twice)))[-1] == "Failed"


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize(
    "text", ["\u05e9\u05dc\u05d5\u05dd \u202babc\u202c", "\U0001f600 e\u0301", "a\x1fb\x01"]
)
def test_unusual_characters_stay_as_they_came(job, text):
    view, client = job
    imported(client, Table(GROUPS, CUSTOMER_GROUPS.columns, ((f"K{text[:5]}", text),)))
    assert groups(view) == {f"K{text[:5]}": text}


@pytest.mark.evidence("inferred")
def test_new_rows_take_the_defaults_of_fields_that_their_file_does_not_have(job_of):
    cards = {
        "name": "Loyalty cards",
        "type": "LoyaltyCardEntity",
        "collection": "LoyaltyCards",
        "keys": ["CardNumber"],
        "fields": [
            {"name": "CardNumber", "size": 20},
            {"name": "Points", "type": "int", "mandatory": True, "default": "100"},
            {"name": "Tier", "default": "Basic"},
        ],
    }
    view, client = job_of(ENVIRONMENT | {"entities": [cards]})
    imported(client, Table("Loyalty cards", ("CARDNUMBER", "TIER"), (("1", "Gold"),)))
    imported(client, Table("Loyalty cards", ("CARDNUMBER", "POINTS"), (("1", "5"), ("2", "7"))))
    rows = {row["CardNumber"]: row for row in view.rows("Loyalty cards").values()}
    assert (rows["1"]["Points"], rows["1"]["Tier"]) == (5, "Gold")
    assert (rows["2"]["Points"], rows["2"]["Tier"]) == (7, "Basic")
    imported(client, Table("Loyalty cards", ("CARDNUMBER",), (("1",), ("3",))))
    rows = {row["CardNumber"]: row for row in view.rows("Loyalty cards").values()}
    assert (rows["1"]["Points"], rows["3"]["Points"]) == (5, 100)
