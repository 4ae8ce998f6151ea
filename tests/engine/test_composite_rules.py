"""What the import call asks of a package that has a composite entity."""

from __future__ import annotations

import dataclasses
import io

import pytest

from d365fo_emulator.kernel.errors import NotEmulated
from d365fo_emulator.packages.model import FieldMap, Manifest, PackageEntity, PackageHeader
from d365fo_emulator.packages.writer import PackageWriter
from job_tools import Client, Refused
from written_packages import STAMP

LABEL = "Purchase orders composite V2"
NO_PROJECT = (
    "A data project must exist before importing a package consisting of a composite data entity."
)
DATASET = "A DataTable named 'OrdersEntity' already belongs to this DataSet."
NOTHING_STAGED = f"'0' '{LABEL}' record(s) inserted in staging."
ORDERS = {
    "name": "Orders",
    "type": "OrdersEntity",
    "collection": "OrdersSet",
    "keys": ["OrderNumber"],
    "fields": [{"name": "OrderNumber", "size": 20}],
}
LINES = {
    "name": "Lines",
    "type": "LinesEntity",
    "collection": "LinesSet",
    "keys": ["OrderNumber", "LineNumber"],
    "fields": [{"name": "OrderNumber", "size": 20}, {"name": "LineNumber", "size": 20}],
}
COMPOSITE = {
    "name": LABEL,
    "type": "OrdersCompositeEntity",
    "composite": {"entity": "OrdersEntity", "children": ["LinesEntity"]},
}
FILE = (
    '<Document><ORDERSENTITY ORDERNUMBER="O1"><LINESENTITY LINENUMBER="1"/></ORDERSENTITY>'
    "</Document>"
)
PLAN = PackageEntity(LABEL, "orders.xml", "XML-Attribute", None, "OrdersCompositeEntity")
OTHER = PackageEntity(
    "Customer groups",
    "groups.csv",
    "CSV",
    (FieldMap("CUSTOMERGROUPID", "CUSTOMERGROUPID"),),
    "CustCustomerGroupEntity",
)


def content(*plans, file=FILE):
    target = io.BytesIO()
    with PackageWriter(target, STAMP) as writer:
        for plan in plans:
            with writer.data_file(plan.file_name) as stream:
                text = file if plan is PLAN else "CUSTOMERGROUPID\r\n10\r\n"
                stream.write(text.encode())
        writer.finish(Manifest("Orders", "Orders", plans), PackageHeader("Orders"))
    return target.getvalue()


@pytest.fixture
def place(server):
    environment = {
        "version": 1,
        "entities": [ORDERS, LINES, COMPOSITE],
        "dataProjects": [
            {
                "name": "Orders in",
                "operation": "Import",
                "entities": [{"entity": LABEL, "format": "XML-Attribute"}],
            }
        ],
    }
    view = server.create_workspace(environment=environment)
    with Client(view.client_config(), base=server.http_url) as client:
        yield view, client
    server.drop_workspace(view.id)


def begin(client, package, action="ImportFromPackage", **changes):
    members = {
        "packageUrl": client.upload(package),
        "definitionGroupId": "Orders in",
        "execute": True,
        "overwrite": False,
        "legalEntityId": "USMF",
    }
    return client.value(action, **(members | changes))


@pytest.mark.evidence("documented")
@pytest.mark.parametrize("action", ["ImportFromPackage", "ImportFromPackageAsync"])
def test_a_composite_entity_alone_goes_into_its_project_without_overwrite(place, action):
    view, client = place
    before = view.parts.dmf.at.store.project("Orders in")
    execution = begin(client, content(PLAN), action)
    assert client.poll(execution)[-1] == "Succeeded"
    assert len(view.rows("Lines", company="USMF")) == 1
    assert view.parts.dmf.at.store.project("Orders in") == before


@pytest.mark.evidence("recorded")
@pytest.mark.parametrize("overwrite", [True, False])
def test_its_project_must_be_there(place, overwrite):
    _view, client = place
    with pytest.raises(Refused) as refused:
        begin(client, content(PLAN), definitionGroupId="Not there", overwrite=overwrite)
    assert refused.value.status == 400
    assert NO_PROJECT in refused.value.response.text


@pytest.mark.evidence("inferred")
def test_the_asynchronous_form_says_so_later(place):
    view, client = place
    execution = begin(
        client, content(PLAN), "ImportFromPackageAsync", definitionGroupId="Not there"
    )
    assert client.poll(execution)[-1] == "Failed"
    assert NO_PROJECT in view.executions[execution].document["reason"]


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize(
    ("plans", "overwrite", "because"),
    [
        ((PLAN,), True, "overwrite must be false"),
        ((PLAN, OTHER), False, "the package may hold that entity alone"),
        ((OTHER, PLAN), True, "overwrite must be false and the package may hold that entity alone"),
    ],
)
def test_what_breaks_the_rules_is_accepted_and_fails_in_silence(place, plans, overwrite, because):
    view, client = place
    execution = begin(client, content(*plans), overwrite=overwrite)
    assert client.poll(execution)[-1] == "Failed"
    assert client.errors(execution) == []
    reason = view.executions[execution].document["reason"]
    assert DATASET in reason
    assert NOTHING_STAGED in reason
    assert because in reason
    assert len(view.rows("Orders", company="USMF")) == 0
    assert list((view.parts.workspace.folder / "packages").iterdir()) == []


@pytest.mark.evidence("recorded")
def test_errors_of_composite_entities_are_not_listed_and_the_emulator_knows_them(place):
    view, client = place
    broken = FILE.replace('LINENUMBER="1"', 'LINENUMBER="123456789012345678901"')
    execution = begin(client, content(PLAN, file=broken))
    assert client.poll(execution)[-1] in {"PartiallySucceeded", "Failed"}
    assert client.errors(execution) == []
    assert view.executions[execution].document["errorCount"] > 0


@pytest.mark.evidence("inferred")
def test_without_a_mapping_in_its_project_it_never_ends(place):
    view, client = place
    store = view.parts.dmf.at.store
    project = store.project("Orders in")
    unmapped = dataclasses.replace(
        project.entities[0], validation_status="No", auto_generate_mapping=False
    )
    store.save_project(dataclasses.replace(project, entities=(unmapped,)))
    execution = begin(client, content(PLAN))
    assert client.poll(execution, most=10)[-1] == "Executing"
    (run,) = view.executions.only().entities
    assert (run["stagingStatus"], run["targetStatus"]) == ("Executing", "NotRun")
    assert run["stagingStartedAt"] is not None
    assert len(view.rows("Orders", company="USMF")) == 0


@pytest.mark.evidence("inferred")
def test_its_target_step_cannot_be_run_again(place):
    view, client = place
    client.poll(begin(client, content(PLAN), execute=False))
    with pytest.raises(NotEmulated, match="re-running the target step of composite entities"):
        view.executions.only().rerun()


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize("name", [LABEL, "OrdersCompositeEntity", "Lines", "LinesEntity", ""])
def test_a_composite_entity_has_no_error_files_though_it_has_errors(place, name):
    view, client = place
    broken = FILE.replace('LINENUMBER="1"', 'LINENUMBER="123456789012345678901"')
    execution = begin(client, content(PLAN, file=broken))
    client.poll(execution)
    assert view.executions[execution].document["errorCount"] > 0
    asked = {"executionId": execution, "entityName": name}
    assert client.value("GetImportStagingErrorFileUrl", **asked) == ""
    assert client.value("GenerateImportTargetErrorKeysFile", **asked) is False
    assert client.value("GetImportTargetErrorKeysFileUrl", **asked) == ""
