"""`$metadata` from the tables of signatures; read by generated clients and connection tests."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from d365fo_emulator.odata.actions import NAMESPACE, EdmType

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from d365fo_emulator.odata.actions import ActionSignature

EDMX = "http://docs.oasis-open.org/odata/ns/edmx"
EDM = "http://docs.oasis-open.org/odata/ns/edm"


def document(
    actions: Iterable[ActionSignature],
    enumerations: Mapping[str, Sequence[tuple[str, int]]],
    entities: Mapping[str, Sequence[tuple[str, str, bool]]],
    sets: Mapping[str, str],
) -> bytes:
    """The schema as one EDMX 4.0 document.

    Args:
        entities: entity name to its properties (name, type, whether it is the key).
        sets: entity set to entity name.

    """
    root = ET.Element("edmx:Edmx", {"Version": "4.0", "xmlns:edmx": EDMX})
    services = ET.SubElement(root, "edmx:DataServices")
    schema = ET.SubElement(services, "Schema", {"Namespace": NAMESPACE, "xmlns": EDM})
    for name, members in enumerations.items():
        _add_enumeration(schema, name, members)
    for name, properties in entities.items():
        _add_entity(schema, name, properties)
    for action in actions:
        _add_action(schema, action)
    container = ET.SubElement(schema, "EntityContainer", {"Name": "Resources"})
    for name, entity in sets.items():
        attributes = {"Name": name, "EntityType": f"{NAMESPACE}.{entity}"}
        ET.SubElement(container, "EntitySet", attributes)
    text: bytes = ET.tostring(root, encoding="utf-8")
    return b'<?xml version="1.0" encoding="utf-8"?>' + text


def _add_enumeration(schema: ET.Element, name: str, members: Sequence[tuple[str, int]]) -> None:
    enumeration = ET.SubElement(schema, "EnumType", {"Name": name})
    for member, value in members:
        ET.SubElement(enumeration, "Member", {"Name": member, "Value": str(value)})


def _add_entity(schema: ET.Element, name: str, properties: Sequence[tuple[str, str, bool]]) -> None:
    entity = ET.SubElement(schema, "EntityType", {"Name": name})
    key = ET.SubElement(entity, "Key")
    for property_name, kind, is_key in properties:
        attributes = {"Name": property_name, "Type": kind}
        if is_key:
            ET.SubElement(key, "PropertyRef", {"Name": property_name})
            attributes["Nullable"] = "false"
        ET.SubElement(entity, "Property", attributes)


def _add_action(schema: ET.Element, action: ActionSignature) -> None:
    element = ET.SubElement(schema, "Action", {"Name": action.name, "IsBound": "true"})
    # The binding parameter is named after the entity, as in the recorded schema of another one.
    binding = f"Collection({NAMESPACE}.{action.entity})"
    ET.SubElement(element, "Parameter", {"Name": action.entity, "Type": binding})
    for parameter in action.parameters:
        ET.SubElement(element, "Parameter", {"Name": parameter.name, "Type": parameter.type})
    if action.returns is not EdmType.NOTHING:
        ET.SubElement(element, "ReturnType", {"Type": action.returns})
