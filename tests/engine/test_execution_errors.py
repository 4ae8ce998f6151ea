"""GetExecutionErrors: which failures it lists, which it is silent about, and how long it may be."""

from __future__ import annotations

import pytest

from builders import CUSTOMER_GROUPS, Table, package
from job_tools import GROUPS

BAD = Table(GROUPS, CUSTOMER_GROUPS.columns, (("10", "One"), ("", "None"), ("30", "Three")))
TERMS = Table("Terms of payment", ("NAME", "NUMBEROFDAYS"), (("N10", "ten"), ("N20", "20")))
OTHER_COLUMN = Table(GROUPS, ("CUSTOMERGROUPID", "DESCRIPTION"), (("10", "One", "more"),))


def run(client, *tables):
    execution = client.import_package(package(*tables))
    return execution, client.poll(execution)[-1]


@pytest.mark.evidence("recorded")
def test_rows_that_failed_before_and_in_the_target_step_are_listed(job):
    _view, client = job
    execution, state = run(client, BAD, TERMS)
    assert state == "PartiallySucceeded"
    errors = client.errors(execution)
    assert {error["RecordId"] for error in errors} == {"2", "1", "0"}
    assert all(list(error) == ["RecordId", "Field", "ErrorMessage"] for error in errors)


@pytest.mark.evidence("recorded")
def test_a_file_that_cannot_be_read_fails_in_silence_and_the_emulator_says_why(job):
    view, client = job
    execution, state = run(client, OTHER_COLUMN)
    assert state == "Failed"
    assert client.errors(execution) == []
    document = view.executions[execution].document
    assert "DMF2050" in document["reason"]
    assert [error["stage"] for error in document["errors"]] == ["source"]
    assert document["entities"][0]["notes"]
    (note,) = [
        note
        for entry in view.journal
        for note in entry.notes
        if note.startswith("the list says nothing")
    ]
    assert "DMF2050" in note


@pytest.mark.evidence("recorded")
def test_the_list_can_be_empty_though_the_job_failed(open_job):
    view, client = open_job({"executionErrors": "hidden"})
    execution, state = run(client, BAD)
    assert (state, client.errors(execution)) == ("PartiallySucceeded", [])
    assert view.executions[execution].errors


@pytest.mark.evidence("recorded")
def test_after_the_history_is_gone_the_list_is_empty(job):
    _view, client = job
    execution, _state = run(client, BAD)
    assert client.errors(execution)
    client.answer("DeleteExecutionHistoryJob", executionId=execution)
    assert client.errors(execution) == []


@pytest.mark.evidence("inferred")
def test_ten_thousand_failed_rows_are_all_listed(job):
    view, client = job
    rows = tuple((f"G{number}", "x") for number in range(10_000))
    view.on(action="ImportFromPackage").row_error(
        entity=GROUPS, every=1, stage="target", message='Not "today"'
    )
    execution, state = run(client, Table(GROUPS, CUSTOMER_GROUPS.columns, rows))
    assert state == "Failed"
    errors = client.errors(execution)
    assert len(errors) == 10_000
    assert [error["RecordId"] for error in errors] == [str(row) for row in range(1, 10_001)]
    assert view.executions[execution].document["errorCount"] == 10_000
