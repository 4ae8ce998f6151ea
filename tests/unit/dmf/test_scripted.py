"""Row errors that scenarios ask for: which rows they hit."""

from __future__ import annotations

import pytest

from d365fo_emulator.dmf.scripted import errors_for
from d365fo_emulator.entities.model import EntityType, Field, FieldType
from d365fo_emulator.entities.store import RowError, Stage
from d365fo_emulator.scenarios.model import ScriptedRowError

pytestmark = pytest.mark.evidence("inferred")

FIELDS = (
    Field("AccountNum", "ACCOUNT", FieldType.STRING, "Account"),
    Field("Amount", "AMOUNT", FieldType.REAL, "Amount"),
    Field("Lines", "LINES", FieldType.INT, "Lines"),
    Field("Opened", "OPENED", FieldType.DATE, "Opened"),
    Field("ChangedAt", "CHANGEDAT", FieldType.DATETIME, "Changed at"),
    Field("At", "AT", FieldType.TIME, "At"),
    Field("Blocked", "BLOCKED", FieldType.NOYES, "Blocked"),
    Field("Kind", "KIND", FieldType.ENUM, "Kind", enum=("None", "Person")),
)
ENTITY = EntityType(
    label="Customer groups",
    name="CustCustomerGroupEntity",
    collection="CustomerGroups",
    staging="CustCustomerGroupStaging",
    per_company=True,
    keys=("AccountNum",),
    fields=FIELDS,
)
ROWS = (
    ("A-1", 10.0, 1, "2026-01-31", "2026-01-31 10:00:00", 3600, "Yes", "Person"),
    ("a-1", 0.5, 2, "2026-02-01", "2026-02-01 00:00:00", 0, "No", "None"),
    ("", -3.25, 3, "1900-01-01", "1900-01-01 00:00:00", 59, "No", "None"),
    (None, None, None, None, None, None, None, None),
    ("B", 10.0, 1, "2026-01-31", "2026-01-31 10:00:01", 3600, "Yes", "Person"),
)
FIRST = 1001  # a batch is not the file's first


def rows_hit(*scripts, stage=Stage.TARGET, fields=FIELDS):
    numbers = range(FIRST, FIRST + len(ROWS))
    columns = list(zip(*ROWS, strict=True))[: len(fields)]
    found = errors_for(scripts, ENTITY, stage, fields, numbers, columns)
    return [error.row - FIRST for error in found]


def where(**values):
    return ScriptedRowError("bad", where=values)


@pytest.mark.parametrize(("row", "hit"), [(FIRST, [0]), (FIRST + 4, [4]), (FIRST + 5, []), (1, [])])
def test_a_row_is_counted_from_the_start_of_the_file(row, hit):
    assert rows_hit(ScriptedRowError("bad", row=row)) == hit


@pytest.mark.parametrize(
    ("every", "hit"), [(1, [0, 1, 2, 3, 4]), (2, [1, 3]), (1003, [2]), (7, [0]), (5000, [])]
)
def test_every_nth_row_is_counted_from_the_start_of_the_file(every, hit):
    assert rows_hit(ScriptedRowError("bad", every=every)) == hit


def test_without_a_condition_every_row_is_hit():
    assert rows_hit(ScriptedRowError("bad")) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("field", "wanted", "hit"),
    [
        ("ACCOUNT", "A-1", [0, 1]),
        ("ACCOUNT", "b", [4]),
        ("ACCOUNT", "A", []),
        ("ACCOUNT", "A*", []),
        ("ACCOUNT", "", [2, 3]),
        ("AMOUNT", "10", [0, 4]),
        ("AMOUNT", "10.000000", [0, 4]),
        ("AMOUNT", ".5", [1]),
        ("AMOUNT", "-3.250", [2]),
        ("AMOUNT", "ten", []),
        ("AMOUNT", "0", []),
        ("LINES", "2", [1]),
        ("LINES", "3", [2]),
        ("OPENED", "2026-01-31", [0, 4]),
        ("OPENED", "2026-01-31 00:00:00", [0, 4]),
        ("CHANGEDAT", "2026-01-31 10:00:00", [0]),
        ("CHANGEDAT", "2026-01-31", []),
        ("AT", "01:00:00", [0, 4]),
        ("AT", "3600", [0, 4]),
        ("BLOCKED", "yes", [0, 4]),
        ("KIND", "person", [0, 4]),
        ("KIND", "", [3]),
    ],
)
def test_where_compares_values_as_files_write_them(field, wanted, hit):
    assert rows_hit(where(**{field: wanted})) == hit


@pytest.mark.parametrize("name", ["ACCOUNT", "account", "AccountNum", "ACCOUNTNUM"])
def test_fields_are_named_as_in_files_or_as_in_odata_in_any_letter_case(name):
    assert rows_hit(where(**{name: "B"})) == [4]


@pytest.mark.parametrize(
    ("values", "hit"),
    [
        ({"AMOUNT": "10", "ACCOUNT": "b"}, [4]),
        ({"AMOUNT": "10", "ACCOUNT": "none"}, []),
        ({"AMOUNT": "10", "UNHEARD": "10"}, []),
    ],
)
def test_several_values_must_all_be_there_and_a_field_that_is_not_hits_none(values, hit):
    assert rows_hit(where(**values)) == hit


def test_a_field_that_the_file_does_not_have_hits_none():
    assert rows_hit(where(KIND="Person"), fields=FIELDS[:2]) == []


@pytest.mark.parametrize(
    ("globs", "hits"),
    [
        (("*",), True),
        (("Customer groups",), True),
        (("CUSTOMER GROUPS",), True),
        (("CustCustomerGroupEntity",), True),
        (("customergroups",), True),
        (("Customer*",), True),
        (("Vend*", "Cust*Entity"), True),
        (("Customer",), False),
        (("CustCustomerGroupStaging",), False),
        (("Vend*",), False),
        ((), False),
    ],
)
def test_an_entity_is_named_by_label_aot_name_or_collection(globs, hits):
    assert bool(rows_hit(ScriptedRowError("bad", entity=globs))) is hits


@pytest.mark.parametrize("stage", list(Stage))
def test_an_error_comes_in_its_own_stage_alone(stage):
    scripts = [ScriptedRowError(f"bad at {one}", row=FIRST, stage=one, field="X") for one in Stage]
    found = errors_for(scripts, ENTITY, stage, FIELDS[:1], [FIRST], [["A"]])
    assert found == [RowError(FIRST, stage, "X", f"bad at {stage}")]


def test_each_script_that_hits_gives_its_own_error_in_the_order_of_the_script():
    scripts = [ScriptedRowError("first", every=2), ScriptedRowError("second", row=FIRST + 1)]
    found = errors_for(scripts, ENTITY, Stage.TARGET, FIELDS[:1], [FIRST + 1], [["A"]])
    assert [error.message for error in found] == ["first", "second"]


def test_a_batch_without_rows_has_no_errors():
    columns = [[] for _ in FIELDS]
    script = [ScriptedRowError("bad"), where(KIND="Person")]
    assert errors_for(script, ENTITY, Stage.TARGET, FIELDS, [], columns) == []
