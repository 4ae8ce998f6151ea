"""The real work of an export: stored rows of one company into a package."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from d365fo_emulator.dmf.checks import known_entity
from d365fo_emulator.dmf.listings import listings
from d365fo_emulator.dmf.model import EntityRun, EntityStatus
from d365fo_emulator.entities.conversion import text_writer
from d365fo_emulator.packages.errors import FileNotWritable
from d365fo_emulator.packages.formats.shaping import shape_to_write
from d365fo_emulator.packages.model import FieldMap, Manifest, PackageEntity, PackageHeader
from d365fo_emulator.packages.naming import file_name_for, sheet_name_for
from d365fo_emulator.packages.writer import PackageWriter

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterator
    from typing import IO

    from d365fo_emulator.dmf.import_task import ImportDeps
    from d365fo_emulator.dmf.listings import Listing
    from d365fo_emulator.dmf.model import Execution
    from d365fo_emulator.entities.model import EntityType, Field
    from d365fo_emulator.entities.store import RowStore


def export_package(
    deps: ImportDeps,
    execution: Execution,
    target: IO[bytes],
    stamp: dt.datetime,
    go_on: Callable[[], bool],
) -> tuple[EntityRun, ...]:
    """Writes the package of an export into `target`, entity by entity.

    An entity without rows gets no data file: the product does not upload what holds a header alone
    (documented as a behaviour that a flight switches off).
    """
    runs, plans, names = [], [], {}
    with PackageWriter(target, stamp) as writer:
        for listing in listings(deps.catalogue, execution.plan):
            run = EntityRun.planned(listing.plan, listing.position)
            entity = known_entity(deps.catalogue, listing.plan)
            if entity is None:
                runs.append(_failed(run, f"no entity is called {run.entity!r}"))
                continue
            plan = _written_as(deps, listing, entity)
            run = EntityRun.planned(plan, listing.position)
            runs.append(_export_entity(deps, execution, plan, run, entity, writer, go_on))
            plans.append(plan)
            names[plan.label] = entity.name
        manifest = Manifest(execution.group, execution.group, tuple(plans))
        writer.finish(manifest, PackageHeader(description=execution.group), names)
    return tuple(runs)


def _written_as(deps: ImportDeps, listing: Listing, entity: EntityType) -> PackageEntity:
    """The entity as the package's manifest lists it: its file, its sheet, all its fields.

    An entity that is listed again has a file of its own, with a number.
    """
    planned = listing.plan
    file_stem = f"{entity.label}_{listing.before}" if listing.before else entity.label
    source_format = deps.formats.find(planned.source_format)
    fields = [field.staging_name.upper() for field in _fields(planned, entity)]
    return dataclasses.replace(
        planned,
        label=entity.label,
        source_format=source_format.name,
        file_name=file_name_for(file_stem, source_format.extension),
        sheet=sheet_name_for(entity.label) + "$" if source_format.name == "EXCEL" else "",
        target_entity=entity.name,
        # Product-written manifests list maps by name, whatever the order of columns (recorded).
        maps=tuple(FieldMap(entity_field=name, xml_field=name) for name in sorted(fields)),
    )


def _fields(planned: PackageEntity, entity: EntityType) -> tuple[Field, ...]:
    if planned.maps is None:
        return entity.file_fields
    chosen = {one.entity_field.upper() for one in planned.maps}
    return tuple(field for field in entity.file_fields if field.staging_name.upper() in chosen)


def _export_entity(
    deps: ImportDeps,
    execution: Execution,
    plan: PackageEntity,
    run: EntityRun,
    entity: EntityType,
    writer: PackageWriter,
    go_on: Callable[[], bool],
) -> EntityRun:
    rows = deps.rows
    company = execution.company if entity.per_company else ""
    rows.prepare(entity)
    if not rows.count(entity, company):
        done = dataclasses.replace(run, staging_status=EntityStatus.FINISHED)
        note = "there were no rows, so the package has no file of it"
        return dataclasses.replace(done, target_status=EntityStatus.FINISHED, notes=(note,))
    fields = _fields(plan, entity)
    source_format = deps.formats.find(plan.source_format)
    header = [field.staging_name.upper() for field in fields]
    texts = _texts(rows, entity, fields, company, go_on)
    try:
        with writer.data_file(plan.file_name) as stream:
            count = source_format.write(stream, shape_to_write(entity, header), texts)
    except FileNotWritable as error:
        return _failed(run, str(error))
    return dataclasses.replace(
        run,
        staging_status=EntityStatus.FINISHED,
        target_status=EntityStatus.FINISHED if go_on() else EntityStatus.ABORTED,
        source_records=count,
        staging_created=count,
        target_created=count,
    )


def _texts(
    rows: RowStore,
    entity: EntityType,
    fields: tuple[Field, ...],
    company: str,
    go_on: Callable[[], bool],
) -> Iterator[list[str]]:
    writers = [text_writer(field) for field in fields]
    for number, row in enumerate(rows.rows(entity, fields, company)):
        if number % 1000 == 0 and not go_on():
            return
        yield [write(value) for write, value in zip(writers, row, strict=True)]


def _failed(run: EntityRun, because: str) -> EntityRun:
    return dataclasses.replace(
        run,
        staging_status=EntityStatus.ERROR,
        target_status=EntityStatus.NOT_RUN,
        notes=(because,),
    )
