"""What an environment file describes, put into the subsystems of a workspace."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from d365fo_emulator.dmf import checks
from d365fo_emulator.dmf.export_plan import filter_values
from d365fo_emulator.dmf.import_task import ImportDeps
from d365fo_emulator.dmf.importing import import_package
from d365fo_emulator.dmf.model import DataProject, Execution, ExecutionState, Operation
from d365fo_emulator.dmf.states import summarise
from d365fo_emulator.emulator.entity_sources import describe_entities
from d365fo_emulator.entities.conversion import Converter, text_writer
from d365fo_emulator.identity.model import Application, Directory, User
from d365fo_emulator.kernel.errors import ConfigurationError
from d365fo_emulator.kernel.workspace import ExecutionId
from d365fo_emulator.odata.errors import ActionFailed
from d365fo_emulator.packages.formats.definitions import format_of
from d365fo_emulator.packages.formats.registry import SourceFormats
from d365fo_emulator.packages.model import FieldMap, PackageEntity, RowFilter
from d365fo_emulator.scenarios.model import ExecutionScript

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from d365fo_emulator.config.entries import EnvironmentFile, Project, ProjectEntity, Seed
    from d365fo_emulator.dmf.service import Surroundings
    from d365fo_emulator.emulator.entity_sources import EntitySources
    from d365fo_emulator.entities.model import EntityType, Field

SEED_EXECUTION = ExecutionId("environment")


def directory_of(environment: EnvironmentFile) -> Directory:
    """The tenant with its applications and users."""
    return Directory(
        tenant_id=environment.tenant.id,
        domain=environment.tenant.domain,
        applications=tuple(
            Application(one.id, one.secret, one.user, one.name) for one in environment.clients
        ),
        users=tuple(User(**dataclasses.asdict(one)) for one in environment.users),
        resources=environment.resources,
    )


def companies_of(environment: EnvironmentFile) -> dict[str, str]:
    """Companies by folded id: letter case does not count."""
    return {company.id.casefold(): company.id for company in environment.companies}


def formats_of(environment: EnvironmentFile) -> SourceFormats:
    """The source data formats: the stock ones and those that the file describes.

    Raises:
        ConfigurationError: a data source that cannot be.

    """
    own = [format_of(definition) for definition in environment.data_sources]
    return SourceFormats(
        own,
        pascal_case=environment.settings.xml_row_names == "pascal",
        dummy_row=environment.settings.excel_dummy_row,
        sheet_memory=environment.settings.sheet_memory_mib * 1024 * 1024,
    )


def describe(at: Surroundings, environment: EnvironmentFile, sources: EntitySources) -> None:
    """Entities that the file describes; they are said again at each start, so nothing is kept.

    Raises:
        ConfigurationError: an entity that cannot be.

    """
    describe_entities(
        at.catalogue, environment.entities, sources, lambda package: _learn(at, package)
    )


def seed(at: Surroundings, environment: EnvironmentFile) -> None:
    """Projects and rows of a workspace that is new.

    Raises:
        ConfigurationError: rows or packages that cannot be stored as they stand.

    """
    for project in environment.data_projects:
        at.store.save_project(_project(at, project))
    for entry in environment.data:
        if entry.package is not None:
            _import(at, entry)
        else:
            _put_rows(at, entry)


def _learn(at: Surroundings, package: Path) -> None:
    checks.learn(at.catalogue, _checked(at, package).manifest)


def _checked(at: Surroundings, package: Path) -> checks.CheckedPackage:
    try:
        return checks.check_package(package, at.workspace, at.catalogue, at.formats)
    except ActionFailed as error:
        raise ConfigurationError(f"{package.name}: {error.reason}") from error


def _project(at: Surroundings, project: Project) -> DataProject:
    plans = [
        _project_entity(at, one, sequence) for sequence, one in enumerate(project.entities, start=1)
    ]
    return DataProject(
        project.name, Operation(project.operation), tuple(plans), project.description
    )


def _project_entity(at: Surroundings, one: ProjectEntity, sequence: int) -> PackageEntity:
    if composite := at.catalogue.find_composite(one.entity):
        if one.fields or one.filter:
            raise ConfigurationError(
                f"dataProjects: {composite.label} is a composite entity: it takes neither fields"
                " nor a filter"
            )
        return PackageEntity(
            label=composite.label,
            file_name=one.file,
            source_format=one.format,
            maps=None,
            target_entity=composite.name,
            sequence=sequence,
        )
    entity = _known(at, one.entity)
    fields = [_known_field(entity, name) for name in one.fields]
    maps = tuple(FieldMap(f.staging_name.upper(), f.staging_name.upper()) for f in fields)
    return PackageEntity(
        label=entity.label,
        file_name=one.file,
        source_format=one.format,
        maps=maps or None,
        target_entity=entity.name,
        sequence=sequence,
        refresh_type=one.refresh_type,
        filters=tuple(_filter(entity, name, wanted) for name, wanted in one.filter.items()),
    )


def _filter(entity: EntityType, name: str, wanted: Sequence[Any]) -> RowFilter:
    field = _known_field(entity, name)
    try:
        values = filter_values(field, [str(value) for value in wanted])
    except ValueError as error:
        raise ConfigurationError(f"dataProjects: {entity.label}: {error}") from None
    return RowFilter(field.staging_name.upper(), tuple(map(text_writer(field), values)))


def _put_rows(at: Surroundings, entry: Seed) -> None:
    entity = _known(at, entry.entity)
    at.rows.prepare(entity)
    company = _company(at, entry) if entity.per_company else ""
    for number, row in enumerate(entry.rows, start=1):
        fields = [_known_field(entity, name) for name in row]
        texts = ["" if value is None else str(value) for value in row.values()]
        columns, errors = Converter(fields).convert([texts], 1)
        if errors:
            raise ConfigurationError(f"data: {entity.label}, row {number}: {errors[0].message}")
        at.rows.put(entity, fields, company, [[column[0] for column in columns]])


def _import(at: Surroundings, entry: Seed) -> None:
    package = entry.package
    assert package is not None  # noqa: S101  the caller has looked
    checked = _checked(at, package)
    checks.learn(at.catalogue, checked.manifest)
    execution = Execution(
        id=SEED_EXECUTION,
        operation=Operation.IMPORT,
        group=checked.manifest.definition_group,
        company=_company(at, entry),
        script=ExecutionScript(),
        created_at=at.workspace.clock.now,
        state=ExecutionState.EXECUTING,
        plan=checked.manifest.entities,
    )
    companies = tuple(at.companies.values())
    workspace = at.workspace
    deps = ImportDeps(
        at.catalogue, at.rows, workspace.settings, companies, workspace.clock, at.formats
    )
    runs = import_package(deps, execution, package, lambda _run: None, lambda: True)
    state, because = summarise(runs)
    errors = [error.message for _entity, error in at.rows.errors(SEED_EXECUTION)]
    at.rows.drop_execution(SEED_EXECUTION)
    if state is not ExecutionState.SUCCEEDED:
        first = f": {errors[0]}" if errors else ""
        raise ConfigurationError(f"data: {package.name}: {because}{first}")


def _company(at: Surroundings, entry: Seed) -> str:
    company = at.companies.get((entry.company or "").casefold())
    if company is None:
        known = ", ".join(at.companies.values())
        what = entry.entity or (entry.package.name if entry.package else "")
        raise ConfigurationError(f"data: {what}: name a company ({known})")
    return company


def _known(at: Surroundings, name: str) -> EntityType:
    entity = at.catalogue.find(name)
    if entity is None:
        near = ", ".join(at.catalogue.nearest(name))
        hint = f"; the nearest are {near}" if near else ""
        raise ConfigurationError(f"no entity is called {name!r}{hint}")
    return entity


def _known_field(entity: EntityType, name: str) -> Field:
    field = entity.find_field(name)
    if field is None:
        known = ", ".join(sorted(one.staging_name for one in entity.fields))
        raise ConfigurationError(f"{entity.label} has no field {name!r}; it has {known}")
    return field
