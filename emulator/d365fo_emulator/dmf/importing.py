"""The real work of an import: source, staging and target, entity by entity.

Source and staging are one pass over the data file; what is wrong with types, formats or keys there
fails the whole entity, as the product's bulk load does. The target step takes rows one by one: a
row that fails stays behind alone. Progress is written with each batch, so that an import that was
cut off goes on where it stopped.
"""

from __future__ import annotations

import dataclasses
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from d365fo_emulator.dmf import scripted
from d365fo_emulator.dmf.checks import known_entity
from d365fo_emulator.dmf.errors import file_not_found
from d365fo_emulator.dmf.listings import listings, rows_id
from d365fo_emulator.dmf.model import EntityRun, EntityStatus
from d365fo_emulator.entities.conversion import Converter
from d365fo_emulator.entities.errors import duplicate_key, nothing_staged
from d365fo_emulator.entities.store import RowError, Stage
from d365fo_emulator.entities.validation import TargetChecks
from d365fo_emulator.packages.archive import open_package
from d365fo_emulator.packages.errors import PackageRefused, SourceUnreadable
from d365fo_emulator.packages.formats.registry import STANDARD, SourceFormats
from d365fo_emulator.packages.formats.shaping import shape_to_read
from d365fo_emulator.packages.mapping import plan_columns, staging_name
from d365fo_emulator.scenarios.model import StepState
from d365fo_emulator.scenarios.timeline import normalized

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from d365fo_emulator.dmf.listings import Listing
    from d365fo_emulator.dmf.model import Execution
    from d365fo_emulator.entities.catalogue import Catalogue
    from d365fo_emulator.entities.model import EntityType, Field
    from d365fo_emulator.entities.store import EntityProgress, RowStore, Value
    from d365fo_emulator.kernel.settings import Settings
    from d365fo_emulator.packages.archive import Package
    from d365fo_emulator.packages.model import FieldMap, PackageEntity

BATCH = 1000


@dataclass(frozen=True)
class ImportDeps:
    """What an import works with. `companies`: the ids of all that there are."""

    catalogue: Catalogue
    rows: RowStore
    settings: Settings
    companies: tuple[str, ...]
    formats: SourceFormats = STANDARD


def import_package(
    deps: ImportDeps,
    execution: Execution,
    package: Path,
    report: Callable[[EntityRun], None],
    go_on: Callable[[], bool],
) -> tuple[EntityRun, ...]:
    """Imports every entity in order; `report` hears of each change, `go_on` is asked often.

    Entities that its stop came before stay untouched.
    """
    runs = []
    with open_package(package) as archive:
        for listing in listings(deps.catalogue, execution.plan):
            run = EntityRun.planned(listing.plan, listing.position)
            if go_on():
                run = _EntityImport(deps, execution, listing, archive, report, go_on).run()
                report(run)
            runs.append(run)
    return tuple(runs)


class _EntityImport:
    """One entity of one execution, from file to target."""

    def __init__(
        self,
        deps: ImportDeps,
        execution: Execution,
        listing: Listing,
        archive: Package,
        report: Callable[[EntityRun], None],
        go_on: Callable[[], bool],
    ) -> None:
        self.rows = deps.rows
        self.settings = deps.settings
        self.catalogue = deps.catalogue
        self.companies = deps.companies
        self.formats = deps.formats
        self.execution = execution
        self.plan = listing.plan
        self.position = listing.position
        self.rows_id = rows_id(execution.id, listing.before)
        self.archive = archive
        self.report = report
        self.go_on = go_on
        self.entity = _known(deps.catalogue, listing.plan)
        self.company = execution.company if self.entity.per_company else ""
        self.ends_in = normalized(execution.script.timeline)[-1].state

    def run(self) -> EntityRun:
        """Takes the entity through its stages, from wherever it had come to."""
        run = EntityRun.planned(self.plan, self.position)
        self.rows.prepare(self.entity)
        run = self._source_to_staging(run)
        if run.staging_status is not EntityStatus.FINISHED:
            return run
        if not self.execution.options.execute:
            return _noted(run, "execute is false: the target step was not asked for")
        return self._staging_to_target(run)

    # Source and staging

    def _source_to_staging(self, run: EntityRun) -> EntityRun:
        progress = self._progress()
        self.report(dataclasses.replace(run, staging_status=EntityStatus.EXECUTING))
        if not progress.staging_done:
            try:
                run = self._read_source(run, progress.staged)
            except (SourceUnreadable, PackageRefused) as error:
                self._fail_staging(Stage.SOURCE, str(error))
                return _noted(self._staged(run), str(error))
            if not self.go_on():
                return dataclasses.replace(
                    self._staged(run),
                    staging_status=EntityStatus.ABORTED,
                    target_status=EntityStatus.ABORTED,
                )
            self._finish_staging()
        return self._staged(run)

    def _read_source(self, run: EntityRun, skip: int) -> EntityRun:
        maps = self.plan.maps
        if not maps:  # seen on a real environment: success with zero rows, nothing said
            return _noted(run, "the manifest has no EntityMapList: no column was read")
        if not self.archive.find(self.plan.file_name):
            raise SourceUnreadable("", file_not_found(self.plan.file_name))
        source_format = self.formats.find(self.plan.source_format)
        with self.archive.open(self.plan.file_name) as stream:
            table = source_format.read(stream, shape_to_read(self.entity, maps, self.plan.sheet))
            columns = plan_columns(table.header, maps)
            fields = [_field(self.entity, name) for name in columns.fields]
            converter = Converter(fields, _blank_keeps(maps), columns.positions)
            rows = itertools.islice(table.rows, skip, None)
            for first, batch in _batches(rows, skip + 1):
                self._stage_batch(fields, converter.convert(batch, first), first, len(batch))
                if not self.go_on():
                    break
        for name in columns.ignored:
            run = _noted(run, f"column {name} has no map and was ignored")
        return run

    def _stage_batch(
        self,
        fields: Sequence[Field],
        converted: tuple[list[Sequence[Value]], list[RowError]],
        first: int,
        count: int,
    ) -> None:
        columns, errors = converted
        if any(error.stage is Stage.STAGING for error in errors):
            errors.append(self._summary(Stage.STAGING, nothing_staged(self.entity.label)))
        numbers = range(first, first + count)
        for stage in (Stage.SOURCE, Stage.STAGING):
            errors += scripted.errors_for(
                self.execution.script.row_errors, self.entity, stage, fields, numbers, columns
            )
        self.rows.stage(self.rows_id, self.entity, fields, first, columns, errors)

    def _finish_staging(self) -> None:
        repeated = list(itertools.islice(self._duplicates(), 1000))
        if repeated:
            key = self.entity.key_fields[0].staging_name
            text = duplicate_key(self.entity.label)
            errors = [RowError(row, Stage.STAGING, key, text) for row in repeated]
            errors.append(self._summary(Stage.STAGING, nothing_staged(self.entity.label)))
            self.rows.add_errors(self.rows_id, self.entity, errors)
        self.rows.finish_staging(self.rows_id, self.entity, failed=self._staging_failed())

    def _duplicates(self) -> Iterator[int]:
        return self.rows.duplicate_rows(self.rows_id, self.entity, self.company)

    def _fail_staging(self, stage: Stage, text: str) -> None:
        self.rows.add_errors(self.rows_id, self.entity, [self._summary(stage, text)])
        self.rows.finish_staging(self.rows_id, self.entity, failed=True)

    def _summary(self, stage: Stage, text: str) -> RowError:
        return RowError(0, stage, "", text)

    def _staging_failed(self) -> bool:
        """Whether an error of the whole entity was written: the loaded rows are then gone."""
        return any(
            error.row == 0 and error.stage is not Stage.TARGET
            for _name, error in self.rows.errors(self.rows_id, self.entity)
        )

    def _staged(self, run: EntityRun) -> EntityRun:
        staged = self._progress().staged
        in_error = len(self._rows_left_behind())
        failed = self._staging_failed()
        return dataclasses.replace(
            run,
            staging_status=EntityStatus.ERROR if failed else EntityStatus.FINISHED,
            source_records=staged,
            staging_created=0 if failed else staged - in_error,
            staging_in_error=in_error,
        )

    # Target

    def _staging_to_target(self, run: EntityRun) -> EntityRun:
        if self.ends_in is StepState.FAILED:
            self._check_target()
            in_error = self._failed_rows(Stage.TARGET)
            failed = dataclasses.replace(
                run, target_status=EntityStatus.ERROR, target_in_error=in_error
            )
            return _noted(failed, "the scenario lets the execution fail: nothing was written")
        if self.ends_in is StepState.CANCELED or not self.go_on():
            aborted = dataclasses.replace(run, target_status=EntityStatus.ABORTED)
            return _noted(aborted, "it was canceled before the target step")
        self.report(dataclasses.replace(run, target_status=EntityStatus.EXECUTING))
        progress = self._progress()
        if not progress.target_done:
            if not progress.ordered_through:
                self._check_target()
            progress = self.rows.upsert(
                self.rows_id,
                self.entity,
                self._mapped_fields(),
                self.company,
                go_on=self.go_on,
            )
        return self._written(run, progress)

    def _check_target(self) -> None:
        checks = TargetChecks(
            self.entity, self.catalogue, self.rows, self.settings, self.company, self.companies
        )
        mapped = self._mapped_fields()
        script = self.execution.script.row_errors
        fields = mapped if script else checks.checked(mapped)
        behind = self._rows_left_behind()
        for numbers, columns in self.rows.staged(self.rows_id, self.entity, fields):
            errors = checks.check(fields, numbers, columns)
            errors += scripted.errors_for(
                script, self.entity, Stage.TARGET, fields, numbers, columns
            )
            self._add_target_errors(errors, behind)
        for errors in checks.check_absent(self.rows_id, mapped):
            self._add_target_errors(errors, behind)

    def _add_target_errors(self, errors: Sequence[RowError], behind: set[int]) -> None:
        taken = [error for error in errors if error.row not in behind]
        self.rows.add_errors(self.rows_id, self.entity, taken)

    def _written(self, run: EntityRun, progress: EntityProgress) -> EntityRun:
        in_error = self._failed_rows(Stage.TARGET)
        if not progress.target_done:
            status = EntityStatus.ABORTED
        else:
            status = EntityStatus.ERROR if in_error else EntityStatus.FINISHED
        return dataclasses.replace(
            run,
            target_status=status,
            target_created=progress.created,
            target_updated=progress.updated,
            target_in_error=in_error,
        )

    def _mapped_fields(self) -> list[Field]:
        return [_field(self.entity, staging_name(one)) for one in self.plan.maps or ()]

    def _progress(self) -> EntityProgress:
        return self.rows.progress(self.rows_id, self.entity)

    def _rows_left_behind(self) -> set[int]:
        """Rows that failed before the target step: it does not see them."""
        return {
            error.row
            for _name, error in self.rows.errors(self.rows_id, self.entity)
            if error.row and error.stage is not Stage.TARGET
        }

    def _failed_rows(self, stage: Stage) -> int:
        return self.rows.count_failed_rows(self.rows_id, self.entity, stage)


def _known(catalogue: Catalogue, plan: PackageEntity) -> EntityType:
    entity = known_entity(catalogue, plan)
    assert entity is not None  # noqa: S101  the call has checked or learnt every entity
    return entity


def _blank_keeps(maps: Sequence[FieldMap]) -> list[str]:
    return [staging_name(one) for one in maps if one.default_when_empty]


def _field(entity: EntityType, name: str) -> Field:
    field = entity.find_field(name)
    assert field is not None  # noqa: S101  the call has checked or learnt every mapped field
    return field


def _batches(
    rows: Iterator[Sequence[str]], first: int
) -> Iterator[tuple[int, list[Sequence[str]]]]:
    while batch := list(itertools.islice(rows, BATCH)):
        yield first, batch
        first += len(batch)


def _noted(run: EntityRun, note: str) -> EntityRun:
    return dataclasses.replace(run, notes=(*run.notes, note))
