"""Imports of composite entities: one listed entity whose file feeds several, parents first.

Each part goes through the steps of an entity of its own, with rows, progress and errors under its
own name; the execution shows the composite, whose counters are the sums. One part whose rows
cannot be staged fails them all, as the product loads a composite in one piece (inferred).
"""

from __future__ import annotations

import dataclasses
import functools
from collections import Counter
from typing import TYPE_CHECKING, Any

from d365fo_emulator.dmf.errors import file_not_found
from d365fo_emulator.dmf.import_task import ImportTask, never_ending, noted, planned_run
from d365fo_emulator.dmf.listings import Listing, rows_id
from d365fo_emulator.dmf.model import EntityStatus
from d365fo_emulator.dmf.schedule import never_ends
from d365fo_emulator.dmf.staging import to_staging
from d365fo_emulator.dmf.target import to_target
from d365fo_emulator.entities.conversion import text_writer
from d365fo_emulator.entities.errors import nothing_staged
from d365fo_emulator.entities.store import RowError, Stage
from d365fo_emulator.packages.composites import nested_parts, part_maps, part_names
from d365fo_emulator.packages.errors import (
    COMPOSITE_NOT_XML,
    DATASET_DOUBLED,
    PARENT_FAILED,
    PackageRefused,
    SourceUnreadable,
)
from d365fo_emulator.packages.formats.nested import NestedRows, fields_by_part
from d365fo_emulator.packages.formats.registry import SourceFormats
from d365fo_emulator.packages.formats.xml_rows import XmlRows
from d365fo_emulator.packages.mapping import staging_name

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from d365fo_emulator.dmf.import_task import ImportDeps
    from d365fo_emulator.dmf.model import EntityRun, Execution
    from d365fo_emulator.entities.culture import Culture
    from d365fo_emulator.entities.model import Composite
    from d365fo_emulator.entities.store import Value
    from d365fo_emulator.packages.archive import Package
    from d365fo_emulator.packages.composites import NestedPart

# Of several statuses the first that any part has; else all are finished.
_WORST = (
    EntityStatus.ERROR,
    EntityStatus.ABORTED,
    EntityStatus.EXECUTING,
    EntityStatus.NOT_RUN,
)

_COUNTERS = (
    "source_records",
    "staging_created",
    "staging_in_error",
    "target_created",
    "target_updated",
    "target_in_error",
)
_INSTANTS: dict[str, Callable[[list[dt.datetime]], dt.datetime]] = {
    "staging_started_at": min,
    "staging_ended_at": max,
    "target_started_at": min,
    "target_ended_at": max,
}


class CompositeTask:
    """One composite entity of one execution.

    Args:
        deps: see `ImportDeps`.
        execution: as it stood when its work began.
        listing: the composite, as the manifest lists it.
        composite: what it consists of.
        archive: the package, open.
        report: hears of each change of the composite's run.
        go_on: asked often; whether to go on.

    """

    def __init__(
        self,
        deps: ImportDeps,
        execution: Execution,
        listing: Listing,
        composite: Composite,
        archive: Package,
        report: Callable[[EntityRun], None],
        go_on: Callable[[], bool],
    ) -> None:
        self.plan = listing.plan
        self.position = listing.position
        self.report = report
        self.go_on = go_on
        # No error files of composites (see `error_files`), and they are never divided (documented).
        self._deps = dataclasses.replace(deps, error_files=None, import_tasks=())
        self._execution = execution
        self._archive = archive
        self._root = nested_parts(deps.catalogue, composite)
        self._names = part_names(self._root, self.plan.maps or ())
        self._tasks: dict[NestedPart, ImportTask] = {}
        self._runs: dict[NestedPart, EntityRun] = {}

    def planned(self) -> EntityRun:
        """The run before anything was done."""
        return planned_run(self._execution, self.plan, self.position)

    def to_staging(self) -> EntityRun:
        """Takes all parts to the end of their first step, if there is a mapping for any."""
        if never_ends(self.plan):
            return never_ending(self.planned(), self._deps.clock.now)
        try:
            fields = self._fields()
        except (SourceUnreadable, PackageRefused) as error:
            return self._refused(error)
        for part, task in self._part_tasks(fields):
            self._tasks[part] = task
            self._runs[part] = task.planned()
        for part, task in self._tasks.items():
            if self.go_on():
                self._runs[part] = to_staging(task)
        run = self._sum()
        if run.staging_status is EntityStatus.ERROR:
            run = dataclasses.replace(run, staging_created=0)
            return noted(run, nothing_staged(self.plan.label))
        return run

    def to_target(self) -> EntityRun:
        """Takes all parts through their second step; what hangs on a failed row fails too."""
        for parent in self._root.parts():
            self._runs[parent] = to_target(self._tasks[parent], self._runs[parent])
            for child in parent.children:
                self._fail_orphans(parent, child)
        return self._sum()

    def _fields(self) -> dict[NestedPart, tuple[str, ...]]:
        enabled = [one for one in self._execution.plan if not one.disabled]
        if len(enabled) > 1:
            raise SourceUnreadable("", DATASET_DOUBLED.format(entity=self._root.entity.name))
        source_format = self._deps.formats.find(self.plan.source_format)
        if not isinstance(source_format, XmlRows):
            raise SourceUnreadable("DMF1963", COMPOSITE_NOT_XML)
        if not self._archive.find(self.plan.file_name):
            raise SourceUnreadable("", file_not_found(self.plan.file_name))
        with self._archive.open(self.plan.file_name) as stream:
            return fields_by_part(source_format, stream, self._root, self._names)

    def _part_tasks(
        self, fields: dict[NestedPart, tuple[str, ...]]
    ) -> Iterable[tuple[NestedPart, ImportTask]]:
        source_format = self._deps.formats.find(self.plan.source_format)
        assert isinstance(source_format, XmlRows)  # noqa: S101  `_fields` has checked it
        seen: Counter[str] = Counter()
        for part in self._root.parts():
            entity = part.entity
            maps = part_maps(part, fields[part], self.plan.maps or ())
            plan = dataclasses.replace(
                self.plan, label=entity.label, target_entity=entity.name, maps=maps
            )
            listing = Listing(plan, self.position, seen[entity.name])
            seen[entity.name] += 1
            staged = functools.partial(self._staged_around, part, source_format.culture)
            rows = NestedRows(source_format, self._root, part, self._names, staged)
            deps = dataclasses.replace(self._deps, formats=SourceFormats([rows]))
            task = ImportTask(
                deps, self._execution, listing, self._archive, self._hears_of(part), self.go_on
            )
            yield part, task

    def _staged_around(
        self, part: NestedPart, culture: Culture
    ) -> Iterator[tuple[int, Sequence[str]]]:
        """What the links of a part take of the rows around it, as they were staged."""
        around = next((one for one in self._root.parts() if part in one.children), None)
        if around is None:
            return
        task = self._tasks[around]
        known = {staging_name(one) for one in task.plan.maps or ()}
        fields = [task.field(there) for _here, there in part.links]
        if not {there for _here, there in part.links} <= known:
            return
        writers = [text_writer(field, culture) for field in fields]
        for numbers, columns in task.rows.staged(task.rows_id, task.entity, fields):
            for number, values in zip(numbers, zip(*columns, strict=True), strict=True):
                yield (
                    number,
                    [write(value) for write, value in zip(writers, values, strict=True)],
                )

    def _hears_of(self, part: NestedPart) -> Callable[[EntityRun], None]:
        def hear(run: EntityRun) -> None:
            self._runs[part] = run
            self.report(self._sum())

        return hear

    def _refused(self, error: SourceUnreadable | PackageRefused) -> EntityRun:
        """Nothing was read. The error stands with the outermost entity."""
        entity, rows = self._root.entity, self._deps.rows
        kept = rows_id(self._execution.id, 0)
        rows.prepare(entity)
        rows.begin(kept, entity, self.position)
        rows.add_errors(kept, entity, [RowError(0, Stage.SOURCE, "", str(error))])
        rows.finish_staging(kept, entity, failed=True)
        now = self._deps.clock.now
        run = dataclasses.replace(
            self.planned(),
            staging_status=EntityStatus.ERROR,
            staging_started_at=now,
            staging_ended_at=now,
        )
        run = noted(run, str(error))
        return noted(run, nothing_staged(self.plan.label))

    def _fail_orphans(self, parent: NestedPart, child: NestedPart) -> None:
        """Rows of failed parents must not be written; found by the key that links them."""
        above, below = self._tasks[parent], self._tasks[child]
        failed = {
            error.row
            for _name, error in above.rows.errors(above.rows_id, parent.entity)
            if error.row
        }
        if not failed or not child.links:
            return
        keys = {
            key
            for row, key in _linked(above, [there for _here, there in child.links])
            if row in failed
        }
        field = child.links[0][0]
        text = PARENT_FAILED.format(label=parent.entity.label)
        found = [
            RowError(row, Stage.TARGET, field, text)
            for row, key in _linked(below, [here for here, _there in child.links])
            if key in keys
        ]
        below.rows.add_errors(below.rows_id, child.entity, found)

    def _sum(self) -> EntityRun:
        """The composite's run: sums of what its parts have done."""
        runs = [self._runs[part] for part in self._root.parts() if part in self._runs]
        sums: dict[str, Any] = {name: sum(getattr(run, name) for run in runs) for name in _COUNTERS}
        instants: dict[str, Any] = {}
        for name, choose in _INSTANTS.items():
            known = [at for run in runs if (at := getattr(run, name)) is not None]
            # A step has ended when it has for all.
            is_known = known if choose is min else len(known) == len(runs)
            instants[name] = choose(known) if is_known and known else None
        return dataclasses.replace(
            self.planned(),
            staging_status=_worst([run.staging_status for run in runs]),
            target_status=_worst([run.target_status for run in runs]),
            notes=tuple(f"{run.entity}: {note}" for run in runs for note in run.notes),
            **sums,
            **instants,
        )


def _worst(statuses: Sequence[EntityStatus]) -> EntityStatus:
    return next((one for one in _WORST if one in statuses), EntityStatus.FINISHED)


def _linked(task: ImportTask, names: Sequence[str]) -> Iterable[tuple[int, tuple[str, ...]]]:
    fields = [task.field(name) for name in names]
    for numbers, columns in task.rows.staged(task.rows_id, task.entity, fields):
        for number, values in zip(numbers, zip(*columns, strict=True), strict=True):
            yield number, tuple(map(_folded, values))


def _folded(value: Value) -> str:
    return str("" if value is None else value).casefold()
