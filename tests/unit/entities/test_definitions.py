"""Entities as people write them: what may be left out, what is refused, and composites."""

import pytest

from d365fo_emulator import Emulator
from d365fo_emulator.entities.definitions import composite_of, entity_of
from d365fo_emulator.entities.model import ExecutionOrder, FieldType
from d365fo_emulator.kernel.errors import ConfigurationError

pytestmark = pytest.mark.evidence("inferred")

CARDS = {
    "name": "Fabrikam loyalty cards",
    "collection": "FabrikamLoyaltyCards",
    "type": "FabrikamLoyaltyCardEntity",
    "fields": [
        {"name": "CardNumber", "size": 20},
        {"name": "Level", "type": "enum", "enum": ["Low", "High"], "enumValues": [0, 10]},
    ],
}
ORDERS = {
    "name": "Sales orders composite",
    "type": "SalesOrderCompositeEntity",
    "composite": {
        "entity": "SalesOrderHeaderV2Entity",
        "children": [
            "SalesOrderLineV2Entity",
            {"entity": "CustCustomerV3Entity", "links": {"CustomerAccount": "OrderingCustomer"}},
        ],
    },
}


def test_what_follows_from_names_may_be_left_out():
    entity = entity_of(CARDS)
    assert (entity.label, entity.name) == ("Fabrikam loyalty cards", "FabrikamLoyaltyCardEntity")
    assert entity.staging == "FabrikamLoyaltyCardStaging"
    assert entity.keys == ("CardNumber",)
    assert entity.per_company
    assert entity.order is None
    number, level = entity.fields
    assert (number.staging_name, number.label, number.type) == (
        "CARDNUMBER",
        "Card number",
        FieldType.STRING,
    )
    assert level.enum_numbers == {0: "Low", 10: "High"}


def test_a_definition_can_say_order_defaults_arrays_and_what_is_read_only():
    more = {
        "name": "Rates",
        "type": "real",
        "default": "1.5",
        "readOnly": True,
        "arraySize": 4,
        "decimals": 16,
    }
    order = {"unit": 1, "level": 20, "sequence": 30}
    entity = entity_of({**CARDS, "fields": [*CARDS["fields"], more], "order": order})
    rates = entity.find_field("rates")
    assert (rates.default, rates.read_only, rates.array_size, rates.decimals) == (
        "1.5",
        True,
        4,
        16,
    )
    assert entity.order == ExecutionOrder(1, 20, 30)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"keys": ["CardNo"]}, "has no field 'CardNo' for its key"),
        ({"fields": [{"name": "A"}, {"name": "a"}]}, "has two fields 'a'"),
        ({"fields": [{"name": "A"}, {"name": "B", "stagingName": "A"}]}, "has two fields 'A'"),
    ],
)
def test_a_definition_that_cannot_be_is_refused(change, says):
    with pytest.raises(ConfigurationError, match=says):
        entity_of({**CARDS, **change})


def test_a_composite_is_a_tree_of_entities():
    composite = composite_of(ORDERS)
    assert composite.entities == (
        "SalesOrderHeaderV2Entity",
        "SalesOrderLineV2Entity",
        "CustCustomerV3Entity",
    )
    line, customer = composite.root.children
    assert (line.links, line.children) == ((), ())
    assert customer.links == (("CustomerAccount", "OrderingCustomer"),)


def test_a_composite_of_the_environment_is_found_by_label_and_by_name():
    with Emulator(environment={"version": 1, "entities": [ORDERS]}) as emulator:
        catalogue = emulator.parts.catalogue
        found = catalogue.find_composite("SALES ORDERS composite")
        assert found == catalogue.find_composite("SalesOrderCompositeEntity")
        assert catalogue.composites() == [found]
        assert catalogue.find_composite("Customer groups") is None
        assert catalogue.find("Sales orders composite") is None


def test_a_composite_of_an_unknown_entity_is_refused_with_the_nearest():
    wrong = {**ORDERS, "composite": {"entity": "SalesOrderHeadV2Entity"}}
    with pytest.raises(ConfigurationError, match="did you mean 'SalesOrderHeaderV2Entity'"):
        Emulator(environment={"version": 1, "entities": [wrong]}).start()
