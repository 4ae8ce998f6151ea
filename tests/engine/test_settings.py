"""Settings of the environment file that no other test of the whole way changes."""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import io
import json
import sys
import zipfile
from pathlib import Path

import openpyxl
import pytest

from builders import package
from d365fo_emulator import Emulator
from d365fo_emulator.packages.formats.excel import DUMMY_TEXT
from job_tools import EXPORT_GROUPS, Client, Refused

FIXTURES = Path(__file__).parents[2] / "fixtures" / "packages"


def claims(token):
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize("seconds", [1, 90])
def test_an_execution_is_not_run_until_it_is_taken_up(open_job, seconds):
    view, client = open_job({"takeUpAfterSeconds": seconds}, clock="virtual")
    execution = client.import_package(package())
    view.clock.advance(dt.timedelta(seconds=seconds - 0.5))
    assert client.state(execution) == "NotRun"
    view.clock.advance("1s")
    assert client.state(execution) == "Executing"


@pytest.mark.evidence("documented")
@pytest.mark.parametrize("dummy", [True, False])
def test_workbooks_may_begin_with_a_row_of_dummy_texts(job_of, dummy):
    project = {
        "name": EXPORT_GROUPS,
        "operation": "Export",
        "entities": [{"entity": "Customer groups", "format": "EXCEL"}],
    }
    settings = {"excelDummyRow": dummy}
    _view, client = job_of({"version": 1, "dataProjects": [project], "settings": settings})
    client.poll(client.import_package(package()))
    execution = client.export()
    client.poll(execution)
    with zipfile.ZipFile(io.BytesIO(client.exported(execution))) as archive:
        content = archive.read("Customer groups.xlsx")
    rows = list(openpyxl.load_workbook(io.BytesIO(content)).active.iter_rows(values_only=True))
    assert len(rows) == 4 + dummy
    assert any(str(value).startswith(DUMMY_TEXT[:40]) for value in rows[1]) == dummy


@pytest.mark.evidence("inferred")
def test_workbooks_beyond_the_memory_for_sheets_are_read_as_a_stream(job_of, monkeypatch):
    monkeypatch.setitem(sys.modules, "python_calamine", None)  # what reads sheets at once
    _view, client = job_of({"version": 1, "settings": {"sheetMemoryMiB": 0}})
    execution = client.import_package((FIXTURES / "customer-groups-excel.zip").read_bytes())
    assert client.poll(execution)[-1] == "Succeeded"


@pytest.mark.evidence("documented")
@pytest.mark.parametrize("issuer", ["sts", "emulator"])
def test_tokens_say_who_issued_them(open_job, issuer):
    _view, client = open_job({"tokenIssuer": issuer})
    told = claims(client.token)["iss"]
    assert told.startswith(client.base if issuer == "emulator" else "https://sts.windows.net/")


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize("allowed", [True, False])
def test_tokens_for_any_resource_are_issued_where_that_is_set(open_job, allowed):
    _view, client = open_job({"anyResource": allowed})
    with contextlib.nullcontext() if allowed else pytest.raises(Refused):
        assert client.new_token(resource="https://elsewhere.example")


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize("allowed", [True, False])
def test_tokens_of_any_tenant_are_issued_where_that_is_set(allowed):
    # A tenant that nobody has leads to the workspace that the server begins with.
    with Emulator(environment={"version": 1, "settings": {"anyTenant": allowed}}) as emulator:
        config = emulator.client_config() | {"tenant_id": "99999999-2222-4333-8444-555555555555"}
        with (
            Client(config) as client,
            contextlib.nullcontext() if allowed else pytest.raises(Refused, match="AADSTS90002"),
        ):
            assert client.new_token()


@pytest.mark.evidence("recorded")
@pytest.mark.parametrize(
    ("separator", "text"), [("space", " Trace ID: "), ("crlf", "\r\nTrace ID: ")]
)
def test_the_trailer_of_token_errors_is_parted_as_set(open_job, separator, text):
    _view, client = open_job({"errorSeparator": separator})
    with pytest.raises(Refused) as refused:
        client.new_token(client_secret="wrong")
    assert text in refused.value.response.json()["error_description"]
