"""Blob bytes as files of one folder. No file name comes from a request."""

from __future__ import annotations

import contextlib
import os
import shutil
from typing import TYPE_CHECKING, BinaryIO

from d365fo_emulator.http.bodies import PIECE, copy

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from d365fo_emulator.blob.model import Extent

UNFINISHED = ".part"


class LocalWriter:
    """Bytes on their way into a file; under another name until `commit`."""

    def __init__(self, folder: Path, name: str) -> None:
        self._name = name
        self._final = folder / name
        self._partial = folder / f"{name}{UNFINISHED}"
        self._file = self._partial.open("xb", buffering=0)

    def write(self, data: bytes | memoryview) -> None:
        """Appends."""
        view = memoryview(data)
        while view:
            view = view[self._file.write(view) :]

    def append(self, source: BinaryIO, offset: int, size: int) -> None:
        """Appends a stretch of another file: inside the kernel where it can."""
        if not hasattr(os, "sendfile"):
            source.seek(offset)
            copy(source, self.write, size)
            return
        end = offset + size
        while offset < end:
            sent = os.sendfile(
                self._file.fileno(), source.fileno(), offset, min(PIECE, end - offset)
            )
            if not sent:
                raise EOFError(f"stored content ends at {offset}, {end} was expected")
            offset += sent

    def commit(self) -> str:
        """Gives the file its name, in one step; the name is returned."""
        self._file.close()
        self._partial.rename(self._final)
        return self._name

    def abort(self) -> None:
        """Removes the file; also after a failed commit."""
        self._file.close()
        self._partial.unlink(missing_ok=True)


class LocalContentStore:
    """The content store on a local file system.

    Args:
        folder: where the files lie; made when missing. Nothing else may be in it.
        new_name: gives a name that never came before, such as hexadecimal digits of an id.

    """

    def __init__(self, folder: Path, new_name: Callable[[], str]) -> None:
        self._folder = folder
        self._new_name = new_name
        folder.mkdir(parents=True, exist_ok=True)

    def create(self) -> LocalWriter:
        """Begins new content."""
        return LocalWriter(self._folder, self._new_name())

    def open(self, content: str) -> BinaryIO:
        """Opens content for reading.

        Raises:
            FileNotFoundError: it was deleted.

        """
        return (self._folder / content).open("rb")

    def concatenate(self, extents: Sequence[Extent]) -> str:
        """New content that is these stretches, one after the other.

        Raises:
            FileNotFoundError: one of them was deleted.

        """
        writer = self.create()
        try:
            for extent in extents:
                with self.open(extent.content) as source:
                    writer.append(source, extent.offset, extent.size)
            return writer.commit()
        except BaseException:
            writer.abort()
            raise

    def hold(self, content: str, target: Path) -> None:
        """Keeps the bytes at `target` too: a second name of the file, else a copy.

        Raises:
            FileExistsError: something is at `target`.
            FileNotFoundError: the content was deleted.

        """
        source = self._folder / content
        try:
            target.hardlink_to(source)
        except (FileExistsError, FileNotFoundError):
            raise
        except OSError:  # another file system, or one without hard links
            _copy_file(source, target)

    def delete(self, contents: Sequence[str]) -> None:
        """Removes contents; open readers read on (Windows: the next `clean` removes those)."""
        for content in contents:
            with contextlib.suppress(FileNotFoundError, PermissionError):
                (self._folder / content).unlink()

    def clean(self, keep: set[str]) -> None:
        """Removes what an earlier run left: unfinished files, and contents that nothing names."""
        orphans = [file.name for file in self._folder.iterdir() if file.name not in keep]
        self.delete(orphans)


def _copy_file(source: Path, target: Path) -> None:
    with source.open("rb") as original, target.open("xb") as duplicate:
        try:
            shutil.copyfileobj(original, duplicate, PIECE)
        except BaseException:
            target.unlink()
            raise
