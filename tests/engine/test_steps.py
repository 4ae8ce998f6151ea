"""The two steps of an entity: skipped, truncating, cut off, and told of at every moment."""

from __future__ import annotations

import dataclasses

import pytest

from builders import CUSTOMER_GROUPS, Table, package
from d365fo_emulator.dmf.model import EntityStatus, RunOptions
from job_tools import GROUPS

VENDORS = Table(
    "Vendor groups",
    ("VENDORGROUPID", "DESCRIPTION"),
    (("V1", "One"), ("", "None"), ("V3", "Three")),
    "VendVendorGroupEntity",
)
DIRECT = frozenset({"SkipStaging"})


def counted(document):
    """The six counters of an entity in the order of the steps."""
    return tuple(
        document[name]
        for name in (
            "sourceRecords",
            "stagingRecordsCreated",
            "stagingRecordsInError",
            "targetRecordsCreated",
            "targetRecordsUpdated",
            "targetRecordsInError",
        )
    )


def statuses(document):
    return document["stagingStatus"], document["targetStatus"]


# Skipping staging


@pytest.mark.evidence("inferred")
def test_rows_that_skip_staging_are_counted_in_the_target_alone(job):
    view, client = job
    skipping = dataclasses.replace(VENDORS, flags=DIRECT)
    execution = client.import_package(package(skipping))
    assert client.poll(execution)[-1] == "PartiallySucceeded"
    (entity,) = view.executions.only().entities
    assert statuses(entity) == ("None", "Error")
    assert counted(entity) == (3, 0, 0, 2, 0, 1)
    assert list(view.rows("Vendor groups", company="USMF")) == ["V1", "V3"]


@pytest.mark.evidence("inferred")
def test_a_file_that_cannot_be_read_is_an_error_of_the_target_when_staging_is_skipped(job):
    view, client = job
    missing = package(
        dataclasses.replace(VENDORS, flags=DIRECT), CUSTOMER_GROUPS, without=("Vendor groups.csv",)
    )
    assert client.poll(client.import_package(missing))[-1] == "PartiallySucceeded"
    bad, good = view.executions.only().entities
    assert statuses(bad) == ("None", "Error")
    assert statuses(good) == ("Finished", "Finished")


@pytest.mark.evidence("inferred")
def test_without_a_target_step_staging_is_not_skipped(job):
    view, client = job
    skipping = dataclasses.replace(VENDORS, flags=DIRECT)
    client.poll(client.import_package(package(skipping), execute=False))
    (entity,) = view.executions.only().entities
    assert statuses(entity) == ("Finished", "NotRun")
    assert counted(entity)[:3] == (3, 3, 0)


# Truncating


def truncated(accept):
    """`Lives.accept` of calls that ask for truncation."""

    def run(execution, project, **options):
        asked = dataclasses.replace(execution.options, truncate=True)
        return accept(dataclasses.replace(execution, options=asked), project, **options)

    return run


@pytest.mark.evidence("documented")
def test_truncating_deletes_the_rows_of_the_company_alone_before_the_import(job):
    view, client = job
    for company in ("USMF", "DEMF"):
        client.poll(client.import_package(package(), legalEntityId=company))
    view.parts.dmf.lives.accept = truncated(view.parts.dmf.lives.accept)
    one = dataclasses.replace(CUSTOMER_GROUPS, rows=(("20", "Again"), ("40", "New")))
    client.poll(client.import_package(package(one)))
    assert list(view.rows(GROUPS, company="USMF")) == ["20", "40"]
    assert list(view.rows(GROUPS, company="DEMF")) == ["10", "20", "30"]
    last = list(view.executions)[-1].entities[0]
    assert counted(last) == (2, 2, 0, 2, 0, 0)


@pytest.mark.evidence("inferred")
def test_a_file_that_cannot_be_loaded_costs_no_target_row(job):
    view, client = job
    client.poll(client.import_package(package()))
    view.parts.dmf.lives.accept = truncated(view.parts.dmf.lives.accept)
    twice = dataclasses.replace(CUSTOMER_GROUPS, rows=(("40", "One"), ("40", "Two")))
    assert client.poll(client.import_package(package(twice)))[-1] == "Failed"
    assert list(view.rows(GROUPS, company="USMF")) == ["10", "20", "30"]


# Cut off anywhere


class Cut:
    """Says no from the given question on."""

    def __init__(self, after):
        self.left = after

    def __call__(self):
        self.left -= 1
        return self.left >= 0


@pytest.fixture
def held(open_job):
    """`held(workers)`: an accepted import of two entities whose work was not begun."""

    def make(workers):
        view, client = open_job({"importWorkers": workers}, clock="virtual")
        tables = CUSTOMER_GROUPS, dataclasses.replace(VENDORS, place=(1, 2, 1))
        client.import_package(package(*tables), executionId="cut")
        dmf = view.parts.dmf
        execution = dmf.execution("cut")
        options = RunOptions(truncate=True)
        return view, dmf._work, dataclasses.replace(execution, options=options)

    return make


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("after", range(10))
def test_what_was_written_stays_wherever_it_is_stopped_and_can_go_on_from_there(
    held, after, workers
):
    view, work, execution = held(workers)
    runs = work.perform(execution, lambda _run: None, Cut(after)).entities
    ends = [(run.staging_status, run.target_status) for run in runs]
    aborted = [status for end in ends for status in end if status is EntityStatus.ABORTED]
    assert EntityStatus.EXECUTING not in {status for end in ends for status in end}
    assert len(aborted) <= 1
    begun = [end != (EntityStatus.NOT_RUN, EntityStatus.NOT_RUN) for end in ends]
    assert begun == sorted(begun, reverse=True), "nothing is begun after what was cut"
    for run, name in zip(runs, (GROUPS, "Vendor groups"), strict=True):
        written = len(view.rows(name, company="USMF"))
        assert written == run.target_created + run.target_updated
    ended = work.perform(execution, lambda _run: None, lambda: True)
    assert [
        (run.source_records, run.target_created, run.target_in_error) for run in ended.entities
    ] == [(3, 3, 0), (3, 2, 1)]
    assert list(view.rows("Vendor groups", company="USMF")) == ["V1", "V3"]


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize("workers", [1, 2])
def test_counters_agree_at_every_moment_and_instants_follow_one_another(held, workers):
    _view, work, execution = held(workers)
    heard = []
    work.perform(execution, heard.append, lambda: True)
    assert len({run.position for run in heard}) == 2
    for run in heard:
        assert run.source_records == run.staging_created + run.staging_in_error
        through = run.target_created + run.target_updated + run.target_in_error
        assert through <= run.staging_created
        instants = [
            run.staging_started_at,
            run.staging_ended_at,
            run.target_started_at,
            run.target_ended_at,
        ]
        known = [instant for instant in instants if instant is not None]
        assert known == sorted(known)
        assert known
        assert None not in instants[: len(known)]
    last = {run.position: run for run in heard}
    assert all(run.target_ended_at is not None for run in last.values())


@pytest.mark.evidence("inferred")
def test_a_truncated_target_is_not_truncated_again_after_what_was_written(held, monkeypatch):
    view, work, execution = held(1)
    rows = view.parts.rows
    upsert = rows.upsert

    def one_row_at_a_time(*arguments, **options):
        return upsert(*arguments, **(options | {"chunk": 1}))

    monkeypatch.setattr(rows, "upsert", one_row_at_a_time)
    runs = work.perform(execution, lambda _run: None, Cut(5)).entities
    written = runs[0].target_created
    assert 0 < written < 3
    assert len(view.rows(GROUPS, company="USMF")) == written
    ended = work.perform(execution, lambda _run: None, lambda: True).entities
    assert ended[0].target_created == 3
    assert list(view.rows(GROUPS, company="USMF")) == ["10", "20", "30"]
