"""What becomes of executions once they have ended: deleted by hand, or after their days."""

from __future__ import annotations

import pytest

from builders import CUSTOMER_GROUPS, Table, package
from d365fo_emulator import Emulator
from d365fo_emulator.dmf.errors import ControlRefused, ExecutionNotFound
from job_tools import GROUPS, Client

BAD = Table(GROUPS, CUSTOMER_GROUPS.columns, (("10", "One"), ("", "None"), ("30", "Three")))


def staged_rows(view, execution):
    entity = view.parts.catalogue.find(GROUPS)
    batches = view.parts.rows.staged(execution, entity, entity.key_fields)
    return sum(len(numbers) for numbers, _columns in batches)


@pytest.mark.evidence("inferred")
def test_a_deleted_execution_leaves_nothing_but_its_target_rows(job):
    view, client = job
    execution = client.import_package(package(BAD))
    client.poll(execution)
    assert staged_rows(view, execution) == 3
    view.parts.dmf.lives.control.delete(execution.lower())
    assert len(view.executions) == 0
    assert client.state(execution) == "NotFound"
    assert client.errors(execution) == []
    assert staged_rows(view, execution) == 0
    assert list(view.rows(GROUPS, company="USMF")) == ["10", "30"]
    assert client.poll(client.import_package(package(), executionId=execution))[-1] == "Succeeded"


@pytest.mark.evidence("inferred")
def test_only_an_ended_execution_can_be_deleted(job):
    view, client = job
    lives = view.parts.dmf.lives
    with pytest.raises(ExecutionNotFound):
        lives.control.delete("never")
    execution = client.import_package(package())
    with pytest.raises(ControlRefused, match="is still at work: NotRun"):
        lives.control.delete(execution)
    assert client.poll(execution)[-1] == "Succeeded"


@pytest.mark.evidence("documented")
def test_after_its_days_an_ended_execution_is_known_no_more_and_its_rows_stay(job):
    view, client = job
    execution = client.import_package(package(BAD))
    client.poll(execution)
    view.clock.advance("6d")
    client._token = None
    assert client.state(execution) == "PartiallySucceeded"
    assert len(client.errors(execution)) == 1
    view.clock.advance("2d")
    client._token = None
    assert client.state(execution) == "NotFound"
    assert client.errors(execution) == []
    assert staged_rows(view, execution) == 0
    assert list(view.rows(GROUPS, company="USMF")) == ["10", "30"]


@pytest.mark.evidence("inferred")
def test_what_has_not_ended_is_kept_and_the_days_are_a_setting(open_job):
    view, client = open_job({"keepHistoryDays": 1})
    view.load("stuck-executing")
    stuck = client.import_package(package())
    client.poll(stuck, most=3)
    view.clock.advance("30d")
    client._token = None
    assert client.state(stuck) == "Executing"
    view.executions.only().cancel()
    view.clock.advance("23h")
    client._token = None
    assert client.state(stuck) == "Canceled"
    view.clock.advance("2h")
    client._token = None
    assert client.state(stuck) == "NotFound"


@pytest.mark.evidence("inferred")
def test_a_poll_never_skips_to_the_clean_up(job):
    view, client = job
    execution = client.import_package(package())
    client.poll(execution)
    began = view.clock.now
    for _ in range(5):
        assert client.state(execution) == "Succeeded"
    assert view.clock.now == began


@pytest.mark.evidence("inferred")
def test_executions_of_a_former_process_are_cleaned_up_too(tmp_path):
    settings = {"version": 1, "settings": {"keepHistoryDays": 0}}
    for executions in (1, 0):
        with Emulator(data_dir=tmp_path, environment=settings) as emulator:
            with Client(emulator.client_config(), base=emulator.http_url) as client:
                if executions:
                    client.poll(client.import_package(package()))
            emulator.clock.advance("1s" if executions else "2h")
            assert len(emulator.executions) == executions
