"""The check of bearer tokens for the surfaces that want one.

The real service answers every failed authentication alike (recorded); which check failed is said
in the refusal's `reason` alone, which becomes `X-Emulator-Reason` and stands in the journal.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from d365fo_emulator.http.exchange import Caller
from d365fo_emulator.identity.errors import printable
from d365fo_emulator.identity.grants import DYNAMICS_ERP
from d365fo_emulator.identity.tokens import STS

if TYPE_CHECKING:
    from collections.abc import Callable

    from d365fo_emulator.identity.keys import SigningKeys
    from d365fo_emulator.identity.model import Application, Directory
    from d365fo_emulator.kernel.workspace import Workspace

LEEWAY = 300
"""Seconds of clock difference that are forgiven (inferred: the .NET default)."""

LONGEST_HEADER = 16_384
MOST_CACHED = 10_000

_BEARER = re.compile(r"(?i:bearer) +([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*) *")

# Recorded, with the line ends and the indent.
BODY = (
    b'{\r\n  "Message": "Authentication failed.",\r\n  "StackTrace": null,\r\n'
    b'  "ExceptionType": "System.InvalidOperationException"\r\n}'
)
P3P = (  # recorded
    'CP="No P3P policy defined. Read the Microsoft privacy statement at'
    ' https://go.microsoft.com/fwlink/?LinkId=271135"'
)
# The form of other services of the vendor; the product's own literal is not known (inferred).
CHALLENGE = (
    'Bearer authorization_uri="https://login.windows.net/{tenant_id}", error="invalid_token",'
    ' error_description="{description}"'
)
MISSING = "The authentication failed because of missing 'Authorization' header."
FAILED = "Authentication failed."


@dataclass(frozen=True)
class BearerRefusal:
    """Why a caller is not let in.

    401 carries the recorded body; for 403 `body` is empty, and the surface writes its own.
    """

    status: int
    reason: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


@dataclass(frozen=True)
class AccessClaims:
    """What is looked at of a token whose signature is right; instants are POSIX seconds."""

    issuer: str
    tenant_id: str
    audience: str
    client_id: str
    not_before: float
    expires: float


class _Refused(Exception):
    """A check that failed; the message is the reason."""


class BearerCheck:
    """Checks tokens; safe to use from several threads.

    A header whose token was found rightly signed is remembered by its hash. Everything that can
    change is looked at each time: clock, addresses, and what the directory says of the application.
    """

    def __init__(self, keys: SigningKeys, most_cached: int = MOST_CACHED) -> None:
        self._keys = keys
        self._most_cached = most_cached
        self._verified: dict[bytes, AccessClaims] = {}
        self._writing = threading.Lock()

    def check(
        self,
        authorization: str | None,
        workspace: Workspace,
        directory: Directory,
        is_own_audience: Callable[[str], bool],
        address: str = "",
    ) -> Caller | BearerRefusal:
        """Who calls, or why not; never an exception, whatever the header holds.

        `address` is the environment's own, for the reason.
        """
        if not authorization:
            reason = "the request has no Authorization header: send 'Bearer' and an access token"
            return _unauthorized(directory, reason, MISSING)
        try:
            claims = self._claims(authorization)
            _check_origin(claims, workspace, directory, is_own_audience)
            _check_audience(claims.audience, directory, is_own_audience, address)
            _check_times(claims, workspace)
            return _caller(claims.client_id, directory)
        except _Refused as refused:
            return _unauthorized(directory, str(refused))

    def _claims(self, authorization: str) -> AccessClaims:
        if len(authorization) > LONGEST_HEADER:
            raise _Refused(f"the Authorization header is longer than {LONGEST_HEADER} characters")
        digest = hashlib.sha256(authorization.encode("utf-8", "surrogatepass")).digest()
        claims = self._verified.get(digest)
        if claims is None:
            match = _BEARER.fullmatch(authorization)
            if match is None:
                raise _Refused("the Authorization header is not 'Bearer' and one access token")
            claims = self._verify(match[1])
            self._remember(digest, claims)
        return claims

    def _remember(self, digest: bytes, claims: AccessClaims) -> None:
        with self._writing:
            while len(self._verified) >= self._most_cached:
                del self._verified[next(iter(self._verified))]
            self._verified[digest] = claims

    def _verify(self, token: str) -> AccessClaims:
        import jwt  # noqa: PLC0415  heavy

        try:
            header = jwt.get_unverified_header(token)
        except (jwt.PyJWTError, ValueError, RecursionError) as error:
            raise _Refused("the access token's header cannot be read") from error
        if header.get("alg") != "RS256":
            algorithm = printable(str(header.get("alg")))
            raise _Refused(f"the token is signed by {algorithm!r}; only RS256 is taken")
        if header.get("kid") != self._keys.kid:
            raise _Refused(
                "the token's kid names no signing key of this server: it comes from another token"
                " service, or from a server whose key was not kept"
            )
        try:
            payload = jwt.decode(
                token,
                self._keys.current.public_key,
                algorithms=["RS256"],
                # Times go by the workspace's clock and audiences by exact comparison: ours below.
                options={
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                    "verify_aud": False,
                    "verify_iss": False,
                    "verify_sub": False,
                    "verify_jti": False,
                },
            )
        except (jwt.PyJWTError, ValueError, RecursionError) as error:
            raise _Refused("the token's signature or its claims are not valid") from error
        return _access_claims(payload)


def _access_claims(payload: dict[str, Any]) -> AccessClaims:
    for name in ("iss", "tid", "aud", "appid"):
        if not isinstance(payload.get(name), str):
            raise _Refused(f"the token's claim {name!r} is missing or is no text")
    for name in ("nbf", "exp"):
        value = payload.get(name)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise _Refused(f"the token's claim {name!r} is missing or is no number")
    return AccessClaims(
        issuer=payload["iss"],
        tenant_id=payload["tid"],
        audience=payload["aud"],
        client_id=payload["appid"],
        not_before=payload["nbf"],
        expires=payload["exp"],
    )


def _check_origin(
    claims: AccessClaims,
    workspace: Workspace,
    directory: Directory,
    is_own_audience: Callable[[str], bool],
) -> None:
    if claims.tenant_id.casefold() != directory.tenant_id.casefold():
        raise _Refused(
            f"the token is of tenant {printable(claims.tenant_id)!r} but this environment's is"
            f" {directory.tenant_id}"
        )
    authority = claims.issuer.removesuffix(f"/{directory.tenant_id}/")
    if authority != claims.issuer:
        if workspace.settings.token_issuer == "emulator":  # noqa: S105  a setting's value
            if is_own_audience(authority):
                return
        elif authority == STS:
            return
    raise _Refused(f"the token's issuer is {printable(claims.issuer)!r}, which is not trusted here")


def _check_audience(
    audience: str, directory: Directory, is_own_audience: Callable[[str], bool], address: str
) -> None:
    """Exact comparison without a slash at the end: the commonest fault of clients (recorded)."""
    names = {r.removesuffix("/") for r in directory.resources}
    if audience in {DYNAMICS_ERP, f"spn:{DYNAMICS_ERP}"} or audience in names:
        return
    if not audience.endswith("/") and is_own_audience(audience):
        return
    here = address or "known by other names"
    remedy = ""
    bare = audience.rstrip("/")
    if bare != audience and (bare in names or is_own_audience(bare)):
        remedy = ": ask for the resource without the slash at its end"
    raise _Refused(
        f"the token's audience is {printable(audience)!r} but this environment is {here}{remedy}"
    )


def _check_times(claims: AccessClaims, workspace: Workspace) -> None:
    now = workspace.clock.now.timestamp()
    if now >= claims.expires + LEEWAY:
        raise _Refused(
            f"the token expired {now - claims.expires:.0f} s ago by the environment's clock"
            f" ({LEEWAY} s are forgiven)"
        )
    if now < claims.not_before - LEEWAY:
        raise _Refused(
            f"the token is valid in {claims.not_before - now:.0f} s only, by the environment's"
            f" clock ({LEEWAY} s are forgiven)"
        )


def _caller(client_id: str, directory: Directory) -> Caller | BearerRefusal:
    application = directory.by_client_id.get(client_id.casefold())
    if application is None or not application.user:
        raise _Refused(
            f"the client {printable(client_id)!r} is not mapped to a user in Microsoft Entra ID"
            " applications"
        )
    return _user_of(application, directory)


def _user_of(application: Application, directory: Directory) -> Caller | BearerRefusal:
    user = directory.by_user_id.get(application.user.casefold())
    mapped = f"the client {application.client_id!r} is mapped to the user {application.user!r}"
    if user is None:
        raise _Refused(f"{mapped}, which does not exist")
    if not user.enabled:
        raise _Refused(f"{mapped}, which is disabled")
    if not user.data_management:
        return BearerRefusal(
            403, printable(f"{mapped}, which has no right to data management", 600)
        )
    return Caller(client_id=application.client_id, user_id=user.id, company=user.company)


def _unauthorized(directory: Directory, reason: str, description: str = FAILED) -> BearerRefusal:
    challenge = CHALLENGE.format(tenant_id=directory.tenant_id, description=description)
    return BearerRefusal(
        status=401,
        reason=printable(reason, 600),
        headers=(
            ("Content-Type", "application/json; charset=utf-8"),
            ("WWW-Authenticate", challenge),
            ("P3P", P3P),
        ),
        body=BODY,
    )


def workspace_hint_of_bearer(authorization: str | None) -> str | None:
    """The tenant that a bearer token claims to be of, unverified: tells whose token to check.

    None for everything that is not a token; never an exception.
    """
    if not authorization or len(authorization) > LONGEST_HEADER:
        return None
    match = _BEARER.fullmatch(authorization)
    if match is None:
        return None
    payload = match[1].split(".")[1]
    try:
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (ValueError, RecursionError):
        return None
    tenant_id = claims.get("tid") if isinstance(claims, dict) else None
    return tenant_id if isinstance(tenant_id, str) else None
