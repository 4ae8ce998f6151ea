"""GetExecutionErrors: what an item stands for, and what it calls its row."""

from __future__ import annotations

import pytest

from builders import CUSTOMER_GROUPS, Table, package

COLUMNS = ("CUSTOMERACCOUNT", "CUSTOMERGROUPID", "SALESCURRENCYCODE")
CUSTOMERS = Table("Customers V3", COLUMNS, (("C1", "Nowhere", ""), ("C2", "10", "USD")))


class TwiceListed(Table):
    """The entity once more, with a file of its own."""

    @property
    def file(self):
        return "More.csv"


def errors(open_job, table, **settings):
    _view, client = open_job(settings=settings)
    execution = client.import_package(package(CUSTOMER_GROUPS, table))
    client.poll(execution)
    return client.errors(execution)


@pytest.mark.evidence("inferred")
def test_each_field_at_fault_has_an_item(open_job):
    found = errors(open_job, CUSTOMERS)
    assert {(one["RecordId"], one["Field"]) for one in found} == {
        ("1", "CUSTOMERGROUPID"),
        ("1", "SALESCURRENCYCODE"),
    }


@pytest.mark.evidence("recorded")
def test_all_lines_of_a_row_are_in_one_item_where_the_setting_says_so(open_job):
    (found,) = errors(open_job, CUSTOMERS, errorItems="row")
    assert (found["RecordId"], found["Field"]) == ("1", "")
    message = found["ErrorMessage"]
    assert message.startswith("\n ")
    assert message.endswith("\r\n")
    lines = message.strip().split("\r\n ")
    assert len(lines) == 3
    assert "Field 'Sales currency code' must be filled in." in lines


@pytest.mark.evidence("client")
def test_rows_are_called_by_their_keys_where_the_setting_says_so(open_job):
    found = errors(open_job, CUSTOMERS, recordId="key", errorItems="row")
    assert [one["RecordId"] for one in found] == ["C1"]


@pytest.mark.evidence("inferred")
def test_a_row_without_key_or_of_a_failed_load_is_called_by_its_number(open_job):
    no_key = Table("Vendor groups", ("VENDORGROUPID", "DESCRIPTION"), (("1", "a"), ("", "b")))
    found = errors(open_job, no_key, recordId="key")
    assert [one["RecordId"] for one in found] == ["2"]
    bad = Table("Customers V3", (*COLUMNS, "CREDITLIMIT"), (("C1", "10", "USD", "x"),))
    found = errors(open_job, bad, recordId="key")
    assert {one["RecordId"] for one in found} == {"0", "1"}


@pytest.mark.evidence("inferred")
def test_rows_of_an_entity_listed_twice_have_the_keys_of_their_own_file(open_job):
    first = Table("Customers V3", COLUMNS, (("C1", "10", "USD"),))
    twice = TwiceListed("Customers V3", COLUMNS, (("C9", "10", ""),))
    _view, client = open_job(settings={"recordId": "key"})
    execution = client.import_package(package(CUSTOMER_GROUPS, first, twice))
    client.poll(execution)
    assert [one["RecordId"] for one in client.errors(execution)] == ["C9"]
