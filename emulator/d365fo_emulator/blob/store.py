"""Seams of the blob service: where its metadata and where its bytes live.

`BlobStore` is implemented in `storage`, `ContentStore` in `blob.local`. Neither holds rules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from d365fo_emulator.blob.model import Blob, Block, Extent


class BlobStore(Protocol):
    """Metadata of committed blobs and staged blocks of one workspace."""

    def get(self, container: str, name: str) -> Blob | None:
        """The committed blob of this name."""
        ...

    def put(self, blob: Blob) -> Sequence[str]:
        """Makes `blob` the one of its name, drops the name's staged blocks, in one transaction.

        Returns contents that nothing names any more.
        """
        ...

    def delete(self, container: str, name: str) -> Sequence[str]:
        """Removes the blob and its staged blocks; returns contents nothing names any more."""
        ...

    def blocks(self, container: str, name: str) -> Sequence[Block]:
        """Staged blocks of this name, in order of staging."""
        ...

    def first_block(self, container: str, name: str) -> Block | None:
        """The block of this name staged first."""
        ...

    def put_block(self, container: str, name: str, block: Block) -> Sequence[str]:
        """Stages a block, in place of one of the same id; returns orphaned contents."""
        ...

    def contents(self) -> set[str]:
        """Every content that a blob or block names, so that a start can remove orphans."""
        ...


class ContentWriter(Protocol):
    """Bytes being written; nothing of them is seen before `commit`."""

    def write(self, data: bytes | memoryview) -> None:
        """Appends."""
        ...

    def commit(self) -> str:
        """Keeps the bytes and returns their name in the store."""
        ...

    def abort(self) -> None:
        """Forgets the bytes; also after a failed commit."""
        ...


class ContentStore(Protocol):
    """Bytes of one workspace's blobs, by generated names that say nothing of the blob's."""

    def create(self) -> ContentWriter:
        """Begins new content."""
        ...

    def open(self, content: str) -> BinaryIO:
        """Opens content for reading; seekable."""
        ...

    def concatenate(self, extents: Sequence[Extent]) -> str:
        """New content that is these, one after the other."""
        ...

    def hold(self, content: str, target: Path) -> None:
        """Keeps the bytes at `target` as well, whatever becomes of the content (link or copy)."""
        ...

    def delete(self, contents: Sequence[str]) -> None:
        """Removes contents; open readers may read on."""
        ...
