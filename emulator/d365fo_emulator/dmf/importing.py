"""The real work of an import: its entities in their order, each through its two steps.

Files are read into staging beside each other where the order allows it; the target steps follow
one another in the order of the plan. So rows, counts and errors are the same however many threads
read, and nothing is lost by it: a workspace's rows have one writer at a time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from d365fo_emulator.dmf.composites import CompositeTask
from d365fo_emulator.dmf.engine import crew
from d365fo_emulator.dmf.import_task import ImportTask, noted
from d365fo_emulator.dmf.listings import listings
from d365fo_emulator.dmf.model import EntityStatus
from d365fo_emulator.dmf.schedule import Schedule, ending_of
from d365fo_emulator.dmf.staging import to_staging
from d365fo_emulator.dmf.target import to_target
from d365fo_emulator.packages.archive import open_package
from d365fo_emulator.packages.composites import known_composite

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from concurrent.futures import Executor, Future
    from pathlib import Path

    from d365fo_emulator.dmf.import_task import ImportDeps
    from d365fo_emulator.dmf.listings import Listing
    from d365fo_emulator.dmf.model import EntityRun, Execution
    from d365fo_emulator.packages.archive import Package

    Task = ImportTask | CompositeTask


def import_package(
    deps: ImportDeps,
    execution: Execution,
    package: Path,
    report: Callable[[EntityRun], None],
    go_on: Callable[[], bool],
    workers: int = 1,
) -> tuple[EntityRun, ...]:
    """Imports every entity in order.

    Args:
        deps: what it works with.
        execution: what is to be imported; what a former process has done of it is not done again.
        package: the package's file.
        report: hears of each change of an entity's run, from any of the threads.
        go_on: asked often. Entities that its no came before stay untouched.
        workers: how many entities may be at work at once.

    """
    with open_package(package) as archive, crew(workers - 1) as pool:
        tasks = [
            _task(deps, execution, listing, archive, report, go_on)
            for listing in listings(deps.catalogue, execution.plan)
        ]
        deps.rows.prepare_all(task.entity for task in tasks if isinstance(task, ImportTask))
        one_by_one = execution.options.fail_on_error
        schedule = Schedule([task.plan for task in tasks], one_by_one=one_by_one)
        return _Course(tasks, schedule, pool).run()


def _task(
    deps: ImportDeps,
    execution: Execution,
    listing: Listing,
    archive: Package,
    report: Callable[[EntityRun], None],
    go_on: Callable[[], bool],
) -> Task:
    if composite := known_composite(deps.catalogue, listing.plan):
        return CompositeTask(deps, execution, listing, composite, archive, report, go_on)
    return ImportTask(deps, execution, listing, archive, report, go_on)


class _Course:
    """Walks through the entities; reads files ahead where the schedule has begun them."""

    def __init__(self, tasks: list[Task], schedule: Schedule, pool: Executor | None) -> None:
        self._tasks = tasks
        self._schedule = schedule
        self._pool = pool
        self._ahead: dict[int, Future[EntityRun | None]] = {}

    def run(self) -> tuple[EntityRun, ...]:
        self._begin(self._schedule.first())
        return tuple(map(self._through, self._tasks))

    def _begin(self, positions: Iterable[int]) -> None:
        if self._pool is not None:
            for position in positions:
                self._ahead[position] = self._pool.submit(_stage, self._tasks[position])

    def _through(self, task: Task) -> EntityRun:
        if why := self._schedule.why_not(task.position):
            stopped = noted(task.planned(), why)
            task.report(stopped)
            return stopped
        staged = self._staged(task)
        if staged is None:
            return task.planned()
        finished = staged.staging_status is EntityStatus.FINISHED
        run = _to_target(task, staged) if finished else staged
        task.report(run)
        if task.go_on():
            self._begin(self._schedule.end(task.position, ending_of(run)))
        return task.seen(run) if isinstance(task, ImportTask) else run

    def _staged(self, task: Task) -> EntityRun | None:
        ahead = self._ahead.pop(task.position, None)
        if ahead is not None and not ahead.cancel():
            return ahead.result()
        return _stage(task)


def _stage(task: Task) -> EntityRun | None:
    """An entity at the end of its first step; None: all was stopped before it began."""
    if not task.go_on():
        return None
    return task.to_staging() if isinstance(task, CompositeTask) else to_staging(task)


def _to_target(task: Task, staged: EntityRun) -> EntityRun:
    return task.to_target() if isinstance(task, CompositeTask) else to_target(task, staged)
