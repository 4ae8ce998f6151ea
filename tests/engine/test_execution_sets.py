"""Job histories and the entity list over OData: filters, orders, pages, counts."""

from __future__ import annotations

import dataclasses
import re
from urllib.parse import quote

import pytest

from builders import package
from d365fo_emulator.kernel.workspace import ExecutionId
from job_tools import GROUPS

JOBS = "/data/DataManagementExecutionJobs"
DETAILS = "/data/DataManagementExecutionJobDetails"
ENTITIES = "/data/DataManagementEntities"
STATUS = "Microsoft.Dynamics.DataEntities.DMFBatchJobStatus"


def get(client, path, **headers):
    sent = {"Authorization": f"Bearer {client.token}"} | headers
    return client.session.get(client.base + path, headers=sent)


def rows(client, path):
    answer = get(client, path)
    assert answer.status_code == 200, answer.text
    return answer.json()["value"]


def ids(found):
    return [one["JobId"] for one in found]


@pytest.fixture
def many(open_job):
    """Three imports with ids of the client's own, on pages of two rows."""
    view, client = open_job(settings={"pageSize": 2})
    for name in ("run-1", "run/2 it's", "run-3"):
        client.poll(client.import_package(package(), executionId=name))
    return view, client


@pytest.mark.evidence("client")
def test_the_entities_of_an_execution_show_states_counts_and_instants(job):
    _view, client = job
    execution = client.import_package(package())
    path = f"{DETAILS}?$filter=JobId eq '{execution}'&cross-company=true"
    (waiting,) = rows(client, path)
    assert (waiting["StagingStatus"], waiting["TargetStatus"]) == ("NotRun", "NotRun")
    assert waiting["StagingStartDateTime"] == "1900-01-01T00:00:00Z"
    client.poll(execution)
    (done,) = rows(client, path)
    assert (done["StagingStatus"], done["TargetStatus"]) == ("Finished", "Finished")
    assert (done["EntityName"], done["DefinitionGroupId"]) == (GROUPS, "Import groups")
    processed = done["StagingRecordsToBeProcessedCount"]
    assert processed == done["TargetRecordsCreatedCount"] > 0
    assert done["StagingRecordsCreatedCount"] == processed
    assert done["TargetRecordsUpdatedCount"] == 0
    for name in ("StagingStart", "StagingEnd", "TargetStart", "TargetEnd"):
        assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", done[f"{name}DateTime"])


@pytest.mark.evidence("client")
def test_reading_a_history_costs_no_poll(job):
    view, client = job
    execution = client.import_package(package())
    for _ in range(5):
        rows(client, DETAILS)
        rows(client, JOBS)
    assert view.executions.only().document["polls"] == 0
    assert client.state(execution) == "NotRun"


@pytest.mark.evidence("client")
def test_an_execution_that_has_no_record_yet_is_in_no_history(job):
    view, client = job
    view.on(action="Import*").timeline(
        {"state": "NotFound", "stay": {"polls": 2}}, {"state": "Succeeded"}
    )
    execution = client.import_package(package())
    assert rows(client, f"{DETAILS}?$filter=JobId eq '{execution}'") == []
    client.poll(execution)
    assert ids(rows(client, JOBS)) == [execution]


@pytest.mark.evidence("client")
def test_jobs_are_had_page_by_page_along_the_links(many):
    _view, client = many
    seen, pages, path = [], 0, f"{JOBS}?$select=JobId,Description"
    while path:
        pages += 1
        answer = get(client, path).json()
        assert answer["@odata.context"].endswith("#DataManagementExecutionJobs(JobId,Description)")
        seen += ids(answer["value"])
        link = answer.get("@odata.nextLink", "")
        if link:  # one client cuts the path out by the only `/data/` in it
            assert link.count("/data/") == 1
            assert link.startswith(f"{client.base}/data/")
        path = link.removeprefix(client.base)
    assert (pages, seen) == (2, ["run-1", "run/2 it's", "run-3"])


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("$top=3", ["run-1", "run/2 it's", "run-3"]),
        ("$skip=1", ["run/2 it's", "run-3"]),
        ("$top=1&$skip=2", ["run-3"]),
        ("$top=0", []),
        ("$skip=9", []),
        ("$orderby=JobId desc", ["run/2 it's", "run-3", "run-1"]),
        ("$orderby=JobId%20desc&$top=3", ["run/2 it's", "run-3", "run-1"]),
        ("$filter=startswith(JobId,'run-')", ["run-1", "run-3"]),
        ("%24filter=JobId+eq+'RUN-3'", ["run-3"]),
        ("$filter=JobId eq '*2*'", ["run/2 it's"]),
        ("$filter=JobId eq '" + quote("run/2 it''s", safe="") + "'", ["run/2 it's"]),
        ("$filter=JobId ne 'run-1'&$count=true", ["run/2 it's", "run-3"]),
        ("$count=true", ["run-1", "run/2 it's", "run-3"]),
        ("$format=json&cross-company=true&x=y", ["run-1", "run/2 it's", "run-3"]),
    ],
)
def test_options_hold_over_all_pages(many, query, expected):
    _view, client = many
    seen, path = [], f"{JOBS}?{query}"
    while path:
        answer = get(client, path).json()
        assert len(answer["value"]) <= 2
        if "$count" in query:
            assert answer["@odata.count"] == len(expected)
        seen += ids(answer["value"])
        path = answer.get("@odata.nextLink", "").removeprefix(client.base)
    assert seen == expected


@pytest.mark.evidence("recorded")
def test_a_count_takes_no_notice_of_top_and_stands_after_the_context(many):
    _view, client = many
    answer = get(client, f"{JOBS}?$count=true&$top=1").json()
    assert list(answer)[:2] == ["@odata.context", "@odata.count"]
    assert (answer["@odata.count"], ids(answer["value"])) == (3, ["run-1"])
    assert "@odata.nextLink" not in answer


@pytest.mark.evidence("recorded")
def test_a_set_can_be_counted_alone(many):
    _view, client = many
    answer = get(client, f"{JOBS}/$count?$filter=JobId eq 'run*'")
    assert (answer.text, answer.headers["Content-Type"]) == ("3", "text/plain; charset=utf-8")


@pytest.mark.evidence("client")
def test_the_newest_entities_come_first_when_asked_for(many):
    _view, client = many
    answer = rows(client, f"{DETAILS}?$orderby=StagingStartDateTime desc&$top=200")
    instants = [one["StagingStartDateTime"] for one in answer]
    assert instants == sorted(instants, reverse=True)


@pytest.mark.evidence("client")
@pytest.mark.parametrize(
    "condition",
    [
        "DefinitionGroupId eq 'Import groups' and JobId eq 'run-3'",
        f"StagingStatus eq {STATUS}'Finished' and JobId eq 'run-3'",
        "StagingStartDateTime gt 2020-01-01T00:00:00Z and JobId eq 'run-3'",
        "TargetRecordsCreatedCount ge 0 and JobId eq 'run-3' and EntityName eq 'Customer*'",
    ],
)
def test_entities_are_found_by_what_clients_ask(many, condition):
    _view, client = many
    assert ids(rows(client, f"{DETAILS}?$filter={condition}")) == ["run-3"]


@pytest.mark.evidence("inferred")
def test_one_entity_of_an_execution_has_an_address(many):
    _view, client = many
    key = "(DefinitionGroupId='Import groups',JobId='run/2 it''s',EntityName='customer groups')"
    assert get(client, DETAILS + key).json()["JobId"] == "run/2 it's"
    encoded = quote(key, safe="(),='")
    assert get(client, DETAILS + encoded).json()["JobId"] == "run/2 it's"
    assert get(client, DETAILS + "(JobId='run-1',EntityName='x')").status_code == 404


@pytest.mark.evidence("inferred")
def test_a_caller_may_want_smaller_pages_but_no_larger_ones(many):
    _view, client = many
    small = get(client, JOBS, Prefer="odata.include-annotations=*, odata.maxpagesize=1")
    assert len(small.json()["value"]) == 1
    assert small.headers["Preference-Applied"] == "odata.maxpagesize=1"
    large = get(client, JOBS, Prefer="odata.maxpagesize=100")
    assert len(large.json()["value"]) == 2
    assert "Preference-Applied" not in large.headers


@pytest.mark.evidence("recorded")
def test_a_tag_has_the_recorded_form_and_stays_under_a_selection(many):
    import base64

    _view, client = many
    whole, chosen = (
        rows(client, f"{DETAILS}?$top=1{more}")[0] for more in ("", "&$select=EntityName")
    )
    assert list(chosen) == ["@odata.etag", "EntityName"]
    assert chosen["@odata.etag"] == whole["@odata.etag"]
    inner = base64.b64decode(whole["@odata.etag"].removeprefix('W/"').removesuffix('"'))
    assert re.fullmatch(rb"'\d+,\d{11,}'", inner)


@pytest.mark.evidence("recorded")
def test_full_metadata_names_types_and_addresses(many):
    _view, client = many
    answer = get(client, f"{DETAILS}?$top=1", Accept="application/json;odata.metadata=full")
    assert answer.headers["Content-Type"] == "application/json; odata.metadata=full"
    (row,) = answer.json()["value"]
    assert list(row)[:4] == ["@odata.type", "@odata.id", "@odata.etag", "@odata.editLink"]
    assert row["@odata.type"].endswith(".DataManagementExecutionJobDetail")
    assert row["StagingStatus@odata.type"] == f"#{STATUS}"
    assert row["StagingStartDateTime@odata.type"] == "#DateTimeOffset"
    assert "JobId@odata.type" not in row
    found = client.session.get(
        row["@odata.id"], headers={"Authorization": f"Bearer {client.token}"}
    )
    assert found.json()["JobId"] == "run-1"


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize(
    "accept", ["application/json;odata.metadata=none", "application/json;odata=nometadata"]
)
def test_no_metadata_leaves_the_rows(many, accept):
    _view, client = many
    answer = get(client, f"{JOBS}?$top=1&$count=true", Accept=accept).json()
    assert answer == {
        "@odata.count": 3,
        "value": [{"JobId": "run-1", "Description": "Customer groups"}],
    }


@pytest.mark.evidence("inferred")
def test_ten_thousand_executions_are_listed_in_one_answer(open_job):
    view, client = open_job()
    execution = client.import_package(package())
    client.poll(execution)
    store = view.parts.dmf.at.store
    first = store.execution(ExecutionId(execution))
    for number in range(10_000):
        store.accept(dataclasses.replace(first, id=ExecutionId(f"copy-{number:05}")), None)
    answer = get(client, f"{JOBS}?$count=true&$select=JobId").json()
    assert answer["@odata.count"] == 10_001
    assert len(answer["value"]) == 10_000
    (last,) = rows(client, answer["@odata.nextLink"].removeprefix(client.base))
    assert last["JobId"] == "copy-09999"


@pytest.mark.evidence("client")
def test_the_entity_list_says_which_are_shared(job):
    _view, client = job
    (row,) = rows(client, f"{ENTITIES}?$filter=EntityName eq 'Customer groups'")
    assert row["IsShared"] == "No"
    assert (row["TargetName"], row["Category"]) == ("CustCustomerGroupEntity", "Reference")
    shared = rows(
        client, ENTITIES + "?$filter=IsShared eq Microsoft.Dynamics.DataEntities.NoYes'Yes'"
    )
    assert "Currencies" in [one["EntityName"] for one in shared]
    assert get(client, f"{ENTITIES}('Customer groups')").json()["EntityName"] == "Customer groups"
    assert get(client, f"{ENTITIES}('CustCustomerGroupEntity')").status_code == 404


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize("name", ["DataManagementExecutionJobs", "DataManagementEntities"])
def test_what_is_only_read_refuses_writes_by_name(job, name):
    _view, client = job
    headers = {"Authorization": f"Bearer {client.token}"}
    for method, path in (("POST", ""), ("PATCH", "('x')"), ("DELETE", "('x')")):
        answer = client.session.request(
            method, f"{client.base}/data/{name}{path}", headers=headers, json={}
        )
        assert (answer.status_code, name in answer.text) == (501, True)
