"""Checks of each entity that a manifest lists, before its file is looked at."""

from __future__ import annotations

import collections
import difflib
from typing import TYPE_CHECKING

from d365fo_emulator.lint.manifest_checks import at
from d365fo_emulator.lint.model import Severity
from d365fo_emulator.packages.archive import MANIFEST
from d365fo_emulator.packages.composites import known_composite, seems_composite
from d365fo_emulator.packages.lookup import is_not_its_label

if TYPE_CHECKING:
    from d365fo_emulator.entities.model import EntityType
    from d365fo_emulator.lint.context import Context, Listed
    from d365fo_emulator.lint.model import Place


def check_entities(context: Context) -> None:
    """Names, doubles, order."""
    labels = collections.Counter(one.label.casefold() for one in context.catalogue.names())
    seen: set[str] = set()
    for listed in context.listed:
        _check_name(context, listed, labels)
        name = listed.plan.label.casefold()
        if name in seen:
            context.report.add("MAN007", f"{listed.plan.label} is listed twice", place_of(listed))
        seen.add(name)
        _check_switches(context, listed)
    _check_order(context)


def place_of(listed: Listed, element: str = "EntityName") -> Place:
    """Where an element of a listed entity stands."""
    position = listed.outline.parts.get(element, listed.outline.position)
    return at(MANIFEST, position, f"{listed.path}/{element}")


def are_alike(one: str, other: str, least: float = 0.7) -> bool:
    """Whether one name may be meant by the other: `did_you_mean` takes much wilder guesses."""
    return difflib.SequenceMatcher(None, one.casefold(), other.casefold()).ratio() >= least


def _check_name(context: Context, listed: Listed, labels: collections.Counter[str]) -> None:
    label, known = listed.plan.label, listed.known
    report, place = context.report, place_of(listed)
    if known is None:
        if known_composite(context.catalogue, listed.plan):
            return
        near = [name for name in context.catalogue.nearest(label) if are_alike(label, name)]
        hint = f"; the nearest are {', '.join(near)}" if near else ""
        refused = context.options.settings.unknown_entities == "refuse"
        code = "MAN005" if refused else "MAN017"
        if seems_composite(listed.plan):
            hint += "; a composite entity is not learnt: an environment file must describe it"
        report.add(code, f"no entity of the catalogue is called {label!r}{hint}", place)
        return
    folded = label.casefold()
    wants_label = context.options.settings.entity_names == "label"
    if wants_label and (what := is_not_its_label(listed.plan, known)):
        report.add(
            "MAN005",
            f"{label!r} is the {what} of the entity {known.label!r}",
            place,
            remedy=f"Write the label: {known.label}",
        )
    elif labels[folded] > 1 and not listed.plan.target_entity:
        report.add("MAN006", f"{labels[folded]} entities are called {label!r}", place)


def _check_switches(context: Context, listed: Listed) -> None:
    plan, report = listed.plan, context.report
    if plan.disabled:
        report.add("MAN018", f"{plan.label} is skipped", place_of(listed, "Disable"))
    if plan.skip_staging:
        place = place_of(listed, "SkipStaging")
        report.add("MAN014", f"{plan.label}: rows go to the target without staging", place)
    if plan.validation_status not in {"Yes", ""}:
        place = place_of(listed, "ValidationStatus")
        severity = Severity.FRAGILE if plan.maps else Severity.FAILS
        message = f"{plan.label}: ValidationStatus is {plan.validation_status}"
        report.add("MAN020", message, place, severity=severity)


def _check_order(context: Context) -> None:
    by_name: dict[str, Listed] = {}
    for listed in context.listed:
        if listed.known is not None and not listed.plan.disabled:
            by_name.setdefault(listed.known.name, listed)
    for listed in by_name.values():
        assert listed.known is not None  # noqa: S101  only such were put in
        for name in sorted(referenced_names(listed.known, listed)):
            other = by_name.get(name)
            if other is not None and other is not listed and (why := _too_late(listed, other)):
                message = f"{listed.plan.label} refers to {other.plan.label}, which {why}"
                context.report.add("MAN011", message, place_of(listed, "ExecutionUnit"))


def referenced_names(entity: EntityType, listed: Listed) -> set[str]:
    """AOT names of the entities that mapped fields refer to."""
    mapped = {one.entity_field.strip().upper() for one in listed.plan.maps or ()}
    return {
        field.reference.entity
        for field in entity.fields
        if field.reference is not None and field.staging_name.upper() in mapped
    }


def _too_late(listed: Listed, other: Listed) -> str:
    own, its = listed.plan, other.plan
    if its.unit != own.unit:
        return "is in another unit: units run at the same time"
    if its.level != own.level:
        return "has a later level" if its.level > own.level else ""
    if its.sequence == own.sequence:
        return "has the same level and sequence: both run at the same time"
    return "has a later sequence" if its.sequence > own.sequence else ""
