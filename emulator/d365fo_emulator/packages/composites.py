"""Composite entities: which entities stand inside one another, and by which fields they belong.

The product keeps its composites' contents to itself, so none is built in: an environment file
describes them. That a child's row takes the key of the row around it is inferred, as is that a map
of the manifest, which has one list for the whole composite, holds for every entity with its field.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from d365fo_emulator.packages.mapping import is_automatic, staging_name
from d365fo_emulator.packages.model import FieldMap

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from d365fo_emulator.entities.catalogue import Catalogue
    from d365fo_emulator.entities.model import Composite, CompositePart, EntityType
    from d365fo_emulator.packages.model import PackageEntity


@dataclass(frozen=True, eq=False)
class NestedPart:
    """One entity of a composite, found in the catalogue.

    An entity may be in a composite twice; parts are told apart by identity.

    Attributes:
        links: pairs of a field here and the field of the parent that fills it, by staging name in
            upper case.

    """

    entity: EntityType
    links: tuple[tuple[str, str], ...]
    children: tuple[NestedPart, ...]

    def parts(self) -> Iterator[NestedPart]:
        """This part and all below it, parents first."""
        yield self
        for child in self.children:
            yield from child.parts()


def known_composite(catalogue: Catalogue, plan: PackageEntity) -> Composite | None:
    """The composite entity that a manifest means, if it means one."""
    if plan.target_entity and (found := catalogue.find_composite(plan.target_entity)):
        return found
    return catalogue.find_composite(plan.label)


def seems_composite(plan: PackageEntity) -> bool:
    """Whether an entity that nobody knows is composite by its name (`Sales orders composite V3`).

    The product names all of its own so (client). Such an entity cannot be learnt from its package:
    the nesting shows, the keys by which the rows belong together do not.
    """
    return any("composite" in name.casefold() for name in (plan.label, plan.target_entity))


def nested_parts(catalogue: Catalogue, composite: Composite) -> NestedPart:
    """The outermost part; every entity is in the catalogue, which was checked at the start."""
    return _nested(catalogue, composite.root, None)


def _nested(catalogue: Catalogue, part: CompositePart, parent: EntityType | None) -> NestedPart:
    entity = catalogue.find(part.entity)
    assert entity is not None  # noqa: S101  see `nested_parts`
    return NestedPart(
        entity,
        _links(part, entity, parent),
        tuple(_nested(catalogue, child, entity) for child in part.children),
    )


def _links(
    part: CompositePart, entity: EntityType, parent: EntityType | None
) -> tuple[tuple[str, str], ...]:
    if parent is None:
        return ()
    pairs = part.links or tuple((key, key) for key in parent.keys if entity.find_field(key))
    found = []
    for here, there in pairs:
        own, above = entity.find_field(here), parent.find_field(there)
        if own is not None and above is not None:
            found.append((own.staging_name.upper(), above.staging_name.upper()))
    return tuple(found)


UNREAD = "?"
"""Begins the name of a field that is left where it is: no field of an entity has such a name."""


def part_names(root: NestedPart, maps: Sequence[FieldMap]) -> dict[NestedPart, Mapping[str, str]]:
    """Of each part: fields of the file that the manifest maps, and the staging names they get.

    What a number sequence or a default fills is not read, nor are the fields of rows inside that
    take it: they would name the row around by what it is not called any more.
    """
    asked = [one for one in maps if not is_automatic(one) and one.xml_field.strip()]
    filled = {staging_name(one) for one in maps if is_automatic(one)}
    found: dict[NestedPart, Mapping[str, str]] = {}
    unread = {root: {name for name in filled if root.entity.find_field(name)}}
    for part in root.parts():
        named = {
            one.xml_field.strip().upper(): staging_name(one)
            for one in asked
            if part.entity.find_field(staging_name(one))
        }
        found[part] = named | {name: f"{UNREAD}{name}" for name in unread[part]}
        for child in part.children:
            linked = {here for here, _there in child.links}
            given = {here for here, there in child.links if there in unread[part]}
            own = {name for name in filled - linked if child.entity.find_field(name)}
            unread[child] = given | own
    return found


def part_maps(
    part: NestedPart, in_file: Iterable[str], maps: Sequence[FieldMap]
) -> tuple[FieldMap, ...]:
    """The maps of one part: of what the file has of it by equal names, as the manifest maps it.

    Fields that links fill are never numbered by a sequence here: the entity around has the number.
    A key that the file lacks is, where the catalogue knows of a sequence.
    """
    entity = part.entity
    linked = [here for here, _there in part.links]
    said = {staging_name(one): one for one in maps if entity.find_field(staging_name(one))}
    names = dict.fromkeys((*in_file, *linked))
    found = {}
    for name in names:
        if entity.find_field(name):
            one = said.get(name, FieldMap(name, name))
            found[name] = dataclasses.replace(
                one,
                entity_field=name,
                xml_field=name,
                array_index=0,
                auto_generated=one.auto_generated and name not in linked,
                auto_default=one.auto_default and name not in linked,
            )
    for name, one in said.items():
        if is_automatic(one) and name not in found:
            found[name] = dataclasses.replace(one, entity_field=name, array_index=0)
    for field in entity.key_fields:
        name = field.staging_name.upper()
        if field.auto_number and name not in found:
            found[name] = FieldMap(name, name, auto_generated=True)
    return tuple(found.values())
