"""The catalogue's data files: their schema, and that they fit together."""

import json
from collections import Counter

import pytest
from jsonschema import Draft202012Validator

from d365fo_emulator.entities.builtin import FOLDER, BuiltinCatalogue
from d365fo_emulator.entities.model import FieldType
from d365fo_emulator.entities.naming import label_of

pytestmark = pytest.mark.evidence("client")

FILES = sorted(path for path in FOLDER.glob("*.json") if path.name != "index.json")
DOCUMENTS = {path.name: json.loads(path.read_text("utf-8")) for path in FILES}
INDEX = json.loads((FOLDER / "index.json").read_text("utf-8"))
SCHEMA = json.loads((FOLDER.parent / "catalogue.schema.json").read_text("utf-8"))


def names():
    return [pytest.param(document, id=name) for name, document in DOCUMENTS.items()]


def test_the_schema_is_one_itself():
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("document", names())
def test_every_file_follows_the_schema(document):
    errors = [error.message for error in Draft202012Validator(SCHEMA).iter_errors(document)]
    assert errors == []


def test_the_index_has_every_file_once_with_the_names_inside_it():
    listed = {entry["file"]: entry for entry in INDEX}
    assert len(listed) == len(INDEX)
    assert listed.keys() == DOCUMENTS.keys()
    for file, document in DOCUMENTS.items():
        parts = {name: document[name] for name in ("label", "name", "collection")}
        assert listed[file] == {**parts, "file": file}


@pytest.mark.parametrize("kind", ["label", "name", "collection", "staging"])
def test_no_two_entities_share_a_name_letter_case_aside(kind):
    counts = Counter(document[kind].casefold() for document in DOCUMENTS.values())
    assert [name for name, count in counts.items() if count > 1] == []


@pytest.mark.parametrize("document", names())
def test_fields_have_names_of_their_own_and_keys_are_among_them(document):
    for kind in ("name", "stagingName"):
        counts = Counter(field[kind].casefold() for field in document["fields"])
        assert [name for name, count in counts.items() if count > 1] == []
    assert set(document["keys"]) <= {field["name"] for field in document["fields"]}


@pytest.mark.parametrize("document", names())
def test_every_reference_leads_to_a_field_of_the_catalogue(document):
    catalogue = BuiltinCatalogue()
    for field in document["fields"]:
        if reference := field.get("reference"):
            entity = catalogue.find(reference["entity"])
            assert entity is not None
            assert entity.find_field(reference["field"]) is not None


def test_an_enumeration_without_all_its_symbols_says_so():
    for entity in BuiltinCatalogue().all():
        for field in entity.fields:
            if field.type is FieldType.ENUM and not field.enum:
                assert not field.enum_complete, (entity.name, field.name)


def test_only_the_index_is_read_before_an_entity_is_asked_for():
    catalogue = BuiltinCatalogue()
    assert catalogue._parsed == {}
    first = catalogue.find("customer groups")
    assert list(catalogue._parsed) == ["CustCustomerGroupEntity.json"]
    assert catalogue.find("CustCustomerGroupEntity") is first
    assert catalogue.find("CUSTOMERGROUPS") is first
    assert len(list(catalogue.all())) == len(DOCUMENTS) == 79


@pytest.mark.evidence("recorded")
def test_files_have_the_key_first_and_the_rest_by_alphabet():
    rates = BuiltinCatalogue().find("Exchange rates")
    assert [field.staging_name for field in rates.file_fields][:6] == [
        "RATETYPENAME",
        "FROMCURRENCY",
        "TOCURRENCY",
        "STARTDATE",
        "CONVERSIONFACTOR",
        "ENDDATE",
    ]


@pytest.mark.parametrize(
    ("name", "label"),
    [
        pytest.param("CustomerGroupId", "Customer group", marks=pytest.mark.evidence("recorded")),
        ("CustomerGroupID", "Customer group"),
        ("PaymentTerms", "Payment terms"),
        ("BankAccountIBAN", "Bank account IBAN"),
        ("MainAccountIdDisplayValue", "Main account ID display value"),
        ("ISOcode", "ISO code"),
        ("IBAN", "IBAN"),
        ("State", "State"),
        ("Id", "Id"),
        ("CURRENCYCODE", "CURRENCYCODE"),
        ("_", "_"),
    ],
)
@pytest.mark.evidence("inferred")
def test_labels_are_made_from_names(name, label):
    assert label_of(name) == label
