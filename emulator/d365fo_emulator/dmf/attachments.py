"""Files that rows name: kept by imports, written again by exports.

A file of `Resources/<entity>` is kept with entity and company when a row that was written names it
in a text, and replaces the one of its name (all inferred). The product needs a flight for them,
EnableAttachmentForPackageApi (documented): the setting `attachments`.
"""

from __future__ import annotations

import shutil
from typing import IO, TYPE_CHECKING

from d365fo_emulator.blob.content import write_content
from d365fo_emulator.dmf.attachment_store import Attachment
from d365fo_emulator.entities.model import FieldType
from d365fo_emulator.entities.store import row_company
from d365fo_emulator.packages.attachments import NamedFiles, attached_files, path_of, told
from d365fo_emulator.packages.errors import PackageRefused, SourceUnreadable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from d365fo_emulator.blob.content import Sink
    from d365fo_emulator.blob.store import ContentStore
    from d365fo_emulator.dmf.attachment_store import AttachmentStore
    from d365fo_emulator.dmf.import_task import ImportTask
    from d365fo_emulator.entities.model import EntityType, Field
    from d365fo_emulator.entities.store import Value
    from d365fo_emulator.kernel.settings import Settings
    from d365fo_emulator.packages.attachments import Attached
    from d365fo_emulator.packages.writer import PackageWriter

PIECE = 256 * 1024
KEEP = "keep"
OFF = "were not kept: the setting attachments is ignore"
SHARED = ""


class Attachments:
    """The attachments of one workspace."""

    def __init__(self, store: AttachmentStore, content: ContentStore, settings: Settings) -> None:
        self._store = store
        self._content = content
        self._keeps = settings.attachments == KEEP

    def keep(self, task: ImportTask) -> list[str]:
        """Keeps what the rows name that a target step has written; what there is to say of it.

        To be called when the step is through. Who asks again, after a restart say, replaces the
        files by themselves.
        """
        files, refused = attached_files(
            task.archive, task.plan, (task.entity.name, task.entity.label)
        )
        if not files and not refused:
            return []
        if not self._keeps:
            return [f"{len(files) + len(refused)} attachments {OFF}"]
        named = _named_files(task, files)
        kept = 0
        for file in files:
            if not (companies := named.get(file.name)):
                continue
            try:
                self._put(task, file, companies)
            except (SourceUnreadable, PackageRefused) as error:
                refused.append(str(error))
            else:
                kept += 1
        unnamed = [file.name for file in files if file.name not in named]
        said = [f"{kept} attachments were kept"] if kept else []
        return [*said, *told(refused, unnamed)]

    def exported(self, entity: EntityType, company: str, fields: Sequence[Field]) -> ExportedFiles:
        """Watches rows of an export for files that they name; `company`: the call's."""
        owner = company.upper() if entity.per_company else SHARED
        names = self._store.names(entity.name, owner) if self._keeps else ()
        return ExportedFiles(self, entity.name, owner, names, fields)

    def open(self, entity: str, company: str, name: str) -> IO[bytes] | None:
        """Opens an attachment as it stands; one that is replaced meanwhile is sought once more."""
        for _ in range(2):
            found = self._store.find(entity, company, name)
            if found is None:
                return None
            try:
                return self._content.open(found.content)
            except FileNotFoundError:
                continue
        return None

    def _put(self, task: ImportTask, file: Attached, companies: set[str]) -> None:
        def produce(sink: Sink) -> None:
            with task.archive.open(file.member) as stream:
                while piece := stream.read(PIECE):
                    sink.write(piece)

        content, measured = write_content(self._content, produce, hashed=False)
        for company in sorted(companies):
            kept = Attachment(task.entity.name, company, file.name, content, measured.size)
            self._content.delete(self._store.put(kept))


class ExportedFiles:
    """The attachments of one entity that exported rows have named so far."""

    def __init__(
        self,
        attachments: Attachments,
        entity: str,
        company: str,
        names: Sequence[str],
        fields: Sequence[Field],
    ) -> None:
        self._attachments = attachments
        self._entity = entity
        self._company = company
        self._files = NamedFiles(names)
        self._texts = [at for at, field in enumerate(fields) if field.type is FieldType.STRING]
        self._named: dict[str, None] = {}

    def watch(self, rows: Iterator[tuple[Value, ...]]) -> Iterator[tuple[Value, ...]]:
        """The same rows; the files that they name are remembered."""
        return self._watched(rows) if self._files else rows

    def see(self, row: Sequence[Value]) -> None:
        """Remembers the files that a row names."""
        for at in self._texts:
            for name in self._files.named_by(row[at]):
                self._named[name] = None

    def write(self, writer: PackageWriter, taken: set[str]) -> int:
        """Writes them into the package, each once; how many. `taken`: folded names there are."""
        written = 0
        for name in sorted(self._named):
            path = path_of(self._entity, name)
            if path.casefold() in taken:
                continue
            stream = self._attachments.open(self._entity, self._company, name)
            if stream is None:
                continue
            with stream, writer.data_file(path) as target:
                shutil.copyfileobj(stream, target, PIECE)
            taken.add(path.casefold())
            written += 1
        return written

    def _watched(self, rows: Iterator[tuple[Value, ...]]) -> Iterator[tuple[Value, ...]]:
        for row in rows:
            self.see(row)
            yield row


def _named_files(task: ImportTask, files: Sequence[Attached]) -> dict[str, set[str]]:
    """Names of files that written rows name, and in which companies."""
    entity = task.entity
    fields = [field for field in task.mapped_fields() if field.type is FieldType.STRING]
    own = entity.company_field if entity.per_company else None
    owner_at = fields.index(own) if own in fields else None
    index = NamedFiles(file.name for file in files)
    failed = {error.row for _name, error in task.rows.errors(task.rows_id, entity) if error.row}
    found: dict[str, set[str]] = {}
    for numbers, columns in task.rows.staged(task.rows_id, entity, fields):
        for number, values in zip(numbers, zip(*columns, strict=True), strict=False):
            if number in failed:
                continue
            owner = values[owner_at] if owner_at is not None else None
            for value in values:
                for name in index.named_by(value):
                    company = row_company(owner, task.company) if entity.per_company else SHARED
                    found.setdefault(name, set()).add(company)
    return found
