"""ImportFromPackageAsync and ImportFromDMTPackage: what is answered at once, what comes later."""

from __future__ import annotations

import pytest

from builders import Table, package
from job_tools import Refused

MOON = package(Table("Moon phases", ("PHASE",), (("waning",),), "MoonPhaseEntity"))
BASIC = {
    "definitionGroupId": "Later",
    "executionId": "",
    "execute": True,
    "overwrite": True,
    "legalEntityId": "USMF",
}
BROKEN = {
    "no zip": (b"CUSTOMERGROUPID\r\n10\r\n", "PackageHeader.xml"),
    "no header": (package(without=("PackageHeader.xml",)), "PackageHeader.xml"),
    "in a folder": (package(folder="package/"), "PackageHeader.xml"),
    "unknown entity": (MOON, "Entity Moon phases does not exist in the target environment"),
}


def begin(client, url, action="ImportFromPackageAsync", **more):
    return client.value(action, packageUrl=url, **(BASIC | more))


def projects(view):
    return [one.name for one in view.parts.dmf.at.store.projects()]


@pytest.mark.evidence("client")
@pytest.mark.parametrize(
    "more",
    [
        {},
        {"failOnError": True, "runAsyncWithoutBatch": True, "thresholdToRunInBatch": 0},
        {"failOnError": True, "runAsyncWithoutBatch": True, "thresholdToRunInBatch": 1},
        {"failOnError": True, "runAsyncWithoutBatch": False, "thresholdToRunInBatch": 1000},
    ],
)
def test_an_asynchronous_import_takes_six_or_nine_parameters(job, more):
    view, client = job
    execution = begin(client, client.upload(package()), **more)
    assert client.poll(execution)[-1] == "Succeeded"
    assert len(view.rows("Customer groups", company="USMF")) == 3
    assert "Later" in projects(view)


@pytest.mark.evidence("client")
def test_the_member_overwrite_is_taken_in_the_letter_case_that_a_client_sends(job):
    _view, client = job
    begin(client, client.upload(package()))
    members = {key: value for key, value in BASIC.items() if key != "overwrite"}
    url = client.upload(package())
    again = client.value(
        "ImportFromPackageAsync",
        packageUrl=url,
        **(members | {"overWrite": True, "executionId": "EXEC-20250101-120000"}),
    )
    assert again == "EXEC-20250101-120000"


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize("name", BROKEN)
def test_what_the_synchronous_form_refuses_of_a_package_ends_as_failed(open_job, name):
    view, client = open_job({"unknownEntities": "refuse"})
    content, words = BROKEN[name]
    url = client.upload(content)
    with pytest.raises(Refused) as refused:
        client.import_from(url, definitionGroupId="Later")
    assert words in refused.value.response.text
    execution = begin(client, url)
    assert client.poll(execution) == ["NotRun", "Executing", "Failed"]
    assert words in view.executions[execution].document["reason"]
    assert client.errors(execution) == []
    assert "Later" not in projects(view)
    assert list((view.parts.workspace.folder / "packages").iterdir()) == []


@pytest.mark.evidence("inferred")
def test_a_package_that_cannot_be_fetched_fails_later_in_the_words_of_the_storage(job):
    view, client = job
    nothing_there = client.write_url("nothing.zip")
    execution = begin(client, nothing_there)
    assert client.poll(execution)[-1] == "Failed"
    assert "(404) Not Found" in view.executions[execution].document["reason"]
    elsewhere = begin(client, "https://example.com/dmf/package.zip?sig=x")
    assert client.poll(elsewhere)[-1] == "Failed"


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"legalEntityId": "Input"}, "The company Input does not exist."),
        ({"overwrite": False}, "exists and overwrite has not been specified"),
    ],
)
def test_what_the_synchronous_form_refuses_of_a_call_ends_as_failed(job, members, words):
    view, client = job
    client.poll(begin(client, client.upload(package())))
    before = view.parts.dmf.at.store.project("Later")
    execution = begin(client, client.upload(package()), **members)
    assert client.poll(execution) == ["NotRun", "Executing", "Failed"]
    assert words in view.executions[execution].document["reason"]
    assert view.parts.dmf.at.store.project("Later") == before
    assert list((view.parts.workspace.folder / "packages").iterdir()) == []


@pytest.mark.evidence("inferred")
def test_a_used_id_is_refused_at_once(job):
    _view, client = job
    begin(client, client.upload(package()), executionId="used")
    with pytest.raises(Refused) as refused:
        begin(client, client.upload(package()), executionId="used")
    assert refused.value.status == 400
    assert "Execution id used already exists." in refused.value.response.text


@pytest.mark.evidence("client")
def test_a_failed_package_does_not_replace_the_data_project_of_its_name(job):
    view, client = job
    client.poll(begin(client, client.upload(package())))
    before = view.parts.dmf.at.store.project("Later")
    client.poll(begin(client, client.upload(b"no package")))
    assert view.parts.dmf.at.store.project("Later") == before


@pytest.mark.evidence("documented")
def test_asynchronous_calls_for_one_data_project_do_not_count_as_parallel(job):
    view, client = job
    url = client.upload(package())
    with view.parts.dmf.import_calls.turn("Later", AssertionError):
        execution = begin(client, url)
    assert client.poll(execution)[-1] == "Succeeded"


@pytest.mark.evidence("client")
def test_an_import_of_the_data_migration_toolkit_is_checked_by_its_call(job):
    view, client = job
    url = client.upload(package())
    more = {"importBatchGroupId": "DMT", "failOnError": False}
    execution = begin(client, url, "ImportFromDMTPackage", **more)
    assert client.poll(execution)[-1] == "Succeeded"
    assert view.parts.dmf.execution(execution).options.batch_group == "DMT"
    with pytest.raises(Refused):
        begin(client, client.upload(b"no package"), "ImportFromDMTPackage", **more)
