"""Answers as the vendor's generated client, Microsoft.OData.Client, demands them.

It was measured to refuse: another context than the exact one, a missing or relative one, null, any
further member, numbers for the enumeration, OData-Version 4.01, 204 and a missing Content-Type.
"""

import json
import re

import pytest

import job_tools
from builders import package

pytestmark = [pytest.mark.evidence("client"), pytest.mark.d365fo(environment=job_tools.ENVIRONMENT)]

STATES = {
    "Unknown",
    "NotRun",
    "Executing",
    "Succeeded",
    "PartiallySucceeded",
    "Failed",
    "Canceled",
}
SUMMARY = "Microsoft.Dynamics.DataEntities.DMFExecutionSummaryStatus"


def read_strictly(answer, base, kind="Edm.String"):
    """The value, or an assertion where the client would throw."""
    assert answer.status_code == 200, answer.text
    assert re.match(
        r"application/json;\s*odata\.metadata=minimal\b", answer.headers["Content-Type"]
    )
    assert answer.headers["OData-Version"] == "4.0"
    members = json.loads(answer.content.decode("utf-8"))
    assert list(members) == ["@odata.context", "value"]
    assert members["@odata.context"] == f"{base}/data/$metadata#{kind}"
    assert members["value"] is not None
    return members["value"]


@pytest.mark.parametrize("prefix", ["", "/namespaces/AXSF"], ids=["cloud", "on-premises"])
@pytest.mark.parametrize("scheme", ["https", "http"])
def test_every_answer_of_the_main_job_is_read_by_the_strict_client(d365fo, client, scheme, prefix):
    client.base = {"https": d365fo.https_url, "http": d365fo.http_url}[scheme]
    assert client.token
    client.base += prefix
    base = client.base

    def read(action, kind="Edm.String", **members):
        return read_strictly(client.answer(action, **members), base, kind)

    written = json.loads(read("GetAzureWriteUrl", uniqueFileName="a.zip"))
    assert list(written) == ["BlobId", "BlobUrl"]
    client.put(written["BlobUrl"], package())
    taken_in = read(
        "ImportFromPackage",
        packageUrl=written["BlobUrl"],
        definitionGroupId="Import groups",
        executionId="",
        execute=True,
        overwrite=True,
        legalEntityId="USMF",
    )
    given_out = read(
        "ExportToPackage",
        definitionGroupId=job_tools.EXPORT_GROUPS,
        packageName="groups",
        executionId="",
        reExecute=False,
        legalEntityId="USMF",
    )
    assert read("GetExportedPackageUrl", executionId=given_out) == ""  # not ready: never null
    for execution in (taken_in, given_out):
        seen = set()
        while "Succeeded" not in seen and len(seen) < 5:
            seen.add(read("GetExecutionSummaryStatus", SUMMARY, executionId=execution))
        assert seen <= STATES
        assert read("GetExecutionErrors", executionId=execution) == "[]"
    address = client.base.removesuffix(prefix)
    assert read("GetExportedPackageUrl", executionId=given_out).startswith(address)


@pytest.mark.parametrize("state", sorted(STATES))
def test_states_are_spelt_as_members_of_the_enumeration(d365fo, client, state):
    d365fo.on(action="Import*").timeline({"state": state})
    execution = client.import_package(package())
    client.poll(execution, most=3)
    answer = client.answer("GetExecutionSummaryStatus", executionId=execution)
    assert read_strictly(answer, client.base, SUMMARY) == state


def test_headers_of_the_generated_client_change_nothing(client):
    assert client.token
    client.session.headers.update(
        {
            "Accept": "application/json;odata.metadata=minimal",
            "OData-Version": "4.0",
            "OData-MaxVersion": "4.0",
            "Content-Type": "application/json;odata.metadata=minimal",
            "Accept-Charset": "UTF-8",
            "Prefer": "odata.include-annotations=*",
        }
    )
    answer = client.answer("GetAzureWriteUrl", uniqueFileName="a")
    assert read_strictly(answer, client.base)


@pytest.mark.parametrize(
    ("path", "phrase"), [("/data/Nothing", "Not Found"), ("/data", "OK")], ids=["refused", "good"]
)
def test_the_phrase_of_a_status_is_spelt_as_clients_show_it(client, path, phrase):
    headers = {"Authorization": f"Bearer {client.token}"}
    assert client.session.get(client.base + path, headers=headers).reason == phrase
