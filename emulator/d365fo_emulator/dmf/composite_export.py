"""Exports of composite entities: each row of the outermost entity with the rows that belong to it.

All rows are written whatever has changed, and nothing is known of filters of composites, so the
file has every field of every entity. An entity of which no row was written gets an empty element at
the end of the file, since imports ask for an element of each (documented; where it stands is
inferred).
"""

from __future__ import annotations

import dataclasses
import itertools
import shutil
import tempfile
from typing import IO, TYPE_CHECKING

from d365fo_emulator.dmf.export_plan import free_name, reads_changes
from d365fo_emulator.dmf.import_task import noted
from d365fo_emulator.dmf.model import EntityRun, EntityStatus
from d365fo_emulator.dmf.nested_rows import NestedReader
from d365fo_emulator.entities.conversion import text_writer
from d365fo_emulator.entities.store import RowError, Stage
from d365fo_emulator.kernel.errors import NotEmulated
from d365fo_emulator.packages.composites import nested_parts
from d365fo_emulator.packages.errors import COMPOSITE_NOT_XML, DataFileError, FileNotWritable
from d365fo_emulator.packages.formats.nested import NestedWriter
from d365fo_emulator.packages.formats.xml_rows import XmlRows

if TYPE_CHECKING:
    from collections.abc import Callable

    from d365fo_emulator.dmf.attachments import ExportedFiles
    from d365fo_emulator.dmf.exporting import ExportDeps
    from d365fo_emulator.dmf.listings import Listing
    from d365fo_emulator.dmf.model import Execution
    from d365fo_emulator.dmf.nested_rows import NestedRow
    from d365fo_emulator.entities.culture import Culture
    from d365fo_emulator.entities.model import Composite, Field
    from d365fo_emulator.entities.store import Value
    from d365fo_emulator.packages.composites import NestedPart
    from d365fo_emulator.packages.model import PackageEntity
    from d365fo_emulator.packages.writer import PackageWriter

IN_MEMORY = 1 << 20
PIECE = 256 * 1024


class CompositeExport:
    """One composite entity of one execution. `taken`: folded names of files that there are."""

    def __init__(
        self,
        deps: ExportDeps,
        execution: Execution,
        listing: Listing,
        composite: Composite,
        taken: set[str],
        go_on: Callable[[], bool],
    ) -> None:
        self._deps = deps
        self._execution = execution
        self._planned = listing.plan
        self._position = listing.position
        self._composite = composite
        self._taken = taken
        self._go_on = go_on
        self._root = nested_parts(deps.catalogue, composite)
        self._fields: dict[NestedPart, tuple[Field, ...]] = {}
        self._files: dict[NestedPart, ExportedFiles] = {}
        self._writers: dict[NestedPart, tuple[list[str], list[Callable[[Value], str]]]] = {}
        self._written: set[NestedPart] = set()
        self._count = 0

    def run(
        self, writer: PackageWriter, report: Callable[[EntityRun], None]
    ) -> tuple[EntityRun, PackageEntity | None]:
        """How the composite ended, and how the manifest lists it; None: not at all."""
        run = self._begun(EntityRun.planned(self._planned, self._position))
        try:
            source_format = self._deps.formats.find(self._planned.source_format)
            if not isinstance(source_format, XmlRows):
                raise FileNotWritable("DMF1963", COMPOSITE_NOT_XML)
            plan = dataclasses.replace(
                self._planned,
                label=self._composite.label,
                source_format=source_format.name,
                file_name=free_name(self._composite.label, source_format.extension, self._taken),
                target_entity=self._composite.name,
                maps=None,  # the file has fields under their own names
            )
            run = dataclasses.replace(run, entity=plan.label, file=plan.file_name)
            report(run)
            return self._into_package(run, plan, source_format, writer), plan
        except (DataFileError, NotEmulated) as error:
            failure = RowError(0, Stage.SOURCE, "", str(error))
            self._deps.rows.prepare(self._root.entity)
            self._deps.rows.add_errors(self._execution.id, self._root.entity, [failure])
            run = self._ended(run, EntityStatus.ERROR)
            run = dataclasses.replace(run, target_status=EntityStatus.NOT_RUN)
            return noted(run, str(error)), None

    def _into_package(
        self, run: EntityRun, plan: PackageEntity, source_format: XmlRows, writer: PackageWriter
    ) -> EntityRun:
        for part in self._root.parts():
            self._deps.rows.prepare(part.entity)
            company = part.entity.company_field
            self._fields[part] = tuple(f for f in part.entity.file_fields if f is not company)
            self._files[part] = self._deps.attachments.exported(
                part.entity, self._execution.company, self._fields[part]
            )
        if reads_changes(self._planned, self._execution.options):
            run = noted(run, "changes of composite entities are not told apart: all rows were read")
        with tempfile.SpooledTemporaryFile(IN_MEMORY, dir=str(self._deps.scratch)) as file:
            self._write(source_format, file)
            is_kept = self._count or self._deps.settings.empty_export != "noFile"
            if not is_kept:
                run = noted(run, "there were no rows, so the package has no file of it")
            elif self._go_on():
                file.seek(0)
                with writer.data_file(plan.file_name) as stream:
                    shutil.copyfileobj(file, stream, PIECE)
                files = self._files.values()
                if number := sum(one.write(writer, self._taken) for one in files):
                    run = noted(run, f"{number} attachments were written")
        if not self._go_on():
            return self._ended(run, EntityStatus.ABORTED)
        return dataclasses.replace(
            self._ended(run, EntityStatus.FINISHED),
            source_records=self._count,
            staging_created=self._count,
            target_created=self._count,
        )

    def _write(self, source_format: XmlRows, file: IO[bytes]) -> None:
        out = NestedWriter(source_format, file)
        most = self._execution.options.most_rows or None
        company = self._execution.company
        with NestedReader(self._deps.rows, self._root, self._fields, company) as reader:
            for row in itertools.islice(reader.outermost(), most):
                if not self._go_on():
                    return
                self._write_row(out, reader, self._root, row)
        missing = {part for part in self._root.parts() if part not in self._written}
        if missing:
            self._write_schema(out, self._root)
        out.close()

    def _write_row(
        self, out: NestedWriter, reader: NestedReader, part: NestedPart, row: NestedRow
    ) -> None:
        names, writers = self._columns(part, out.culture)
        texts = [write(value) for write, value in zip(writers, row.values, strict=True)]
        out.begin(part.entity.name, names, texts)
        self._written.add(part)
        self._files[part].see(row.values)
        self._count += 1
        for child in part.children:
            for below in reader.inside(child, part, row):
                self._write_row(out, reader, child, below)
        out.end()

    def _columns(
        self, part: NestedPart, culture: Culture
    ) -> tuple[list[str], list[Callable[[Value], str]]]:
        if part not in self._writers:
            fields = self._fields[part]
            names = [field.staging_name.upper() for field in fields]
            self._writers[part] = names, [text_writer(field, culture) for field in fields]
        return self._writers[part]

    def _write_schema(self, out: NestedWriter, part: NestedPart) -> None:
        out.begin(part.entity.name, (), ())
        for child in part.children:
            self._write_schema(out, child)
        out.end()

    def _begun(self, run: EntityRun) -> EntityRun:
        now = self._deps.clock.now
        return dataclasses.replace(
            run,
            staging_status=EntityStatus.EXECUTING,
            target_status=EntityStatus.EXECUTING,
            staging_started_at=now,
            target_started_at=now,
        )

    def _ended(self, run: EntityRun, status: EntityStatus) -> EntityRun:
        now = self._deps.clock.now
        return dataclasses.replace(
            run,
            staging_status=status,
            target_status=status,
            staging_ended_at=now,
            target_ended_at=now,
        )
