"""`$metadata` as generators of proxies demand it: everything named is declared, and rows fit it."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest

import job_tools
from builders import package

pytestmark = [
    pytest.mark.evidence("client"),
    pytest.mark.d365fo(
        environment=job_tools.ENVIRONMENT
        | {"templates": [{"id": "T", "entities": [{"entity": job_tools.GROUPS}]}]}
    ),
]

EDM = "{http://docs.oasis-open.org/odata/ns/edm}"
NAMESPACE = "Microsoft.Dynamics.DataEntities"
PRIMITIVES = {"Edm.String", "Edm.Boolean", "Edm.Int32", "Edm.DateTimeOffset", "Edm.Binary"}
SIMPLE_NAME = re.compile(r"[A-Za-z]\w*")
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def get(client, path):
    answer = client.session.get(
        client.base + path, headers={"Authorization": f"Bearer {client.token}"}
    )
    assert answer.status_code == 200, answer.text
    return answer


@pytest.fixture
def schema(client):
    document = ET.fromstring(get(client, "/data/$metadata").content)
    (found,) = document.iter(EDM + "Schema")
    assert found.get("Namespace") == NAMESPACE
    return found


def plain(kind):
    return kind.removeprefix("Collection(").removesuffix(")")


def test_every_type_that_is_named_is_declared_once(schema):
    declared = [
        f"{NAMESPACE}.{one.get('Name')}"
        for one in schema
        if one.tag in {EDM + "EnumType", EDM + "EntityType"}
    ]
    assert len(declared) == len(set(declared)), "some enumerations and entities share a name"
    named = {plain(one.get("Type")) for one in schema.iter() if one.get("Type")}
    named |= {one.get("EntityType") for one in schema.iter(EDM + "EntitySet")}
    assert named <= PRIMITIVES | set(declared)
    assert set(declared) <= named, "nothing is declared in vain"


def test_keys_are_properties_that_are_never_null_and_names_are_simple(schema):
    for entity in schema.findall(EDM + "EntityType"):
        properties = {one.get("Name"): one for one in entity.findall(EDM + "Property")}
        assert len(properties) == len(entity.findall(EDM + "Property"))
        keys = [one.get("Name") for one in entity.iter(EDM + "PropertyRef")]
        assert keys
        for key in keys:
            assert properties[key].get("Nullable") == "false"
        assert all(SIMPLE_NAME.fullmatch(name) for name in properties)


def test_enumerations_number_each_member_apart(schema):
    for one in schema.findall(EDM + "EnumType"):
        names = [member.get("Name") for member in one]
        numbers = [member.get("Value") for member in one]
        assert len(set(names)) == len(names) == len(set(numbers)) > 0


def test_every_row_of_every_set_is_of_its_type(client, schema):
    client.poll(client.import_package(package()))
    client.poll(client.export())
    types = {f"{NAMESPACE}.{one.get('Name')}": one for one in schema.findall(EDM + "EntityType")}
    members = {
        f"{NAMESPACE}.{one.get('Name')}": {member.get("Name") for member in one}
        for one in schema.findall(EDM + "EnumType")
    }
    sets = list(schema.iter(EDM + "EntitySet"))
    assert len(sets) == 7
    for one in sets:
        properties = types[one.get("EntityType")].findall(EDM + "Property")
        rows = get(client, f"/data/{one.get('Name')}").json()["value"]
        assert rows, one.get("Name")
        for row in rows:
            tag = row.pop("@odata.etag")
            assert tag.startswith('W/"')
            assert list(row) == [each.get("Name") for each in properties]
            for each in properties:
                assert fits(row[each.get("Name")], each, members), (each.get("Name"), row)


def fits(value, declared, members):
    if value is None:
        return declared.get("Nullable") != "false"
    kind = declared.get("Type")
    match kind:
        case "Edm.Int32":
            return type(value) is int and abs(value) < 2**31
        case "Edm.DateTimeOffset":
            return INSTANT.fullmatch(value) is not None
        case "Edm.String" | "Edm.Binary":
            return isinstance(value, str)
    return value in members[kind]
