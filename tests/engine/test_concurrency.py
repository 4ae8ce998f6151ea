"""Many clients at once: several workspaces, one project, one execution id."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from builders import package
from job_tools import GROUPS, TERMINAL, Client, Refused

THREADS = 8
ALLOWED = {"parallelImports": "allow"}
"""Calls for one data project may overlap, so that they meet further inside."""


def at_once(work, count=THREADS):
    with ThreadPoolExecutor(count) as pool:
        return [future.result() for future in [pool.submit(work, turn) for turn in range(count)]]


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize("clock", ["auto", "real"])
def test_eight_clients_import_into_four_workspaces_that_never_meet(server, open_job, clock):
    jobs = [open_job(ALLOWED, clock=clock) for _ in range(4)]

    def run(turn):
        view, _client = jobs[turn % len(jobs)]
        with Client(view.client_config(), base=server.http_url) as client:
            ended = []
            for number in range(3):
                execution = client.import_package(package(), executionId=f"{turn}-{number}")
                ended.append(client.poll(execution, most=2000)[-1])
            return ended

    assert at_once(run) == [["Succeeded"] * 3] * THREADS
    for view, _client in jobs:
        assert len(view.executions) == 6
        assert len(view.rows(GROUPS, company="USMF")) == 3
        assert sum(e["targetRecordsCreated"] for x in view.executions for e in x.entities) == 3
    assert server.failures == ()


@pytest.mark.evidence("inferred")
def test_of_imports_with_one_id_at_once_one_wins_and_the_others_leave_nothing(server, open_job):
    view, client = open_job(ALLOWED)
    url = client.upload(package())

    def run(_turn):
        with Client(view.client_config(), base=server.http_url, token=client.token) as one:
            try:
                return one.import_from(url, executionId="one")
            except Refused as refused:
                return refused.status

    results = at_once(run)
    assert sorted(map(str, results)) == ["400"] * (THREADS - 1) + ["one"]
    assert len(list((view.parts.workspace.folder / "packages").iterdir())) == 1
    assert client.poll("one")[-1] == "Succeeded"
    assert list((view.parts.workspace.folder / "packages").iterdir()) == []


@pytest.mark.evidence("inferred")
def test_of_imports_that_bring_one_new_project_at_once_one_wins(server, open_job):
    view, client = open_job(ALLOWED)
    url = client.upload(package())

    def run(_turn):
        with Client(view.client_config(), base=server.http_url, token=client.token) as one:
            return one.answer(
                "ImportFromPackage",
                packageUrl=url,
                definitionGroupId="New",
                overwrite=False,
                execute=True,
                legalEntityId="USMF",
            ).status_code

    assert sorted(at_once(run)) == [200] + [400] * (THREADS - 1)
    assert len(view.executions) == 1


@pytest.mark.evidence("inferred")
def test_reruns_of_one_id_at_once_leave_one_whole_execution(server, open_job):
    view, client = open_job(ALLOWED | {"usedExecutionId": "rerun"}, clock="real")
    url = client.upload(package())
    client.poll(client.import_from(url, executionId="one"), most=2000)

    def run(_turn):
        with Client(view.client_config(), base=server.http_url, token=client.token) as one:
            return one.answer(
                "ImportFromPackage",
                packageUrl=url,
                definitionGroupId="P",
                executionId="one",
                overwrite=True,
                execute=True,
                legalEntityId="USMF",
            ).status_code

    assert set(at_once(run)) <= {200, 400}
    assert client.poll("one", most=2000)[-1] in TERMINAL
    (entity,) = view.executions.only().entities
    assert (entity["sourceRecords"], entity["targetRecordsUpdated"]) == (3, 3)
    assert server.failures == ()
