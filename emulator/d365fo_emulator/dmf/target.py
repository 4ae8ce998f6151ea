"""From staging rows to target rows.

Rows are taken one by one: a row that fails stays behind alone. Progress is written with each
chunk, so that a step that was cut off goes on from there.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from d365fo_emulator.dmf import scripted
from d365fo_emulator.dmf.import_task import noted
from d365fo_emulator.dmf.model import EntityRun, EntityStatus
from d365fo_emulator.entities.store import Stage
from d365fo_emulator.entities.validation import TargetChecks
from d365fo_emulator.scenarios.model import StepState
from d365fo_emulator.scenarios.timeline import normalized

if TYPE_CHECKING:
    from collections.abc import Sequence

    from d365fo_emulator.dmf.import_task import ImportTask
    from d365fo_emulator.entities.store import EntityProgress, RowError


NOT_ASKED = "execute is false: the target step was not asked for"
CANCELED = "it was canceled before the target step"
LET_FAIL = "the scenario lets the execution fail: nothing was written"
OUTCOMES = frozenset({NOT_ASKED, CANCELED, LET_FAIL})
"""Notes that a target step leaves, and another one makes untrue."""


def to_target(task: ImportTask, staged: EntityRun) -> EntityRun:
    """Takes an entity whose staging is finished through its second step, if there is one."""
    if not task.execution.options.execute:
        return noted(staged, NOT_ASKED)
    ends_in = normalized(task.execution.script.timeline)[-1].state
    if ends_in is StepState.CANCELED or not task.go_on():
        aborted = dataclasses.replace(staged, target_status=EntityStatus.ABORTED)
        return noted(aborted, CANCELED)
    began = staged.target_started_at or task.deps.clock.now
    run = dataclasses.replace(staged, target_status=EntityStatus.EXECUTING, target_started_at=began)
    task.report(run)
    step = _Target(task)
    return step.refuse(run) if ends_in is StepState.FAILED else step.write(run)


class _Target:
    def __init__(self, task: ImportTask) -> None:
        self._task = task
        self._rows = task.rows
        self._at = (task.rows_id, task.entity)

    def refuse(self, run: EntityRun) -> EntityRun:
        """Checks the rows and writes none, since the scenario lets the execution fail."""
        self._check()
        failed = dataclasses.replace(
            run,
            target_status=EntityStatus.ERROR,
            target_in_error=self._task.failed_rows(Stage.TARGET),
            target_ended_at=self._task.deps.clock.now,
        )
        return noted(failed, LET_FAIL)

    def write(self, run: EntityRun) -> EntityRun:
        """Writes the rows that pass all checks."""
        task = self._task
        progress = task.progress()
        if not progress.target_done:
            if task.execution.options.truncate:
                self._rows.truncate(*self._at, task.company)
            if not progress.ordered_through:
                self._check()
            in_error = task.failed_rows(Stage.TARGET)

            def go_on() -> bool:
                task.report(_counted(run, task.progress(), in_error))
                return task.go_on()

            progress = self._rows.upsert(*self._at, task.mapped_fields(), task.company, go_on=go_on)
        if progress.target_done and task.deps.attachments is not None:
            for note in task.deps.attachments.keep(task):
                run = noted(run, note)
        return self._ended(run, progress)

    def _check(self) -> None:
        task, deps = self._task, self._task.deps
        checks = TargetChecks(
            task.entity,
            deps.catalogue,
            deps.rows,
            deps.settings,
            task.company,
            deps.companies,
            validates=task.plan.run_business_validation,
        )
        mapped = task.mapped_fields()
        script = task.execution.script.row_errors
        fields = mapped if script else checks.checked(mapped)
        behind = task.rows_left_behind()
        for numbers, columns in self._rows.staged(*self._at, fields):
            errors = checks.check(fields, numbers, columns)
            errors += scripted.errors_for(
                script, task.entity, Stage.TARGET, fields, numbers, columns
            )
            self._add_errors(errors, behind)
        for errors in checks.check_absent(task.rows_id, mapped):
            self._add_errors(errors, behind)

    def _add_errors(self, errors: Sequence[RowError], behind: set[int]) -> None:
        taken = [error for error in errors if error.row not in behind]
        if taken and self._task.execution.reruns:  # what is written already is not checked again
            awaited = self._rows.awaited(*self._at, {error.row for error in taken})
            taken = [error for error in taken if error.row in awaited]
        self._rows.add_errors(*self._at, taken)

    def _ended(self, run: EntityRun, progress: EntityProgress) -> EntityRun:
        in_error = self._task.failed_rows(Stage.TARGET)
        if not progress.target_done:
            status = EntityStatus.ABORTED
        else:
            status = EntityStatus.ERROR if in_error else EntityStatus.FINISHED
        return dataclasses.replace(
            _counted(run, progress, in_error),
            target_status=status,
            target_ended_at=self._task.deps.clock.now,
        )


def _counted(run: EntityRun, progress: EntityProgress, in_error: int) -> EntityRun:
    return dataclasses.replace(
        run,
        target_created=progress.created,
        target_updated=progress.updated,
        target_in_error=in_error,
    )
