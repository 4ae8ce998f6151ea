"""The nearest known words, of few and of many."""

import pytest

from d365fo_emulator.kernel.tables import MOST_COMPARED, did_you_mean, nearest

pytestmark = pytest.mark.evidence("inferred")

FEW = ["Customer groups", "Customers V3", "Item groups", "Vendors V2"]
MANY = [*FEW, *(f"Thing {number} of module {number % 7}" for number in range(10 * MOST_COMPARED))]


@pytest.mark.parametrize("known", [FEW, MANY], ids=["few", "many"])
@pytest.mark.parametrize(
    ("word", "first"),
    [
        ("Customer group", "Customer groups"),
        ("CUSTOMER V3", "Customers V3"),
        ("itemgroups", "Item groups"),
    ],
)
def test_the_nearest_is_the_same_among_few_and_many(known, word, first):
    assert nearest(word, known)[0] == first
    assert did_you_mean(word, known) == f"; did you mean {first!r}?"


@pytest.mark.parametrize("known", [FEW, MANY], ids=["few", "many"])
@pytest.mark.parametrize("word", ["", "q", "zzzzzz"])
def test_what_is_like_nothing_has_no_neighbour(known, word):
    assert nearest(word, known) == []
    assert did_you_mean(word, known) == ""


def test_at_most_three_come_best_first():
    found = nearest("Thing 1234 of module 2", MANY)
    assert len(found) == 3
    assert found[0] == "Thing 1234 of module 2"
