"""Lists of entities: the answers of a real environment, and spreadsheets."""

import json

import pytest

from d365fo_emulator.entities.entity_list import read_entity_list
from d365fo_emulator.kernel.errors import ConfigurationError

pytestmark = pytest.mark.evidence("recorded")

DATA_ENTITIES = {
    "@odata.context": "https://fabrikam/metadata/$metadata#DataEntities",
    "value": [
        {
            "Name": "CustCustomerV3Entity",
            "PublicEntityName": "CustomerV3",
            "PublicCollectionName": "CustomersV3",
            "LabelId": "@AccountsReceivable:CustCustomerV3EntityLabel",
            "DataServiceEnabled": True,
            "DataManagementEnabled": True,
            "EntityCategory": "Master",
            "IsReadOnly": False,
        }
    ],
}


@pytest.fixture
def listed(tmp_path):
    def read(content, encoding="utf-8"):
        path = tmp_path / "list"
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return read_entity_list(path)

    return read


def test_the_answer_of_the_metadata_service_is_read(listed):
    row = listed(json.dumps(DATA_ENTITIES)).find("customersv3", "")
    assert (row.name, row.public_name, row.category, row.read_only) == (
        "CustCustomerV3Entity",
        "CustomerV3",
        "Master",
        False,
    )
    assert row.label == "", "an id of a label is no label"


@pytest.mark.evidence("inferred")
def test_an_array_and_the_data_management_list_are_read(listed):
    rows = [{"EntityName": "Cards", "TargetEntity": "CardEntity", "PublicEntityName": "Card",
             "IsShared": "Yes"}]  # fmt: skip
    row = listed(json.dumps(rows)).find("", "card")
    assert (row.label, row.name, row.shared) == ("Cards", "CardEntity", True)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.evidence("inferred")
def test_a_spreadsheet_is_read_as_it_was_saved(listed, delimiter, encoding):
    lines = [["Label", "AOT name", "Collection"], ['"Straße, alle"', "StreetEntity", "Streets"]]
    text = "".join(delimiter.join(line) + "\r\n" for line in lines)
    row = listed(text, encoding).find("Streets", "")
    assert (row.label, row.name, row.shared) == ("Straße, alle", "StreetEntity", None)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "names no collection"),
        ("a,b\n1,2\n", "its columns may be called label, name, collection"),
        ("{", "no JSON"),
        ('{"value": 1}', "a list is an array"),
        ("[" * 100_000, "no JSON"),
        (b"\xff\xfe\x00", "cannot be read"),
        (b"\x80", "cannot be read"),
    ],
)
@pytest.mark.evidence("inferred")
def test_what_is_no_list_is_refused(listed, content, said):
    with pytest.raises(ConfigurationError, match=said):
        listed(content)
