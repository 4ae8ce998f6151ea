"""Entities guessed from packages: columns, key, types; and that guesses say what they are."""

import pytest

from builders import Table, package
from d365fo_emulator.entities.builtin import BuiltinCatalogue
from d365fo_emulator.entities.model import FieldType
from d365fo_emulator.packages.errors import PackageRefused
from d365fo_emulator.packages.formats.registry import STANDARD
from d365fo_emulator.packages.learning import describe, learnt_fields_of, look_at

pytestmark = pytest.mark.evidence("inferred")


@pytest.fixture
def learnt(tmp_path):
    def learn(columns, *rows, label="Fabrikam cards"):
        path = tmp_path / "package.zip"
        path.write_bytes(package(Table(label, tuple(columns), tuple(rows))))
        (seen,) = look_at(path, STANDARD)
        return seen

    return learn


@pytest.mark.parametrize(
    ("columns", "rows", "key"),
    [
        pytest.param("ZC", [("1", "a"), ("2", "b")], "Z", id="one column before the alphabet"),
        pytest.param("ZYAB", ["1110", "1211"], "ZY", id="two columns before the alphabet"),
        pytest.param("ABC", ["110", "120"], "AB", id="the first does not tell rows apart"),
        pytest.param("ABC", ["110", "110"], "ABC", id="nothing tells rows apart"),
        pytest.param("ABC", ["a00", "A11"], "AB", id="letter case does not tell them apart"),
        pytest.param("AB", [], "AB", id="no rows"),
        pytest.param("A", ["1"], "A", id="one column"),
    ],
)
def test_the_key_is_the_shortest_that_order_and_rows_allow(learnt, columns, rows, key):
    assert describe(learnt(columns, *map(tuple, rows))).keys == tuple(key)


@pytest.mark.parametrize(
    ("values", "found", "decimals"),
    [
        (["Yes", "No", ""], FieldType.NOYES, 6),
        (["2026-01-31 00:00:00", "1900-01-01 00:00:00"], FieldType.DATE, 6),
        (["2026-01-31 00:00:00", "2026-01-31 12:00:00"], FieldType.DATETIME, 6),
        ([".000000", "-12.500000"], FieldType.REAL, 6),
        (["1.3357400000000000"], FieldType.REAL, 16),
        (["{00000000-0000-0000-0000-00000000000A}"], FieldType.GUID, 6),
        (["10", "0020"], FieldType.STRING, 6),
        (["Yes", "Perhaps"], FieldType.STRING, 6),
        (["", ""], FieldType.STRING, 6),
    ],
)
def test_a_type_is_one_that_every_value_has(learnt, values, found, decimals):
    seen = learnt("AV", *((str(at), value) for at, value in enumerate(values)))
    field = describe(seen).find_field("V")
    assert (field.type, field.decimals, field.evidence) == (found, decimals, "inferred")


def test_what_is_guessed_is_marked(learnt):
    entity = describe(learnt("AB", ("1", "2")))
    assert (entity.label, entity.name) == ("Fabrikam cards", "FabrikamCardsEntity")
    assert "keys inferred" in entity.evidence
    assert "name inferred" in entity.evidence


def test_of_a_known_entity_only_what_it_lacks_is_learnt(learnt):
    seen = learnt(["CUSTOMERGROUPID", "OWN", "own"], ("10", "Yes", ""), label="Customer groups")
    (field,) = learnt_fields_of(seen, BuiltinCatalogue().find("Customer groups"))
    assert (field.name, field.type) == ("OWN", FieldType.NOYES)


def test_what_is_no_package_is_refused(tmp_path):
    path = tmp_path / "x.zip"
    path.write_bytes(b"nothing")
    with pytest.raises(PackageRefused):
        list(look_at(path, STANDARD))
