"""The export actions on the wire: answers, lists of entities, previews, templates, single files."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import zipfile
from concurrent.futures import ThreadPoolExecutor

import pytest

from builders import CUSTOMER_GROUPS, Table, package
from job_tools import GROUPS, Refused, rows_of

PROJECT = "Export"
CURRENCIES = "Currencies"
ENVIRONMENT = {
    "version": 1,
    "data": [
        {
            "entity": GROUPS,
            "company": "USMF",
            "rows": [{"CustomerGroupId": str(number)} for number in (10, 20, 30, 40)],
        },
        {"entity": CURRENCIES, "company": "USMF", "rows": [{"CurrencyCode": "EUR"}]},
    ],
    "dataProjects": [
        {
            "name": PROJECT,
            "operation": "Export",
            "entities": [
                {"entity": GROUPS, "format": "CSV"},
                {"entity": CURRENCIES, "format": "CSV"},
            ],
        },
        {
            "name": "Import",
            "operation": "Import",
            "entities": [{"entity": GROUPS, "format": "CSV"}],
        },
    ],
}
BASIC = {
    "definitionGroupId": PROJECT,
    "packageName": "name",
    "executionId": "",
    "reExecute": False,
    "legalEntityId": "USMF",
}
# Members beside the basic ones, as clients send them.
EXPORTS = {
    "ExportToPackage": {},
    "ExportToPackageAsync": {"entityList": ""},
    "ExportToPackagePreview": {"exportPreviewCount": 100},
    "ExportToPackagePreviewAsync": {"exportPreviewCount": 100},
    "ExportToPackageDelta": {"entityList": ""},
}


@pytest.fixture
def open_exports(job_of):
    return lambda settings=None, **options: job_of(
        ENVIRONMENT | {"settings": settings or {}}, **options
    )


@pytest.fixture
def exports(open_exports):
    return open_exports()


def run(client, action, **changes):
    execution = client.value(action, **(BASIC | EXPORTS[action] | changes))
    client.poll(execution)
    return execution


def files_in(content):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return [name for name in archive.namelist() if name.endswith(".csv")]


def notes_of(view):
    return [note for entry in view.journal for note in entry.notes]


# Answers


@pytest.mark.evidence("client")
@pytest.mark.parametrize("action", EXPORTS)
def test_every_export_answers_with_the_callers_id_and_ends_in_a_package(exports, action):
    view, client = exports
    answer = client.answer(action, **(BASIC | EXPORTS[action] | {"executionId": "Mine 11/15: a"}))
    assert answer.status_code == 200
    assert answer.json() == {
        "@odata.context": f"{client.base}/data/$metadata#Edm.String",
        "value": "Mine 11/15: a",
    }
    assert client.poll("Mine 11/15: a")[-1] == "Succeeded"
    assert files_in(client.exported("Mine 11/15: a")) == [f"{GROUPS}.csv", f"{CURRENCIES}.csv"]
    assert view.executions.only().operation == "Export"


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize("action", EXPORTS)
def test_an_empty_id_is_answered_with_a_new_one_each_time(exports, action):
    _view, client = exports
    first, second = run(client, action), run(client, action)
    assert len(first) == len(second) == 36
    assert first != second


@pytest.mark.evidence("recorded")
@pytest.mark.parametrize("project", ["None", "Import"])
@pytest.mark.parametrize("action", EXPORTS)
def test_a_project_that_is_none_or_imports_is_refused_with_true_in_both_places(
    exports, action, project
):
    _view, client = exports
    members = BASIC | EXPORTS[action] | {"definitionGroupId": project, "executionId": "id"}
    answer = client.answer(action, **members)
    assert answer.status_code == 400
    assert answer.json()["error"]["innererror"]["message"] == (
        f"Exception occurred while executing action {action} on Entity"
        " DataManagementDefinitionGroup: Export to package failed for definition group:"
        f" {project}, package name: name, execution id: id, reExecute: true, legal entity: true"
    )


@pytest.mark.evidence("recorded")
@pytest.mark.parametrize("action", EXPORTS)
def test_null_for_an_execution_id_is_an_invalid_model(exports, action):
    _view, client = exports
    answer = client.answer(action, **(BASIC | EXPORTS[action] | {"executionId": None}))
    assert answer.status_code == 400
    assert answer.json()["error"]["innererror"]["message"] == (
        "InvokeAction - Model state is invalid."
    )


@pytest.mark.evidence("recorded")
@pytest.mark.parametrize("setting", ["accept", "zeroGuid"])
def test_an_unknown_project_may_be_accepted_as_in_2019_or_with_the_zero_guid(open_exports, setting):
    view, client = open_exports({"unknownProject": setting})
    for action in EXPORTS:
        execution = run(client, action, definitionGroupId="None", executionId="mine")
        assert execution == (
            "mine" if setting == "accept" else "00000000-0000-0000-0000-000000000000"
        )
        assert client.state(execution) == "NotFound"
    assert len(view.executions) == 0


@pytest.mark.evidence("client")
@pytest.mark.parametrize("re_execute", [True, False])
def test_re_execute_may_be_either_with_a_fresh_id(exports, re_execute):
    _view, client = exports
    execution = run(client, "ExportToPackage", executionId="fresh", reExecute=re_execute)
    assert client.exported(execution)


@pytest.mark.evidence("inferred")
def test_a_used_id_is_run_again_with_re_execute_and_refused_without(exports):
    view, client = exports
    run(client, "ExportToPackage", executionId="used")
    view.parts.rows.clear()
    with pytest.raises(Refused):
        run(client, "ExportToPackage", executionId="Used")
    run(client, "ExportToPackage", executionId="used", reExecute=True)
    assert files_in(client.exported("used")) == []
    assert len(view.executions) == 1


@pytest.mark.evidence("inferred")
def test_an_id_whose_execution_has_not_ended_is_not_run_again(open_exports):
    view, client = open_exports(clock="virtual")
    client.value("ExportToPackage", **(BASIC | {"executionId": "used"}))
    with pytest.raises(Refused):
        client.value("ExportToPackage", **(BASIC | {"executionId": "used", "reExecute": True}))
    assert len(view.executions) == 1


# Lists of entities


@pytest.mark.evidence("client")
@pytest.mark.parametrize("action", ["ExportToPackageAsync", "ExportToPackageDelta"])
@pytest.mark.parametrize(
    ("listed", "files"),
    [
        ("", [GROUPS, CURRENCIES]),
        (CURRENCIES, [CURRENCIES]),
        (" currencies , Customer groups,", [GROUPS, CURRENCIES]),
        ("CustCustomerGroupEntity", [GROUPS]),
    ],
)
def test_a_list_of_labels_chooses_entities_of_the_project(exports, action, listed, files):
    view, client = exports
    content = client.exported(run(client, action, entityList=listed))
    assert files_in(content) == [f"{name}.csv" for name in files]
    assert [one["entity"] for one in view.executions.only().entities] == files


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize("action", ["ExportToPackageAsync", "ExportToPackageDelta"])
def test_a_label_that_the_project_lacks_is_refused(exports, action):
    view, client = exports
    with pytest.raises(Refused) as refused:
        run(client, action, entityList=f"{GROUPS},Vendor groups")
    assert "Export to package failed" in refused.value.response.text
    assert len(view.executions) == 0
    assert any("Vendor groups" in (entry.reason or "") for entry in view.journal)


# Previews


@pytest.mark.evidence("documented")
@pytest.mark.parametrize("member", ["exportPreviewCount", "count"])
@pytest.mark.parametrize("action", ["ExportToPackagePreview", "ExportToPackagePreviewAsync"])
@pytest.mark.parametrize(("count", "rows"), [(0, 4), (1, 1), (3, 3), (100, 4)])
def test_a_preview_has_so_many_records_of_each_entity(exports, action, member, count, rows):
    view, client = exports
    members = {**BASIC, member: count}
    execution = client.value(action, **members)
    client.poll(execution)
    keys = rows_of(client.exported(execution), "CUSTOMERGROUPID")
    assert keys == [("10",), ("20",), ("30",), ("40",)][:rows]
    assert view.executions.only().entities[0]["targetRecordsCreated"] == rows


# Templates


def template(*tables):
    tables = tables or (CUSTOMER_GROUPS,)
    return package(*tables, project="From the package", without=[one.file for one in tables])


def from_package(client, content, **changes):
    url = client.upload(content, name="template.zip")
    members = {
        "packageUrl": url,
        "definitionGroupId": "Template",
        "executionId": "",
        "execute": True,
        "overwrite": False,
        "legalEntityId": "USMF",
    }
    return client.value("ExportFromPackage", **(members | changes))


@pytest.mark.evidence("client")
def test_a_template_without_data_files_becomes_a_project_that_is_exported(exports):
    _view, client = exports
    execution = from_package(client, template())
    assert client.poll(execution)[-1] == "Succeeded"
    lines = rows_of(client.exported(execution), "CUSTOMERGROUPID", "DESCRIPTION")
    assert [key for key, _text in lines] == ["10", "20", "30", "40"]
    again = run(client, "ExportToPackage", definitionGroupId="Template")
    assert files_in(client.exported(again)) == [f"{GROUPS}.csv"]


@pytest.mark.evidence("inferred")
def test_without_execute_the_project_is_made_and_nothing_exported(exports):
    view, client = exports
    execution = from_package(client, template(), execute=False, executionId="mine")
    assert (execution, client.state("mine")) == ("mine", "NotFound")
    assert len(view.executions) == 0
    run(client, "ExportToPackage", definitionGroupId="Template", executionId="mine")
    assert client.exported("mine")


@pytest.mark.evidence("inferred")
def test_a_template_without_a_project_name_takes_the_manifests(exports):
    _view, client = exports
    execution = from_package(client, template(), definitionGroupId="")
    client.poll(execution)
    run(client, "ExportToPackage", definitionGroupId="From the package")


@pytest.mark.evidence("inferred")
def test_overwrite_is_about_the_project_as_it_is_for_imports(exports):
    _view, client = exports
    from_package(client, template())
    with pytest.raises(Refused) as refused:
        from_package(client, template())
    assert "The data project 'Template' exists and overwrite has not been specified." in str(
        refused.value
    )
    other = Table(CURRENCIES, ("CURRENCYCODE",), (("EUR",),), "CurrencyEntity")
    execution = from_package(client, template(other), overwrite=True)
    client.poll(execution)
    assert files_in(client.exported(execution)) == [f"{CURRENCIES}.csv"]


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("https://example.com/dmf/a.zip?sig=a", "(404) Not Found"),
        ("no url", "(404) Not Found"),
    ],
)
def test_the_url_of_a_template_must_lead_to_a_blob_as_that_of_an_import(exports, url, text):
    view, client = exports
    with pytest.raises(Refused) as refused:
        from_package(client, template(), packageUrl=url)
    assert text in refused.value.response.text
    assert view.parts.dmf.at.store.project("Template") is None
    assert list((view.parts.workspace.folder / "packages").iterdir()) == []


@pytest.mark.evidence("recorded")
def test_a_template_in_a_folder_is_refused_with_the_temporary_path(exports):
    _view, client = exports
    with pytest.raises(Refused) as refused:
        from_package(client, package(folder="folder/"))
    assert (
        "PackageHeader.xml'."
        in json.loads(refused.value.response.text)["error"]["innererror"]["message"]
    )


# URLs


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize("name", [GROUPS, "customer GROUPS", "CustCustomerGroupEntity"])
def test_one_file_of_a_package_can_be_downloaded_alone(exports, name):
    _view, client = exports
    execution = run(client, "ExportToPackage")
    url = client.value("GetExportedFileUrl", executionId=execution, entityName=name)
    alone = client.get(url)
    with zipfile.ZipFile(io.BytesIO(client.exported(execution))) as archive:
        assert alone == archive.read(f"{GROUPS}.csv")
    again = client.value("GetExportedFileUrl", executionId=execution, entityName=name)
    assert client.get(again) == alone


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize("name", ["Vendor groups", "", "No such entity"])
def test_an_entity_that_the_export_lacks_has_no_file_url(exports, name):
    _view, client = exports
    execution = run(client, "ExportToPackage")
    assert client.value("GetExportedFileUrl", executionId=execution, entityName=name) == ""


@pytest.mark.evidence("inferred")
def test_there_is_no_file_url_before_the_end_nor_after_its_time_nor_without_rows(open_exports):
    view, client = open_exports({"keepFilesDays": 1}, clock="virtual")
    execution = client.value("ExportToPackage", **BASIC)
    members = {"executionId": execution, "entityName": GROUPS}
    assert client.value("GetExportedFileUrl", **members) == ""
    view.clock.advance("1m")
    assert client.value("GetExportedFileUrl", **members)
    view.clock.advance("1d")
    client.renew()
    assert client.value("GetExportedFileUrl", **members) == ""
    empty = client.value("ExportToPackage", **(BASIC | {"legalEntityId": "DEMF"}))
    view.clock.advance("1m")
    assert client.value("GetExportedFileUrl", **(members | {"executionId": empty})) == ""


@pytest.mark.evidence("inferred")
def test_a_run_under_a_used_id_has_files_of_its_own(exports):
    view, client = exports
    members = {"executionId": "used", "entityName": GROUPS}
    run(client, "ExportToPackage", executionId="used")
    first = client.get(client.value("GetExportedFileUrl", **members))
    view.parts.rows.clear()
    client.poll(client.import_package(package()))
    run(client, "ExportToPackage", executionId="used", reExecute=True)
    second = client.get(client.value("GetExportedFileUrl", **members))
    keys = [row[0] for row in csv.reader(io.StringIO(second.decode()))]
    assert keys == ["CUSTOMERGROUPID", "10", "20", "30"]
    assert first != second


@pytest.mark.evidence("client")
@pytest.mark.parametrize("calls", [0, 3])
def test_the_url_may_come_some_calls_after_the_end_and_is_never_null(open_exports, calls):
    _view, client = open_exports({"exportUrlAfter": calls})
    execution = client.value("ExportToPackage", **BASIC)
    assert client.value("GetExportedPackageUrl", executionId=execution) == ""
    client.poll(execution)
    asked = [client.value("GetExportedPackageUrl", executionId=execution) for _ in range(calls + 2)]
    assert [bool(url) for url in asked] == [False] * calls + [True] * 2
    assert asked[:calls] == [""] * calls


# Answers that wait


@pytest.mark.evidence("recorded")
@pytest.mark.parametrize("clock", ["auto", "virtual", "real"])
@pytest.mark.parametrize(
    "action", ["ExportToPackage", "ExportToPackagePreview", "ExportToPackageDelta"]
)
def test_an_answer_may_wait_for_the_end_on_every_clock(open_exports, clock, action):
    view, client = open_exports({"exportSync": True}, clock=clock)
    execution = client.value(action, **BASIC)
    assert view.executions.only().state == "Succeeded"
    assert files_in(client.exported(execution))


@pytest.mark.evidence("documented")
@pytest.mark.parametrize("action", ["ExportToPackageAsync", "ExportToPackagePreviewAsync"])
def test_the_asynchronous_forms_never_wait(open_exports, action):
    view, client = open_exports({"exportSync": True}, clock="virtual")
    client.value(action, **BASIC)
    assert view.executions.only().state == "NotRun"


BY_HAND = {"until": "manual"}


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize("clock", ["auto", "virtual", "real"])
@pytest.mark.parametrize("state", ["NotFound", "NotRun", "Executing"])
@pytest.mark.parametrize("stay", [BY_HAND, {"polls": 3}, {"time": "1h", "polls": 1, "need": "all"}])
@pytest.mark.parametrize("ends", [[], [{"state": "Succeeded"}]])
def test_an_answer_does_not_wait_for_what_time_does_not_bring(
    open_exports, clock, state, stay, ends
):
    view, client = open_exports({"exportSync": True}, clock=clock)
    view.on(action="ExportToPackage").timeline({"state": state, "stay": stay}, *ends)
    client.value("ExportToPackage", **BASIC)
    assert view.executions.only().document["finishedAt"] is None


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize("clock", ["auto", "virtual", "real"])
def test_an_answer_does_not_wait_for_the_end_of_a_last_step_that_has_none(open_exports, clock):
    view, client = open_exports({"exportSync": True}, clock=clock)
    view.on(action="ExportToPackage").timeline({"state": "NotRun", "stay": {"time": "1h"}})
    client.value("ExportToPackage", **BASIC)
    assert view.executions.only().state == "NotRun"


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize("clock", ["auto", "virtual", "real"])
def test_an_answer_does_not_wait_for_an_entity_without_a_mapping(open_exports, clock):
    view, client = open_exports({"exportSync": True}, clock=clock)
    store = view.parts.dmf.at.store
    project = store.project(BASIC["definitionGroupId"])
    bare = dataclasses.replace(project.entities[0], validation_status="No", maps=None)
    bare = dataclasses.replace(bare, auto_generate_mapping=False)
    store.save_project(dataclasses.replace(project, entities=(bare, *project.entities[1:])))
    client.value("ExportToPackage", **BASIC)
    assert view.executions.only().state == "Executing"


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize("deed", ["cancel", "fail", "finish", "freeze", "close"])
def test_an_answer_that_waits_on_a_real_clock_comes_when_others_end_the_wait(
    open_exports, wait_until, deed
):
    view, client = open_exports({"exportSync": True}, clock="real")
    waits = {"state": "NotRun", "stay": {"time": "1h"}}
    view.on(action="ExportToPackage").timeline(waits, {"state": "Succeeded"})
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(client.answer, "ExportToPackage", **BASIC)
        wait_until(lambda: len(view.executions) == 1)
        parts = view.parts
        if deed == "freeze":
            view.clock.freeze()
        elif deed == "close":
            parts.dmf.close()
        else:
            getattr(view.executions.only(), deed)()
        assert answer.result(timeout=30).status_code == 200


@pytest.mark.evidence("inferred")
def test_an_answer_waits_for_as_long_as_the_scenario_lets_it_on_an_auto_clock(open_exports):
    view, client = open_exports({"exportSync": True, "workTakesSeconds": 3600})
    began = view.clock.now
    client.value("ExportToPackage", **BASIC)
    assert (view.clock.now - began).total_seconds() >= 3600
    assert view.executions.only().polls == 0
