"""How an execution changes as its timeline goes on."""

from __future__ import annotations

import dataclasses
import datetime as dt

import pytest

from d365fo_emulator.dmf import progression
from d365fo_emulator.dmf.model import (
    EntityRun,
    EntityStatus,
    Execution,
    ExecutionState,
    Operation,
    WorkStatus,
)
from d365fo_emulator.kernel.workspace import ExecutionId
from d365fo_emulator.packages.model import PackageEntity
from d365fo_emulator.scenarios.model import NATURAL, ExecutionScript, Stay, Step, StepState

pytestmark = pytest.mark.evidence("inferred")

START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
SECOND = dt.timedelta(seconds=1)
MANUAL = Stay(manual=True)
S = StepState
PLAN = (
    PackageEntity("Second", "second.csv", "CSV", (), sequence=2),
    PackageEntity("First", "first.csv", "CSV", (), sequence=1),
    PackageEntity("Off", "off.csv", "CSV", (), disabled=True),
)


def at(seconds):
    return START + seconds * SECOND


def accepted(*steps, plan=()):
    return progression.begun(
        Execution(
            id=ExecutionId("x"),
            operation=Operation.IMPORT,
            group="Groups",
            company="USMF",
            script=ExecutionScript(timeline=steps or NATURAL),
            created_at=START,
            state=ExecutionState.NOT_RUN,
            plan=plan,
        )
    )


def worked(execution, computed=ExecutionState.SUCCEEDED, done_at=None):
    return dataclasses.replace(
        execution,
        work=WorkStatus.DONE,
        computed=computed,
        work_done_at=None if done_at is None else at(done_at),
    )


def history(execution):
    return [(entry.state, (entry.at - START).total_seconds()) for entry in execution.timeline]


def settled(execution, seconds):
    return progression.settled(execution, at(seconds), SECOND)[0]


def seen(execution, *polls):
    """What polls at these seconds see, and the execution after the last."""
    states = []
    for second in polls:
        shown, execution, _moved = progression.polled(execution, at(second), SECOND)
        states.append(shown.shown_state)
    return states, execution


def timed(state, seconds):
    return Step(state, Stay(time=seconds * SECOND))


def polled_out(state, polls):
    return Step(state, Stay(polls=polls))


def test_a_new_execution_shows_its_first_step_and_the_plan_in_running_order():
    execution = accepted(plan=PLAN)
    assert (execution.shown_state, execution.finished_at) == ("NotRun", None)
    assert history(execution) == [("NotRun", 0)]
    assert [(run.entity, run.position) for run in execution.entities] == [
        ("First", 0),
        ("Second", 1),
    ]


def test_the_natural_way_waits_for_the_engine_and_then_for_the_work():
    execution = settled(accepted(), 100)
    assert execution.shown_state == "Executing"
    assert progression.wants_work(execution, at(100), SECOND)
    assert progression.works_naturally(execution)
    done = settled(worked(execution, done_at=105), 105)
    assert (done.state, done.finished_at) == (ExecutionState.SUCCEEDED, at(105))
    assert history(done) == [("NotRun", 0), ("Executing", 1), ("Succeeded", 105)]


def test_work_that_ends_later_by_the_clock_shows_its_end_only_then():
    execution = worked(settled(accepted(), 1), done_at=5)
    assert progression.due(execution, at(1), SECOND) == at(5)
    assert settled(execution, 4).shown_state == "Executing"
    assert settled(execution, 5).shown_state == "Succeeded"


def test_a_step_of_its_own_length_does_not_end_before_the_work():
    execution = settled(accepted(timed(S.EXECUTING, 3), Step(S.COMPUTED)), 0)
    assert not progression.works_naturally(execution)
    assert settled(execution, 50).shown_state == "Executing"
    assert progression.due(worked(execution, done_at=10), at(0), SECOND) == at(10)
    assert settled(worked(execution, done_at=10), 50).finished_at == at(10)


@pytest.mark.parametrize("computed", ["Succeeded", "PartiallySucceeded", "Failed", "Canceled"])
def test_a_computed_end_is_told_as_the_state_that_the_work_led_to(computed):
    execution = settled(worked(settled(accepted(), 1), ExecutionState(computed), 2), 2)
    assert execution.state == computed
    assert execution.timeline[-1].state == computed


@pytest.mark.parametrize("state", ["Succeeded", "PartiallySucceeded", "Failed", "Canceled"])
def test_a_scripted_end_stands_whatever_the_work_led_to(state):
    execution = accepted(Step(S.EXECUTING), Step(S(state)))
    execution = settled(worked(execution, ExecutionState.SUCCEEDED, 1), 1)
    assert (execution.state, execution.finished_at) == (state, at(1))


def test_an_execution_that_is_not_found_yet_shows_so_and_is_not_run_inside():
    execution = accepted(polled_out(S.NOT_FOUND, 2), *NATURAL)
    assert (execution.found, execution.state) == (False, ExecutionState.NOT_RUN)
    states, after = seen(execution, 0, 0, 0)
    assert states == ["NotFound", "NotFound", "NotRun"]
    assert (after.found, after.polls) == (True, 3)


def test_polls_are_counted_for_ever_and_per_step():
    execution = accepted(polled_out(S.NOT_RUN, 2), polled_out(S.EXECUTING, 2), Step(S.COMPUTED))
    states, after = seen(execution, 0, 0, 0)
    assert states == ["NotRun", "NotRun", "Executing"]
    assert (after.step, after.step_polls, after.polls) == (1, 1, 3)
    states, after = seen(worked(after), 0, 0, 0)
    assert states == ["Executing", "Succeeded", "Succeeded"]
    assert (after.polls, after.finished_at) == (6, START)


def test_a_poll_sees_what_was_before_it_and_says_whether_it_led_on():
    execution = accepted(polled_out(S.NOT_RUN, 2), Step(S.EXECUTING), Step(S.COMPUTED))
    shown, execution, moved = progression.polled(execution, START, SECOND)
    assert (shown.shown_state, moved) == ("NotRun", False)
    shown, execution, moved = progression.polled(execution, START, SECOND)
    assert (shown.shown_state, execution.shown_state, moved) == ("NotRun", "Executing", True)


def test_an_unknown_state_at_the_end_is_an_end_and_elsewhere_is_not():
    between = accepted(polled_out(S.UNKNOWN, 1), Step(S.EXECUTING), Step(S.COMPUTED))
    assert (between.state, between.finished_at) == (ExecutionState.UNKNOWN, None)
    last = settled(accepted(timed(S.NOT_RUN, 1), Step(S.UNKNOWN)), 9)
    assert (last.state, last.finished_at) == (ExecutionState.UNKNOWN, at(1))


def test_an_execution_held_for_ever_in_its_last_step_is_not_at_its_end():
    execution = settled(accepted(timed(S.NOT_RUN, 1), Step(S.EXECUTING)), 500)
    assert (execution.shown_state, execution.finished_at) == ("Executing", None)
    done = settled(worked(execution, done_at=600), 1000)
    assert (done.shown_state, done.finished_at) == ("Executing", None)
    assert progression.due(done, at(1000), SECOND) is None


def test_a_timeline_that_begins_with_an_end_takes_the_natural_way_to_it():
    execution = accepted(Step(S.FAILED))
    assert execution.shown_state == "NotRun"
    done = settled(worked(settled(execution, 1), done_at=2), 2)
    assert [state for state, _second in history(done)] == ["NotRun", "Executing", "Failed"]


def test_time_is_due_step_by_step():
    execution = accepted(timed(S.NOT_RUN, 10), timed(S.EXECUTING, 20), Step(S.COMPUTED))
    assert progression.due(execution, START, SECOND) == at(10)
    execution = settled(execution, 10)
    assert progression.due(execution, at(10), SECOND) == at(10)  # the work
    running = dataclasses.replace(execution, work=WorkStatus.RUNNING)
    assert progression.due(running, at(10), SECOND) is None
    assert progression.due(worked(execution), at(10), SECOND) == at(30)


# By hand


def test_advance_enters_one_step_and_finish_the_last():
    steps = [
        Step(S.NOT_FOUND, MANUAL),
        Step(S.NOT_RUN, MANUAL),
        Step(S.EXECUTING, MANUAL),
        Step(S.FAILED),
    ]
    execution = accepted(*steps)
    assert progression.advanced(execution, at(5)).shown_state == "NotRun"
    done = progression.finished(worked(execution), at(7))
    assert (done.state, done.finished_at) == (ExecutionState.FAILED, at(7))
    assert history(done) == [("NotFound", 0), ("Failed", 7)]
    assert done.timeline[-1].because == "finished by hand"


def test_an_end_is_not_entered_by_hand_before_the_work():
    execution = accepted(Step(S.EXECUTING, MANUAL), Step(S.COMPUTED))
    assert progression.next_needs_work(execution)
    assert progression.advanced(execution, at(1)) == execution
    assert progression.finished(execution, at(1)) == execution
    entered = progression.advanced(worked(execution, ExecutionState.FAILED), at(1))
    assert (entered.state, entered.timeline[-1].state) == (ExecutionState.FAILED, "Failed")


@pytest.mark.parametrize("work", list(WorkStatus))
@pytest.mark.parametrize("state", [ExecutionState.FAILED, ExecutionState.CANCELED])
def test_ending_at_once_overrides_the_script(work, state):
    execution = dataclasses.replace(accepted(), work=work)
    ended = progression.ended(execution, state, at(3), "by hand")
    assert (ended.state, ended.finished_at, ended.reason) == (state, at(3), "by hand")
    assert history(ended) == [("NotRun", 0), (state, 3)]
    expected = work if work is WorkStatus.RUNNING else WorkStatus.DONE
    assert ended.work is expected
    assert not progression.wants_work(ended, at(100), SECOND)
    assert settled(ended, 100) == ended
    assert progression.due(ended, at(100), SECOND) is None
    assert seen(ended, 100)[0] == [state]


def test_ending_one_that_was_not_found_makes_it_found():
    execution = accepted(Step(S.NOT_FOUND, MANUAL), *NATURAL)
    assert progression.ended(execution, ExecutionState.FAILED, at(1), "by hand").found


# Entities


def test_news_of_an_entity_goes_to_its_place_though_two_have_one_label():
    twice = (PLAN[1], dataclasses.replace(PLAN[1], file_name="again.csv"))
    execution = accepted(plan=twice)
    news = dataclasses.replace(execution.entities[1], source_records=7)
    after = progression.with_run(execution, news)
    assert after.entities == (execution.entities[0], news)


def test_breaking_off_leaves_nothing_executing():
    execution = accepted(plan=PLAN)
    first = dataclasses.replace(
        execution.entities[0],
        staging_status=EntityStatus.FINISHED,
        target_status=EntityStatus.EXECUTING,
    )
    execution = progression.with_run(execution, first)
    broken = progression.broken_off(execution, at(2), "the disk is gone")
    statuses = [(run.staging_status, run.target_status) for run in broken.entities]
    assert statuses == [
        (EntityStatus.FINISHED, EntityStatus.ERROR),
        (EntityStatus.NOT_RUN, EntityStatus.NOT_RUN),
    ]
    assert (broken.state, broken.work) == (ExecutionState.FAILED, WorkStatus.DONE)
    assert broken.reason == "the disk is gone"


def test_a_planned_entity_has_done_nothing():
    run = EntityRun.planned(PLAN[0], 3)
    assert run == EntityRun("Second", "CSV", "second.csv", position=3)
