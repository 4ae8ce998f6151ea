"""Bodies of action calls as they come over the wire: doubled members and very large ones."""

from __future__ import annotations

import json

import pytest

from d365fo_emulator import Emulator
from job_tools import ACTIONS, Client

pytestmark = pytest.mark.evidence("inferred")
LARGE = 10_000_000
MODEL_STATE = "InvokeAction - Model state is invalid."


@pytest.fixture(scope="module")
def client():
    with (
        Emulator() as emulator,
        Client(emulator.client_config(), base=emulator.http_url) as client,
    ):
        yield client


@pytest.fixture
def post(client):
    def send(action, body):
        headers = {
            "Authorization": f"Bearer {client.token}",
            "Content-Type": "application/json",
        }
        return client.session.post(client.base + ACTIONS + action, data=body, headers=headers)

    return send


def message(answer):
    return answer.json()["error"]["innererror"]["message"]


def test_the_last_of_a_doubled_member_is_taken(post):
    answer = post("GetAzureWriteUrl", b'{"uniqueFileName":"first","uniqueFileName":"last"}')
    assert "/dmf/last?" in json.loads(answer.json()["value"])["BlobUrl"]


def test_a_doubled_member_of_another_type_at_the_end_is_an_invalid_model(post):
    answer = post("GetAzureWriteUrl", b'{"uniqueFileName":"first","uniqueFileName":7}')
    assert (answer.status_code, message(answer)) == (400, MODEL_STATE)


def test_a_large_member_that_is_none_of_the_action_is_left_aside(post):
    body = b'{"uniqueFileName":"small","more":"%b"}' % (b"x" * LARGE)
    answer = post("GetAzureWriteUrl", body)
    assert "/dmf/small?" in json.loads(answer.json()["value"])["BlobUrl"]


def test_a_large_body_that_is_no_json_is_an_invalid_model(post):
    answer = post("GetAzureWriteUrl", b"x" * LARGE)
    assert (answer.status_code, message(answer)) == (400, MODEL_STATE)


def test_a_large_argument_is_refused_by_what_it_means_and_the_next_call_works(post):
    answer = post("GetExecutionSummaryStatus", b'{"executionId":"%b"}' % (b"x" * LARGE))
    assert answer.status_code == 400
    assert "Execution details were not found" in message(answer)
    assert post("GetExecutionErrors", b'{"executionId":"x"}').json()["value"] == "[]"


def test_a_large_name_is_signed_like_any_other_since_only_an_upload_looks_at_it(post):
    answer = post("GetAzureWriteUrl", b'{"uniqueFileName":"%b"}' % (b"x" * LARGE))
    assert answer.status_code == 200
    assert len(json.loads(answer.json()["value"])["BlobUrl"]) > LARGE
