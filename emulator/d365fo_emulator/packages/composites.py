"""Composite entities: which entities stand inside one another, and by which fields they belong.

The product keeps its composites' contents to itself, so none is built in: an environment file
describes them. That a child's row takes the key of the row around it is inferred.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

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
