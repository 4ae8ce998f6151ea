"""`package new` and `package show`: what they make, what they say, what they refuse."""

import json
import shutil
import zipfile
from pathlib import Path
from typing import NamedTuple

import pytest
from openpyxl import Workbook, load_workbook

from d365fo_emulator import Emulator
from d365fo_emulator.cli.main import run
from job_tools import Client

pytestmark = pytest.mark.evidence("client")
PACKAGES = Path(__file__).parents[2] / "fixtures" / "packages"
GROUPS = 'CustomerGroupId;Description\n10;Größe\n20;"Re;tail"\n'


class Imported(NamedTuple):
    state: str
    entities: list
    rows: dict
    errors: list


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def make(capsys, *arguments, code=0):
    assert run(["package", "new", *arguments]) == code
    return capsys.readouterr()


def show(capsys, *arguments, code=0):
    assert run(["package", "show", *arguments]) == code
    return capsys.readouterr()


def imported(path):
    """The package imported as it is: its state, entities in order, rows, texts of errors."""
    with Emulator() as emulator:
        client = Client(emulator.client_config())
        client.poll(client.import_package(path.read_bytes()))
        execution = emulator.executions.only()
        entities = [one["entity"] for one in execution.entities]
        rows = {label: dict(emulator.rows(label, company="USMF").items()) for label in entities}
        return Imported(
            execution.state, entities, rows, [one["message"] for one in execution.errors]
        )


def test_a_file_that_no_format_fits_is_rewritten_and_imports_whole(folder, capsys):
    (folder / "g.csv").write_text(GROUPS, "utf-8")
    said = make(capsys, "Customer groups=g.csv", "--output", "g.zip")
    assert "g.csv: delimited, utf-8, parted by ';'" in said.err
    assert "rewritten as CSV-Unicode: its values are parted by ';'" in said.out
    result = imported(folder / "g.zip")
    assert result.state == "Succeeded"
    assert result.rows["Customer groups"]["10"]["Description"] == "Größe"
    assert result.rows["Customer groups"]["20"]["Description"] == "Re;tail"


def test_a_file_that_fits_is_taken_byte_for_byte(folder, capsys):
    content = "CUSTOMERGROUPID,DESCRIPTION\r\n10,Größe der Gruppe\r\n".encode("cp1252")
    (folder / "Customer groups.csv").write_bytes(content)
    make(capsys, "Customer groups.csv", "--output", "g.zip")
    with zipfile.ZipFile("g.zip") as package:
        assert package.read("Customer groups.csv") == content
    assert imported(folder / "g.zip").rows["Customer groups"]["10"]["Description"] == (
        "Größe der Gruppe"
    )


def test_entities_come_after_those_that_they_refer_to(folder, capsys):
    (folder / "Customers V3.csv").write_text(
        "CUSTOMERACCOUNT,CUSTOMERGROUPID,ORGANIZATIONNAME,SALESCURRENCYCODE\n"
        "A,10,Ann,USD\nB,99,Bob,USD\n"
    )
    (folder / "Customer groups.csv").write_text("CUSTOMERGROUPID,DESCRIPTION\n10,Ten\n")
    make(capsys, "Customers V3.csv", "Customer groups.csv", "--output", "p.zip")
    result = imported(folder / "p.zip")
    assert result.entities == ["Customer groups", "Customers V3"]
    assert set(result.rows["Customers V3"]) == {"A"}
    assert "'99' in field 'Customer group' is not found" in result.errors[0]


def test_a_workbook_of_several_sheets_brings_an_entity_of_each(folder, capsys):
    workbook = Workbook()
    groups = workbook.active
    groups.title = "Customer_groups"
    groups.append(["CUSTOMERGROUPID", "DESCRIPTION"])
    groups.append(["10", "Ten"])
    currencies = workbook.create_sheet("Currencies")
    currencies.append(["CURRENCYCODE", "NAME"])
    currencies.append(["EUR", "Euro"])
    workbook.create_sheet("Notes").append(["nothing"])
    workbook.save(folder / "all.xlsx")
    said = make(capsys, "all.xlsx", "--output", "p.zip")
    assert "no entity has a sheet 'Notes'; it is left out" in said.err
    result = imported(folder / "p.zip")
    assert result.state == "Succeeded"
    assert result.rows["Currencies"]["EUR"]["Name"] == "Euro"
    assert result.rows["Customer groups"]["10"]["Description"] == "Ten"


def test_a_format_that_was_asked_for_is_written(folder, capsys):
    (folder / "g.csv").write_text(GROUPS, "utf-8")
    make(capsys, "Customer groups=g.csv", "--output", "g.zip", "--format", "excel")
    with zipfile.ZipFile("g.zip") as package, package.open("Customer groups.xlsx") as file:
        values = [[cell.value for cell in row] for row in load_workbook(file).active]
    assert values == [["CustomerGroupId", "Description"], ["10", "Größe"], ["20", "Re;tail"]]
    assert imported(folder / "g.zip").state == "Succeeded"


def test_xml_is_taken_as_it_stands(folder, capsys):
    (folder / "Customer groups.xml").write_text(
        "<Document><CUSTCUSTOMERGROUPENTITY><CUSTOMERGROUPID>10</CUSTOMERGROUPID>"
        "<DESCRIPTION>Ten</DESCRIPTION></CUSTCUSTOMERGROUPENTITY></Document>"
    )
    make(capsys, "Customer groups.xml", "--output", "g.zip")
    assert imported(folder / "g.zip").rows["Customer groups"]["10"]["Description"] == "Ten"


def test_xml_whose_rows_have_attributes_alone_is_told_apart(folder, capsys):
    (folder / "Customer groups.xml").write_text(
        '<Document xmlns:x="urn:x"><CustCustomerGroupEntity CUSTOMERGROUPID="10" xmlns:y="urn:y"/>'
        '<CUSTCUSTOMERGROUPENTITY CUSTOMERGROUPID="20" DESCRIPTION="Twenty" COLOUR="red"/>'
        "</Document>"
    )
    said = make(capsys, "Customer groups.xml", "--output", "g.zip")
    assert "no field is called COLOUR: not mapped" in said.out
    (listed,) = json.loads(show(capsys, "g.zip", "--json").out)["entities"]
    assert (listed["sourceFormat"], listed["rows"]) == ("XML-Attribute", 2)
    assert [one["field"] for one in listed["maps"]] == ["CUSTOMERGROUPID", "DESCRIPTION"]
    rows = imported(folder / "g.zip").rows["Customer groups"]
    assert rows["20"]["Description"] == "Twenty"


def test_a_field_that_the_first_row_lacks_is_mapped_too(folder, capsys):
    (folder / "Customer groups.xml").write_text(
        "<Document><CUSTCUSTOMERGROUPENTITY><CUSTOMERGROUPID>10</CUSTOMERGROUPID>"
        "</CUSTCUSTOMERGROUPENTITY><CUSTCUSTOMERGROUPENTITY><CUSTOMERGROUPID>20</CUSTOMERGROUPID>"
        "<DESCRIPTION>Twenty</DESCRIPTION></CUSTCUSTOMERGROUPENTITY></Document>"
    )
    make(capsys, "Customer groups.xml", "--output", "g.zip")
    assert imported(folder / "g.zip").rows["Customer groups"]["20"]["Description"] == "Twenty"


def test_attachments_are_listed_and_are_no_files_that_nothing_names(folder, capsys):
    (folder / "Customer groups.csv").write_text("CUSTOMERGROUPID,DESCRIPTION\n10,a.pdf\n")
    make(capsys, "Customer groups.csv", "--output", "g.zip")
    with zipfile.ZipFile(folder / "g.zip", "a") as archive:
        archive.writestr("Resources/CustCustomerGroupEntity/a.pdf", b"%PDF")
        archive.writestr("Resources/Moon/b.pdf", b"%PDF")
    said = show(capsys, "g.zip").out
    assert "a.pdf: attachment of Customer groups" in said
    assert "Resources/Moon/b.pdf: no entity names it" in said
    document = json.loads(show(capsys, "g.zip", "--json").out)
    file = "Resources/CustCustomerGroupEntity/a.pdf"
    assert document["attachments"] == [{"entity": "Customer groups", "name": "a.pdf", "file": file}]
    assert document["otherFiles"] == ["Resources/Moon/b.pdf"]


def test_what_cannot_be_mapped_is_said(folder, capsys):
    (folder / "Customer groups.csv").write_text("DESCRIPTION,COLOUR\nTen,red\n")
    said = make(capsys, "Customer groups.csv", "--output", "g.zip")
    assert "no field is called COLOUR: not mapped" in said.out
    assert "no column feeds CustomerGroupId, which must be filled" in said.out
    document = json.loads(
        make(capsys, "Customer groups.csv", "--output", "g.zip", "--force", "--json").out
    )
    assert document["entities"][0]["unmapped"] == ["COLOUR"]
    assert document["entities"][0]["unfilled"] == ["CustomerGroupId"]


@pytest.mark.parametrize(
    ("content", "name", "refusal"),
    [
        ("A,B\n1,2\n", "Customer groups.csv", "none of its columns is a field"),
        ("CUSTOMERGROUPID\n1\n", "Customer group.csv", "did you mean 'Customer groups'"),
        ("", "Customer groups.csv", "is empty"),
        ("<Document><X/></Document>", "Customer groups.xml", "a row is named 'X'"),
        ("<!DOCTYPE a><Document/>", "Customer groups.xml", "document type declaration"),
        ("CUSTOMERGROUPID;DESCRIPTION\n10\n", "Customer groups.csv", "line 2 has 1 values"),
        ("PK\x03\x04", "Customer groups.xlsx", "is no workbook"),
    ],
)
def test_a_file_that_cannot_be_used_leaves_no_package(folder, capsys, content, name, refusal):
    (folder / name).write_text(content)
    said = make(capsys, name, "--output", "p.zip", code=2)
    assert refusal in said.err
    assert sorted(path.name for path in folder.iterdir()) == [name]


def test_a_package_that_is_there_stays_unless_told(folder, capsys):
    (folder / "Customer groups.csv").write_text("CUSTOMERGROUPID\n10\n")
    (folder / "p.zip").write_text("mine")
    assert (
        "is there already" in make(capsys, "Customer groups.csv", "--output", "p.zip", code=2).err
    )
    assert (folder / "p.zip").read_text() == "mine"
    assert (
        "there is no file nothing.csv"
        in make(capsys, "nothing.csv", "--output", "q.zip", code=2).err
    )


def test_two_files_of_one_entity_are_refused(folder, capsys):
    for name in ("a.csv", "b.csv"):
        (folder / name).write_text("CUSTOMERGROUPID\n10\n")
    arguments = ("Customer groups=a.csv", "CustomerGroups=b.csv")
    assert "are both Customer groups" in make(capsys, *arguments, "--output", "p.zip", code=2).err


def test_show_prints_order_format_rows_and_mapping(capsys):
    path = str(PACKAGES / "customers-with-groups.zip")
    lines = show(capsys, path).out.splitlines()
    assert lines[0] == "data project Example (Example)"
    assert lines[1].split("\t") == [
        "1/10/1", "Customer groups", "CSV", "Customer groups.csv", "4", "3",
    ]  # fmt: skip
    assert lines[2].split("\t")[0] == "1/20/1"
    mapping = show(capsys, path, "--entity", "customer groups").out
    assert "CUSTOMERGROUPID\tCUSTOMERGROUPID" in mapping
    refused = show(capsys, path, "--entity", "Customer group", code=2)
    assert "did you mean 'Customer groups'" in refused.err


def test_show_as_json_has_everything(capsys):
    path = str(PACKAGES / "customer-groups-excel.zip")
    (entity,) = json.loads(show(capsys, path, "--json").out)["entities"]
    assert entity["rows"] == 4
    assert entity["columns"] == ["CUSTOMERGROUPID", "DESCRIPTION", "ISSALESTAXINCLUDEDINPRICE"]
    assert len(entity["maps"]) == 3
    (entity,) = json.loads(show(capsys, path, "--json", "--no-rows").out)["entities"]
    assert entity["rows"] is None


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("broken-missing-file.zip", "there is no file Customer groups.csv"),
        ("broken-wrong-encoding.zip", "Selected file is not Unicode"),
        ("broken-ragged-row.zip", "has 2 values, the header 3"),
    ],
)
def test_show_says_why_a_file_cannot_be_read(capsys, name, said):
    assert said in show(capsys, str(PACKAGES / name)).out


def test_unpacking_writes_the_files_and_never_over_others(folder, capsys):
    path = str(PACKAGES / "customer-groups-csv.zip")
    show(capsys, path, "--unpack", "out")
    assert sorted(file.name for file in (folder / "out").iterdir()) == [
        "Customer groups.csv", "Manifest.xml", "PackageHeader.xml",
    ]  # fmt: skip
    assert "is there already" in show(capsys, path, "--unpack", "out", code=2).err


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["x", "x/y"], "is there already"),
        (["x/y", "x"], "is there already"),
        (["n" * 300], "cannot be written"),
    ],
)
def test_unpacking_says_of_which_file_the_machine_has_no_place(folder, capsys, names, said):
    shutil.copy(PACKAGES / "customer-groups-csv.zip", folder / "package.zip")
    with zipfile.ZipFile(folder / "package.zip", "a") as archive:
        for name in names:
            archive.writestr(name, b"x")
    assert said in show(capsys, "package.zip", "--unpack", "out", code=2).err


@pytest.mark.parametrize(
    "name", ["broken-dotdot-names.zip", "broken-encrypted.zip", "broken-plain-xlsx.xlsx"]
)
def test_what_is_no_package_is_refused_and_nothing_is_written(folder, capsys, name):
    show(capsys, str(PACKAGES / name), "--unpack", "out", code=2)
    assert not (folder / "out").exists()


OWN = """
version: 1
entities:
  - {name: Loyalty cards, type: ContosoLoyaltyCardEntity, collection: LoyaltyCards,
     keys: [CardNumber], fields: [{name: CardNumber, type: string}, {name: Points, type: int}]}
dataSources:
  - {name: CSV-Dots, kind: delimited, delimiter: "."}
"""


def test_entities_and_formats_of_an_environment_file_are_known(folder, capsys):
    (folder / "env.yaml").write_text(OWN)
    (folder / "Loyalty cards.csv").write_text("CardNumber;Points\nA;1\n")
    arguments = ("Loyalty cards.csv", "--output", "p.zip", "--environment", "env.yaml")
    make(capsys, *arguments, "--format", "CSV-Dots")
    with zipfile.ZipFile("p.zip") as package:
        assert package.read("Loyalty cards.txt") == b"CardNumber.Points\r\nA.1\r\n"
    shown = show(capsys, "p.zip", "--environment", "env.yaml").out
    assert "Loyalty cards\tCSV-Dots\tLoyalty cards.txt\t1\t2" in shown
    refused = make(capsys, *arguments[:-2], "--force", code=2)
    assert "no entity is called 'Loyalty cards'" in refused.err
