from __future__ import annotations

import pytest

from d365fo_emulator.entities.model import FieldType
from d365fo_emulator.entities.replacing import ValuePair, ValueRule
from d365fo_emulator.packages.errors import SourceUnreadable
from d365fo_emulator.packages.mapping import (
    ColumnPlan,
    plan_columns,
    staging_name,
    unknown_fields,
    value_rules,
    wanted_columns,
)
from d365fo_emulator.packages.model import Conversion, ConversionType, FieldMap


def maps(*names):
    return [FieldMap(name, name) for name in names]


@pytest.mark.evidence("documented")
def test_columns_are_found_by_name_in_any_order_and_case():
    plan = plan_columns(["Description", "MajorTypeId"], maps("MAJORTYPEID", "DESCRIPTION"))
    assert plan == ColumnPlan(("MAJORTYPEID", "DESCRIPTION"), (1, 0), ())
    assert plan.takes_rows


@pytest.mark.evidence("inferred")
def test_columns_without_a_map_are_ignored_and_named():
    assert plan_columns(["A", "EndDate", "B"], maps("A", "B")).ignored == ("EndDate",)


@pytest.mark.evidence("inferred")
def test_file_and_field_may_have_different_names():
    plan = plan_columns(["Group"], [FieldMap("CustomerGroupId", "GROUP")])
    assert plan.fields == ("CUSTOMERGROUPID",)
    assert plan.positions == (0,)


@pytest.mark.evidence("documented")
@pytest.mark.parametrize(
    ("header", "mapped", "code"),
    [
        (["A"], ["A", "B"], "DMF2025"),
        (["X"], ["A", "B"], "DMF1966"),
        ([], ["A"], "DMF1966"),
        (["A", "a"], ["A"], "DMF1966"),
        (["A"], ["A", "a"], "DMF1966"),
    ],
)
def test_a_map_that_does_not_fit_the_file_fails_its_entity(header, mapped, code):
    with pytest.raises(SourceUnreadable) as caught:
        plan_columns(header, maps(*mapped))
    assert caught.value.code == code


@pytest.mark.evidence("documented")
def test_the_missing_column_is_named():
    with pytest.raises(SourceUnreadable, match=r"DMF2025: .*NAME"):
        plan_columns(["CODE"], maps("CODE", "NAME"))


@pytest.mark.evidence("client")
def test_no_maps_take_no_rows():
    plan = plan_columns(["A"], [])
    assert not plan.takes_rows
    assert plan.ignored == ("A",)


@pytest.mark.evidence("documented")
@pytest.mark.parametrize("kind", ["auto_generated", "auto_default"])
@pytest.mark.parametrize("header", [["NAME"], ["NAME", "ACCOUNT"]])
def test_automatic_fields_take_nothing_from_the_file(kind, header):
    automatic = FieldMap("ACCOUNT", "ACCOUNT", **{kind: True})
    plan = plan_columns(header, [automatic, *maps("NAME")])
    assert plan.fields == ("ACCOUNT", "NAME")
    assert plan.positions == (None, 0)
    assert wanted_columns([automatic, *maps("NAME")]) == ("NAME",)


@pytest.mark.evidence("documented")
@pytest.mark.parametrize(
    ("field", "index", "expected"),
    [
        ("FilterGroup", 0, "FILTERGROUP"),
        ("FILTERGROUP", 1, "FILTERGROUP"),
        ("FILTERGROUP2_", 2, "FILTERGROUP2_"),
        ("FILTERGROUP", 3, "FILTERGROUP3_"),
    ],
)
def test_elements_of_array_fields_end_in_their_number(field, index, expected):
    assert staging_name(FieldMap(field, field, array_index=index)) == expected


@pytest.mark.evidence("documented")
def test_pairs_and_default_of_a_map_become_the_rule_of_its_column():
    pairs = (
        Conversion("1.0", "2", type=ConversionType.REAL),
        Conversion("", "9", is_default=True),
        Conversion("", "8", is_default=True),
    )
    plain = FieldMap("A", "A")
    keeping = FieldMap("b", "B", default_when_empty=True)
    ruled = FieldMap("C", "C", conversions=pairs, array_index=2)
    assert value_rules([plain, keeping, ruled]) == {
        "B": ValueRule(blank_keeps=True),
        "C2_": ValueRule((ValuePair(FieldType.REAL, "1.0", "2"),), "9"),
    }


@pytest.mark.evidence("inferred")
def test_fields_that_the_entity_lacks_are_reported():
    assert unknown_fields(maps("name", "Nonsense"), {"NAME"}) == ("NONSENSE",)
