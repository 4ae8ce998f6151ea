"""Data projects made, read, changed and removed over OData, as client scripts do."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from builders import package
from job_tools import EXPORT_GROUPS, rows_of

GROUPS = "/data/DataManagementDefinitionGroups"
DETAILS = "/data/DataManagementDefinitionGroupDetails"
TYPES = "Microsoft.Dynamics.DataEntities."
EXPORT = f"{TYPES}DMFOperationType'Export'"
PROJECT = {
    "Name": "Batch export",
    "OperationType": "Export",
    "ProjectCategory": "Project",
    "Description": "made by a script",
    "GenerateDataPackage": "No",
}
DETAIL = {
    "DefinitionGroupId": "Batch export",
    "EntityName": "Customer groups",
    "SourceFormat": "CSV-Unicode",
    "ExecutionUnit": 1,
    "LevelInExecutionUnit": 1,
    "SequenceInLevel": 1,
    "DefaultRefreshType": "FullPush",
    "AutoGenerateMapping": "Yes",
}


@pytest.fixture
def ask(job):
    _view, client = job

    def send(method, path, members=None, **headers):
        sent = {"Authorization": f"Bearer {client.token}"} | headers
        return client.session.request(method, client.base + path, json=members, headers=sent)

    return send


@pytest.fixture
def made(ask):
    """The project and its entity."""
    assert ask("POST", GROUPS, PROJECT).status_code == 201
    assert ask("POST", DETAILS, DETAIL).status_code == 201


def said(answer):
    return answer.json()["error"]["innererror"]["message"]


def values(answer):
    return answer.json()["value"]


@pytest.mark.evidence("recorded")
def test_a_project_that_is_made_is_shown_whole(ask):
    answer = ask("POST", GROUPS, PROJECT)
    assert answer.status_code == 201
    members = answer.json()
    assert members.pop("@odata.context").endswith("#DataManagementDefinitionGroups/$entity")
    assert members.pop("@odata.etag").startswith('W/"')
    assert members == PROJECT | {"TruncateEntityData": "No"}
    assert answer.headers["Location"].endswith(f"{GROUPS}('Batch%20export')")
    again = ask("GET", f"{GROUPS}('Batch%20export')").json()
    assert {name: again[name] for name in members} == members


@pytest.mark.evidence("client")
@pytest.mark.parametrize("name", ["Batch export", "BATCH EXPORT"])
def test_a_project_that_exists_already_says_so_and_stays(ask, made, name):
    answer = ask("POST", GROUPS, PROJECT | {"Name": name, "Description": "other"})
    assert answer.status_code == 400
    assert "already exists" in said(answer)
    (kept,) = values(ask("GET", f"{GROUPS}?$filter=Name eq 'Batch export'"))
    assert kept["Description"] == PROJECT["Description"]
    assert len(values(ask("GET", DETAILS + "?$filter=DefinitionGroupId eq 'Batch export'"))) == 1


@pytest.mark.evidence("recorded")
def test_a_description_is_cut_to_sixty_characters(ask):
    answer = ask("POST", GROUPS, PROJECT | {"Description": "d" * 61})
    assert answer.json()["Description"] == "d" * 60


@pytest.mark.evidence("client")
@pytest.mark.parametrize(
    "key",
    [
        "('Batch export')",
        "(Name='Batch%20export')",
        f"(Name='batch export',OperationType={EXPORT})",
    ],
)
def test_a_project_is_read_and_deleted_by_either_form_of_its_key(ask, made, key):
    assert ask("GET", GROUPS + key).json()["Name"] == "Batch export"
    assert ask("DELETE", GROUPS + key).status_code == 204
    missing = ask("GET", GROUPS + key)
    assert (missing.status_code, missing.content) == (404, b"")
    assert values(ask("GET", DETAILS + "?$filter=DefinitionGroupId eq 'Batch export'")) == []


@pytest.mark.evidence("inferred")
def test_what_a_key_says_beyond_the_key_must_fit_as_well(ask, made):
    other = f"(Name='Batch export',OperationType={TYPES}DMFOperationType'Import')"
    assert ask("GET", GROUPS + other).status_code == 404
    assert ask("DELETE", GROUPS + other).status_code == 400
    assert ask("GET", f"{GROUPS}('Batch export')").status_code == 200


@pytest.mark.evidence("client")
@pytest.mark.parametrize("method", ["DELETE", "PATCH"])
def test_a_write_to_what_is_not_there_finds_no_resources(ask, method):
    answer = ask(method, f"{GROUPS}('Missing')", {"Description": ""})
    assert (answer.status_code, said(answer)) == (
        400,
        "No resources were found when selecting for update.",
    )


@pytest.mark.evidence("client")
def test_a_project_made_over_odata_exports_like_any_other(job, ask, made):
    _view, client = job
    client.poll(client.import_package(package()))
    execution = client.export(definitionGroupId="Batch export")
    assert client.poll(execution)[-1] == "Succeeded"
    assert client.exported(execution)[:2] == b"PK"


@pytest.mark.evidence("inferred")
def test_an_import_project_made_over_odata_is_what_a_package_overwrites(job, ask):
    _view, client = job
    ask("POST", GROUPS, PROJECT | {"OperationType": "Import"})
    execution = client.import_package(package(), definitionGroupId="Batch export")
    assert client.poll(execution)[-1] == "Succeeded"
    names = values(ask("GET", DETAILS + "?$filter=DefinitionGroupId eq 'Batch export'"))
    assert [one["EntityName"] for one in names] == ["Customer groups"]


@pytest.mark.evidence("inferred")
def test_a_project_may_go_while_it_runs_and_what_runs_goes_on(job, ask, made):
    _view, client = job
    execution = client.export(definitionGroupId="Batch export")
    assert ask("DELETE", f"{GROUPS}('Batch export')").status_code == 204
    assert client.poll(execution)[-1] == "Succeeded"


@pytest.mark.evidence("recorded")
@pytest.mark.parametrize("mapping", [{}, {"AutoGenerateMapping": "No"}])
def test_an_entity_without_a_generated_mapping_is_not_valid(ask, mapping):
    ask("POST", GROUPS, PROJECT)
    detail = {name: DETAIL[name] for name in DETAIL if name != "AutoGenerateMapping"}
    assert ask("POST", DETAILS, detail | mapping).json()["ValidationStatus"] == "No"
    key = f"{DETAILS}(EntityName='Customer groups',DefinitionGroupId='Batch export')"
    assert ask("PATCH", key, {"AutoGenerateMapping": "Yes"}).status_code == 204
    assert ask("GET", key).json()["ValidationStatus"] == "Yes"


@pytest.mark.evidence("inferred")
def test_an_entity_is_changed_in_what_is_said_and_in_nothing_else(ask, made):
    key = f"{DETAILS}(DefinitionGroupId='Batch export',EntityName='Customer groups')"
    before = ask("GET", key).json()
    change = {
        "SkipStaging": "Yes",
        "ExecutionUnit": 7,
        "Tags": "a;b",
        "QueryData": "AAEC",
        "QueryForODBC": "select",
        "EntityName": "Other",
    }
    assert ask("PUT", key, change).status_code == 204
    after = ask("GET", key).json()
    assert after.pop("@odata.etag") != before.pop("@odata.etag")
    del change["EntityName"]
    assert after == before | change


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"DefinitionGroupId": "Missing"}, "'Missing' in field 'Group name' is not found"),
        ({"EntityName": "Moon phases"}, "'Moon phases' in field 'Entity' is not found"),
        (
            {"EntityName": "Currencies", "SourceFormat": "Clay tablet"},
            "'Clay tablet' in field 'Source data format'",
        ),
        ({"SourceFormat": ""}, "Field 'SourceFormat' must be filled in"),
        ({"EntityName": "customer GROUPS"}, "already exists"),
        ({"EntityName": "CustCustomerGroupEntity"}, "already exists"),
    ],
)
def test_an_entity_that_cannot_be_added_is_refused_and_nothing_is_written(ask, made, change, words):
    before = values(ask("GET", DETAILS))
    answer = ask("POST", DETAILS, DETAIL | change)
    assert answer.status_code == 400
    assert words in said(answer)
    assert values(ask("GET", DETAILS)) == before


@pytest.mark.evidence("client")
def test_staging_cannot_be_skipped_for_an_entity_with_a_number_sequence(job, ask, made):
    view, _client = job
    numbered = next(
        one.label
        for one in view.parts.dmf.at.catalogue.all()
        if any(field.auto_number or field.read_only for field in one.fields)
    )
    answer = ask("POST", DETAILS, DETAIL | {"EntityName": numbered, "SkipStaging": "Yes"})
    assert answer.status_code == 400
    assert "Staging cannot be skipped" in said(answer)
    again = ask("POST", DETAILS, DETAIL | {"EntityName": numbered, "SkipStaging": "No"})
    assert again.status_code == 201


@pytest.mark.evidence("inferred")
def test_an_entity_leaves_a_project_alone(ask, made):
    ask("POST", DETAILS, DETAIL | {"EntityName": "Currencies"})
    key = "(DefinitionGroupId='Batch export',EntityName='Customer groups')"
    assert ask("DELETE", DETAILS + key).status_code == 204
    assert ask("DELETE", DETAILS + key).status_code == 400
    rest = values(ask("GET", DETAILS + "?$filter=DefinitionGroupId eq 'Batch export'"))
    assert [one["EntityName"] for one in rest] == ["Currencies"]


@pytest.mark.evidence("inferred")
def test_entities_follow_one_another_unless_it_is_said(ask):
    ask("POST", GROUPS, PROJECT)
    detail = {name: DETAIL[name] for name in DETAIL if name != "SequenceInLevel"}
    sequences = [
        ask("POST", DETAILS, detail | {"EntityName": name}).json()["SequenceInLevel"]
        for name in ("Customer groups", "Currencies")
    ]
    assert sequences == [1, 2]


@pytest.mark.evidence("inferred")
def test_an_operation_that_projects_here_do_not_have_is_refused_by_name(ask):
    answer = ask("POST", GROUPS, PROJECT | {"OperationType": "Company"})
    assert (answer.status_code, "Company" in said(answer)) == (501, True)


@pytest.mark.evidence("inferred")
def test_a_stale_tag_changes_nothing(ask, made):
    key = f"{GROUPS}('Batch export')"
    tag = ask("GET", key).json()["@odata.etag"]
    assert ask("PATCH", key, {"Description": "new"}, **{"If-Match": tag}).status_code == 204
    for method in ("PATCH", "DELETE"):
        answer = ask(method, key, {"Description": "newer"}, **{"If-Match": tag})
        assert answer.status_code == 412
        assert "update conflict" in said(answer)
    assert ask("GET", key).json()["Description"] == "new"
    assert ask("DELETE", key, **{"If-Match": "*"}).status_code == 204


@pytest.mark.evidence("inferred")
def test_of_many_that_make_one_project_one_does(ask):
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: ask("POST", GROUPS, PROJECT), range(16)))
    assert sorted(one.status_code for one in answers) == [201] + [400] * 15


@pytest.mark.evidence("inferred")
def test_entities_added_at_once_are_all_there(ask):
    ask("POST", GROUPS, PROJECT)
    names = ["Customer groups", "Currencies", "Units", "Vendor groups", "Sites", "Customers V3"]
    with ThreadPoolExecutor(6) as pool:
        answers = list(
            pool.map(lambda name: ask("POST", DETAILS, DETAIL | {"EntityName": name}), names)
        )
    added = {name for name, one in zip(names, answers, strict=True) if one.status_code == 201}
    assert len(added) >= 4
    listed = values(ask("GET", DETAILS + "?$filter=DefinitionGroupId eq 'Batch export'"))
    assert {one["EntityName"] for one in listed} == added


@pytest.mark.evidence("inferred")
def test_projects_of_the_environment_and_of_packages_are_rows_too(job, ask):
    _view, client = job
    client.poll(client.import_package(package()))
    rows = {one["Name"]: one["OperationType"] for one in values(ask("GET", GROUPS))}
    assert rows == {EXPORT_GROUPS: "Export", "Import groups": "Import"}
    detail = values(ask("GET", DETAILS + "?$filter=DefinitionGroupId eq 'import groups'"))[0]
    assert (detail["InputFilePath"], detail["ValidationStatus"]) == ("Customer groups.csv", "Yes")


@pytest.mark.evidence("client")
def test_rows_of_an_exported_project_are_those_of_the_company(job, ask, made):
    _view, client = job
    client.poll(client.import_package(package()))
    execution = client.export(definitionGroupId="Batch export")
    client.poll(execution)
    ask(
        "PATCH",
        f"{DETAILS}(DefinitionGroupId='Batch export',EntityName='Customer groups')",
        {"SourceFormat": "CSV"},
    )
    execution = client.export(definitionGroupId="Batch export")
    client.poll(execution)
    assert rows_of(client.exported(execution), "CUSTOMERGROUPID")


@pytest.mark.evidence("inferred")
def test_a_composite_entity_may_be_in_a_project_but_not_without_staging(open_job):
    from d365fo_emulator.entities.model import Composite, CompositePart

    view, client = open_job()
    view.parts.dmf.at.catalogue.add_composite(
        Composite("Groups composite", "GroupsComposite", CompositePart("CustCustomerGroupEntity"))
    )
    headers = {"Authorization": f"Bearer {client.token}"}

    def post(path, members):
        return client.session.post(client.base + path, json=members, headers=headers)

    post(GROUPS, PROJECT)
    detail = DETAIL | {"EntityName": "groups composite", "SourceFormat": "XML-Element"}
    assert "Staging cannot be skipped" in said(post(DETAILS, detail | {"SkipStaging": "Yes"}))
    assert post(DETAILS, detail).json()["EntityName"] == "Groups composite"


@pytest.mark.evidence("recorded")
def test_an_export_without_a_mapping_stages_nothing_and_never_ends(job, ask):
    _view, client = job
    client.poll(client.import_package(package()))
    ask("POST", GROUPS, PROJECT)
    ask("POST", DETAILS, {name: DETAIL[name] for name in DETAIL if name != "AutoGenerateMapping"})
    execution = client.export(definitionGroupId="Batch export")
    assert client.poll(execution, most=10)[-1] == "Executing"
    (row,) = values(
        ask("GET", f"/data/DataManagementExecutionJobDetails?$filter=JobId eq '{execution}'")
    )
    assert (row["StagingStatus"], row["StagingRecordsCreatedCount"]) == ("Executing", 0)
    assert row["TargetStatus"] == "NotRun"
