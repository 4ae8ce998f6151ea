"""`$metadata` from the tables of signatures; read by generated clients and connection tests."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from d365fo_emulator.odata.actions import NAMESPACE, EdmType

if TYPE_CHECKING:
    from collections.abc import Iterable

    from d365fo_emulator.odata.actions import ActionSignature
    from d365fo_emulator.odata.model import EntityType, Enumeration
    from d365fo_emulator.odata.sets import EntitySet

EDMX = "http://docs.oasis-open.org/odata/ns/edmx"
EDM = "http://docs.oasis-open.org/odata/ns/edm"
NEVER_NULL = frozenset({"Edm.Int32", "Edm.DateTimeOffset"})


def document(
    actions: Iterable[ActionSignature],
    enumerations: Iterable[Enumeration],
    sets: Iterable[EntitySet],
) -> bytes:
    """The schema as one EDMX 4.0 document."""
    root = ET.Element("edmx:Edmx", {"Version": "4.0", "xmlns:edmx": EDMX})
    services = ET.SubElement(root, "edmx:DataServices")
    schema = ET.SubElement(services, "Schema", {"Namespace": NAMESPACE, "xmlns": EDM})
    for enumeration in enumerations:
        _add_enumeration(schema, enumeration)
    sets = tuple(sets)
    for entity in dict.fromkeys(one.type for one in sets):
        _add_entity(schema, entity)
    for action in actions:
        _add_action(schema, action)
    container = ET.SubElement(schema, "EntityContainer", {"Name": "Resources"})
    for one in sets:
        attributes = {"Name": one.name, "EntityType": one.type.full_name}
        ET.SubElement(container, "EntitySet", attributes)
    text: bytes = ET.tostring(root, encoding="utf-8")
    return b'<?xml version="1.0" encoding="utf-8"?>' + text


def _add_enumeration(schema: ET.Element, enumeration: Enumeration) -> None:
    element = ET.SubElement(schema, "EnumType", {"Name": enumeration.name})
    for member, value in enumeration.members:
        ET.SubElement(element, "Member", {"Name": member, "Value": str(value)})


def _add_entity(schema: ET.Element, entity: EntityType) -> None:
    element = ET.SubElement(schema, "EntityType", {"Name": entity.name})
    key = ET.SubElement(element, "Key")
    for name in entity.key:
        ET.SubElement(key, "PropertyRef", {"Name": name})
    for one in entity.properties:
        attributes = {"Name": one.name, "Type": one.type_name}
        # Numbers and instants are never null either (read in a generated proxy).
        if one.name in entity.key or one.type in NEVER_NULL:
            attributes["Nullable"] = "false"
        ET.SubElement(element, "Property", attributes)


def _add_action(schema: ET.Element, action: ActionSignature) -> None:
    element = ET.SubElement(schema, "Action", {"Name": action.name, "IsBound": "true"})
    # The binding parameter is named after the entity, as in the recorded schema of another one.
    binding = f"Collection({NAMESPACE}.{action.entity})"
    ET.SubElement(element, "Parameter", {"Name": action.entity, "Type": binding})
    for parameter in action.parameters:
        ET.SubElement(element, "Parameter", {"Name": parameter.name, "Type": parameter.type})
    if action.returns is not EdmType.NOTHING:
        ET.SubElement(element, "ReturnType", {"Type": action.returns})
