"""Microsoft's own programs that call the package API, each by the requests it sends.

Methods, bodies, headers, conditions of polling and the handling of failures are those of the
program; the code is not.
"""

from __future__ import annotations

import base64
import hashlib
import re
import uuid

import pytest

import job_tools
from job_tools import rows_of
from senders import ALIVE, GOOD, PACKAGE, ZERO, entity_names, export_members, refuse_first_row, six

pytestmark = [pytest.mark.evidence("client"), pytest.mark.d365fo(environment=job_tools.ENVIRONMENT)]

# 1. Microsoft's console sample: a generated client and the old storage library.

GENERATED = {
    "OData-Version": "4.0",
    "OData-MaxVersion": "4.0",
    "Content-Type": "application/json;odata.metadata=minimal",
    "Accept": "application/json;odata.metadata=minimal",
    "Accept-Charset": "UTF-8",
    "User-Agent": "Microsoft ADO.NET Data Services",
}


def test_the_console_sample_imports_and_exports(send, client):
    url = send.blob_url(ZERO, GENERATED)
    digest = base64.b64encode(hashlib.md5(PACKAGE).digest()).decode()
    send.put(url + "&api-version=2016-05-31", headers={"x-ms-blob-content-md5": digest})
    members = six(url, "Integration-data-project-01")
    execution = send.value("ImportFromPackage", members, GENERATED)
    assert send.while_in(ALIVE, execution, headers=GENERATED) == "Succeeded"
    members = export_members("", str(uuid.uuid5(uuid.NAMESPACE_URL, "package")))
    execution = send.value("ExportToPackage", members, GENERATED)
    assert send.while_in(ALIVE, execution, headers=GENERATED) in GOOD
    url = send.value("GetExportedPackageUrl", {"executionId": execution}, GENERATED)
    assert len(rows_of(client.get(url + "&api-version=2016-05-31"), "DESCRIPTION")) == 3


def test_the_console_sample_goes_on_after_99_polls_and_finds_no_url(send, d365fo):
    d365fo.load("stuck-executing")
    execution = send.value("ExportToPackage", export_members(""), GENERATED)
    assert send.while_in(ALIVE, execution) == "Executing"
    assert d365fo.executions.only().polls == 99
    assert send.value("GetExportedPackageUrl", {"executionId": execution}) == ""


# 2 and 3. The Logic App samples, without the connector.


def import_of_the_logic_app(send):
    headers = {"Content-Type": "application/octet-stream", "x-ms-version": "2015-02-21"}
    url = send.uploaded("USMF_groups.zip", put_headers=headers)
    members = {
        "definitionGroupId": "ImportFlow01",
        "execute": True,
        "legalEntityId": "USMF",
        "overwrite": True,
        "packageUrl": url,
    }
    execution = send.value("ImportFromPackage", members)
    for _ in range(60):
        state = send.state(execution)
        if "Succeeded" in state:
            break
    return state


def test_the_import_flow_sends_no_execution_id(send):
    assert import_of_the_logic_app(send) == "Succeeded"


@pytest.mark.parametrize(
    ("scenario", "state"), [("partially-succeeded", "PartiallySucceeded"), ("failed", "Failed")]
)
def test_the_import_flow_ends_with_a_part_and_never_with_a_failure(send, d365fo, scenario, state):
    d365fo.load(scenario)
    assert import_of_the_logic_app(send) == state
    assert (d365fo.executions.only().polls == 60) == (state == "Failed")


@pytest.mark.parametrize("prefix", ["", "/namespaces/1b0e7f5e-9d11-4d7c-8f6e-6c0a8f6f2f10"])
def test_the_export_flow_wants_an_id_and_a_url_that_begins_with_https(send, client, d365fo, prefix):
    client.base = d365fo.https_url
    wanted = str(uuid.uuid5(uuid.NAMESPACE_URL, "execution"))
    members = export_members(wanted, "talent_package.zip", re_execute=True)
    assert send.value("ExportToPackage", members, prefix=prefix) != ZERO
    assert send.while_in(("any",), wanted, most=1) in ALIVE
    assert send.while_in(ALIVE, wanted) == "Succeeded"
    url = send.url_until(bool, "GetExportedPackageUrl", {"executionId": wanted})
    assert url.startswith("https")
    assert client.get(url).startswith(b"PK")


@pytest.mark.d365fo(environment={"version": 1, "settings": {"unknownProject": "zeroGuid"}})
def test_the_export_flow_repeats_while_the_id_is_zero(send):
    answers = [send.value("ExportToPackage", export_members(ZERO)) for _ in range(3)]
    assert answers == [ZERO] * 3


# 4 to 6. Recurring Integrations Scheduler: three jobs and the monitor.

SCHEDULER = {"Accept": "application/json", "Content-Type": "application/json; charset=utf-8"}
SCHEDULER_PUT = {"x-ms-date": "Tue, 24 Nov 2026 10:00:00 GMT", "Overwrite": "T"}


def scheduler_import(send, project="RIS"):
    own = f"{project}-2026-11-24_10-00-00-{uuid.uuid5(uuid.NAMESPACE_URL, project)}"
    url = send.uploaded(str(uuid.uuid5(uuid.NAMESPACE_URL, own)), SCHEDULER, SCHEDULER_PUT)
    return own, send.value("ImportFromPackage", six(url, project, own), SCHEDULER)


def test_the_scheduler_imports_under_an_id_of_its_own_and_the_monitor_sees_it(send):
    own, execution = scheduler_import(send)
    assert execution == own
    assert send.while_in(ALIVE, execution, headers=SCHEDULER) == "Succeeded"  # once in each run
    page = send.value("GetExecutionSummaryPageUrl", {"executionId": execution}, SCHEDULER)
    assert re.match("https?://", page)


def test_the_monitor_of_the_scheduler_fetches_error_keys_by_the_labels_of_the_manifest(
    send, client, d365fo
):
    refuse_first_row(d365fo)
    _own, execution = scheduler_import(send)
    assert send.while_in(ALIVE, execution) == "PartiallySucceeded"
    (name,) = entity_names(PACKAGE)
    members = {"executionId": execution, "entityName": name}
    assert send.value("GenerateImportTargetErrorKeysFile", members, SCHEDULER) is True
    url = send.url_until(bool, "GetImportTargetErrorKeysFileUrl", members)
    assert client.get(url).decode("utf-8-sig").splitlines() == ["CUSTOMERGROUPID", "10"]
    saved = send.post("GetExecutionErrors", {"executionId": execution}, SCHEDULER).text
    assert "refused" in saved


def test_the_scheduler_exports_with_its_own_id_and_ends_at_a_record_not_written_yet(send, d365fo):
    own = str(uuid.uuid5(uuid.NAMESPACE_URL, "export"))
    assert send.post("ExportToPackage", export_members(own, own), SCHEDULER).status_code == 200
    assert send.while_in((*ALIVE, "Bad request"), own, headers=SCHEDULER) == "Succeeded"
    assert send.url_until(bool, "GetExportedPackageUrl", {"executionId": own})
    d365fo.load("not-found-then-ok")
    send.value("ExportToPackage", export_members("second"), SCHEDULER)
    answer = send.post("GetExecutionSummaryStatus", {"executionId": "second"}, SCHEDULER)
    assert (answer.status_code, answer.reason) == (400, "Bad Request")  # it throws here


@pytest.mark.parametrize("state", ["Failed", "Canceled", "Unknown"])
def test_the_scheduler_throws_at_these_states(send, d365fo, state):
    d365fo.on(action="ExportToPackage").timeline({"state": state})
    execution = send.value("ExportToPackage", export_members("own"), SCHEDULER)
    assert send.while_in((*ALIVE, "Bad request"), execution) == state
