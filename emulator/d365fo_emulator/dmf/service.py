"""Data management of one workspace: what actions, admin API and fixture ask of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from d365fo_emulator.dmf import documents, error_items
from d365fo_emulator.dmf.error_files import ErrorFiles
from d365fo_emulator.dmf.errors import ControlRefused
from d365fo_emulator.dmf.export_blobs import ExportBlobs
from d365fo_emulator.dmf.exporting import ExportDeps
from d365fo_emulator.dmf.import_task import ImportDeps
from d365fo_emulator.dmf.life import Lives
from d365fo_emulator.dmf.listings import rows_ids
from d365fo_emulator.dmf.model import ExecutionState
from d365fo_emulator.dmf.overlap import ImportCalls, UrlDelays
from d365fo_emulator.dmf.projects import Projects
from d365fo_emulator.dmf.work import PackageWork
from d365fo_emulator.kernel.errors import ConfigurationError, NotEmulated
from d365fo_emulator.kernel.workspace import ExecutionId
from d365fo_emulator.packages.composites import known_composite
from d365fo_emulator.packages.formats.registry import STANDARD, SourceFormats

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from d365fo_emulator.blob.service import BlobService
    from d365fo_emulator.config.entries import ImportTasks, Template
    from d365fo_emulator.dmf.attachments import Attachments
    from d365fo_emulator.dmf.engine import Engine
    from d365fo_emulator.dmf.model import Execution
    from d365fo_emulator.dmf.store import DataManagementStore
    from d365fo_emulator.entities.catalogue import Catalogue
    from d365fo_emulator.entities.model import EntityType
    from d365fo_emulator.entities.store import RowError, RowStore, Value
    from d365fo_emulator.kernel.workspace import Workspace
    from d365fo_emulator.scenarios.service import ScenarioService

STAGES = ("target", STAGING := "staging")
"""Where rows can be looked at."""


@dataclass(frozen=True)
class Surroundings:
    """What data management of one workspace works with. `companies`: folded id to id."""

    workspace: Workspace
    store: DataManagementStore
    blob: BlobService
    catalogue: Catalogue
    rows: RowStore
    scenarios: ScenarioService
    companies: Mapping[str, str]
    is_own_base: Callable[[str], bool]
    attachments: Attachments
    formats: SourceFormats = STANDARD
    templates: tuple[Template, ...] = ()
    import_tasks: tuple[ImportTasks, ...] = ()


class DataManagement:
    """Executions of one workspace and what can be asked about them."""

    def __init__(
        self,
        surroundings: Surroundings,
        engine: Engine,
        on_failure: Callable[[BaseException], None],
    ) -> None:
        self.at = surroundings
        self.projects = Projects(surroundings.store)
        self.import_calls = ImportCalls(surroundings.workspace.settings.parallel_imports)
        self.url_delays = UrlDelays(surroundings.workspace.settings.export_url_after)
        self._engine = engine
        held = surroundings.workspace.folder / "packages"
        held.mkdir(exist_ok=True)
        self.error_files = ErrorFiles(
            surroundings.workspace,
            surroundings.blob,
            surroundings.catalogue,
            surroundings.rows,
            surroundings.formats,
        )
        deps = ImportDeps(
            surroundings.catalogue,
            surroundings.rows,
            surroundings.workspace.settings,
            tuple(surroundings.companies.values()),
            surroundings.workspace.clock,
            surroundings.formats,
            self.error_files,
            surroundings.attachments,
            surroundings.import_tasks,
        )
        self.exports = ExportBlobs(
            surroundings.workspace,
            ExportDeps(
                surroundings.catalogue,
                surroundings.rows,
                surroundings.workspace.settings,
                surroundings.formats,
                surroundings.workspace.clock,
                surroundings.store.version_token,
                held,
                surroundings.attachments,
            ),
            surroundings.blob,
        )
        self._work = PackageWork(surroundings.workspace, deps, self.exports, held)
        self.lives = Lives(
            surroundings.workspace, surroundings.store, self._work, engine.wake, on_failure
        )

    def start(self) -> None:
        """Takes up what a former process left, once every entity is described.

        Raises:
            ConfigurationError: `importTasks` of the environment file names an entity not known.

        """
        for one in self.at.import_tasks:
            if self.at.catalogue.find(one.entity) is None:
                near = ", ".join(self.at.catalogue.nearest(one.entity))
                raise ConfigurationError(f"importTasks: no entity {one.entity!r}; there is {near}")
        self._work.sweep(self.lives.live())
        self.at.workspace.clock.register(self.lives)
        self._engine.add(self.lives)

    def close(self) -> None:
        """Stops work and writes what only memory knew."""
        self._engine.remove(self.lives)
        self.lives.close()

    def held_package(self, name: str) -> Path:
        """Where the bytes of an accepted package are kept until it is imported."""
        return self._work.held_package(name)

    # Executions

    def executions(self) -> list[Execution]:
        """All of them, oldest first; costs no poll."""
        return self.lives.all()

    def each_execution(self) -> Iterator[Execution]:
        """The same one by one, as they stand when it is their turn; no poll is held up by it."""
        for stored in self.at.store.each_execution():
            live = self.lives.find(stored.id) if stored.finished_at is None else None
            yield live or stored

    def execution(self, execution: str) -> Execution | None:
        """The one of this id; costs no poll."""
        return self.lives.find(ExecutionId(execution))

    def control(self, execution: str, action: str) -> Execution:
        """Moves an execution by hand: `advance`, `finish`, `fail`, `cancel` or `rerun`.

        Raises:
            ExecutionNotFound: no such execution.
            ControlRefused: it is at its end (`rerun`: it is not), cannot be canceled by its
                script, has nothing to run again, or there is no such action.
            NotEmulated: a re-run of composite entities.

        """
        wanted = ExecutionId(execution)
        match action:
            case "advance":
                return self.lives.control.advance(wanted)
            case "finish":
                return self.lives.control.finish(wanted)
            case "fail":
                return self.lives.control.end(wanted, ExecutionState.FAILED, "failed by hand")
            case "cancel":
                found = self.lives.find(wanted)
                if found is not None and found.script.on_cancel == "ignored":
                    raise ControlRefused("the scenario lets this execution ignore cancels")
                return self.lives.control.end(wanted, ExecutionState.CANCELED, "canceled by hand")
            case "rerun":
                return self._rerun(wanted)
            case _:
                raise ControlRefused(f"there is no action {action!r}")

    def _rerun(self, execution: ExecutionId) -> Execution:
        found = self.lives.find(execution)
        if found is not None and any(known_composite(self.at.catalogue, one) for one in found.plan):
            raise NotEmulated("re-running the target step of composite entities")
        return self.lives.control.rerun(execution)

    # Rows

    def rows(
        self, entity: EntityType, company: str | None, stage: str
    ) -> Iterator[tuple[Value, ...]]:
        """Rows with all fields of an entity.

        Args:
            entity: whose rows.
            company: of one company; None: of all.
            stage: `target` in key order, or `staging`: what the latest import that staged any
                has left there, in the order of its file (rows are kept until the clean-up).

        """
        self.at.rows.prepare(entity)
        if stage != STAGING:
            yield from self.at.rows.rows(entity, entity.fields, company)
            return
        for execution in reversed(self.executions()):
            if company not in (None, execution.company):
                continue
            kept = rows_ids(self.at.catalogue, execution)
            kept = [one for one in kept if self.at.rows.progress(one, entity).staged]
            for one in kept:
                for _numbers, columns in self.at.rows.staged(one, entity, entity.fields):
                    yield from zip(*columns, strict=True)
            if kept:
                return

    # Errors and documents

    def row_errors(self, execution: Execution) -> Iterator[tuple[str, RowError]]:
        """Errors as (AOT name of the entity, error)."""
        for kept in rows_ids(self.at.catalogue, execution):
            yield from self.at.rows.errors(kept)

    def execution_errors(self, execution: ExecutionId) -> str:
        """The text of GetExecutionErrors; an empty list for unknown ids (recorded)."""
        found = self.lives.find(execution)
        settings = self.at.workspace.settings
        if found is None or settings.execution_errors == "hidden":
            return "[]"
        if any(known_composite(self.at.catalogue, one) for one in found.plan):
            return "[]"  # recorded of failed composite entities
        return documents.errors_text(
            found, self._named(found), settings.errors_json, lambda name, _error: name
        )

    def _named(self, execution: Execution) -> Iterator[tuple[str, RowError]]:
        """What GetExecutionErrors lists, as (what it calls the row, error)."""
        settings = self.at.workspace.settings
        for kept in rows_ids(self.at.catalogue, execution):
            errors: Iterable[tuple[str, RowError]] = self.at.rows.errors(kept)
            if settings.error_items == "row":
                errors = error_items.one_per_row(errors)
            for name, error in errors:
                entity = self.at.catalogue.find(name)
                if error.row and entity is not None and settings.record_id == "key":
                    yield error_items.key_text(self.at.rows, kept, entity, error.row), error
                else:
                    yield str(error.row), error

    def document(self, execution: Execution) -> dict[str, Any]:
        """The execution document: what command, admin API and fixture show."""
        return documents.execution_document(execution, self.row_errors(execution), self._label)

    def _label(self, name: str) -> str:
        entity = self.at.catalogue.find(name)
        return entity.label if entity else name
