"""Environment files, good and bad."""

import json
from pathlib import Path

import jsonschema
import pytest

from d365fo_emulator.config.environment import (
    default_environment,
    environment_schema,
    for_workspace,
    load_environment,
    workspace_identity,
)
from d365fo_emulator.kernel.errors import ConfigurationError
from d365fo_emulator.kernel.ids import Ids

pytestmark = pytest.mark.evidence("documented")
BARE = default_environment(demonstration=False)

GOOD = """
version: 1
tenant: {id: 11111111-2222-4333-8444-555555555555, domain: fabrikam.example}
clients:
  - {id: aaaaaaaa-2222-4333-8444-555555555555, secret: s3cret, user: anna}
users:
  - {id: anna, upn: anna@fabrikam.example, password: pw, company: NO, roles: [Clerk]}
companies: [NO, {id: USMF, name: Main}]
resources: ["https://myenv.operations.dynamics.com"]
entities:
  - name: Loyalty cards
    collection: LoyaltyCards
    type: LoyaltyCardEntity
    keys: [CardId]
    fields: [{name: CardId, size: 10}, {name: IssuedOn, type: date}]
  - {package: learn.zip}
dataProjects:
  - {name: check-export, operation: Export, entities: [{entity: Customer groups, format: CSV}]}
data:
  - {entity: Customer groups, company: NO, rows: [{CUSTOMERGROUPID: 010, DESCRIPTION: Major}]}
  - {package: learn.zip, company: USMF}
settings: {unknownProject: accept}
server: {httpPort: 0}
"""


@pytest.fixture
def good(tmp_path):
    (tmp_path / "learn.zip").write_bytes(b"")
    path = tmp_path / "environment.yaml"
    path.write_text(GOOD, "utf-8")
    return path


def test_a_file_is_read_with_its_own_values(good):
    environment = load_environment(good)
    assert environment.tenant.domain == "fabrikam.example"
    assert environment.clients[0].user == "anna"
    assert [company.id for company in environment.companies] == ["NO", "USMF"]
    assert environment.users[0].roles == ("Clerk",)
    assert environment.data_projects[0].entities[0].format == "CSV"
    assert environment.settings.unknown_project == "accept"
    assert environment.server == {"httpPort": 0}


def test_codes_that_yaml_1_1_would_turn_into_something_else_stay_text(good):
    environment = load_environment(good)
    assert environment.users[0].company == "NO"
    assert environment.data[0].rows == ({"CUSTOMERGROUPID": "010", "DESCRIPTION": "Major"},)


def test_files_are_found_from_the_folder_of_the_environment_file(good):
    environment = load_environment(good)
    assert environment.data[1].package == good.parent / "learn.zip"
    assert environment.entities[1] == {"package": good.parent / "learn.zip"}


def test_json_is_read_as_well(tmp_path):
    path = tmp_path / "environment.json"
    path.write_text(json.dumps({"version": 1, "companies": ["USMF", "FR01"]}), "utf-8")
    assert [company.id for company in load_environment(path).companies] == ["USMF", "FR01"]


def test_what_is_left_out_has_the_well_known_values():
    environment = load_environment({"version": 1})
    assert environment == BARE
    assert environment.tenant.id == "d365f0e0-0000-4000-8000-000000000001"


def test_a_tenant_without_domain_keeps_the_well_known_domain():
    environment = load_environment(
        {"version": 1, "tenant": {"id": "11111111-2222-4333-8444-555555555555"}}
    )
    assert environment.tenant.domain == "contoso.onmicrosoft.example"


CLIENT = {"id": "aaaaaaaa-2222-4333-8444-555555555555", "secret": "s"}


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ({}, "'version' is a required property"),
        ({"version": 2}, "$.version"),
        ({"version": 1, "companys": []}, "$: 'companys' is no key here; did you mean 'companies'?"),
        (
            {"version": 1, "clients": [{**CLIENT, "usr": "admin"}]},
            "$.clients[0]: 'usr' is no key here; did you mean 'user'?",
        ),
        ({"version": 1, "recurringJobs": []}, "recurring jobs are not emulated yet"),
        (
            {"version": 1, "clients": [{**CLIENT, "certificate": "c.pem"}]},
            "client certificates are not emulated yet",
        ),
        ({"version": 1, "clients": [{**CLIENT, "user": "amdin"}]}, "did you mean 'admin'?"),
        ({"version": 1, "companies": ["DEMF"]}, "user admin: no company 'USMF'"),
        (
            {"version": 1, "data": [{"entity": "Currencies", "company": "USFM", "rows": []}]},
            "did you mean 'USMF'?",
        ),
        ({"version": 1, "data": [{"rows": []}]}, "'entity' is a dependency of 'rows'"),
        ({"version": 1, "data": [{"entity": "Currencies"}]}, "exactly one of rows or package"),
        ({"version": 1, "data": [{"package": "nowhere.zip"}]}, "there is no such file"),
        (
            {"version": 1, "settings": {"unknownProjects": "accept"}},
            "did you mean 'unknownProject'",
        ),
        ({"version": 1, "companies": ["USMF", "usmf"]}, "'USMF' comes twice"),
        ({"version": 1, "tenant": {"id": "common"}}, "$.tenant.id"),
    ],
)
def test_a_bad_file_is_refused_with_path_and_nearest_word(document, says):
    with pytest.raises(ConfigurationError) as refused:
        load_environment(document)
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("version: 1\nusers: [", "line 2"),
        ("version: 1\nversion: 1\n", "the key 'version' comes twice"),
        ("- 1\n", "is a mapping that begins with version: 1"),
        ("version: !!python/object/apply:os.getcwd []\n", "line 1, column 10"),
    ],
)
def test_what_is_no_environment_file_is_refused_with_its_place(tmp_path, text, says):
    path = tmp_path / "bad.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(ConfigurationError) as refused:
        load_environment(path)
    assert says in str(refused.value)
    assert str(path) in str(refused.value)


def test_a_missing_file_is_named():
    with pytest.raises(ConfigurationError, match=r"nowhere\.yaml: cannot be read"):
        load_environment(Path("nowhere.yaml"))


def test_the_schema_is_a_valid_schema_of_its_draft():
    jsonschema.Draft202012Validator.check_schema(environment_schema())


def test_only_the_demonstration_has_rows_and_projects():
    assert BARE.data == ()
    assert BARE.data_projects == ()
    shown = default_environment(demonstration=True)
    assert [project.name for project in shown.data_projects] == [
        "Export customers",
        "Export customer groups",
    ]
    assert {seed.entity for seed in shown.data} >= {"Customer groups", "Customers V3"}


def test_demonstration_customers_refer_to_groups_that_are_there():
    rows = {seed.entity: seed.rows for seed in default_environment(demonstration=True).data}
    groups = {row["CUSTOMERGROUPID"] for row in rows["Customer groups"]}
    assert {row["CUSTOMERGROUPID"] for row in rows["Customers V3"]} <= groups


def test_the_same_workspace_has_the_same_identity_and_another_has_none_of_it():
    one = workspace_identity("job-1", Ids(0, "job-1"))
    assert one == workspace_identity("job-1", Ids(0, "job-1"))
    two = workspace_identity("job-2", Ids(0, "job-2"))
    assert not {one.tenant_id, one.domain, *one.client_ids, one.storage_key} & {
        two.tenant_id,
        two.domain,
        *two.client_ids,
        two.storage_key,
    }


def test_a_workspace_keeps_users_and_mappings_under_its_own_tenant():
    identity = workspace_identity("job-1", Ids(0, "job-1"))
    environment = for_workspace(BARE, identity)
    assert environment.tenant.id == identity.tenant_id
    assert [client.user for client in environment.clients] == ["admin", "", "clerk"]
    assert environment.users[0].upn == f"admin@{identity.domain}"


SOURCE = {"name": "Bank", "kind": "delimited"}


def test_data_sources_are_kept_as_they_stand():
    environment = load_environment({"version": 1, "dataSources": [SOURCE]})
    assert environment.data_sources == (SOURCE,)


@pytest.mark.parametrize(
    ("sources", "words"),
    [
        ([{**SOURCE, "delimeter": ";"}], "dataSources[0]: 'delimeter' is no key here; did you"),
        ([{**SOURCE, "culture": {"dateorder": "dmy"}}], "'dateOrder'"),
        ([{**SOURCE, "kind": "csv"}], "'csv' is not one of"),
        ([{"name": "Bank"}], "'kind' is a required property"),
        ([SOURCE, {**SOURCE, "name": "BANK"}], "data source 'BANK' comes twice"),
    ],
)
def test_data_sources_that_cannot_be_are_refused(sources, words):
    with pytest.raises(ConfigurationError) as caught:
        load_environment({"version": 1, "dataSources": sources})
    assert words in str(caught.value)
