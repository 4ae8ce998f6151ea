"""Checks of the two control files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from d365fo_emulator.kernel.errors import NotEmulated
from d365fo_emulator.lint.model import Place
from d365fo_emulator.lint.outline import (
    HEADER_ROOT,
    MANIFEST_ROOT,
    Outline,
    Position,
    outline_of,
)
from d365fo_emulator.packages.archive import HEADER, MANIFEST, Package
from d365fo_emulator.packages.errors import (
    ControlFileInvalid,
    LimitExceeded,
    SourceUnreadable,
)
from d365fo_emulator.packages.manifest import NAMESPACE, parse_header, parse_manifest
from d365fo_emulator.packages.model import PackageHeader

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import IO, TypeVar

    from d365fo_emulator.lint.report import Report
    from d365fo_emulator.packages.model import Manifest

    T = TypeVar("T", PackageHeader, Manifest)

LONGEST_NAME = 60
KNOWN_VERSIONS = (1, 2)
ROOTS = {HEADER: HEADER_ROOT, MANIFEST: MANIFEST_ROOT}
TYPE_WORDS = ("not true or false", "not a whole number")
"""Ends of what the reader says of a value of another type."""


def read_header(package: Package, report: Report) -> PackageHeader | None:
    """The header and its own checks; None when the call would be refused."""
    outline = _outline(package, HEADER, report)
    header = _read(package, HEADER, parse_header, outline, report)
    if header is not None:
        _check_header(header, outline, report)
    return header


def read_manifest(package: Package, report: Report) -> tuple[Manifest, Outline] | None:
    """The manifest, where its parts stand, and its checks as a document."""
    outline = _outline(package, MANIFEST, report)
    manifest = _read(package, MANIFEST, parse_manifest, outline, report)
    if manifest is None:
        return None
    _check_project(manifest, outline, report)
    return manifest, outline


def _outline(package: Package, name: str, report: Report) -> Outline:
    try:
        with package.open(name) as stream:
            outline = outline_of(stream)
    except (SourceUnreadable, LimitExceeded):
        return Outline(is_readable=False)  # said by whoever reads the values
    for oddity in outline.oddities:
        report.add(oddity.code, oddity.message, at(name, oddity.position, oddity.element))
    return outline


def at(name: str, position: Position, element: str = "") -> Place:
    """A place in a control file."""
    return Place(name, *position, element=element)


def _read(
    package: Package,
    name: str,
    parse: Callable[[IO[bytes]], T],
    outline: Outline,
    report: Report,
) -> T | None:
    try:
        with package.open(name) as stream:
            return parse(stream)
    except ControlFileInvalid as error:
        _refused(name, error.because, outline, report)
    except NotEmulated as error:
        report.add("MAN015", str(error), Place(name))
    except LimitExceeded as error:
        report.add("PKG007", str(error), Place(name))
    except SourceUnreadable as error:
        report.add("PKG009", f"{error.message}: {error.detail}", Place(name))
    return None


def _refused(name: str, because: str, outline: Outline, report: Report) -> None:
    place = at(name, outline.stopped_at)
    if because.endswith(TYPE_WORDS):
        report.add("MAN016", because, place)
    elif outline.root and (outline.root, outline.namespace) != (ROOTS[name], NAMESPACE):
        report.add(
            "MAN002",
            f"the root is {outline.root} of {outline.namespace or 'no namespace'};"
            f" it must be {ROOTS[name]} of {NAMESPACE}",
            Place(name, 1, 1),
        )
    else:
        report.add("MAN001", because, place)


def _check_header(header: PackageHeader, outline: Outline, report: Report) -> None:
    known = PackageHeader()
    for element, value, good in (
        ("ManifestType", header.manifest_type, header.manifest_type == known.manifest_type),
        ("PackageType", header.package_type, header.package_type == known.package_type),
        ("PackageVersion", header.version, header.version in KNOWN_VERSIONS),
    ):
        if not good:
            place = at(HEADER, outline.parts.get(element, (0, 0)), element)
            shown = repr(value) if element in outline.parts else "missing"
            report.add("MAN013", f"{element} is {shown}", place)
    _check_length(HEADER, "Description", header.description, outline, report)


def _check_project(manifest: Manifest, outline: Outline, report: Report) -> None:
    name = manifest.definition_group
    _check_length(MANIFEST, "DefinitionGroupName", name, outline, report)
    _check_length(MANIFEST, "Description", manifest.description, outline, report)
    if "'" in name:
        place = at(MANIFEST, outline.parts.get("DefinitionGroupName", (0, 0)))
        report.add("MAN008", f"the data project is called {name!r}", place)


def _check_length(file: str, element: str, text: str, outline: Outline, report: Report) -> None:
    if len(text) > LONGEST_NAME:
        place = at(file, outline.parts.get(element, (0, 0)), element)
        report.add("MAN009", f"{element} has {len(text)} characters, of which 60 are kept", place)
