"""Whose turn it is in an import, and whose turn never comes."""

from __future__ import annotations

import random  # noqa: TID251  the test's own, seeded

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from d365fo_emulator.dmf.model import in_order
from d365fo_emulator.dmf.schedule import Ending, Schedule
from d365fo_emulator.packages.model import PackageEntity

DONE, FAILED, NEVER = Ending.DONE, Ending.FAILED, Ending.NEVER


def entity(label, unit=1, level=1, sequence=1, **flags):
    return PackageEntity(
        label, f"{label}.csv", "CSV", (), unit=unit, level=level, sequence=sequence, **flags
    )


def walked(plan, endings=None, pick=min, **options):
    """Ends entities one after the other, `pick` among those whose turn it is: groups as they
    became ready, and who never ran.
    """
    plan = in_order(plan)
    schedule = Schedule(plan, **options)
    ready = schedule.first()
    turns = [sorted(plan[at].label for at in ready)]
    waiting = list(ready)
    while waiting:
        position = pick(waiting)
        waiting.remove(position)
        ending = (endings or {}).get(plan[position].label, DONE)
        more = schedule.end(position, ending)
        if more:
            turns.append(sorted(plan[at].label for at in more))
        waiting += more
    stopped = {one.label: why for at, one in enumerate(plan) if (why := schedule.why_not(at))}
    return turns, stopped


@pytest.mark.evidence("documented")
def test_units_stand_side_by_side_and_levels_and_sequences_follow_one_another():
    plan = [
        entity("level two", level=2),
        entity("second", sequence=2),
        entity("first"),
        entity("beside it"),
        entity("other unit", unit=2, level=9),
    ]
    turns, stopped = walked(plan)
    assert turns == [["beside it", "first", "other unit"], ["second"], ["level two"]]
    assert stopped == {}


@pytest.mark.evidence("documented")
def test_a_group_waits_for_all_of_the_one_before_it():
    plan = in_order([entity("a"), entity("b"), entity("c", sequence=2)])
    schedule = Schedule(plan)
    assert schedule.first() == [0, 1]
    assert schedule.end(1, DONE) == []
    assert schedule.end(0, DONE) == [2]


@pytest.mark.evidence("documented")
@pytest.mark.parametrize(
    ("flags", "never"),
    [
        ({}, []),
        ({"fail_level_on_error": True}, ["rest of level"]),
        ({"fail_unit_on_error": True}, ["next level", "rest of level"]),
        (
            {"fail_level_on_error": True, "fail_unit_on_error": True},
            ["next level", "rest of level"],
        ),
    ],
)
def test_a_failing_entity_stops_what_its_flags_say(flags, never):
    plan = [
        entity("bad", **flags),
        entity("beside it"),
        entity("rest of level", sequence=2),
        entity("next level", level=2),
        entity("other unit", unit=2),
    ]
    turns, stopped = walked(plan, {"bad": FAILED})
    assert sorted(stopped) == never
    ran = {label for turn in turns for label in turn}
    assert ran | set(never) == {one.label for one in plan}
    assert not ran & set(never)
    assert walked(plan, {"beside it": FAILED})[1] == {}


@pytest.mark.evidence("inferred")
def test_a_flag_of_an_entity_beside_the_failing_one_stops_nothing():
    plan = [entity("bad"), entity("strict", fail_unit_on_error=True), entity("later", level=2)]
    assert walked(plan, {"bad": FAILED})[1] == {}


@pytest.mark.evidence("client")
def test_fail_on_error_takes_all_units_one_by_one_and_stops_everything_after():
    plan = [
        entity("a"),
        entity("b"),
        entity("bad", unit=2),
        entity("c", unit=3),
        entity("d", unit=4),
    ]
    turns, stopped = walked(plan, {"bad": FAILED}, one_by_one=True)
    assert turns == [["a"], ["b"], ["bad"]]
    assert list(stopped) == ["c", "d"]
    assert "failOnError" in stopped["d"]


@pytest.mark.evidence("recorded")
def test_what_waits_for_an_entity_that_never_ends_never_runs():
    plan = [entity("hangs"), entity("beside it"), entity("later", level=2), entity("other", unit=2)]
    turns, stopped = walked(plan, {"hangs": NEVER})
    assert turns == [["beside it", "hangs", "other"]]
    assert stopped == {"later": "it waits for hangs, which never ends"}


@pytest.mark.evidence("inferred")
def test_nothing_to_import_has_no_turns():
    assert Schedule([]).first() == []


PLACES = st.tuples(*[st.integers(0, 2)] * 3)
PLANS = st.lists(
    st.tuples(PLACES, st.booleans(), st.booleans(), st.sampled_from(Ending)), max_size=8
)


@pytest.mark.evidence("inferred")
@settings(derandomize=True, max_examples=200, deadline=None)
@given(PLANS, st.booleans(), st.integers(0, 99))
def test_who_runs_does_not_hang_on_who_ends_first(drawn, one_by_one, seed):
    plan = [
        entity(f"e{n}", *place, fail_level_on_error=level, fail_unit_on_error=unit)
        for n, (place, level, unit, _ending) in enumerate(drawn)
    ]
    endings = {f"e{n}": ending for n, (*_rest, ending) in enumerate(drawn)}
    dice = random.Random(seed)
    turns, stopped = walked(plan, endings, one_by_one=one_by_one)
    others, also = walked(plan, endings, pick=dice.choice, one_by_one=one_by_one)
    assert (sorted(map(tuple, turns)), set(stopped)) == (sorted(map(tuple, others)), set(also))
    ran = {label for turn in turns for label in turn}
    assert ran.isdisjoint(stopped)
    assert ran | set(stopped) == set(endings)
