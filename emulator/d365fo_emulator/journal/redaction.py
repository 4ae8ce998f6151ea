r"""Takes secrets out of what the journal keeps. Pure.

Names and shapes stay, so that a reader sees that there was a secret and where. They are found in
whatever writing they come: forms, JSON, JSON inside of JSON (``\"``), and URLs encoded once or
more (``sig%3D``, ``sig%253D``, ``\u0026sig=``). In doubt too much is taken out, never too little.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

REDACTED = "REDACTED"

SECRETS = (
    "client_secret",
    "password",
    "client_assertion",
    "access_token",
    "refresh_token",
    "id_token",
    "assertion",
    "code_verifier",
)
"""Members of forms and JSON whose values are secrets."""

SECRET_HEADERS = frozenset(
    {
        "authorization",
        "cookie",
        "proxy-authorization",
        "set-cookie",
        "x-ms-copy-source-authorization",
    }
)
"""Headers that are secrets as a whole, but for the name of an authorization scheme."""

_HINTS = tuple(
    dict.fromkeys(
        (*(name.partition("_")[2] or name for name in SECRETS), "sig", "bearer", "basic", "eyj")
    )
)
_NAMES = "|".join(SECRETS).replace("_", "(?:_|%5F)")
# A name begins after no letter, or after an encoded ?, & or line break.
_BEGIN = r"(?:(?<![A-Za-z0-9_])|(?<=%26)|(?<=%3F)|(?<=2526)|(?<=253F)|(?<=u0026)|(?<=\\n))"
_TEXT_END = r"&|\\u0026|[\s\"'<>\\]"
# The sign after the name tells how often the text is encoded, and so what ends the value.
_IN_TEXT = (
    rf"(?:=(?:(?!{_TEXT_END}).)*"
    rf"|%3D(?:(?!%26|{_TEXT_END}).)*"
    rf"|%253D(?:(?!%(?:25)?26|{_TEXT_END}).)*)"
)
_FLAGS = re.IGNORECASE | re.DOTALL
_NAMED_IN_TEXT = re.compile(rf"({_BEGIN}(?:sig|{_NAMES}))({_IN_TEXT})", _FLAGS)
_NAMED_IN_FORM = re.compile(rf"((?:^|[&?\s])(?:{_NAMES})=)[^&\r\n]*", _FLAGS)
_IN_JSON = re.compile(
    rf"""({_BEGIN}(?:{_NAMES})(?:\\*["'])?\s*:\s*)"""
    r"""(?:(?P<q>\\*["']).*?(?P<end>(?<!\\)(?P=q)|\Z)|[^\s,}\]"'\\]+)""",
    _FLAGS,
)
# After a header's name whatever follows the scheme; elsewhere what looks like no word.
_CREDENTIALS = re.compile(
    r"""(authorization[\s"'\\:=,]+(?:Bearer|Basic|SharedKey|SharedKeyLite)\s+)[^\s"'\\,]+"""
    r"""|(\b(?:Bearer|Basic)\s+)(?=[^\s"'=]*[0-9])[A-Za-z0-9+/._~-]{6,}={0,2}(?![\w=])""",
    _FLAGS,
)
_TOKEN = re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)*")


def may_hold_secrets(text: str) -> bool:
    """Whether any word that a secret comes with is in the text; most texts have none."""
    lowered = text.lower()
    for hint in _HINTS:  # noqa: SIM110  `any` takes twice as long, and this runs for each answer
        if hint in lowered:
            return True
    return False


def redact_text(text: str) -> str:
    """A body, URL or query without its secrets.

    A text that is no JSON and no XML is taken as a form too, whose values end at `&` alone.
    """
    if not may_hold_secrets(text):
        return text
    if text.lstrip("\ufeff \t\r\n")[:1] not in {"{", "[", '"', "<"}:
        text = _NAMED_IN_FORM.sub(rf"\g<1>{REDACTED}", text)
    text = _IN_JSON.sub(_json_value, text)
    text = _NAMED_IN_TEXT.sub(_named_value, text)
    text = _CREDENTIALS.sub(_credentials, text)
    return _TOKEN.sub(REDACTED, text)


def has_secret_headers(headers: Iterable[tuple[str, str]]) -> bool:
    """Whether one of them is a secret as a whole."""
    return any(name.lower() in SECRET_HEADERS for name, _ in headers)


def redact_headers(headers: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Headers without their secrets; an authorization keeps the name of its scheme."""
    return tuple((name, _header(name, value)) for name, value in headers)


def _header(name: str, value: str) -> str:
    folded = name.lower()
    if folded not in SECRET_HEADERS:
        return redact_text(value)
    scheme, space, _ = value.strip().partition(" ")
    if folded.endswith("authorization") and space:
        return f"{scheme} {REDACTED}"
    return REDACTED


def _json_value(found: re.Match[str]) -> str:
    return f"{found[1]}{found['q'] or ''}{REDACTED}{found['end'] or ''}"


def _credentials(found: re.Match[str]) -> str:
    return f"{found[1] or found[2]}{REDACTED}"


def _named_value(found: re.Match[str]) -> str:
    sign = found[2][: 1 if found[2][0] == "=" else 5 if found[2].startswith("%25") else 3]
    return f"{found[1]}{sign}{REDACTED}"
