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
