"""The calls of public scripts that make a project over OData, export it and read its history.

Each function goes through the requests of one script, in its order, and tells success as it does.
"""

from __future__ import annotations

import re

import pytest

import job_tools
from builders import package

pytestmark = [
    pytest.mark.evidence("client"),
    pytest.mark.d365fo(
        environment=job_tools.ENVIRONMENT
        | {
            "templates": [
                {
                    "id": "010 - System Setup",
                    "entities": [{"entity": job_tools.GROUPS}, {"entity": "Customers V3"}],
                }
            ]
        }
    ),
]
GROUPS = "/data/DataManagementDefinitionGroups"
DETAILS = "/data/DataManagementDefinitionGroupDetails"


@pytest.fixture
def call(client):
    def send(method, path, members=None, status=None):
        headers = {"Authorization": f"Bearer {client.token}", "Content-Type": "application/json"}
        answer = client.session.request(method, client.base + path, json=members, headers=headers)
        assert status is None or answer.status_code in status, answer.text
        return answer

    return send


def error_text(answer):
    """Innermost first, as these scripts read it."""
    members = answer.json()
    error = members.get("error", {})
    return error.get("innererror", {}).get("message") or error.get("message") or members["Message"]


def test_a_project_is_made_from_a_template_entity_by_entity(call, client):
    client.poll(client.import_package(package()))
    (header,) = call("GET", "/data/DefinitionGroupTemplateHeaders").json()["value"]
    template = header["TemplateId"]
    lines = call(
        "GET", f"/data/DefinitionGroupTemplateLines?$filter=TemplateId eq '{template}'"
    ).json()["value"]
    call("GET", f"{GROUPS}('{template}')", status={400, 404})
    call(
        "POST",
        GROUPS,
        {"Name": template, "OperationType": "Export", "ProjectCategory": "Project"},
        status={201},
    )
    for line in lines:
        detail = {
            "DefinitionGroupId": template,
            "EntityName": line["Entity"],
            "ExecutionUnit": line["ExecutionUnit"],
            "LevelInExecutionUnit": line["LevelInExecutionUnit"],
            "SequenceInLevel": line["Sequence"],
            "SourceFormat": "CSV",
            "SkipStaging": "Yes",
            "AutoGenerateMapping": "Yes",
        }
        answer = call("POST", DETAILS, detail)
        if answer.status_code >= 400:
            assert "Staging cannot be skipped" in error_text(answer)
            call("POST", DETAILS, detail | {"SkipStaging": "No"}, status={201})
    execution = client.export(definitionGroupId=template)
    assert client.poll(execution)[-1] in {"Succeeded", "PartiallySucceeded"}
    assert client.exported(execution).startswith(b"PK")
    call("DELETE", f"{GROUPS}('{template}')", status={204})


def test_a_batch_export_may_be_run_twice(call, client):
    client.poll(client.import_package(package()))
    project = {
        "Name": "LC-Export",
        "OperationType": "Export",
        "ProjectCategory": "Project",
        "Description": "batch",
        "GenerateDataPackage": "No",
    }
    detail = {
        "DefinitionGroupId": "LC-Export",
        "EntityName": job_tools.GROUPS,
        "SourceFormat": "CSV-Unicode",
        "ExecutionUnit": 1,
        "LevelInExecutionUnit": 1,
        "SequenceInLevel": 1,
        "DefaultRefreshType": "FullPush",
        "AutoGenerateMapping": "Yes",
    }
    for number in range(2):
        for path, members in ((GROUPS, project), (DETAILS, detail)):
            answer = call("POST", path, members, status={201, 400, 409})
            if answer.status_code != 201:
                assert number == 1
                assert "already exists" in answer.text
        execution = client.export(definitionGroupId="LC-Export", executionId=f"LC-Export-{number}")
        assert execution == f"LC-Export-{number}"
        assert client.poll(execution)[-1] == "Succeeded"
    operation = "Microsoft.Dynamics.DataEntities.DMFOperationType'Export'"
    call("DELETE", f"{GROUPS}(Name='LC-Export',OperationType={operation})", status={204})


def test_an_import_that_gave_no_answer_is_found_by_its_project(call, client):
    execution = client.import_package(package(), definitionGroupId="Golden")
    condition = "$filter=DefinitionGroupId eq 'Golden'&$select=JobId"
    path = f"/data/DataManagementExecutionJobDetails?{condition}"
    found = sorted({row["JobId"] for row in call("GET", path).json()["value"]}, reverse=True)
    assert found[0] == execution


def test_a_report_adds_up_what_failed_over_all_pages(call, d365fo, client):
    rule = d365fo.on(action="Import*")
    rule.row_error(entity=job_tools.GROUPS, row=1, stage="target", message="refused")
    name = "Copy legal entity USMF to ABC - 2026-11-24 10:00"
    client.poll(client.import_package(package(), executionId=name))
    rows, link = [], f"/data/DataManagementExecutionJobDetails?$filter=JobId eq '{name}'"
    while link:
        page = call("GET", link).json()
        rows += page["value"]
        link = re.sub(r".*(/data/.*)", r"\1", page.get("@odata.nextLink", ""))
    failed = sum(
        row["StagingRecordsToBeProcessedCount"]
        - row["TargetRecordsCreatedCount"]
        - row["TargetRecordsUpdatedCount"]
        for row in rows
    )
    assert failed == 1
