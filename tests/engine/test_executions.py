"""Executions from acceptance to end: by polls, by hand, in scenarios, refused and repeated."""

from __future__ import annotations

import pytest

from builders import CUSTOMER_GROUPS, Table, package
from d365fo_emulator.entities.store import Stage
from d365fo_emulator.scenarios import library
from job_tools import GROUPS, Refused

ENDING = [name for name, _line in library.names() if not name.startswith("stuck-")]
BAD = Table(GROUPS, CUSTOMER_GROUPS.columns, (("10", "One"), ("", "None"), ("30", "Three")))


def held(view):
    return list((view.parts.workspace.folder / "packages").iterdir())


def counts(execution):
    (entity,) = execution.entities
    return {
        name: entity[name]
        for name in (
            "sourceRecords",
            "stagingRecordsCreated",
            "stagingRecordsInError",
            "targetRecordsCreated",
            "targetRecordsUpdated",
            "targetRecordsInError",
        )
    }


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize("name", ENDING)
def test_an_unmodified_polling_loop_ends_under_every_scenario_that_is_not_stuck(job, name):
    view, client = job
    view.load(name)
    states = client.poll(client.import_package(package()), most=12)
    assert states[-1] == view.executions.only().state
    assert len(states) <= 6
    assert held(view) == []


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize("name", ["stuck-executing", "stuck-not-run"])
def test_a_stuck_execution_stays_until_it_is_advanced_by_hand(job, name):
    view, client = job
    view.load(name)
    execution = client.import_package(package())
    states = client.poll(execution, most=5)
    assert not {"Succeeded", "Failed"} & set(states)
    view.executions.only().advance()
    assert client.poll(execution)[-1] == "Succeeded"


@pytest.mark.evidence("inferred")
def test_a_poll_that_finds_nothing_due_gets_its_answer_and_then_moves_time(job):
    view, client = job
    execution = client.import_package(package())
    began = view.clock.now
    assert client.poll(execution) == ["NotRun", "Executing", "Succeeded"]
    assert (view.clock.now - began).total_seconds() == 2


@pytest.mark.evidence("inferred")
def test_a_virtual_clock_is_moved_by_advance_alone(open_job):
    view, client = open_job(clock="virtual")
    execution = client.import_package(package())
    assert client.poll(execution, most=3) == ["NotRun"] * 3
    view.clock.advance("1s")
    assert client.poll(execution, most=2) == ["Executing"] * 2
    assert [ran.what.split()[-1] for ran in view.clock.advance("1m")] == ["Computed"]
    assert client.state(execution) == "Succeeded"


@pytest.mark.evidence("inferred")
def test_work_goes_on_without_polls_when_time_is_let_pass_again(open_job, wait_until):
    view, client = open_job(clock="virtual")
    client.import_package(package())
    view.clock.resume()
    wait_until(lambda: view.executions.only().state == "Succeeded")


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize("steps", [0, 1])
@pytest.mark.parametrize(("action", "state"), [("fail", "Failed"), ("cancel", "Canceled")])
def test_ending_by_hand_leaves_counts_that_agree_and_no_package(open_job, steps, action, state):
    view, client = open_job(clock="virtual")
    client.import_package(package())
    execution = view.executions.only()
    for _ in range(steps):
        execution.advance()
    getattr(execution, action)()
    assert execution.state == state
    written = counts(execution)["targetRecordsCreated"]
    assert written == len(view.rows(GROUPS, company="USMF")) == (3 if steps else 0)
    assert held(view) == []


@pytest.mark.evidence("documented")
def test_without_execute_the_rows_stay_in_staging(job):
    view, client = job
    states = client.poll(client.import_package(package(), execute=False))
    (entity,) = view.executions.only().entities
    assert (states[-1], entity["targetStatus"]) == ("Succeeded", "NotRun")
    assert entity["stagingRecordsCreated"] == 3
    assert len(view.rows(GROUPS, company="USMF")) == 0


@pytest.mark.evidence("documented")
def test_rows_that_fail_stay_behind_alone_and_are_counted(job):
    view, client = job
    execution = client.import_package(package(BAD))
    assert client.poll(execution)[-1] == "PartiallySucceeded"
    assert counts(view.executions.only())["targetRecordsInError"] == 1
    assert list(view.rows(GROUPS, company="USMF")) == ["10", "30"]
    assert [error["RecordId"] for error in client.errors(execution)] == ["2"]


@pytest.mark.evidence("inferred")
def test_a_row_fails_once_though_a_scenario_names_it_in_every_stage(job):
    view, client = job
    rule = view.on(action="ImportFromPackage")
    for stage in Stage:
        rule = rule.row_error(message=f"bad at {stage}", row=2, stage=str(stage))
    client.poll(client.import_package(package()))
    assert counts(view.executions.only()) == {
        "sourceRecords": 3,
        "stagingRecordsCreated": 2,
        "stagingRecordsInError": 1,
        "targetRecordsCreated": 2,
        "targetRecordsUpdated": 0,
        "targetRecordsInError": 0,
    }


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize(("name", "status"), [("failed", "Error"), ("canceled", "Aborted")])
def test_a_scenario_that_ends_badly_writes_no_target_row(job, name, status):
    view, client = job
    view.load(name)
    client.poll(client.import_package(package()))
    (entity,) = view.executions.only().entities
    assert (entity["targetStatus"], entity["stagingRecordsCreated"]) == (status, 3)
    assert len(view.rows(GROUPS, company="USMF")) == 0


@pytest.mark.evidence("recorded")
def test_an_existing_project_is_refused_unless_overwritten_and_nothing_is_kept(job):
    view, client = job
    url = client.upload(package())
    client.poll(client.import_from(url, overwrite=False))
    with pytest.raises(Refused, match="exists and overwrite has not been specified"):
        client.import_from(url, overwrite=False)
    assert len(view.executions) == 1
    assert held(view) == []


@pytest.mark.evidence("inferred")
def test_a_used_id_runs_again_only_where_the_setting_says_so(open_job):
    view, client = open_job(settings={"usedExecutionId": "rerun"})
    url = client.upload(package(BAD))
    for _ in range(2):
        client.poll(client.import_from(url, executionId="again"))
    again = view.executions.only()
    assert counts(again)["targetRecordsUpdated"] == 2
    assert len(again.errors) == 1


@pytest.mark.evidence("inferred")
def test_a_used_id_is_refused_in_any_letter_case_and_the_first_run_stays(job):
    view, client = job
    url = client.upload(package())
    client.poll(client.import_from(url, executionId="once"))
    with pytest.raises(Refused, match="already exists"):
        client.import_from(url, executionId="ONCE")
    assert view.executions.only().state == "Succeeded"
    assert held(view) == []


@pytest.mark.evidence("inferred")
def test_an_export_runs_again_under_its_id_when_asked_to(job):
    _view, client = job
    assert client.poll(client.export(executionId="x"))[-1] == "Succeeded"
    with pytest.raises(Refused, match="already exists"):
        client.export(executionId="x")
    assert client.poll(client.export(executionId="x", reExecute=True))[-1] == "Succeeded"


@pytest.mark.evidence("recorded")
@pytest.mark.parametrize("setting", ["refuse", "accept", "zeroGuid"])
def test_export_of_an_unknown_project_answers_as_the_setting_says(open_job, setting):
    view, client = open_job(settings={"unknownProject": setting})
    answer = client.answer("ExportToPackage", definitionGroupId="none", executionId="e")
    if setting == "refuse":
        assert answer.status_code == 400
        assert "reExecute: true, legal entity: true" in answer.text
    else:
        expected = {"accept": "e", "zeroGuid": "00000000-0000-0000-0000-000000000000"}
        assert answer.json()["value"] == expected[setting]
    assert len(view.executions) == 0


@pytest.mark.evidence("inferred")
def test_two_ids_never_share_one_exported_package(job):
    view, client = job
    for execution in ("a/1", "a:1"):
        assert client.poll(client.export(executionId=execution))[-1] == "Succeeded"
    packages = {view.parts.dmf.execution(one.id).package for one in view.executions}
    assert len(packages) == 2


@pytest.mark.evidence("inferred")
def test_a_failure_of_the_emulator_itself_ends_the_execution_and_says_so(server, job, monkeypatch):
    view, client = job

    def broken(*_arguments, **_options):
        raise OSError("the disk is gone")

    monkeypatch.setattr(view.parts.rows, "stage", broken)
    states = client.poll(client.import_package(package()))
    execution = view.executions.only()
    assert states[-1] == execution.state == "Failed"
    assert "OSError: the disk is gone" in execution.document["reason"]
    assert execution.entities[0]["stagingStatus"] == "Error"
    assert (view.id, "the disk is gone") in [(who, str(what)) for who, what in server.failures]
    assert held(view) == []


@pytest.mark.evidence("inferred")
def test_a_store_that_fails_when_work_ends_leaves_nobody_waiting(open_job, monkeypatch):
    view, client = open_job(clock="virtual")
    execution = client.import_package(package())
    store = view.parts.dmf.at.store
    save = store.save

    def broken(one, *moves):
        if one.work == "done":
            raise OSError("no space")
        save(one, *moves)

    monkeypatch.setattr(store, "save", broken)
    view.clock.advance("1m")
    assert client.state(execution) == "Failed"
    assert "no space" in view.executions.only().document["reason"]
    monkeypatch.undo()
