"""Eight clients of one workspace on a real clock: imports, exports, reads, deletions at once."""

from __future__ import annotations

import itertools
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from builders import CUSTOMER_GROUPS, Table, package
from d365fo_emulator.dmf.errors import ControlRefused
from job_tools import EXPORT_GROUPS, GROUPS, TERMINAL, Client, rows_of
from written_packages import tables

ROWS = 6_000  # more than the target step writes at once
VERSIONS = 3
COLUMNS = CUSTOMER_GROUPS.columns
DETAILS = "/data/DataManagementExecutionJobDetails?cross-company=true"
PROJECTS = "/data/DataManagementDefinitionGroups"


def groups(prefix, count, text):
    rows = tuple((f"{prefix}{number:05}", text) for number in range(count))
    return package(Table(GROUPS, COLUMNS, rows, CUSTOMER_GROUPS.target_entity))


@pytest.fixture
def clients(server, open_job):
    """The workspace, and as many clients of it as are asked for."""
    view, first = open_job(
        {"parallelImports": "allow", "busyProject": "allow", "emptyExport": "headerOnly"},
        clock="real",
    )
    made = [Client(view.client_config(), server.http_url, first.token) for _ in range(8)]
    yield view, made
    for client in made:
        client.session.close()


def sent(client):
    return {"Authorization": f"Bearer {client.token}"}


def ended(client, execution):
    moment = threading.Event()
    for _ in range(3000):
        if (state := client.state(execution)) in TERMINAL:
            return state
        moment.wait(0.01)
    raise AssertionError(f"{execution} does not end")


def at_once(*works):
    """Runs each in a thread of its own; the results, when all have ended."""
    with ThreadPoolExecutor(len(works)) as pool:
        return [future.result() for future in [pool.submit(work) for work in works]]


def assert_one_moment(rows):
    """In key order the newer text comes first, and at most two texts are there.

    One import after the other writes all rows in key order. So at each moment the first so many
    have the newer text and all others the one before it; rows of two moments would show it.
    """
    assert len(rows) in {0, 5_000, ROWS}
    versions = [int(text) for _key, text in sorted(rows)]
    assert versions == sorted(versions, reverse=True)
    assert not versions or versions[0] - versions[-1] <= 1


@pytest.mark.evidence("inferred")
def test_whoever_reads_while_an_import_writes_sees_one_moment(server, clients):
    view, (writer, *others) = clients
    done = threading.Event()

    def write():
        try:
            return [
                ended(writer, writer.import_package(groups("K", ROWS, str(version))))
                for version in range(VERSIONS)
            ]
        finally:
            done.set()

    def until_done(work):
        def run():
            return sum(work() or 1 for _ in iter(done.is_set, True))

        return run

    def export_with(client):
        def export():
            execution = client.export()
            assert ended(client, execution) == "Succeeded"
            shown = rows_of(client.exported(execution), *COLUMNS)
            assert_one_moment(shown)
            (entity,) = view.executions[execution].entities
            assert entity["targetRecordsCreated"] == len(shown)

        return export

    def read_with(client):
        so_far = {}

        def read():
            for row in client.session.get(client.base + DETAILS, headers=sent(client)).json()[
                "value"
            ]:
                count = row["TargetRecordsCreatedCount"] + row["TargetRecordsUpdatedCount"]
                assert so_far.setdefault(row["JobId"], 0) <= count <= ROWS
                so_far[row["JobId"]] = count

        return read

    def poll_with(client):
        def poll():
            for execution in view.executions:
                client.state(execution.id)
                counts = [
                    entity["targetRecordsCreated"] + entity["targetRecordsUpdated"]
                    for entity in execution.entities
                ]
                assert counts[0] <= ROWS

        return poll

    works = [
        *(export_with(client) for client in others[:3]),
        *(read_with(client) for client in others[3:5]),
        *(poll_with(client) for client in others[5:]),
    ]
    states, *turns = at_once(write, *map(until_done, works))
    assert states == ["Succeeded"] * VERSIONS
    assert all(turns)
    assert {row["Description"] for row in view.rows(GROUPS, company="USMF").values()} == {
        str(VERSIONS - 1)
    }
    assert server.failures == ()


@pytest.mark.evidence("inferred")
def test_imports_of_many_projects_with_cancels_and_deletions_in_between(server, clients):
    view, made = clients
    turns = 5

    def work(number):
        client = made[number]

        def cancelled(execution, turn):
            try:
                view.parts.dmf.control(execution, ("cancel", "fail", "finish")[turn % 3])
            except ControlRefused:  # it was quicker
                assert client.state(execution) in TERMINAL

        def run():
            project = f"Project {number}"
            for turn in range(turns):
                content = groups(f"{number}-", 1_500, f"{number}.{turn}")
                # Blobs of one container: clients that choose one name meet.
                url = client.upload(content, f"{number}-{turn}.zip")
                execution = client.import_from(url, definitionGroupId=project)
                early = client.answer("DeleteExecutionHistoryJob", executionId=execution)
                if early.status_code == 204:
                    continue
                if turn < turns - 1:
                    cancelled(execution, turn)
                ended(client, execution)
                if turn % 2:
                    late = client.answer("DeleteExecutionHistoryJob", executionId=execution)
                    assert late.status_code in {204, 400}
                path = f"{PROJECTS}('{project}')"
                client.session.delete(client.base + path, headers=sent(client))
            return execution

        return run

    last = at_once(*map(work, range(8)))
    shown = {one.id: one for one in view.executions}
    assert all(one.state in TERMINAL for one in shown.values())
    assert all(shown[one].state == "Succeeded" for one in last if one in shown)
    rows = view.rows(GROUPS, company="USMF").items()
    assert {(key[0], row["Description"]) for key, row in rows} == {
        (str(number), f"{number}.{turns - 1}") for number in range(8)
    }
    assert len(rows) == 8 * 1_500
    assert list((view.parts.workspace.folder / "packages").iterdir()) == []
    assert server.failures == ()


@pytest.mark.evidence("inferred")
def test_projects_deleted_and_made_while_they_run_leave_whole_executions(server, clients):
    _view, made = clients
    names = itertools.cycle([EXPORT_GROUPS, "Import groups"])
    ended(made[0], made[0].import_package(groups("K", 100, "x")))

    def imports(client):
        def run():
            return [ended(client, client.import_package(groups("K", 100, "x"))) for _ in range(6)]

        return run

    def exports(client):
        def run():
            seen = []
            for _ in range(6):
                answer = client.answer(
                    "ExportToPackage",
                    definitionGroupId=EXPORT_GROUPS,
                    packageName="groups",
                    executionId="",
                    reExecute=False,
                    legalEntityId="USMF",
                )
                assert answer.status_code in {200, 400}
                if answer.status_code == 200:
                    execution = answer.json()["value"]
                    seen.append(ended(client, execution))
                    # Made anew, the project has no entities any more.
                    assert len(tables(client.exported(execution))) <= 1
            return seen

        return run

    def projects(client):
        def run():
            base, headers = client.base + PROJECTS, sent(client)
            for name in itertools.islice(names, 10):
                gone = client.session.delete(f"{base}('{name}')", headers=headers)
                assert gone.status_code in {204, 400}
                members = {"Name": name, "OperationType": "Export"}
                there = client.session.post(base, json=members, headers=headers)
                assert there.status_code in {201, 400}
                client.session.get(base, headers=headers).raise_for_status()
            return ["Succeeded"]

        return run

    works = [imports, imports, imports, exports, exports, exports, projects, projects]
    results = at_once(*(work(client) for work, client in zip(works, made, strict=True)))
    assert all(state == "Succeeded" for seen in results for state in seen)
    assert server.failures == ()
