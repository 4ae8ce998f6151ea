"""URLs that the actions hand out, and what data management says of executions."""

from __future__ import annotations

import datetime as dt
import json
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest

from builders import CUSTOMER_GROUPS, Table, package
from d365fo_emulator import Emulator
from d365fo_emulator.dmf.errors import ControlRefused, ExecutionNotFound
from job_tools import ENVIRONMENT, GROUPS, Client, Refused

BAD = Table(GROUPS, CUSTOMER_GROUPS.columns, (("10", "One"), ("", "None")))


@pytest.fixture(scope="module")
def server():
    with Emulator() as emulator:
        yield emulator


@pytest.fixture
def job(server):
    settings = {"keepHistoryDays": 30}
    view = server.create_workspace(environment=ENVIRONMENT | {"settings": settings})
    with Client(view.client_config(), base=server.http_url) as client:
        yield view, client
    server.drop_workspace(view.id)


@pytest.fixture
def service(job):
    return job[0].parts.dmf


def query_of(url):
    return parse_qsl(urlsplit(url).query)


def instant(text):
    return dt.datetime.fromisoformat(text)


# Upload URLs


@pytest.mark.evidence("recorded")
def test_an_upload_url_has_the_recorded_members_in_order_and_window(job):
    view, client = job
    url = client.write_url("groups.zip")
    parameters = query_of(url)
    assert [name for name, _value in parameters] == ["sv", "sr", "sig", "st", "se", "sp"]
    values = dict(parameters)
    assert (values["sv"], values["sr"], values["sp"]) == ("2014-02-14", "b", "rw")
    assert instant(values["st"]) - view.clock.now == dt.timedelta(minutes=-5)
    assert instant(values["se"]) - view.clock.now == dt.timedelta(minutes=30)
    assert urlsplit(url).path.endswith("/dmf/groups.zip")
    assert f"st={values['st'].replace(':', '%3A')}" in url


@pytest.mark.evidence("recorded")
def test_an_upload_url_comes_with_a_blob_id_of_its_own_each_time(job):
    _view, client = job
    answers = [json.loads(client.value("GetAzureWriteUrl", uniqueFileName="a")) for _ in range(2)]
    assert [list(answer) for answer in answers] == [["BlobId", "BlobUrl"]] * 2
    ids = [answer["BlobId"] for answer in answers]
    assert ids[0] != ids[1]
    for blob_id in ids:
        assert (blob_id[0], blob_id[-1], blob_id) == ("{", "}", blob_id.upper())


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize("name", ["Größe 1.zip", "a+b&c=d.zip", "50%.zip", "no extension", "a#b?c"])
def test_a_name_is_escaped_in_its_url_and_leads_back_to_one_blob(job, name):
    _view, client = job
    url = client.write_url(name)
    assert unquote(urlsplit(url).path).endswith(f"/dmf/{name}")
    client.put(url, b"content")
    assert client.get(client.write_url(name)) == b"content"


@pytest.mark.evidence("inferred")
def test_an_upload_url_without_a_name_is_an_invalid_model(job):
    _view, client = job
    with pytest.raises(Refused, match="Model state is invalid"):
        client.write_url("")


@pytest.mark.evidence("recorded")
@pytest.mark.parametrize(("minutes", "status"), [(29, 201), (31, 403)])
def test_an_upload_url_ends_after_half_an_hour(job, minutes, status):
    view, client = job
    url = client.write_url()
    view.clock.advance(f"{minutes}m")
    headers = {"x-ms-blob-type": "BlockBlob"}
    assert client.session.put(url, data=b"x", headers=headers).status_code == status


# Download URLs


@pytest.fixture
def exported(job):
    _view, client = job
    execution = client.export()
    client.poll(execution)
    return execution


@pytest.mark.evidence("recorded")
def test_a_download_url_may_only_read_for_65_minutes(job, exported):
    _view, client = job
    values = dict(query_of(client.value("GetExportedPackageUrl", executionId=exported)))
    assert values["sp"] == "r"
    assert instant(values["se"]) - instant(values["st"]) == dt.timedelta(minutes=65)


@pytest.mark.evidence("client")
def test_each_call_makes_a_new_download_url_that_counts_from_then(job, exported):
    view, client = job
    first = client.value("GetExportedPackageUrl", executionId=exported)
    view.clock.advance("61m")
    second = client.value("GetExportedPackageUrl", executionId=exported)
    assert first != second
    assert urlsplit(first).path == urlsplit(second).path
    assert client.session.get(first).status_code == 403
    assert client.session.get(second).status_code == 200


@pytest.mark.evidence("recorded")
def test_a_download_url_cannot_be_written_to(job, exported):
    _view, client = job
    url = client.value("GetExportedPackageUrl", executionId=exported)
    answer = client.session.put(url, data=b"x", headers={"x-ms-blob-type": "BlockBlob"})
    assert answer.status_code == 403


@pytest.mark.evidence("client")
def test_there_is_no_download_url_before_the_end_nor_for_an_import(job):
    _view, client = job
    export, imported = client.export(), client.import_package(package())
    assert client.value("GetExportedPackageUrl", executionId=export) == ""
    client.poll(imported)
    assert client.value("GetExportedPackageUrl", executionId=imported) == ""
    with pytest.raises(Refused, match="Execution details were not found"):
        client.value("GetExportedPackageUrl", executionId="never")


@pytest.mark.evidence("inferred")
def test_after_seven_days_there_is_no_download_url_though_the_execution_is_known(job, exported):
    view, client = job
    view.clock.advance("8d")
    client._token = None
    assert client.value("GetExportedPackageUrl", executionId=exported) == ""


# Executions


@pytest.mark.evidence("inferred")
def test_the_document_tells_what_the_work_led_to_and_looking_costs_no_poll(job, service):
    _view, client = job
    execution = client.import_package(package(BAD))
    polls = len(client.poll(execution))
    for _ in range(2):
        document = service.document(service.execution(execution))
    assert [entry["state"] for entry in document["timeline"]] == [
        "NotRun",
        "Executing",
        "PartiallySucceeded",
    ]
    assert (document["polls"], document["errorCount"]) == (polls, 1)
    assert document["errors"][0]["entity"] == GROUPS


@pytest.mark.evidence("inferred")
def test_state_and_polls_are_seen_without_the_document(job, monkeypatch):
    view, client = job
    client.poll(client.import_package(package()))

    def forbidden(*_arguments):
        raise AssertionError("the whole document was made")

    monkeypatch.setattr(view.parts.dmf, "document", forbidden)
    execution = view.executions.only()
    assert (execution.state, execution.polls) == ("Succeeded", 3)
    assert "Succeeded" in repr(execution)


@pytest.mark.evidence("recorded")
def test_an_unknown_execution_has_an_empty_list_of_errors(service):
    assert service.execution_errors("never") == "[]"


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize("action", ["advance", "finish", "fail", "cancel"])
def test_only_a_live_execution_can_be_moved(job, service, action):
    _view, client = job
    with pytest.raises(ExecutionNotFound):
        service.control("never", action)
    execution = client.import_package(package())
    client.poll(execution)
    with pytest.raises(ControlRefused, match="is at its end: Succeeded"):
        service.control(execution, action)


@pytest.mark.evidence("inferred")
def test_an_action_that_there_is_not_is_refused(job, service):
    _view, client = job
    execution = client.import_package(package())
    with pytest.raises(ControlRefused, match="there is no action 'pause'"):
        service.control(execution, "pause")
