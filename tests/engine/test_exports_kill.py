"""A server that is killed in the middle of an export makes the package after its next start."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from builders import Table, package
from job_tools import GROUPS, Client, rows_of

SERVER = Path(__file__).with_name("serve_one.py")
ROWS = 30_000
PROJECT = "Killed export"
TABLE = Table(
    GROUPS,
    ("CUSTOMERGROUPID", "DESCRIPTION"),
    tuple((f"{number:06}", "text") for number in range(ROWS)),
    "CustCustomerGroupEntity",
)
KEYS = [f"{number:06}" for number in range(ROWS) if (number + 1) % 97]


@contextlib.contextmanager
def running(folder):
    process = subprocess.Popen(
        [sys.executable, SERVER, folder], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        config = json.loads(process.stdout.readline())
        with Client(config, base=config["http"]) as client:
            yield process, client
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def begin(client, **changes):
    members = {
        "definitionGroupId": PROJECT,
        "packageName": "killed",
        "executionId": "",
        "reExecute": False,
        "legalEntityId": "USMF",
        "entityList": "",
    }
    return client.value("ExportToPackageDelta", **(members | changes))


def export(client, wait_until):
    execution = begin(client)
    wait_until(lambda: client.state(execution) == "Succeeded")
    return [key for (key,) in rows_of(client.exported(execution), "CUSTOMERGROUPID")]


@pytest.mark.evidence("inferred")
def test_an_export_that_was_killed_gives_its_whole_package_later_and_no_half_one(
    tmp_path, wait_until
):
    with running(tmp_path) as (_process, client):
        imported = client.import_package(package(TABLE))
        wait_until(lambda: client.state(imported) == "PartiallySucceeded", seconds=60)
        template = client.upload(package(TABLE, without=[TABLE.file]), name="template.zip")
        client.value(
            "ExportFromPackage",
            packageUrl=template,
            definitionGroupId=PROJECT,
            executionId="",
            execute=False,
            overwrite=True,
            legalEntityId="USMF",
        )
    for polls in (0, 8):
        execution = f"after {polls} polls"
        with running(tmp_path) as (process, client):
            begin(client, executionId=execution)
            for _ in range(polls):
                client.state(execution)
            process.kill()
            process.wait()
        with running(tmp_path) as (_process, client):
            url = client.value("GetExportedPackageUrl", executionId=execution)
            wait_until(lambda: client.state(execution) == "Succeeded")  # noqa: B023  used at once
            for content in {client.get(url) if url else b"", client.exported(execution)} - {b""}:
                found = [key for (key,) in rows_of(content, "CUSTOMERGROUPID")]
                assert found == KEYS
            client.value(
                "ResetVersionToken", definitionGroupId=PROJECT, entityName=GROUPS, sourceName=""
            )
            assert export(client, wait_until) == KEYS
            client.value(
                "ResetVersionToken", definitionGroupId=PROJECT, entityName=GROUPS, sourceName=""
            )
