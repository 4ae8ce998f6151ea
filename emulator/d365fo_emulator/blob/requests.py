"""A request to the blob service, read from its environment; no framework in it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import quote, urlsplit

from d365fo_emulator.blob import sas
from d365fo_emulator.blob.address import BlobAddress, parse_address
from d365fo_emulator.blob.conditions import Conditions
from d365fo_emulator.blob.errors import BlobError, invalid_header
from d365fo_emulator.blob.model import BlobHeaders
from d365fo_emulator.http.bodies import copy
from d365fo_emulator.http.environment import RAW_HEADERS_KEY

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from d365fo_emulator.blob.content import Sink
    from d365fo_emulator.http.exchange import Exchange

METADATA = "x-ms-meta-"
_VERSION = re.compile(r"\d{4}-\d{2}-\d{2}")


def raw_path(environ: Mapping[str, Any]) -> str:
    """The path as it was sent, undecoded: a blob's name may hold `%2F`, `+` or `//`."""
    target: str = environ.get("RAW_URI") or quote(environ["PATH_INFO"].encode("latin-1"))
    if not target.startswith("/") and "://" in target:
        return urlsplit(target).path
    return target.partition("?")[0]


def address_of(environ: Mapping[str, Any], account: str) -> BlobAddress:
    """Where a request leads.

    Raises:
        BlobError: `InvalidUri`.

    """
    return parse_address(environ.get("HTTP_HOST", ""), raw_path(environ), account)


@dataclass(frozen=True)
class BlobRequest:
    """One request: where to, query and headers with lower-case names, the unread body."""

    exchange: Exchange
    method: str
    address: BlobAddress
    parameters: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    metadata: Mapping[str, str]
    body: BinaryIO

    @cached_property
    def query(self) -> Mapping[str, str]:
        """The query's parameters; of one given twice, the first."""
        return dict(reversed(self.parameters))

    def header(self, name: str) -> str:
        """A header's value; empty when it was not sent, or sent empty (as rclone does)."""
        return self.headers.get(name, "")

    def check_version(self) -> None:
        """Refuses a malformed `x-ms-version`; every well-formed one is taken.

        Raises:
            BlobError: `InvalidHeaderValue`.

        """
        version = self.header("x-ms-version")
        if version and not _VERSION.fullmatch(version):
            raise invalid_header("x-ms-version", version)

    def body_length(self, most: int) -> int:
        """The announced length of the body.

        Raises:
            BlobError: `MissingContentLengthHeader` (also for a chunked body, documented),
                `RequestBodyTooLarge`.

        """
        length = self.header("content-length")
        if not length.isdecimal() or self.header("transfer-encoding"):
            raise BlobError("MissingContentLengthHeader")
        if int(length) > most:
            raise BlobError("RequestBodyTooLarge", ("MaxLimit", str(most)))
        return int(length)

    def copy_body(self, sink: Sink, length: int) -> None:
        """Passes the body on in pieces.

        Raises:
            BodyTruncated: the connection ended before `length` bytes.

        """
        copy(self.body, sink.write, length)

    def conditions(self) -> Conditions:
        """The conditional headers.

        Raises:
            BlobError: `InvalidHeaderValue` for a date that is none.

        """
        return Conditions(
            self.header("if-match"),
            self.header("if-none-match"),
            self._date("if-modified-since"),
            self._date("if-unmodified-since"),
        )

    def blob_headers(self, *, plain: bool) -> BlobHeaders:
        """What to keep of the content's properties.

        Args:
            plain: whether the ordinary headers count where an `x-ms-blob-` one is missing; those
                of a block list speak of the list.

        """
        fields = {}
        for name in BlobHeaders.__dataclass_fields__:
            wire = name.replace("_", "-")
            ordinary = self.header(wire) if plain and wire != "content-disposition" else ""
            if value := self.header(f"x-ms-blob-{wire}") or ordinary:
                fields[name] = value
        return BlobHeaders(**fields)

    def _date(self, name: str) -> dt.datetime | None:
        text = self.header(name)
        if not text:
            return None
        try:
            date = parsedate_to_datetime(text)
            return date.astimezone(sas.UTC) if date.tzinfo else date.replace(tzinfo=sas.UTC)
        except ValueError:
            raise invalid_header(name, text) from None


def read_request(environ: Mapping[str, Any], exchange: Exchange) -> BlobRequest:
    """The request in an environment.

    Raises:
        BlobError: `InvalidUri`.

    """
    headers = _headers(environ)
    return BlobRequest(
        exchange=exchange,
        method=environ["REQUEST_METHOD"],
        address=address_of(environ, exchange.workspace.storage_account),
        parameters=tuple(sas.read_query(environ.get("QUERY_STRING", ""))),
        headers=headers,
        metadata=_metadata(environ, headers),
        body=environ["wsgi.input"],
    )


def _headers(environ: Mapping[str, Any]) -> dict[str, str]:
    headers = {
        key[5:].replace("_", "-").lower(): value
        for key, value in environ.items()
        if key.startswith("HTTP_")
    }
    for key in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if environ.get(key):
            headers[key.replace("_", "-").lower()] = environ[key]
    return headers


def _metadata(environ: Mapping[str, Any], headers: Mapping[str, str]) -> dict[str, str]:
    """Names in the case in which they came, which only our listener keeps; else in lower case.

    A metadata name is an identifier, so what WSGI calls `_` was no hyphen.
    """
    if RAW_HEADERS_KEY in environ:
        sent = [(key.decode("latin-1"), v.decode("latin-1")) for key, v in environ[RAW_HEADERS_KEY]]
    else:
        sent = [
            (METADATA + key.removeprefix(METADATA).replace("-", "_"), value)
            for key, value in headers.items()
            if key.startswith(METADATA)
        ]
    return {
        name[len(METADATA) :]: value.strip()
        for name, value in sent
        if name.lower().startswith(METADATA)
    }
