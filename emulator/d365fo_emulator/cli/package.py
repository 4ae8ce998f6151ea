"""`package`: make a data package of files, or show what is in one. No server is needed."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from d365fo_emulator.cli.catalogue import environment_option, known_entities, known_formats
from d365fo_emulator.cli.output import json_option, note, print_json, print_table
from d365fo_emulator.kernel.clock import system_now
from d365fo_emulator.kernel.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from d365fo_emulator.entities.catalogue import Catalogue
    from d365fo_emulator.entities.model import EntityType
    from d365fo_emulator.packages.making import Part, Source
    from d365fo_emulator.packages.model import PackageEntity
    from d365fo_emulator.packages.showing import Contents, Listed


@click.group()
def package() -> None:
    """Data packages: make one of files, show what is in one."""


@package.command("new")
@click.argument("files", nargs=-1, required=True, metavar="[ENTITY=]FILE…")
@click.option(
    "--output", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The package."
)
@click.option("--project", help="Name of its data project; default: the package's name.")
@click.option("--format", "source_format", default="", help="Format of all data files.")
@click.option("--encoding", default="", help="Of delimited files; default: detected, and said.")
@click.option("--delimiter", default="", help="Of delimited files; default: detected, and said.")
@click.option("--force", is_flag=True, help="Replace the package when it is there.")
@environment_option
@json_option
def new(
    files: tuple[str, ...],
    output: Path,
    project: str | None,
    source_format: str,
    encoding: str,
    delimiter: str,
    force: bool,
    environment: Path | None,
    as_json: bool,
) -> None:
    """Make a package of CSV, Excel and XML files.

    The entity of a file is the one that its name says (`Customer groups.csv`; of a workbook with
    several sheets each sheet's name), or the one written before it: `"Customer groups=g.csv"`.
    Columns feed the fields of their name. A file that no standard format fits is rewritten as
    CSV-Unicode.
    """
    from d365fo_emulator.dmf.sequence import in_sequence  # noqa: PLC0415  as `making`
    from d365fo_emulator.packages import making  # noqa: PLC0415  with the formats it reads

    if output.exists() and not force:
        raise ConfigurationError(f"{output} is there already: give --force or another --output")
    catalogue, formats = known_entities(environment), known_formats(environment)
    how = (encoding, _character(delimiter))
    sources = [source for file in files for source in _sources(catalogue, file, *how)]
    _refuse_twice(sources)
    parts = [making.plan_part(source, formats, source_format) for source in sources]
    places, _ = in_sequence(catalogue, [source.entity.name for source in sources])
    parts = making.in_levels(parts, {place.label: place.level for place in places})
    with _draft(output) as draft, draft.open("wb") as stream:
        counts = making.write_package(stream, project or output.stem, parts, system_now(), formats)
    if as_json:
        print_json(_made_document(output, parts, counts))
        return
    for part, count in zip(parts, counts, strict=True):
        _say_part(part, count)
    click.echo(f"{output}: {len(parts)} {'entity' if len(parts) == 1 else 'entities'}")


@package.command()
@click.argument("path", metavar="PACKAGE", type=click.Path(path_type=Path))
@click.option("--entity", help="Show the mapping of this entity.")
@click.option("--no-rows", is_flag=True, help="Do not count rows: read headers alone.")
@click.option(
    "--unpack", type=click.Path(file_okay=False, path_type=Path), help="Write its files here."
)
@environment_option
@json_option
def show(
    path: Path,
    entity: str | None,
    no_rows: bool,
    unpack: Path | None,
    environment: Path | None,
    as_json: bool,
) -> None:
    """What is in a package: entities in their order, formats, rows, mapping."""
    from d365fo_emulator.packages import showing  # noqa: PLC0415  with the formats it reads

    if not path.is_file():
        raise ConfigurationError(f"there is no file {path}")
    catalogue, formats = known_entities(environment), known_formats(environment)

    def entity_of(plan: PackageEntity) -> EntityType | None:
        return catalogue.find(plan.target_entity or plan.label) or catalogue.find(plan.label)

    contents = showing.read_contents(path, formats, entity_of, count_rows=not no_rows)
    if unpack is not None:
        for file in showing.unpack(path, unpack):
            note(f"wrote {file}")
    if entity is not None:
        _show_mapping(_listed(contents, entity), as_json=as_json)
    elif as_json:
        print_json(_contents_document(contents))
    else:
        _show_contents(contents)


# new


def _sources(
    catalogue: Catalogue, argument: str, encoding: str, delimiter: str
) -> Iterator[Source]:
    """The file of an argument, and the entity that it is for; of a workbook, its sheets."""
    from d365fo_emulator.packages.detection import Kind, detect  # noqa: PLC0415  as above
    from d365fo_emulator.packages.making import Source  # noqa: PLC0415  as above

    label, path = _named(argument)
    finding = detect(path, encoding, delimiter)
    note(f"{path.name}: {finding}")
    sheets = _sheets(path) if finding.kind is Kind.WORKBOOK else ()
    if label or len(sheets) < 2:
        yield Source(path, finding, _entity(catalogue, label or path.stem))
        return
    by_sheet = {sheet: _entity_of_sheet(catalogue, sheet) for sheet in sheets}
    for sheet, entity in by_sheet.items():
        if entity is None:
            note(f"{path.name}: no entity has a sheet {sheet!r}; it is left out")
        else:
            yield Source(path, finding, entity, sheet)
    if not any(by_sheet.values()):
        raise ConfigurationError(
            f"{path.name}: name its entity, as in {'Customer groups=' + path.name!r}"
        )


def _named(argument: str) -> tuple[str, Path]:
    path = Path(argument)
    if path.is_file():
        return "", path
    label, equals, name = argument.partition("=")
    path = Path(name if equals else argument)
    if not path.is_file():
        raise ConfigurationError(f"there is no file {path}")
    return label.strip(), path


def _entity(catalogue: Catalogue, name: str) -> EntityType:
    found = catalogue.find(name) or _by_file_name(catalogue, name)
    if found is None:
        near = catalogue.nearest(name)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ConfigurationError(
            f"no entity is called {name!r}{hint}; name it, as in {'Customer groups=FILE'!r}"
        )
    return found


def _by_file_name(catalogue: Catalogue, stem: str) -> EntityType | None:
    """A label with characters that no file name can have."""
    from d365fo_emulator.packages.naming import file_name_for  # noqa: PLC0415  as above

    for known in catalogue.names():
        if file_name_for(known.label, "").casefold() == stem.casefold():
            return catalogue.find(known.label)
    return None


def _entity_of_sheet(catalogue: Catalogue, sheet: str) -> EntityType | None:
    from d365fo_emulator.packages.naming import sheet_name_for  # noqa: PLC0415  as above

    for known in catalogue.names():
        if sheet_name_for(known.label).casefold() == sheet_name_for(sheet).casefold():
            return catalogue.find(known.label)
    return None


def _sheets(path: Path) -> tuple[str, ...]:
    from python_calamine import CalamineError, CalamineWorkbook  # noqa: PLC0415  workbooks alone

    try:
        return tuple(CalamineWorkbook.from_path(path).sheet_names)
    except CalamineError as error:
        raise ConfigurationError(f"{path.name} is no workbook: {error}") from error


def _refuse_twice(sources: Sequence[Source]) -> None:
    seen: dict[str, Path] = {}
    for source in sources:
        former = seen.setdefault(source.entity.name, source.path)
        if former is not source.path:
            raise ConfigurationError(
                f"{former.name} and {source.path.name} are both {source.entity.label}"
            )


def _character(delimiter: str) -> str:
    """A delimiter as people type it: itself, or a name."""
    return {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}.get(
        delimiter, delimiter
    )


@contextlib.contextmanager
def _draft(output: Path) -> Iterator[Path]:
    """A file that takes the place of `output` when it is whole."""
    draft = output.with_name(f"{output.name}.part")
    try:
        yield draft
        draft.replace(output)
    finally:
        draft.unlink(missing_ok=True)


def _say_part(part: Part, count: int) -> None:
    plan = part.plan
    rows = "" if count < 0 else f", {count} {'row' if count == 1 else 'rows'}"
    click.echo(f"{plan.label}: {plan.file_name}, {plan.source_format}, level {plan.level}{rows}")
    if part.rewritten:
        click.echo(f"  rewritten as {plan.source_format}: {part.rewritten}")
    if part.unmapped:
        click.echo(f"  no field is called {', '.join(part.unmapped)}: not mapped")
    if part.unfilled:
        click.echo(f"  no column feeds {', '.join(part.unfilled)}, which must be filled")


def _made_document(output: Path, parts: Sequence[Part], counts: Sequence[int]) -> Mapping[str, Any]:
    return {
        "package": str(output),
        "entities": [
            {
                "entity": part.plan.label,
                "file": part.plan.file_name,
                "sourceFormat": part.plan.source_format,
                "source": str(part.source.path),
                "found": str(part.source.finding),
                "rewritten": part.rewritten,
                "level": part.plan.level,
                "sequence": part.plan.sequence,
                "rows": None if count < 0 else count,
                "mapped": len(part.plan.maps or ()),
                "unmapped": list(part.unmapped),
                "unfilled": list(part.unfilled),
            }
            for part, count in zip(parts, counts, strict=True)
        ],
    }


# show


def _listed(contents: Contents, name: str) -> Listed:
    from d365fo_emulator.kernel.tables import did_you_mean  # noqa: PLC0415  with refusals

    for one in contents.entities:
        if name.casefold() in {one.plan.label.casefold(), one.plan.target_entity.casefold()}:
            return one
    hint = did_you_mean(name, [one.plan.label for one in contents.entities])
    raise ConfigurationError(f"the package lists no entity {name!r}{hint}")


def _show_contents(contents: Contents) -> None:
    manifest = contents.manifest
    described = f" ({manifest.description})" if manifest.description else ""
    click.echo(f"data project {manifest.definition_group}{described}")
    ordered = sorted(
        contents.entities, key=lambda one: (one.plan.unit, one.plan.level, one.plan.sequence)
    )
    head = ("order", "entity", "format", "file", "rows", "mapped")
    print_table(head, [_row(one) for one in ordered], whole=("order", "rows", "mapped"))
    for one in ordered:
        if one.problem:
            click.echo(f"{one.plan.label}: {one.problem}")
    for label, file in contents.attachments:
        click.echo(f"{file.name}: attachment of {label}")
    for name in contents.others:
        click.echo(f"{name}: no entity names it")


def _row(one: Listed) -> list[Any]:
    plan = one.plan
    order = f"{plan.unit}/{plan.level}/{plan.sequence}"
    label = f"{plan.label} (disabled)" if plan.disabled else plan.label
    mapped = "none" if plan.maps is None else len(plan.maps)
    return [order, label, plan.source_format, plan.file_name, _count(one.rows), mapped]


def _count(rows: int | None) -> str:
    return "?" if rows is None else str(rows)


def _show_mapping(one: Listed, *, as_json: bool) -> None:
    if as_json:
        print_json(_listed_document(one))
        return
    rows = [
        [mapped.xml_field, mapped.entity_field, _extras(mapped)] for mapped in one.plan.maps or ()
    ]
    print_table(("column", "field", "how"), rows)
    mapped_columns = {mapped.xml_field.casefold() for mapped in one.plan.maps or ()}
    for column in one.columns or ():
        if column.casefold() not in mapped_columns:
            click.echo(f"column {column} has no map: it is ignored")


def _extras(mapped: Any) -> str:
    said = {
        "auto-generated": mapped.auto_generated,
        "default": mapped.auto_default,
        "blank keeps": mapped.default_when_empty,
        f"{len(mapped.conversions)} conversions": bool(mapped.conversions),
        f"array index {mapped.array_index}": mapped.array_index > 0,
    }
    return ", ".join(text for text, holds in said.items() if holds)


def _listed_document(one: Listed) -> dict[str, Any]:
    plan = one.plan
    return {
        "entity": plan.label,
        "targetEntity": plan.target_entity,
        "sourceFormat": plan.source_format,
        "file": plan.file_name,
        "bytes": one.size,
        "sheet": plan.sheet,
        "executionUnit": plan.unit,
        "level": plan.level,
        "sequence": plan.sequence,
        "disabled": plan.disabled,
        "rows": one.rows,
        "columns": None if one.columns is None else list(one.columns),
        "maps": None
        if plan.maps is None
        else [
            {"column": mapped.xml_field, "field": mapped.entity_field, "how": _extras(mapped)}
            for mapped in plan.maps
        ],
        "problem": one.problem,
    }


def _contents_document(contents: Contents) -> dict[str, Any]:
    return {
        "definitionGroup": contents.manifest.definition_group,
        "description": contents.manifest.description,
        "packageVersion": contents.header.version,
        "entities": [_listed_document(one) for one in contents.entities],
        "attachments": [
            {"entity": label, "name": file.name, "file": file.member}
            for label, file in contents.attachments
        ],
        "otherFiles": list(contents.others),
    }


COMMANDS = {"package": package}
