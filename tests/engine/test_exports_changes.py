"""Exports of changes: what is in the first, the next and the one after a failure; concurrency."""

from __future__ import annotations

import io
import threading
import zipfile

import pytest

from builders import CUSTOMER_GROUPS, Table, package
from d365fo_emulator import Emulator, Failed
from job_tools import ENVIRONMENT, GROUPS, Client, rows_of

FULL, CHANGES = "Full", "Changes"
CURRENCIES = "Currencies"


def project(name, refresh_type):
    return {
        "name": name,
        "operation": "Export",
        "entities": [
            {"entity": GROUPS, "format": "CSV", "refreshType": refresh_type},
            {"entity": CURRENCIES, "format": "CSV", "refreshType": refresh_type},
        ],
    }


WITH_PROJECTS = ENVIRONMENT | {
    "dataProjects": [project(FULL, "FullPush"), project(CHANGES, "IncrementalPush")],
    "settings": {"emptyExport": "headerOnly"},
}
ACTIONS = [
    "ExportToPackage",
    "ExportToPackageAsync",
    "ExportToPackagePreview",
    "ExportToPackagePreviewAsync",
    "ExportToPackageDelta",
]
PREVIEW = {"exportPreviewCount": 100}


@pytest.fixture
def tracked(job_of):
    view, client = job_of(WITH_PROJECTS)
    write(client, "10", "20")
    return view, client


def write(client, *keys, company="USMF"):
    rows = Table(GROUPS, CUSTOMER_GROUPS.columns, tuple((key, "text") for key in keys))
    client.poll(client.import_package(package(rows), legalEntityId=company))


def begin(client, action="ExportToPackage", **changes):
    members = {
        "definitionGroupId": CHANGES,
        "packageName": "name",
        "executionId": "",
        "reExecute": False,
        "legalEntityId": "USMF",
    }
    return client.value(action, **(members | changes))


def keys_in(content):
    return [key for (key,) in rows_of(content, "CUSTOMERGROUPID")]


def exported(client, action="ExportToPackage", **changes):
    execution = begin(client, action, **changes)
    client.poll(execution)
    return keys_in(client.exported(execution))


def token(view, project=CHANGES, entity=GROUPS, company="USMF"):
    return view.parts.dmf.at.store.version_token(project, entity, company)


# First and next


@pytest.mark.evidence("documented")
@pytest.mark.parametrize("action", ["ExportToPackage", "ExportToPackageAsync"])
def test_the_first_incremental_export_is_full_and_the_next_has_changes_alone(tracked, action):
    _view, client = tracked
    assert exported(client, action) == ["10", "20"]
    assert exported(client, action) == []
    write(client, "20", "30")
    assert exported(client, action) == ["20", "30"]
    assert exported(client, action) == []


@pytest.mark.evidence("client")
def test_a_delta_has_changes_alone_whatever_the_refresh_type(tracked):
    _view, client = tracked
    for name in (FULL, CHANGES):
        assert exported(client, "ExportToPackageDelta", definitionGroupId=name) == ["10", "20"]
        assert exported(client, "ExportToPackageDelta", definitionGroupId=name) == []
    write(client, "30")
    assert exported(client, "ExportToPackageDelta", definitionGroupId=FULL) == ["30"]


@pytest.mark.evidence("documented")
@pytest.mark.parametrize("action", [name for name in ACTIONS if name != "ExportToPackageDelta"])
def test_a_full_push_takes_no_heed_of_changes_and_tells_nobody(tracked, action):
    view, client = tracked
    for _ in range(2):
        assert exported(client, action, definitionGroupId=FULL, **PREVIEW) == ["10", "20"]
    assert token(view, FULL) == 0


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize("action", ["ExportToPackagePreview", "ExportToPackagePreviewAsync"])
def test_a_preview_shows_changes_and_lets_the_next_export_have_them(tracked, action):
    view, client = tracked
    assert exported(client) == ["10", "20"]
    before = token(view)
    write(client, "30", "40")
    assert exported(client, action, exportPreviewCount=1) == ["30"]
    assert exported(client, action, exportPreviewCount=5) == ["30", "40"]
    assert token(view) == before
    assert exported(client) == ["30", "40"]


@pytest.mark.evidence("inferred")
def test_projects_entities_and_companies_have_changes_of_their_own(tracked):
    view, client = tracked
    write(client, "90", company="DEMF")
    assert exported(client) == ["10", "20"]
    assert exported(client, legalEntityId="DEMF") == ["90"]
    assert exported(client, "ExportToPackageDelta", definitionGroupId=FULL) == ["10", "20"]
    assert token(view, entity=CURRENCIES)
    assert token(view, FULL, CURRENCIES)
    assert exported(client, legalEntityId="demf") == []


@pytest.mark.evidence("inferred")
def test_only_listed_entities_move_their_tokens(tracked):
    view, client = tracked
    exported(client, "ExportToPackageDelta", entityList=GROUPS)
    assert token(view) > 0
    assert token(view, entity=CURRENCIES) == 0


@pytest.mark.evidence("inferred")
def test_without_changes_there_is_by_default_no_file(job_of):
    _view, client = job_of({**WITH_PROJECTS, "settings": {}})
    write(client, "10")
    exported(client)
    execution = begin(client)
    assert client.poll(execution)[-1] == "Succeeded"
    with zipfile.ZipFile(io.BytesIO(client.exported(execution))) as archive:
        assert archive.namelist() == ["Manifest.xml", "PackageHeader.xml"]
    assert client.value("GetExportedFileUrl", executionId=execution, entityName=GROUPS) == ""


# What does not count


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize("steps", [0, 1])
@pytest.mark.parametrize("action", ["fail", "cancel"])
def test_an_export_that_did_not_end_well_leaves_its_changes_to_the_next(job_of, steps, action):
    view, client = job_of(WITH_PROJECTS, clock="virtual")
    view.parts.rows.prepare(view.parts.catalogue.find(GROUPS))
    client.import_package(package())
    view.clock.advance("1m")
    begin(client)
    for _ in range(steps):
        view.executions.last().advance()
    getattr(view.executions.last(), action)()
    view.clock.advance("1m")
    assert token(view) == 0
    execution = begin(client)
    view.clock.advance("1m")
    assert keys_in(client.exported(execution)) == ["10", "20", "30"]


@pytest.mark.evidence("inferred")
def test_a_scenario_that_ends_in_failure_leaves_its_changes_to_the_next(tracked):
    view, client = tracked
    view.on(action="ExportToPackage").timeline(Failed()).times(1)
    assert client.poll(begin(client))[-1] == "Failed"
    assert token(view) == 0
    assert exported(client) == ["10", "20"]


@pytest.mark.evidence("inferred")
def test_an_entity_that_failed_keeps_its_changes_while_others_move_on(tracked):
    view, client = tracked
    exported(client)
    before = token(view)
    rows = view.parts.rows
    for label, values in ((GROUPS, ("30", "日本")), (CURRENCIES, ("EUR", "Euro"))):
        entity = view.parts.catalogue.find(label)
        name = "Description" if label == GROUPS else "Name"
        fields = [entity.key_fields[0], entity.find_field(name)]
        rows.put(entity, fields, "USMF", [values])
    execution = begin(client)
    assert client.poll(execution)[-1] == "PartiallySucceeded"
    assert token(view) == before
    assert token(view, entity=CURRENCIES) > before
    entity = view.parts.catalogue.find(GROUPS)
    fields = [entity.key_fields[0], entity.find_field("Description")]
    rows.put(entity, fields, "USMF", [("30", "plain")])
    assert exported(client) == ["30"]


# Reset


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize("name", [GROUPS, "customer groups", "CustCustomerGroupEntity"])
def test_a_reset_makes_the_next_export_of_that_entity_full(tracked, name):
    view, client = tracked
    exported(client)
    answer = client.answer(
        "ResetVersionToken", definitionGroupId="changes", entityName=name, sourceName="CSV"
    )
    assert answer.json() == {
        "@odata.context": f"{client.base}/data/$metadata#Edm.Boolean",
        "value": True,
    }
    assert token(view) == 0
    assert token(view, entity=CURRENCIES) > 0
    assert exported(client) == ["10", "20"]
    assert exported(client) == []


@pytest.mark.evidence("inferred")
def test_a_reset_is_true_for_an_entity_never_exported_and_false_for_one_that_there_is_not(tracked):
    _view, client = tracked

    def reset(entity):
        return client.value(
            "ResetVersionToken", definitionGroupId=CHANGES, entityName=entity, sourceName=""
        )

    assert [reset(name) for name in (GROUPS, "Vendor groups", "")] == [True, False, False]


@pytest.mark.evidence("inferred")
def test_a_reset_in_a_project_that_there_is_not_is_refused(tracked):
    _view, client = tracked
    answer = client.answer(
        "ResetVersionToken", definitionGroupId="None", entityName=GROUPS, sourceName=""
    )
    assert answer.status_code == 400
    assert "Data project None does not exist." in answer.text


@pytest.mark.evidence("inferred")
def test_a_reset_while_an_export_is_under_way_is_not_undone_by_its_end(job_of):
    view, client = job_of(WITH_PROJECTS, clock="virtual")
    client.import_package(package())
    view.clock.advance("1m")
    begin(client)
    view.clock.advance("1m")
    assert token(view) > 0
    begin(client)
    view.executions.last().advance()
    client.value("ResetVersionToken", definitionGroupId=CHANGES, entityName=GROUPS, sourceName="")
    view.clock.advance("1m")
    assert (view.executions.last().state, token(view)) == ("Succeeded", 0)


# At the same time


@pytest.mark.evidence("inferred")
def test_rows_written_while_exports_run_are_in_one_of_them_or_the_next(job_of, wait_until):
    view, client = job_of(WITH_PROJECTS, clock="real")
    entity = view.parts.catalogue.find(GROUPS)
    view.parts.rows.prepare(entity)
    threads, rounds = 3, 40

    def put(name):
        for number in range(rounds):
            view.parts.rows.put(entity, [entity.key_fields[0]], "USMF", [(f"{name}{number}",)])

    def export():
        execution = begin(client)
        wait_until(lambda: view.executions[execution].state == "Succeeded")
        return keys_in(client.exported(execution))

    writers = [threading.Thread(target=put, args=(name,)) for name in "abc"[:threads]]
    for writer in writers:
        writer.start()
    seen = []
    while any(writer.is_alive() for writer in writers):
        seen += export()
    for writer in writers:
        writer.join()
    seen += export()
    assert sorted(seen) == sorted(f"{name}{n}" for name in "abc" for n in range(rounds))
    assert export() == []


@pytest.mark.evidence("inferred")
def test_two_exports_of_changes_at_once_leave_nothing_out(job_of):
    settings = WITH_PROJECTS["settings"] | {"busyProject": "allow"}
    view, client = job_of(WITH_PROJECTS | {"settings": settings}, clock="virtual")
    client.import_package(package())
    view.clock.advance("1m")
    first = begin(client)
    view.executions.last().advance()  # its work is done, and it is still Executing
    client.import_package(package(Table(GROUPS, CUSTOMER_GROUPS.columns, (("40", "Forty"),))))
    view.executions.last().finish()
    second = begin(client)
    view.clock.advance("1m")
    both = keys_in(client.exported(first)) + keys_in(client.exported(second))
    assert set(both) == {"10", "20", "30", "40"}
    third = begin(client)
    view.clock.advance("1m")
    assert set(keys_in(client.exported(third))) <= {"40"}


@pytest.mark.evidence("inferred")
def test_tokens_outlive_a_restart(tmp_path):
    for keys in (["10", "20"], ["20"]):
        with (
            Emulator(environment=WITH_PROJECTS, data_dir=tmp_path) as server,
            Client(server.client_config(), base=server.http_url) as client,
        ):
            write(client, *keys)
            assert exported(client) == keys
