"""How an execution walks through its script: a pure state machine, without clock or store.

The caller keeps a :class:`Position` (three plain values) and the instant; everything else follows.

* ``start(timeline, now) -> Position``: the first step. Say so in the history with ``ACCEPTED``.
* ``shown_state(timeline, position) -> StepState``: what a poll sees now.
* ``due(timeline, position, *, natural) -> datetime | None``: when time alone ends the step.
* ``settle(timeline, position, now, work_done, taken_up_after, work_done_at=None) ->
  list[Entered]``: the steps that time (and finished work) has led into, each with the instant at
  which the former step ended. Follow with ``position_after(position, entered)``.
* ``poll(timeline, position, now, work_done, taken_up_after, work_done_at=None) ->
  Polled(shown, position, entered)``: settles, answers, and only then counts the poll, which may
  end the step.
* ``advance(timeline, position, now, work_done) -> list[Entered]``: the next step, by hand.
* ``finish(timeline, position, now, work_done) -> list[Entered]``: the last step, by hand.
* ``work_begins_at_step(timeline) -> int`` and ``wants_work(...) -> bool``: when the real work runs.
* ``held_by_work(...) -> str``: why a step that has ended still lasts.

Rules. The first of ``time`` and ``polls`` to happen ends a step, with ``need_all`` the last of
them; ``manual`` is met by :func:`advance` alone. Without a stay, NotRun ends `taken_up_after` its
entry, Executing when the work is done, any other step after one poll. The last step has no end.
A terminal step is entered only once the real rows are written: until then the step before it
lasts on. A timeline that begins with a terminal step takes the natural way to it.

All functions are total: an empty timeline counts as the natural one, and a step index outside of
the timeline as the nearest step inside.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import NamedTuple

from d365fo_emulator.kernel.durations import format_duration
from d365fo_emulator.scenarios.model import NATURAL, Stay, Step, StepState, Timeline

ACCEPTED = "the job was accepted"
ZERO = dt.timedelta()

TERMINAL = frozenset(
    {
        StepState.SUCCEEDED,
        StepState.PARTIALLY_SUCCEEDED,
        StepState.FAILED,
        StepState.CANCELED,
        StepState.COMPUTED,
    }
)
"""States that speak of written rows; none can be shown before they are."""

_NATURAL_WAY = NATURAL[:2]
_ONE_POLL = Stay(polls=1)
_LASTS_NATURALLY = frozenset({StepState.NOT_RUN, StepState.EXECUTING})


@dataclass(frozen=True)
class Position:
    """Where an execution stands: step index, when it was entered, polls answered in it."""

    step: int
    entered_at: dt.datetime
    polls: int = 0


@dataclass(frozen=True)
class Entered:
    """A step that was entered: the instant at which the former one ended, and what ended it."""

    step: int
    state: StepState
    at: dt.datetime
    because: str


@dataclass(frozen=True)
class NaturalDue:
    """What the natural ends hang on: the wait before the engine begins, and its real work.

    While the work runs (`work_begun` and not `work_done`) nothing that waits for it is due: the
    end of the work settles that, not the clock.
    """

    taken_up_after: dt.timedelta = ZERO
    work_begun: bool = False
    work_done: bool = False


class Polled(NamedTuple):
    """The answer to a poll, and where the execution stands after it."""

    shown: StepState
    position: Position
    entered: list[Entered]


class _End(NamedTuple):
    """`waited`: the polls were answered before, so only the work can have held the step."""

    at: dt.datetime
    because: str
    waited: bool = False


def normalized(timeline: Timeline) -> Timeline:
    """`timeline` as it is walked: never empty, never beginning with a terminal step."""
    if not timeline:
        return NATURAL
    if timeline[0].state in TERMINAL:
        return (*_NATURAL_WAY, *timeline)
    return timeline


def start(timeline: Timeline, now: dt.datetime) -> Position:
    """The position of an execution accepted at `now`."""
    del timeline  # every timeline begins at its first step; asked for, so that calls look alike
    return Position(0, now)


def position_after(position: Position, entered: list[Entered]) -> Position:
    """`position`, moved on to the last of `entered`."""
    return Position(entered[-1].step, entered[-1].at) if entered else position


def shown_state(timeline: Timeline, position: Position) -> StepState:
    """The state that the present step shows."""
    steps = normalized(timeline)
    return steps[_index(steps, position)].state


def is_last(timeline: Timeline, position: Position) -> bool:
    """Whether the present step is the one that lasts for ever."""
    steps = normalized(timeline)
    return _index(steps, position) == len(steps) - 1


def work_begins_at_step(timeline: Timeline) -> int:
    """The first step that is Executing or terminal; the timeline's length when none is."""
    steps = normalized(timeline)
    for index, step in enumerate(steps):
        if step.state is StepState.EXECUTING or step.state in TERMINAL:
            return index
    return len(steps)


def wants_work(
    timeline: Timeline, position: Position, now: dt.datetime, taken_up_after: dt.timedelta
) -> bool:
    """Whether the real work should have begun by `now`.

    That is from Executing on, and also when the present step has ended and the next is terminal.
    """
    if position.step >= work_begins_at_step(timeline):
        return True
    return bool(held_by_work(timeline, position, now, taken_up_after))


def held_by_work(
    timeline: Timeline, position: Position, now: dt.datetime, taken_up_after: dt.timedelta
) -> str:
    """Why, with the work not done, the present step lasts on; empty when it has not ended yet."""
    steps = normalized(timeline)
    index = _index(steps, position)
    if index + 1 >= len(steps) or steps[index + 1].state not in TERMINAL:
        return ""
    end = _end(steps[index], position, taken_up_after)
    natural = steps[index].state is StepState.EXECUTING and steps[index].stay == Stay()
    if not natural and (end is None or end.at > now):
        return ""
    return f"{steps[index + 1].state} waits until the rows are written"


def due(timeline: Timeline, position: Position, *, natural: NaturalDue) -> dt.datetime | None:
    """When time alone ends the present step; None when something else must happen first.

    A step before a terminal one is due even though the work has not begun: to begin it then.
    """
    steps = normalized(timeline)
    index = _index(steps, position)
    if index + 1 >= len(steps):
        return None
    waits = steps[index + 1].state in TERMINAL and not natural.work_done
    if waits and natural.work_begun:
        return None
    done_at = position.entered_at if natural.work_done else None
    end = _end(steps[index], position, natural.taken_up_after, done_at)
    return end.at if end else None


def settle(
    timeline: Timeline,
    position: Position,
    now: dt.datetime,
    work_done: bool,
    taken_up_after: dt.timedelta,
    work_done_at: dt.datetime | None = None,
) -> list[Entered]:
    """The steps entered by `now`, in order; several may pass at once.

    Args:
        timeline: the bound script's.
        position: where the execution stands.
        now: the workspace's present time.
        work_done: whether the real rows are written.
        taken_up_after: how long NotRun lasts naturally.
        work_done_at: when the work ended. Give it when the work has just ended; without it, a step
            that waited for the work ends at `now`, and one that had an end of its own at that.

    """
    return _settle(timeline, position, now, taken_up_after, _Work(work_done, work_done_at))


def poll(
    timeline: Timeline,
    position: Position,
    now: dt.datetime,
    work_done: bool,
    taken_up_after: dt.timedelta,
    work_done_at: dt.datetime | None = None,
) -> Polled:
    """The answer to a state call at `now`: first the state, then the poll counts.

    `entered` holds what was entered before the answer and after it.
    """
    work = _Work(work_done, work_done_at)
    before = _settle(timeline, position, now, taken_up_after, work)
    seen = position_after(position, before)
    shown = shown_state(timeline, seen)
    counted = replace(seen, polls=max(seen.polls, 0) + 1)
    after = _settle(timeline, counted, now, taken_up_after, work, polled_at=now)
    return Polled(shown, position_after(counted, after), before + after)


def advance(
    timeline: Timeline, position: Position, now: dt.datetime, work_done: bool
) -> list[Entered]:
    """The next step, entered by hand; empty at the last, or when the next waits for the work.

    Let the work run first when :func:`next_needs_work` says so.
    """
    steps = normalized(timeline)
    index = _index(steps, position) + 1
    if index >= len(steps) or (steps[index].state in TERMINAL and not work_done):
        return []
    return [Entered(index, steps[index].state, max(now, position.entered_at), "advanced by hand")]


def finish(
    timeline: Timeline, position: Position, now: dt.datetime, work_done: bool
) -> list[Entered]:
    """The last step, entered by hand; empty when there already, or when it waits for the work."""
    steps = normalized(timeline)
    last = len(steps) - 1
    if _index(steps, position) == last or (steps[last].state in TERMINAL and not work_done):
        return []
    return [Entered(last, steps[last].state, max(now, position.entered_at), "finished by hand")]


def next_needs_work(timeline: Timeline, position: Position) -> bool:
    """Whether the step after the present one can be entered only with the real work done."""
    steps = normalized(timeline)
    index = _index(steps, position) + 1
    return index < len(steps) and steps[index].state in TERMINAL


class _Work(NamedTuple):
    done: bool
    done_at: dt.datetime | None


def _index(steps: Timeline, position: Position) -> int:
    return min(max(position.step, 0), len(steps) - 1)


def _settle(
    timeline: Timeline,
    position: Position,
    now: dt.datetime,
    taken_up_after: dt.timedelta,
    work: _Work,
    polled_at: dt.datetime | None = None,
) -> list[Entered]:
    steps = normalized(timeline)
    entered: list[Entered] = []
    index = _index(steps, position)
    done_at = (work.done_at or now) if work.done else None
    while index + 1 < len(steps):
        following = steps[index + 1].state
        if following in TERMINAL and not work.done:
            break
        end = _end(steps[index], position, taken_up_after, done_at, polled_at)
        if end is None or end.at > now:
            break
        at = end.at
        if end.waited:
            at = max(at, done_at or now)
        elif following in TERMINAL and work.done_at is not None:
            at = max(at, work.done_at)
        index += 1
        entered.append(Entered(index, following, at, end.because))
        position, polled_at = Position(index, at), None
        if work.done:
            done_at = work.done_at or at  # done before this step, as far as the caller tells
    return entered


def _end(
    step: Step,
    position: Position,
    taken_up_after: dt.timedelta,
    work_done_at: dt.datetime | None = None,
    polled_at: dt.datetime | None = None,
) -> _End | None:
    """When the conditions of `step` were met, or will be by time alone; None: not by time."""
    stay = step.stay
    if stay == Stay() and step.state in _LASTS_NATURALLY:
        return _natural_end(step.state, position, taken_up_after, work_done_at)
    if stay.time is None and stay.polls is None and not stay.manual:
        stay = _ONE_POLL
    timed = _end_by_time(stay, position)
    polled = _end_by_polls(stay, position, polled_at)
    if not stay.need_all:
        return min((end for end in (timed, polled) if end), default=None)
    if stay.manual or (stay.polls is not None and polled is None):
        return None
    if timed is None or polled is None or polled.waited:
        return timed or polled  # the polls came first, else the last of them would have ended it
    return max(timed, polled)


def _natural_end(
    state: StepState,
    position: Position,
    taken_up_after: dt.timedelta,
    work_done_at: dt.datetime | None,
) -> _End | None:
    if state is StepState.NOT_RUN:
        return _End(position.entered_at + max(taken_up_after, ZERO), "the engine took it up")
    if work_done_at is None:
        return None
    return _End(max(position.entered_at, work_done_at), "its work is done")


def _end_by_time(stay: Stay, position: Position) -> _End | None:
    if stay.time is None:
        return None
    at = position.entered_at + max(stay.time, ZERO)
    return _End(at, f"{format_duration(stay.time)} passed")


def _end_by_polls(stay: Stay, position: Position, polled_at: dt.datetime | None) -> _End | None:
    if stay.polls is None or position.polls < stay.polls:
        return None
    because = "polled once" if position.polls == 1 else f"polled {position.polls} times"
    if polled_at is None:
        return _End(position.entered_at, because, waited=stay.polls > 0)
    return _End(max(polled_at, position.entered_at), because)
