"""Conditional headers: when a request may go on. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from d365fo_emulator.blob.errors import BlobError

if TYPE_CHECKING:
    import datetime as dt

    from d365fo_emulator.blob.model import Blob


@dataclass(frozen=True)
class Conditions:
    """The four headers; empty or None where not sent. Times compare in whole seconds."""

    if_match: str = ""
    if_none_match: str = ""
    if_modified_since: dt.datetime | None = None
    if_unmodified_since: dt.datetime | None = None

    def check_read(self, blob: Blob) -> None:
        """Refuses a read: 412 before 304, equal times count as not modified (client, recorded).

        With both `If-None-Match` and `If-Modified-Since`, one that holds lets the read go on: a
        304 must agree with every header.

        Raises:
            BlobError: `ConditionNotMet`, with status 412 or 304.

        """
        self._check_wanted(blob)
        stale = []
        if self.if_none_match:
            stale.append(_names(self.if_none_match, blob))
        if self.if_modified_since is not None:
            stale.append(_seconds(blob) <= self.if_modified_since)
        if stale and all(stale):
            raise BlobError("ConditionNotMet", status=304, headers={"ETag": blob.etag})

    def check_write(self, blob: Blob | None) -> None:
        """Refuses a write of `blob`, or of a new one.

        Raises:
            BlobError: `BlobAlreadyExists` for `If-None-Match: *`, else `ConditionNotMet` (412).

        """
        if blob is None:
            if self.if_match:
                raise BlobError("ConditionNotMet")
            return
        if self.if_none_match.strip() == "*":
            raise BlobError("BlobAlreadyExists")
        self._check_wanted(blob)
        if self.if_none_match and _names(self.if_none_match, blob):
            raise BlobError("ConditionNotMet")
        if self.if_modified_since is not None and _seconds(blob) <= self.if_modified_since:
            raise BlobError("ConditionNotMet")

    def _check_wanted(self, blob: Blob) -> None:
        if self.if_match and not _names(self.if_match, blob):
            raise BlobError("ConditionNotMet")
        if self.if_unmodified_since is not None and _seconds(blob) > self.if_unmodified_since:
            raise BlobError("ConditionNotMet")


ALWAYS = Conditions()


def _names(header: str, blob: Blob) -> bool:
    tags = {tag.strip().removeprefix("W/").strip('"') for tag in header.split(",")}
    return "*" in tags or blob.etag.strip('"') in tags


def _seconds(blob: Blob) -> dt.datetime:
    return blob.modified_at.replace(microsecond=0)
