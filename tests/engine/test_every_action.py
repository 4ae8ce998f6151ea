"""What holds for all actions: when they came, what their bodies may be, how they answer."""

from __future__ import annotations

import pytest

from builders import package
from d365fo_emulator.dmf import signatures
from d365fo_emulator.odata.actions import EdmType
from job_tools import ACTIONS, EXPORT_GROUPS, GROUPS

MODEL_STATE = "InvokeAction - Model state is invalid."
ALL = {action.name: action for action in signatures.ACTIONS}
WRONG = {EdmType.STRING: 7, EdmType.BOOLEAN: "true", EdmType.INT32: "7"}
MESSAGES = {"GetMessageStatus"}  # there is no message that could have a state


def is_model_state(answer):
    text = answer.json()["error"]["innererror"]["message"]
    return (answer.status_code, text) == (400, MODEL_STATE)


@pytest.mark.evidence("documented")
@pytest.mark.parametrize("name", [name for name, action in ALL.items() if action.since > 5])
def test_a_platform_older_than_an_action_does_not_know_it(open_job, name):
    _view, client = open_job({"platformUpdate": ALL[name].since - 1})
    answer = client.answer(name)
    assert answer.status_code == 404
    assert "No route data was found for this request." in answer.json()["Message"]


@pytest.mark.evidence("documented")
@pytest.mark.parametrize("name", ALL)
def test_a_platform_as_old_as_an_action_knows_it(open_job, name):
    _view, client = open_job({"platformUpdate": ALL[name].since})
    assert client.answer(name).status_code in {200, 204, 400}


@pytest.mark.evidence("recorded")
def test_null_and_values_of_another_type_are_refused_for_every_parameter(job):
    _view, client = job
    for action in signatures.ACTIONS:
        for parameter in action.parameters:
            for value in (None, WRONG[parameter.type], [], {}):
                answer = client.answer(action.name, **{parameter.name: value})
                assert is_model_state(answer), (action.name, parameter.name, value)


@pytest.mark.evidence("inferred")
def test_strict_members_refuse_unknown_ones_and_other_letter_case_in_every_action(open_job):
    _view, client = open_job({"strictMembers": True})
    for action in signatures.ACTIONS:
        assert is_model_state(client.answer(action.name, containerName="dmf")), action.name
        for parameter in action.parameters:
            answer = client.answer(action.name, **{parameter.name.upper(): ""})
            assert is_model_state(answer), (action.name, parameter.name)


@pytest.mark.evidence("documented")
def test_every_good_answer_has_the_context_of_its_type_and_a_value_or_nothing_at_all(job):
    _view, client = job
    execution = client.import_package(package())
    client.poll(execution)
    members = {
        "uniqueFileName": "x.zip",
        "definitionGroupId": "Made",
        "legalEntityId": "USMF",
        "overwrite": True,
        "packageName": "groups",
        "entityName": GROUPS,
        "listOfDataEntities": GROUPS,
    }
    answered = set()
    for action in signatures.ACTIONS:
        names = {parameter.name for parameter in action.parameters}
        chosen = {name: value for name, value in members.items() if name in names}
        if "packageUrl" in names:
            chosen["packageUrl"] = client.upload(package())
        elif "packageName" in names or action.name == "ResetVersionToken":
            chosen["definitionGroupId"] = EXPORT_GROUPS
        elif "executionId" in names:
            chosen["executionId"] = execution
        answer = client.answer(action.name, **chosen)
        if action.name in MESSAGES:
            continue
        if action.returns is EdmType.NOTHING:
            assert (answer.status_code, answer.content) == (204, b""), action.name
        else:
            context = f"{client.base}/data/$metadata#{action.returns}"
            assert answer.status_code == 200, (action.name, answer.text)
            assert list(answer.json()) == ["@odata.context", "value"]
            assert answer.json()["@odata.context"] == context
        answered.add(action.name)
    assert answered == ALL.keys() - MESSAGES


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize("name", ALL)
def test_no_action_is_read_with_get(job, name):
    _view, client = job
    headers = {"Authorization": f"Bearer {client.token}"}
    assert client.session.get(client.base + ACTIONS + name, headers=headers).status_code == 404
