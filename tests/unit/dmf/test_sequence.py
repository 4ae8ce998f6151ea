"""The order of entities by what they refer to."""

from __future__ import annotations

import pytest

from d365fo_emulator.dmf.sequence import in_sequence
from d365fo_emulator.entities.model import EntityType, Field, FieldType, Reference

pytestmark = pytest.mark.evidence("inferred")


class Known:
    """A catalogue of entities, each given as its name and the names that it refers to."""

    def __init__(self, **references):
        self._entities = {name: _entity(name, others) for name, others in references.items()}

    def find(self, name):
        return self._entities.get(name)


def _entity(name, others):
    key = Field("Id", "ID", FieldType.STRING, "Id")
    fields = [
        Field(f"To{other}", f"TO{other}", FieldType.STRING, other, reference=Reference(other, "Id"))
        for other in others
    ]
    return EntityType(name, name, name, name, False, ("Id",), (key, *fields))


def levels(catalogue, *names):
    places, _unknown = in_sequence(catalogue, names)
    return [(place.label, place.level) for place in places]


def test_entities_come_after_what_they_refer_to():
    catalogue = Known(a="bc", b="c", c="", d="")
    assert levels(catalogue, "a", "d", "b", "c") == [("d", 1), ("c", 1), ("b", 2), ("a", 3)]


def test_a_reference_through_an_entity_that_was_not_asked_for_counts():
    assert levels(Known(a="b", b="c", c=""), "a", "c") == [("c", 1), ("a", 2)]


def test_an_entity_named_twice_or_referring_to_itself_has_one_place():
    assert levels(Known(a="a"), "a", "a") == [("a", 1)]


@pytest.mark.parametrize("circle", [("ab", "ba"), ("b", "c", "a"), ("bc", "ca", "ab")])
def test_a_circle_of_references_comes_to_an_end_and_keeps_all_entities(circle):
    catalogue = Known(**dict(zip("abc", (*circle, ""), strict=False)))
    found = levels(catalogue, *"abc"[: len(circle)])
    assert sorted(name for name, _level in found) == list("abc"[: len(circle)])
    assert {level for _name, level in found} <= {1, 2, 3}


def test_a_long_chain_of_references_is_followed_to_its_end():
    names = [f"e{number}" for number in range(3000)]
    catalogue = Known(
        **{name: [after] for name, after in zip(names, [*names[1:], "x"], strict=True)}, x=""
    )
    assert levels(catalogue, names[0], "x") == [("x", 1), (names[0], 2)]


def test_names_of_no_entity_are_given_back():
    places, unknown = in_sequence(Known(a=""), ["a", "moon"])
    assert ([place.label for place in places], unknown) == (["a"], ["moon"])
