"""A second execution of a data project while one runs, or hangs."""

from __future__ import annotations

import pytest

from builders import package
from job_tools import EXPORT_GROUPS, Refused


def running(view, client):
    """An export that is Executing until it is ended by hand."""
    view.load("stuck-executing")
    execution = client.export(executionId="first")
    assert client.poll(execution, most=3)[-1] == "Executing"
    view.load("happy-path")
    return execution


@pytest.mark.evidence("recorded")
def test_an_export_of_a_project_that_is_executing_is_refused_and_leaves_nothing(job):
    view, client = job
    running(view, client)
    with pytest.raises(Refused, match=f"failed for definition group: {EXPORT_GROUPS}") as refused:
        client.export(executionId="second")
    assert "busyProject" in refused.value.response.headers["X-Emulator-Reason"]
    assert [one.id for one in view.executions] == ["first"]


@pytest.mark.evidence("inferred")
def test_once_the_first_is_ended_the_same_call_succeeds(job):
    view, client = job
    running(view, client)
    view.executions.only().cancel()
    assert client.poll(client.export(executionId="second"))[-1] == "Succeeded"
    assert client.poll(client.export(executionId="third"))[-1] == "Succeeded"


@pytest.mark.evidence("inferred")
def test_an_export_that_has_not_begun_blocks_nothing(open_job):
    _view, client = open_job(clock="virtual")
    for execution in ("first", "second"):
        assert client.state(client.export(executionId=execution)) == "NotRun"


@pytest.mark.evidence("inferred")
def test_busy_projects_may_be_allowed(open_job):
    view, client = open_job({"busyProject": "allow"})
    running(view, client)
    assert client.poll(client.export(executionId="second"))[-1] == "Succeeded"


@pytest.mark.evidence("client")
def test_imports_of_one_project_are_begun_while_another_is_at_work(job):
    view, client = job
    view.load("stuck-executing")
    client.poll(client.import_package(package(), executionId="first"), most=3)
    view.load("happy-path")
    assert client.poll(client.import_package(package(), executionId="second"))[-1] == "Succeeded"
