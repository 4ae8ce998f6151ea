"""Each shipped scenario does what its one line says, to a polling loop that knows nothing of it."""

import pytest

import job_tools
from builders import CUSTOMER_GROUPS, package
from d365fo_emulator.scenarios import library

pytestmark = [
    pytest.mark.evidence("documented"),
    pytest.mark.d365fo(environment=job_tools.ENVIRONMENT),
]

ROWS = len(CUSTOMER_GROUPS.rows)

# Scenario: what the polls of an import see on an auto clock, rows in error, rows at the target.
IMPORTS = {
    "canceled": ("NotRun Executing Canceled", 0, None),
    "failed": ("NotRun Executing Executing Failed", ROWS, 0),
    "happy-path": ("NotRun Executing Executing Succeeded", 0, ROWS),
    "not-found-then-ok": ("NotFound NotRun Executing Succeeded", 0, ROWS),
    "partially-succeeded": ("NotRun Executing Executing PartiallySucceeded", 1, ROWS - 1),
    "slow": ("NotRun Executing Succeeded", 0, ROWS),
}
STUCK = {"stuck-executing": "Executing", "stuck-not-run": "NotRun"}


def test_the_tables_here_have_every_shipped_scenario():
    assert {name for name, _line in library.names()} == IMPORTS.keys() | STUCK.keys()


@pytest.mark.parametrize("name", IMPORTS)
def test_a_polling_loop_ends_as_the_scenario_says(d365fo, client, name):
    states, failed, written = IMPORTS[name]
    d365fo.load(name)
    execution = client.import_package(package())
    assert " ".join(client.poll(execution)) == states
    found = d365fo.executions.only()
    assert (found.state, found.polls) == (states.split()[-1], len(states.split()))
    assert len({error["RecordId"] for error in client.errors(execution)}) == failed
    if written is not None:
        assert len(d365fo.rows(job_tools.GROUPS, company="USMF")) == written


@pytest.mark.parametrize("name", [name for name in IMPORTS if name != "partially-succeeded"])
def test_exports_take_the_same_way(d365fo, client, name):
    states = IMPORTS[name][0]
    d365fo.load(name)
    execution = client.export()
    assert " ".join(client.poll(execution)) == states
    if states.endswith("Succeeded"):
        assert client.exported(execution).startswith(b"PK")


@pytest.mark.parametrize(("name", "state"), STUCK.items())
def test_a_stuck_execution_stays_until_it_is_finished_by_hand(d365fo, client, name, state):
    d365fo.load(name)
    execution = client.import_package(package())
    assert set(client.poll(execution, most=8)[2:]) == {state}
    d365fo.clock.advance("30d")
    client._token = None
    assert client.state(execution) == state
    assert d365fo.executions.only().finish().state == "Succeeded"
    assert client.state(execution) == "Succeeded"
    assert len(d365fo.rows(job_tools.GROUPS, company="USMF")) == ROWS


@pytest.mark.d365fo(clock="virtual")
def test_on_a_virtual_clock_slow_moves_by_advance_alone(d365fo, client):
    d365fo.load("slow")
    execution = client.import_package(package())
    assert set(client.poll(execution, most=5)) == {"NotRun"}
    ran = d365fo.clock.advance("1m")
    assert [one.what for one in ran] == [f"execution {execution} entered Executing"]
    assert set(client.poll(execution, most=5)) == {"Executing"}
    d365fo.clock.advance("9m")
    assert client.state(execution) == "Executing"
    d365fo.clock.advance("1m")
    assert client.state(execution) == "Succeeded"


@pytest.mark.d365fo(clock="virtual")
@pytest.mark.parametrize("name", ["happy-path", "failed", "canceled", "not-found-then-ok"])
def test_on_a_virtual_clock_steps_that_count_polls_need_no_time(d365fo, client, name):
    began = d365fo.clock.now
    d365fo.load(name)
    assert " ".join(client.poll(client.import_package(package()))) == IMPORTS[name][0]
    assert d365fo.clock.now == began
