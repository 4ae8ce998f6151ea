"""Errors of the blob service: the table of codes, and the exception that carries a row of it."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from d365fo_emulator.kernel.errors import EmulatorError

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

AUTHENTICATION_DETAIL = "AuthenticationErrorDetail"
NOT_WELL_FORMED = "Signature fields not well formed."  # published output


@dataclass(frozen=True)
class ErrorRow:
    """Status and text of one code, and what they rest on."""

    status: int
    message: str
    evidence: str


TABLE: Mapping[str, ErrorRow] = MappingProxyType(
    {
        "AuthenticationFailed": ErrorRow(
            403,
            "Server failed to authenticate the request. Make sure the value of Authorization"
            " header is formed correctly including the signature.",
            "recorded",
        ),
        "AuthorizationPermissionMismatch": ErrorRow(
            403,
            "This request is not authorized to perform this operation using this permission.",
            "recorded",
        ),
        "AuthorizationProtocolMismatch": ErrorRow(
            403,
            "This request is not authorized to perform this operation using this protocol.",
            "recorded",
        ),
        "AuthorizationSourceIPMismatch": ErrorRow(
            403,
            "This request is not authorized to perform this operation using this source IP"
            " {SourceIP}.",
            "client",
        ),
        "UnauthorizedBlobOverwrite": ErrorRow(
            403, "This request is not authorized to perform blob overwrites.", "documented"
        ),
        # An account that forbids public access; one that allows it would answer 404 here.
        "PublicAccessNotPermitted": ErrorRow(
            409, "Public access is not permitted on this storage account.", "documented"
        ),
        "BlobNotFound": ErrorRow(404, "The specified blob does not exist.", "recorded"),
        "ContainerNotFound": ErrorRow(404, "The specified container does not exist.", "recorded"),
        "ResourceNotFound": ErrorRow(404, "The specified resource does not exist.", "recorded"),
        "BlobAlreadyExists": ErrorRow(409, "The specified blob already exists.", "recorded"),
        "ConditionNotMet": ErrorRow(
            412,
            "The condition specified using HTTP conditional header(s) is not met.",
            "recorded",
        ),
        "InvalidRange": ErrorRow(
            416,
            "The range specified is invalid for the current size of the resource.",
            "recorded",
        ),
        "InvalidHeaderValue": ErrorRow(
            400,
            "The value for one of the HTTP headers is not in the correct format.",
            "documented",
        ),
        "MissingRequiredHeader": ErrorRow(
            400,
            "An HTTP header that's mandatory for this request is not specified.",
            "recorded",
        ),
        "MissingContentLengthHeader": ErrorRow(
            411, "The content length header was not specified.", "documented"
        ),
        "RequestBodyTooLarge": ErrorRow(
            413,
            "The request body is too large and exceeds the maximum permissible limit.",
            "documented",
        ),
        "Md5Mismatch": ErrorRow(
            400,
            "The MD5 value specified in the request did not match with the MD5 value calculated"
            " by the server.",
            "client",
        ),
        "InvalidMd5": ErrorRow(
            400,
            "The MD5 value specified in the request is invalid. The MD5 value must be 128 bits"
            " and Base64-encoded.",
            "client",
        ),
        "BothCrc64AndMd5HeaderPresent": ErrorRow(
            400, "Both x-ms-content-crc64 header and Content-MD5 header are present.", "client"
        ),
        "InvalidBlockList": ErrorRow(400, "The specified block list is invalid.", "recorded"),
        "BlockListTooLong": ErrorRow(
            400, "The block list may not contain more than 50,000 blocks.", "documented"
        ),
        "InvalidBlobOrBlock": ErrorRow(
            400, "The specified blob or block content is invalid.", "recorded"
        ),
        "InvalidQueryParameterValue": ErrorRow(
            400,
            "Value for one of the query parameters specified in the request URI is invalid.",
            "recorded",
        ),
        "MissingRequiredQueryParameter": ErrorRow(
            400,
            "A query parameter that's mandatory for this request is not specified.",
            "documented",
        ),
        "InvalidXmlDocument": ErrorRow(
            400, "XML specified is not syntactically valid.", "documented"
        ),
        "InvalidUri": ErrorRow(
            400, "The requested URI does not represent any resource on the server.", "documented"
        ),
        "InvalidInput": ErrorRow(400, "One of the request inputs is not valid.", "documented"),
        "OutOfRangeInput": ErrorRow(
            400, "One of the request inputs is out of range.", "documented"
        ),
        "UnsupportedHttpVerb": ErrorRow(
            405, "The resource doesn't support specified Http Verb.", "documented"
        ),
        "InternalError": ErrorRow(
            500,
            "The server encountered an internal error. Please retry the request.",
            "documented",
        ),
        "ServerBusy": ErrorRow(
            503,
            "The server is currently unable to receive requests. Please retry your request.",
            "documented",
        ),
    }
)


class BlobError(EmulatorError):
    """A refusal of the blob service.

    Args:
        code: a key of :data:`TABLE`.
        details: further elements of the body, in order (`HeaderName`, `AuthenticationErrorDetail`).
        headers: further headers of the answer.
        status: where the service answers one code with another status (304).
        reason: more than the service says; for the journal and `X-Emulator-Reason`.

    """

    def __init__(
        self,
        code: str,
        *details: tuple[str, str],
        headers: Mapping[str, str] | None = None,
        status: int | None = None,
        reason: str = "",
    ) -> None:
        row = TABLE[code]
        self.code = code
        self.details = details
        self.headers = headers or {}
        self.status = status or row.status
        self.message = row.message.format(**dict(details)) if "{" in row.message else row.message
        self.reason = reason or " ".join([self.message, *(text for _, text in details)])
        super().__init__(f"{code}: {self.reason}")


class ForeignUrl(EmulatorError):
    """A package URL that does not lead to a blob of this emulator; nothing was requested."""

    def __init__(self, url: str, because: str) -> None:
        # The query is left out: it may hold a signature.
        super().__init__(f"{url.partition('?')[0]} is no blob of this emulator: {because}")
        self.because = because


def authentication_failed(detail: str, reason: str = "") -> BlobError:
    """403 with the one thing that the service tells about a refused signature."""
    return BlobError("AuthenticationFailed", (AUTHENTICATION_DETAIL, detail), reason=reason)


def invalid_header(name: str, value: str) -> BlobError:
    """400 for a header whose value the service cannot read."""
    return BlobError("InvalidHeaderValue", ("HeaderName", name), ("HeaderValue", value))


def missing_header(name: str) -> BlobError:
    """400 for a header that the operation needs."""
    return BlobError("MissingRequiredHeader", ("HeaderName", name))


def invalid_query(name: str, value: str, reason: str) -> BlobError:
    """400 for a query parameter that the service cannot read."""
    return BlobError(
        "InvalidQueryParameterValue",
        ("QueryParameterName", name),
        ("QueryParameterValue", value),
        ("Reason", reason),
    )


def document(
    code: str,
    message: str,
    details: tuple[tuple[str, str], ...],
    request_id: str,
    now: dt.datetime,
) -> bytes:
    """The XML body (recorded): request id and time are lines of the message itself.

    The time has seven fractional digits, as the service counts in steps of 100 ns.
    """
    text = f"{message}\nRequestId:{request_id}\nTime:{now:%Y-%m-%dT%H:%M:%S.%f}0Z"
    elements = [("Code", code), ("Message", text), *details]
    body = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in elements)
    return f'<?xml version="1.0" encoding="utf-8"?><Error>{body}</Error>'.encode()
