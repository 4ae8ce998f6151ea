"""Which entity of the catalogue a manifest means."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from d365fo_emulator.entities.catalogue import Catalogue
    from d365fo_emulator.entities.model import EntityType
    from d365fo_emulator.packages.model import PackageEntity


def known_entity(catalogue: Catalogue, plan: PackageEntity) -> EntityType | None:
    """The entity that a manifest means: labels are not unique, AOT names are."""
    if plan.target_entity and (entity := catalogue.find(plan.target_entity)):
        return entity
    return catalogue.find(plan.label)


def is_not_its_label(plan: PackageEntity, entity: EntityType) -> str:
    """What stands in a manifest where the label of a known entity must: its AOT name, or its
    collection; empty when neither does.

    Entities are found by their labels (client code that was verified against an environment).
    """
    wanted = plan.label.casefold()
    if wanted == entity.label.casefold():
        return ""
    names = {entity.collection.casefold(): "collection", entity.name.casefold(): "AOT name"}
    return names.get(wanted, "")
