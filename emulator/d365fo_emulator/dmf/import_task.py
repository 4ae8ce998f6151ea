"""One entity of one import, and what its steps work with."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from d365fo_emulator.dmf.checks import known_entity
from d365fo_emulator.dmf.listings import rows_id
from d365fo_emulator.dmf.model import EntityRun, EntityStatus
from d365fo_emulator.entities.store import Stage
from d365fo_emulator.packages.formats.registry import STANDARD, SourceFormats
from d365fo_emulator.packages.mapping import staging_name

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    from d365fo_emulator.config.entries import ImportTasks
    from d365fo_emulator.dmf.attachments import Attachments
    from d365fo_emulator.dmf.error_files import ErrorFiles
    from d365fo_emulator.dmf.listings import Listing
    from d365fo_emulator.dmf.model import Execution
    from d365fo_emulator.entities.catalogue import Catalogue
    from d365fo_emulator.entities.model import EntityType, Field
    from d365fo_emulator.entities.store import EntityProgress, RowStore
    from d365fo_emulator.kernel.clock import Clock
    from d365fo_emulator.kernel.settings import Settings
    from d365fo_emulator.packages.archive import Package
    from d365fo_emulator.packages.model import PackageEntity


@dataclass(frozen=True)
class ImportDeps:
    """What an import works with. `companies`: the ids of all that there are."""

    catalogue: Catalogue
    rows: RowStore
    settings: Settings
    companies: tuple[str, ...]
    clock: Clock
    formats: SourceFormats = STANDARD
    error_files: ErrorFiles | None = None
    attachments: Attachments | None = None
    import_tasks: tuple[ImportTasks, ...] = ()


class ImportTask:
    """One entity of one execution: what the manifest says of it, and how it stands.

    Args:
        deps: see `ImportDeps`.
        execution: as it stood when its work began.
        listing: the entity.
        archive: the package, open; None in a re-run, which takes rows from staging alone.
        report: hears of each change of the entity's run.
        go_on: asked often; whether to go on.

    """

    def __init__(
        self,
        deps: ImportDeps,
        execution: Execution,
        listing: Listing,
        archive: Package | None,
        report: Callable[[EntityRun], None],
        go_on: Callable[[], bool],
    ) -> None:
        self.deps = deps
        self.rows = deps.rows
        self.execution = execution
        self.plan = listing.plan
        self.position = listing.position
        self.rows_id = rows_id(execution.id, listing.before)
        self._archive = archive
        self._report = report
        self.go_on = go_on
        self.entity = _known(deps.catalogue, listing.plan)
        self.company = execution.company if self.entity.per_company else ""

    @property
    def archive(self) -> Package:
        """The package, open."""
        assert self._archive is not None, "a re-run reads no file"  # noqa: S101
        return self._archive

    @property
    def division(self) -> ImportTasks | None:
        """Into how many parts the environment file lets files of this entity be divided."""
        names = (self.entity.label, self.entity.name, self.entity.collection)
        folded = {name.casefold() for name in names}
        divisions = self.deps.import_tasks
        return next((one for one in divisions if one.entity.casefold() in folded), None)

    @property
    def skips_staging(self) -> bool:
        """Whether rows go from the file to the target without a stop that others can see.

        They pass through the staging tables all the same, where an import that is cut off finds
        them. Without a target step there is nothing to skip to.
        """
        again = self.execution.reruns
        return self.plan.skip_staging and self.execution.options.execute and not again

    def report(self, run: EntityRun) -> None:
        """Tells how the entity stands."""
        self._report(self.seen(run))

    def seen(self, run: EntityRun) -> EntityRun:
        """The run as others see it: where staging is skipped, its step is part of the target's."""
        if not self.skips_staging or run.staging_status is EntityStatus.NOT_RUN:
            return run
        is_staged = run.staging_status is EntityStatus.FINISHED
        return dataclasses.replace(
            run,
            staging_status=EntityStatus.NONE,
            target_status=run.target_status if is_staged else run.staging_status,
            staging_created=0,
            staging_in_error=0,
            target_in_error=run.target_in_error + run.staging_in_error,
            staging_started_at=None,
            staging_ended_at=None,
            target_started_at=run.staging_started_at,
            target_ended_at=run.target_ended_at if is_staged else run.staging_ended_at,
        )

    def planned(self) -> EntityRun:
        """The run before anything was done; what a former process began keeps its instants."""
        return planned_run(self.execution, self.plan, self.position)

    def field(self, name: str) -> Field:
        """The entity's field of this staging name."""
        field = self.entity.find_field(name)
        assert field is not None  # noqa: S101  the call has checked or learnt every mapped field
        return field

    def mapped_fields(self) -> list[Field]:
        """The fields that the manifest maps a column to, or fills otherwise."""
        return [self.field(staging_name(one)) for one in self.plan.maps or ()]

    def progress(self) -> EntityProgress:
        """How far the rows have come."""
        return self.rows.progress(self.rows_id, self.entity)

    def failed_rows(self, stage: Stage) -> int:
        """How many rows failed in this stage."""
        return self.rows.count_failed_rows(self.rows_id, self.entity, stage)

    def rows_left_behind(self) -> set[int]:
        """Rows that failed before the target step: it does not see them."""
        return {
            error.row
            for _name, error in self.rows.errors(self.rows_id, self.entity)
            if error.row and error.stage is not Stage.TARGET
        }


def planned_run(execution: Execution, plan: PackageEntity, position: int) -> EntityRun:
    """A run before anything was done; what a former process began keeps its instants."""
    run = EntityRun.planned(plan, position)
    if position < len(execution.entities):
        former = execution.entities[position]
        run = dataclasses.replace(
            run,
            staging_started_at=former.staging_started_at,
            staging_ended_at=former.staging_ended_at,
            target_started_at=former.target_started_at,
        )
    return run


def never_ending(run: EntityRun, now: dt.datetime) -> EntityRun:
    """An entity that has begun and never ends (see `schedule.never_ends`)."""
    begun = dataclasses.replace(
        run,
        staging_status=EntityStatus.EXECUTING,
        staging_started_at=run.staging_started_at or now,
    )
    return noted(begun, "it has no mapping (ValidationStatus No), so it never ends")


def noted(run: EntityRun, note: str) -> EntityRun:
    """The run, with one thing more to say of it."""
    return dataclasses.replace(run, notes=(*run.notes, note))


def _known(catalogue: Catalogue, plan: PackageEntity) -> EntityType:
    entity = known_entity(catalogue, plan)
    assert entity is not None  # noqa: S101  the call has checked or learnt every entity
    return entity
