"""The built-in catalogue against the list that it was made from, member by member.

The list is no part of the project: `D365FO_EMULATOR_FACTS` names its folder, else it is
`../shared/facts` beside the checkout; where it is absent, the tests are skipped.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from d365fo_emulator.entities.builtin import BuiltinCatalogue
from d365fo_emulator.entities.model import FieldType

pytestmark = pytest.mark.evidence("client")

BESIDE = Path(__file__).resolve().parents[3] / "shared" / "facts"
LIST = Path(os.environ.get("D365FO_EMULATOR_FACTS", BESIDE)) / "entities.json"
FACTS = json.loads(LIST.read_text("utf-8")) if LIST.is_file() else []
BUILTIN = BuiltinCatalogue()

every_fact = pytest.mark.parametrize("fact", FACTS, ids=[fact["entity"] for fact in FACTS])


@pytest.mark.skipif(not FACTS, reason="the list of facts is not here")
def test_no_entity_of_the_list_is_left_out_and_none_is_made_up():
    assert {fact["entity"] for fact in FACTS} == {entity.name for entity in BUILTIN.all()}


@every_fact
def test_names_key_company_and_category_are_those_of_the_list(fact):
    entity = BUILTIN.find(fact["entity"])
    assert {
        "label": entity.label,
        "collection": entity.collection,
        "staging": entity.staging,
        "per_company": entity.per_company,
        "category": entity.category,
        "keys": list(entity.keys),
        "public_entity": entity.public_name,
    } == {
        "public_entity": "",
        **{
            key: fact[key]
            for key in (
                "label", "collection", "staging", "per_company", "category", "keys",
                "public_entity",
            )
            if key in fact
        },
    }  # fmt: skip


@every_fact
def test_what_nobody_verified_is_marked(fact):
    entity = BUILTIN.find(fact["entity"])
    marks = [part for part in ("collection", "keys") if fact["evidence"][part] == "unverified"]
    marks += ["staging"] if fact["evidence"]["staging"] == "rule" else []
    assert entity.evidence == ", ".join(f"{part} inferred" for part in marks)
    inferred = {field.name for field in entity.fields if field.evidence == "inferred"}
    assert inferred == {f["name"] for f in fact["fields"] if f["type_evidence"] != "proxy"}


@every_fact
def test_fields_have_names_types_sizes_and_references_of_the_list(fact):
    entity = BUILTIN.find(fact["entity"])
    ours = [
        (
            field.name,
            field.staging_name,
            field.type.value,
            field.size,
            field.reference and {"entity": field.reference.entity, "field": field.reference.field},
        )
        for field in entity.fields
    ]
    assert ours == [
        (f["name"], f["staging_name"], f["type"], f.get("size"), f.get("reference"))
        for f in fact["fields"]
    ]


@every_fact
def test_enumerations_have_the_symbols_of_the_list_and_say_when_there_are_more(fact):
    entity = BUILTIN.find(fact["entity"])
    for told in fact["fields"]:
        field = entity.find_field(told["name"])
        if field.type is not FieldType.ENUM:
            assert told.get("enum", ["No", "Yes"]) == ["No", "Yes"]
            continue
        assert list(field.enum) == told.get("enum", [])
        assert field.enum_name == told.get("enum_name", "")
        assert field.enum_complete == ("enum_truncated" not in told and "enum" in told)


@every_fact
def test_what_must_be_filled_is_what_the_list_says_but_for_parts_of_keys(fact):
    """Real rows have blank parts of keys (scope values, dimensions of variants), and numbers and
    dates are never blank: of those only the list's other mandatory fields are asked for.
    """
    entity = BUILTIN.find(fact["entity"])
    mandatory = {field.name for field in entity.fields if field.mandatory}
    assert mandatory <= set(fact["mandatory"])
    assert set(fact["mandatory"]) - mandatory <= set(entity.keys)


@every_fact
def test_reals_with_sixteen_decimals_are_rates_and_line_numbers(fact):
    entity = BUILTIN.find(fact["entity"])
    told = {f["name"]: f.get("decimals") for f in fact["fields"]}
    for field in entity.fields:
        if told[field.name] is not None:
            assert field.decimals == told[field.name]
        elif field.decimals != 6:
            assert field.name in {"LineNumber", "ExchangeRate"}
