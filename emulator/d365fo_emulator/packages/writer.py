"""Building the package of an export: data files as they come, then the control files."""

from __future__ import annotations

import zipfile
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Self

from d365fo_emulator.packages.archive import HEADER, MANIFEST
from d365fo_emulator.packages.manifest import write_header, write_manifest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime
    from pathlib import Path
    from types import TracebackType

    from d365fo_emulator.packages.model import Manifest, PackageHeader

_LEVEL = 6
_FIRST_DOS_YEAR, _LAST_DOS_YEAR = 1980, 2107


class PackageWriter:
    """Writes a package; use it as a context manager.

    Data files first, as the product's are; `finish` adds the control files. Leaving the context
    without `finish` leaves a zip without control files, which is no package.

    Args:
        target: a file, or a stream that the caller closes; it need not be seekable.
        stamp: time of the files, from the caller's clock; zip keeps two seconds and 1980 to 2107.
        compression: of `zipfile`; stored makes bytes that do not depend on the build of zlib.

    """

    def __init__(
        self,
        target: Path | IO[bytes],
        stamp: datetime,
        compression: int = zipfile.ZIP_DEFLATED,
    ) -> None:
        self._archive = zipfile.ZipFile(target, "w")
        self._compression = compression
        year = min(max(stamp.year, _FIRST_DOS_YEAR), _LAST_DOS_YEAR)
        self._stamp = (year, stamp.month, stamp.day, stamp.hour, stamp.minute, stamp.second)
        self._names: set[str] = set()

    @contextmanager
    def data_file(self, name: str) -> Iterator[IO[bytes]]:
        """A file of the package, for writing forwards, one at a time.

        Raises:
            ValueError: the package has a file of this name, letter case ignored.

        """
        info = self._new(name)
        # The size is not known before; files beyond 2 GiB need the large form.
        with self._archive.open(info, "w", force_zip64=True) as stream:
            yield stream

    def finish(
        self,
        manifest: Manifest,
        header: PackageHeader,
        target_entities: Mapping[str, str] | None = None,
    ) -> None:
        """Writes the control files.

        Raises:
            ControlFileInvalid: a name holds what XML cannot.

        """
        contents = {
            MANIFEST: write_manifest(manifest, target_entities),
            HEADER: write_header(header),
        }
        for name, content in contents.items():
            self._archive.writestr(self._new(name), content, compresslevel=_LEVEL)

    def _new(self, name: str) -> zipfile.ZipInfo:
        if name.casefold() in self._names:
            raise ValueError(f"the package has a file {name!r} already")
        self._names.add(name.casefold())
        info = zipfile.ZipInfo(name, self._stamp)
        info.compress_type = self._compression
        # As the product's zips are marked: made on Windows, no permissions.
        info.create_system = 0
        return info

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._archive.close()
