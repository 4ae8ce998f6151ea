"""Block ids, and the XML of block lists, read in pieces."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING
from xml.parsers import expat
from xml.sax.saxutils import escape

from d365fo_emulator.blob.errors import BlobError, invalid_query
from d365fo_emulator.blob.model import Extent

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from d365fo_emulator.blob.model import Blob, Block, CommittedBlock

MOST_BLOCKS = 50_000  # documented
MOST_ID_BYTES = 64  # documented
KINDS = frozenset({"Latest", "Committed", "Uncommitted"})


def check_block_id(block_id: str) -> None:
    """Refuses what is no base64 of 1 to 64 bytes (recorded).

    Raises:
        BlobError: `InvalidQueryParameterValue`.

    """
    try:
        decoded = base64.b64decode(block_id, validate=True)
    except (binascii.Error, ValueError):
        decoded = b""
    if not 0 < len(decoded) <= MOST_ID_BYTES:
        raise invalid_query("blockid", block_id, "Not a valid base64 string.")


class BlockListReader:
    """Reads a block list as its pieces arrive; `entries` are (kind, block id) in order.

    With or without a prolog and white space, as the clients send it (recorded). A document type
    is refused, so nothing expands.
    """

    def __init__(self) -> None:
        self.entries: list[tuple[str, str]] = []
        self._path: list[str] = []
        self._text = ""
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartDoctypeDeclHandler = self._refuse
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters

    def write(self, data: bytes | memoryview, /) -> int:
        """Takes the next piece.

        Raises:
            BlobError: `InvalidXmlDocument`, `BlockListTooLong`.

        """
        self._parse(bytes(data), final=False)
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> list[tuple[str, str]]:
        """The entries of the whole list.

        Raises:
            BlobError: `InvalidXmlDocument`.

        """
        self._parse(b"", final=True)
        return self.entries

    def _parse(self, data: bytes, *, final: bool) -> None:
        try:
            self._parser.Parse(data, final)
        except expat.ExpatError as error:
            raise BlobError("InvalidXmlDocument", reason=str(error)) from None

    def _refuse(self, *_: object) -> None:
        raise BlobError("InvalidXmlDocument", reason="the block list has a document type")

    def _start(self, tag: str, _attributes: object) -> None:
        self._path.append(tag)
        self._text = ""
        known = (self._path == ["BlockList"]) if len(self._path) == 1 else tag in KINDS
        if not known or len(self._path) > 2:
            raise BlobError("InvalidXmlDocument", reason=f"unexpected element {tag}")

    def _characters(self, text: str) -> None:
        self._text += text

    def _end(self, tag: str) -> None:
        self._path.pop()
        if not self._path:
            return
        if len(self.entries) >= MOST_BLOCKS:
            raise BlobError("BlockListTooLong")
        self.entries.append((tag, self._text.strip()))


def locate_blocks(
    entries: Sequence[tuple[str, str]], blob: Blob | None, staged: Iterable[Block]
) -> list[Extent]:
    """Where the bytes of each listed block lie: staged, or inside the committed blob.

    `Latest` looks for a staged block first (documented).

    Raises:
        BlobError: `InvalidBlockList` for an id that its list lacks.

    """
    fresh = {block.block_id: Extent(block.content, 0, block.size) for block in staged}
    committed = _committed_extents(blob) if blob else {}
    lists = {"Uncommitted": fresh, "Committed": committed, "Latest": {**committed, **fresh}}
    missing = [block_id for kind, block_id in entries if block_id not in lists[kind]]
    if missing:
        raise BlobError("InvalidBlockList", reason=f"there is no block {missing[0]}")
    return [lists[kind][block_id] for kind, block_id in entries]


def block_list_document(
    committed: Iterable[CommittedBlock] | None, uncommitted: Iterable[Block] | None
) -> bytes:
    """The answer of Get Block List; None for a list that was not asked for."""
    lists = (("CommittedBlocks", committed), ("UncommittedBlocks", uncommitted))
    body = "".join(_block_elements(name, blocks) for name, blocks in lists if blocks is not None)
    return f'<?xml version="1.0" encoding="utf-8"?><BlockList>{body}</BlockList>'.encode()


def _block_elements(name: str, blocks: Iterable[Block | CommittedBlock]) -> str:
    entries = "".join(
        f"<Block><Name>{escape(block.block_id)}</Name><Size>{block.size}</Size></Block>"
        for block in blocks
    )
    return f"<{name}>{entries}</{name}>" if entries else f"<{name}/>"


def _committed_extents(blob: Blob) -> dict[str, Extent]:
    extents: dict[str, Extent] = {}
    offset = 0
    for block in blob.blocks:
        extents.setdefault(block.block_id, Extent(blob.content, offset, block.size))
        offset += block.size
    return extents
