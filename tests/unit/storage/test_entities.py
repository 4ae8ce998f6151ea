"""The row store: staging, target, errors and progress, and what a crash or a reader sees."""

import dataclasses
import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from d365fo_emulator.entities.model import EntityType, Field, FieldType, Origin
from d365fo_emulator.entities.numbering import NumberSequence
from d365fo_emulator.entities.store import EntityProgress, RowError, Stage
from d365fo_emulator.kernel.workspace import ExecutionId
from d365fo_emulator.storage import import_state
from d365fo_emulator.storage.database import Database, build_file
from d365fo_emulator.storage.entities import SqliteRowStore
from d365fo_emulator.storage.schema import DATA, DATA_VERSION

pytestmark = pytest.mark.evidence("inferred")

RUN = ExecutionId("run-1")
SECOND_RUN = ExecutionId("run-2")

GROUP = Field("CustomerGroupId", "CUSTOMERGROUPID", FieldType.STRING, "Customer group", size=10)
DESCRIPTION = Field("Description", "DESCRIPTION", FieldType.STRING, "Description", size=60)
LIMIT = Field("CreditLimit", "CREDITLIMIT", FieldType.REAL, "Credit limit")
GROUPS = EntityType(
    label="Customer groups",
    name="CustCustomerGroupEntity",
    collection="CustomerGroups",
    staging="CustCustomerGroupStaging",
    per_company=True,
    keys=("CustomerGroupId",),
    fields=(GROUP, DESCRIPTION, LIMIT),
)
FIELDS = (GROUP, DESCRIPTION, LIMIT)

JOURNAL = Field("Journal", "JOURNAL", FieldType.STRING, "Journal")
LINE = Field("LineNumber", "LINENUMBER", FieldType.REAL, "Line number", decimals=16)
LINES = EntityType(
    label="Journal lines",
    name="LedgerJournalLineEntity",
    collection="JournalLines",
    staging="LedgerJournalLineStaging",
    per_company=True,
    keys=("Journal", "LineNumber"),
    fields=(JOURNAL, LINE, DESCRIPTION),
)

CODE = Field("CurrencyCode", "CURRENCYCODE", FieldType.STRING, "Currency code", size=3)
CURRENCIES = EntityType(
    label="Currencies",
    name="CurrencyEntity",
    collection="Currencies",
    staging="CurrencyStaging",
    per_company=False,
    keys=("CurrencyCode",),
    fields=(CODE, DESCRIPTION),
)


@pytest.fixture
def database(tmp_path):
    path = tmp_path / "data.db"
    build_file(path, DATA, DATA_VERSION)
    database = Database(path, durable=False)
    yield database
    database.close()


@pytest.fixture
def store(database):
    return SqliteRowStore(database)


def stage(store, rows, execution=RUN, entity=GROUPS, fields=FIELDS, errors=(), first=1):
    store.prepare(entity)
    columns = list(zip(*rows, strict=True)) if rows else [[] for _ in fields]
    store.stage(execution, entity, fields, first, columns, list(errors))


def load(store, rows, execution=RUN, entity=GROUPS, fields=FIELDS, company="USMF", **options):
    stage(store, rows, execution, entity, fields)
    store.finish_staging(execution, entity, failed=False)
    return store.upsert(execution, entity, fields, company, **options)


def target(store, entity=GROUPS, company="USMF"):
    return list(store.rows(entity, entity.fields, company))


def failed(row, text="bad", stage=Stage.TARGET):
    return RowError(row, stage, "DESCRIPTION", text)


# Number sequences

NUMBERED = dataclasses.replace(GROUP, size=20)
NUMBERS = [NumberSequence(NUMBERED, "USMF")]
NUMBERED_FIELDS = (NUMBERED, *FIELDS[1:])


def number(store, rows, execution=RUN, first=1, sequences=NUMBERS):
    """Stages a batch whose blank keys are filled; gives the keys of all rows of the execution."""
    store.prepare(GROUPS)
    columns = list(zip(*rows, strict=True))
    store.stage(execution, GROUPS, NUMBERED_FIELDS, first, columns, [], sequences)
    return [key for _, (keys,) in store.staged(execution, GROUPS, (GROUP,)) for key in keys]


def test_blank_cells_take_the_next_numbers_of_their_company(store):
    rows = [("", "a", 1.0), ("20", "b", 1.0), (None, "c", 1.0)]
    assert number(store, rows) == ["USMF-000001", "20", "USMF-000002"]
    third = number(store, [("", "d", 1.0)], first=4)[3]
    assert third == "USMF-000003"
    assert number(store, rows, SECOND_RUN)[2] == "USMF-000005"
    elsewhere = [NumberSequence(NUMBERED, "DEMF")]
    assert number(store, rows, ExecutionId("run-3"), sequences=elsewhere)[0] == "DEMF-000001"


def test_numbers_of_a_batch_that_was_not_kept_are_given_again(store, monkeypatch):
    number(store, [("", "a", 1.0)])
    with monkeypatch.context() as patch:
        patch.setattr(import_state, "write_errors", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            number(store, [("", "b", 1.0)], first=2)
    assert number(store, [("", "b", 1.0)], first=2) == ["USMF-000001", "USMF-000002"]


def test_numbered_rows_are_found_by_their_numbers_in_the_target(store):
    number(store, [("", "a", 1.0), ("", "b", 1.0)])
    store.finish_staging(RUN, GROUPS, failed=False)
    assert list(store.duplicate_rows(RUN, GROUPS, "USMF")) == []
    store.upsert(RUN, GROUPS, FIELDS, "USMF")
    assert store.exists(GROUPS, GROUP, "usmf-000002", "USMF")


def test_sequences_begin_anew_when_everything_is_cleared(store):
    number(store, [("", "a", 1.0)])
    store.clear()
    assert number(store, [("", "a", 1.0)]) == ["USMF-000001"]


# Staging


def test_staged_rows_come_back_in_the_order_of_the_file_by_batches(store):
    stage(store, [("30", "c", 3.0), ("10", "a", 1.0)])
    stage(store, [("20", "b", None)], first=3)
    assert list(store.staged(RUN, GROUPS, FIELDS, batch=2)) == [
        ([1, 2], [["30", "10"], ["c", "a"], [3.0, 1.0]]),
        ([3], [["20"], ["b"], [None]]),
    ]
    assert list(store.staged(RUN, GROUPS, (GROUP,), after_row=2)) == [([3], [["20"]])]
    assert store.progress(RUN, GROUPS) == EntityProgress(staged=3)


def test_rows_of_two_executions_do_not_mix_in_staging(store):
    stage(store, [("10", "a", 1.0)])
    stage(store, [("20", "b", 2.0)], execution=SECOND_RUN)
    assert list(store.staged(SECOND_RUN, GROUPS, (GROUP,))) == [([1], [["20"]])]


def test_an_execution_id_is_text_in_which_letter_case_counts(store):
    stage(store, [("10", "a", 1.0)])
    assert store.progress(ExecutionId("RUN-1"), GROUPS) == EntityProgress()
    assert list(store.staged(ExecutionId("RUN-1"), GROUPS, FIELDS)) == []


def test_a_batch_that_fails_leaves_neither_rows_nor_errors_nor_progress(store):
    stage(store, [("10", "a", 1.0)])
    with pytest.raises(Exception, match="UNIQUE"):
        stage(store, [("20", "b", 2.0)], errors=[failed(1)])
    assert store.progress(RUN, GROUPS).staged == 1
    assert list(store.errors(RUN)) == []


def test_a_failed_load_removes_the_staged_rows_and_keeps_the_errors_and_the_count(store):
    stage(store, [("10", "a", 1.0)], errors=[failed(1, stage=Stage.STAGING)])
    store.finish_staging(RUN, GROUPS, failed=True)
    assert list(store.staged(RUN, GROUPS, FIELDS)) == []
    assert store.progress(RUN, GROUPS) == EntityProgress(staged=1, staging_done=True)
    assert store.count_failed_rows(RUN, GROUPS, Stage.STAGING) == 1


def test_a_file_without_rows_is_staged_and_written_as_nothing(store):
    progress = load(store, [])
    assert progress == EntityProgress(staging_done=True, target_done=True)
    assert target(store) == []


# Keys


def test_rows_with_a_key_that_came_before_are_named_letter_case_aside(store):
    stage(store, [("a", "1", 0.0), ("b", "2", 0.0), ("A", "3", 0.0), ("a", "4", 0.0)])
    assert list(store.duplicate_rows(RUN, GROUPS, "USMF")) == [3, 4]


def test_letter_case_is_folded_beyond_ascii(store):
    load(store, [("STRAßE", "x", 0.0)])
    load(store, [("strasse", "y", 0.0)], execution=SECOND_RUN)
    assert target(store) == [("STRAßE", "y", 0.0)]


def test_parts_of_a_key_do_not_run_into_one_another(store):
    rows = [("a", 1.0, "x"), ("a1", 0.0, "y")]
    stage(store, rows, entity=LINES, fields=LINES.fields)
    assert list(store.duplicate_rows(RUN, LINES, "USMF")) == []


def test_rows_without_any_part_of_a_key_are_no_duplicates_of_each_other(store):
    stage(store, [("", "a", 1.0), (None, "b", 1.0), ("", "c", 1.0), ("1", "", 1.0), ("1", "", 1.0)])
    assert list(store.duplicate_rows(RUN, GROUPS, "USMF")) == [5]


def test_numbers_in_a_key_are_ordered_as_numbers(store):
    numbers = [10.0, 2.0, -1.0, 0.5, -20.0, 0.0]
    rows = [("J1", number, "") for number in numbers]
    load(store, rows, entity=LINES, fields=LINES.fields)
    assert [row[1] for row in target(store, LINES)] == sorted(numbers)


def test_a_key_keeps_the_spelling_it_came_with_first(store):
    load(store, [("Retail", "a", 1.0)])
    load(store, [("RETAIL", "b", 2.0)], execution=SECOND_RUN)
    assert target(store) == [("Retail", "b", 2.0)]


# Target


def test_created_and_updated_rows_are_counted_apart(store):
    first = load(store, [("10", "a", 1.0), ("20", "b", 2.0)])
    second = load(store, [("20", "c", 3.0), ("30", "d", 4.0)], execution=SECOND_RUN, chunk=1)
    assert (first.created, first.updated) == (2, 0)
    assert (second.created, second.updated) == (1, 1)
    assert target(store) == [("10", "a", 1.0), ("20", "c", 3.0), ("30", "d", 4.0)]


def test_an_update_leaves_fields_that_the_file_does_not_have(store):
    load(store, [("10", "a", 1.0)])
    load(store, [("10", "b")], execution=SECOND_RUN, fields=(GROUP, DESCRIPTION))
    assert target(store) == [("10", "b", 1.0)]


@pytest.mark.evidence("client")
def test_a_staged_none_leaves_what_the_target_has(store):
    load(store, [("10", "a", 1.0)])
    load(store, [("10", None, 2.0)], execution=SECOND_RUN)
    assert target(store) == [("10", "a", 2.0)]


@pytest.mark.evidence("documented")
def test_a_row_with_an_error_is_not_written_and_others_are(store):
    stage(store, [("10", "a", 1.0), ("20", "b", 2.0), ("30", "c", 3.0)], errors=[failed(1)])
    store.finish_staging(RUN, GROUPS, failed=False)
    store.add_errors(RUN, GROUPS, [failed(3), failed(3, "worse")])
    progress = store.upsert(RUN, GROUPS, FIELDS, "USMF")
    assert (progress.created, progress.updated, progress.target_done) == (1, 0, True)
    assert target(store) == [("20", "b", 2.0)]
    assert store.count_failed_rows(RUN, GROUPS, Stage.TARGET) == 2


def test_one_key_in_two_companies_makes_two_rows(store):
    load(store, [("10", "a", 1.0)], company="USMF")
    load(store, [("10", "b", 2.0)], execution=SECOND_RUN, company="DEMF")
    assert target(store, company="USMF") == [("10", "a", 1.0)]
    assert target(store, company="demf") == [("10", "b", 2.0)]
    assert (store.count(GROUPS), store.count(GROUPS, "usmf")) == (2, 1)


def test_a_shared_entity_has_its_rows_in_every_company(store):
    rows = [("USD", "dollar")]
    load(store, rows, entity=CURRENCIES, fields=CURRENCIES.fields, company="USMF")
    again = load(
        store, rows, SECOND_RUN, entity=CURRENCIES, fields=CURRENCIES.fields, company="DEMF"
    )
    assert (again.created, again.updated) == (0, 1)
    assert target(store, CURRENCIES, "GBSI") == [("USD", "dollar")]
    assert store.exists(CURRENCIES, CODE, "usd", "GBSI")


def test_target_rows_come_in_key_order_whatever_the_order_of_the_file(store):
    load(store, [("b", "", 0.0), ("C", "", 0.0), ("a", "", 0.0), ("B1", "", 0.0)], chunk=2)
    assert [row[0] for row in target(store)] == ["a", "b", "B1", "C"]


def test_the_target_step_ends_early_when_told_and_goes_on_later(store):
    answers = iter([True, False])
    rows = [(f"{number:02}", "", 0.0) for number in range(10)]
    progress = load(store, rows, chunk=4, go_on=lambda: next(answers))
    assert (progress.ordered_through, progress.target_done) == (4, False)
    assert store.count(GROUPS) == 4
    progress = store.upsert(RUN, GROUPS, FIELDS, "USMF", chunk=4)
    assert (progress.created, progress.updated, progress.target_done) == (10, 0, True)


@pytest.mark.parametrize("stop_after", range(6))
def test_a_restart_from_any_point_gives_what_an_uninterrupted_run_gives(
    database, store, stop_after
):
    rows = [(f"{number * 7 % 11:02}", f"row {number}", 1.0) for number in range(11)]
    load(store, [("03", "old", 0.0), ("99", "old", 0.0)], execution=SECOND_RUN)
    stage(store, rows[:6])
    restarted = SqliteRowStore(database)
    staged = restarted.progress(RUN, GROUPS).staged
    stage(restarted, rows[staged:], first=staged + 1, errors=[failed(2)])
    restarted.finish_staging(RUN, GROUPS, failed=False)
    turns = iter([True] * stop_after + [False])
    restarted.upsert(RUN, GROUPS, FIELDS, "USMF", chunk=2, go_on=lambda: next(turns))
    progress = SqliteRowStore(database).upsert(RUN, GROUPS, FIELDS, "USMF", chunk=3)
    assert (progress.created, progress.updated, progress.target_done) == (9, 1, True)
    good = sorted((key, text, number) for key, text, number in rows if text != "row 1")
    assert target(store) == [*good, ("99", "old", 0.0)]


def test_a_finished_target_step_does_nothing_when_run_again(store):
    first = load(store, [("10", "a", 1.0)])
    store.put(GROUPS, FIELDS, "USMF", [("10", "changed", 5.0)])
    assert store.upsert(RUN, GROUPS, FIELDS, "USMF") == first
    assert target(store) == [("10", "changed", 5.0)]


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_any_order_of_rows_gives_the_same_target(store, data):
    store.clear()
    names = st.text(st.sampled_from("abCÄß1 -"), min_size=1, max_size=3)
    keys = data.draw(st.lists(names, unique_by=str.casefold, max_size=12))
    rows = [(key, f"text of {key}", float(len(key))) for key in keys]
    chunk = data.draw(st.integers(1, 5))
    load(store, rows, chunk=chunk)
    expected = target(store)
    store.clear()
    load(store, data.draw(st.permutations(rows)), chunk=chunk)
    assert target(store) == expected
    assert sorted(expected) == sorted(rows)


# Columns


def test_a_field_added_later_is_empty_in_rows_that_were_there(store):
    load(store, [("10", "a", 1.0)])
    more = Field("Extra", "EXTRA", FieldType.STRING, "Extra", origin=Origin.LEARNT)
    wider = GROUPS.with_fields((more,))
    assert list(store.rows(wider, wider.fields, "USMF")) == [("10", "a", 1.0, None)]
    load(store, [("20", "b", 2.0, "new")], SECOND_RUN, entity=wider, fields=wider.fields)
    assert target(store, wider) == [("10", "a", 1.0, None), ("20", "b", 2.0, "new")]


def test_names_of_fields_never_reach_the_database_as_names(store):
    odd = Field('a"; DROP TABLE t_1; --', 'A"; DROP TABLE T_1; --', FieldType.STRING, "Odd")
    entity = GROUPS.with_fields((odd,))
    load(store, [("10", "a", 1.0, "x")], entity=entity, fields=entity.fields)
    assert target(store, entity) == [("10", "a", 1.0, "x")]


def test_rows_of_a_learnt_entity_are_the_same_only_when_equal_in_all_columns(store):
    first, second = (
        Field(name, name, FieldType.STRING, name, origin=Origin.LEARNT) for name in ("A", "B")
    )
    entity = EntityType(
        "Cards", "CardsEntity", "Cards", "CardsStaging", True, ("A", "B"), (first, second),
        origin=Origin.LEARNT,
    )  # fmt: skip
    rows = [("1", "x"), ("1", "y"), ("1", "x"), ("1", "X")]
    progress = load(store, rows, entity=entity, fields=entity.fields)
    assert list(store.duplicate_rows(RUN, entity, "USMF")) == []
    assert (progress.created, progress.updated) == (3, 1)
    assert target(store, entity) == [("1", "X"), ("1", "x"), ("1", "y")]
    assert store.exists(entity, first, "1", "USMF")


def test_a_learnt_entity_that_gets_a_column_still_knows_its_rows(store):
    first, second = (
        Field(name, name, FieldType.STRING, name, origin=Origin.LEARNT) for name in ("A", "B")
    )
    narrow = EntityType(
        "Cards", "CardsEntity", "Cards", "CardsStaging", True, ("A",), (first,),
        origin=Origin.LEARNT,
    )  # fmt: skip
    wide = EntityType(
        "Cards", "CardsEntity", "Cards", "CardsStaging", True, ("A", "B"), (first, second),
        origin=Origin.LEARNT,
    )  # fmt: skip
    load(store, [("1",), ("2",)], entity=narrow, fields=narrow.fields)
    progress = load(store, [("1", ""), ("2", "x")], SECOND_RUN, entity=wide, fields=wide.fields)
    assert (progress.created, progress.updated) == (1, 1)
    assert target(store, wide) == [("1", None), ("2", None), ("2", "x")]


# Rows that name their company

COMPANY = Field("DATAAREAID", "DATAAREAID", FieldType.STRING, "Company", origin=Origin.LEARNT)
ACCOUNTS = GROUPS.with_fields((COMPANY,))
OWN = (GROUP, DESCRIPTION, COMPANY)


def accounts(store, company):
    return list(store.rows(ACCOUNTS, OWN, company))


def test_rows_belong_to_the_company_that_they_name_else_to_the_jobs(store):
    rows = [("10", "a", "GBSI"), ("10", "b", "usmf"), ("20", "c", ""), ("30", "d", None)]
    progress = load(store, rows, entity=ACCOUNTS, fields=OWN)
    assert (progress.created, progress.updated) == (4, 0)
    assert accounts(store, "GBSI") == [("10", "a", "GBSI")]
    assert accounts(store, "USMF") == [
        ("10", "b", "usmf"),
        ("20", "c", "USMF"),
        ("30", "d", "USMF"),
    ]
    assert store.count(ACCOUNTS, "GBSI") == 1


def test_a_row_is_updated_in_the_company_that_it_names_alone(store):
    load(store, [("10", "a", "GBSI"), ("10", "b", "USMF")], entity=ACCOUNTS, fields=OWN)
    again = [("10", "new", "gbsi"), ("10", "other", "DEMF")]
    progress = load(store, again, SECOND_RUN, entity=ACCOUNTS, fields=OWN)
    assert (progress.created, progress.updated) == (1, 1)
    assert [row[1] for row in accounts(store, "GBSI")] == ["new"]
    assert [row[1] for row in accounts(store, "USMF")] == ["b"]


def test_a_key_may_come_once_for_each_company(store):
    rows = [("10", "a", "GBSI"), ("10", "b", "USMF"), ("10", "c", ""), ("10", "d", " gbsi ")]
    stage(store, rows, entity=ACCOUNTS, fields=OWN)
    assert list(store.duplicate_rows(RUN, ACCOUNTS, "USMF")) == [3, 4]
    assert list(store.duplicate_rows(RUN, ACCOUNTS, "DEMF")) == [4]


def test_a_row_is_new_when_the_company_that_it_names_lacks_it(store):
    store.put(ACCOUNTS, OWN, "USMF", [("10", "a", "GBSI"), ("20", "b", "")])
    rows = [("10", "c", "GBSI"), ("10", "d", ""), ("20", "e", ""), ("20", "f", "DEMF")]
    stage(store, rows, entity=ACCOUNTS, fields=OWN)
    assert list(store.new_rows(RUN, ACCOUNTS, "USMF")) == [2, 4]


def test_a_file_without_the_company_column_brings_rows_of_the_job(store):
    load(store, [("10", "a", "GBSI")], entity=ACCOUNTS, fields=OWN)
    load(store, [("10", "b", 1.0)], SECOND_RUN, entity=ACCOUNTS, fields=FIELDS, company="DEMF")
    assert accounts(store, "GBSI") == [("10", "a", "GBSI")]
    assert accounts(store, "DEMF") == [("10", "b", "DEMF")]


def test_rows_of_several_companies_go_on_where_they_stopped(store):
    rows = [(str(number), "x", ("USMF", "GBSI", "")[number % 3]) for number in range(10)]
    asked = iter([True, False])
    cut = load(
        store, rows, entity=ACCOUNTS, fields=OWN, company="DEMF", chunk=4, go_on=lambda: next(asked)
    )
    assert (cut.ordered_through, cut.created) == (4, 4)
    done = store.upsert(RUN, ACCOUNTS, OWN, "DEMF", chunk=4)
    assert (done.created, done.updated, done.target_done) == (10, 0, True)
    assert [store.count(ACCOUNTS, one) for one in ("USMF", "GBSI", "DEMF")] == [4, 3, 3]


# Looking up


@pytest.mark.parametrize(
    ("field", "value", "found"),
    [
        (GROUP, "retail", True),
        (GROUP, "Reta", False),
        (DESCRIPTION, "ÜBER UNS", True),
        (DESCRIPTION, "uber uns", False),
        (LIMIT, 2.5, True),
        (LIMIT, 2.0, False),
    ],
)
def test_a_value_exists_letter_case_aside_in_its_company_alone(store, field, value, found):
    load(store, [("Retail", "Über uns", 2.5)])
    assert store.exists(GROUPS, field, value, "USMF") is found
    assert not store.exists(GROUPS, field, value, "DEMF")


def test_the_first_part_of_a_key_can_be_looked_up_alone(store):
    load(store, [("J1", 1.0, "a"), ("J10", 1.0, "b")], entity=LINES, fields=LINES.fields)
    assert store.exists(LINES, JOURNAL, "j1", "USMF")
    assert not store.exists(LINES, JOURNAL, "J", "USMF")
    assert store.exists(LINES, LINE, 1, "USMF")


def test_an_entity_that_nothing_was_written_for_is_empty(store):
    assert not store.exists(GROUPS, GROUP, "10", "USMF")
    assert store.count(GROUPS) == 0
    assert list(store.rows(GROUPS, FIELDS)) == []
    assert list(store.duplicate_rows(RUN, GROUPS, "USMF")) == []
    assert list(store.new_rows(RUN, GROUPS, "USMF")) == []
    assert list(store.staged(RUN, GROUPS, FIELDS)) == []
    assert store.progress(RUN, GROUPS) == EntityProgress()


def test_staged_rows_that_the_target_lacks_are_named(store):
    store.put(GROUPS, FIELDS, "USMF", [("10", "a", 1.0)])
    stage(store, [("20", "b", 0.0), ("10", "c", 0.0), ("30", "d", 0.0)])
    assert list(store.new_rows(RUN, GROUPS, "USMF")) == [1, 3]
    assert list(store.new_rows(RUN, GROUPS, "DEMF")) == [1, 2, 3]


def test_rows_put_outside_an_execution_are_inserted_or_updated(store):
    assert store.put(GROUPS, FIELDS, "USMF", [("10", "a", 1.0), ("20", "b", 2.0)]) == (2, 0)
    assert store.put(GROUPS, (GROUP, DESCRIPTION), "usmf", [("20", "c"), ("30", "d")]) == (1, 1)
    assert store.put(GROUPS, FIELDS, "USMF", []) == (0, 0)
    assert target(store) == [("10", "a", 1.0), ("20", "c", 2.0), ("30", "d", None)]


def test_later_writers_have_higher_numbers_and_numbers_never_return(database, store):
    def versions():
        with database.read() as connection:
            return [row[0] for row in connection.execute("SELECT t._ver FROM t_1 t ORDER BY _key")]

    load(store, [("10", "a", 1.0)])
    store.put(GROUPS, FIELDS, "USMF", [("20", "b", 2.0)])
    store.drop_execution(RUN)
    load(store, [("30", "c", 3.0)], execution=SECOND_RUN)
    assert versions() == sorted(set(versions()))


# Errors


def test_errors_come_by_entity_in_order_of_writing_and_by_row_each_once(store):
    stage(store, [("10", "a", 1.0)], errors=[failed(1), failed(1)])
    stage(store, [("USD", "x")], entity=CURRENCIES, fields=CURRENCIES.fields)
    store.add_errors(RUN, CURRENCIES, [failed(2), failed(1), failed(0, "whole")])
    store.add_errors(RUN, GROUPS, [failed(1), failed(3)])
    store.add_errors(RUN, LINES, [])
    found = [(name, error.row, error.message) for name, error in store.errors(RUN)]
    assert found == [
        ("CustCustomerGroupEntity", 1, "bad"),
        ("CustCustomerGroupEntity", 3, "bad"),
        ("CurrencyEntity", 0, "whole"),
        ("CurrencyEntity", 1, "bad"),
        ("CurrencyEntity", 2, "bad"),
    ]
    assert [error.row for _name, error in store.errors(RUN, CURRENCIES)] == [0, 1, 2]
    assert store.count_failed_rows(RUN, CURRENCIES, Stage.TARGET) == 2


# Removal


def test_dropping_an_execution_leaves_target_rows_and_other_executions(store):
    load(store, [("10", "a", 1.0)])
    stage(store, [("20", "b", 2.0)], execution=SECOND_RUN, errors=[failed(1)])
    store.drop_execution(RUN)
    assert store.progress(RUN, GROUPS) == EntityProgress()
    assert list(store.staged(RUN, GROUPS, FIELDS)) == []
    assert store.count(GROUPS) == 1
    assert store.progress(SECOND_RUN, GROUPS).staged == 1
    assert len(list(store.errors(SECOND_RUN))) == 1


def test_clearing_removes_every_row_and_the_store_goes_on(store):
    load(store, [("10", "a", 1.0)])
    store.clear()
    assert (target(store), store.progress(RUN, GROUPS)) == ([], EntityProgress())
    assert load(store, [("10", "b", 2.0)]).created == 1


# Concurrency


def test_a_reader_is_not_held_up_by_an_import_and_sees_whole_chunks_alone(store):
    stage(store, [(f"{number:04}", "", 0.0) for number in range(400)])
    store.finish_staging(RUN, GROUPS, failed=False)
    seen = []

    def look_on():
        seen.append(store.count(GROUPS))
        return True

    store.upsert(RUN, GROUPS, FIELDS, "USMF", chunk=100, go_on=look_on)
    assert seen == [0, 100, 200, 300]


def test_rows_being_read_stay_as_they_were_while_an_import_writes(store):
    load(store, [("10", "a", 1.0), ("20", "b", 2.0)])
    reader = store.rows(GROUPS, FIELDS, "USMF")
    first = next(reader)
    load(store, [("20", "changed", 2.0), ("30", "c", 3.0)], execution=SECOND_RUN)
    assert [first, *reader] == [("10", "a", 1.0), ("20", "b", 2.0)]
    assert len(target(store)) == 3


def test_a_reader_that_stops_early_does_not_keep_its_snapshot(store):
    load(store, [("10", "a", 1.0), ("20", "b", 2.0)])
    reader = store.rows(GROUPS, FIELDS, "USMF")
    next(reader)
    reader.close()
    load(store, [("30", "c", 3.0)], execution=SECOND_RUN)
    assert store.count(GROUPS) == 3


def test_emptying_the_log_does_not_wait_for_a_reader(database, store):
    load(store, [("10", "a", 1.0), ("20", "b", 2.0)])
    reader = store.rows(GROUPS, FIELDS, "USMF")
    next(reader)
    database.truncate_log()
    assert next(reader) == ("20", "b", 2.0)


def test_a_large_import_leaves_no_log_behind(database, store, monkeypatch):
    monkeypatch.setattr("d365fo_emulator.storage.entities.LARGE", 10)
    load(store, [(f"{number:04}", "", 0.0) for number in range(10)])
    assert database.path.with_name("data.db-wal").stat().st_size == 0


def test_imports_of_several_threads_lose_nothing(store):
    def run(number):
        execution = ExecutionId(f"run-{number}")
        rows = [(f"{number}-{row}", "", 0.0) for row in range(50)]
        load(store, rows, execution=execution, chunk=10)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.count(GROUPS) == 200
    assert all(store.progress(ExecutionId(f"run-{n}"), GROUPS).created == 50 for n in range(4))
