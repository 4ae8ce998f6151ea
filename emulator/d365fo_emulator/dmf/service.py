"""Data management of one workspace: what actions, admin API and fixture ask of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from d365fo_emulator.dmf.errors import ControlRefused
from d365fo_emulator.dmf.exporting import export_package
from d365fo_emulator.dmf.importing import ImportDeps, import_package
from d365fo_emulator.dmf.life import Lives, Outcome
from d365fo_emulator.dmf.model import ExecutionState, Operation
from d365fo_emulator.dmf.states import summarise
from d365fo_emulator.entities.store import Stage
from d365fo_emulator.kernel.workspace import ExecutionId

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from d365fo_emulator.blob.service import BlobService
    from d365fo_emulator.dmf.engine import Engine
    from d365fo_emulator.dmf.model import EntityRun, Execution
    from d365fo_emulator.dmf.store import DataManagementStore
    from d365fo_emulator.entities.catalogue import Catalogue
    from d365fo_emulator.entities.store import RowError, RowStore
    from d365fo_emulator.kernel.workspace import Workspace
    from d365fo_emulator.scenarios.service import ScenarioService

MOST_ERRORS_IN_DOCUMENT = 1000


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


class DataManagement:
    """Executions of one workspace and what can be asked about them."""

    def __init__(
        self,
        surroundings: Surroundings,
        engine: Engine,
        on_failure: Callable[[BaseException], None],
    ) -> None:
        self.at = surroundings
        self._engine = engine
        self._held = surroundings.workspace.folder / "packages"
        self._held.mkdir(exist_ok=True)
        self.lives = Lives(
            surroundings.workspace, surroundings.store, self._perform, engine.wake, on_failure
        )
        surroundings.workspace.clock.register(self.lives)
        engine.add(self.lives)

    def close(self) -> None:
        """Stops work and writes what only memory knew."""
        self._engine.remove(self.lives)
        self.lives.close()

    # Executions

    def executions(self) -> list[Execution]:
        """All of them, oldest first; costs no poll."""
        return self.lives.all()

    def execution(self, execution: str) -> Execution | None:
        """The one of this id; costs no poll."""
        return self.lives.find(ExecutionId(execution))

    def control(self, execution: str, action: str) -> Execution:
        """Moves an execution by hand: `advance`, `finish`, `fail` or `cancel`.

        Raises:
            ExecutionNotFound: no such execution.
            ControlRefused: it is at its end, cannot be canceled by its script, or no such action.

        """
        wanted = ExecutionId(execution)
        match action:
            case "advance":
                return self.lives.advance(wanted)
            case "finish":
                return self.lives.finish(wanted)
            case "fail":
                return self.lives.end(wanted, ExecutionState.FAILED, "failed by hand")
            case "cancel":
                found = self.lives.find(wanted)
                if found is not None and found.script.on_cancel == "ignored":
                    raise ControlRefused("the scenario lets this execution ignore cancels")
                return self.lives.end(wanted, ExecutionState.CANCELED, "canceled by hand")
            case _:
                raise ControlRefused(f"there is no action {action!r}")

    def drop(self, execution: ExecutionId) -> None:
        """Forgets an ended execution with its staging rows and errors."""
        self.at.rows.drop_execution(execution)
        self.lives.forget(execution)

    # Errors and documents

    def row_errors(self, execution: ExecutionId) -> Iterator[tuple[str, RowError]]:
        """Errors as (AOT name of the entity, error)."""
        return self.at.rows.errors(execution)

    def execution_errors(self, execution: ExecutionId) -> str:
        """The text of GetExecutionErrors: a JSON list of RecordId, Field, ErrorMessage.

        Unknown ids and files that could not be read at all give an empty list (recorded).
        """
        found = self.lives.find(execution)
        if found is None:
            return "[]"
        items = [
            _item(error.row, error.field, error.message)
            for _entity, error in self.row_errors(found.id)
            if error.row or error.stage is not Stage.SOURCE
        ]
        items += [_item(0, "", message) for message in found.script.execution_errors]
        if self.at.workspace.settings.errors_json == "raw":
            return _raw(items)
        return json.dumps(items, ensure_ascii=False, separators=(",", ":"))

    def document(self, execution: Execution) -> dict[str, Any]:
        """The execution document: what command, admin API and fixture show."""
        labels: dict[str, str] = {}
        listed, count = [], 0
        for entity, error in self.row_errors(execution.id):
            count += 1
            if count <= MOST_ERRORS_IN_DOCUMENT:
                label = labels.setdefault(entity, self._label(entity))
                listed.append(_error_document(label, error))
        listed += [
            {"entity": "", "stage": "", "recordId": "0", "field": "", "message": message}
            for message in execution.script.execution_errors
        ]
        return {
            "executionId": execution.id,
            "state": execution.state if execution.found else "NotFound",
            "operation": execution.operation,
            "definitionGroup": execution.group,
            "company": execution.company,
            "polls": execution.polls,
            "createdAt": _instant(execution.created_at),
            "finishedAt": execution.finished_at and _instant(execution.finished_at),
            "timeline": [
                {"state": entry.state, "at": _instant(entry.at), "because": entry.because}
                for entry in execution.timeline
            ],
            "entities": [_entity_document(run) for run in execution.entities],
            "errors": listed,
            "errorCount": count + len(execution.script.execution_errors),
            "reason": execution.reason,
        }

    def _label(self, name: str) -> str:
        entity = self.at.catalogue.find(name)
        return entity.label if entity else name

    # The real work

    def _perform(
        self,
        execution: Execution,
        report: Callable[[EntityRun], None],
        go_on: Callable[[], bool],
    ) -> Outcome:
        if execution.operation is Operation.IMPORT:
            return self._import(execution, report, go_on)
        return self._export(execution, go_on)

    def _import(
        self,
        execution: Execution,
        report: Callable[[EntityRun], None],
        go_on: Callable[[], bool],
    ) -> Outcome:
        companies = tuple(self.at.companies.values())
        deps = ImportDeps(self.at.catalogue, self.at.rows, self.at.workspace.settings, companies)
        package = self.held_package(execution.package)
        runs = import_package(deps, execution, package, report, go_on)
        state, because = summarise(runs)
        if go_on():
            package.unlink(missing_ok=True)
        return Outcome(state, _why(because, runs), runs)

    def _export(self, execution: Execution, go_on: Callable[[], bool]) -> Outcome:
        runs: tuple[EntityRun, ...] = ()

        def produce(sink: Any) -> None:
            nonlocal runs
            runs = export_package(
                self.at.catalogue, self.at.rows, execution, sink, self._now, go_on
            )

        name = f"{execution.package_name or execution.group}_{execution.id}_DMFPackage.zip"
        blob = self.at.blob.write_package("dmf", _blob_name(name), produce)
        state, because = summarise(runs)
        return Outcome(state, _why(because, runs), runs, package=blob.name)

    @property
    def _now(self) -> dt.datetime:
        return self.at.workspace.clock.now

    # Held packages

    def held_package(self, name: str) -> Path:
        """Where the bytes of an accepted package are kept until it is imported."""
        return self._held / name


def _item(row: int, field: str, message: str) -> dict[str, str]:
    """One error. A line break first, a blank before each line, CRLF after it (recorded)."""
    lines = "".join(f" {line}\r\n" for line in message.splitlines())
    return {"RecordId": str(row), "Field": field, "ErrorMessage": f"\n{lines}"}


def _raw(items: list[dict[str, str]]) -> str:
    """As measured on a real environment: quotes and line breaks are not escaped."""
    texts = [
        f'{{"RecordId":"{item["RecordId"]}","Field":"{item["Field"]}",'
        f'"ErrorMessage":"{item["ErrorMessage"]}"}}'
        for item in items
    ]
    return f"[{','.join(texts)}]"


def _why(because: str, runs: Sequence[EntityRun]) -> str:
    notes = [f"{run.entity}: {note}" for run in runs for note in run.notes]
    return "; ".join([because, *notes[:5]])


def _blob_name(name: str) -> str:
    """A blob name that every client can put into a path of its own system."""
    return "".join("_" if char in '\\/:*?"<>|' or char < " " else char for char in name)[-200:]


def _instant(instant: dt.datetime) -> str:
    text = instant.strftime("%Y-%m-%dT%H:%M:%S")
    fraction = f".{instant.microsecond:06d}".rstrip("0") if instant.microsecond else ""
    return f"{text}{fraction}Z"


def _error_document(label: str, error: RowError) -> dict[str, str]:
    return {
        "entity": label,
        "stage": error.stage,
        "recordId": str(error.row),
        "field": error.field,
        "message": error.message,
    }


def _entity_document(run: EntityRun) -> dict[str, Any]:
    return {
        "entity": run.entity,
        "sourceFormat": run.source_format,
        "file": run.file,
        "stagingStatus": run.staging_status,
        "targetStatus": run.target_status,
        "sourceRecords": run.source_records,
        "stagingRecordsCreated": run.staging_created,
        "stagingRecordsInError": run.staging_in_error,
        "targetRecordsCreated": run.target_created,
        "targetRecordsUpdated": run.target_updated,
        "targetRecordsInError": run.target_in_error,
    }
