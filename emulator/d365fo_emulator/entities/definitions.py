"""Entities as people write them: in the environment file, and in files of definitions.

The keys are those of the environment file: `name` is the label, `type` the AOT name. What follows
from a name by rule (staging name, labels of fields) may be left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from d365fo_emulator.entities.documents import entity_from_document
from d365fo_emulator.entities.model import Composite, CompositePart, EntityType, Origin
from d365fo_emulator.entities.naming import collection_of, label_of, staging_name_of
from d365fo_emulator.kernel.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping


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
