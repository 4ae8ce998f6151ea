"""Entities as JSON documents: the catalogue's data files, and what is kept of learnt entities.

The shape is `catalogue.schema.json`; reading trusts it, since the files are validated by tests
and the kept documents were written here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from d365fo_emulator.entities.model import (
    EntityType,
    ExecutionOrder,
    Field,
    FieldType,
    Origin,
    Reference,
)

if TYPE_CHECKING:
    from collections.abc import Mapping


def entity_from_document(
    document: Mapping[str, Any], origin: Origin = Origin.CATALOGUE
) -> EntityType:
    """The entity that a document describes; `origin` is the entity's and its fields'."""
    return EntityType(
        label=document["label"],
        name=document["name"],
        collection=document["collection"],
        staging=document["staging"],
        per_company=document["perCompany"],
        keys=tuple(document["keys"]),
        fields=tuple(field_from_document(field, origin) for field in document["fields"]),
        category=document.get("category", ""),
        origin=origin,
        evidence=", ".join(f"{part} {mark}" for part, mark in document.get("evidence", {}).items()),
        public_name=document.get("publicName", ""),
        order=ExecutionOrder(**document["order"]) if "order" in document else None,
        read_only=document.get("readOnly", False),
    )


def field_from_document(document: Mapping[str, Any], origin: Origin) -> Field:
    """The field that a document describes; its own origin, where it states one, wins."""
    reference = document.get("reference")
    return Field(
        name=document["name"],
        staging_name=document["stagingName"],
        type=FieldType(document["type"]),
        label=document["label"],
        size=document.get("size"),
        mandatory=document.get("mandatory", False),
        enum=tuple(document.get("enum", ())),
        enum_labels=tuple(document.get("enumLabels", ())),
        enum_name=document.get("enumName", ""),
        reference=Reference(**reference) if reference else None,
        origin=Origin(document.get("origin", origin)),
        auto_number=document.get("autoNumber", False),
        enum_complete=document.get("enumComplete", True),
        decimals=document.get("decimals", 6),
        evidence=document.get("evidence", ""),
        enum_values=tuple(document.get("enumValues", ())),
        default=document.get("default", ""),
        read_only=document.get("readOnly", False),
        array_size=document.get("arraySize", 1),
    )


def entity_to_document(entity: EntityType) -> dict[str, Any]:
    """The document of a learnt entity."""
    return {
        "label": entity.label,
        "name": entity.name,
        "collection": entity.collection,
        "staging": entity.staging,
        "perCompany": entity.per_company,
        "keys": list(entity.keys),
        "fields": [learnt_field_to_document(field) for field in entity.fields],
    }


def learnt_field_to_document(field: Field) -> dict[str, Any]:
    """The document of a learnt field: a text, of which no more than its names is known."""
    return {
        "name": field.name,
        "stagingName": field.staging_name,
        "type": field.type.value,
        "label": field.label,
        "origin": field.origin.value,
    }
