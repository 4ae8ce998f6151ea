"""Files of definitions: written and read again, few and many, good and bad."""

import json

import pytest

from d365fo_emulator.entities.builtin import BuiltinCatalogue
from d365fo_emulator.entities.definition_files import (
    CHECKED_AT_ONCE,
    DefinitionFiles,
    write_definitions,
)
from d365fo_emulator.entities.definitions import definition_of, entity_of
from d365fo_emulator.entities.model import Origin
from d365fo_emulator.kernel.errors import ConfigurationError

pytestmark = pytest.mark.evidence("inferred")

BUILTIN = BuiltinCatalogue()
CARD = {
    "name": "Cards",
    "type": "CardEntity",
    "collection": "Cards",
    "fields": [{"name": "CardNumber"}],
}


def compared(entity):
    """Everything of an entity but where it is known from."""
    return [
        getattr(entity, name)
        for name in (
            "label", "name", "collection", "staging", "per_company", "keys", "category",
            "evidence", "public_name", "order", "read_only",
        )
    ] + [
        [value for key, value in vars(field).items() if key != "origin"] for field in entity.fields
    ]  # fmt: skip


@pytest.mark.parametrize("entity", list(BUILTIN.all()), ids=lambda entity: entity.name)
def test_a_definition_makes_the_same_entity_again(entity):
    definition = json.loads(json.dumps(definition_of(entity)))
    again = entity_of(definition)
    assert compared(again) == compared(entity)
    assert again.origin is Origin.ENVIRONMENT


@pytest.mark.parametrize("name", ["all.jsonl", "folder"])
def test_what_is_written_is_read_again(tmp_path, name):
    assert write_definitions(tmp_path / name, BUILTIN.all()) == 79
    source = DefinitionFiles(tmp_path / name)
    assert source.labels == BUILTIN.labels
    assert compared(source.find("customers v3")) == compared(BUILTIN.find("Customers V3"))


def test_a_file_by_hand_may_have_its_keys_in_any_order_and_hold_an_array(tmp_path):
    turned = dict(reversed(CARD.items()))
    quoted = {**CARD, "name": 'A "quoted" one', "type": "QuotedEntity", "collection": "Quoted"}
    (tmp_path / "a.json").write_text(json.dumps([turned, quoted], indent=2))
    (tmp_path / "b.jsonl").write_text(
        "\ufeff\n" + json.dumps({**turned, "type": "OtherEntity", "collection": "Others"}) + "\r\n",
        "utf-8",
    )
    (tmp_path / "read me.txt").write_text("nothing")
    source = DefinitionFiles(tmp_path)
    assert len(source) == 3
    assert source.find("CardEntity").label == "Cards"
    assert source.find('a "quoted" one').name == "QuotedEntity"
    assert source.find("others").name == "OtherEntity"


def test_composites_stand_among_definitions(tmp_path):
    path = tmp_path / "own.json"
    path.write_text(json.dumps({"name": "Both", "composite": {"entity": "CardEntity"}}))
    (composite,) = DefinitionFiles(path).composites
    assert (composite.label, composite.entities) == ("Both", ("CardEntity",))


def line(**change):
    return json.dumps({**CARD, **change})


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.jsonl", line() + "\n{", "a.jsonl, line 2: no JSON"),
        ("a.jsonl", line() + "\n[]", "a.jsonl, line 2: a definition is a mapping"),
        ("a.jsonl", line() + "\n" + line(), "a.jsonl, line 2: CardEntity is defined twice"),
        ("a.jsonl", line(fields=[]), "a.jsonl, line 1: the key 'fields' is missing"),
        ("a.jsonl", line(keys=["X"]), "a.jsonl, line 1: entities: Cards has no field 'X'"),
        ("a.jsonl", line(perCompani=True), "line 1: 'perCompani' is no key here; did you mean"),
        ("a.json", line(fields=[{"name": "A", "sise": 1}]), "fields[0]: 'sise' is no key"),
        ("a.json", line(fields=[{"size": 1}]), "fields[0]: a field is a mapping with a name"),
        ("a.json", line(fields=[{"name": "A", "type": "text"}]), "a.json: Cards: 'text' is not"),
        ("a.json", line(order=7), "a.json: Cards: "),
        ("a.json", '{"name": "X", "type": "Y"}', "the key 'collection' is missing"),
        ("a.json", "[" * 100_000, "no JSON"),
        ("a.yaml", "x", "definitions are in .jsonl or .json files"),
    ],
)
def test_a_definition_that_cannot_be_is_refused_with_file_and_line(tmp_path, name, text, said):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(ConfigurationError) as refused:
        DefinitionFiles(path)
    assert said in str(refused.value)


def test_a_folder_without_definitions_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match=r"the folder has no \.jsonl and no \.json file"):
        DefinitionFiles(tmp_path)


def test_of_many_definitions_a_bad_one_is_refused_when_it_is_used(tmp_path):
    path = tmp_path / "many.jsonl"
    lines = [
        line(name=f"Cards {n}", type=f"Card{n}Entity", collection=f"Cards{n}")
        for n in range(CHECKED_AT_ONCE)
    ]
    lines.append(line(name="Bad", type="BadEntity", collection="Bads", keys=["X"]))
    path.write_text("\n".join(lines))
    source = DefinitionFiles(path)
    assert len(source) == CHECKED_AT_ONCE + 1
    assert source._parsed == {}
    assert source.find("cards 7").name == "Card7Entity"
    with pytest.raises(ConfigurationError, match=r"many\.jsonl, line 501: .*'X' for its key"):
        source.find("Bad")


def test_definitions_that_cannot_be_written_are_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="cannot be written"):
        write_definitions(tmp_path / "file" / "x.jsonl", [])
