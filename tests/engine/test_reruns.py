"""The target step of an import once more, by hand: from the rows that staging has kept."""

from __future__ import annotations

import pytest

from builders import Table, package
from d365fo_emulator import Emulator
from d365fo_emulator.dmf.errors import ControlRefused, ExecutionNotFound
from job_tools import ENVIRONMENT, EXPORT_GROUPS, GROUPS, TERMINAL, Client

pytestmark = pytest.mark.evidence("inferred")

VENDORS = "Vendor groups"
OWN = {"name": "Parts", "type": "PartEntity", "collection": "Parts"}
PART = {"name": "Part", "mandatory": True}
KIND = {"name": "Kind", "reference": {"entity": "Kinds", "field": "Kind"}}
REFERRING = [
    {"name": "Kinds", "type": "KindEntity", "collection": "Kinds", "fields": [{"name": "Kind"}]},
    OWN | {"fields": [PART, KIND]},
]


def groups(*lines):
    return package(
        Table(GROUPS, ("CUSTOMERGROUPID", "DESCRIPTION"), lines, "CustCustomerGroupEntity")
    )


def parts(*lines):
    return package(Table("Parts", ("PART", "KIND"), lines, "PartEntity"))


def kinds(*names):
    lines = tuple((name,) for name in names)
    return package(Table("Kinds", ("KIND",), lines, "KindEntity"))


@pytest.fixture
def referring(job_of):
    """Parts refer to kinds, which must be there."""
    environment = ENVIRONMENT | {"entities": REFERRING, "settings": {"references": "strict"}}
    return job_of(environment)


def counts(execution):
    (run,) = execution.entities
    names = ("targetRecordsCreated", "targetRecordsUpdated", "targetRecordsInError")
    return (run["targetStatus"], *(run[name] for name in names))


def run_again(client, execution):
    execution.rerun()
    assert client.poll(execution.id)[0] == "Executing"
    return execution


def test_after_an_import_without_a_target_step_it_is_made_up_for(job):
    view, client = job
    client.poll(client.import_package(groups(("10", "a"), ("20", "b")), execute=False))
    execution = view.executions.only()
    assert not view.rows(GROUPS)
    run_again(client, execution)
    assert (execution.state, counts(execution)) == ("Succeeded", ("Finished", 2, 0, 0))
    assert sorted(view.rows(GROUPS, company="USMF")) == ["10", "20"]
    assert execution.document["reruns"] == 1
    assert execution.entities[0]["notes"] == []


def test_rows_pass_when_what_they_refer_to_has_come(referring):
    view, client = referring
    first = client.import_package(parts(("P1", "New"), ("P2", "Never"), ("P3", "")))
    client.poll(first)
    execution = view.executions[first]
    assert (execution.state, counts(execution)) == ("PartiallySucceeded", ("Error", 1, 0, 2))
    assert {error["recordId"] for error in execution.errors} == {"1", "2"}

    client.poll(client.import_package(kinds("New"), definitionGroupId="Kinds"))
    run_again(client, execution)
    assert (execution.state, counts(execution)) == ("PartiallySucceeded", ("Error", 2, 0, 1))
    assert {error["recordId"] for error in execution.errors} == {"2"}
    assert {error["RecordId"] for error in client.errors(first)} == {"2"}
    assert sorted(view.rows("Parts", company="USMF")) == ["P1", "P3"]

    client.poll(client.import_package(kinds("Never"), definitionGroupId="Kinds"))
    run_again(client, execution)
    assert (execution.state, counts(execution)) == ("Succeeded", ("Finished", 3, 0, 0))
    assert execution.errors == []
    assert execution.document["reruns"] == 2


def test_rows_that_are_written_are_left_alone(referring):
    view, client = referring
    first = client.import_package(parts(("P1", ""), ("P2", "New")))
    client.poll(first)
    client.poll(client.import_package(kinds("New", "Other"), definitionGroupId="Kinds"))
    client.poll(client.import_package(parts(("P1", "Other")), definitionGroupId="Later"))
    run_again(client, view.executions[first])
    found = {key: row["Kind"] for key, row in view.rows("Parts", company="USMF").items()}
    assert found == {"P1": "Other", "P2": "New"}


def test_the_keys_of_rows_that_pass_now_can_be_had_no_longer(referring):
    view, client = referring
    first = client.import_package(parts(("P1", "New")))
    client.poll(first)
    asked = {"executionId": first, "entityName": "Parts"}
    assert client.value("GenerateImportTargetErrorKeysFile", **asked) is True
    assert client.value("GetImportTargetErrorKeysFileUrl", **asked)
    client.poll(client.import_package(kinds("New"), definitionGroupId="Kinds"))
    run_again(client, view.executions[first])
    assert client.value("GetImportTargetErrorKeysFileUrl", **asked) == ""
    assert client.value("GenerateImportTargetErrorKeysFile", **asked) is False


def test_a_failure_that_a_scenario_asked_for_is_not_repeated(job):
    view, client = job
    view.on(action="ImportFromPackage").timeline({"state": "Failed"})
    client.poll(client.import_package(groups(("10", "a"))))
    execution = view.executions.only()
    assert (execution.state, counts(execution)[0]) == ("Failed", "Error")
    run_again(client, execution)
    assert (execution.state, counts(execution)) == ("Succeeded", ("Finished", 1, 0, 0))


def test_a_row_error_of_a_scenario_stays_with_its_row(job):
    view, client = job
    view.on(action="ImportFromPackage").row_error(row=1, stage="target", message="refused")
    client.poll(client.import_package(groups(("10", "a"), ("20", "b"))))
    execution = run_again(client, view.executions.only())
    assert (execution.state, counts(execution)) == ("PartiallySucceeded", ("Error", 1, 0, 1))
    assert [error["message"] for error in execution.errors] == ["refused"]


def test_what_came_before_a_cancel_in_the_target_step_is_not_written_twice(open_job):
    view, client = open_job()
    lines = tuple((f"{number:05}", "x") for number in range(12_000))
    rows_store = view.parts.dmf.at.rows
    whole = rows_store.upsert

    def cut(*arguments, go_on, **options):
        turns = iter((True, False))
        return whole(*arguments, **options, go_on=lambda: next(turns) and go_on())

    rows_store.upsert = cut
    client.poll(client.import_package(groups(*lines)))
    rows_store.upsert = whole
    execution = view.executions.only()
    assert (execution.state, counts(execution)) == ("Canceled", ("Aborted", 5000, 0, 0))
    run_again(client, execution)
    assert (execution.state, counts(execution)) == ("Succeeded", ("Finished", 12_000, 0, 0))
    assert len(view.rows(GROUPS, company="USMF")) == 12_000


def test_nothing_left_to_write_changes_nothing(job):
    view, client = job
    client.poll(client.import_package(groups(("10", "a"))))
    execution = run_again(client, view.executions.only())
    assert (execution.state, counts(execution)) == ("Succeeded", ("Finished", 1, 0, 0))


def test_an_entity_whose_load_failed_stays_as_it_is(job):
    view, client = job
    bad = Table(VENDORS, ("VENDORGROUPID",), (("1",), ("1",)), "VendVendorGroupEntity", (2, 1, 1))
    good = Table(GROUPS, ("CUSTOMERGROUPID",), (("10",),), "CustCustomerGroupEntity")
    client.poll(client.import_package(package(good, bad), execute=False))
    execution = run_again(client, view.executions.only())
    assert execution.state == "PartiallySucceeded"
    assert [(run["stagingStatus"], run["targetStatus"]) for run in execution.entities] == [
        ("Finished", "Finished"),
        ("Error", "NotRun"),
    ]


def test_what_has_no_staged_rows_or_has_not_ended_is_refused(job):
    view, client = job
    with pytest.raises(ExecutionNotFound):
        view.parts.dmf.control("never", "rerun")
    execution = client.import_package(groups(("10", "a"), ("10", "b")))
    with pytest.raises(ControlRefused, match="is still at work: NotRun"):
        view.executions[execution].rerun()
    client.poll(execution)
    with pytest.raises(ControlRefused, match="none of its entities has rows in staging"):
        view.executions[execution].rerun()
    export = client.export()
    client.poll(export)
    with pytest.raises(ControlRefused, match="it is an export"):
        view.executions[export].rerun()


def test_over_the_admin_api_and_with_a_history_that_tells_of_it(job):
    view, client = job
    execution = client.import_package(groups(("10", "a")), execute=False)
    client.poll(execution)
    url = f"{client.base}/_emulator/v1/executions/{execution}"
    again = client.session.post(f"{url}/rerun", params={"workspace": view.id}).json()
    assert (again["state"], again["finishedAt"]) == ("Executing", None)
    twice = client.session.post(f"{url}/rerun", params={"workspace": view.id})
    assert (twice.status_code, "still at work" in twice.text) == (409, True)
    client.poll(execution)
    document = client.session.get(url, params={"workspace": view.id}).json()
    assert [entry["state"] for entry in document["timeline"]] == [
        "NotRun",
        "Executing",
        "Succeeded",
        "Executing",
        "Succeeded",
    ]


def test_a_project_is_not_made_anew_and_exports_see_the_rows(job):
    view, client = job
    client.poll(client.import_package(groups(("10", "a")), execute=False))
    run_again(client, view.executions.only())
    export = client.export(definitionGroupId=EXPORT_GROUPS)
    client.poll(export)
    assert client.exported(export)


def test_on_a_real_clock_the_engine_runs_it(open_job, wait_until):
    view, client = open_job(clock="real")
    execution = client.import_package(groups(("10", "a")), execute=False)
    wait_until(lambda: client.state(execution) in TERMINAL)
    view.executions.only().rerun()
    wait_until(lambda: client.state(execution) in TERMINAL and len(view.rows(GROUPS)) == 1)


def test_it_goes_on_after_a_restart(tmp_path):
    content = groups(("10", "a"), ("20", "b"))
    with (
        Emulator(data_dir=tmp_path, clock="virtual", environment=ENVIRONMENT) as emulator,
        Client(emulator.client_config()) as client,
    ):
        execution = client.import_package(content, execute=False)
        emulator.clock.advance("1m")
        lives = emulator.parts.dmf.lives
        lives.control._settled = lives.find  # the process ends before any work
        assert emulator.executions[execution].rerun().state == "Executing"
    with Emulator(data_dir=tmp_path, clock="virtual", environment=ENVIRONMENT) as emulator:
        emulator.clock.advance("1m")
        again = emulator.executions[execution]
        assert (again.state, counts(again)) == ("Succeeded", ("Finished", 2, 0, 0))
