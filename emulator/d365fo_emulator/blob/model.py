"""Blobs and their blocks, as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

PACKAGE_CONTAINER = "dmf"


@dataclass(frozen=True)
class BlobHeaders:
    """What an upload says of its content; empty texts were not sent."""

    content_type: str = "application/octet-stream"
    content_encoding: str = ""
    content_language: str = ""
    content_disposition: str = ""
    cache_control: str = ""


@dataclass(frozen=True)
class CommittedBlock:
    """A block that a blob was put together from; blobs put at once have none."""

    block_id: str
    size: int


@dataclass(frozen=True)
class Blob:
    """A committed blob. `content` names its bytes in the content store; `md5` is base64.

    `md5` is empty where the service knows none: after a block list that brought none.
    """

    container: str
    name: str
    content: str
    size: int
    md5: str
    etag: str
    created_at: dt.datetime
    modified_at: dt.datetime
    headers: BlobHeaders = field(default_factory=BlobHeaders)
    metadata: Mapping[str, str] = field(default_factory=dict)
    blocks: tuple[CommittedBlock, ...] = ()


@dataclass(frozen=True)
class Block:
    """A staged block, not committed yet."""

    block_id: str
    content: str
    size: int


@dataclass(frozen=True)
class Extent:
    """A stretch of stored content: a whole block, or one inside a committed blob."""

    content: str
    offset: int
    size: int
