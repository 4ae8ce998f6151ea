"""Every refusal of the token service: the table of codes, the exception, and the error body.

The texts are the real service's. Evidence: `recorded` seen in an answer, `documented` in the
vendor's reference of error codes, `inferred` where status or wording follow from neither.
"""

from __future__ import annotations

import datetime as dt
import re
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from d365fo_emulator.kernel.errors import EmulatorError

if TYPE_CHECKING:
    from collections.abc import Iterable

ERROR_URI = "https://login.microsoftonline.com/error?code="
SEPARATORS = {"space": " ", "crlf": "\r\n"}
LONGEST_QUOTE = 200


@dataclass(frozen=True)
class AadError:
    """One code: HTTP status, the `error` member, and the text with the names that it takes."""

    code: int
    status: int
    error: str
    text: str
    evidence: str


_ROWS = (
    # The request as a whole.
    AadError(
        90002,
        400,
        "invalid_tenant",
        "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are"
        " signing into the correct cloud. Check with your subscription administrator, this may"
        " happen if there are no active subscriptions for the tenant.",
        "recorded",
    ),
    AadError(
        900023,
        400,
        "invalid_request",
        "Specified tenant identifier '{tenant}' is neither a valid DNS name, nor a valid external"
        " domain.",
        "recorded",
    ),
    AadError(
        900144,
        400,
        "invalid_request",
        "The request body must contain the following parameter: '{parameter}'.",
        "recorded",
    ),
    AadError(
        900561,
        400,
        "invalid_request",
        "The endpoint only accepts POST requests. Received a {method} request.",
        "documented",
    ),
    AadError(
        901002,
        400,
        "invalid_request",
        "The 'resource' request parameter isn't supported.",
        "documented",
    ),
    AadError(50049, 400, "invalid_instance", "Unknown or invalid instance.", "documented"),
    # The application and its credential.
    AadError(
        700016,
        400,
        "unauthorized_client",
        "Application with identifier '{client_id}' was not found in the directory '{tenant}'. This"
        " can happen if the application has not been installed by the administrator of the tenant"
        " or consented to by any user in the tenant. You may have sent your authentication request"
        " to the wrong tenant.",
        "recorded",
    ),
    AadError(70001, 400, "unauthorized_client", "The application is disabled.", "documented"),
    AadError(7000112, 400, "unauthorized_client", "The application is disabled.", "documented"),
    AadError(
        7000215,
        401,
        "invalid_client",
        "Invalid client secret provided. Ensure the secret being sent in the request is the client"
        " secret value, not the client secret ID, for a secret added to app '{client_id}'.",
        "recorded",
    ),
    AadError(
        7000222,
        401,
        "invalid_client",
        "The provided client secret keys for app '{client_id}' are expired. Visit the Azure portal"
        " to create new keys for your app: https://aka.ms/NewClientSecret, or consider using"
        " certificate credentials for added security: https://aka.ms/certCreds.",
        "recorded",
    ),
    AadError(
        7000218,
        401,
        "invalid_client",
        "The request body must contain the following parameter: 'client_assertion' or"
        " 'client_secret'.",
        "documented",
    ),
    AadError(
        7000216,
        401,
        "invalid_client",
        "The request body must contain the following parameter: 'client_assertion' or"
        " 'client_secret'.",
        "inferred",
    ),
    AadError(
        700025,
        401,
        "invalid_client",
        "Client is public so neither 'client_assertion' nor 'client_secret' should be presented.",
        "documented",
    ),
    AadError(70002, 401, "invalid_client", "Error validating credentials.", "recorded"),
    AadError(
        700021,
        401,
        "invalid_client",
        "Client assertion application identifier doesn't match 'client_id' parameter.",
        "documented",
    ),
    AadError(
        700023,
        401,
        "invalid_client",
        "Client assertion audience claim does not match Realm issuer.",
        "recorded",
    ),
    AadError(
        700024,
        401,
        "invalid_client",
        "Client assertion is not within its valid time range.",
        "recorded",
    ),
    AadError(
        700027, 401, "invalid_client", "Client assertion failed signature validation.", "recorded"
    ),
    # What is asked for.
    AadError(
        70003,
        400,
        "unsupported_grant_type",
        "The app requested an unsupported grant type '{grant_type}'.",
        "documented",
    ),
    AadError(
        500011,
        400,
        "invalid_resource",
        "The resource principal named {resource} was not found in the tenant named {tenant}. This"
        " can happen if the application has not been installed by the administrator of the tenant"
        " or consented to by any user in the tenant. You might have sent your authentication"
        " request to the wrong tenant.",
        "recorded",
    ),
    AadError(
        1002012,
        400,
        "invalid_scope",
        "The provided value for scope {scope} is not valid. Client credential flows must have a"
        " scope value with /.default suffixed to the resource identifier (application ID URI).",
        "recorded",
    ),
    AadError(
        70011,
        400,
        "invalid_scope",
        "The provided value for the input parameter 'scope' is not valid. The scope {scope} is not"
        " valid.",
        "recorded",
    ),
    # User sign-in.
    AadError(
        50126,
        400,
        "invalid_grant",
        "Error validating credentials due to invalid username or password.",
        "recorded",
    ),
    AadError(
        50034,
        400,
        "invalid_grant",
        "To sign into this application, the account must be added to the directory.",
        "documented",
    ),
    AadError(50057, 400, "invalid_grant", "The user account is disabled.", "documented"),
    AadError(50055, 400, "invalid_grant", "The password is expired.", "documented"),
    AadError(
        50076,
        400,
        "interaction_required",
        "Due to a configuration change made by your administrator, or because you moved to a new"
        " location, you must use multi-factor authentication to access '{resource}'.",
        "documented",
    ),
    AadError(
        53003,
        400,
        "invalid_grant",
        "Access has been blocked by Conditional Access policies. The access policy does not allow"
        " token issuance.",
        "documented",
    ),
    AadError(
        65001,
        400,
        "invalid_grant",
        "The user or administrator has not consented to use the application with ID '{client_id}'"
        " named '{name}'. Send an interactive authorization request for this user and resource.",
        "recorded",
    ),
    # Codes, refresh tokens, device flow.
    AadError(
        54005,
        400,
        "invalid_grant",
        "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use"
        " an existing refresh token.",
        "documented",
    ),
    AadError(
        70008,
        400,
        "invalid_grant",
        "The provided authorization code or refresh token has expired due to inactivity.",
        "documented",
    ),
    AadError(
        700082,
        400,
        "invalid_grant",
        "The refresh token has expired due to inactivity. The token was issued on {issued} and was"
        " inactive for {time}.",
        "documented",
    ),
    AadError(
        70000,
        400,
        "invalid_grant",
        "Authentication failed. The refresh token isn't valid.",
        "documented",
    ),
    AadError(
        70016,
        400,
        "authorization_pending",
        "OAuth 2.0 device flow error. Authorization is pending. Continue polling.",
        "documented",
    ),
    AadError(
        70018,
        400,
        "bad_verification_code",
        "Invalid verification code due to User typing in wrong user code for device code flow.",
        "documented",
    ),
    AadError(70019, 400, "code_expired", "Verification code expired.", "documented"),
    # Load and outage. The `error` of 90055 is not known.
    AadError(
        90055,
        429,
        "temporarily_unavailable",
        "There are too many incoming requests.",
        "inferred",
    ),
    AadError(
        50196,
        400,
        "invalid_grant",
        "The server terminated an operation because it encountered a loop while processing a"
        " request.",
        "recorded",
    ),
    AadError(
        90024,
        503,
        "temporarily_unavailable",
        "A transient error has occurred. Try again.",
        "documented",
    ),
    AadError(
        90033,
        503,
        "temporarily_unavailable",
        "The Microsoft Online Directory Service (MSODS) isn't available.",
        "documented",
    ),
)

TABLE = {row.code: row for row in _ROWS}


class IdentityError(EmulatorError):
    """A refusal with a code of :data:`TABLE`; the message is its text without the trailer.

    Args:
        code: the AADSTS number.
        because: what the real service does not say (for `X-Emulator-Reason` and the journal).
        names: what the text takes. Never a secret.

    """

    def __init__(self, code: int, because: str = "", **names: str) -> None:
        self.row = TABLE[code]
        self.text = f"AADSTS{code}: {self.row.text.format_map(names)}"
        super().__init__(self.text)
        self.because = because

    @property
    def reason(self) -> str:
        """Why, on one line."""
        return printable(f"{self.text} ({self.because})" if self.because else self.text, 600)


def error_body(
    error: IdentityError, *, now: dt.datetime, trace_id: str, correlation_id: str, separator: str
) -> dict[str, Any]:
    """The JSON members of a refusal (recorded).

    `separator`: `space` or `crlf`, what stands before each part of the trailer.
    """
    timestamp = now.astimezone(dt.UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    between = SEPARATORS[separator]
    trailer = (
        f"Trace ID: {trace_id}",
        f"Correlation ID: {correlation_id}",
        f"Timestamp: {timestamp}",
    )
    return {
        "error": error.row.error,
        "error_description": between.join((error.text, *trailer)),
        "error_codes": [error.row.code],
        "timestamp": timestamp,
        "trace_id": trace_id,
        "correlation_id": correlation_id,
        "error_uri": f"{ERROR_URI}{error.row.code}",
    }


def correlation_id(candidates: Iterable[str | None]) -> str | None:
    """The first of a request's `client-request-id` values that is a GUID; None: make one."""
    for candidate in candidates:
        if candidate and re.fullmatch(r"[0-9a-fA-F-]{36}", candidate):
            try:
                return str(uuid.UUID(candidate))
            except ValueError:
                continue
    return None


def printable(text: str, longest: int = LONGEST_QUOTE) -> str:
    """`text` as it may stand in a header or a log line: one line, ASCII, not too long."""
    clean = "".join(c if c.isascii() and c.isprintable() else "?" for c in text[:longest])
    return clean + "..." if len(text) > longest else clean
