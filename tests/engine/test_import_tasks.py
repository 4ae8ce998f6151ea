"""Imports that are divided: the import threshold record count and the import task count."""

from __future__ import annotations

import pytest

from builders import Table, package
from d365fo_emulator.kernel.errors import ConfigurationError
from job_tools import ENVIRONMENT, GROUPS

LINES = tuple((f"{number:03}", "x") for number in range(100))
GOODS = Table(GROUPS, ("CUSTOMERGROUPID", "DESCRIPTION"), LINES, "CustCustomerGroupEntity")
NUMBERED = {
    "name": "Tickets",
    "type": "TicketEntity",
    "collection": "Tickets",
    "fields": [{"name": "Ticket", "autoNumber": True}, {"name": "Text"}],
}
REFUSED = (
    "Custom sequence is defined for the entity 'Tickets', more than one task is not supported."
)


def divided(entity, records, tasks):
    return ENVIRONMENT | {
        "entities": [NUMBERED],
        "importTasks": [{"entity": entity, "records": records, "tasks": tasks}],
    }


@pytest.mark.evidence("documented")
@pytest.mark.parametrize("name", [GROUPS, "CustCustomerGroupEntity"])
@pytest.mark.parametrize(("records", "tasks", "told"), [(25, 4, 4), (100, 4, 1), (1, 1, 1)])
def test_a_file_beyond_the_threshold_is_divided_with_the_same_result(
    job_of, name, records, tasks, told
):
    view, client = job_of(divided(name, records, tasks))
    assert client.poll(client.import_package(package(GOODS)))[-1] == "Succeeded"
    (run,) = view.executions.only().entities
    assert (run["tasks"], run["targetRecordsCreated"]) == (told, 100)
    assert len(view.rows(GROUPS, company="USMF")) == 100


@pytest.mark.evidence("documented")
@pytest.mark.parametrize(("tasks", "state"), [(2, "Failed"), (1, "Succeeded")])
def test_an_entity_with_a_number_sequence_cannot_be_divided(job_of, tasks, state):
    view, client = job_of(divided("Tickets", 1, tasks))
    table = Table("Tickets", ("TICKET", "TEXT"), (("", "a"), ("", "b")), "TicketEntity")
    assert client.poll(client.import_package(package(table)))[-1] == state
    messages = [error["message"] for error in view.executions.only().errors]
    assert messages == ([REFUSED] if state == "Failed" else [])


@pytest.mark.evidence("inferred")
def test_a_misspelt_entity_is_told_at_the_start(job_of):
    with pytest.raises(ConfigurationError, match="importTasks: no entity 'Customer gruops'"):
        job_of(divided("Customer gruops", 25, 4))
