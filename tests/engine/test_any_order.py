"""On a real clock, neither the order of entities in the manifest nor the number of files read at
once makes any difference to what an import leaves.
"""

from __future__ import annotations

import itertools

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from builders import Table, package
from job_tools import TERMINAL, Client

NAMES = ("Alpha", "Beta", "Gamma", "Delta", "Epsilon")
COLUMNS = ("CODE", "AMOUNT", "OTHER")
WORKERS = (1, 2, 3, 4)
MANY = 1_300  # rows: more than one batch, so that files are read side by side


def definition(name, referred):
    reference = {"reference": {"entity": f"{referred}Entity", "field": "Code"}}
    return {
        "name": name,
        "type": f"{name}Entity",
        "collection": f"{name}Set",
        "fields": [
            {"name": "Code", "size": 10},
            {"name": "Amount", "type": "real"},
            {"name": "Other", "size": 10} | reference,
        ],
    }


def environment(workers):
    entities = [definition(name, to) for name, to in zip(NAMES, NAMES[-1:] + NAMES, strict=False)]
    return {
        "version": 1,
        "entities": entities,
        "settings": {"importWorkers": workers, "references": "strict"},
    }


def rows_of(kind, count):
    rows = [(f"K{n}", str(n), "") for n in range(count)]
    match kind:
        case "row in error":
            rows.append(("", "1", ""))
        case "file in error":
            rows.append(("Z", "one", ""))
        case "refers":  # to rows of another entity: found when that one came earlier
            rows += [(f"R{n}", "1", f"K{n}") for n in range(3)]
        case "key twice":
            rows.append(rows[0])
    return tuple(rows)


KINDS = st.sampled_from(["good", "good", "row in error", "file in error", "refers", "key twice"])
# Entities that refer to one another never share a place: which came first would be chance.
PLACES = st.permutations([(1, 1, 1), (1, 1, 2), (1, 2, 1), (2, 1, 1), (2, 1, 2)])
FLAGS = st.sets(st.sampled_from(["FailLevelOnError", "FailExecutionUnitOnError"]), max_size=1)
PLANS = st.lists(st.tuples(KINDS, st.sampled_from([3, MANY]), FLAGS), min_size=3, max_size=5)


def result(server, tables, workers, wait_until):
    """All that an import leaves but its instants."""
    view = server.create_workspace(environment=environment(workers), clock="real")
    try:
        with Client(view.client_config(), base=server.http_url) as client:
            execution = client.import_package(package(*tables))
            wait_until(lambda: client.state(execution) in TERMINAL)
        document = view.executions.only().document
        entities = {
            one["entity"]: {name: one[name] for name in one if not name.endswith("At")}
            for one in document["entities"]
        }
        rows = {name: list(view.rows(name, company="USMF").items_in_order()) for name in entities}
        return document["state"], document["reason"], entities, document["errors"], rows
    finally:
        server.drop_workspace(view.id)


@pytest.mark.evidence("inferred")
@settings(
    derandomize=True,
    database=None,
    max_examples=6,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],  # examples are small; a server makes shrinking slow
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(PLANS, PLACES, st.randoms(use_true_random=False))
def test_any_order_and_any_number_of_workers_leave_the_same(server, wait_until, plan, places, dice):
    tables = [
        Table(name, COLUMNS, rows_of(kind, count), f"{name}Entity", place, frozenset(flags))
        for name, place, (kind, count, flags) in zip(NAMES, places, plan, strict=False)
    ]
    one = result(server, tables, 1, wait_until)
    for workers in itertools.islice(WORKERS, 1, None):
        dice.shuffle(tables)
        assert result(server, tables, workers, wait_until) == one, f"{workers} workers"
