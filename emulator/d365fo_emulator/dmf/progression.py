"""How an execution changes as its timeline goes on; pure rules over `scenarios.timeline`."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from d365fo_emulator.dmf.model import (
    EntityRun,
    EntityStatus,
    ExecutionState,
    Operation,
    TimelineEntry,
    WorkStatus,
    in_order,
)
from d365fo_emulator.scenarios import timeline
from d365fo_emulator.scenarios.model import Stay, Step, StepState
from d365fo_emulator.scenarios.timeline import Entered, NaturalDue, Position

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

    from d365fo_emulator.dmf.model import Execution


def begun(execution: Execution) -> Execution:
    """A new execution at the first step of its script."""
    position = Position(0, execution.created_at)
    shown = timeline.shown_state(execution.script.timeline, position)
    entry = TimelineEntry(shown, execution.created_at, timeline.ACCEPTED)
    return _showing(
        dataclasses.replace(
            execution,
            step=0,
            step_entered_at=execution.created_at,
            timeline=(entry,),
            entities=tuple(
                EntityRun.planned(plan, position)
                for position, plan in enumerate(in_order(execution.plan))
            ),
        )
    )


def is_blocked(execution: Execution, live: Iterable[Execution]) -> bool:
    """Whether an execution that runs, or hangs, keeps an export of its project from beginning.

    Recorded of exports. One that is NotRun blocks nothing, nor does one of the same id.
    """
    if execution.operation is not Operation.EXPORT:
        return False
    folded = execution.group.casefold()
    return any(
        one.state is ExecutionState.EXECUTING and one.group.casefold() == folded
        for one in live
        if one.id.casefold() != execution.id.casefold()
    )


def settled(
    execution: Execution,
    now: dt.datetime,
    taken_up_after: dt.timedelta,
) -> tuple[Execution, list[Entered]]:
    """The execution with every step entered that is due by `now`, and those steps."""
    entered = timeline.settle(
        execution.script.timeline,
        _position(execution),
        now,
        execution.work is WorkStatus.DONE,
        taken_up_after,
        execution.work_done_at,
    )
    return moved(execution, entered), entered


def polled(
    execution: Execution, now: dt.datetime, taken_up_after: dt.timedelta
) -> tuple[Execution, Execution, bool]:
    """What a status call sees, what the execution is after it, and whether a step was entered."""
    counted = dataclasses.replace(execution, polls=execution.polls + 1)
    if counted.finished_at is not None:
        return counted, counted, True
    shown, before = settled(counted, now, taken_up_after)
    if shown.finished_at is not None:
        return shown, shown, True
    answer = timeline.poll(
        shown.script.timeline,
        _position(shown),
        now,
        shown.work is WorkStatus.DONE,
        taken_up_after,
        shown.work_done_at,
    )
    after = dataclasses.replace(moved(shown, answer.entered), step_polls=answer.position.polls)
    return shown, after, bool(before or answer.entered)


def advanced(execution: Execution, now: dt.datetime) -> Execution:
    """The execution one step on, by hand."""
    done = execution.work is WorkStatus.DONE
    steps = execution.script.timeline
    return moved(execution, timeline.advance(steps, _position(execution), now, done))


def finished(execution: Execution, now: dt.datetime) -> Execution:
    """The execution at its last step, by hand."""
    done = execution.work is WorkStatus.DONE
    steps = execution.script.timeline
    return moved(execution, timeline.finish(steps, _position(execution), now, done))


def ended(execution: Execution, state: ExecutionState, now: dt.datetime, because: str) -> Execution:
    """The execution ended in `state`, whatever its script had in mind."""
    steps = (*timeline.normalized(execution.script.timeline), Step(StepState(state)))
    script = dataclasses.replace(execution.script, timeline=steps)
    work = execution.work
    stopped = dataclasses.replace(
        execution,
        script=script,
        reason=because,
        work=work if work is WorkStatus.RUNNING else WorkStatus.DONE,
        computed=state,
        entities=execution.entities if work is WorkStatus.RUNNING else cut_off(execution.entities),
    )
    return moved(stopped, [Entered(len(steps) - 1, StepState(state), now, because)])


def stuck(execution: Execution, entities: tuple[EntityRun, ...], because: str) -> Execution:
    """The execution with all done for it that can be, which is not all: it stays Executing."""
    return dataclasses.replace(execution, work=WorkStatus.STUCK, entities=entities, reason=because)


def cut_off(entities: Iterable[EntityRun]) -> tuple[EntityRun, ...]:
    """Entities whose execution has ended: none of them is Executing any more."""
    return tuple(
        _with_statuses(run, EntityStatus.EXECUTING, EntityStatus.ABORTED) for run in entities
    )


def why_no_rerun(execution: Execution) -> str:
    """Why the target step of an ended execution cannot be run again; empty when it can."""
    if execution.operation is not Operation.IMPORT:
        return "it is an export"
    if not any(run.staging_status is EntityStatus.FINISHED for run in execution.entities):
        return "none of its entities has rows in staging"
    return ""


def rerun(execution: Execution, now: dt.datetime) -> Execution:
    """An ended import at the beginning of one more target step, whatever its script had in mind.

    Its state will be the computed one. That the step runs is what is asked for, so it does also
    where `execute` was false.
    """
    steps = (
        *timeline.normalized(execution.script.timeline),
        Step(StepState.EXECUTING),
        Step(StepState.COMPUTED),
    )
    again = dataclasses.replace(
        execution,
        script=dataclasses.replace(execution.script, timeline=steps),
        options=dataclasses.replace(execution.options, execute=True),
        reruns=execution.reruns + 1,
        work=WorkStatus.WAITING,
        computed=None,
        work_done_at=None,
        reason="",
    )
    because = "its target step was re-run by hand"
    return moved(again, [Entered(len(steps) - 2, StepState.EXECUTING, now, because)])


def moved(execution: Execution, entered: list[Entered]) -> Execution:
    """The execution with these steps entered, one after the other."""
    if not entered:
        return execution
    entries = tuple(_entry(execution, one) for one in entered)
    return _showing(
        dataclasses.replace(
            execution,
            step=entered[-1].step,
            step_entered_at=entered[-1].at,
            step_polls=0,
            timeline=(*execution.timeline, *entries),
        )
    )


def _entry(execution: Execution, entered: Entered) -> TimelineEntry:
    """The history tells states of the service: a computed one as what it led to."""
    state: str = entered.state
    if entered.state is StepState.COMPUTED:
        state = execution.computed or state
    return TimelineEntry(state, entered.at, entered.because)


def wants_work(execution: Execution, now: dt.datetime, taken_up_after: dt.timedelta) -> bool:
    """Whether the real work should run now and nobody is at it."""
    return execution.work is WorkStatus.WAITING and timeline.wants_work(
        execution.script.timeline, _position(execution), now, taken_up_after
    )


def works_naturally(execution: Execution) -> bool:
    """Whether the present step lasts for as long as the work takes."""
    steps = timeline.normalized(execution.script.timeline)
    step = steps[min(execution.step, len(steps) - 1)]
    return step.state is StepState.EXECUTING and step.stay == Stay()


def next_needs_work(execution: Execution) -> bool:
    """Whether the next step can be entered only with the real work done."""
    return timeline.next_needs_work(execution.script.timeline, _position(execution))


def due(execution: Execution, now: dt.datetime, taken_up_after: dt.timedelta) -> dt.datetime | None:
    """When the next step, or the work, falls due by time alone."""
    if wants_work(execution, now, taken_up_after):
        return execution.step_entered_at
    lasts_until = execution.work_done_at
    natural = NaturalDue(
        taken_up_after,
        work_begun=execution.work is not WorkStatus.WAITING,
        work_done=execution.work is WorkStatus.DONE,
    )
    step_due = timeline.due(execution.script.timeline, _position(execution), natural=natural)
    if step_due is None or lasts_until is None:
        return step_due
    return max(step_due, lasts_until)


def with_run(execution: Execution, run: EntityRun) -> Execution:
    """The execution with this news of one of its entities, in that one's place."""
    entities = list(execution.entities)
    entities[run.position] = run
    return dataclasses.replace(execution, entities=tuple(entities))


def broken_off(execution: Execution, now: dt.datetime, because: str) -> Execution:
    """The execution Failed, whatever its script says: the emulator could not do its work."""
    entities = tuple(
        _with_statuses(run, EntityStatus.EXECUTING, EntityStatus.ERROR)
        for run in execution.entities
    )
    stopped = dataclasses.replace(execution, work=WorkStatus.DONE, entities=entities)
    return ended(stopped, ExecutionState.FAILED, now, because)


def _with_statuses(run: EntityRun, old: EntityStatus, new: EntityStatus) -> EntityRun:
    """The run with a status replaced in both of its steps."""
    staging, target = (
        new if status is old else status for status in (run.staging_status, run.target_status)
    )
    return dataclasses.replace(run, staging_status=staging, target_status=target)


def _position(execution: Execution) -> Position:
    entered_at = execution.step_entered_at or execution.created_at
    return Position(execution.step, entered_at, execution.step_polls)


def _showing(execution: Execution) -> Execution:
    """`execution` with the state, and the end, that its present step means."""
    steps, position = execution.script.timeline, _position(execution)
    shown = timeline.shown_state(steps, position)
    state = ExecutionState.NOT_RUN
    if shown is StepState.COMPUTED:
        state = execution.computed or ExecutionState.EXECUTING
    elif shown is not StepState.NOT_FOUND:
        state = ExecutionState(shown)
    at_end = timeline.is_last(steps, position) and (
        shown in timeline.TERMINAL or shown is StepState.UNKNOWN
    )
    return dataclasses.replace(
        execution,
        state=state,
        found=shown is not StepState.NOT_FOUND,
        finished_at=position.entered_at if at_end else None,
    )
