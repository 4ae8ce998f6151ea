"""The target step of an import once more, from the rows that staging has kept.

Rows are taken that no target step has written yet: those that failed in it, and those that it did
not come to, since it was not asked for or was cut off. They are checked again; what they refer to
may be there by now. Counts go on from where they stood.

An entity whose load has failed, or that skipped staging, has no staged rows: it stays as it is.
The package is gone by now, and with it the attachments of rows that fail at first.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from d365fo_emulator.dmf.import_task import ImportTask, noted
from d365fo_emulator.dmf.listings import listings
from d365fo_emulator.dmf.model import EntityStatus
from d365fo_emulator.dmf.schedule import Schedule, ending_of
from d365fo_emulator.dmf.target import OUTCOMES, to_target

if TYPE_CHECKING:
    from collections.abc import Callable

    from d365fo_emulator.dmf.import_task import ImportDeps
    from d365fo_emulator.dmf.model import EntityRun, Execution


def rerun_targets(
    deps: ImportDeps,
    execution: Execution,
    report: Callable[[EntityRun], None],
    go_on: Callable[[], bool],
) -> tuple[EntityRun, ...]:
    """Runs the target steps again, in the order of the import, whose rules hold as before."""
    deps = dataclasses.replace(deps, attachments=None)
    tasks = [
        ImportTask(deps, execution, listing, None, report, go_on)
        for listing in listings(deps.catalogue, execution.plan)
    ]
    one_by_one = execution.options.fail_on_error
    schedule = Schedule([task.plan for task in tasks], one_by_one=one_by_one)
    schedule.first()
    runs = []
    for task in tasks:
        run = execution.entities[task.position]
        if why := schedule.why_not(task.position):
            run = noted(run, why)
        elif run.staging_status is EntityStatus.FINISHED and go_on():
            run = _once_more(task, run)
        task.report(run)
        if not schedule.why_not(task.position):
            schedule.end(task.position, ending_of(run))
        runs.append(run)
    return tuple(runs)


def _once_more(task: ImportTask, former: EntityRun) -> EntityRun:
    """One entity; a re-run that a former process began goes on."""
    began = former.target_started_at
    if task.rows.reopen(task.rows_id, task.entity, task.execution.reruns):
        began = None
    notes = tuple(note for note in former.notes if note not in OUTCOMES)
    fresh = dataclasses.replace(former, notes=notes, target_started_at=began, target_ended_at=None)
    return to_target(task, fresh)
