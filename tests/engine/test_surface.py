"""The Finance & Operations surface around the actions: documents, headers, what is not there."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import yaml

from d365fo_emulator.dmf import signatures
from job_tools import ACTIONS

METADATA = Path(__file__).resolve().parents[2] / "fixtures" / "metadata.yaml"
NAMESPACE = "Microsoft.Dynamics.DataEntities."
EDM = "{http://docs.oasis-open.org/odata/ns/edm}"
HEADERS = ("ms-dyn-aid", "ms-dyn-fqhn", "ms-dyn-namespace", "ms-dyn-tenant", "ms-dyn-role")


def ask(client, path, method="GET", **options):
    headers = {"Authorization": f"Bearer {client.token}"}
    return client.session.request(method, client.base + path, headers=headers, **options)


def listed_actions(client):
    schema = ET.fromstring(ask(client, "/data/$metadata").content)
    return {
        action.get("Name"): [one.get("Name") for one in action.iter(EDM + "Parameter")][1:]
        for action in schema.iter(EDM + "Action")
    }


def told(client):
    """The served `$metadata` in the form of `fixtures/metadata.yaml`."""
    schema = ET.fromstring(ask(client, "/data/$metadata").content).find(f".//{EDM}Schema")
    return {
        "enumerations": {
            one.get("Name"): [(m.get("Name"), int(m.get("Value"))) for m in one]
            for one in schema.findall(EDM + "EnumType")
        },
        "entities": {
            one.get("Name"): {
                "key": [key.get("Name") for key in one.iter(EDM + "PropertyRef")],
                "properties": types_of(one.findall(EDM + "Property")),
            }
            for one in schema.findall(EDM + "EntityType")
        },
        "sets": {
            one.get("Name"): one.get("EntityType").removeprefix(NAMESPACE)
            for one in schema.iter(EDM + "EntitySet")
        },
        "actions": [told_action(one) for one in schema.findall(EDM + "Action")],
    }


def told_action(action):
    binding, *parameters = action.findall(EDM + "Parameter")
    assert action.get("IsBound") == "true"
    assert binding.get("Name") == "DataManagementDefinitionGroup"
    assert binding.get("Type") == f"Collection({NAMESPACE}{binding.get('Name')})"
    listed = {"name": action.get("Name"), "parameters": types_of(parameters)}
    result = action.find(EDM + "ReturnType")
    return listed if result is None else {**listed, "returns": short(result.get("Type"))}


def types_of(elements):
    return {one.get("Name"): short(one.get("Type")) for one in elements}


def short(name):
    return name.replace(NAMESPACE, "~").replace("Edm.", "")


def numbered(members):
    return [(name, number) for number, name in enumerate(members)]


@pytest.mark.evidence("client")
def test_the_metadata_is_what_generated_clients_were_made_from(job):
    _view, client = job
    expected = yaml.safe_load(METADATA.read_text("utf-8"))
    expected["enumerations"] = {
        name: numbered(members) for name, members in expected["enumerations"].items()
    }
    found = told(client)
    assert [list(one["parameters"]) for one in found["actions"]] == [
        list(one["parameters"]) for one in expected["actions"]
    ], "the order of parameters counts"
    for name, entity in expected["entities"].items():
        assert list(found["entities"][name]["properties"]) == list(entity["properties"])
    assert found == expected


@pytest.mark.evidence("documented")
def test_an_older_platform_neither_lists_nor_knows_later_actions(open_job):
    _view, client = open_job(settings={"platformUpdate": 12})
    assert "GetExecutionErrors" not in listed_actions(client)
    assert "ImportFromPackage" in listed_actions(client)
    answer = ask(client, ACTIONS + "GetExecutionErrors?x=1", "POST", json={})
    assert answer.status_code == 404
    assert f"'{client.base}{ACTIONS}GetExecutionErrors?x=1'" in answer.json()["Message"]


@pytest.mark.evidence("recorded")
@pytest.mark.parametrize("path", ["/data", "/Data/", "/namespaces/AXSF/data/", "/data/$metadata"])
def test_documents_are_found_in_any_spelling_and_carry_the_headers(job, path):
    _view, client = job
    answer = ask(client, path)
    assert answer.status_code == 200
    assert all(name in answer.headers for name in HEADERS)
    assert answer.headers["OData-Version"] == "4.0"


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/data/CustomersV3", 501),
        ("GET", "/data/DataManagementTemplates", 501),
        ("POST", f"/data/DataManagementEntities/{NAMESPACE}GetApplicationVersion", 501),
        ("POST", f"/data/SystemNotifications/{NAMESPACE}GetInstalledModules", 501),
        ("POST", f"/data/DataManagementEntities/{NAMESPACE}GetNothing", 404),
        ("GET", "/api/connector/enqueue/x", 501),
        ("GET", "/metadata/PublicEntities", 501),
        ("POST", "/data/$batch", 501),
        ("GET", "/data/NoSuchSet", 404),
        ("GET", "/api/nothing", 404),
        ("POST", "/data/", 404),
        ("GET", ACTIONS + "ImportFromPackage", 404),
        ("POST", ACTIONS + "NoSuchAction", 404),
        *(("POST", ACTIONS + one.name, 501) for one in signatures.ACTIONS if not one.built),
    ],
)
def test_what_is_not_built_answers_501_and_what_is_unknown_404(job, method, path, status):
    _view, client = job
    answer = ask(client, path, method)
    assert answer.status_code == status
    assert answer.json()
