"""Shared access signatures of the blob service: minting and verifying. Pure: no clock, no store.

The string to sign changed with the service's versions; :data:`SIGNED_FIELDS` has each form.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import ipaddress
import re
from dataclasses import dataclass
from email.utils import format_datetime
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote

from d365fo_emulator.blob.errors import NOT_WELL_FORMED, BlobError, authentication_failed
from d365fo_emulator.kernel.errors import NotEmulated

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from d365fo_emulator.blob.address import BlobAddress

UTC = dt.UTC

# What the product puts into its URLs (recorded).
MINTED_VERSION = "2014-02-14"
RESOURCE_PREFIX_SINCE = "2015-02-21"

_OVERRIDES = ("rscc", "rscd", "rsce", "rscl", "rsct")

_SINCE_2013 = ("sp", "st", "se", "res", "si", "sv", *_OVERRIDES)
_SINCE_2015 = ("sp", "st", "se", "res", "si", "sip", "spr", "sv", *_OVERRIDES)
_SINCE_2018 = (*_SINCE_2015[:8], "sr", "snapshot", *_OVERRIDES)
_SINCE_2020 = (*_SINCE_2015[:8], "sr", "snapshot", "ses", *_OVERRIDES)

# The newest row whose version is not above `sv` holds (documented; `res` is the resource).
SIGNED_FIELDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("2020-12-06", _SINCE_2020),
    ("2018-11-09", _SINCE_2018),
    ("2015-04-05", _SINCE_2015),
    ("2013-08-15", _SINCE_2013),
    ("2012-02-12", _SINCE_2013[:6]),
)

# Response headers that a signature may set (documented).
RESPONSE_OVERRIDES = {
    "rscc": "Cache-Control",
    "rscd": "Content-Disposition",
    "rsce": "Content-Encoding",
    "rscl": "Content-Language",
    "rsct": "Content-Type",
}

# Every field of a SAS. `snapshot` names what is asked for; further query parameters (`timeout`,
# `api-version`) are not signed.
_ACCOUNT_FIELDS = frozenset({"ss", "srt"})
_DELEGATION_FIELDS = frozenset({"skoid", "sktid", "skt", "ske", "sks", "skv"})
FIELDS = (
    frozenset({"sig"}).union(_SINCE_2020) - {"res", "snapshot"}
    | _ACCOUNT_FIELDS
    | _DELEGATION_FIELDS
)

_VERSION = re.compile(r"\d{4}-\d{2}-\d{2}")
# The documented date forms: a day, minutes, seconds, up to seven fractional digits.
_INSTANT = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d)(?::(\d\d)(?:\.(\d{1,7}))?)?(Z|[+-]\d\d:\d\d))?"
)


@dataclass(frozen=True)
class Grant:
    """What a verified signature allows, and the response headers that it sets."""

    permissions: str
    version: str
    overrides: Mapping[str, str]


@dataclass(frozen=True)
class Circumstances:
    """What a signature's limits are measured against."""

    now: dt.datetime
    secure: bool
    remote_address: str = ""


def mint(
    address: BlobAddress, key: str, permissions: str, start: dt.datetime, end: dt.datetime
) -> str:
    """The query of a blob's SAS URL, in the recorded order `sv, sr, sig, st, se, sp`.

    Args:
        address: the blob.
        key: the account key, base64.
        permissions: letters of `racwd`.
        start: first instant of the window.
        end: the instant at which it is over.

    """
    fields = {
        "sv": MINTED_VERSION,
        "sr": "b",
        "st": _stamp(start),
        "se": _stamp(end),
        "sp": permissions,
    }
    fields["sig"] = sign(string_to_sign(fields, address), key)
    order = ("sv", "sr", "sig", "st", "se", "sp")
    return "&".join(f"{name}={quote(fields[name], safe='')}" for name in order)


def read_query(query: str) -> list[tuple[str, str]]:
    """The decoded parameters of a query in order; names in lower case."""
    return [(name.lower(), value) for name, value in parse_qsl(query, keep_blank_values=True)]


def signature_of(parameters: Sequence[tuple[str, str]]) -> str:
    """The signature in a query, or an empty text."""
    return next((value for name, value in parameters if name == "sig"), "")


def string_to_sign(fields: Mapping[str, str], address: BlobAddress) -> str:
    """What the signature of `fields` is made over: values as they stand, joined by line feeds."""
    version = fields.get("sv", "")
    names = next((row for since, row in SIGNED_FIELDS if since <= version), SIGNED_FIELDS[-1][1])
    values = {**fields, "res": _resource(version, fields.get("sr", ""), address)}
    return "\n".join(values.get(name, "") for name in names)


def sign(text: str, key: str) -> str:
    """HMAC-SHA256 of `text` with a base64 account key, as base64."""
    digest = hmac.new(base64.b64decode(key), text.encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def is_signed_by(parameters: Sequence[tuple[str, str]], address: BlobAddress, key: str) -> bool:
    """Whether the signature was made with `key` for this address, whatever its window."""
    fields = dict(parameters)
    expected = sign(string_to_sign(fields, address), key)
    return hmac.compare_digest(expected.encode(), fields.get("sig", "").encode())


def verify(
    parameters: Sequence[tuple[str, str]],
    address: BlobAddress,
    key: str,
    circumstances: Circumstances,
) -> Grant:
    """Checks form, signature, window, protocol and source address, in this order (inferred).

    Raises:
        BlobError: `AuthenticationFailed`, `AuthorizationProtocolMismatch`,
            `AuthorizationSourceIPMismatch`.
        NotEmulated: another kind of SAS than that of a blob or container.

    """
    fields = _well_formed(parameters)
    if not is_signed_by(list(fields.items()), address, key):
        text = string_to_sign(fields, address)
        raise authentication_failed(
            f"Signature did not match. String to sign used was {text}",
            reason="the SAS is not signed for this blob with this workspace's key",
        )
    if fields.get("si"):
        raise NotEmulated("a SAS with a stored access policy (si)")
    _check_window(fields, circumstances.now)
    _check_transport(fields, circumstances)
    overrides = {
        header: fields[name] for name, header in RESPONSE_OVERRIDES.items() if fields.get(name)
    }
    return Grant(fields.get("sp", ""), fields["sv"], overrides)


def parse_instant(text: str) -> dt.datetime | None:
    """The instant that a date of a SAS names, or None."""
    match = _INSTANT.fullmatch(text)
    if match is None:
        return None
    day, minutes, seconds, fraction, zone = match.groups()
    try:
        micros = (fraction or "0").ljust(6, "0")[:6]
        return dt.datetime.fromisoformat(
            f"{day}T{minutes or '00:00'}:{seconds or '00'}.{micros}{zone or 'Z'}"
        )
    except ValueError:
        return None


def http_date(instant: dt.datetime) -> str:
    """`Thu, 13 Jun 2019 16:18:07 GMT`, the form of RFC 1123."""
    return format_datetime(instant.astimezone(dt.UTC), usegmt=True)


def _well_formed(parameters: Sequence[tuple[str, str]]) -> dict[str, str]:
    """The SAS fields; each may come once, since two signatures leave open which one holds."""
    names = [name for name, _ in parameters if name in FIELDS]
    fields = {name: value for name, value in parameters if name in FIELDS}
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise authentication_failed(NOT_WELL_FORMED, f"{', '.join(doubled)} given more than once")
    if "ss" in fields:
        raise NotEmulated("an account SAS")
    if "skoid" in fields:
        raise NotEmulated("a user delegation SAS")
    needed = ("sv", "sr", "sig") if fields.get("si") else ("sv", "sr", "sig", "se", "sp")
    missing = [name for name in needed if not fields.get(name)]
    if missing:
        raise authentication_failed(NOT_WELL_FORMED, f"{', '.join(missing)} missing in the SAS")
    if fields["sr"] in {"bs", "bv", "d"}:
        raise NotEmulated(f"a SAS of resource kind {fields['sr']!r}")
    dates = [name for name in ("st", "se") if fields.get(name)]
    unreadable = [name for name in dates if parse_instant(fields[name]) is None]
    if unreadable or fields["sr"] not in {"b", "c"} or not _VERSION.fullmatch(fields["sv"]):
        raise authentication_failed(NOT_WELL_FORMED, "sr, sv or a date of the SAS is unreadable")
    return fields


def _check_window(fields: Mapping[str, str], now: dt.datetime) -> None:
    start = parse_instant(fields.get("st", ""))
    end = parse_instant(fields["se"])
    if (start is None or start <= now) and (end is None or now < end):
        return
    begins = f"Start [{http_date(start)}] - " if start else ""
    ends = f"Expiry [{http_date(end)}] - " if end else ""
    raise authentication_failed(
        f"Signature not valid in the specified time frame: {begins}{ends}Current [{http_date(now)}]"
    )


def _check_transport(fields: Mapping[str, str], circumstances: Circumstances) -> None:
    if fields.get("spr") == "https" and not circumstances.secure:
        raise BlobError("AuthorizationProtocolMismatch")
    allowed = fields.get("sip")
    if allowed and not _within(circumstances.remote_address, allowed):
        raise BlobError("AuthorizationSourceIPMismatch", ("SourceIP", circumstances.remote_address))


def _within(remote: str, allowed: str) -> bool:
    """Whether an address lies in `first` or `first-last`."""
    first, _, last = allowed.partition("-")
    try:
        here = int(ipaddress.IPv4Address(remote))
        return (
            int(ipaddress.IPv4Address(first)) <= here <= int(ipaddress.IPv4Address(last or first))
        )
    except ValueError:
        return False


def _resource(version: str, kind: str, address: BlobAddress) -> str:
    prefix = "/blob" if version >= RESOURCE_PREFIX_SINCE else ""
    resource = f"{prefix}/{address.account}/{address.container}"
    return f"{resource}/{address.name}" if kind != "c" and address.name else resource


def _stamp(instant: dt.datetime) -> str:
    return instant.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
