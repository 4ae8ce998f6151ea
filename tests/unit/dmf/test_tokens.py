"""Which executions move version tokens, and to where."""

from __future__ import annotations

import dataclasses
import datetime as dt

import pytest

from d365fo_emulator.dmf.model import EntityRun, EntityStatus, Execution, ExecutionState, Operation
from d365fo_emulator.dmf.tokens import TokenMove, token_moves
from d365fo_emulator.kernel.workspace import ExecutionId
from d365fo_emulator.scenarios.model import ExecutionScript

pytestmark = pytest.mark.evidence("inferred")
NOON = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)
RUN = EntityRun(
    "Groups",
    "CSV",
    "Groups.csv",
    EntityStatus.FINISHED,
    EntityStatus.FINISHED,
    changes_after=3,
    changes_through=7,
)
ENDED = Execution(
    id=ExecutionId("a"),
    operation=Operation.EXPORT,
    group="Project",
    company="USMF",
    script=ExecutionScript(),
    created_at=NOON,
    state=ExecutionState.SUCCEEDED,
    finished_at=NOON,
    package="a.zip",
    entities=(RUN,),
)
MOVE = TokenMove("Project", "Groups", "USMF", 3, 7)


def moves(*runs, **changes):
    return token_moves(dataclasses.replace(ENDED, entities=runs or (RUN,), **changes))


def run(**changes):
    return dataclasses.replace(RUN, **changes)


@pytest.mark.parametrize("state", list(ExecutionState))
def test_only_an_export_that_ended_with_a_package_moves_tokens(state):
    good = {ExecutionState.SUCCEEDED, ExecutionState.PARTIALLY_SUCCEEDED}
    assert moves(state=state) == ([MOVE] if state in good else [])
    assert moves(state=state, finished_at=None) == []


@pytest.mark.parametrize(
    "changes", [{"operation": Operation.IMPORT}, {"package": ""}, {"entities": ()}]
)
def test_imports_and_exports_without_a_package_or_entities_move_none(changes):
    assert token_moves(dataclasses.replace(ENDED, **changes)) == []


@pytest.mark.parametrize("status", list(EntityStatus))
def test_an_entity_moves_its_token_when_it_has_finished(status):
    expected = [MOVE] if status is EntityStatus.FINISHED else []
    assert moves(run(target_status=status)) == expected


def test_an_entity_that_took_no_heed_of_changes_moves_none():
    assert moves(run(changes_after=None), run(entity="Others", changes_after=0)) == [
        TokenMove("Project", "Others", "USMF", 0, 7)
    ]


def test_an_entity_listed_twice_moves_to_the_earlier_change_when_both_have_finished():
    twice = run(entity="GROUPS", changes_through=9)
    assert moves(RUN, twice) == [MOVE]
    assert moves(RUN, dataclasses.replace(twice, target_status=EntityStatus.NOT_RUN)) == []
