"""`catalogue`: what is known of entities, and how one's own become known. No server is needed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from d365fo_emulator.cli.output import is_terminal, json_option, note, print_json, print_table
from d365fo_emulator.kernel.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from d365fo_emulator.entities.catalogue import Catalogue
    from d365fo_emulator.entities.model import CompositePart, EntityType, Field
    from d365fo_emulator.packages.formats.registry import SourceFormats
    from d365fo_emulator.packages.learning import Seen

FILE = click.Path(path_type=Path)
environment_option: Callable[[Any], Any] = click.option(
    "--environment",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="An environment file, whose entities are known beside the built-in ones.",
)
output_option: Callable[[Any], Any] = click.option(
    "--output",
    metavar="PATH",
    type=click.Path(path_type=Path),
    help="A .jsonl file (one entity a line), or a folder (one file an entity).",
)
force_option: Callable[[Any], Any] = click.option(
    "--force", is_flag=True, help="Replace what is there."
)


@click.group()
def catalogue() -> None:
    """The entities: what is known of one; how to bring one's own."""


@catalogue.command()
@click.argument("entity", required=False)
@environment_option
@json_option
def show(entity: str | None, environment: Path | None, as_json: bool) -> int:
    """What is known of an entity (label, AOT name or collection), or (without ENTITY) all.

    `--json` prints a definition as environment files take it. Exit 1 when there is no such
    entity.
    """
    known = known_entities(environment)
    if entity is None:
        _show_all(known, as_json=as_json)
        return 0
    found = known.find(entity)
    composite = known.find_composite(entity)
    if found is None and composite is not None:
        document = {"name": composite.label, "type": composite.name}
        print_json({**document, "composite": _part_document(composite.root)})
        return 0
    if found is None:
        near = ", ".join(known.nearest(entity))
        note(f"no entity is called {entity!r}" + (f"; the nearest are {near}" if near else ""))
        return 1
    namesakes = known.namesakes(found.label)
    if len(namesakes) > 1:
        others = ", ".join(name for name in namesakes if name != found.name)
        note(f"{found.label} is also the label of {others}")
    _show_one(found, as_json=as_json)
    return 0


@catalogue.command("import")
@click.argument("metadata", type=FILE, metavar="METADATA")
@click.option("--entities", "listed", type=FILE, metavar="LIST", help="Labels and AOT names.")
@output_option
@force_option
@json_option
def import_(
    metadata: Path, listed: Path | None, output: Path | None, force: bool, as_json: bool
) -> None:
    """Read the $metadata document of an environment, and write its entities as definitions.

    METADATA is what `/data/$metadata` answers. LIST is the JSON answer of `/metadata/DataEntities`
    or of a set like it, or CSV with columns label, aot name, collection; without it labels and
    AOT names are those of the built-in catalogue, or inferred.
    """
    from d365fo_emulator.emulator.entity_sources import (  # noqa: PLC0415  only this needs it
        entities_of_metadata,
    )
    from d365fo_emulator.entities.builtin import BuiltinCatalogue  # noqa: PLC0415  as above

    output = output or Path(f"{metadata.stem}.entities.jsonl")
    _refuse_existing(output, force=force)
    entities, problems = entities_of_metadata(metadata, listed, BuiltinCatalogue())
    for problem in problems:
        note(f"left out: {problem}")
    _write(output, entities, problems, as_json=as_json)


@catalogue.command()
@click.argument("packages", nargs=-1, required=True, type=FILE, metavar="PACKAGE…")
@environment_option
@output_option
@force_option
@json_option
def learn(
    packages: tuple[Path, ...],
    environment: Path | None,
    output: Path | None,
    force: bool,
    as_json: bool,
) -> None:
    """Describe the entities that packages bring and the catalogue lacks, in whole or in part.

    Labels, AOT names and columns are those of the packages; key and types are guessed from order
    and values, and marked as inferred. Look them over before you use them.
    """
    if output is not None:
        _refuse_existing(output, force=force)
    known = known_entities(environment)
    learnt = list(learnt_entities(packages, known))
    if output is not None:
        _write(output, learnt, [], as_json=as_json)
    elif as_json:
        print_json([_definition(entity) for entity in learnt])
    else:
        _show_learnt(learnt, known)


def known_formats(environment: Path | None) -> SourceFormats:
    """The stock source data formats and those of an environment file.

    Raises:
        ConfigurationError: the file, or a format of it, cannot be used.

    """
    if environment is None:
        from d365fo_emulator.packages.formats.registry import STANDARD  # noqa: PLC0415  as below

        return STANDARD
    from d365fo_emulator.config.environment import load_environment  # noqa: PLC0415  as below
    from d365fo_emulator.emulator.seeding import formats_of  # noqa: PLC0415  as below

    return formats_of(load_environment(environment))


def known_entities(environment: Path | None) -> Catalogue:
    """The built-in entities and those of an environment file, as a workspace would know them.

    Raises:
        ConfigurationError: the file, or an entity of it, cannot be used.

    """
    from d365fo_emulator.emulator.entity_sources import (  # noqa: PLC0415  with what it reads
        EntitySources,
        describe_entities,
    )
    from d365fo_emulator.entities.builtin import BuiltinCatalogue  # noqa: PLC0415  as above
    from d365fo_emulator.entities.catalogue import Catalogue, NothingLearnt  # noqa: PLC0415

    builtin = BuiltinCatalogue()
    known = Catalogue(builtin, NothingLearnt())
    if environment is not None:
        from d365fo_emulator.config.environment import load_environment  # noqa: PLC0415  as above

        described = load_environment(environment).entities
        describe_entities(
            known, described, EntitySources(builtin), lambda path: _learn_columns(path, known)
        )
    return known


def _learn_columns(path: Path, known: Catalogue) -> None:
    """As the server learns from a package of the environment file: texts, no key."""
    from d365fo_emulator.dmf.checks import learn as learn_manifest  # noqa: PLC0415  rarely needed
    from d365fo_emulator.packages.archive import MANIFEST, open_package  # noqa: PLC0415  as above
    from d365fo_emulator.packages.manifest import parse_manifest  # noqa: PLC0415  as above

    with open_package(path) as package, package.open(MANIFEST) as stream:
        learn_manifest(known, parse_manifest(stream))


def learnt_entities(packages: Iterable[Path], known: Catalogue) -> Iterator[EntityType]:
    """The entities that packages bring and `known` lacks, or lacks columns of, each once."""
    from d365fo_emulator.packages.formats.registry import STANDARD  # noqa: PLC0415  only for this
    from d365fo_emulator.packages.learning import (  # noqa: PLC0415  as above
        describe,
        learnt_fields_of,
        look_at,
    )

    seen: dict[str, Seen] = {}
    without = []
    for path in packages:
        if not path.is_file():
            raise ConfigurationError(f"there is no file {path}")
        for one in look_at(path, STANDARD):
            if one.problem:
                note(f"{path.name}: {one.label}: {one.problem}")
            if not one.has_file:
                without.append(one.label)
            before = seen.setdefault((one.target_entity or one.label).casefold(), one)
            before.add(one.columns)
    if without:
        count = f"{len(without)} entit{'y has' if len(without) == 1 else 'ies have'}"
        note(f"{count} no file in its package: what is learnt of it has all columns as its key")
    for one in seen.values():
        entity = known.find(one.target_entity or one.label) or known.find(one.label)
        if entity is not None:
            if more := learnt_fields_of(one, entity):
                yield entity.with_fields(more)
        elif (entity := describe(one)) is not None:
            yield entity
        else:
            note(f"{one.label}: there is no column to learn it from")


def _refuse_existing(output: Path, *, force: bool) -> None:
    if output.exists() and not force:
        raise ConfigurationError(f"{output} is there already: give --force or another --output")


def _write(output: Path, entities: list[EntityType], problems: list[str], *, as_json: bool) -> None:
    from d365fo_emulator.entities.definition_files import (  # noqa: PLC0415  only some verbs do
        write_definitions,
    )

    count = write_definitions(output, entities)
    if as_json:
        print_json({"written": str(output), "entities": count, "leftOut": problems})
        return
    click.echo(f"{count} entit{'y' if count == 1 else 'ies'} written to {output}")
    note(f"in an environment file:  entities: [{{definitions: {output}}}]")


def _definition(entity: EntityType) -> dict[str, Any]:
    from d365fo_emulator.entities.definitions import definition_of  # noqa: PLC0415  only for JSON

    return definition_of(entity, complete=True)


def _part_document(part: CompositePart) -> dict[str, Any]:
    return {
        "entity": part.entity,
        "children": [_part_document(child) for child in part.children],
        "links": dict(part.links),
    }


def _show_all(known: Catalogue, *, as_json: bool) -> None:
    names = known.names()
    composites = known.composites()
    if as_json:
        listed = [{"name": n.label, "type": n.name, "collection": n.collection} for n in names]
        composed = [{"name": c.label, "type": c.name} for c in composites]
        print_json({"entities": listed, "composites": composed})
        return
    rows = [(one.label, one.name, one.collection) for one in names]
    rows += [(one.label, one.name, "(composite)") for one in composites]
    print_table(("label", "AOT name", "collection"), rows)


def _show_one(entity: EntityType, *, as_json: bool) -> None:
    if as_json:
        print_json(_definition(entity))
        return
    if is_terminal():
        click.echo(f"{entity.label}  ({entity.name})")
        rows = "one set of rows per company" if entity.per_company else "shared by all companies"
        click.echo(f"set {entity.collection}, staging {entity.staging}, {rows}")
        click.echo(f"key {', '.join(field.staging_name for field in entity.key_fields)}")
        if entity.evidence:
            click.echo(entity.evidence)
        click.echo()
    keys = set(entity.keys)
    print_table(
        ("field", "type", "", "label", "values"),
        [
            (field.staging_name, _type(field), _marks(field, keys), field.label, _values(field))
            for field in entity.fields
        ],
        whole=("field",),
    )


def _type(field: Field) -> str:
    size = f"({field.size})" if field.size else ""
    array = f"[{field.array_size}]" if field.array_size > 1 else ""
    return f"{field.type.value}{size}{array}"


def _marks(field: Field, keys: set[str]) -> str:
    marks = (
        ("key", field.name in keys),
        ("mandatory", field.mandatory),
        ("number sequence", field.auto_number),
        ("read-only", field.read_only),
        ("learnt", field.origin.value == "learnt"),
        ("inferred", bool(field.evidence)),
    )
    return ", ".join(word for word, holds in marks if holds)


def _values(field: Field) -> str:
    parts = []
    if field.enum:
        more = "" if field.enum_complete else " …"
        parts.append(", ".join(field.enum) + more)
    if field.default:
        parts.append(f"default {field.default}")
    if field.reference:
        parts.append(f"of {field.reference.entity}.{field.reference.field}")
    return "; ".join(parts)


def _show_learnt(learnt: list[EntityType], known: Catalogue) -> None:
    if not learnt:
        click.echo("nothing to learn: every entity and every column is known")
        return
    rows = []
    for entity in learnt:
        before = known.find(entity.name)
        more = len(entity.fields) - (len(before.fields) if before else 0)
        what = "more fields" if before else "new"
        rows.append((entity.label, entity.name, what, more, ", ".join(entity.keys)))
    print_table(("label", "AOT name", "", "fields", "key"), rows, whole=("label",))
    note("--output FILE writes them as definitions for the environment file")


COMMANDS = {"catalogue": catalogue}
