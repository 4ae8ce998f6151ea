"""`catalogue`: showing, importing and learning entities without a server."""

import json
from pathlib import Path

import pytest

from builders import Table, package
from d365fo_emulator import Emulator
from d365fo_emulator.cli.main import run
from metadata_tools import metadata, simple_type

pytestmark = pytest.mark.evidence("documented")

CARDS = Table("Fabrikam cards", ("CARDNUMBER", "ACTIVE", "POINTS"), (("1", "Yes", "2.500000"),))
LIST = "label,aot name,collection\nFabrikam loyalty cards,FabLoyaltyCardEntity,LoyaltyCards\n"


@pytest.fixture(autouse=True)
def in_own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "cache"))
    (tmp_path / "metadata.xml").write_bytes(metadata())
    (tmp_path / "list.csv").write_text(LIST)
    (tmp_path / "cards.zip").write_bytes(package(CARDS))


@pytest.fixture
def catalogue(capsys):
    """Runs the verb: exit code, standard output, standard error."""

    def call(*arguments):
        code = run(["catalogue", *arguments])
        out = capsys.readouterr()
        return code, out.out, out.err

    return call


def write_environment(entities):
    document = {"version": 1, "entities": entities}
    Path("environment.json").write_text(json.dumps(document), "utf-8")


def test_an_entity_is_shown_field_by_field(catalogue):
    code, out, _ = catalogue("show", "customergroups")
    assert code == 0
    rows = [line.split("\t") for line in out.splitlines()]
    assert rows[0] == ["CUSTOMERGROUPID", "string(10)", "key, mandatory", "Customer group", ""]
    assert rows[2][4] == "of PaymentTermEntity.Name"


def test_the_json_of_an_entity_can_stand_in_an_environment_file(catalogue):
    code, out, _ = catalogue("show", "Exchange rates", "--json")
    assert code == 0
    definition = json.loads(out)
    assert definition["order"] == {"unit": 1, "level": 10, "sequence": 20}
    definition.update(name="Own rates", type="OwnRateEntity", collection="OwnRates")
    with Emulator(environment={"version": 1, "entities": [definition]}) as emulator:
        keys = emulator.parts.catalogue.find("Own rates").keys
        assert keys == ("RateTypeName", "FromCurrency", "ToCurrency", "StartDate")


def test_an_unknown_name_is_answered_with_the_nearest(catalogue):
    code, out, err = catalogue("show", "Customer grups")
    assert (code, out) == (1, "")
    assert "no entity is called 'Customer grups'; the nearest are Customer groups" in err


def test_all_entities_are_listed(catalogue):
    code, out, _ = catalogue("show")
    assert code == 0
    assert len(out.splitlines()) == 79
    assert "Customers V3\tCustCustomerV3Entity\tCustomersV3" in out
    document = json.loads(catalogue("show", "--json")[1])
    assert len(document["entities"]) == 79


def test_a_metadata_document_becomes_definitions_that_an_environment_takes(catalogue):
    code, out, err = catalogue("import", "metadata.xml", "--entities", "list.csv")
    assert (code, out) == (0, "2 entities written to metadata.entities.jsonl\n")
    assert "definitions: metadata.entities.jsonl" in err
    write_environment([{"definitions": "metadata.entities.jsonl"}])
    code, out, _ = catalogue("show", "Fabrikam loyalty cards", "--environment", "environment.json")
    assert code == 0
    assert "LEVEL\tenum\t\tLevel\tBasic, Gold" in out
    assert "CUSTOMERGROUPID\tstring" in out
    assert "of CustCustomerGroupEntity.CustomerGroupId" in out


def test_what_is_left_out_of_a_document_is_said(catalogue, tmp_path):
    document = metadata(simple_type("A"), {"As": "A", "Bs": "B"})
    (tmp_path / "metadata.xml").write_bytes(document)
    code, out, err = catalogue("import", "metadata.xml", "--output", "own", "--json")
    assert code == 0
    answer = json.loads(out)
    assert (answer["entities"], len(answer["leftOut"])) == (1, 1)
    assert "left out: Bs: there is no entity type" in err
    assert [path.name for path in (tmp_path / "own").iterdir()] == ["AEntity.json"]


def test_what_is_there_is_not_replaced_unless_told(catalogue, tmp_path):
    (tmp_path / "metadata.entities.jsonl").write_text("mine")
    code, _, err = catalogue("import", "metadata.xml")
    assert code == 2
    assert "is there already: give --force" in err
    assert (tmp_path / "metadata.entities.jsonl").read_text() == "mine"
    assert catalogue("import", "metadata.xml", "--force")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("import", "cards.zip"), "cards.zip, line 1, column 3: no metadata document"),
        (("import", "metadata.xml", "--entities", "cards.zip"), "cannot be read"),
        (("learn", "metadata.xml"), "zip"),
        (("show", "--environment", "no.yaml"), "cannot be read"),
        (("import", "no.xml"), "no.xml: cannot be read"),
        (("import", "metadata.xml", "--entities", "no.csv"), "no.csv: cannot be read"),
        (("learn", "no.zip"), "there is no file no.zip"),
        (("learn",), "Missing argument"),
    ],
)
def test_what_cannot_be_read_is_refused(catalogue, arguments, said):
    code, out, err = catalogue(*arguments)
    assert (code, out) == (2, "")
    assert said in err


def test_entities_are_learnt_from_a_package_with_marks(catalogue):
    code, out, _ = catalogue("learn", "cards.zip", "--output", "own.jsonl")
    assert (code, out) == (0, "1 entity written to own.jsonl\n")
    (line,) = Path("own.jsonl").read_text("utf-8").splitlines()
    definition = json.loads(line)
    assert definition["keys"] == ["CARDNUMBER"]
    assert definition["evidence"]["keys"] == "inferred"
    assert [field.get("type") for field in definition["fields"]] == [None, "noyes", "real"]
    assert {field["evidence"] for field in definition["fields"]} == {"inferred"}
    with Emulator(environment={"version": 1, "entities": [{"definitions": "own.jsonl"}]}) as one:
        assert len(one.rows("Fabrikam cards", company="USMF")) == 0


def test_what_is_known_already_is_not_learnt_again(catalogue):
    catalogue("learn", "cards.zip", "--output", "own.jsonl")
    write_environment([{"definitions": "own.jsonl"}])
    code, out, _ = catalogue("learn", "cards.zip", "--environment", "environment.json")
    assert (code, out) == (0, "nothing to learn: every entity and every column is known\n")


def test_packages_of_one_entity_are_joined(catalogue, tmp_path):
    more = Table("Fabrikam cards", ("CARDNUMBER", "LEVEL"), (("1", "Gold"),))
    (tmp_path / "more.zip").write_bytes(package(more))
    code, out, _ = catalogue("learn", "cards.zip", "more.zip")
    assert code == 0
    assert out == "Fabrikam cards\tFabrikamCardsEntity\tnew\t4\tCARDNUMBER\n"


def test_a_composite_is_shown(catalogue):
    entry = {"name": "Both", "type": "BothEntity", "composite": {
        "entity": "SalesOrderHeaderV2Entity", "children": ["SalesOrderLineV2Entity"]}}  # fmt: skip
    write_environment([entry])
    document = json.loads(catalogue("show", "both", "--environment", "environment.json")[1])
    assert document["composite"]["children"][0]["entity"] == "SalesOrderLineV2Entity"
    assert (
        "Both\tBothEntity\t(composite)" in catalogue("show", "--environment", "environment.json")[1]
    )
