"""What the import call asks of packages with composite entities, beside what it asks of all."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from d365fo_emulator.dmf import errors
from d365fo_emulator.packages.composites import known_composite

if TYPE_CHECKING:
    from d365fo_emulator.dmf.actions.call import Call
    from d365fo_emulator.dmf.checks import CheckedPackage
    from d365fo_emulator.dmf.model import DataProject, RunOptions


def has_rules(call: Call, checked: CheckedPackage) -> bool:
    """Whether the rules of composite entities hold for this package."""
    return bool(checked.composites) and call.exchange.workspace.settings.composites == "strict"


def checked_options(
    call: Call, checked: CheckedPackage, group: str, options: RunOptions
) -> RunOptions:
    """The options of an import that the rules let through, or let fail.

    `overwrite` must be false and the entity alone in its package (documented), and the data
    project must be there, which stays as it is (a sentence that users report). What breaks the
    first two is accepted and ends as Failed, with what was recorded of packages with composite
    entities; that it is what the service says today is inferred.

    Raises:
        ActionFailed: there is no data project of this name.

    """
    if call.dmf.at.store.project(group) is None:
        raise errors.failed("composite-without-project", f"there is no data project {group!r}")
    enabled = [one for one in checked.manifest.entities if not one.disabled]
    broken = []
    if call["overwrite"]:
        broken.append("overwrite must be false")
    if len(enabled) > 1:
        broken.append("the package may hold that entity alone")
    if not broken:
        return options
    plan = checked.composites[0]
    composite = known_composite(call.dmf.at.catalogue, plan)
    table = composite.root.entity if composite else plan.label
    because = f"of a composite entity, {' and '.join(broken)}"
    call.exchange.note(f"the execution will fail: {because}")
    refusal = f"{errors.composite_refused(table, plan.label)} ({because})"
    return dataclasses.replace(options, refusal=refusal)


def mapped_as_in(existing: DataProject, brought: DataProject) -> DataProject:
    """What a package brings, with the mapping that its data project has: that stays as it is.

    So a composite entity that was added without one never ends (inferred: recorded of others).
    """
    known = {one.label.casefold(): one for one in existing.entities}
    entities = []
    for plan in brought.entities:
        there = known.get(plan.label.casefold(), plan)
        entities.append(
            dataclasses.replace(
                plan,
                validation_status=there.validation_status,
                auto_generate_mapping=there.auto_generate_mapping,
            )
        )
    return dataclasses.replace(brought, entities=tuple(entities))
