"""Checking one package, from the zip to its last row, without a server.

The order is that of an import: what the call would be refused for ends the checks that need it.
Values are judged by the code that imports use, so that both say the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from d365fo_emulator.kernel.errors import EmulatorError
from d365fo_emulator.lint.composite_checks import check_composites, composite_of
from d365fo_emulator.lint.context import Context, LintOptions, Listed
from d365fo_emulator.lint.data_checks import check_data
from d365fo_emulator.lint.entity_checks import check_entities, referenced_names
from d365fo_emulator.lint.manifest_checks import read_header, read_manifest
from d365fo_emulator.lint.mapping_checks import check_maps
from d365fo_emulator.lint.model import Place
from d365fo_emulator.lint.outline import EntityOutline
from d365fo_emulator.lint.package_checks import (
    check_control_names,
    check_files,
    check_names,
    open_zip,
)
from d365fo_emulator.lint.report import Report
from d365fo_emulator.lint.row_checks import MOST_KEYS, PackageValues
from d365fo_emulator.packages.lookup import known_entity

if TYPE_CHECKING:
    from pathlib import Path

    from d365fo_emulator.entities.catalogue import Catalogue
    from d365fo_emulator.lint.model import Finding
    from d365fo_emulator.lint.outline import Outline
    from d365fo_emulator.packages.archive import Package
    from d365fo_emulator.packages.model import Manifest


class PackageUnreadable(EmulatorError):
    """A file that cannot be opened at all; the message names it."""


def lint_package(path: Path, options: LintOptions | None = None) -> tuple[Finding, ...]:
    """Everything that is wrong with a package, by file, the worst first.

    Raises:
        PackageUnreadable: there is no such file, or it may not be read.

    """
    options = options or LintOptions()
    report = Report(options.most)
    try:
        with path.open("rb") as stream:
            package = open_zip(stream, report)
            if package is not None:
                with package:
                    _check(package, options, report)
    except OSError as error:
        raise PackageUnreadable(f"{path}: cannot be read: {error.strerror or error}") from error
    return report.findings


def _check(package: Package, options: LintOptions, report: Report) -> None:
    check_names(package, report)
    if not check_control_names(package, report):
        return
    header = read_header(package, report)
    read = read_manifest(package, report)
    if header is None or read is None:
        return
    manifest, outline = read
    catalogue = options.catalogue()
    listed = _listed(manifest, outline, catalogue)
    context = Context(package, options, catalogue, report, manifest, listed)
    check_files(context)
    check_entities(context)
    check_composites(context)
    enabled = [one for one in listed if not one.plan.disabled]
    for one in enabled:
        if composite_of(context, one) is None:
            check_maps(context, one)
    values = PackageValues(_wanted(enabled))
    for one in _referenced_first(enabled):
        check_data(context, one, values)
    if values.is_full:
        message = f"the package has more than {MOST_KEYS} referenced values: not all were compared"
        report.add("ROW009", message, Place())


def _listed(manifest: Manifest, outline: Outline, catalogue: Catalogue) -> list[Listed]:
    places = outline.entities
    return [
        Listed(
            number,
            plan,
            places[number - 1] if number <= len(places) else EntityOutline((0, 0)),
            known_entity(catalogue, plan),
        )
        for number, plan in enumerate(manifest.entities, start=1)
    ]


def _wanted(listed: list[Listed]) -> set[tuple[str, str]]:
    """Fields of entities of the package that others of them refer to."""
    here = {one.known.name: one.known for one in listed if one.known is not None}
    found = set()
    for one in here.values():
        for field in one.fields:
            related = here.get(field.reference.entity) if field.reference else None
            if related is None or field.reference is None:
                continue
            target = related.find_field(field.reference.field)
            if target is not None:
                found.add((related.name, target.name))
    return found


def _referenced_first(listed: list[Listed]) -> list[Listed]:
    """The entities, each after those that it refers to, where they do not refer to one another."""
    by_name: dict[str, list[Listed]] = {}
    for one in listed:
        if one.known is not None:
            by_name.setdefault(one.known.name, []).append(one)
    ordered: list[Listed] = []
    entered: set[int] = set()

    def enter(one: Listed) -> None:
        if one.number in entered:
            return
        entered.add(one.number)
        if one.known is not None:
            for name in sorted(referenced_names(one.known, one)):
                for other in by_name.get(name, ()):
                    enter(other)
        ordered.append(one)

    for one in listed:
        enter(one)
    return ordered
