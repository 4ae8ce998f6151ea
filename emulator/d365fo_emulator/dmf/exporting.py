"""The real work of an export: stored rows of one company into a package.

Each file is written beside the package first and copied into it when it is whole: rows that a
format cannot hold fail their entity, and nothing of its file is left in the package.
"""

from __future__ import annotations

import dataclasses
import itertools
import shutil
import tempfile
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from d365fo_emulator.dmf.checks import known_entity
from d365fo_emulator.dmf.composite_export import CompositeExport
from d365fo_emulator.dmf.export_plan import (
    column_writer,
    exported_maps,
    query_of,
    reads_changes,
    written_as,
)
from d365fo_emulator.dmf.listings import listings
from d365fo_emulator.dmf.model import EntityRun, EntityStatus
from d365fo_emulator.entities.store import RowError, Stage
from d365fo_emulator.kernel.errors import NotEmulated
from d365fo_emulator.packages.composites import known_composite
from d365fo_emulator.packages.errors import DataFileError
from d365fo_emulator.packages.formats.shaping import shape_to_read
from d365fo_emulator.packages.model import Manifest, PackageEntity, PackageHeader
from d365fo_emulator.packages.writer import PackageWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from d365fo_emulator.dmf.attachments import Attachments
    from d365fo_emulator.dmf.listings import Listing
    from d365fo_emulator.dmf.model import Execution
    from d365fo_emulator.entities.catalogue import Catalogue
    from d365fo_emulator.entities.model import EntityType
    from d365fo_emulator.entities.store import RowStore, Value
    from d365fo_emulator.kernel.clock import Clock
    from d365fo_emulator.kernel.settings import Settings
    from d365fo_emulator.packages.formats.model import SourceFormat
    from d365fo_emulator.packages.formats.registry import SourceFormats

IN_MEMORY = 1 << 20
"""Bytes of a file that are held in memory; a larger one is on disk until it is in the package."""

PIECE = 256 * 1024
ROWS_BETWEEN_QUESTIONS = 1000


@dataclass(frozen=True)
class ExportDeps:
    """What an export works with.

    Attributes:
        token_of: the change up to which the last finished export of an entity went, by data
            project, label and company.
        scratch: a folder for files that are being written.

    """

    catalogue: Catalogue
    rows: RowStore
    settings: Settings
    formats: SourceFormats
    clock: Clock
    token_of: Callable[[str, str, str], int]
    scratch: Path
    attachments: Attachments


def export_package(
    deps: ExportDeps,
    execution: Execution,
    target: IO[bytes],
    report: Callable[[EntityRun], None],
    go_on: Callable[[], bool],
) -> tuple[EntityRun, ...]:
    """Writes the package of an export into `target`, entity by entity, in order.

    `report` hears of each change, `go_on` is asked often; entities that its stop came before stay
    untouched, and what was written is then no package.
    """
    runs, plans, taken = [], [], set[str]()
    with PackageWriter(target, deps.clock.now) as writer:
        for listing in listings(deps.catalogue, execution.plan):
            run = EntityRun.planned(listing.plan, listing.position)
            if go_on():
                if composite := known_composite(deps.catalogue, listing.plan):
                    nested = CompositeExport(deps, execution, listing, composite, taken, go_on)
                    run, plan = nested.run(writer, report)
                else:
                    task = _EntityExport(deps, execution, listing, taken, go_on)
                    run, plan = task.run(writer, report)
                if plan is not None:
                    plans.append(plan)
                    taken.add(plan.file_name.casefold())
                report(run)
            runs.append(run)
        manifest = Manifest(execution.group, execution.group, tuple(plans))
        writer.finish(manifest, PackageHeader(description=execution.group))
    return tuple(runs)


class _EntityExport:
    """One entity of one execution. `taken`: folded names of files that the package has."""

    def __init__(
        self,
        deps: ExportDeps,
        execution: Execution,
        listing: Listing,
        taken: set[str],
        go_on: Callable[[], bool],
    ) -> None:
        self.deps = deps
        self.execution = execution
        self.planned = listing.plan
        self.position = listing.position
        self.taken = taken
        self.go_on = go_on
        self.started_at = deps.clock.now

    def run(
        self, writer: PackageWriter, report: Callable[[EntityRun], None]
    ) -> tuple[EntityRun, PackageEntity | None]:
        """How the entity ended, and how the manifest lists it; None: not at all."""
        run = EntityRun.planned(self.planned, self.position)
        entity = known_entity(self.deps.catalogue, self.planned)
        if entity is None:
            return self._failed(run, f"no entity is called {self.planned.label!r}"), None
        try:
            source_format = self.deps.formats.find(self.planned.source_format)
        except (DataFileError, NotEmulated) as error:
            return self._failed(run, str(error)), None
        plan = written_as(self.planned, entity, source_format, self.taken)
        run = self._begun(EntityRun.planned(plan, self.position), entity)
        report(run)
        try:
            return self._written(run, plan, entity, source_format, writer), plan
        except DataFileError as error:
            # Shown with the execution; GetExecutionErrors tells of rows, not of files (recorded).
            failure = RowError(0, Stage.SOURCE, "", str(error))
            self.deps.rows.add_errors(self.execution.id, entity, [failure])
            return self._failed(run, str(error)), None

    def _begun(self, run: EntityRun, entity: EntityType) -> EntityRun:
        self.deps.rows.prepare(entity)
        after = None
        if reads_changes(self.planned, self.execution.options):
            project, company = self.execution.group, self.execution.company
            after = self.deps.token_of(project, entity.label, company)
        return dataclasses.replace(
            run,
            staging_status=EntityStatus.EXECUTING,
            target_status=EntityStatus.EXECUTING,
            staging_started_at=self.started_at,
            target_started_at=self.started_at,
            changes_after=after,
        )

    def _written(
        self,
        run: EntityRun,
        plan: PackageEntity,
        entity: EntityType,
        source_format: SourceFormat,
        writer: PackageWriter,
    ) -> EntityRun:
        maps = exported_maps(self.planned, entity)
        shape = shape_to_read(entity, maps.values())
        fields = [entity.by_staging_name[name] for name in maps]
        query = query_of(
            self.planned, entity, self.execution.company, changed_after=run.changes_after or 0
        )
        most = self.execution.options.most_rows
        files = self.deps.attachments.exported(entity, self.execution.company, fields)
        with self.deps.rows.snapshot(entity, fields, query) as found:
            rows = itertools.islice(found.rows, most) if most else found.rows
            first = next(rows, None)
            if first is None and self.deps.settings.empty_export == "noFile":
                run = _noted(run, "there were no rows, so the package has no file of it")
                return self._finished(run, 0, found.change)
            with tempfile.SpooledTemporaryFile(IN_MEMORY, dir=str(self.deps.scratch)) as file:
                found_rows = itertools.chain([] if first is None else [first], rows)
                writers = [
                    column_writer(field, item, source_format.culture)
                    for field, item in zip(fields, maps.values(), strict=True)
                ]
                texts = self._texts(writers, files.watch(found_rows))
                count = source_format.write(file, shape, texts)
                if self.go_on():
                    file.seek(0)
                    with writer.data_file(plan.file_name) as stream:
                        shutil.copyfileobj(file, stream, PIECE)
                    if number := files.write(writer, self.taken):
                        run = _noted(run, f"{number} attachments were written")
        return self._finished(run, count, found.change)

    def _texts(
        self, writers: Sequence[Callable[[Value], str]], rows: Iterator[tuple[Value, ...]]
    ) -> Iterator[list[str]]:
        for number, row in enumerate(rows):
            if number % ROWS_BETWEEN_QUESTIONS == 0 and not self.go_on():
                return
            yield [write(value) for write, value in zip(writers, row, strict=True)]

    def _finished(self, run: EntityRun, count: int, change: int) -> EntityRun:
        if self.planned.query:
            run = _noted(run, "its packed query was kept and not applied: its form is not known")
        if not self.go_on():
            return self._ended(run, EntityStatus.ABORTED)
        if self.execution.options.most_rows:  # a preview tells nobody what it has shown
            run = dataclasses.replace(run, changes_after=None)
        return dataclasses.replace(
            self._ended(run, EntityStatus.FINISHED),
            source_records=count,
            staging_created=count,
            target_created=count,
            changes_through=change,
        )

    def _ended(self, run: EntityRun, status: EntityStatus) -> EntityRun:
        now = self.deps.clock.now
        return dataclasses.replace(
            run,
            staging_status=status,
            target_status=status,
            staging_ended_at=now,
            target_ended_at=now,
        )

    def _failed(self, run: EntityRun, because: str) -> EntityRun:
        run = dataclasses.replace(
            run,
            staging_status=EntityStatus.ERROR,
            target_status=EntityStatus.NOT_RUN,
            staging_started_at=self.started_at,
            staging_ended_at=self.deps.clock.now,
            target_started_at=None,
        )
        return _noted(run, because)


def _noted(run: EntityRun, note: str) -> EntityRun:
    return dataclasses.replace(run, notes=(*run.notes, note))
