"""Which fields number sequences fill, and what their numbers look like."""

import pytest

from d365fo_emulator.entities.model import EntityType, Field, FieldType
from d365fo_emulator.entities.numbering import NumberSequence, sequences_of

pytestmark = pytest.mark.evidence("inferred")


def field(name, kind="string", **more):
    return Field(name, name.upper(), FieldType(kind), name, **more)


def entity(*fields, per_company=True):
    return EntityType("Things", "Thing", "Things", "S", per_company, ("Key",), fields)


@pytest.mark.parametrize(
    ("one", "company", "number", "expected"),
    [
        (field("Key", size=20), "USMF", 7, "USMF-000007"),
        (field("Key"), "", 1234567, "1234567"),
        (field("Key", size=8), "USMF", 7, "000007"),
        (field("Key", size=3), "USMF", 7, "7"),
        (field("Key", "int"), "USMF", 7, 7),
        (field("Key", "int64"), "", 7, 7),
    ],
)
def test_numbers_take_the_form_that_fits_their_field(one, company, number, expected):
    assert NumberSequence(one, company).value(number) == expected


def test_mapped_fields_and_those_that_a_row_cannot_be_without_are_filled():
    key = field("Key", auto_number=True)
    party = field("Party", auto_number=True)
    needed = field("Needed", auto_number=True, mandatory=True)
    mapped = field("Mapped")
    date = field("Date", "date")
    fields = (key, party, needed, mapped, date)
    found = sequences_of(entity(*fields), fields, {"MAPPED", "DATE"}, "usmf")
    assert found == [NumberSequence(one, "USMF") for one in (key, needed, mapped)]


def test_shared_entities_have_one_sequence_for_all_companies():
    key = field("Key")
    shared = entity(key, per_company=False)
    assert sequences_of(shared, (key,), {"KEY"}, "USMF") == [NumberSequence(key, "")]
