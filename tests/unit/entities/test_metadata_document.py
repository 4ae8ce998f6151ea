"""Reading `$metadata` documents: what becomes of them, and what is refused or left out."""

import io
import itertools

import pytest

from d365fo_emulator.entities.builtin import BuiltinCatalogue
from d365fo_emulator.entities.entity_list import EntityList, ListedEntity
from d365fo_emulator.entities.metadata_document import LONGEST_MARKUP, read_metadata
from d365fo_emulator.entities.metadata_entities import MetadataEntities
from d365fo_emulator.entities.model import FieldType, Reference
from d365fo_emulator.kernel.errors import ConfigurationError
from metadata_tools import EDM, EDMX, NAMESPACE, metadata, simple_type

pytestmark = pytest.mark.evidence("documented")

BUILTIN = BuiltinCatalogue()


def read(document):
    return read_metadata(io.BytesIO(document), "metadata.xml")


def entities(document, *listed):
    read_one = read(document)
    found = MetadataEntities(read_one, EntityList(listed), BUILTIN)
    return {entity.collection: entity for entity in found}, read_one.problems


def test_a_set_becomes_an_entity_with_its_types_and_lengths():
    found, problems = entities(metadata())
    cards = found["LoyaltyCards"]
    assert problems == []
    assert (cards.public_name, cards.keys, cards.per_company) == (
        "LoyaltyCard",
        ("CardNumber",),
        True,
    )
    assert [(f.name, f.type, f.size, f.mandatory, f.read_only) for f in cards.fields] == [
        ("CardNumber", FieldType.STRING, 20, True, False),
        ("Level", FieldType.ENUM, None, False, False),
        ("IsActive", FieldType.NOYES, None, False, False),
        ("Points", FieldType.INT, None, False, False),
        ("Balance", FieldType.REAL, None, False, False),
        ("IssuedOn", FieldType.DATETIME, None, False, False),
        ("CustomerGroupId", FieldType.STRING, None, False, False),
        ("Total", FieldType.REAL, None, False, True),
    ]
    assert cards.find_field("IssuedOn").evidence == "inferred"


def test_an_enumeration_is_in_the_order_of_its_numbers_and_keeps_them():
    level = entities(metadata())[0]["LoyaltyCards"].find_field("Level")
    assert (level.enum, level.enum_values, level.enum_name) == (
        ("Basic", "Gold"),
        (0, 10),
        "CardLevel",
    )
    assert level.enum_numbers == {0: "Basic", 10: "Gold"}


def test_a_link_by_one_field_is_a_reference_to_the_other_entity():
    cards = entities(metadata())[0]["LoyaltyCards"]
    assert cards.find_field("CustomerGroupId").reference == Reference(
        "CustCustomerGroupEntity", "CustomerGroupId"
    )


@pytest.mark.evidence("inferred")
def test_what_a_document_does_not_say_is_marked():
    cards = entities(metadata())[0]["LoyaltyCards"]
    assert (cards.label, cards.name) == ("Loyalty cards", "LoyaltyCardEntity")
    assert cards.evidence == "label inferred, name inferred, staging inferred"


def test_a_list_gives_labels_and_names():
    row = ListedEntity("Fabrikam cards", "FabLoyaltyCardEntity", "LoyaltyCards", shared=True)
    cards = entities(metadata(), row)[0]["LoyaltyCards"]
    assert (cards.label, cards.name, cards.per_company) == (
        "Fabrikam cards",
        "FabLoyaltyCardEntity",
        False,
    )
    assert cards.evidence == "staging inferred"


@pytest.mark.evidence("inferred")
def test_the_builtin_catalogue_lends_what_it_knows_of_the_same_set():
    groups = entities(metadata())[0]["CustomerGroups"]
    assert (groups.label, groups.name, groups.evidence) == (
        "Customer groups",
        "CustCustomerGroupEntity",
        "",
    )
    assert groups.find_field("CustomerGroupId").label == "Customer group"
    assert groups.find_field("CustomerGroupId").size == 10
    assert groups.find_field("PaymentTermId").reference is not None
    assert [field.name for field in groups.fields] == [
        "CustomerGroupId",
        "PaymentTermId",
        "OwnThing",
    ]


def test_a_type_has_the_properties_and_the_key_of_its_base_types():
    derived = (
        '<EntityType Name="Child" BaseType="Alias.Parent">'
        '<Property Name="More" Type="Edm.Int64"/></EntityType>'
    )
    document = metadata(simple_type("Parent") + derived, {"Children": "Child"})
    document = document.replace(b"<Schema ", b'<Schema Alias="Alias" ')
    child = entities(document)[0]["Children"]
    assert child.keys == ("Id",)
    assert [field.name for field in child.fields] == ["Id", "More"]
    assert not child.per_company


def test_a_utf_16_document_is_read():
    text = metadata().decode().replace('encoding="utf-8"', 'encoding="utf-16"')
    assert len(read(text.encode("utf-16")).sets) == 2


LEFT_OUT = {
    "a set without a type": (simple_type("A"), '<EntitySet Name="Bad"/>', "Bad has no type"),
    "a set of a type that is not there": (
        simple_type("A"),
        f'<EntitySet Name="Bad" EntityType="{NAMESPACE}.B"/>',
        f"Bad: there is no entity type '{NAMESPACE}.B'",
    ),
    "a set that comes twice": (
        simple_type("A"),
        f'<EntitySet Name="As" EntityType="{NAMESPACE}.A"/>',
        "the entity set As comes twice",
    ),
    "a type without key": (
        simple_type("A")
        + '<EntityType Name="B"><Property Name="X" Type="Edm.Int32"/></EntityType>',
        f'<EntitySet Name="Bad" EntityType="{NAMESPACE}.B"/>',
        "Bad: its type B has no key",
    ),
    "a key that is no property": (
        simple_type("A")
        + '<EntityType Name="B"><Key><PropertyRef Name="K"/></Key>'
        + '<Property Name="X" Type="Edm.Int32"/></EntityType>',
        f'<EntitySet Name="Bad" EntityType="{NAMESPACE}.B"/>',
        "Bad: its type B has no property 'K' for its key",
    ),
    "base types in a ring": (
        simple_type("A")
        + simple_type("B", attributes=f' BaseType="{NAMESPACE}.C"')
        + simple_type("C", attributes=f' BaseType="{NAMESPACE}.B"'),
        f'<EntitySet Name="Bad" EntityType="{NAMESPACE}.B"/>',
        f"Bad: the base types of '{NAMESPACE}.B' run in a ring",
    ),
    "two properties of one name": (
        simple_type("A") + simple_type("B", '<Property Name="ID" Type="Edm.Int32"/>'),
        f'<EntitySet Name="Bad" EntityType="{NAMESPACE}.B"/>',
        "Bad: its type B has two properties of one name",
    ),
    "two types of one name": (
        simple_type("A") + simple_type("A"),
        "",
        "entity type comes twice: A",
    ),
    "two sets of one type": (
        simple_type("A"),
        f'<EntitySet Name="Bad" EntityType="{NAMESPACE}.A"/>',
        "Bad: the AOT name AEntity belongs to another set already",
    ),
}


@pytest.mark.parametrize("case", LEFT_OUT)
def test_a_set_that_cannot_be_used_is_left_out_and_said(case):
    types, more, said = LEFT_OUT[case]
    found, problems = entities(metadata(types, {"As": "A"}, more=more))
    assert list(found) == ["As"]
    (problem,) = problems
    assert said in problem


V3 = '<Edmx Version="3.0" xmlns="http://schemas.microsoft.com/ado/2007/06/edmx"/>'
REFUSED = {
    "no XML": (b'{"value": []}', "line 1, column 1: no metadata document"),
    "nothing": (b"", "no metadata document: no element found"),
    "XML cut off": (metadata()[:400], "no metadata document"),
    "another root": (b"<html/>", "begins with Edmx, not with html"),
    "the version before": (V3.encode(), "Edmx of version 3.0 in the namespace http://schemas"),
    "no namespace": (b'<Edmx Version="4.0"/>', "namespace (none)"),
    "an unknown encoding": (b'<?xml version="1.0" encoding="abc"?><a/>', "unknown encoding"),
    "a DOCTYPE": (b"<!DOCTYPE a []>\n<a/>", "a DOCTYPE is not taken"),
    "entities that expand": (
        b'<!DOCTYPE a [<!ENTITY x "xxx"><!ENTITY y "&x;&x;">]><a>&y;</a>',
        "line 1, column 13: a DOCTYPE is not taken",
    ),
    "no set": (metadata("", {}), "has no entity set"),
    "elements of another namespace only": (
        metadata().replace(f'"{EDM}"'.encode(), b'"urn:else"'),
        "has no entity set",
    ),
    "elements a thousand deep": (
        f'<edmx:Edmx xmlns:edmx="{EDMX}" Version="4.0">'.encode() + b"<a>" * 1000,
        "more than 64 deep",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_metadata_is_refused_with_its_place(case):
    document, said = REFUSED[case]
    with pytest.raises(ConfigurationError) as refused:
        read(document)
    assert str(refused.value).startswith("metadata.xml")
    assert said in str(refused.value)


class Endless(io.RawIOBase):
    """A stream that never ends; counts what was taken from it."""

    def __init__(self, head, piece):
        self.pieces = itertools.chain([head], itertools.repeat(piece))
        self.given = 0

    def read(self, size=-1):
        piece = next(self.pieces)
        self.given += len(piece)
        return piece


@pytest.mark.parametrize(
    ("head", "piece", "most"),
    [
        pytest.param(b"", b"\x00garbage " * 1000, 64 * 1024, id="garbage"),
        pytest.param(
            f'<edmx:Edmx xmlns:edmx="{EDMX}" Version="4.0"><a b="'.encode(),
            b"x" * 65536,
            3 * LONGEST_MARKUP,
            id="a tag without end",
        ),
    ],
)
def test_a_document_without_end_is_refused_after_a_bounded_part_of_it(head, piece, most):
    stream = Endless(head, piece)
    with pytest.raises(ConfigurationError):
        read_metadata(stream, "metadata.xml")
    assert stream.given < most


def test_any_other_type_is_a_text_marked_as_inferred():
    types = simple_type("A", '<Property Name="B" Type="Edm.Stream"/>')
    field = entities(metadata(types, {"As": "A"}))[0]["As"].find_field("B")
    assert (field.type, field.evidence) == (FieldType.STRING, "inferred")
