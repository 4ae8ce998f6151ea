"""Error files of imports: input records that failed before the target step, keys of those in it.

Both are blobs beside the packages, downloaded by SAS, and end as all files do. What they look like
is nowhere documented but for what they hold; both forms are inferred, from what each is for.

- The staging file has the input's own format, header and columns, so that it can be put right and
  sent again. It is written at the end of the entity's first step, while the package is still open.
- The keys file has the fields of the entity's key, in index order, as comma-separated UTF-8 with
  byte order mark and CRLF; a client keeps it as `.txt`. It is written when it is asked for.

Composite entities have neither: GetExecutionErrors is recorded to list nothing of them, so the
files, made of the same errors, are taken to be empty too (inferred).
"""

from __future__ import annotations

import csv
import dataclasses
import io
import threading
from typing import TYPE_CHECKING, Any, cast

from d365fo_emulator.blob.errors import BlobError
from d365fo_emulator.blob.model import PACKAGE_CONTAINER, BlobHeaders
from d365fo_emulator.blob.service import Upload
from d365fo_emulator.dmf.checks import known_entity
from d365fo_emulator.dmf.listings import listings, rows_id
from d365fo_emulator.entities.conversion import text_writer
from d365fo_emulator.entities.store import Stage
from d365fo_emulator.kernel.errors import NotEmulated
from d365fo_emulator.packages.errors import FileNotWritable, SourceUnreadable
from d365fo_emulator.packages.formats.encodings import ANSI, code_page
from d365fo_emulator.packages.formats.shaping import shape_to_read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import BinaryIO

    from d365fo_emulator.blob.content import Sink
    from d365fo_emulator.blob.service import BlobService
    from d365fo_emulator.dmf.import_task import ImportTask
    from d365fo_emulator.dmf.listings import Listing
    from d365fo_emulator.dmf.model import Execution
    from d365fo_emulator.entities.catalogue import Catalogue
    from d365fo_emulator.entities.model import EntityType
    from d365fo_emulator.entities.store import RowStore
    from d365fo_emulator.kernel.workspace import ExecutionId, Workspace
    from d365fo_emulator.packages.formats.model import SourceFormat
    from d365fo_emulator.packages.formats.registry import SourceFormats

    Found = tuple[Listing, EntityType]

STAGING = "StagingErrors"
KEYS = "TargetErrorKeys"
KEYS_EXTENSION = ".txt"
BEFORE_TARGET = frozenset({Stage.SOURCE, Stage.STAGING})
_BUFFER = 256 * 1024
_LONGEST_NAME = 150


class ErrorFiles:
    """The error files of one workspace; safe to use from several threads.

    Where a name of an entity is asked for, label, AOT name and collection are taken; without a
    name, or when the entity is listed twice, the first listing with such a file counts (inferred).
    """

    def __init__(
        self,
        workspace: Workspace,
        blob: BlobService,
        catalogue: Catalogue,
        rows: RowStore,
        formats: SourceFormats,
    ) -> None:
        self._workspace = workspace
        self._blob = blob
        self._catalogue = catalogue
        self._rows = rows
        self._formats = formats
        self._lock = threading.Lock()
        self._calls_left: dict[str, int] = {}  # keys file: calls until it can be had

    # Source to staging

    def keep_failed_records(self, task: ImportTask) -> None:
        """Writes the input records of an entity that failed before the target step, if any did.

        The data file is read once more, to its last failed record, and never held in memory.
        """
        at = (self._rows, task.rows_id, task.entity, BEFORE_TARGET)
        if next(_failed_rows(*at), None) is None:
            return
        source_format = self._formats.find(task.plan.source_format)
        name = self._blob_name(task.execution, task.plan.label, task.rows_id, STAGING)

        def write_as(chosen: SourceFormat) -> None:
            def produce(stream: BinaryIO) -> None:
                _write_records(task, source_format, chosen, _failed_rows(*at), stream)

            self._write(f"{name}{source_format.extension}", produce)

        try:
            write_as(source_format)
        except FileNotWritable:  # read as UTF-8, which the stock format takes and never writes
            write_as(_as_utf8(source_format))

    def staging_file(self, execution: Execution, entity_name: str) -> str:
        """The blob of an entity's failed input records; "" when there is none."""
        return next(self._existing(execution, entity_name, self._staging_name), "")

    # Staging to target

    def generate_keys(self, execution: Execution, entity_name: str) -> bool:
        """Writes the keys of the records that failed in the target step; whether any did."""
        for listing, entity in self._listed(execution, entity_name):
            name = self._keys_name(execution, listing)
            kept = rows_id(execution.id, listing.before)
            if self._rows.count_failed_rows(kept, entity, Stage.TARGET):
                self._write_keys(name, kept, entity)
                return True
            self._delete(name)
        return False

    def keys_file(self, execution: Execution, entity_name: str) -> str:
        """The blob of an entity's keys, once it was asked for and is ready; else ""."""
        name = next(self._existing(execution, entity_name, self._keys_name), "")
        with self._lock:
            if left := self._calls_left.pop(name, 0):
                self._calls_left[name] = left - 1
        return "" if left else name

    def _write_keys(self, name: str, kept: ExecutionId, entity: EntityType) -> None:
        def produce(stream: BinaryIO) -> None:
            with io.TextIOWrapper(stream, "utf-8-sig", newline="") as text:
                writer = csv.writer(text, lineterminator="\r\n")
                writer.writerow([field.staging_name.upper() for field in entity.key_fields])
                writer.writerows(_failed_keys(self._rows, kept, entity))

        self._write(name, produce)
        with self._lock:
            self._calls_left[name] = self._workspace.settings.error_keys_after

    def remove_keys(self, execution: Execution) -> None:
        """Removes the keys files: the target step runs again, and may fail in other rows."""
        for listing in listings(self._catalogue, execution.plan):
            self._delete(self._keys_name(execution, listing))

    # Both

    def remove(self, execution: Execution) -> None:
        """Removes the files of an execution that is removed."""
        for listing in listings(self._catalogue, execution.plan):
            for name in (
                self._staging_name(execution, listing),
                self._keys_name(execution, listing),
            ):
                self._delete(name)

    def _listed(self, execution: Execution, entity_name: str) -> Iterator[Found]:
        wanted = entity_name.strip()
        meant = self._catalogue.find(wanted) if wanted else None
        for listing in listings(self._catalogue, execution.plan):
            entity = known_entity(self._catalogue, listing.plan)
            by_label = listing.plan.label.casefold() == wanted.casefold()
            if entity and (not wanted or by_label or (meant and meant.name == entity.name)):
                yield listing, entity

    def _existing(
        self, execution: Execution, entity_name: str, name_of: Callable[[Execution, Listing], str]
    ) -> Iterator[str]:
        for listing, _entity in self._listed(execution, entity_name):
            name = name_of(execution, listing)
            try:
                self._blob.properties(PACKAGE_CONTAINER, name)
            except BlobError:
                continue
            yield name

    def _staging_name(self, execution: Execution, listing: Listing) -> str:
        kept = rows_id(execution.id, listing.before)
        try:
            extension = self._formats.find(listing.plan.source_format).extension
        except (SourceUnreadable, NotEmulated):
            extension = ""  # of a format that nothing could be read in
        return self._blob_name(execution, listing.plan.label, kept, STAGING) + extension

    def _keys_name(self, execution: Execution, listing: Listing) -> str:
        kept = rows_id(execution.id, listing.before)
        return self._blob_name(execution, listing.plan.label, kept, KEYS) + KEYS_EXTENSION

    def _blob_name(self, execution: Execution, label: str, kept: ExecutionId, kind: str) -> str:
        """Execution ids and labels are free text; the digits tell apart what looks alike."""
        wanted = f"{execution.id}_{label}"
        name = "".join("_" if char in '\\/:*?"<>|%#' or char < " " else char for char in wanted)
        digits = self._workspace.ids.fixed(f"error-file|{kept}|{label}|{kind}", 4).hex()
        return f"{name[-_LONGEST_NAME:]}_{kind}_{digits}"

    def _write(self, name: str, produce: Callable[[BinaryIO], None]) -> None:
        def into(sink: Sink) -> None:
            with io.BufferedWriter(_Raw(sink), _BUFFER) as stream:
                produce(cast("BinaryIO", stream))

        self._blob.put_blob(PACKAGE_CONTAINER, name, Upload(BlobHeaders()), into)

    def _delete(self, name: str) -> None:
        with self._lock:
            self._calls_left.pop(name, None)
        try:
            self._blob.delete(PACKAGE_CONTAINER, name)
        except BlobError:
            return  # there was none, or its time was over


class _Raw(io.RawIOBase):
    """A sink of the blob service as a file that can be written forwards."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        return self._sink.write(data)


def _failed_rows(
    rows: RowStore, kept: ExecutionId, entity: EntityType, stages: Iterable[Stage]
) -> Iterator[int]:
    """Numbers of the rows that have an error of these stages, each once, ascending."""
    last = 0
    for _name, error in rows.errors(kept, entity):
        if error.row > last and error.stage in stages:
            last = error.row
            yield last


def _write_records(
    task: ImportTask,
    source_format: SourceFormat,
    written_as: SourceFormat,
    failed: Iterator[int],
    stream: BinaryIO,
) -> None:
    maps = task.plan.maps or ()
    with task.archive.open(task.plan.file_name) as source:
        shape = shape_to_read(task.entity, maps, task.plan.sheet)
        table = source_format.read(source, shape)
        label = task.plan.sheet.removesuffix("$") or task.entity.label  # the sheet keeps its name
        shape = dataclasses.replace(shape, columns=tuple(table.header), label=label)
        written_as.write(stream, shape, _records(table.rows, failed))


def _records(rows: Iterable[Sequence[str]], failed: Iterator[int]) -> Iterator[Sequence[str]]:
    wanted = next(failed, None)
    for number, row in enumerate(rows, start=1):
        if wanted is None:
            return
        if number == wanted:
            yield row
            wanted = next(failed, None)


def _as_utf8(source_format: SourceFormat) -> SourceFormat:
    if getattr(source_format, "encoding", None) != ANSI:
        return source_format
    chosen: Any = source_format
    return cast("SourceFormat", dataclasses.replace(chosen, encoding=code_page(65001, mark=True)))


def _failed_keys(rows: RowStore, kept: ExecutionId, entity: EntityType) -> Iterator[list[str]]:
    fields = entity.key_fields
    writers = [text_writer(field) for field in fields]
    failed = _failed_rows(rows, kept, entity, {Stage.TARGET})
    wanted = next(failed, None)
    for numbers, columns in rows.staged(kept, entity, fields):
        for at, number in enumerate(numbers):
            while wanted is not None and wanted < number:
                wanted = next(failed, None)
            if wanted is None:
                return
            if wanted == number:
                yield [write(column[at]) for write, column in zip(writers, columns, strict=True)]
