"""What an environment file describes is there when the emulator answers; what cannot be is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from d365fo_emulator import Emulator
from d365fo_emulator.kernel.errors import ConfigurationError

PACKAGES = Path(__file__).resolve().parents[3] / "fixtures" / "packages"

CARDS = {
    "name": "Fabrikam loyalty cards",
    "collection": "FabrikamLoyaltyCards",
    "type": "FabrikamLoyaltyCardEntity",
    "keys": ["CardNumber"],
    "fields": [{"name": "CardNumber", "size": 5}, {"name": "IssuedOn", "type": "date"}],
}


def environment(**parts):
    return {"version": 1, **parts}


def groups(rows, company="USMF"):
    return environment(data=[{"entity": "Customer groups", "company": company, "rows": rows}])


@pytest.mark.evidence("inferred")
def test_rows_of_a_file_are_there_with_types_and_in_their_company_alone():
    row = {"CUSTOMERGROUPID": "10", "ISSALESTAXINCLUDEDINPRICE": "Yes"}
    with Emulator(environment=groups([row], "usmf")) as emulator:
        found = emulator.rows("Customer groups", company="USMF")["10"]
        assert found["IsSalesTaxIncludedInPrice"] == "Yes"
        assert len(emulator.rows("Customer groups", company="DEMF")) == 0


@pytest.mark.evidence("inferred")
def test_a_package_of_a_file_is_imported_before_the_first_request():
    package = str(PACKAGES / "customers-with-groups.zip")
    described = environment(data=[{"package": package, "company": "USMF"}])
    with Emulator(environment=described) as emulator:
        assert len(emulator.rows("Customer groups", company="USMF")) == 4
        assert len(emulator.rows("Customers V3", company="USMF")) == 3
        assert len(emulator.executions) == 0, "no client has asked for an import"


@pytest.mark.evidence("inferred")
def test_an_entity_of_a_file_is_known_with_its_fields():
    row = {"CARDNUMBER": "A1", "ISSUEDON": "2026-01-31"}
    described = environment(
        entities=[CARDS], data=[{"entity": CARDS["name"], "company": "USMF", "rows": [row]}]
    )
    with Emulator(environment=described) as emulator:
        rows = emulator.rows("FabrikamLoyaltyCards", company="USMF")
        assert rows["A1"]["IssuedOn"] == "2026-01-31"


@pytest.mark.evidence("inferred")
def test_fields_that_a_package_brings_can_be_learnt_without_its_rows():
    described = environment(entities=[{"package": str(PACKAGES / "currencies.zip")}])
    with Emulator(environment=described) as emulator:
        assert len(emulator.rows("Currencies")) == 0


WRONG = {
    "a field that the entity has not": (
        groups([{"CUSTOMERGROUP": "10"}]),
        "has no field 'CUSTOMERGROUP'",
    ),
    "a value that its field cannot hold": (
        groups([{"CUSTOMERGROUPID": "10", "ISSALESTAXINCLUDEDINPRICE": "Perhaps"}]),
        "Customer groups, row 1",
    ),
    "an entity that nobody knows": (
        environment(data=[{"entity": "Customer group", "company": "USMF", "rows": []}]),
        "no entity is called 'Customer group'; the nearest are Customer groups",
    ),
    "rows of a company's entity without the company": (
        environment(data=[{"entity": "Customer groups", "rows": [{"CUSTOMERGROUPID": "1"}]}]),
        "name a company",
    ),
    "a package that the service refuses": (
        environment(data=[{"package": str(PACKAGES / "broken-no-header.zip"), "company": "USMF"}]),
        "broken-no-header.zip: the zip has no file of this name",
    ),
    "a package whose rows cannot be stored": (
        environment(data=[{"package": str(PACKAGES / "broken-ragged-row.zip"), "company": "USMF"}]),
        "broken-ragged-row.zip: nothing could be written",
    ),
    "a key that is no field": (
        environment(entities=[{**CARDS, "keys": ["Number"]}]),
        "has no field 'Number' for its key",
    ),
    "a project of an entity that nobody knows": (
        environment(
            dataProjects=[
                {"name": "x", "operation": "Export", "entities": [{"entity": "X", "format": "CSV"}]}
            ]
        ),
        "no entity is called 'X'",
    ),
}


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize("case", WRONG)
def test_the_emulator_does_not_start_with(case):
    described, said = WRONG[case]
    with pytest.raises(ConfigurationError) as refused:
        Emulator(environment=described).start()
    assert said in str(refused.value)
