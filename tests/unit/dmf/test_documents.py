"""The execution document, and the two forms of the text of GetExecutionErrors."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json

import pytest

from d365fo_emulator.dmf.documents import (
    ENTITY_MEMBERS,
    MEMBERS,
    MOST_ERRORS,
    errors_text,
    execution_document,
)
from d365fo_emulator.dmf.model import (
    EntityRun,
    EntityStatus,
    Execution,
    ExecutionState,
    Operation,
    RunOptions,
    TimelineEntry,
)
from d365fo_emulator.entities.store import RowError, Stage
from d365fo_emulator.kernel.workspace import ExecutionId
from d365fo_emulator.packages.model import PackageEntity
from d365fo_emulator.scenarios.model import ExecutionScript

pytestmark = pytest.mark.evidence("inferred")

START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
RUN = EntityRun(
    "Customer groups",
    "CSV",
    "Customer groups.csv",
    EntityStatus.FINISHED,
    EntityStatus.ERROR,
    source_records=6,
    staging_created=5,
    staging_in_error=4,
    target_created=3,
    target_updated=2,
    target_in_error=1,
    notes=("a note",),
    staging_started_at=START,
)
EXECUTION = Execution(
    id=ExecutionId("X-1"),
    operation=Operation.IMPORT,
    group="Groups",
    company="USMF",
    script=ExecutionScript(),
    created_at=START,
    state=ExecutionState.PARTIALLY_SUCCEEDED,
    polls=6,
    finished_at=START + dt.timedelta(seconds=2, milliseconds=250),
    reason="some rows failed",
    entities=(RUN,),
    plan=(PackageEntity("Customer groups", "Customer groups.csv", "CSV", None, "", "", 1, 2, 3),),
    timeline=(TimelineEntry("NotRun", START, "the job was accepted"),),
)
BAD = ("CustCustomerGroupEntity", RowError(3, Stage.TARGET, "DESCRIPTION", "bad"))
LABELS = {"CustCustomerGroupEntity": "Customer groups"}


def document(execution=EXECUTION, errors=(BAD,)):
    return execution_document(execution, errors, lambda name: LABELS.get(name, name))


def scripted(*messages):
    script = ExecutionScript(execution_errors=messages)
    return dataclasses.replace(EXECUTION, script=script)


def test_the_document_has_exactly_the_published_members_in_order():
    assert json.loads(json.dumps(document())) == {
        "executionId": "X-1",
        "state": "PartiallySucceeded",
        "operation": "Import",
        "definitionGroup": "Groups",
        "company": "USMF",
        "options": {"execute": True},
        "packageName": "",
        "polls": 6,
        "reruns": 0,
        "createdAt": "2026-01-01T00:00:00Z",
        "finishedAt": "2026-01-01T00:00:02.25Z",
        "timeline": [
            {"state": "NotRun", "at": "2026-01-01T00:00:00Z", "because": "the job was accepted"}
        ],
        "entities": [
            {
                "entity": "Customer groups",
                "unit": 1,
                "level": 2,
                "sequence": 3,
                "refreshType": "FullPush",
                "runBusinessLogic": True,
                "runBusinessValidation": True,
                "sourceFormat": "CSV",
                "file": "Customer groups.csv",
                "tasks": 1,
                "stagingStatus": "Finished",
                "targetStatus": "Error",
                "sourceRecords": 6,
                "stagingRecordsCreated": 5,
                "stagingRecordsInError": 4,
                "targetRecordsCreated": 3,
                "targetRecordsUpdated": 2,
                "targetRecordsInError": 1,
                "stagingStartedAt": "2026-01-01T00:00:00Z",
                "stagingEndedAt": None,
                "targetStartedAt": None,
                "targetEndedAt": None,
                "notes": ["a note"],
            }
        ],
        "errors": [
            {
                "entity": "Customer groups",
                "stage": "target",
                "recordId": "3",
                "field": "DESCRIPTION",
                "message": "bad",
            }
        ],
        "errorCount": 1,
        "reason": "some rows failed",
    }
    assert list(document()) == list(MEMBERS)
    assert list(document()["entities"][0]) == list(ENTITY_MEMBERS)


def test_what_was_asked_for_beside_the_usual_is_told_by_the_names_of_parameters():
    options = RunOptions(
        execute=False, fail_on_error=True, batch_threshold=1000, entities=("A", "B")
    )
    assert document(dataclasses.replace(EXECUTION, options=options))["options"] == {
        "execute": False,
        "failOnError": True,
        "entities": ["A", "B"],
        "thresholdToRunInBatch": 1000,
    }


def test_an_execution_under_way_has_no_end():
    assert document(dataclasses.replace(EXECUTION, finished_at=None))["finishedAt"] is None


def test_one_without_a_record_yet_is_not_found():
    hidden = dataclasses.replace(EXECUTION, found=False, state=ExecutionState.NOT_RUN)
    assert document(hidden)["state"] == "NotFound"


@pytest.mark.parametrize(("count", "listed"), [(0, 0), (1000, 1000), (1001, 1000), (2500, 1000)])
def test_errors_are_listed_up_to_a_cap_and_all_are_counted(count, listed):
    errors = [(BAD[0], RowError(row, Stage.TARGET, "", "bad")) for row in range(1, count + 1)]
    found = document(errors=iter(errors))
    assert MOST_ERRORS == 1000
    assert (len(found["errors"]), found["errorCount"]) == (listed, count)
    assert [error["recordId"] for error in found["errors"][-1:]] == ([str(listed)] if count else [])


def test_scripted_errors_are_told_beside_those_of_rows():
    found = document(scripted("no licence"))
    assert found["errorCount"] == 2
    assert found["errors"][-1] == {
        "entity": "", "stage": "", "recordId": "0", "field": "", "message": "no licence"
    }  # fmt: skip


def test_an_entity_that_is_gone_is_told_by_its_aot_name():
    assert document(errors=[("GoneEntity", BAD[1])])["errors"][0]["entity"] == "GoneEntity"


# GetExecutionErrors

QUOTED = [
    ("E", RowError(1, Stage.TARGET, "A", 'Value "X" is wrong\nsecond \\ line')),
    ("E", RowError(2, Stage.STAGING, "", "Größe fehlt")),
]


@pytest.mark.evidence("recorded")
def test_valid_text_is_this():
    assert errors_text(EXECUTION, QUOTED, "valid") == (
        '[{"RecordId":"1","Field":"A","ErrorMessage":'
        '"\\n Value \\"X\\" is wrong\\r\\n second \\\\ line\\r\\n"},'
        '{"RecordId":"2","Field":"","ErrorMessage":"\\n Größe fehlt\\r\\n"}]'
    )


@pytest.mark.evidence("recorded")
def test_raw_text_is_this_and_no_json():
    text = errors_text(EXECUTION, QUOTED, "raw")
    assert text == (
        '[{"RecordId":"1","Field":"A","ErrorMessage":'
        '"\n Value "X" is wrong\r\n second \\ line\r\n"},'
        '{"RecordId":"2","Field":"","ErrorMessage":"\n Größe fehlt\r\n"}]'
    )
    with pytest.raises(json.JSONDecodeError):
        json.loads(text)


@pytest.mark.evidence("recorded")
@pytest.mark.parametrize("form", ["valid", "raw"])
def test_no_errors_are_an_empty_list(form):
    assert errors_text(EXECUTION, [], form) == "[]"


@pytest.mark.evidence("recorded")
def test_a_file_that_could_not_be_read_is_not_told_and_its_bad_rows_are():
    errors = [
        ("E", RowError(0, Stage.SOURCE, "", "Selected file is not Unicode")),
        ("E", RowError(4, Stage.SOURCE, "", "row")),
        ("E", RowError(0, Stage.STAGING, "", "summary")),
    ]
    found = json.loads(errors_text(EXECUTION, errors, "valid"))
    assert [(one["RecordId"], one["ErrorMessage"].strip()) for one in found] == [
        ("4", "row"),
        ("0", "summary"),
    ]


@pytest.mark.parametrize("form", ["valid", "raw"])
def test_scripted_errors_come_last_without_a_row(form):
    text = errors_text(scripted("no licence"), [BAD], form)
    assert text.index('"RecordId":"3"') < text.index('"RecordId":"0"')
    assert "no licence" in text


def test_the_text_has_every_error_beyond_the_documents_cap():
    errors = [("E", RowError(row, Stage.TARGET, "", "bad")) for row in range(1, MOST_ERRORS + 11)]
    assert len(json.loads(errors_text(EXECUTION, errors, "valid"))) == MOST_ERRORS + 10
