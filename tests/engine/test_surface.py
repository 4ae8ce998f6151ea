"""The Finance & Operations surface around the actions: documents, headers, what is not there."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from d365fo_emulator.dmf import signatures
from job_tools import ACTIONS

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


@pytest.mark.evidence("client")
def test_the_metadata_lists_every_action_with_its_parameters_in_order(job):
    _view, client = job
    assert list(listed_actions(client).items()) == [
        (one.name, [parameter.name for parameter in one.parameters]) for one in signatures.ACTIONS
    ]


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
        ("GET", "/data/DataManagementExecutionJobs", 501),
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
