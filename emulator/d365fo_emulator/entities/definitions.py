"""Entities as people write them: in the environment file, and in files of definitions.

The keys are those of the environment file: `name` is the label, `type` the AOT name. What follows
from a name by rule (staging name, labels of fields) may be left out.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from d365fo_emulator.entities.documents import entity_from_document
from d365fo_emulator.entities.model import Composite, CompositePart, EntityType, Origin
from d365fo_emulator.entities.naming import collection_of, label_of, staging_name_of
from d365fo_emulator.kernel.errors import ConfigurationError
from d365fo_emulator.kernel.tables import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from d365fo_emulator.entities.model import Field

ENTITY_KEYS = frozenset(
    {
        "name", "type", "collection", "staging", "category", "perCompany", "publicName", "readOnly",
        "order", "evidence", "keys", "fields",
    }
)  # fmt: skip
COMPOSITE_KEYS = frozenset({"name", "type", "composite"})
FIELD_KEYS = frozenset(
    {
        "name", "stagingName", "type", "label", "size", "mandatory", "enum", "enumLabels",
        "enumValues", "enumName", "enumComplete", "autoNumber", "decimals", "default", "readOnly",
        "arraySize", "reference", "evidence",
    }
)  # fmt: skip


def entity_of(definition: Mapping[str, Any]) -> EntityType:
    """The entity that a definition describes.

    Raises:
        ConfigurationError: a key that is no field, or two fields of one name.

    """
    label, name = definition["name"], definition["type"]
    fields = [_field_document(field) for field in definition["fields"]]
    _refuse_doubled(label, [field["name"] for field in fields])
    _refuse_doubled(label, [field["stagingName"] for field in fields])
    names = {field["name"] for field in fields}
    keys = list(definition.get("keys", [fields[0]["name"]]))
    for key in keys:
        if key not in names:
            raise ConfigurationError(f"entities: {label} has no field {key!r} for its key")
    plain = ("category", "publicName", "order", "readOnly", "evidence")
    return entity_from_document(
        {
            "label": label,
            "name": name,
            "collection": definition["collection"],
            "staging": definition.get("staging", staging_name_of(name)),
            "perCompany": definition.get("perCompany", True),
            "keys": keys,
            "fields": fields,
            **{key: definition[key] for key in plain if key in definition},
        },
        Origin.ENVIRONMENT,
    )


def composite_of(definition: Mapping[str, Any]) -> Composite:
    """The composite entity that a definition describes.

    `type` may be left out; the name is then made from the label.
    """
    label = definition["name"]
    name = definition.get("type") or f"{collection_of(label)}CompositeEntity"
    return Composite(label, name, _part(definition["composite"]))


def _part(part: str | Mapping[str, Any]) -> CompositePart:
    """A part: the AOT name alone, or a mapping with what is nested in it."""
    if isinstance(part, str):
        return CompositePart(part)
    children = tuple(_part(child) for child in part.get("children", ()))
    return CompositePart(part["entity"], children, tuple(part.get("links", {}).items()))


def _field_document(field: Mapping[str, Any]) -> dict[str, Any]:
    name = field["name"]
    return {"stagingName": name.upper(), "type": "string", "label": label_of(name), **field}


def _refuse_doubled(label: str, names: list[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name.casefold() in seen:
            raise ConfigurationError(f"entities: {label} has two fields {name!r}")
        seen.add(name.casefold())


def definition_of(entity: EntityType, *, complete: bool = False) -> dict[str, Any]:
    """The definition of an entity: `entity_of` makes the same entity of it again.

    What follows from names by rule, and what has its usual value, is left out unless the
    definition is to be `complete`: thousands of entities stay readable so.
    """
    marks = (mark.split(" ") for mark in entity.evidence.split(", ") if mark)
    every: tuple[tuple[str, Any, Any], ...] = (
        ("staging", entity.staging, staging_name_of(entity.name)),
        ("perCompany", entity.per_company, True),
        ("category", entity.category, ""),
        ("publicName", entity.public_name, ""),
        ("order", entity.order and dataclasses.asdict(entity.order), None),
        ("readOnly", entity.read_only, False),
        ("evidence", dict(marks), {}),
    )
    return {
        "name": entity.label,
        "type": entity.name,
        "collection": entity.collection,
        **_kept(every, complete=complete),
        "keys": list(entity.keys),
        "fields": [_field_definition(field, complete=complete) for field in entity.fields],
    }


def _field_definition(field: Field, *, complete: bool) -> dict[str, Any]:
    every: tuple[tuple[str, Any, Any], ...] = (
        ("stagingName", field.staging_name, field.name.upper()),
        ("type", field.type.value, "string"),
        ("label", field.label, label_of(field.name)),
        ("size", field.size, None),
        ("mandatory", field.mandatory, False),
        ("enum", list(field.enum), []),
        ("enumLabels", list(field.enum_labels), []),
        ("enumValues", list(field.enum_values), []),
        ("enumName", field.enum_name, ""),
        ("enumComplete", field.enum_complete, True),
        ("autoNumber", field.auto_number, False),
        ("decimals", field.decimals, 6),
        ("default", field.default, ""),
        ("readOnly", field.read_only, False),
        ("arraySize", field.array_size, 1),
        ("reference", field.reference and dataclasses.asdict(field.reference), None),
        ("evidence", field.evidence, ""),
    )
    return {"name": field.name, **_kept(every, complete=complete)}


def _kept(every: Iterable[tuple[str, Any, Any]], *, complete: bool) -> dict[str, Any]:
    """Of keys with value and usual value: those that are unusual, or that say anything at all."""
    empty: tuple[Any, ...] = (None, "", [], {})
    return {
        key: value
        for key, value, usual in every
        if (value not in empty if complete else value != usual)
    }


def check_definition(definition: Any) -> None:
    """Checks the keys of a definition that no schema has seen.

    Raises:
        ConfigurationError: no mapping, a key that there is not (with the nearest), or one missing.

    """
    if not isinstance(definition, dict):
        raise ConfigurationError("a definition is a mapping that begins with the label as name")
    composite = "composite" in definition
    _check_keys("", definition, COMPOSITE_KEYS if composite else ENTITY_KEYS)
    for key in ("name", "composite") if composite else ("name", "type", "collection", "fields"):
        if not definition.get(key):
            raise ConfigurationError(f"the key {key!r} is missing")
    fields = definition.get("fields", [])
    if not isinstance(fields, list):
        raise ConfigurationError("fields is a list")
    for number, field in enumerate(fields):
        if not isinstance(field, dict) or not isinstance(field.get("name"), str):
            raise ConfigurationError(f"fields[{number}]: a field is a mapping with a name")
        _check_keys(f"fields[{number}]: ", field, FIELD_KEYS)


def _check_keys(where: str, mapping: Mapping[str, Any], known: frozenset[str]) -> None:
    for key in mapping:
        if key not in known:
            hint = did_you_mean(str(key), known)
            raise ConfigurationError(f"{where}{key!r} is no key here{hint}")
