"""Where entities load: after what they refer to."""

import dataclasses

import pytest

from d365fo_emulator.entities.builtin import BuiltinCatalogue
from d365fo_emulator.entities.model import ExecutionOrder, Reference
from d365fo_emulator.entities.ordering import FIRST, order_of

pytestmark = pytest.mark.evidence("inferred")

BUILTIN = BuiltinCatalogue()


@pytest.mark.evidence("recorded")
@pytest.mark.parametrize(
    ("label", "order"),
    [
        ("Currencies", ExecutionOrder(1, 10, 10)),
        ("Exchange rates", ExecutionOrder(1, 10, 20)),
        ("Main account", ExecutionOrder(1, 20, 20)),
    ],
)
def test_entities_of_a_real_project_stand_where_it_has_them(label, order):
    assert order_of(BUILTIN.find(label), BUILTIN.find) == order


def test_what_refers_to_nothing_stands_first():
    one = BUILTIN.find("Terms of payment")
    alone = dataclasses.replace(one, fields=tuple(f for f in one.fields if not f.reference))
    assert order_of(alone, BUILTIN.find) == FIRST


def test_every_builtin_entity_stands_after_those_it_refers_to_unless_a_project_says_where():
    late = 0
    for entity in BUILTIN.all():
        if entity.order is not None:
            continue
        mine = order_of(entity, BUILTIN.find)
        for field in entity.fields:
            other = field.reference and BUILTIN.find(field.reference.entity)
            if other and other is not entity:
                theirs = order_of(other, BUILTIN.find)
                if theirs.level == mine.level and not theirs < mine:
                    late += 1
    assert late == 0


def test_a_ring_of_references_ends():
    one = BUILTIN.find("Terms of payment")
    field = dataclasses.replace(one.fields[0], reference=Reference("B", "X"))
    first = dataclasses.replace(one, name="A", fields=(field,))
    back = dataclasses.replace(field, reference=Reference("A", "X"))
    second = dataclasses.replace(one, name="B", fields=(back,))
    known = {"A": first, "B": second}
    assert order_of(first, known.get) == ExecutionOrder(1, 10, 20)
    assert order_of(second, known.get) == ExecutionOrder(1, 10, 20)
