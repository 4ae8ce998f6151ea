"""Entities without a mapping: the execution is Executing for ever, as seen of a real one."""

from __future__ import annotations

import dataclasses

import pytest

from builders import CUSTOMER_GROUPS, Table, package
from d365fo_emulator import Emulator
from d365fo_emulator.dmf.errors import ControlRefused
from job_tools import EXPORT_GROUPS, GROUPS, Client, Refused

VENDORS = Table("Vendor groups", ("VENDORGROUPID",), (("V1",),), "VendVendorGroupEntity", (2, 1, 1))
LATER = Table("Currencies", ("CURRENCYCODE",), (("EUR",),), "CurrencyEntity", (1, 2, 1))


def unmapped(*tables):
    """A package whose first table has no maps, and says so."""
    first = dataclasses.replace(CUSTOMER_GROUPS, flags=frozenset({"unmapped"}))
    return package(first, *tables)


def statuses(execution):
    return {
        one["entity"]: (one["stagingStatus"], one["targetStatus"]) for one in execution.entities
    }


@pytest.mark.evidence("recorded")
def test_an_entity_without_a_mapping_stages_nothing_and_is_executing_for_ever(job):
    view, client = job
    execution = client.import_package(unmapped(LATER, VENDORS))
    assert client.poll(execution, most=20)[-1] == "Executing"
    view.clock.advance("40m")
    assert client.state(execution) == "Executing"
    assert statuses(view.executions.only()) == {
        GROUPS: ("Executing", "NotRun"),
        "Currencies": ("NotRun", "NotRun"),
        "Vendor groups": ("Finished", "Finished"),
    }
    assert view.executions.only().entities[0]["stagingRecordsCreated"] == 0
    assert "Customer groups: it has no mapping" in view.executions.only().document["reason"]
    assert list(view.rows("Vendor groups", company="USMF")) == ["V1"]


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize("action", ["advance", "finish"])
def test_it_cannot_be_moved_by_hand_to_an_end_that_it_never_has(job, action):
    view, client = job
    client.import_package(unmapped())
    execution = view.executions.only()
    if action == "advance":
        execution.advance()
    with pytest.raises(ControlRefused, match="it has no mapping"):
        getattr(execution, action)()
    assert client.poll(execution.id, most=5)[-1] == "Executing"


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize(("action", "state"), [("cancel", "Canceled"), ("fail", "Failed")])
def test_it_can_be_ended_by_hand(job, action, state):
    view, client = job
    client.poll(client.import_package(unmapped()), most=5)
    execution = view.executions.only()
    getattr(execution, action)()
    assert execution.state == state
    assert statuses(execution) == {GROUPS: ("Aborted", "NotRun")}
    assert list((view.parts.workspace.folder / "packages").iterdir()) == []


@pytest.mark.evidence("inferred")
def test_it_is_still_executing_after_a_restart(tmp_path):
    for start in (True, False):
        with Emulator(data_dir=tmp_path) as emulator:
            config = emulator.client_config()
            with Client(config, base=emulator.http_url) as client:
                if start:
                    client.import_package(unmapped(), executionId="stuck")
                assert client.poll("stuck", most=5)[-1] == "Executing"


@pytest.mark.evidence("recorded")
def test_an_export_project_without_a_mapping_is_executing_for_ever(job):
    view, client = job
    store = view.parts.dmf.at.store
    project = store.project(EXPORT_GROUPS)
    bare = dataclasses.replace(project.entities[0], validation_status="No", maps=None)
    store.save_project(dataclasses.replace(project, entities=(bare,)))
    execution = client.export()
    assert client.poll(execution, most=10)[-1] == "Executing"
    assert client.value("GetExportedPackageUrl", executionId=execution) == ""
    assert statuses(view.executions.only()) == {GROUPS: ("Executing", "NotRun")}
    generated = dataclasses.replace(bare, auto_generate_mapping=True)
    store.save_project(dataclasses.replace(project, entities=(generated,)))
    with pytest.raises(Refused, match="Export to package failed"):
        client.export(executionId="blocked")
    view.executions.only().cancel()
    assert client.poll(client.export(executionId="mapped"))[-1] == "Succeeded"
