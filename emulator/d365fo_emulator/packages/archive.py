"""Opening a data package: a zip from a stranger, read within limits and never extracted."""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, BinaryIO, Self, cast

from d365fo_emulator.packages.errors import (
    ControlFileMissing,
    HostilePackage,
    LimitExceeded,
    SourceUnreadable,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path
    from types import TracebackType

    from _typeshed import WriteableBuffer

MANIFEST = "Manifest.xml"
HEADER = "PackageHeader.xml"

RESOURCES = "Resources"
"""Folder of a package: in it a folder for each entity, with its attachments (client)."""

_BUFFER = 256 * 1024
_END = struct.Struct("<4s4H2LH")
_END_SIGNATURE = b"PK\x05\x06"
_LOCATOR = struct.Struct("<4sLQL")
_LOCATOR_SIGNATURE = b"PK\x06\x07"
_END64 = struct.Struct("<4sQ2H2L4Q")
_END64_SIGNATURE = b"PK\x06\x06"
_LONGEST_COMMENT = 0xFFFF
_MOST_OF_A_DIRECTORY_RECORD = 1024
_ENCRYPTED = 0x1 | 0x40
_DRIVE = re.compile(r"[A-Za-z]:")

# What `zipfile` raises for directories that are damaged on purpose or by accident.
_DAMAGE = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, ValueError, NotImplementedError)


@dataclass(frozen=True)
class PackageLimits:
    """What an honest package stays below (largest ratio seen in one: 109; of a bomb: 1026).

    Attributes:
        entries: files in the zip.
        expanded_bytes: of all files together.
        ratio: expanded to compressed bytes of one file, beyond its first `free_bytes`.
        free_bytes: of each file, that the ratio does not count.

    """

    entries: int = 12_000
    expanded_bytes: int = 4 << 30
    ratio: int = 200
    free_bytes: int = 1 << 20


DEFAULT_LIMITS = PackageLimits()


class Package:
    """An open data package; use it as a context manager. Letter case of names is ignored."""

    def __init__(
        self, archive: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo], limits: PackageLimits
    ) -> None:
        self._archive = archive
        self._members = members
        self._limits = limits

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the files as the zip spells them, folders with `/`."""
        return tuple(_spelling(info) for info in self._members.values())

    def find(self, file_name: str) -> str | None:
        """The zip's own spelling of a file's name; None: there is no such file."""
        info = self._members.get(_folded(file_name))
        return None if info is None else _spelling(info)

    def resources(self, names: Collection[str]) -> tuple[str, ...]:
        """The files that lie in a folder of one of these names (of an entity) in `Resources`."""
        folders = tuple(_folded(f"{RESOURCES}/{name}/") for name in names if name)
        return tuple(
            _spelling(info) for key, info in self._members.items() if key.startswith(folders)
        )

    def size_of(self, file_name: str) -> int:
        """Expanded bytes of a file, as its record says (`zipfile` reads no further)."""
        return self._member(file_name).file_size

    def open(self, file_name: str) -> BinaryIO:
        """Opens a file for reading forwards; the caller closes it.

        Raises:
            KeyError: there is no such file.
            SourceUnreadable: it is damaged; found while it is read, never before.
            LimitExceeded: while it is read.

        """
        limited = _Limited(self._archive, self._member(file_name), self._limits)
        return cast("BinaryIO", io.BufferedReader(limited, _BUFFER))

    def close(self) -> None:
        """Closes the zip."""
        self._archive.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _member(self, file_name: str) -> zipfile.ZipInfo:
        return self._members[_folded(file_name)]


def open_package(path: Path, limits: PackageLimits = DEFAULT_LIMITS) -> Package:
    """Opens a package and checks its directory; nothing is expanded yet.

    Raises:
        ControlFileMissing: no zip at all, or a control file is not at its root. The service says
            the same in both cases, since it only looks for the extracted file (recorded).
        LimitExceeded: more files or bytes than `limits` allow.
        HostilePackage: names that leave the folder, doubled names, encryption.

    """
    archive, members = _open_zip(path, limits)
    package = Package(archive, members, limits)
    try:
        _require_control_files(package)
    except ControlFileMissing:
        package.close()
        raise
    return package


def open_workbook(file: IO[bytes], limits: PackageLimits = DEFAULT_LIMITS) -> Package:
    """Opens any other zip (a workbook is one) with the same checks; `file` stays the caller's.

    Raises:
        LimitExceeded, HostilePackage: as `open_package`.
        ControlFileMissing: it is no zip.

    """
    archive, members = _open_zip(file, limits)
    return Package(archive, members, limits)


def _open_zip(
    file: Path | IO[bytes], limits: PackageLimits
) -> tuple[zipfile.ZipFile, dict[str, zipfile.ZipInfo]]:
    if isinstance(file, io.IOBase) or hasattr(file, "read"):
        _check_end_record(cast("IO[bytes]", file), limits)
    else:
        with file.open("rb") as stream:
            _check_end_record(stream, limits)
    try:
        archive = zipfile.ZipFile(file)
    except _DAMAGE as error:
        raise ControlFileMissing(HEADER, "the upload is no zip") from error
    try:
        return archive, _checked_members(archive.infolist(), limits)
    except (HostilePackage, LimitExceeded):
        archive.close()
        raise


def _check_end_record(stream: IO[bytes], limits: PackageLimits) -> None:
    """Counts the files by the end record, before `zipfile` builds a list of them."""
    size = stream.seek(0, io.SEEK_END)
    tail_start = stream.seek(max(0, size - _END.size - _LONGEST_COMMENT))
    tail = stream.read()
    at = tail.rfind(_END_SIGNATURE)
    if at < 0 or at + _END.size > len(tail):
        raise ControlFileMissing(HEADER, "the upload is no zip")
    record = _END.unpack_from(tail, at)
    entries, directory_bytes = record[4], record[5]
    if 0xFFFF in record[1:5] or 0xFFFFFFFF in record[5:7]:
        entries, directory_bytes = _zip64_counts(stream, tail_start + at) or (
            entries,
            directory_bytes,
        )
    # The directory's size is what `zipfile` goes by: a record that lies about the number gains
    # nothing.
    if entries > limits.entries or directory_bytes > limits.entries * _MOST_OF_A_DIRECTORY_RECORD:
        raise LimitExceeded(f"the package has {entries} files; the limit is {limits.entries}")


def _zip64_counts(stream: IO[bytes], end_at: int) -> tuple[int, int] | None:
    """Number of files and bytes of the directory by the 64-bit end record, if there is one."""
    if end_at < _LOCATOR.size:
        return None
    stream.seek(end_at - _LOCATOR.size)
    signature, _disk, at, _disks = _LOCATOR.unpack(stream.read(_LOCATOR.size))
    if signature != _LOCATOR_SIGNATURE or at + _END64.size > end_at:
        return None
    stream.seek(at)
    record = _END64.unpack(stream.read(_END64.size))
    return (record[7], record[8]) if record[0] == _END64_SIGNATURE else None


def _checked_members(
    infos: Sequence[zipfile.ZipInfo], limits: PackageLimits
) -> dict[str, zipfile.ZipInfo]:
    if len(infos) > limits.entries:
        raise LimitExceeded(f"the package has {len(infos)} files; the limit is {limits.entries}")
    members: dict[str, zipfile.ZipInfo] = {}
    for info in infos:
        _check_member(info, limits)
        if info.is_dir():
            continue
        if members.setdefault(_folded(info.filename), info) is not info:
            # Windows, where the service unpacks, has one file of a name, whatever its case.
            raise HostilePackage(f"the package has two files of the name {info.filename!r}")
    expanded = sum(info.file_size for info in infos)
    if expanded > limits.expanded_bytes:
        raise LimitExceeded(
            f"the package expands to {expanded} bytes; the limit is {limits.expanded_bytes}"
        )
    return members


def _check_member(info: zipfile.ZipInfo, limits: PackageLimits) -> None:
    name = _spelling(info)
    if name.startswith("/") or _DRIVE.match(name) or ".." in name.split("/"):
        raise HostilePackage(f"the name {info.filename!r} leaves the folder of the package")
    if info.header_offset < 0:
        raise HostilePackage(f"{name} is said to lie before the beginning of the zip")
    if info.flag_bits & _ENCRYPTED:
        raise HostilePackage(f"{name} is encrypted")
    if info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise HostilePackage(f"{name} is compressed by method {info.compress_type}")
    _check_ratio(info, info.file_size, limits)


def _check_ratio(info: zipfile.ZipInfo, expanded: int, limits: PackageLimits) -> None:
    if expanded > limits.free_bytes + limits.ratio * info.compress_size:
        raise LimitExceeded(
            f"{info.filename} expands beyond {limits.ratio} times its compressed size"
        )


def _require_control_files(package: Package) -> None:
    for control_file in (HEADER, MANIFEST):
        if package.find(control_file) is not None:
            continue
        inside = [
            name
            for name in package.names
            if name.casefold().endswith("/" + control_file.casefold())
        ]
        because = (
            f"it is in a folder ({inside[0]})" if inside else "the zip has no file of this name"
        )
        raise ControlFileMissing(control_file, because)


def _spelling(info: zipfile.ZipInfo) -> str:
    # Old .NET zips have backslashes between folder and file.
    return info.filename.replace("\\", "/")


def _folded(name: str) -> str:
    return name.replace("\\", "/").casefold()


def _damaged(info: zipfile.ZipInfo, error: Exception) -> SourceUnreadable:
    return SourceUnreadable("", f"{info.filename} is damaged in the package", str(error))


class _Limited(io.RawIOBase):
    """A file of the zip that is counted while it expands, whatever its record says.

    Its own record is looked at with the first read, so that all damage shows in one way.
    """

    def __init__(
        self, archive: zipfile.ZipFile, info: zipfile.ZipInfo, limits: PackageLimits
    ) -> None:
        self._archive = archive
        self._stream: IO[bytes] | None = None
        self._info = info
        self._limits = limits
        self._expanded = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer)
        try:
            if self._stream is None:
                self._stream = self._archive.open(self._info)
            piece = self._stream.read(len(view))
        except _DAMAGE as error:
            raise _damaged(self._info, error) from error
        self._expanded += len(piece)
        _check_ratio(self._info, self._expanded, self._limits)
        if self._expanded > self._limits.expanded_bytes:
            raise LimitExceeded(f"{self._info.filename} expands beyond the limit")
        view[: len(piece)] = piece
        return len(piece)

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()
        super().close()
