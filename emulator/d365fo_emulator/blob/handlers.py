"""The operations that are built: each takes a request and returns an answer as a value."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, BinaryIO

from d365fo_emulator.blob.blocklist import BlockListReader, block_list_document
from d365fo_emulator.blob.content import check_md5, compare_md5, md5_of
from d365fo_emulator.blob.errors import (
    BlobError,
    invalid_header,
    invalid_query,
    missing_header,
)
from d365fo_emulator.blob.operations import BLOB_TYPE
from d365fo_emulator.blob.sas import http_date
from d365fo_emulator.blob.service import Upload
from d365fo_emulator.http.bodies import RangeNotSatisfiable, RangeReader, parse_range
from d365fo_emulator.kernel.errors import NotEmulated

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from d365fo_emulator.blob.model import Blob
    from d365fo_emulator.blob.requests import BlobRequest
    from d365fo_emulator.blob.sas import Grant
    from d365fo_emulator.blob.service import BlobService

MOST_BLOB_BYTES = 5000 * 1024 * 1024  # documented
MOST_BLOCK_BYTES = 4000 * 1024 * 1024  # documented
MOST_LIST_BYTES = 8 * 1024 * 1024  # 50,000 of the longest ids and their elements
MOST_HASHED_RANGE = 4 * 1024 * 1024  # documented
BLOB_TYPES = frozenset({"BlockBlob", "PageBlob", "AppendBlob"})
BLOCK_LIST_TYPES = ("committed", "uncommitted", "all")
_UNBUILT_HEADERS = ("x-ms-content-crc64", "x-ms-structured-body", "x-ms-lease-id")


@dataclass(frozen=True)
class Answer:
    """Status, headers, and a text or an open file that the adapter closes."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    file: BinaryIO | RangeReader | None = None


def put_blob(service: BlobService, request: BlobRequest, grant: Grant) -> Answer:
    """Put Blob, of block blobs."""
    _refuse_unbuilt(request)
    kind = request.header(BLOB_TYPE)
    if not kind:
        raise missing_header(BLOB_TYPE)
    if kind not in BLOB_TYPES:
        raise invalid_header(BLOB_TYPE, kind)
    if kind != "BlockBlob":
        raise NotEmulated(f"PutBlob of type {kind}")
    length = request.body_length(MOST_BLOB_BYTES)
    sent = (request.header("content-md5"), request.header("x-ms-blob-content-md5"))
    upload = _upload(request, tuple(md5 for md5 in sent if md5), plain=True)
    if "w" not in grant.permissions:
        upload = replace(upload, create_only=True)
    place = request.address
    blob = service.put_blob(
        place.container, place.name, upload, lambda sink: request.copy_body(sink, length)
    )
    return Answer(201, {**_written(blob), "Content-MD5": blob.md5})


def put_block(service: BlobService, request: BlobRequest, _grant: Grant) -> Answer:
    """Put Block. The MD5 is computed only when one was sent: it costs half of the rate."""
    _refuse_unbuilt(request)
    block_id = request.query.get("blockid", "")
    if not block_id:
        raise BlobError("MissingRequiredQueryParameter", ("QueryParameterName", "blockid"))
    length = request.body_length(MOST_BLOCK_BYTES)
    md5 = request.header("content-md5")
    place = request.address
    service.put_block(
        place.container,
        place.name,
        block_id,
        md5,
        lambda sink: request.copy_body(sink, length),
    )
    return Answer(201, {**_ENCRYPTED, **({"Content-MD5": md5} if md5 else {})})


def put_block_list(service: BlobService, request: BlobRequest, _grant: Grant) -> Answer:
    """Put Block List. `Content-MD5` is that of the list, `x-ms-blob-content-md5` the blob's."""
    _refuse_unbuilt(request)
    length = request.body_length(MOST_LIST_BYTES)
    reader = _HashedList() if request.header("content-md5") else BlockListReader()
    request.copy_body(reader, length)
    entries = reader.close()
    if isinstance(reader, _HashedList):
        check_md5(request.header("content-md5"))
        compare_md5(request.header("content-md5"), md5_of(reader.text))
    blob_md5 = request.header("x-ms-blob-content-md5")
    upload = _upload(request, (blob_md5,) if blob_md5 else (), plain=False)
    blob = service.put_block_list(request.address.container, request.address.name, entries, upload)
    return Answer(201, _written(blob))


def get_block_list(service: BlobService, request: BlobRequest, _grant: Grant) -> Answer:
    """Get Block List; the committed ones when the query does not say which (documented)."""
    wanted = request.query.get("blocklisttype", "committed").lower()
    if wanted not in BLOCK_LIST_TYPES:
        raise invalid_query("blocklisttype", wanted, f"One of {', '.join(BLOCK_LIST_TYPES)}.")
    blob, committed, staged = service.block_list(request.address.container, request.address.name)
    body = block_list_document(
        committed if wanted != "uncommitted" else None,
        staged if wanted != "committed" else None,
    )
    headers = {"Content-Type": "application/xml"}
    if blob is not None:
        headers |= {"ETag": blob.etag, "Last-Modified": http_date(blob.modified_at)}
        headers["x-ms-blob-content-length"] = str(blob.size)
    return Answer(200, headers, body)


def get_blob(service: BlobService, request: BlobRequest, grant: Grant) -> Answer:
    """Get Blob: 206 whenever a range was asked, also when it covers everything (recorded)."""
    place = request.address
    blob, file = service.open(place.container, place.name, request.conditions())
    try:
        return _download(blob, file, request, grant)
    except BaseException:
        file.close()
        raise


def get_blob_properties(service: BlobService, request: BlobRequest, grant: Grant) -> Answer:
    """Get Blob Properties."""
    place = request.address
    blob = service.properties(place.container, place.name, request.conditions())
    headers = _properties(blob, grant)
    headers["Content-Length"] = str(blob.size)
    if blob.md5:
        headers["Content-MD5"] = blob.md5
    return Answer(200, {**headers, "x-ms-access-tier": "Hot", "x-ms-access-tier-inferred": "true"})


def delete_blob(service: BlobService, request: BlobRequest, _grant: Grant) -> Answer:
    """Delete Blob."""
    place = request.address
    service.delete(place.container, place.name, request.conditions())
    return Answer(202, {"x-ms-delete-type-permanent": "true"})


def get_access_control(_service: BlobService, request: BlobRequest, _grant: Grant) -> Answer:
    """There is no hierarchical namespace; pyarrow reads a 400 as exactly that (client)."""
    raise invalid_query("action", request.query.get("action", ""), "No hierarchical namespace.")


HANDLERS: Mapping[str, Callable[[BlobService, BlobRequest, Grant], Answer]] = MappingProxyType(
    {
        "PutBlob": put_blob,
        "PutBlock": put_block,
        "PutBlockList": put_block_list,
        "GetBlockList": get_block_list,
        "GetBlob": get_blob,
        "GetBlobProperties": get_blob_properties,
        "DeleteBlob": delete_blob,
        "GetAccessControl": get_access_control,
    }
)


class _HashedList(BlockListReader):
    """Keeps the text of a list, which is small, for its MD5."""

    def __init__(self) -> None:
        super().__init__()
        self.text = b""

    def write(self, data: bytes | memoryview, /) -> int:
        self.text += data
        return super().write(data)


_ENCRYPTED = {"x-ms-request-server-encrypted": "true"}


def _refuse_unbuilt(request: BlobRequest) -> None:
    if request.header("x-ms-content-crc64") and request.header("content-md5"):
        raise BlobError("BothCrc64AndMd5HeaderPresent")
    for name in _UNBUILT_HEADERS:
        if request.header(name):
            raise NotEmulated(f"the header {name}")


def _upload(request: BlobRequest, md5s: tuple[str, ...], *, plain: bool) -> Upload:
    return Upload(
        headers=request.blob_headers(plain=plain),
        metadata=request.metadata,
        md5s=md5s,
        conditions=request.conditions(),
    )


def _written(blob: Blob) -> dict[str, str]:
    return {"ETag": blob.etag, "Last-Modified": http_date(blob.modified_at), **_ENCRYPTED}


def _properties(blob: Blob, grant: Grant) -> dict[str, str]:
    stored = {
        "Content-Type": blob.headers.content_type,
        "Content-Encoding": blob.headers.content_encoding,
        "Content-Language": blob.headers.content_language,
        "Content-Disposition": blob.headers.content_disposition,
        "Cache-Control": blob.headers.cache_control,
    }
    return {
        **{name: value for name, value in stored.items() if value},
        **grant.overrides,
        "ETag": blob.etag,
        "Last-Modified": http_date(blob.modified_at),
        "Accept-Ranges": "bytes",
        "x-ms-blob-type": "BlockBlob",
        "x-ms-lease-status": "unlocked",
        "x-ms-lease-state": "available",
        "x-ms-creation-time": http_date(blob.created_at),
        "x-ms-server-encrypted": "true",
        **{f"x-ms-meta-{name}": value for name, value in blob.metadata.items()},
    }


def _download(blob: Blob, file: BinaryIO, request: BlobRequest, grant: Grant) -> Answer:
    headers = _properties(blob, grant)
    wanted = _range(request, blob.size)
    hashed = request.header("x-ms-range-get-content-md5").lower() == "true"
    if wanted is None:
        if hashed:
            raise invalid_header("x-ms-range-get-content-md5", "true")
        if blob.md5:
            headers["Content-MD5"] = blob.md5
        headers["Content-Length"] = str(blob.size)
        return Answer(200, headers, file=file)
    first, last = wanted
    length = last - first + 1
    if hashed:
        if length > MOST_HASHED_RANGE:
            raise BlobError("OutOfRangeInput")
        file.seek(first)
        headers["Content-MD5"] = md5_of(file.read(length))
    # The MD5 of the whole as `Content-MD5` would break clients that check the part against it.
    if blob.md5:
        headers["x-ms-blob-content-md5"] = blob.md5
    headers["Content-Range"] = f"bytes {first}-{last}/{blob.size}"
    headers["Content-Length"] = str(length)
    return Answer(206, headers, file=RangeReader(file, first, last))


def _range(request: BlobRequest, size: int) -> tuple[int, int] | None:
    """First and last byte asked for. The service knows no suffix ranges (documented).

    Raises:
        BlobError: `InvalidRange`; it tells the size, without which the Python client cannot
            download an empty blob (recorded).

    """
    text = request.header("x-ms-range") or request.header("range")
    if "=-" in text.replace(" ", ""):
        return None
    try:
        return parse_range(text, size)
    except RangeNotSatisfiable:
        raise BlobError("InvalidRange", headers={"Content-Range": f"bytes */{size}"}) from None
