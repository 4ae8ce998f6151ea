"""What is in a package, for people: its entities, files, rows and mapping."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from d365fo_emulator.kernel.errors import EmulatorError, NotEmulated
from d365fo_emulator.packages.archive import HEADER, MANIFEST, open_package
from d365fo_emulator.packages.attachments import attached_files
from d365fo_emulator.packages.errors import PackageRefused, SourceUnreadable
from d365fo_emulator.packages.formats.model import Shape
from d365fo_emulator.packages.formats.shaping import shape_to_read
from d365fo_emulator.packages.manifest import parse_header, parse_manifest
from d365fo_emulator.packages.mapping import wanted_columns

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from d365fo_emulator.entities.model import EntityType
    from d365fo_emulator.packages.archive import Package
    from d365fo_emulator.packages.attachments import Attached
    from d365fo_emulator.packages.formats.registry import SourceFormats
    from d365fo_emulator.packages.model import Manifest, PackageEntity, PackageHeader


@dataclass(frozen=True)
class Listed:
    """One entity of a package.

    Attributes:
        size: expanded bytes of its file; None: the file is not there.
        columns: of the file's header; None: it could not be read.
        rows: how many; None: not counted.
        problem: why not, in the words of the import.

    """

    plan: PackageEntity
    size: int | None
    columns: tuple[str, ...] | None = None
    rows: int | None = None
    problem: str = ""


@dataclass(frozen=True)
class Contents:
    """A package.

    Attributes:
        attachments: files in the folders of listed entities in `Resources`, by label.
        others: files that no entity names, and that are none of these.

    """

    header: PackageHeader
    manifest: Manifest
    entities: tuple[Listed, ...]
    attachments: tuple[tuple[str, Attached], ...]
    others: tuple[str, ...]


def read_contents(
    path: Path,
    formats: SourceFormats,
    entity_of: Callable[[PackageEntity], EntityType | None],
    *,
    count_rows: bool = True,
) -> Contents:
    """Reads a package, data files too when rows are to be counted.

    Args:
        path: the package.
        formats: the formats that its files may have.
        entity_of: what is known of a listed entity: names of XML rows, widths of columns.
        count_rows: whether files are read to their end, or the header alone.

    Raises:
        PackageRefused: it is no package.

    """
    with open_package(path) as package:
        with package.open(HEADER) as stream:
            header = parse_header(stream)
        with package.open(MANIFEST) as stream:
            manifest = parse_manifest(stream)
        listed = tuple(
            _listed(package, plan, formats, entity_of(plan), count_rows=count_rows)
            for plan in manifest.entities
        )
        attachments = tuple(
            (plan.label, file)
            for plan in manifest.entities
            for file in _attached(package, plan, entity_of(plan))
        )
        named = {found for plan in manifest.entities if (found := package.find(plan.file_name))}
        named |= {file.member for _label, file in attachments}
        others = [
            name for name in package.names if name not in named and name not in {HEADER, MANIFEST}
        ]
    return Contents(header, manifest, listed, attachments, tuple(others))


def unpack(path: Path, folder: Path) -> list[Path]:
    """Writes the files of a package into `folder`; names that leave it were refused before.

    Raises:
        PackageRefused: it is no package, a file is there already, or cannot be written.

    """
    written = []
    with open_package(path) as package:
        for name in package.names:
            if name.endswith("/"):
                continue
            target = folder / name
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                with package.open(name) as stream, target.open("xb") as file:
                    shutil.copyfileobj(stream, file, 256 * 1024)
            except FileExistsError as error:
                raise PackageRefused(f"{error.filename} is there already") from error
            except OSError as error:
                raise PackageRefused(f"{target} cannot be written: {error.strerror}") from error
            written.append(target)
    return written


def _attached(package: Package, plan: PackageEntity, entity: EntityType | None) -> list[Attached]:
    names = {plan.label, plan.target_entity}
    if entity is not None:
        names |= {entity.label, entity.name}
    return attached_files(package, plan, names)[0]


def _listed(
    package: Package,
    plan: PackageEntity,
    formats: SourceFormats,
    entity: EntityType | None,
    *,
    count_rows: bool,
) -> Listed:
    if package.find(plan.file_name) is None:
        return Listed(plan, None, problem=f"there is no file {plan.file_name}")
    size = package.size_of(plan.file_name)
    columns: tuple[str, ...] | None = None
    try:
        source_format = formats.find(plan.source_format)
        with package.open(plan.file_name) as stream:
            table = source_format.read(stream, _shape(plan, entity))
            columns = tuple(table.header)
            rows = sum(1 for _ in table.rows) if count_rows else None
    except (SourceUnreadable, NotEmulated, PackageRefused) as error:
        return Listed(plan, size, columns, problem=_sentence(error))
    return Listed(plan, size, columns, rows)


def _shape(plan: PackageEntity, entity: EntityType | None) -> Shape:
    if entity is not None:
        return shape_to_read(entity, plan.maps or (), plan.sheet)
    name = plan.target_entity or plan.label
    return Shape(name, plan.label, wanted_columns(plan.maps or ()), sheet=plan.sheet)


def _sentence(error: EmulatorError) -> str:
    detail = getattr(error, "detail", "")
    return f"{error} ({detail})" if detail else str(error)
