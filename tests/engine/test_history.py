"""What becomes of executions once they have ended: deleted by hand, or after their days."""

from __future__ import annotations

import pytest

from builders import CUSTOMER_GROUPS, Table, package
from d365fo_emulator.dmf.errors import ControlRefused, ExecutionNotFound
from job_tools import GROUPS

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
    view.parts.dmf.lives.delete(execution.lower())
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
        lives.delete("never")
    execution = client.import_package(package())
    with pytest.raises(ControlRefused, match="is still at work: NotRun"):
        lives.delete(execution)
    assert client.poll(execution)[-1] == "Succeeded"
