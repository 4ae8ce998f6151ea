"""What the ends of entities add up to."""

from __future__ import annotations

import pytest

from d365fo_emulator.dmf.model import EntityRun, EntityStatus, ExecutionState
from d365fo_emulator.dmf.states import SUMMARY, has_errors, summarise, wrote

FINISHED, ERROR, ABORTED, NOT_RUN = (
    EntityStatus.FINISHED,
    EntityStatus.ERROR,
    EntityStatus.ABORTED,
    EntityStatus.NOT_RUN,
)
EXECUTING, CANCELED, SUCCEEDED, PARTIALLY, FAILED = (
    ExecutionState.EXECUTING,
    ExecutionState.CANCELED,
    ExecutionState.SUCCEEDED,
    ExecutionState.PARTIALLY_SUCCEEDED,
    ExecutionState.FAILED,
)


def run(staging=FINISHED, target=FINISHED, **counts):
    return EntityRun("Groups", "CSV", "groups.csv", staging, target, **counts)


WRITTEN = run(source_records=3, staging_created=3, target_created=2, target_updated=1)
EMPTY = run()
SOME_BAD = run(
    target=ERROR, staging_created=10, target_created=5, target_updated=3, target_in_error=2
)
UPDATED_AND_BAD = run(target=ERROR, staging_created=2, target_updated=1, target_in_error=1)
ALL_BAD = run(target=ERROR, staging_created=2, target_in_error=2)
NOT_LOADED = run(staging=ERROR, target=NOT_RUN, source_records=2)
UNREADABLE = run(staging=ERROR, target=NOT_RUN)
LEFT_IN_STAGING = run(target=FINISHED, staging_created=2, staging_in_error=1, target_created=2)
STAGED = run(target=NOT_RUN, staging_created=3)
STAGED_WITH_ERRORS = run(target=NOT_RUN, staging_created=2, staging_in_error=1)
STAGED_NOTHING = run(target=NOT_RUN, staging_in_error=3)
STOPPED_IN_TARGET = run(target=ABORTED, staging_created=3, target_created=1)
STOPPED_IN_STAGING = run(staging=ABORTED, target=NOT_RUN, source_records=1)
NEVER_BEGUN = run(staging=NOT_RUN, target=NOT_RUN)
UNMAPPED = run(staging=EntityStatus.EXECUTING, target=NOT_RUN)
DIRECT = run(staging=EntityStatus.NONE, source_records=2, target_created=2)

CASES = [
    pytest.param([WRITTEN, UNMAPPED], EXECUTING, id="one without a mapping"),
    pytest.param([UNMAPPED, NEVER_BEGUN], EXECUTING, id="what waits for one without a mapping"),
    pytest.param([DIRECT], SUCCEEDED, id="staging skipped"),
    pytest.param([ALL_BAD, NEVER_BEGUN], FAILED, id="what would have come was stopped"),
    pytest.param([WRITTEN, ALL_BAD, NEVER_BEGUN], PARTIALLY, id="written, bad, and stopped"),
    pytest.param([WRITTEN], SUCCEEDED, id="all written"),
    pytest.param([EMPTY], SUCCEEDED, id="zero rows"),
    pytest.param([], SUCCEEDED, id="no entity"),
    pytest.param([STAGED], SUCCEEDED, id="staging only"),
    pytest.param([WRITTEN, EMPTY, STAGED], SUCCEEDED, id="several without error"),
    pytest.param([SOME_BAD], PARTIALLY, id="some rows bad"),
    pytest.param([UPDATED_AND_BAD], PARTIALLY, id="only updates written"),
    pytest.param([LEFT_IN_STAGING], PARTIALLY, id="rows left in staging"),
    pytest.param([STAGED_WITH_ERRORS], PARTIALLY, id="staging only, some rows bad"),
    pytest.param([WRITTEN, ALL_BAD], PARTIALLY, id="one entity written, one not"),
    pytest.param([WRITTEN, UNREADABLE], PARTIALLY, id="one file unreadable"),
    pytest.param([EMPTY, ALL_BAD], PARTIALLY, id="an empty file beside a bad one"),
    pytest.param([ALL_BAD], FAILED, id="every row bad"),
    pytest.param([NOT_LOADED], FAILED, id="nothing loaded"),
    pytest.param([UNREADABLE], FAILED, id="no row read"),
    pytest.param([STAGED_NOTHING], FAILED, id="staging only, every row bad"),
    pytest.param([ALL_BAD, UNREADABLE], FAILED, id="every entity bad"),
    pytest.param([STOPPED_IN_TARGET], CANCELED, id="stopped in the target step"),
    pytest.param([STOPPED_IN_STAGING], CANCELED, id="stopped in staging"),
    pytest.param([WRITTEN, STOPPED_IN_TARGET], CANCELED, id="one written, one stopped"),
    pytest.param([ALL_BAD, STOPPED_IN_STAGING], CANCELED, id="one bad, one stopped"),
]


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize(("runs", "state"), CASES)
def test_counts_add_up_to_a_state(runs, state):
    assert summarise(runs)[0] is state


@pytest.mark.evidence("documented")
def test_the_vendors_example_is_a_partial_success():
    """Five created, three updated, two in error."""
    assert summarise([SOME_BAD])[0] is PARTIALLY


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize("rule", SUMMARY, ids=lambda rule: rule.name)
def test_every_rule_decides_some_case_and_says_why(rule):
    reasons = [summarise(case.values[0])[1] for case in CASES if case.values[1] is rule.state]
    assert reasons
    assert set(reasons) == {rule.because}


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize("runs", [case.values[0] for case in CASES if len(case.values[0]) > 1])
def test_the_order_of_entities_is_of_no_matter(runs):
    assert summarise(runs) == summarise(list(reversed(runs)))


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize(
    ("entity", "errors", "writing"),
    [
        (WRITTEN, False, True),
        (EMPTY, False, False),
        (STAGED, False, True),
        (STAGED_NOTHING, True, False),
        (SOME_BAD, True, True),
        (ALL_BAD, True, False),
        (UNREADABLE, True, False),
        (LEFT_IN_STAGING, True, True),
    ],
)
def test_what_one_entity_has_done(entity, errors, writing):
    assert (has_errors(entity), wrote(entity)) == (errors, writing)
