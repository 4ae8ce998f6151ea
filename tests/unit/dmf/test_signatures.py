"""The table of actions, against the functions that carry them out and the recorded types."""

from __future__ import annotations

from collections import Counter

import pytest

from d365fo_emulator.dmf.actions.table import ACTIONS as FUNCTIONS
from d365fo_emulator.dmf.entity_types import ENUMERATIONS, SUMMARY_STATUS
from d365fo_emulator.dmf.model import ExecutionState
from d365fo_emulator.dmf.signatures import (
    ACTIONS,
    COLLECTION,
    ENTITY,
    INFERRED,
    TEMPLATE_ACTIONS,
    TEMPLATE_COLLECTION,
    UNBUILT_SETS,
)
from d365fo_emulator.kernel.settings import Settings
from d365fo_emulator.odata.actions import NAMESPACE
from d365fo_emulator.odata.binding import ABSENT, PYTHON_TYPES

pytestmark = pytest.mark.evidence("inferred")
BY_NAME = {action.name: action for action in ACTIONS}
DOCUMENTED = {
    "GetAzureWriteUrl",
    "ImportFromPackage",
    "ExportToPackage",
    "GetExportedPackageUrl",
    "GetExecutionSummaryStatus",
    "GetExecutionErrors",
    "GetMessageStatus",
}


def test_no_action_is_listed_twice_in_any_letter_case():
    assert set(Counter(action.name.casefold() for action in ACTIONS).values()) == {1}
    assert not {*BY_NAME} & {*TEMPLATE_ACTIONS}
    assert {*BY_NAME} >= DOCUMENTED


def test_what_is_inferred_is_told_of_actions_that_there_are():
    assert {*INFERRED} <= {*BY_NAME}


def test_what_is_built_is_what_has_a_function():
    assert {action.name for action in ACTIONS if action.built} == set(FUNCTIONS)


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.name)
def test_every_parameter_can_be_bound_and_every_result_described(action):
    for parameter in action.parameters:
        assert parameter.type in PYTHON_TYPES
        assert type(ABSENT[parameter.type]) is PYTHON_TYPES[parameter.type]
    name = action.returns.removeprefix(f"{NAMESPACE}.")
    assert action.returns.startswith(("Edm.", "Collection(Edm.")) or name in {
        "",
        *(one.name for one in ENUMERATIONS),
    }


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.name)
def test_no_spelling_of_a_parameter_means_two_of_them(action):
    spellings = [name.casefold() for one in action.parameters for name in (one.name, *one.also)]
    assert set(Counter(spellings).values()) <= {1}


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.name)
def test_every_action_came_with_an_update_that_the_default_has_and_says_its_evidence(action):
    assert 5 <= action.since <= Settings().platform_update
    assert action.evidence in {"documented", "recorded", "client", "inferred"}
    assert (action.collection, action.entity) == (COLLECTION, ENTITY)


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("ImportFromPackage", "ImportFromPackageAsync"),
        ("ImportFromPackage", "ImportFromDMTPackage"),
        ("ExportToPackage", "ExportToPackageAsync"),
        ("ExportToPackage", "ExportToPackagePreview"),
        ("GetExecutionSummaryStatus", "GetExecutionErrors"),
        ("GetMessageStatus", "GetExecutionIdByMessageId"),
        ("InitializeDataManagement", "InitializeDataManagementAsync"),
    ],
)
def test_a_variant_came_no_earlier_than_what_it_varies(earlier, later):
    assert BY_NAME[earlier].since <= BY_NAME[later].since


@pytest.mark.parametrize("name", [name for name in BY_NAME if name.endswith("Async")])
def test_an_async_variant_takes_at_least_what_its_model_takes(name):
    model = BY_NAME[name.removesuffix("Async")]
    assert BY_NAME[name].parameters[: len(model.parameters)] == model.parameters


@pytest.mark.evidence("documented")
def test_the_states_of_an_execution_are_the_documented_ones_in_order():
    members = [member for member, _number in SUMMARY_STATUS.members]
    assert members == [str(state) for state in ExecutionState]


def test_what_has_actions_and_is_no_set_yet_is_named():
    assert UNBUILT_SETS == (TEMPLATE_COLLECTION,)
