"""Checks of the zip: whether it opens, and what its files are called."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

from d365fo_emulator.lint.model import Place
from d365fo_emulator.packages.archive import HEADER, MANIFEST, Package, open_workbook
from d365fo_emulator.packages.errors import ControlFileMissing, HostilePackage, LimitExceeded
from d365fo_emulator.packages.naming import windows_forbids

if TYPE_CHECKING:
    from d365fo_emulator.lint.context import Context, Listed
    from d365fo_emulator.lint.report import Report

CONTROL_FILES = {HEADER: "PKG002", MANIFEST: "PKG003"}
RESOURCES = "resources/"

_ARCHIVES = (
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!", "a RAR archive"),
    (b"\x1f\x8b", "a gzip file"),
    (b"BZh", "a bzip2 file"),
    (b"\xd0\xcf\x11\xe0", "an old Office file"),
    (b"PK\x03\x04", "a zip that is cut off"),
    (b"<", "XML"),
)


def open_zip(stream: IO[bytes], report: Report) -> Package | None:
    """Opens the zip as imports do, control files aside; None when it cannot be."""
    try:
        return open_workbook(stream)
    except ControlFileMissing as error:
        report.add("PKG001", _what_it_is(stream, error.because))
    except (HostilePackage, LimitExceeded) as error:
        report.add("PKG007", str(error))
    return None


def _what_it_is(stream: IO[bytes], because: str) -> str:
    stream.seek(0)
    head = stream.read(8)
    if not head:
        return "the file is empty"
    kind = next((name for mark, name in _ARCHIVES if head.startswith(mark)), "")
    return f"{because}: it is {kind}" if kind else because


def check_control_names(package: Package, report: Report) -> bool:
    """Whether both control files are at the root."""
    for control_file, code in CONTROL_FILES.items():
        found = package.find(control_file)
        if found is None:
            report.add(code, f"{control_file} is not at the root{_where(package, control_file)}")
        elif found != control_file:
            report.add("PKG008", f"{found} should be named {control_file}", Place(found))
    return not report.has(*CONTROL_FILES.values())


def folder_of(package: Package, control_file: str) -> str | None:
    """The folder, with its slash, in which the control file is; None: nowhere."""
    for name in package.names:
        if name.casefold().endswith("/" + control_file.casefold()):
            return name[: -len(control_file)]
    return None


def _where(package: Package, control_file: str) -> str:
    folder = folder_of(package, control_file)
    if folder is not None:
        return f": it is in the folder {folder}"
    if package.find("[Content_Types].xml"):
        return ": this is an Office file (a zip of its own), not a package"
    return ""


def check_names(package: Package, report: Report) -> None:
    """Names that Windows cannot have; a file of the zip is not unpacked for it."""
    for name in package.names:
        parts = name.split("/")
        bad = [part for part in parts if windows_forbids(part)]
        if bad:
            report.add("PKG010", f"Windows cannot have a file or folder {bad[0]!r}", Place(name))


def check_files(context: Context) -> None:
    """Files that entities name and the zip lacks, and the reverse."""
    package, report = context.package, context.report
    enabled = [listed for listed in context.listed if not listed.plan.disabled]
    found = [listed for listed in enabled if package.find(listed.plan.file_name)]
    if not found:
        report.add("PKG005", _no_data(context))
    else:
        for listed in enabled:
            if not package.find(listed.plan.file_name):
                _report_missing(listed, package, report)
    named = {one.plan.file_name.casefold() for one in context.listed}
    for name in package.names:
        folded = name.casefold()
        is_control = folded in {control.casefold() for control in CONTROL_FILES}
        if not (is_control or folded in named or folded.startswith(RESOURCES)):
            report.add("PKG006", "no entity of the manifest names this file", Place(name))


def _no_data(context: Context) -> str:
    if not context.manifest.entities:
        return "the manifest lists no entity"
    if all(one.plan.disabled for one in context.listed):
        return "every entity of the manifest is disabled"
    missing = ", ".join(repr(one.plan.file_name) for one in context.listed[:3])
    return f"none of the files that the manifest names is in the package ({missing})"


def _report_missing(listed: Listed, package: Package, report: Report) -> None:
    name = listed.plan.file_name
    line, column = listed.outline.parts.get("InputFilePath", listed.outline.position)
    place = Place(MANIFEST, line, column, element=f"{listed.path}/InputFilePath")
    if not name:
        message = f"{listed.plan.label}: InputFilePath is empty"
    else:
        base = name.replace("\\", "/").rpartition("/")[2].casefold()
        near = [one for one in package.names if one.casefold().rpartition("/")[2] == base]
        hint = f"; the zip has {near[0]}" if near else ""
        message = f"{listed.plan.label}: the file {name!r} is not in the package{hint}"
    report.add("PKG004", message, place)
