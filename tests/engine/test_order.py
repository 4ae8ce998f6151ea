"""Units, levels and sequences of an import: what runs, what is stopped, and that nothing hangs on
how many files are read at once.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from builders import Table, package
from job_tools import GROUPS, Client

NAMES = ("Alpha", "Beta", "Gamma", "Delta", "Epsilon")
ENTITIES = [
    {
        "name": name,
        "type": f"{name}Entity",
        "collection": f"{name}Set",
        "fields": [{"name": "Code"}, {"name": "Amount", "type": "real"}],
    }
    for name in NAMES
]
GOOD = (("1", "1"), ("2", "2"), ("3", "3"))
ROW_BAD = (("1", "1"), ("", "2"))
ALL_BAD = (("1", "one"), ("2", "2"))


def table(name, rows=GOOD, place=(1, 1, 1), *flags):
    return Table(name, ("CODE", "AMOUNT"), rows, f"{name}Entity", place, frozenset(flags))


@pytest.fixture
def importing(server):
    """`importing(tables, **settings)` gives the ended execution's view, and the workspace's."""
    opened = []

    def run(tables, scenario=None, action="ImportFromPackage", members=None, **chosen):
        environment = {"version": 1, "entities": ENTITIES, "settings": chosen}
        view = server.create_workspace(environment=environment)
        opened.append(view)
        with Client(view.client_config(), base=server.http_url) as client:
            if scenario:
                view.load(scenario)
            url = client.upload(package(*tables))
            client.value(
                action,
                packageUrl=url,
                definitionGroupId="P",
                executionId="",
                execute=True,
                overwrite=True,
                legalEntityId="USMF",
                **(members or {}),
            )
            client.poll(view.executions.only().id)
        return view.executions.only(), view

    yield run
    for view in opened:
        server.drop_workspace(view.id)


def statuses(execution):
    return {
        one["entity"]: (one["stagingStatus"], one["targetStatus"]) for one in execution.entities
    }


DONE, BAD, UNREAD, NEVER = (
    ("Finished", "Finished"),
    ("Finished", "Error"),
    ("Error", "NotRun"),
    ("NotRun", "NotRun"),
)


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize(("rows", "failed"), [(ROW_BAD, BAD), (ALL_BAD, UNREAD)])
@pytest.mark.parametrize(
    ("flags", "stopped"),
    [
        ((), set()),
        (("FailLevelOnError",), {"Gamma"}),
        (("FailExecutionUnitOnError",), {"Gamma", "Delta"}),
    ],
)
def test_stopped_entities_stay_not_run(importing, rows, failed, flags, stopped):
    execution, view = importing(
        [
            table("Alpha", rows, (1, 1, 1), *flags),
            table("Beta", GOOD, (1, 1, 1)),
            table("Gamma", GOOD, (1, 1, 2)),
            table("Delta", GOOD, (1, 2, 1)),
            table("Epsilon", GOOD, (2, 1, 1)),
        ]
    )
    others = set(NAMES) - {"Alpha"} - stopped
    expected = {"Alpha": failed, **dict.fromkeys(others, DONE), **dict.fromkeys(stopped, NEVER)}
    assert statuses(execution) == expected
    assert execution.state == "PartiallySucceeded"
    for name in stopped:
        assert len(view.rows(name, company="USMF")) == 0
        assert f"{name}: Alpha failed" in execution.document["reason"]


@pytest.mark.evidence("client")
def test_fail_on_error_stops_all_that_come_after_in_every_unit(importing):
    tables = [
        table("Alpha", GOOD, (1, 1, 1)),
        table("Beta", ROW_BAD, (2, 1, 1)),
        table("Gamma", GOOD, (3, 1, 1)),
    ]
    members = {"failOnError": True, "runAsyncWithoutBatch": True, "thresholdToRunInBatch": 0}
    execution, _view = importing(
        tables, action="ImportFromPackageAsync", members=members, importWorkers=4
    )
    assert statuses(execution) == {"Alpha": DONE, "Beta": BAD, "Gamma": NEVER}


@pytest.mark.evidence("inferred")
def test_a_disabled_entity_is_no_part_of_the_order(importing):
    tables = [table("Alpha", ALL_BAD, (1, 1, 1), "Disable", "FailExecutionUnitOnError")]
    execution, _view = importing([*tables, table("Beta", GOOD, (1, 2, 1))])
    assert statuses(execution) == {"Beta": DONE}


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize("workers", [1, 4])
@pytest.mark.parametrize("level", [1, 2])
def test_values_that_arrive_earlier_in_the_run_are_found(open_job, workers, level):
    view, client = open_job({"importWorkers": workers})
    columns = ("CUSTOMERACCOUNT", "CUSTOMERGROUPID", "ORGANIZATIONNAME", "SALESCURRENCYCODE")
    rows = (("C1", "10", "One", "EUR"), ("C2", "99", "Two", "EUR"))
    customers = Table("Customers V3", columns, rows, "CustCustomerV3Entity", (1, level, 2))
    groups = Table(GROUPS, ("CUSTOMERGROUPID",), (("10",),), "CustCustomerGroupEntity")
    client.poll(client.import_package(package(customers, groups)))
    (error,) = view.executions.only().errors
    assert (error["recordId"], error["field"]) == ("2", "CUSTOMERGROUPID")
    assert list(view.rows("Customers V3", company="USMF")) == ["C1"]


@pytest.mark.evidence("inferred")
def test_errors_are_told_in_the_order_of_the_plan_whoever_was_read_first(importing):
    long = tuple((str(number), "1") for number in range(3000))
    tables = [
        table("Alpha", (*long, ("", "1")), (1, 1, 1)),
        *(table(name, ROW_BAD, (2, 1, 1)) for name in NAMES[1:]),
    ]
    for workers in (1, 4):
        execution, _view = importing(tables, importWorkers=workers)
        assert [error["entity"] for error in execution.errors] == list(NAMES)


PLACES = st.tuples(*[st.integers(1, 2)] * 3)
FLAGS = st.sets(st.sampled_from(["FailLevelOnError", "FailExecutionUnitOnError"]), max_size=1)
PLANS = st.lists(
    st.tuples(st.sampled_from([GOOD, GOOD, ROW_BAD, ALL_BAD]), PLACES, FLAGS),
    min_size=2,
    max_size=len(NAMES),
)


def told(execution, view):
    """All that an execution led to, by entity, but for the time at which it did."""
    document = execution.document
    entities = {
        one["entity"]: {name: value for name, value in one.items() if not name.endswith("At")}
        for one in document["entities"]
    }
    errors = sorted(map(str, document["errors"]))
    rows = {name: list(view.rows(name, company="USMF")) for name in entities}
    return document["state"], entities, errors, rows


@pytest.mark.evidence("inferred")
@settings(
    derandomize=True,
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(PLANS, st.randoms(use_true_random=False))
def test_nothing_hangs_on_the_number_of_workers_or_the_order_of_ties(importing, plan, dice):
    tables = [
        table(name, rows, place, *flags)
        for name, (rows, place, flags) in zip(NAMES, plan, strict=False)
    ]
    one = told(*importing(tables, importWorkers=1))
    dice.shuffle(tables)
    assert told(*importing(tables, importWorkers=1)) == one
    assert told(*importing(tables, importWorkers=3)) == one
