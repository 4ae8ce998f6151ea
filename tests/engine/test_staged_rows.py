"""Staged rows as tests and people see them: what the latest import has left in staging."""

from __future__ import annotations

import pytest

from d365fo_emulator import Emulator
from job_tools import GROUPS, Client
from written_packages import written

pytestmark = pytest.mark.evidence("inferred")
COLUMNS = ("CUSTOMERGROUPID", "DESCRIPTION")
NAME = "CustCustomerGroupEntity"


def groups(*rows):
    return written(GROUPS, NAME, COLUMNS, rows)


@pytest.fixture
def emulator():
    with Emulator() as emulator:
        yield emulator


@pytest.fixture
def client(emulator):
    with Client(emulator.client_config()) as client:
        yield client


def descriptions(rows):
    return {key: row["Description"] for key, row in rows.items()}


def test_staging_holds_the_rows_of_the_latest_import_in_the_order_of_its_file(emulator, client):
    client.poll(client.import_package(groups(("10", "a"), ("20", "b"))))
    client.poll(client.import_package(groups(("30", "c"), ("05", "d")), execute=False))
    staged = emulator.rows(GROUPS, company="USMF", stage="staging")
    assert list(staged) == ["30", "05"]
    assert len(staged) == 2
    assert descriptions(emulator.rows(GROUPS, company="USMF")) == {"10": "a", "20": "b"}


def test_a_row_that_failed_in_the_target_is_still_in_staging(emulator, client):
    client.poll(client.import_package(groups(("10", "a"), ("", "blank"))))
    staged = emulator.rows(GROUPS, company="USMF", stage="staging")
    assert descriptions(staged) == {"10": "a", "": "blank"}


def test_each_company_has_its_own(emulator, client):
    client.poll(client.import_package(groups(("10", "us")), legalEntityId="USMF"))
    client.poll(client.import_package(groups(("10", "de")), legalEntityId="DEMF"))
    assert descriptions(emulator.rows(GROUPS, company="USMF", stage="staging")) == {"10": "us"}
    assert descriptions(emulator.rows(GROUPS, stage="staging")) == {"10": "de"}


def test_nothing_is_staged_before_an_import_or_when_its_load_has_failed(emulator, client):
    assert len(emulator.rows(GROUPS, stage="staging")) == 0
    client.poll(client.import_package(groups(("10", "a"), ("10", "again"))))
    assert len(emulator.rows(GROUPS, stage="staging")) == 0


def test_the_admin_api_pages_through_staging(emulator, client):
    client.poll(client.import_package(groups(("10", "a"), ("20", "b"), ("30", "c"))))
    url = f"{emulator.http_url}/_emulator/v1/rows"
    query = {"entity": GROUPS, "company": "USMF", "stage": "staging", "limit": 1, "offset": 1}
    document = client.session.get(url, params=query).json()
    assert (document["stage"], document["count"]) == ("staging", 3)
    assert [row["CustomerGroupId"] for row in document["rows"]] == ["20"]


def test_another_stage_is_refused(emulator):
    with pytest.raises(ValueError, match="there are target, staging"):
        emulator.rows(GROUPS, stage="middle")
