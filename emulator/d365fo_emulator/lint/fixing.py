"""`--fix`: mending what is mechanical, in rounds, into a new package.

Each round checks the package, mends what its findings allow and writes it anew; it ends when
nothing is left to mend, so a mended package is not mended again.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING

from d365fo_emulator.lint.context import LintOptions
from d365fo_emulator.lint.control_fixes import CONTROL_FIXES, Mending
from d365fo_emulator.lint.control_xml import parse_tree, tree_bytes
from d365fo_emulator.lint.engine import PackageUnreadable, lint_package
from d365fo_emulator.lint.package_checks import CONTROL_FILES, folder_of
from d365fo_emulator.lint.text_fixes import to_unicode_crlf
from d365fo_emulator.packages.archive import HEADER, MANIFEST, Package, open_workbook

if TYPE_CHECKING:
    from collections.abc import Sequence
    from xml.etree.ElementTree import Element

    from d365fo_emulator.lint.model import Finding

PIECE = 256 * 1024
MOST_ROUNDS = 5
HOPELESS = {"PKG001", "PKG007", "PKG009", "MAN001", "MAN002", "MAN016"}
"""With one of these the zip or its control files cannot be read, and so not be written anew."""


@dataclass
class _Changes:
    """What one round does; `done` says it in words."""

    names: dict[str, str] = field(default_factory=dict)
    contents: dict[str, bytes] = field(default_factory=dict)
    texts: set[str] = field(default_factory=set)
    done: list[str] = field(default_factory=list)


def fix_package(path: Path, target: Path, options: LintOptions | None = None) -> list[str]:
    """Writes a mended copy of a package to `target` (which may be `path`), as a whole or not.

    Returns:
        What was mended, one sentence each; nothing is written when it is empty.

    Raises:
        PackageUnreadable: the package cannot be read, or the target not be written.

    """
    options = options or LintOptions()
    done: list[str] = []
    try:
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".lint-") as folder:
            draft = path
            for number in range(MOST_ROUNDS):
                mended = Path(folder) / f"{number}.zip"
                words = _round(draft, mended, options)
                if not words:
                    break
                done += words
                draft = mended
            if done:
                with contextlib.suppress(OSError):
                    shutil.copymode(path, draft)
                os.replace(draft, target)  # noqa: PTH105  atomic on every system
    except OSError as error:
        raise PackageUnreadable(f"{path}: cannot be mended: {error.strerror or error}") from error
    return done


def _round(path: Path, target: Path, options: LintOptions) -> list[str]:
    findings = lint_package(path, options)
    if any(finding.code in HOPELESS for finding in findings):
        return []
    with path.open("rb") as stream, open_workbook(stream) as package:
        changes = _changes(package, findings, options)
        if changes.done:
            _write(path, package, target, changes)
    return changes.done


def _changes(package: Package, findings: Sequence[Finding], options: LintOptions) -> _Changes:
    changes = _Changes()
    codes = {finding.code for finding in findings}
    if codes & set(CONTROL_FILES.values()):
        _root(package, changes)
        return changes  # what else is wrong shows once the control files can be read
    for control_file in CONTROL_FILES:
        found = package.find(control_file)
        if found is not None and found != control_file:
            changes.names[found] = control_file
            changes.done.append(f"PKG008: {found} is named {control_file} now")
    for finding in findings:
        file = finding.place.file
        if finding.code in {"CSV001", "CSV007"} and file not in changes.texts:
            changes.texts.add(file)
            changes.done.append(f"{finding.code}: {file} is UTF-16 with CRLF now")
    _mend_control_files(package, codes, options, changes)
    return changes


def _root(package: Package, changes: _Changes) -> None:
    """Takes the files out of the folder that both control files are in."""
    folders = [folder_of(package, name) for name in CONTROL_FILES]
    folder = folders[0]
    if not folder or any(one != folder for one in folders):
        return
    inside = [name for name in package.names if name.startswith(folder)]
    others = {name.casefold() for name in package.names if not name.startswith(folder)}
    if others & {name[len(folder) :].casefold() for name in inside}:
        return  # two files would have one name
    changes.names = {name: name[len(folder) :] for name in inside}
    changes.done.append(f"PKG002: the files are at the root now, not in {folder}")


def _mend_control_files(
    package: Package, codes: set[str], options: LintOptions, changes: _Changes
) -> None:
    trees: dict[str, Element] = {}
    mending = Mending(package, options, trees)
    for code, mend in CONTROL_FIXES.items():
        if code not in codes:
            continue
        for name in (HEADER, MANIFEST):
            if name not in trees:
                with package.open(name) as stream:
                    trees[name] = parse_tree(stream)
        changes.done += [f"{code}: {words}" for words in mend(mending)]
    if any(words.partition(":")[0] in CONTROL_FIXES for words in changes.done):
        changes.contents = {name: tree_bytes(tree) for name, tree in trees.items()}


def _write(path: Path, package: Package, target: Path, changes: _Changes) -> None:
    with zipfile.ZipFile(path) as source:
        stamps = {info.filename.replace("\\", "/"): info.date_time for info in source.infolist()}
    contents = {name.casefold(): content for name, content in changes.contents.items()}
    texts = {name.casefold() for name in changes.texts}
    with zipfile.ZipFile(target, "w") as archive:
        for name in package.names:
            info = zipfile.ZipInfo(changes.names.get(name, name), stamps[name])
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = 0
            large = package.size_of(name) * 2 >= zipfile.ZIP64_LIMIT
            with archive.open(info, "w", force_zip64=large) as copy:
                if name.casefold() in contents:
                    copy.write(contents[name.casefold()])
                else:
                    _copy(package, name, copy, as_text=name.casefold() in texts)


def _copy(package: Package, name: str, copy: IO[bytes], *, as_text: bool) -> None:
    with package.open(name) as stream:
        if as_text:
            to_unicode_crlf(stream, copy)
        else:
            shutil.copyfileobj(stream, copy, PIECE)
