"""Which operation a request is: one table of method, place, `comp`, `restype` and headers.

The names are the service's. An operation without a handler is answered 501 by its name.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from d365fo_emulator.blob.errors import BlobError, invalid_query

if TYPE_CHECKING:
    from collections.abc import Mapping

    from d365fo_emulator.blob.address import BlobAddress

COPY_SOURCE = "x-ms-copy-source"
BLOB_TYPE = "x-ms-blob-type"


class Place(StrEnum):
    """What the path leads to."""

    ACCOUNT = "account"
    CONTAINER = "container"
    BLOB = "blob"

    @classmethod
    def of(cls, address: BlobAddress) -> Place:
        """The place of an address."""
        if address.name:
            return cls.BLOB
        return cls.CONTAINER if address.container else cls.ACCOUNT


@dataclass(frozen=True)
class Operation:
    """One row: how an operation is told, and the permissions of which one suffices.

    Attributes:
        permissions: letters of a service SAS; empty where none ever allows it.
        headers: all of these must be there.

    """

    name: str
    method: str
    place: Place
    permissions: str = ""
    comp: str = ""
    restype: str = ""
    headers: tuple[str, ...] = ()


_ACCOUNT, _CONTAINER, _BLOB = Place.ACCOUNT, Place.CONTAINER, Place.BLOB

# The first row that fits holds. Permissions: client sources, recorded.
OPERATIONS: tuple[Operation, ...] = (
    Operation("PutBlock", "PUT", _BLOB, "w", comp="block"),
    Operation("PutBlockList", "PUT", _BLOB, "w", comp="blocklist"),
    Operation("PutBlobFromURL", "PUT", _BLOB, "wc", headers=(COPY_SOURCE, BLOB_TYPE)),
    Operation("CopyBlob", "PUT", _BLOB, "wc", headers=(COPY_SOURCE,)),
    Operation("PutBlob", "PUT", _BLOB, "wc"),
    Operation("GetBlockList", "GET", _BLOB, "r", comp="blocklist"),
    Operation("GetBlobMetadata", "GET", _BLOB, "r", comp="metadata"),
    Operation("GetBlobMetadata", "HEAD", _BLOB, "r", comp="metadata"),
    Operation("GetBlobTags", "GET", _BLOB, "t", comp="tags"),
    Operation("GetBlob", "GET", _BLOB, "r"),
    Operation("GetBlobProperties", "HEAD", _BLOB, "r"),
    Operation("DeleteBlob", "DELETE", _BLOB, "d"),
    Operation("SetBlobMetadata", "PUT", _BLOB, "w", comp="metadata"),
    Operation("SetBlobProperties", "PUT", _BLOB, "w", comp="properties"),
    Operation("SetBlobTags", "PUT", _BLOB, "t", comp="tags"),
    Operation("SetBlobTier", "PUT", _BLOB, "w", comp="tier"),
    Operation("SnapshotBlob", "PUT", _BLOB, "wc", comp="snapshot"),
    Operation("UndeleteBlob", "PUT", _BLOB, "w", comp="undelete"),
    Operation("LeaseBlob", "PUT", _BLOB, "wd", comp="lease"),
    Operation("AppendBlock", "PUT", _BLOB, "wa", comp="appendblock"),
    Operation("PutPage", "PUT", _BLOB, "w", comp="page"),
    Operation("ListBlobs", "GET", _CONTAINER, "l", comp="list", restype="container"),
    Operation("GetContainerProperties", "GET", _CONTAINER, restype="container"),
    Operation("GetContainerProperties", "HEAD", _CONTAINER, restype="container"),
    Operation("CreateContainer", "PUT", _CONTAINER, restype="container"),
    Operation("DeleteContainer", "DELETE", _CONTAINER, restype="container"),
    Operation("GetContainerACL", "GET", _CONTAINER, comp="acl", restype="container"),
    Operation("SetContainerACL", "PUT", _CONTAINER, comp="acl", restype="container"),
    Operation("SetContainerMetadata", "PUT", _CONTAINER, comp="metadata", restype="container"),
    Operation("LeaseContainer", "PUT", _CONTAINER, comp="lease", restype="container"),
    # Any permission will do for a batch: each part is checked by itself.
    Operation("BlobBatch", "POST", _CONTAINER, "racwdl", comp="batch", restype="container"),
    # pyarrow's probe for a hierarchical namespace; it takes 400 for "there is none".
    Operation("GetAccessControl", "HEAD", _CONTAINER, "racwdl"),
    Operation("BlobBatch", "POST", _ACCOUNT, comp="batch"),
    Operation("ListContainers", "GET", _ACCOUNT, comp="list"),
    Operation("GetAccountInformation", "GET", _ACCOUNT, comp="properties", restype="account"),
    Operation("GetAccountInformation", "HEAD", _ACCOUNT, comp="properties", restype="account"),
    Operation("GetBlobServiceProperties", "GET", _ACCOUNT, comp="properties", restype="service"),
    Operation("SetBlobServiceProperties", "PUT", _ACCOUNT, comp="properties", restype="service"),
    Operation("GetBlobServiceStats", "GET", _ACCOUNT, comp="stats", restype="service"),
    Operation(
        "GetUserDelegationKey", "POST", _ACCOUNT, comp="userdelegationkey", restype="service"
    ),
)


def operation_of(
    method: str, address: BlobAddress, query: Mapping[str, str], headers: Mapping[str, str]
) -> Operation:
    """The operation that a request asks for; `comp` and `restype` in any letter case.

    Raises:
        BlobError: `UnsupportedHttpVerb`, or a `comp` or `restype` that the service does not know.

    """
    place = Place.of(address)
    comp, restype = query.get("comp", "").lower(), query.get("restype", "").lower()
    here = [row for row in OPERATIONS if row.method == method and row.place is place]
    if not here:
        raise BlobError("UnsupportedHttpVerb", reason=f"{method} of a {place}")
    for row in here:
        if (row.comp, row.restype) == (comp, restype) and all(map(headers.get, row.headers)):
            return row
    if comp:
        raise invalid_query("comp", query["comp"], f"Not known for {method} of a {place}.")
    raise invalid_query("restype", query.get("restype", ""), f"Needed for {method} of a {place}.")
