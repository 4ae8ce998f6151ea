"""From a data file to staging rows.

One pass over the file. What is wrong with types, formats or keys fails the whole entity, as the
product's bulk load does. Progress is written with each batch, so that a file whose reading was cut
off is read on from there.
"""

from __future__ import annotations

import dataclasses
import itertools
from typing import TYPE_CHECKING

from d365fo_emulator.dmf import scripted
from d365fo_emulator.dmf.errors import custom_sequence, file_not_found
from d365fo_emulator.dmf.import_task import never_ending, noted
from d365fo_emulator.dmf.model import EntityRun, EntityStatus
from d365fo_emulator.dmf.schedule import never_ends
from d365fo_emulator.entities.conversion import Converter
from d365fo_emulator.entities.errors import duplicate_key, nothing_staged
from d365fo_emulator.entities.numbering import sequences_of
from d365fo_emulator.entities.store import RowError, Stage
from d365fo_emulator.packages.errors import PackageRefused, SourceUnreadable
from d365fo_emulator.packages.formats.shaping import shape_to_read
from d365fo_emulator.packages.mapping import (
    ColumnPlan,
    generated_fields,
    plan_columns,
    value_rules,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from d365fo_emulator.config.entries import ImportTasks
    from d365fo_emulator.dmf.import_task import ImportTask
    from d365fo_emulator.entities.culture import Culture
    from d365fo_emulator.entities.model import Field
    from d365fo_emulator.entities.store import Value

BATCH = 1000
CUT = "cut"
MOST_REPEATED = 1000
"""Rows of one key that are told of one by one."""
MOST_COLUMNS_NOTED = 100
"""Columns without a map that are told of one by one."""


def to_staging(task: ImportTask) -> EntityRun:
    """Takes an entity to the end of its first step, from wherever it had come to."""
    return _Staging(task).run()


class _Staging:
    def __init__(self, task: ImportTask) -> None:
        self._task = task
        self._rows = task.rows
        self._at = (task.rows_id, task.entity)
        self._read = 0
        self._in_error: set[int] = set()

    def run(self) -> EntityRun:
        task = self._task
        run = task.planned()
        self._rows.prepare(task.entity)
        self._rows.begin(*self._at, task.position)
        if never_ends(task.plan):
            return never_ending(run, task.deps.clock.now)
        began = run.staging_started_at or task.deps.clock.now
        run = dataclasses.replace(
            run, staging_status=EntityStatus.EXECUTING, staging_started_at=began
        )
        task.report(run)
        if not task.progress().staging_done:
            try:
                run = self._read_source(run)
            except (SourceUnreadable, PackageRefused) as error:
                self._fail(Stage.SOURCE, str(error))
                return noted(self._ended(run), str(error))
            if not task.go_on():
                return dataclasses.replace(self._ended(run), staging_status=EntityStatus.ABORTED)
            self._finish()
        return self._ended(run)

    def _read_source(self, run: EntityRun) -> EntityRun:
        task = self._task
        maps = task.plan.maps
        if not maps:  # seen on a real environment: success with zero rows, nothing said
            return noted(run, "the manifest has no EntityMapList: no column was read")
        if not task.archive.find(task.plan.file_name):
            raise SourceUnreadable("", file_not_found(task.plan.file_name))
        source_format = task.deps.formats.find(task.plan.source_format)
        self._read = task.progress().staged
        self._in_error = task.rows_left_behind() if self._read else set()
        with task.archive.open(task.plan.file_name) as stream:
            table = source_format.read(stream, shape_to_read(task.entity, maps, task.plan.sheet))
            columns = plan_columns(table.header, maps)
            fields = [task.field(name) for name in columns.fields]
            self._refuse_division(fields)
            converter = self._converter(fields, columns, source_format.culture)
            rows = itertools.islice(table.rows, self._read, None)
            for first, batch in _batches(rows, self._read + 1):
                self._stage_batch(fields, converter.convert(batch, first), first, len(batch))
                task.report(self._so_far(run))
                if not task.go_on():
                    break
        for note in (*_unmapped(columns.ignored), *converter.notes()):
            run = noted(run, note)
        return run

    def _refuse_division(self, fields: Sequence[Field]) -> None:
        """Numbers are given in the order of the file, which parts of it do not keep."""
        task, division = self._task, self._task.division
        generated = generated_fields(task.plan.maps or ())
        if (
            division is not None
            and division.tasks > 1
            and sequences_of(task.entity, fields, generated, task.company)
        ):
            raise SourceUnreadable("", custom_sequence(task.entity.label))

    def _converter(
        self, fields: Sequence[Field], columns: ColumnPlan, culture: Culture
    ) -> Converter:
        return Converter(
            fields,
            positions=columns.positions,
            rules=value_rules(self._task.plan.maps or ()),
            culture=culture,
            cut_texts=self._task.deps.settings.text_too_long == CUT,
        )

    def _stage_batch(
        self,
        fields: Sequence[Field],
        converted: tuple[list[Sequence[Value]], list[RowError]],
        first: int,
        count: int,
    ) -> None:
        entity, script = self._task.entity, self._task.execution.script.row_errors
        columns, errors = converted
        if any(error.stage is Stage.STAGING for error in errors):
            errors.append(_of_entity(Stage.STAGING, nothing_staged(entity.label)))
        numbers = range(first, first + count)
        for stage in (Stage.SOURCE, Stage.STAGING):
            errors += scripted.errors_for(script, entity, stage, fields, numbers, columns)
        generated = generated_fields(self._task.plan.maps or ())
        sequences = sequences_of(entity, fields, generated, self._task.company)
        self._rows.stage(*self._at, fields, first, columns, errors, sequences)
        self._read = first - 1 + count
        self._in_error.update(error.row for error in errors if error.row)

    def _so_far(self, run: EntityRun) -> EntityRun:
        in_error = len(self._in_error)
        return dataclasses.replace(
            run,
            source_records=self._read,
            staging_created=self._read - in_error,
            staging_in_error=in_error,
        )

    def _finish(self) -> None:
        task = self._task
        repeated = list(
            itertools.islice(self._rows.duplicate_rows(*self._at, task.company), MOST_REPEATED)
        )
        if repeated:
            key = task.entity.key_fields[0].staging_name
            text = duplicate_key(task.entity.label)
            errors = [RowError(row, Stage.STAGING, key, text) for row in repeated]
            errors.append(_of_entity(Stage.STAGING, nothing_staged(task.entity.label)))
            self._rows.add_errors(*self._at, errors)
        self._keep_failed_records()
        self._rows.finish_staging(*self._at, failed=self._has_failed())

    def _fail(self, stage: Stage, text: str) -> None:
        self._rows.add_errors(*self._at, [_of_entity(stage, text)])
        self._keep_failed_records()
        self._rows.finish_staging(*self._at, failed=True)

    def _keep_failed_records(self) -> None:
        """For the error file, while the package is still open."""
        if self._task.deps.error_files is not None and not self._task.skips_staging:
            self._task.deps.error_files.keep_failed_records(self._task)

    def _has_failed(self) -> bool:
        """Whether an error of the whole entity was written: the loaded rows are then gone."""
        return any(
            error.row == 0 and error.stage is not Stage.TARGET
            for _name, error in self._rows.errors(*self._at)
        )

    def _ended(self, run: EntityRun) -> EntityRun:
        staged = self._task.progress().staged
        in_error = len(self._task.rows_left_behind())
        failed = self._has_failed()
        return dataclasses.replace(
            run,
            staging_status=EntityStatus.ERROR if failed else EntityStatus.FINISHED,
            source_records=staged,
            tasks=_parts(self._task.division, staged),
            staging_created=0 if failed else staged - in_error,
            staging_in_error=in_error,
            staging_ended_at=run.staging_ended_at or self._task.deps.clock.now,
        )


def _parts(division: ImportTasks | None, records: int) -> int:
    """How many parts a file is divided into. They follow one another, as a workspace's rows have
    one writer at a time, so that nothing but this number tells of them.
    """
    return division.tasks if division is not None and records > division.records else 1


def _of_entity(stage: Stage, text: str) -> RowError:
    """An error of the whole entity."""
    return RowError(0, stage, "", text)


def _unmapped(names: Sequence[str]) -> list[str]:
    """Columns that no map asks for, a sentence each; of a file that is too wide, so many."""
    told = [f"column {name} has no map and was ignored" for name in names[:MOST_COLUMNS_NOTED]]
    if more := len(names) - len(told):
        told.append(f"{more} more columns have no map and were ignored")
    return told


def _batches(
    rows: Iterator[Sequence[str]], first: int
) -> Iterator[tuple[int, list[Sequence[str]]]]:
    while batch := list(itertools.islice(rows, BATCH)):
        yield first, batch
        first += len(batch)
