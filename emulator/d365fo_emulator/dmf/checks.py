"""What ImportFromPackage checks before it answers: zip, header, manifest, entities, mapping.

What the real call refuses is refused here, with nothing stored. What the real service only notices
when it works (encodings, missing columns, data) is left to the import.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from d365fo_emulator.dmf import errors
from d365fo_emulator.kernel.errors import NotEmulated
from d365fo_emulator.packages.archive import HEADER, MANIFEST, open_package
from d365fo_emulator.packages.composites import known_composite, seems_composite
from d365fo_emulator.packages.errors import (
    ControlFileMissing,
    PackageRefused,
    SourceUnreadable,
)
from d365fo_emulator.packages.formats.delimited import CSV_UNICODE, HeadFinding, check_encoding
from d365fo_emulator.packages.formats.registry import STANDARD, SourceFormats
from d365fo_emulator.packages.lookup import is_not_its_label, known_entity
from d365fo_emulator.packages.manifest import parse_header, parse_manifest
from d365fo_emulator.packages.mapping import staging_name

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from d365fo_emulator.entities.catalogue import Catalogue
    from d365fo_emulator.kernel.workspace import Workspace
    from d365fo_emulator.packages.archive import Package
    from d365fo_emulator.packages.model import Manifest, PackageEntity

__all__ = ["HEAD_BYTES", "CheckedPackage", "check_package", "known_entity", "learn"]

HEAD_BYTES = 64 * 1024


@dataclass(frozen=True)
class CheckedPackage:
    """A package that the call takes.

    Attributes:
        unknown: entities that are learnt from it.
        has_data: whether any entity has its file.
        composites: those of its entities that are composite.

    """

    manifest: Manifest
    unknown: tuple[PackageEntity, ...]
    has_data: bool
    composites: tuple[PackageEntity, ...] = ()


def check_package(
    path: Path, workspace: Workspace, catalogue: Catalogue, formats: SourceFormats = STANDARD
) -> CheckedPackage:
    """Reads and checks a package.

    Raises:
        ActionFailed: with the words of the real call.
        NotEmulated: a source format that the product has and the emulator has not; a composite
            entity that nobody has described.

    """
    try:
        with open_package(path) as package:
            with package.open(HEADER) as stream:
                parse_header(stream)
            with package.open(MANIFEST) as stream:
                manifest = parse_manifest(stream)
            enabled = [entity for entity in manifest.entities if not entity.disabled]
            composites = [one for one in enabled if known_composite(catalogue, one)]
            unknown = [
                one
                for one in enabled
                if one not in composites and known_entity(catalogue, one) is None
            ]
            if unknown and workspace.settings.unknown_entities == "refuse":
                raise _unknown(catalogue, unknown[0])
            undescribed = next(filter(seems_composite, unknown), None)
            if undescribed is not None:
                what = f"the composite entity {undescribed.label}, not being described"
                raise NotEmulated(f"{what} in the environment file,")
            if workspace.settings.entity_names == "label":
                _check_names(catalogue, enabled)
            for entity in enabled:
                _check_source(workspace, package, entity, formats)
            has_data = any(package.find(entity.file_name) for entity in enabled)
            return CheckedPackage(manifest, tuple(unknown), has_data, tuple(composites))
    except ControlFileMissing as error:
        raise errors.control_file_missing(workspace.ids, error.file_name, error.because) from error
    except PackageRefused as error:
        raise errors.failed("package-invalid", because=str(error)) from error


def learn(catalogue: Catalogue, manifest: Manifest) -> list[str]:
    """Learns entities and fields that the catalogue lacks.

    Says what was learnt, and which entity was taken where several have the label.
    """
    learnt = []
    for plan in manifest.entities:
        if plan.disabled or known_composite(catalogue, plan):
            continue
        entity = known_entity(catalogue, plan)
        columns = [staging_name(one) for one in plan.maps or ()]
        if entity is None:
            catalogue.learn(plan.label, plan.target_entity, columns)
            learnt.append(f"the entity {plan.label} was unknown and was learnt from the package")
            continue
        if len(catalogue.extend(entity, columns).fields) > len(entity.fields):
            learnt.append(f"fields of {plan.label} were unknown and were learnt from the package")
        if not plan.target_entity and len(catalogue.namesakes(plan.label)) > 1:
            learnt.append(_taken(plan.label, catalogue.namesakes(plan.label)))
    return learnt


def _taken(label: str, namesakes: list[str]) -> str:
    first, *others = namesakes
    return (
        f"{label} is the label of {len(namesakes)} entities: {first} was taken, not"
        f" {' or '.join(others)}; TargetEntity in the manifest says which is meant"
    )


def _unknown(catalogue: Catalogue, plan: PackageEntity) -> Exception:
    near = ", ".join(catalogue.nearest(plan.label))
    reason = f"no entity is called {plan.label!r}" + (f"; the nearest are {near}" if near else "")
    return errors.failed("entity-unknown", reason, entity=plan.label)


def _check_names(catalogue: Catalogue, plans: Iterable[PackageEntity]) -> None:
    for plan in plans:
        entity = known_entity(catalogue, plan)
        if entity and (what := is_not_its_label(plan, entity)):
            reason = f"{plan.label!r} is the {what} of the entity {entity.label!r}: write the label"
            raise errors.failed("entity-unknown", reason, entity=plan.label)


def _check_source(
    workspace: Workspace, package: Package, plan: PackageEntity, formats: SourceFormats
) -> None:
    try:
        source_format = formats.find(plan.source_format)
    except SourceUnreadable:
        return  # noticed when the entity is imported
    if source_format is not CSV_UNICODE or not package.find(plan.file_name):
        return
    try:
        with package.open(plan.file_name) as stream:
            finding = check_encoding(stream.read(HEAD_BYTES))
    except SourceUnreadable:
        return  # damaged: noticed as above
    if finding is HeadFinding.LF_ONLY:
        field = str(workspace.ids.guid("mapping-field")).upper()
        reason = f"the lines of {plan.file_name} end in LF alone; {plan.source_format} wants CRLF"
        raise errors.failed("mapping-incorrect", reason, entity=plan.label, field=field)
