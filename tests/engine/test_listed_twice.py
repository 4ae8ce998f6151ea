"""An entity that a package or a data project lists twice: both listings count."""

from __future__ import annotations

import dataclasses

import pytest

from builders import CUSTOMER_GROUPS, Table, package
from job_tools import EXPORT_GROUPS, GROUPS, Client, rows_of

pytestmark = pytest.mark.evidence("inferred")


@dataclasses.dataclass(frozen=True)
class More(Table):
    """The entity once more, with a file of its own."""

    @property
    def file(self):
        return "More groups.csv"


def more(*rows):
    return More(GROUPS, CUSTOMER_GROUPS.columns, rows, CUSTOMER_GROUPS.target_entity)


def test_both_files_of_an_entity_listed_twice_are_read_and_counted_apart(job):
    view, client = job
    twice = package(CUSTOMER_GROUPS, more(("30", "Chains"), ("40", "Web")))
    assert client.poll(client.import_package(twice))[-1] == "Succeeded"
    first, second = view.executions.only().entities
    assert (first["file"], first["targetRecordsCreated"]) == (f"{GROUPS}.csv", 3)
    assert (second["file"], second["sourceRecords"]) == ("More groups.csv", 2)
    assert (second["targetRecordsCreated"], second["targetRecordsUpdated"]) == (1, 1)
    assert list(view.rows(GROUPS, company="USMF")) == ["10", "20", "30", "40"]


def test_errors_of_both_listings_are_told(job):
    view, client = job
    bad = Table(GROUPS, CUSTOMER_GROUPS.columns, (("", "None"), ("10", "One")))
    execution = client.import_package(package(bad, more(("20", "Two"), ("", "None"))))
    assert client.poll(execution)[-1] == "PartiallySucceeded"
    assert [error["RecordId"] for error in client.errors(execution)] == ["1", "2"]
    assert view.executions.only().document["errorCount"] == 2


def test_a_rerun_leaves_no_error_of_either_listing(open_job):
    view, client = open_job(settings={"usedExecutionId": "rerun"})
    client.poll(
        client.import_package(package(CUSTOMER_GROUPS, more(("", "None"))), executionId="x")
    )
    assert len(view.executions.only().errors) == 1
    client.poll(
        client.import_package(package(CUSTOMER_GROUPS, more(("40", "Web"))), executionId="x")
    )
    assert view.executions.only().errors == []


def test_an_export_project_that_lists_an_entity_twice_writes_two_files(server):
    entities = [{"entity": GROUPS, "format": "CSV"}] * 2
    project = {"name": EXPORT_GROUPS, "operation": "Export", "entities": entities}
    rows = [{"CUSTOMERGROUPID": "10", "DESCRIPTION": "One"}]
    data = [{"entity": GROUPS, "company": "USMF", "rows": rows}]
    environment = {"version": 1, "dataProjects": [project], "data": data}
    view = server.create_workspace(environment=environment)
    with Client(view.client_config(), base=server.http_url) as client:
        execution = client.export()
        assert client.poll(execution)[-1] == "Succeeded"
        exported = client.exported(execution)
    for file in (f"{GROUPS}.csv", f"{GROUPS}_1.csv"):
        assert rows_of(exported, "CUSTOMERGROUPID", file=file) == [("10",)]
    server.drop_workspace(view.id)
