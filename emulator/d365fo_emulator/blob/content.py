"""Bytes on their way into the content store: counted, hashed in the same pass, compared."""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import TYPE_CHECKING, Protocol

from d365fo_emulator.blob.errors import BlobError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from d365fo_emulator.blob.store import ContentStore, ContentWriter


class Sink(Protocol):
    """Where an upload's or export's bytes go; enough of a file for `zipfile`."""

    def write(self, data: bytes | memoryview, /) -> int:
        """Appends and returns how many bytes it took."""
        ...

    def flush(self) -> None:
        """Nothing to do; archives ask for it."""
        ...


class Measured:
    """A sink that counts; it hashes only where a hash is wanted, which costs half of the rate.

    Attributes:
        size: bytes so far.

    """

    def __init__(self, writer: ContentWriter, *, hashed: bool) -> None:
        self._writer = writer
        self._md5 = hashlib.md5(usedforsecurity=False) if hashed else None
        self.size = 0

    def write(self, data: bytes | memoryview, /) -> int:
        """Appends."""
        if self._md5 is not None:
            self._md5.update(data)
        self._writer.write(data)
        self.size += len(data)
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    @property
    def md5(self) -> str:
        """The MD5 of what was written, base64; empty when none was wanted."""
        return base64.b64encode(self._md5.digest()).decode() if self._md5 is not None else ""


def write_content(
    store: ContentStore,
    produce: Callable[[Sink], object],
    md5s: Iterable[str] = (),
    *,
    hashed: bool,
) -> tuple[str, Measured]:
    """Writes what `produce` gives; nothing is left in the store when that fails.

    Args:
        md5s: what the content's MD5 must be; needs `hashed`.

    Raises:
        BlobError: `Md5Mismatch`.

    """
    writer = store.create()
    try:
        measured = Measured(writer, hashed=hashed)
        produce(measured)
        for expected in md5s:
            compare_md5(expected, measured.md5)
        return writer.commit(), measured
    except BaseException:
        writer.abort()
        raise


def md5_of(data: bytes) -> str:
    """The MD5 of a small text, base64."""
    return base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()


def check_md5(text: str) -> None:
    """Refuses an MD5 that is not 128 bits in base64.

    Raises:
        BlobError: `InvalidMd5`.

    """
    try:
        length = len(base64.b64decode(text, validate=True))
    except binascii.Error:
        length = 0
    if length != 16:
        raise BlobError("InvalidMd5")


def compare_md5(expected: str, actual: str) -> None:
    """Refuses bytes whose MD5 is another than the one sent.

    Raises:
        BlobError: `Md5Mismatch`.

    """
    if expected != actual:
        raise BlobError(
            "Md5Mismatch", ("UserSpecifiedMd5", expected), ("ServerCalculatedMd5", actual)
        )
