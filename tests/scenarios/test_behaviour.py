"""Rules, clocks and seeds as tests use them, over the wire."""

import pytest

import job_tools
from builders import CUSTOMER_GROUPS, package
from d365fo_emulator import (
    Computed,
    Emulator,
    Executing,
    Failed,
    NotFound,
    NotRun,
    PartiallySucceeded,
    Succeeded,
)
from job_tools import Client, Refused

pytestmark = [
    pytest.mark.evidence("documented"),
    pytest.mark.d365fo(environment=job_tools.ENVIRONMENT),
]

REFUSED = "Refused by the rule"


@pytest.mark.d365fo(clock="virtual")
def test_a_scripted_partial_import_takes_six_polls(d365fo, client):
    d365fo.on(
        action=["ImportFromPackage", "ImportFromPackageAsync"],
        definition_group="Import *",
        legal_entity="USMF",
        entity="Customer groups",
    ).timeline(
        NotFound(polls=1), NotRun(time="2s", polls=1), Executing(polls=3), PartiallySucceeded()
    ).row_error(where={"CUSTOMERGROUPID": "20"}, field="CUSTOMERGROUPID", message=REFUSED)
    execution = client.import_package(package())
    assert client.poll(execution) == [
        "NotFound",
        "NotRun",
        *["Executing"] * 3,
        "PartiallySucceeded",
    ]
    assert d365fo.executions.only().polls == 6
    assert list(d365fo.rows(job_tools.GROUPS, company="USMF")) == ["10", "30"]
    [error] = client.errors(execution)
    assert (error["RecordId"], error["Field"]) == ("2", "CUSTOMERGROUPID")
    assert REFUSED in error["ErrorMessage"]
    d365fo.verify(action="GetExecutionErrors", count=1)


@pytest.mark.d365fo(clock="virtual")
def test_advance_says_what_ran_in_order_of_time(d365fo, client):
    d365fo.on(action="Import*").timeline(NotRun(time="2s"), Executing(time="10s"), Computed())
    first = client.import_package(package(), definitionGroupId="One")
    d365fo.clock.advance("1s")
    second = client.import_package(package(), definitionGroupId="Two")
    began = d365fo.clock.now
    ran = d365fo.clock.advance("1m")
    assert [(one.what, (one.at - began).total_seconds()) for one in ran] == [
        (f"execution {first} entered Executing", 1),
        (f"execution {second} entered Executing", 2),
        (f"execution {first} entered Computed", 11),
        (f"execution {second} entered Computed", 12),
    ]
    assert d365fo.clock.advance("1h") == []


def test_a_token_lives_until_its_time_and_the_leeway_are_over(d365fo, client):
    client.write_url()
    d365fo.clock.advance("59m")
    client.write_url()
    d365fo.clock.advance("12m")  # 71 minutes: 3,900 s at most, and 300 s of leeway
    with pytest.raises(Refused) as caught:
        client.write_url()
    assert caught.value.status == 401
    client._token = None
    assert client.write_url()


def test_an_upload_url_ends_after_half_an_hour_by_the_workspaces_clock(d365fo, client):
    url = client.write_url()
    d365fo.clock.advance("29m")
    client.put(url, b"in time")
    d365fo.clock.advance("2m")
    with pytest.raises(Refused) as caught:
        client.put(url, b"too late")
    assert caught.value.status == 403


def test_time_stands_still_when_frozen_and_goes_on_when_resumed(d365fo, client):
    d365fo.clock.freeze()
    assert d365fo.clock.mode == "virtual"
    execution = client.import_package(package())
    assert set(client.poll(execution, most=4)) == {"NotRun"}
    frozen = d365fo.clock.now
    d365fo.clock.resume()
    assert d365fo.clock.mode == "real"
    assert d365fo.clock.now >= frozen
    d365fo.clock.advance("1m")
    assert client.state(execution) == "Succeeded"


def test_a_rule_of_the_test_stands_before_the_loaded_scenario(d365fo, client):
    d365fo.load("failed")
    d365fo.on(action="Import*").timeline(Succeeded()).times(1)
    assert client.poll(client.import_package(package()))[-1] == "Succeeded"
    assert client.poll(client.import_package(package()))[-1] == "Failed"


def test_a_required_rule_is_unused_until_it_is_bound(d365fo, client):
    d365fo.on(action="Import*").timeline(Failed()).required()
    scenarios = d365fo.parts.scenarios
    assert len(scenarios.unused_required()) == 1
    client.import_package(package())
    assert scenarios.unused_required() == []


def test_another_scenario_leaves_executions_alone_that_run_already(d365fo, client):
    d365fo.load("stuck-executing")
    bound = client.import_package(package(), definitionGroupId="One")
    d365fo.load("happy-path")
    fresh = client.import_package(package(), definitionGroupId="Two")
    assert client.poll(fresh)[-1] == "Succeeded"
    assert client.poll(bound, most=5)[-1] == "Executing"


def ids_of_a_run(**options):
    """Every id that a client can see in one run."""
    with Emulator(job_tools.ENVIRONMENT, **options) as emulator:
        config = emulator.client_config() | {"resource": emulator.http_url}
        with Client(config, emulator.http_url) as client:
            answer = client.answer("GetAzureWriteUrl", uniqueFileName="a.zip")
            blob = answer.json()["value"]
            seen = [answer.headers["ms-dyn-aid"], blob[: blob.index("BlobUrl")]]
            execution = client.import_package(package())
            client.poll(execution)
            export = client.export()
            client.poll(export)
            name = client.value("GetExportedPackageUrl", executionId=export).partition("?")[0]
            seen += [execution, export, name.rpartition("/")[2]]
        return [*seen, *(entry.id for entry in emulator.journal)]


def test_one_seed_and_the_same_requests_give_the_same_ids():
    first = ids_of_a_run(seed=7)
    assert len(set(first)) == len(first)
    assert ids_of_a_run(seed=7) == first
    assert set(ids_of_a_run(seed=8)).isdisjoint(first)
    scenario = {"version": 1, "seed": 7, "rules": []}
    assert ids_of_a_run(scenario=scenario) == first


def test_rows_that_came_in_are_those_that_go_out(d365fo, client):
    client.poll(client.import_package(package()))
    execution = client.export()
    client.poll(execution)
    found = job_tools.rows_of(client.exported(execution), *CUSTOMER_GROUPS.columns)
    assert found == list(CUSTOMER_GROUPS.rows)
