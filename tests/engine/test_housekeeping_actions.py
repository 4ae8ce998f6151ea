"""Lists of states, pages, messages, order of entities, set-up and deletion, as clients ask."""

from __future__ import annotations

import json

import pytest
import requests

from builders import CUSTOMER_GROUPS, Table, package
from job_tools import ACTIONS, EXPORT_GROUPS, GROUPS, NOT_FOUND, Refused

BAD = Table(GROUPS, CUSTOMER_GROUPS.columns, (("10", "One"), ("", "None"), ("30", "Three")))
CURRENCIES = Table("Currencies", ("CURRENCYCODE", "NAME"), (("EUR", "Euro"),), "CurrencyEntity")
ZERO_GUID = "00000000-0000-0000-0000-000000000000"
EMPTY_BODY = {"Accept": "application/json;odata.metadata=minimal", "OData-MaxVersion": "4.0"}


def states(client, execution):
    return client.value("GetEntityExecutionSummaryStatusList", executionId=execution)


def rows_left(view):
    return [entry for kind in ("writer", "row_error", "progress") for entry in _table(view, kind)]


def _table(view, name):
    with view.parts.rows._database.read() as connection:
        return connection.execute(f"SELECT * FROM {name}").fetchall()


@pytest.mark.evidence("inferred")
def test_the_state_of_each_entity_is_a_text_in_the_order_of_the_run(job):
    _view, client = job
    execution = client.import_package(package(CURRENCIES, BAD))
    assert states(client, execution) == ["Currencies: NotRun", "Customer groups: NotRun"]
    client.poll(execution)
    assert states(client, execution) == [
        "Currencies: Succeeded",
        "Customer groups: PartiallySucceeded",
    ]
    assert states(client, "never") == []


@pytest.mark.evidence("inferred")
def test_the_list_says_nothing_of_an_execution_that_has_no_record_yet(job):
    view, client = job
    view.load("not-found-then-ok")
    execution = client.import_package(package())
    assert states(client, execution) == []
    assert client.state(execution) == "NotFound"


@pytest.mark.evidence("client")
def test_the_page_of_an_execution_can_be_opened_whatever_its_id_is(job):
    view, client = job
    identifier = "ExportPackage-11/15/2018 02:57:10 pm?#%"
    execution = client.export(executionId=identifier)
    url = client.value("GetExecutionSummaryPageUrl", executionId=execution)
    assert url.startswith(client.base)
    document = requests.get(url, timeout=10).json()
    assert (document["executionId"], document["definitionGroup"]) == (identifier, EXPORT_GROUPS)
    assert document == view.executions[execution].document


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize("action", ["GetExecutionSummaryPageUrl", "DeleteExecutionHistoryJob"])
def test_an_execution_that_never_was_has_no_page_and_cannot_be_deleted(job, action):
    _view, client = job
    answer = client.answer(action, executionId="never")
    assert (answer.status_code, NOT_FOUND in answer.text) == (400, True)


@pytest.mark.evidence("client")
def test_a_message_id_in_single_quotes_is_read(job):
    _view, client = job
    headers = {"Authorization": f"Bearer {client.token}", "Content-Type": "application/json"}
    body = "{'_messageId':'5acd8121-d4e1-4cf8-b31f-9713de3e3627'}"
    url = f"{client.base}{ACTIONS}GetExecutionIdByMessageId"
    answer = client.session.post(url, data=body, headers=headers)
    assert answer.json()["value"] == ZERO_GUID
    body = body.replace("_m", "m")
    answer = client.session.post(f"{client.base}{ACTIONS}GetMessageStatus", body, headers=headers)
    assert answer.status_code == 400
    assert "Message 5acd8121-d4e1-4cf8-b31f-9713de3e3627 was not found." in answer.text


@pytest.mark.evidence("client")
def test_the_sequence_names_each_entity_with_unit_level_and_sequence(job):
    _view, client = job
    value = client.value(
        "GetEntitySequence",
        listOfDataEntities="Customers V3, Customer groups,Moon phases,,Terms of payment",
    )
    assert value == "Terms of payment-1-1-1,Customer groups-1-2-1,Customers V3-1-3-1,"
    assert client.value("GetEntitySequence", listOfDataEntities="") == ""
    assert client.value("GetEntitySequence") == ""


@pytest.mark.evidence("client")
@pytest.mark.parametrize("action", ["InitializeDataManagement", "InitializeDataManagementAsync"])
@pytest.mark.parametrize("body", [None, b"", b"{}"])
def test_data_management_is_initialised_with_or_without_a_body(job, action, body):
    _view, client = job
    headers = EMPTY_BODY | {"Authorization": f"Bearer {client.token}"}
    if body == b"{}":
        headers["Content-Type"] = "application/json"
    answer = client.session.post(f"{client.base}{ACTIONS}{action}", data=body, headers=headers)
    assert (answer.status_code, answer.content) == (204, b"")
    assert "Content-Type" not in answer.headers
    assert answer.headers["OData-Version"] == "4.0"


@pytest.mark.evidence("inferred")
def test_a_deleted_execution_is_gone_with_all_but_its_target_rows(job):
    view, client = job
    execution = client.import_package(package(BAD))
    client.poll(execution)
    answer = client.answer("DeleteExecutionHistoryJob", executionId=execution)
    assert (answer.status_code, answer.content) == (204, b"")
    assert client.state(execution) == "NotFound"
    assert client.errors(execution) == []
    assert rows_left(view) == []
    assert len(view.rows(GROUPS, company="USMF")) == 2
    again = client.answer("DeleteExecutionHistoryJob", executionId=execution)
    assert again.status_code == 400
    assert client.import_package(package(), executionId=execution) == execution


@pytest.mark.evidence("inferred")
def test_an_execution_that_is_not_at_its_end_is_not_deleted(job):
    view, client = job
    view.load("stuck-executing")
    execution = client.import_package(package())
    client.poll(execution, most=3)
    with pytest.raises(Refused) as refused:
        client.value("DeleteExecutionHistoryJob", executionId=execution)
    inner = json.loads(refused.value.response.text)["error"]["innererror"]["message"]
    assert inner.endswith(f"Execution {execution} is still running.")
