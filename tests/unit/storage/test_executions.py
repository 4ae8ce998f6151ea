"""Data projects and executions in the control database."""

from __future__ import annotations

import dataclasses
import datetime as dt

import pytest

from d365fo_emulator.dmf.model import (
    DataProject,
    EntityRun,
    EntityStatus,
    Execution,
    ExecutionState,
    Operation,
    ProjectCategory,
    RunOptions,
    TimelineEntry,
    WorkStatus,
)
from d365fo_emulator.dmf.tokens import TokenMove
from d365fo_emulator.kernel.workspace import ExecutionId
from d365fo_emulator.packages.model import Conversion, FieldMap, PackageEntity, RowFilter
from d365fo_emulator.scenarios.model import (
    NATURAL,
    ExecutionScript,
    ScriptedRowError,
    Stay,
    Step,
    StepState,
)
from d365fo_emulator.storage.database import Database, build_file
from d365fo_emulator.storage.documents import decode, encode
from d365fo_emulator.storage.executions import BATCH, SqliteDataManagementStore
from d365fo_emulator.storage.schema import CONTROL, CONTROL_VERSION

pytestmark = pytest.mark.evidence("inferred")
NOON = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)
LATER = NOON + dt.timedelta(seconds=61, microseconds=5)
MAPS = (
    FieldMap("GROUPID", "ID", 2, True, True, True, True, (Conversion("a", "b", is_default=True),)),
    FieldMap("NAME", "Größe"),
)
ENTITY = PackageEntity(
    label="Customer groups",
    file_name="groups.csv",
    source_format="CSV",
    maps=MAPS,
    target_entity="CustCustomerGroupEntity",
    sheet="Groups$",
    unit=2,
    level=3,
    sequence=4,
    fail_level_on_error=True,
    fail_unit_on_error=True,
    disabled=True,
    skip_staging=True,
    run_business_logic=False,
    run_business_validation=False,
    refresh_type="Incremental",
    validation_status="No",
    auto_generate_mapping=True,
    validate_fields=True,
    sample_file="{1}",
    query="4a01",
    filters=(RowFilter("NAME", ("a", "")),),
    entity_category="Master",
    system_module="GAB",
    tags="setup",
    transforms=("a.xslt",),
    kept=(("QueryForODBC", "select"),),
)
PROJECT = DataProject(
    "Groups",
    Operation.IMPORT,
    (ENTITY,),
    "All groups",
    ProjectCategory.CONFIGURATION,
    truncate=True,
    generate_package=False,
)
SIMPLE = Execution(
    id=ExecutionId("One"),
    operation=Operation.IMPORT,
    group="Groups",
    company="USMF",
    script=ExecutionScript(),
    created_at=NOON,
    state=ExecutionState.NOT_RUN,
)
FULL = Execution(
    id=ExecutionId("Full-\u00e9\U0001f600"),
    operation=Operation.EXPORT,
    group="Gr\u00f6\u00dfen",
    company="DEMF",
    script=ExecutionScript(
        timeline=(
            Step(StepState.NOT_FOUND, Stay(polls=3)),
            Step(StepState.EXECUTING, Stay(dt.timedelta(seconds=1.5), 2, True, True)),
            Step(StepState.COMPUTED),
        ),
        row_errors=(ScriptedRowError("bad", ("Cust*",), 3, 2, {"A": "b"}, "staging", "FIELD"),),
        execution_errors=("went wrong\nhere",),
        on_cancel="ignored",
        rule_id="rule-7",
    ),
    created_at=NOON,
    state=ExecutionState.PARTIALLY_SUCCEEDED,
    found=False,
    options=RunOptions(execute=False, entities=("A",), most_rows=3),
    step=2,
    step_entered_at=LATER,
    step_polls=4,
    polls=9,
    reruns=2,
    work=WorkStatus.DONE,
    computed=ExecutionState.FAILED,
    work_done_at=LATER,
    finished_at=LATER,
    reason="because",
    package="held.zip",
    package_name="name",
    entities=(
        EntityRun(
            "Customer groups",
            "CSV",
            "groups.csv",
            EntityStatus.FINISHED,
            EntityStatus.ABORTED,
            *range(1, 7),
            ("note",),
            5,
            NOON,
            NOON,
            LATER,
            LATER,
            4,
            17,
            19,
        ),
    ),
    plan=(ENTITY, dataclasses.replace(ENTITY, maps=None)),
    timeline=(TimelineEntry("NotRun", NOON, "accepted"),),
)


def named(name, **changes):
    return dataclasses.replace(SIMPLE, id=ExecutionId(name), **changes)


@pytest.fixture
def database(tmp_path):
    path = tmp_path / "control.db"
    build_file(path, CONTROL, CONTROL_VERSION)
    database = Database(path, durable=False)
    yield database
    database.close()


@pytest.fixture
def store(database):
    return SqliteDataManagementStore(database)


def test_an_execution_and_its_project_are_accepted_together(store):
    assert store.accept(SIMPLE, PROJECT)
    assert store.execution(SIMPLE.id) == SIMPLE
    assert store.project("Groups") == PROJECT


def test_an_execution_without_a_project_makes_none(store):
    assert store.accept(SIMPLE, None)
    assert store.project("Groups") is None


@pytest.mark.parametrize("again", ["One", "ONE", "one"])
def test_a_used_id_is_refused_and_neither_execution_nor_project_is_written(store, again):
    store.accept(SIMPLE, PROJECT)
    other = dataclasses.replace(PROJECT, description="other")
    assert not store.accept(named(again, company="DEMF"), other)
    assert not store.accept(named(again), dataclasses.replace(PROJECT, name="New"))
    assert store.executions() == [SIMPLE]
    assert store.project("Groups") == PROJECT
    assert store.project("New") is None


def test_when_the_project_cannot_be_written_the_execution_is_not_either(store, database):
    with database.write() as connection:
        connection.execute("ALTER TABLE project RENAME TO elsewhere")
    with pytest.raises(Exception, match="no such table: project"):
        store.accept(SIMPLE, PROJECT)
    assert store.execution(SIMPLE.id) is None


@pytest.mark.parametrize("name", ["GRÖSSEN", "größen", "Größen"])
def test_names_and_ids_are_found_without_letter_case_and_come_back_as_spelled(store, name):
    project = dataclasses.replace(PROJECT, name="Größen")
    store.accept(named("Größen"), project)
    assert store.project(name).name == "Größen"
    assert store.execution(ExecutionId(name)).id == "Größen"


def test_a_project_of_the_same_name_stands_in_the_place_of_the_former(store):
    store.save_project(PROJECT)
    changed = DataProject("GROUPS", Operation.EXPORT, (), "changed")
    store.save_project(changed)
    assert store.project("groups") == changed


def test_a_removed_project_is_gone_with_its_version_tokens(store):
    store.save_project(PROJECT)
    move(store, "Groups", "USMF", 0, 7)
    assert store.remove_project("GROUPS")
    assert not store.remove_project("Groups")
    assert store.project("Groups") is None
    assert store.version_token("Groups", "Ent", "USMF") == 0


def move(store, project, company, after, through):
    moves = [TokenMove(project, "Ent", company, after, through)]
    store.save(SIMPLE, moves)


def test_a_version_token_belongs_to_a_project_an_entity_and_a_company(store):
    move(store, "Groups", "USMF", 0, 7)
    move(store, "Groups", "DEMF", 0, 3)
    move(store, "GROUPS", "USMF", 7, 9)
    assert store.version_token("groups", "ent", "USMF") == 9
    assert store.version_token("groups", "ent", "DEMF") == 3
    assert store.version_token("other", "ent", "USMF") == 0
    assert store.remove_version_tokens("Groups", "Ent")
    assert not store.remove_version_tokens("Groups", "Ent")


def test_a_token_moves_only_from_where_the_export_began(store):
    move(store, "Groups", "USMF", 0, 7)
    move(store, "Groups", "USMF", 3, 9)
    assert store.version_token("Groups", "Ent", "USMF") == 7
    store.remove_version_tokens("Groups", "Ent")
    move(store, "Groups", "USMF", 7, 9)
    assert store.version_token("Groups", "Ent", "USMF") == 0


def test_projects_come_by_name(store):
    for name in ("b", "A", "c"):
        store.save_project(dataclasses.replace(PROJECT, name=name))
    assert [one.name for one in store.projects()] == ["A", "b", "c"]


def test_executions_come_oldest_first_by_acceptance_not_by_name_or_time(store):
    for number, name in enumerate(["c", "a", "b"]):
        store.accept(named(name, created_at=NOON - dt.timedelta(days=number)), None)
    store.save(named("c", polls=5))
    assert [one.id for one in store.executions()] == ["c", "a", "b"]
    store.remove(ExecutionId("b"))
    store.accept(named("d"), None)
    assert [one.id for one in store.executions()] == ["c", "a", "d"]


def test_executions_come_one_by_one_however_many_and_even_those_that_begin_meanwhile(store):
    for number in range(2 * BATCH + 1):
        store.accept(named(f"x-{number:04}"), None)
    coming = store.each_execution()
    first = next(coming)
    store.accept(named("last"), None)
    assert [first, *coming] == store.executions()


def test_live_are_those_without_an_end_in_the_same_order(store):
    for name in ("c", "a", "b"):
        store.accept(named(name), None)
    store.save(named("a", finished_at=LATER))
    assert [one.id for one in store.live()] == ["c", "b"]
    store.save(named("a"))
    assert [one.id for one in store.live()] == ["c", "a", "b"]


def test_remove_takes_one_in_any_letter_case_and_frees_its_id(store):
    store.accept(SIMPLE, PROJECT)
    store.accept(named("Two"), None)
    store.remove(ExecutionId("ONE"))
    store.remove(ExecutionId("never"))
    assert [one.id for one in store.executions()] == ["Two"]
    assert store.project("Groups") == PROJECT
    assert store.accept(named("one"), None)


def test_save_writes_over_the_execution_of_this_id_and_never_adds_one(store):
    store.accept(SIMPLE, None)
    changed = dataclasses.replace(FULL, id=SIMPLE.id)
    store.save(changed)
    store.save(named("never"))
    assert store.executions() == [changed]


def test_what_is_asked_for_in_columns_is_what_the_document_says(store, database):
    store.accept(SIMPLE, None)
    store.save(dataclasses.replace(FULL, id=SIMPLE.id))
    with database.read() as connection:
        row = connection.execute(
            "SELECT group_name, company, operation, state, work, live, finished_at FROM execution"
        ).fetchone()
    assert row == ("Größen", "DEMF", "Export", "PartiallySucceeded", "done", 0, LATER.isoformat())


def test_the_full_execution_differs_from_the_simple_one_in_every_member():
    """So that the round trip below leaves none out, however many are added."""
    for one in dataclasses.fields(Execution):
        assert getattr(FULL, one.name) != getattr(SIMPLE, one.name) or one.name == "created_at"
    for whole in (FULL.script, FULL.entities[0], ENTITY, MAPS[0], FULL.script.row_errors[0]):
        for one in dataclasses.fields(whole):
            if one.default is not dataclasses.MISSING:
                assert getattr(whole, one.name) != one.default, one.name


@pytest.mark.parametrize("execution", [SIMPLE, FULL], ids=["simple", "full"])
def test_every_member_of_an_execution_comes_back_from_its_document(store, execution):
    assert decode(encode(execution), Execution) == execution
    store.accept(execution, None)
    back = store.execution(execution.id)
    assert back == execution
    assert type(back.script.timeline[0].state) is StepState
    assert back.created_at.tzinfo is not None


def test_a_document_of_another_shape_is_refused():
    with pytest.raises(Exception, match=r"Invalid enum value .Sleeping."):
        decode(encode(SIMPLE).replace('"NotRun"', '"Sleeping"', 1), Execution)


def test_the_natural_timeline_comes_back_equal():
    assert decode(encode(SIMPLE), Execution).script.timeline == NATURAL
