"""Public programs that call the data management package API, each by the requests it sends.

Methods, bodies, headers, conditions of polling and the handling of failures are those of the
program; the code is not. Microsoft's own are in `test_microsoft_clients.py`; programs that make
their project over OData first in `test_project_scripts.py`.
"""

from __future__ import annotations

import base64
import json
import re
import uuid

import pytest
import requests

import job_tools
from builders import package
from d365fo_emulator.scenarios.builder import Computed, Failed, NotFound, NotRun
from job_tools import ACTIONS, EXPORT_GROUPS, GROUPS
from senders import ALIVE, BLOCK_BLOB, PACKAGE, ZERO, export_members, refuse_first_row, six

pytestmark = [pytest.mark.evidence("client"), pytest.mark.d365fo(environment=job_tools.ENVIRONMENT)]

# 7 to 9, 31. PowerShell cmdlets: the host has no port.


def test_the_message_cmdlet_posts_single_quotes_and_a_host_without_a_port(send):
    body = "{'messageId':'5e28a4e3-5ab1-4a3b-9f4b-b0a9a3e0c001'}"
    answer = send.post("GetMessageStatus", body, {"Host": "localhost"})
    # No message is ever enqueued here: the body was read, the message is not found.
    assert answer.status_code == 400
    assert "5e28a4e3-5ab1-4a3b-9f4b-b0a9a3e0c001" in answer.json()["error"]["innererror"]["message"]


def test_the_initialising_cmdlet_prints_nothing(send):
    answer = send.post("InitializeDataManagement", "{}", {"Host": "localhost"})
    assert (answer.status_code, answer.content) == (204, b"")


@pytest.mark.parametrize("prefix", ["", "/namespaces/AXSF"])
def test_the_action_cmdlet_asks_across_companies_with_a_payload_or_none(send, prefix):
    headers = {"Content-Type": "application/json;charset=utf-8", "Host": "localhost"}
    query = "?cross-company=true"
    url = send.value(
        "GetAzureWriteUrl", '{"uniqueFileName":"a.zip"}', headers, prefix=prefix, query=query
    )
    assert json.loads(url)["BlobId"].startswith("{")
    answer = send.post("InitializeDataManagementAsync", None, headers, prefix=prefix, query=query)
    assert answer.status_code == 204


def test_the_action_cmdlet_asks_for_the_page_of_an_execution(send):
    execution = send.value("ImportFromPackage", six(send.uploaded("a")))
    page = send.value("GetExecutionSummaryPageUrl", {"executionId": execution})
    assert send.session.get(page).status_code == 200


# 10. d365fo-client: any action, and its draft class for data management.


def test_the_python_client_takes_text_json_or_nothing_by_content_type(send):
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    nothing = send.post("InitializeDataManagement", {}, headers)
    assert nothing.status_code in {200, 201, 204}
    assert "json" not in nothing.headers.get("Content-Type", "")
    answer = send.post("GetEntitySequence", {"listOfDataEntities": GROUPS}, headers)
    assert "application/json" in answer.headers["Content-Type"]
    assert answer.headers["ms-dyn-aid"]
    assert answer.json() == {
        "@odata.context": f"{send.client.base}/data/$metadata#Edm.String",
        "value": f"{GROUPS}-1-1-1,",
    }


def test_the_draft_class_sends_empty_texts_for_what_it_was_not_given(send):
    url = send.uploaded("a.zip")
    execution = send.value("ImportFromPackage", six(url))
    send.while_in(ALIVE, execution)
    members = {"executionId": execution, "entityName": ""}
    assert send.value("GetImportStagingErrorFileUrl", members) == ""
    assert send.value("GetEntityExecutionSummaryStatusList", {"executionId": execution}) == [
        f"{GROUPS}: Succeeded"
    ]
    reset = {"definitionGroupId": EXPORT_GROUPS, "entityName": GROUPS, "sourceName": ""}
    assert send.value("ResetVersionToken", reset) is True


# 11, 20, 22. Nine members of the asynchronous import, one of them misspelt.


def nine(url, execution, without_batch, threshold, overwrite="overwrite"):
    members = six(url, execution=execution)
    members[overwrite] = members.pop("overwrite")
    more = {"failOnError": True, "runAsyncWithoutBatch": without_batch}
    return members | more | {"thresholdToRunInBatch": threshold}


@pytest.mark.parametrize(
    ("execution", "without_batch", "threshold", "overwrite"),
    [
        ("nightly-5e28a4e3", False, 1000, "overwrite"),
        ("EXEC-20261124-100000", True, 1, "overWrite"),
        ("", True, 0, "overwrite"),
    ],
    ids=["prompts", "MCP server", "C# class"],
)
def test_nine_members_begin_an_asynchronous_import(
    send, execution, without_batch, threshold, overwrite
):
    members = nine(send.uploaded("a.zip"), execution, without_batch, threshold, overwrite)
    given = send.value("ImportFromPackageAsync", members)
    assert given == execution or (given and not execution)
    assert send.while_in(ALIVE, given) == "Succeeded"


def test_an_asynchronous_import_of_no_package_fails_in_its_state(send):
    url = send.blob_url("a.zip")
    send.put(url, b"no package")
    execution = send.value("ImportFromPackageAsync", nine(url, "", True, 0))
    assert send.while_in(ALIVE, execution) == "Failed"


def test_the_prompts_ask_for_a_url_whatever_is_answered(send):
    sequence = send.value("GetEntitySequence", {"listOfDataEntities": f"{GROUPS},Customers V3"})
    assert [part.split("-")[0] for part in sequence.rstrip(",").split(",")] == [
        GROUPS,
        "Customers V3",
    ]
    own = f"{EXPORT_GROUPS}-{uuid.uuid5(uuid.NAMESPACE_URL, 'x')}"
    send.value("ExportToPackage", export_members(own, re_execute=True))
    answers = [send.post("GetExportedPackageUrl", {"executionId": own}) for _ in range(20)]
    assert {answer.status_code for answer in answers} == {200}
    assert send.while_in(ALIVE, own) == "Succeeded"
    assert send.value("GetExportedPackageUrl", {"executionId": own})
    # Their monitor leaves the entity out: there is none with errors.
    assert send.value("GetImportStagingErrorFileUrl", {"executionId": own}) == ""


def test_the_c_sharp_class_found_that_the_action_cannot_be_got(send):
    url = send.client.base + ACTIONS + "ImportFromPackageAsync"
    answer = send.session.get(url, headers={"Authorization": f"Bearer {send.client.token}"})
    assert answer.status_code == 404
    assert answer.json()["Message"].endswith("No route data was found for this request.")


# 12 to 14. Environment loader: what it repeats, and how it reads a refusal.


def loader_import(send, content=PACKAGE, **put_headers):
    url = send.blob_url("010-System-Setup_20261124100000.zip")
    send.put(url, content, put_headers)
    return send.post("ImportFromPackage", six(url, "010 - System Setup"))


@pytest.mark.parametrize("kind", [{}, {"Content-Type": "application/octet-stream"}])
def test_the_loader_waits_for_one_of_four_words(send, kind):
    execution = loader_import(send, **kind).json()["value"]
    assert execution
    assert send.while_in(ALIVE, execution, most=120) == "Succeeded"


def test_the_loader_never_repeats_a_refusal_and_reads_two_messages(send, d365fo):
    answer = loader_import(send, package(without=("PackageHeader.xml",)))
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["message"] == "An error has occurred."
    assert error["innererror"]["message"].endswith("\\PackageHeader.xml'.")
    d365fo.verify(action="ImportFromPackage", count=1)


def test_the_template_export_takes_the_template_for_a_project(send):
    answer = send.post("ExportToPackage", export_members("", project="010 - System Setup"))
    assert answer.status_code == 400
    message = answer.json()["error"]["innererror"]["message"]
    assert "Export to package failed for definition group: 010 - System Setup" in message


# 16. A migration tool in .NET: blocks, and the id that it sent.

MIGRATION = {
    "Content-Type": "application/json; charset=utf-8",
    "OData-Version": "4.0",
    "OData-MaxVersion": "4.0",
    "Prefer": "odata.include-annotations = *",
}


def test_the_migration_tool_uploads_blocks_and_compares_the_id(send):
    url = send.blob_url("CustCustomerGroupEntity.zip", MIGRATION)
    half = len(PACKAGE) // 2
    names = [base64.b64encode(f"{number:06}".encode()).decode() for number in range(2)]
    for name, part in zip(names, (PACKAGE[:half], PACKAGE[half:]), strict=True):
        block = {"comp": "block", "blockid": name}
        assert send.session.put(url, params=block, data=part).status_code == 201
    latest = "".join(f"<Latest>{name}</Latest>" for name in names)
    listed = send.session.put(
        url, params={"comp": "blocklist"}, data=f"<BlockList>{latest}</BlockList>"
    )
    assert listed.status_code == 201
    wanted = "Import_2026-11-24 10:00:00"
    assert send.value("ImportFromPackage", six(url, execution=wanted), MIGRATION) == wanted
    # Any word beside its seven names would throw.
    assert send.while_in((*ALIVE, "Unknown"), wanted, headers=MIGRATION) == "Succeeded"


# 17. An integration library that takes every failed poll for work in progress.


def test_the_library_reads_errors_and_keys_of_a_job_that_failed(send, d365fo):
    d365fo.load("failed")
    execution = send.value("ImportFromPackage", six(send.uploaded(ZERO)))
    assert send.while_in(ALIVE, execution) == "Failed"
    assert json.loads(send.value("GetExecutionErrors", {"executionId": execution}))
    members = {"executionId": execution, "entityName": GROUPS}
    assert send.value("GenerateImportTargetErrorKeysFile", members) is True
    assert send.url_until(bool, "GetImportTargetErrorKeysFileUrl", members)


# 18. An import script that takes "were not found" for pending.


def test_the_script_waits_for_a_record_that_is_not_there_yet(send, d365fo):
    d365fo.on(action="Import*").timeline(NotFound(polls=2), NotRun(polls=1), Computed())
    execution = send.value("ImportFromPackage", six(send.uploaded("a.zip"), "LC-1"))
    for _ in range(2):
        answer = send.post("GetExecutionSummaryStatus", {"executionId": execution})
        assert answer.status_code == 400
        assert "were not found" in answer.text
    assert send.while_in((*ALIVE, "Queued"), execution) == "Succeeded"
    assert send.value("GetExecutionErrors", {"executionId": execution}) == "[]"
    members = {"executionId": execution, "entityName": GROUPS}
    assert send.value("GenerateImportTargetErrorKeysFile", members) is False
    assert send.url_until(bool, "GetImportTargetErrorKeysFileUrl", members, most=6) == ""


# 21. A recipe in TypeScript: members that are undefined are not sent.


@pytest.mark.parametrize("company", [{}, {"legalEntityId": "USMF"}])
def test_the_recipe_leaves_members_out_and_unwraps_values(send, company):
    members = six(send.uploaded("a.zip"), execution="import-0001", execute=False)
    del members["legalEntityId"]
    answer = send.value("ImportFromPackage", members | company)
    execution = answer["value"] if isinstance(answer, dict) else answer
    assert execution == "import-0001"
    assert send.while_in(ALIVE, execution).lower().replace(" ", "") == "succeeded"
    assert send.value("GetImportStagingErrorFileUrl", {"executionId": execution}) == ""


# 23. Scripts for whole companies: errors parted by a regular expression.


def parted(text):
    """Items of the list, where strict readers of JSON give up."""
    items = re.split(r'\},\s*\{(?="RecordId")', text.strip()[2:-2])
    pattern = r'"RecordId":"(.*?)","Field":"(.*?)","ErrorMessage":"(.*)"$'
    return [re.match(pattern, item, re.DOTALL).groups() for item in items if item]


def with_settings(**settings):
    return pytest.mark.d365fo(environment=job_tools.ENVIRONMENT | {"settings": settings})


@with_settings(errorsJson="raw")
def test_the_company_scripts_part_errors_that_no_reader_of_json_takes(d365fo, send):
    rule = d365fo.on(action="Import*")
    for row in (1, 2):
        rule.row_error(entity=GROUPS, row=row, stage="target", message='the "group"\r\nis bad')
    headers = {"OData-MaxVersion": "4.0"}
    execution = send.value("ImportFromPackage", six(send.uploaded("a.zip")), headers)
    assert send.while_in((*ALIVE, "Unknown"), execution) == "PartiallySucceeded"
    text = send.value("GetExecutionErrors", {"executionId": execution})
    with pytest.raises(json.JSONDecodeError):
        json.loads(text)
    assert [item[0].strip() for item in parted(text)] == ["1", "2"]


# 24. A tester in Python: a list of projects, and three failed polls at most.


def test_the_tester_shows_no_project_because_it_selects_by_another_name(send):
    headers = {"Authorization": f"Bearer {send.client.token}"}
    projects = send.client.base + "/data/DataManagementDefinitionGroups"
    names = "$select=DefinitionGroupId,Description&$orderby=DefinitionGroupId"
    assert send.session.get(f"{projects}?{names}", headers=headers).status_code == 400
    right = send.session.get(f"{projects}?$select=Name,Description&$orderby=Name", headers=headers)
    assert [row["Name"] for row in right.json()["value"]] == [EXPORT_GROUPS]


def test_the_tester_gives_up_after_three_polls_that_failed(send, d365fo):
    d365fo.on(action="Import*").timeline(NotFound(polls=5), NotRun(polls=1))
    execution = send.value("ImportFromPackage", six(send.uploaded("a.zip")))
    polls = [
        send.post("GetExecutionSummaryStatus", {"executionId": execution}).status_code
        for _ in range(3)
    ]
    assert polls == [400] * 3


# 25. Notebooks: the number of a record is taken for that of its row.


def test_the_notebook_finds_its_bad_rows_by_number(send, d365fo):
    refuse_first_row(d365fo)
    answer = send.post("GetAzureWriteUrl", {"uniqueFileName": "a.zip"}).json()
    url = answer.get("BlobUrl") or json.loads(answer["value"])["BlobUrl"]
    send.put(url)
    execution = send.value("ImportFromPackage", six(url))
    assert send.while_in(ALIVE, execution) == "PartiallySucceeded"
    errors = json.loads(send.value("GetExecutionErrors", {"executionId": execution}))
    assert [int(error["RecordId"]) for error in errors] == [1]


# 26, 27. Programs that cannot work against the product, nor here.


def test_invented_members_are_refused(send):
    answer = send.post("GetAzureWriteUrl", {"containerName": "dmf", "blobName": "a.zip"})
    assert answer.status_code == 400
    assert "UploadUrl" not in answer.json()


def test_a_value_taken_for_the_url_is_none(send):
    value = send.value("GetAzureWriteUrl", {"uniqueFileName": "a.zip"})
    with pytest.raises(requests.exceptions.InvalidSchema):
        send.session.put(value, data=PACKAGE, headers=BLOCK_BLOB)


# 29. A fork of the scheduler with an entity of its own.


def test_another_entity_set_with_the_same_actions_has_no_route(send):
    url = send.client.base + ACTIONS.replace("/DataM", "/CgkDataM") + "GetAzureWriteUrl"
    headers = {"Authorization": f"Bearer {send.client.token}"}
    answer = send.session.post(url, json={"uniqueFileName": "a"}, headers=headers)
    assert answer.status_code == 404
    assert "/data/CgkDataManagementDefinitionGroups/" in answer.json()["Message"]


# 30. A connector that asks for an execution by its message.


def test_the_connector_waits_while_the_id_is_zero_and_confirms_by_the_state(send, d365fo):
    message = {"_messageId": "5e28a4e3-5ab1-4a3b-9f4b-b0a9a3e0c001"}
    assert send.value("GetExecutionIdByMessageId", message) == ZERO
    d365fo.on(action="Import*").timeline(NotRun(polls=1), Failed())
    execution = send.value("ImportFromPackage", six(send.uploaded("a.zip")))
    assert send.while_in(ALIVE, execution) == "Failed"
    json.loads(send.value("GetExecutionErrors", {"executionId": execution}))
