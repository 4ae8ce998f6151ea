"""Clocks: what moves them, what runs as they move."""

from __future__ import annotations

import datetime as dt

import pytest

from d365fo_emulator.kernel.clock import Clock, ClockMode, Ran
from d365fo_emulator.kernel.errors import ClockRefused

START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
SECOND = dt.timedelta(seconds=1)


class Steps:
    """Work that falls due at given seconds, and remembers when it was run."""

    def __init__(self, *seconds):
        self.waiting = [START + second * SECOND for second in seconds]
        self.ran_at = []
        self.resumed = 0

    def next_due(self):
        return min(self.waiting, default=None)

    def run_due(self, now):
        due = [at for at in self.waiting if at <= now]
        self.waiting = [at for at in self.waiting if at > now]
        self.ran_at += [now] * len(due)
        return [Ran(at, "a step") for at in due]

    def time_passes(self):
        self.resumed += 1


def clock_with(mode, *seconds):
    clock, steps = Clock(mode, START), Steps(*seconds)
    clock.register(steps)
    return clock, steps


@pytest.mark.evidence("inferred")
def test_advance_runs_each_step_at_its_own_time_and_no_later_one():
    clock, steps = clock_with(ClockMode.VIRTUAL, 5, 2, 20)
    ran = clock.advance(10 * SECOND)
    assert [one.at for one in ran] == steps.ran_at == [START + 2 * SECOND, START + 5 * SECOND]
    assert clock.now == START + 10 * SECOND


@pytest.mark.evidence("inferred")
def test_advance_makes_an_auto_clock_virtual_and_skipping_does_not():
    clock, _steps = clock_with(ClockMode.AUTO)
    clock.skip_to(START + SECOND)
    assert clock.mode is ClockMode.AUTO
    clock.advance(SECOND)
    assert (clock.mode, clock.now) == (ClockMode.VIRTUAL, START + 2 * SECOND)


@pytest.mark.evidence("inferred")
def test_only_an_auto_clock_is_skipped():
    clock, steps = clock_with(ClockMode.VIRTUAL, 1)
    assert clock.skip_to(START + SECOND) == []
    assert (clock.now, steps.ran_at) == (START, [])


@pytest.mark.evidence("inferred")
def test_no_clock_goes_backwards():
    clock, _steps = clock_with(ClockMode.AUTO)
    with pytest.raises(ClockRefused):
        clock.advance(-SECOND)
    clock.skip_to(START - SECOND)
    assert clock.now == START


@pytest.mark.evidence("inferred")
def test_resuming_goes_on_from_where_time_stands_and_tells_the_agenda():
    machine = [START]
    clock, steps = Clock(ClockMode.VIRTUAL, START, source=lambda: machine[0]), Steps()
    clock.register(steps)
    clock.advance(3600 * SECOND)
    clock.resume()
    machine[0] += SECOND
    assert (clock.now, steps.resumed) == (START + 3601 * SECOND, 1)
    clock.freeze()
    machine[0] += SECOND
    assert clock.now == START + 3601 * SECOND


@pytest.mark.evidence("inferred")
def test_work_already_due_is_run_even_by_an_advance_of_nothing():
    clock, steps = clock_with(ClockMode.VIRTUAL, 0)
    clock.advance(dt.timedelta())
    assert steps.ran_at == [START]
