import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from d365fo_emulator.scenarios import timeline as t
from d365fo_emulator.scenarios.model import NATURAL, Stay, Step, StepState

START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
SECOND = dt.timedelta(seconds=1)
S = StepState


def at(seconds):
    return START + seconds * SECOND


def step(state, time=None, polls=None, manual=False, need_all=False):
    return Step(S(state), Stay(None if time is None else time * SECOND, polls, manual, need_all))


def states(entered):
    return [(str(e.state), (e.at - START).total_seconds()) for e in entered]


PARTIAL = (
    step("NotFound", polls=1),
    step("NotRun", time=2, polls=1),
    step("Executing", polls=3),
    step("PartiallySucceeded"),
)


class Walk:
    """An execution whose caller follows every answer."""

    def __init__(self, timeline, *, work_done=True, taken_up_after=SECOND):
        self.timeline, self.work_done, self.taken_up_after = timeline, work_done, taken_up_after
        self.position = t.start(timeline, START)
        self.entered = []

    def settle(self, seconds, work_done_at=None):
        found = t.settle(
            self.timeline, self.position, at(seconds), self.work_done, self.taken_up_after,
            None if work_done_at is None else at(work_done_at),
        )  # fmt: skip
        self.position = t.position_after(self.position, found)
        self.entered += found
        return states(found)

    def poll(self, seconds):
        shown, self.position, found = t.poll(
            self.timeline, self.position, at(seconds), self.work_done, self.taken_up_after
        )
        self.entered += found
        return str(shown)


@pytest.mark.evidence("documented")
def test_the_partial_import_takes_six_polls():
    walk = Walk(PARTIAL)
    shown = [walk.poll(0) for _ in range(6)]
    assert shown == ["NotFound", "NotRun", *["Executing"] * 3, "PartiallySucceeded"]
    assert walk.poll(9999) == "PartiallySucceeded"
    assert [e.because for e in walk.entered] == ["polled once", "polled once", "polled 3 times"]


@pytest.mark.evidence("documented")
def test_the_first_of_time_and_polls_ends_a_step():
    walk = Walk(PARTIAL)
    walk.poll(0)
    assert walk.settle(1) == []
    assert walk.settle(10) == [("Executing", 2.0)]
    assert walk.entered[-1].because == "2s passed"


@pytest.mark.evidence("documented")
@pytest.mark.parametrize(
    ("polls_at", "settled_at", "entry"),
    [((0, 0), 9, 3.0), ((0, 7), 9, 7.0), ((0,), 9, None), ((0, 0), 2, None)],
)
def test_with_need_all_the_last_of_time_and_polls_ends_a_step(polls_at, settled_at, entry):
    walk = Walk((step("NotRun", time=3, polls=2, need_all=True), step("Executing", manual=True)))
    for seconds in polls_at:
        assert walk.poll(seconds) == "NotRun"
    walk.settle(settled_at)
    assert states(walk.entered) == ([] if entry is None else [("Executing", entry)])


@pytest.mark.evidence("documented")
def test_several_steps_pass_at_once_each_at_its_own_time():
    walk = Walk((step("NotRun", time=5), step("Executing", time=7), step("Computed")))
    assert walk.settle(60) == [("Executing", 5.0), ("Computed", 12.0)]


@pytest.mark.evidence("inferred")
def test_a_step_of_no_length_passes_in_the_same_instant():
    walk = Walk((step("NotRun", time=0), step("Executing", time=0), step("Succeeded")))
    assert walk.poll(0) == "Succeeded"
    assert states(walk.entered) == [("Executing", 0.0), ("Succeeded", 0.0)]


@pytest.mark.evidence("documented")
def test_the_natural_way_follows_the_engine():
    walk = Walk(NATURAL, work_done=False)
    assert walk.settle(0.5) == []
    assert walk.settle(4) == [("Executing", 1.0)]
    assert walk.settle(30) == []
    walk.work_done = True
    assert walk.settle(50, work_done_at=40) == [("Computed", 40.0)]
    assert walk.entered[-1].because == "its work is done"


@pytest.mark.evidence("documented")
@pytest.mark.parametrize("stuck", ["NotRun", "Executing"])
def test_a_stuck_step_ends_by_hand_alone(stuck):
    walk = Walk((step(stuck, manual=True), step("Unknown", manual=True), step("Computed")))
    assert [walk.poll(n * 1000) for n in range(50)] == [stuck] * 50
    assert t.due(walk.timeline, walk.position, natural=t.NaturalDue()) is None
    [entered] = t.advance(walk.timeline, walk.position, at(60_000), work_done=False)
    assert (entered.step, entered.because) == (1, "advanced by hand")


@pytest.mark.evidence("inferred")
def test_a_step_without_a_stay_ends_after_one_poll_and_the_last_never():
    walk = Walk((step("NotFound"), step("Unknown")))
    assert [walk.poll(0) for _ in range(4)] == ["NotFound", "Unknown", "Unknown", "Unknown"]


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize(
    "last", ["Succeeded", "PartiallySucceeded", "Failed", "Canceled", "Computed"]
)
def test_a_terminal_step_waits_for_the_written_rows(last):
    walk = Walk((step("NotRun", polls=1), step("Executing", polls=1), step(last)), work_done=False)
    assert [walk.poll(n) for n in range(4)] == ["NotRun", "Executing", "Executing", "Executing"]
    assert "until the rows are written" in t.held_by_work(
        walk.timeline, walk.position, at(4), SECOND
    )
    assert t.advance(walk.timeline, walk.position, at(4), work_done=False) == []
    assert t.finish(walk.timeline, walk.position, at(4), work_done=False) == []
    walk.work_done = True
    assert walk.settle(9, work_done_at=6) == [(last, 6.0)]


@pytest.mark.evidence("inferred")
def test_a_step_ended_by_time_is_left_when_the_late_work_is_done():
    walk = Walk((step("Executing", time=5), step("Computed")), work_done=False)
    assert walk.settle(10) == []
    walk.work_done = True
    assert walk.settle(20, work_done_at=20) == [("Computed", 20.0)]


@pytest.mark.evidence("inferred")
def test_a_timeline_of_one_terminal_step_takes_the_natural_way_to_it():
    walk = Walk((step("Failed"),), work_done=False)
    assert walk.poll(0) == "NotRun"
    assert walk.settle(2) == [("Executing", 1.0)]
    walk.work_done = True
    assert walk.settle(3) == [("Failed", 3.0)]


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize(
    ("timeline", "begins"),
    [
        (NATURAL, 1),
        (PARTIAL, 2),
        ((step("NotFound", polls=1), step("Succeeded")), 1),
        ((step("Executing"), step("Failed")), 0),
        ((step("Failed"),), 1),
        ((step("NotRun"),), 1),
        ((), 1),
    ],
)
def test_work_begins_with_the_first_step_that_speaks_of_it(timeline, begins):
    assert t.work_begins_at_step(timeline) == begins


@pytest.mark.evidence("inferred")
def test_work_is_wanted_when_the_step_before_a_terminal_one_has_ended():
    timeline = (step("NotRun", time=5), step("Succeeded"))
    position = t.start(timeline, START)
    assert not t.wants_work(timeline, position, at(4), SECOND)
    assert t.wants_work(timeline, position, at(5), SECOND)


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize(
    ("first", "natural", "seconds"),
    [
        (step("NotRun"), t.NaturalDue(taken_up_after=3 * SECOND), 3),
        (step("NotRun", time=2, polls=1), t.NaturalDue(), 2),
        (step("NotRun", time=2, polls=1, need_all=True), t.NaturalDue(), None),
        (step("NotRun", time=2, manual=True), t.NaturalDue(), 2),
        (step("NotRun", time=2, manual=True, need_all=True), t.NaturalDue(), None),
        (step("NotRun", polls=1), t.NaturalDue(), None),
        (step("Executing"), t.NaturalDue(work_begun=True), None),
        (step("Executing"), t.NaturalDue(work_begun=True, work_done=True), 0),
        (step("Executing", time=4), t.NaturalDue(), 4),
        (step("Executing", time=4), t.NaturalDue(work_begun=True), None),
        (step("Executing", time=4), t.NaturalDue(work_begun=True, work_done=True), 4),
    ],
)
def test_due_is_the_instant_at_which_time_alone_ends_the_step(first, natural, seconds):
    timeline = (first, step("Computed"))
    due = t.due(timeline, t.start(timeline, START), natural=natural)
    assert due == (None if seconds is None else at(seconds))


@pytest.mark.evidence("inferred")
def test_the_last_step_is_never_due_and_cannot_be_advanced():
    position = t.Position(2, START)
    assert t.is_last(NATURAL, position)
    assert t.due(NATURAL, position, natural=t.NaturalDue()) is None
    assert t.advance(NATURAL, position, at(1), work_done=True) == []
    assert t.finish(NATURAL, position, at(1), work_done=True) == []


@pytest.mark.evidence("inferred")
def test_finish_enters_the_last_step():
    [entered] = t.finish(PARTIAL, t.start(PARTIAL, START), at(3), work_done=True)
    assert (entered.step, entered.state, entered.at) == (3, S.PARTIALLY_SUCCEEDED, at(3))


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize("index", [-5, 99])
def test_an_index_outside_of_the_timeline_is_the_nearest_step(index):
    position = t.Position(index, START, -1)
    assert t.shown_state(PARTIAL, position) in {S.NOT_FOUND, S.PARTIALLY_SUCCEEDED}
    t.poll(PARTIAL, position, at(-10), work_done=True, taken_up_after=-SECOND)


stays = st.builds(
    Stay,
    time=st.none() | st.integers(0, 5).map(lambda n: n * SECOND),
    polls=st.none() | st.integers(1, 3),
    manual=st.booleans(),
    need_all=st.booleans(),
)
timelines = st.lists(st.builds(Step, state=st.sampled_from(StepState), stay=stays), max_size=5).map(
    tuple
)
moments = st.lists(st.integers(0, 30), max_size=10).map(sorted)


@pytest.mark.evidence("inferred")
@given(timelines, moments, moments)
def test_looking_more_often_never_changes_the_history(timeline, polls, looks):
    """Work ends at second 3 and is told then; looks in between must change nothing."""
    histories = []
    for extra in ([], looks):
        walk = Walk(timeline, work_done=False)
        events = [(3, 0, "work"), *((n, 1, "poll") for n in polls), *((n, 2, "") for n in extra)]
        for seconds, _order, what in sorted([*events, (40, 3, "")]):
            before = walk.position
            walk.work_done = walk.work_done or what == "work"
            if what == "poll":
                walk.poll(seconds)
            else:
                walk.settle(seconds, 3 if walk.work_done else None)
            assert walk.position.step >= before.step
            assert walk.position.entered_at >= before.entered_at
        histories.append(walk.entered)
    assert histories[0] == histories[1]
