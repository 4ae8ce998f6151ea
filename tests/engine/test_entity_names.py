"""What may stand as EntityName in a manifest."""

from __future__ import annotations

import dataclasses

import pytest

from builders import CUSTOMER_GROUPS, package
from job_tools import GROUPS, Refused

AOT_NAME, COLLECTION = "CustCustomerGroupEntity", "CustomerGroups"


def named(name, target):
    return package(dataclasses.replace(CUSTOMER_GROUPS, entity=name, target_entity=target))


@pytest.mark.evidence("client")
@pytest.mark.parametrize("target", ["", AOT_NAME])
@pytest.mark.parametrize(
    ("name", "what"), [(AOT_NAME, "AOT name"), (COLLECTION, "collection"), (AOT_NAME.lower(), "")]
)
def test_an_entity_is_found_by_its_label_alone(job, name, what, target):
    view, client = job
    with pytest.raises(Refused) as refused:
        client.import_package(named(name, target))
    assert refused.value.status == 400
    assert f"Entity {name} does not exist in the target environment" in refused.value.response.text
    reason = view.journal[-1].reason
    assert what in reason
    assert "Customer groups" in reason
    assert len(view.executions) == 0


@pytest.mark.evidence("client")
def test_the_asynchronous_form_ends_as_failed(job):
    view, client = job
    url = client.upload(named(COLLECTION, ""))
    execution = client.value(
        "ImportFromPackageAsync",
        packageUrl=url,
        definitionGroupId="P",
        execute=True,
        overwrite=True,
        legalEntityId="USMF",
    )
    assert client.poll(execution)[-1] == "Failed"
    assert "does not exist in the target environment" in view.executions.only().document["reason"]


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize("name", [GROUPS, GROUPS.upper(), AOT_NAME, COLLECTION])
def test_a_setting_lets_any_of_its_names_stand_there(open_job, name):
    view, client = open_job({"entityNames": "any"})
    assert client.poll(client.import_package(named(name, "")))[-1] == "Succeeded"
    assert len(view.rows(GROUPS, company="USMF")) == 3
