"""Snapshots of target rows: what an export reads, and what the next one after it."""

import threading

import pytest

from d365fo_emulator.entities.model import EntityType, Field, FieldType
from d365fo_emulator.entities.store import RowQuery
from d365fo_emulator.storage.database import Database, build_file
from d365fo_emulator.storage.entities import SqliteRowStore
from d365fo_emulator.storage.schema import DATA, DATA_VERSION

pytestmark = pytest.mark.evidence("inferred")

GROUP = Field("CustomerGroupId", "CUSTOMERGROUPID", FieldType.STRING, "Customer group", size=10)
DESCRIPTION = Field("Description", "DESCRIPTION", FieldType.STRING, "Description", size=60)
LIMIT = Field("CreditLimit", "CREDITLIMIT", FieldType.REAL, "Credit limit")
FIELDS = (GROUP, DESCRIPTION, LIMIT)
GROUPS = EntityType(
    label="Customer groups",
    name="CustCustomerGroupEntity",
    collection="CustomerGroups",
    staging="CustCustomerGroupStaging",
    per_company=True,
    keys=("CustomerGroupId",),
    fields=FIELDS,
)


@pytest.fixture
def store(tmp_path):
    path = tmp_path / "data.db"
    build_file(path, DATA, DATA_VERSION)
    database = Database(path, durable=False)
    yield SqliteRowStore(database)
    database.close()


def put(store, *rows, company="USMF"):
    store.put(GROUPS, FIELDS, company, rows)


def keys(store, **query):
    with store.snapshot(GROUPS, [GROUP], RowQuery(**query)) as found:
        return [key for (key,) in found.rows]


def present(store):
    with store.snapshot(GROUPS, [], RowQuery()) as found:
        return found.change


def test_rows_come_in_key_order_without_letter_case_by_company(store):
    put(store, ("b", None, None), ("A", None, None), ("C", None, None))
    put(store, ("a", None, None), company="DEMF")
    assert keys(store, company="usmf") == ["A", "b", "C"]
    assert keys(store) == ["a", "A", "b", "C"]


def test_an_entity_that_nothing_was_written_for_has_no_rows_and_a_change_all_the_same(store):
    with store.snapshot(GROUPS, FIELDS, RowQuery("USMF")) as found:
        assert (found.change, list(found.rows)) == (0, [])


def test_only_rows_written_after_a_change_are_read(store):
    put(store, ("10", "One", 1.0), ("20", "Two", 2.0))
    before = present(store)
    put(store, ("20", "Zwei", 2.0), ("30", "Drei", 3.0))
    assert keys(store, changed_after=before) == ["20", "30"]
    assert keys(store, changed_after=present(store)) == []


def test_what_is_written_while_rows_are_read_is_not_among_them_and_comes_after_their_change(store):
    put(store, ("10", "One", 1.0), ("20", "Two", 2.0))
    with store.snapshot(GROUPS, [GROUP, DESCRIPTION], RowQuery("USMF")) as found:
        first = next(found.rows)
        put(store, ("20", "Zwei", 2.0), ("05", "Five", 5.0))
        rest = list(found.rows)
    assert [first, *rest] == [("10", "One"), ("20", "Two")]
    assert keys(store, changed_after=found.change) == ["05", "20"]


def test_no_write_of_many_threads_falls_between_two_snapshots(store):
    ended = threading.Event()

    def write(thread):
        for number in range(40):
            put(store, (f"{thread}-{number}", None, None))

    def read():
        seen, change = [], 0
        while True:
            last = ended.is_set()
            with store.snapshot(GROUPS, [GROUP], RowQuery(changed_after=change)) as found:
                seen += [key for (key,) in found.rows]
                change = found.change
            if last:
                return seen

    writers = [threading.Thread(target=write, args=(name,)) for name in "abc"]
    collected = []
    reader = threading.Thread(target=lambda: collected.extend(read()))
    for thread in (*writers, reader):
        thread.start()
    for thread in writers:
        thread.join()
    ended.set()
    reader.join()
    assert sorted(collected) == sorted(f"{name}-{n}" for name in "abc" for n in range(40))


@pytest.mark.parametrize(
    ("field", "wanted", "found"),
    [
        (DESCRIPTION, ("two",), ["20"]),
        (DESCRIPTION, ("One", "TWO"), ["10", "20"]),
        (DESCRIPTION, (None,), ["30"]),
        (DESCRIPTION, ("nothing",), []),
        (LIMIT, (2.0,), ["20"]),
        (LIMIT, (0.0,), ["30"]),
        (GROUP, ("10", "30"), ["10", "30"]),
    ],
)
def test_rows_are_chosen_by_value_letter_case_aside(store, field, wanted, found):
    put(store, ("10", "One", 1.0), ("20", "Two", 2.0), ("30", None, None))
    assert keys(store, where=((field, wanted),)) == found


def test_conditions_on_several_fields_hold_together(store):
    put(store, ("10", "One", 1.0), ("20", "One", 2.0), ("30", "Two", 1.0))
    assert keys(store, where=((DESCRIPTION, ("One",)), (LIMIT, (1.0,)))) == ["10"]


def left_by_an_error(store):
    with store.snapshot(GROUPS, FIELDS, RowQuery()) as found:
        next(found.rows)
        raise LookupError


def test_a_snapshot_that_is_left_early_or_by_an_error_keeps_nothing_open(store):
    put(store, ("10", "One", 1.0), ("20", "Two", 2.0))
    with pytest.raises(LookupError):
        left_by_an_error(store)
    put(store, ("30", "Three", 3.0))
    assert keys(store) == ["10", "20", "30"]
