"""The real work behind an execution: what `life` has done, and by what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from d365fo_emulator.dmf.import_task import never_ending
from d365fo_emulator.dmf.importing import import_package
from d365fo_emulator.dmf.listings import rows_ids
from d365fo_emulator.dmf.model import (
    EntityRun,
    ExecutionState,
    Operation,
    WorkStatus,
    in_order,
)
from d365fo_emulator.dmf.rerun import rerun_targets
from d365fo_emulator.dmf.schedule import never_ends
from d365fo_emulator.dmf.states import summarise
from d365fo_emulator.kernel.clock import ClockMode

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from d365fo_emulator.dmf.export_blobs import ExportBlobs
    from d365fo_emulator.dmf.import_task import ImportDeps
    from d365fo_emulator.dmf.model import Execution
    from d365fo_emulator.kernel.workspace import Workspace

    Report = Callable[[EntityRun], None]
    GoOn = Callable[[], bool]

MOST_NOTES = 5
USUAL_WORKERS = 2
"""On real clocks; elsewhere one, so that the journal of a run repeats too."""


@dataclass(frozen=True)
class Outcome:
    """What the real work of an execution led to; `package`: name of the exported blob.

    The state is Executing when the work is at its end without the execution ever being.
    """

    state: ExecutionState
    because: str
    entities: tuple[EntityRun, ...] = ()
    package: str | None = None


class Work(Protocol):
    """What executions do besides changing their state."""

    def perform(self, execution: Execution, report: Report, go_on: GoOn) -> Outcome:
        """Does the work; `report` hears of each entity's change, `go_on` is asked often."""
        ...

    def release(self, execution: Execution) -> None:
        """Lets go of what was held for the work: it is over, however it ended."""
        ...

    def discard(self, execution: Execution) -> None:
        """Removes what an execution has left behind: staging rows, errors, progress."""
        ...


class PackageWork:
    """Imports of packages into rows, exports of rows into packages.

    Args:
        deps: rows, catalogue, settings.
        exports: the packages of exports.
        held: the folder that keeps accepted packages until they are imported.

    """

    def __init__(
        self, workspace: Workspace, deps: ImportDeps, exports: ExportBlobs, held: Path
    ) -> None:
        self._workspace = workspace
        self._deps = deps
        self._exports = exports
        self._held = held

    def held_package(self, name: str) -> Path:
        """Where the bytes of an accepted package are kept."""
        return self._held / name

    def sweep(self, live: Iterable[Execution]) -> None:
        """Removes packages that a former process left: no execution will ever import them."""
        wanted = {one.package for one in live if one.work is not WorkStatus.DONE}
        for path in self._held.iterdir():
            if path.name not in wanted:
                path.unlink(missing_ok=True)

    def perform(self, execution: Execution, report: Report, go_on: GoOn) -> Outcome:
        """Imports, exports, or runs the target step of an import again."""
        if execution.options.refusal:
            return Outcome(ExecutionState.FAILED, execution.options.refusal)
        if execution.operation is Operation.EXPORT and (
            stuck := _without_mapping(execution, self._workspace.clock.now)
        ):
            return _outcome(stuck)
        if execution.reruns:
            if self._deps.error_files is not None:
                self._deps.error_files.remove_keys(execution)
            return _outcome(rerun_targets(self._deps, execution, report, go_on))
        if execution.operation is Operation.IMPORT:
            package = self.held_package(execution.package)
            runs = import_package(self._deps, execution, package, report, go_on, self._workers)
            return _outcome(runs)
        runs, blob = self._exports.write(execution, report, go_on)
        return _outcome(runs, blob)

    @property
    def _workers(self) -> int:
        """Entities that are at work at once; the result is the same for any number."""
        wanted = self._workspace.settings.import_workers
        usual = USUAL_WORKERS if self._workspace.clock.mode is ClockMode.REAL else 1
        return wanted or usual

    def release(self, execution: Execution) -> None:
        """Removes the held package of an import."""
        if execution.operation is Operation.IMPORT and execution.package:
            self.held_package(execution.package).unlink(missing_ok=True)

    def discard(self, execution: Execution) -> None:
        """Removes staging rows, errors and progress."""
        for kept in rows_ids(self._deps.catalogue, execution):
            self._deps.rows.drop_execution(kept)
        if self._deps.error_files is not None:
            self._deps.error_files.remove(execution)
        self.release(execution)


def _without_mapping(execution: Execution, now: dt.datetime) -> tuple[EntityRun, ...]:
    """The entities of an export, should one of them have no mapping: no package is then made."""
    plan = in_order(execution.plan)
    if not any(map(never_ends, plan)):
        return ()
    runs = [EntityRun.planned(one, position) for position, one in enumerate(plan)]
    return tuple(
        never_ending(run, now) if never_ends(one) else run
        for one, run in zip(plan, runs, strict=True)
    )


def _outcome(runs: tuple[EntityRun, ...], package: str | None = None) -> Outcome:
    state, because = summarise(runs)
    return Outcome(state, _with_notes(because, runs), runs, package)


def _with_notes(because: str, runs: Sequence[EntityRun]) -> str:
    notes = [f"{run.entity}: {note}" for run in runs for note in run.notes]
    return "; ".join([because, *notes[:MOST_NOTES]])
