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
class Blob:
    """A committed blob. `content` names its bytes in the content store; `md5` is base64."""

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


@dataclass(frozen=True)
class Block:
    """A staged block, not committed yet."""

    block_id: str
    content: str
    size: int
