"""Every package of `fixtures/packages`, imported: refused, failed or taken as it says."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from d365fo_emulator import Emulator
from job_tools import Client, Refused

FOLDER = Path(__file__).parents[2] / "fixtures" / "packages"
OUTCOMES = yaml.safe_load((FOLDER / "outcomes.yaml").read_text("utf-8"))
pytestmark = pytest.mark.evidence("inferred")


def names(member):
    return [name for name, outcome in OUTCOMES.items() if member in outcome]


def test_every_package_has_an_outcome():
    packages = {path.name for path in FOLDER.iterdir()} - {"README.md", "outcomes.yaml"}
    assert packages == set(OUTCOMES)
    assert all(len({"refused", "state", "appears"} & set(one)) == 1 for one in OUTCOMES.values())


@pytest.mark.parametrize("name", names("state"))
def test_a_package_ends_as_it_says(name):
    wanted = OUTCOMES[name]
    with Emulator() as emulator:
        client = Client(emulator.client_config())
        client.poll(client.import_package((FOLDER / name).read_bytes()))
        execution = emulator.executions.only()
        created = {one["entity"]: one["targetRecordsCreated"] for one in execution.entities}
        assert (execution.state, created) == (wanted["state"], wanted["rows"])
        messages = [error["message"] for error in execution.errors]
        assert (
            any(wanted["error"] in one for one in messages) if "error" in wanted else not messages
        )


@pytest.mark.parametrize("name", names("refused"))
def test_a_package_is_refused_as_it_says_and_leaves_nothing(name):
    with Emulator() as emulator:
        client = Client(emulator.client_config())
        with pytest.raises(Refused) as refused:
            client.import_package((FOLDER / name).read_bytes())
        error = refused.value.response.json()["error"]
        assert refused.value.status == 400
        assert OUTCOMES[name]["refused"] in error["innererror"]["message"]
        assert not len(emulator.executions)


@pytest.mark.evidence("client")
@pytest.mark.parametrize("name", names("appears"))
def test_a_package_without_data_gives_an_id_and_never_an_execution(name):
    with Emulator() as emulator:
        client = Client(emulator.client_config())
        execution = client.import_package((FOLDER / name).read_bytes())
        assert execution
        with pytest.raises(Refused, match="were not found"):
            client.value("GetExecutionSummaryStatus", executionId=execution)
        assert not len(emulator.executions)
