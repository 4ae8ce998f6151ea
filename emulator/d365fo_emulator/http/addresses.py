"""Which address the server has, as a client sees it; pure functions over names and ports."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from d365fo_emulator.kernel.errors import EmulatorError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

DEFAULT_PORTS = {"http": 80, "https": 443}
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")

# An underscore is no part of a host name, but of many a container's.
_NAME = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*\.?", re.ASCII)
_PORT = re.compile(r"[0-9]{1,5}", re.ASCII)
_NAMESPACE = re.compile(r"(/namespaces/[^/]+)(/.*)?", re.IGNORECASE)
_LONGEST_NAME = 253
_HIGHEST_PORT = 65535


class InvalidHost(EmulatorError):
    """A `Host` header that is no host and port; URLs made of it would lead elsewhere."""

    def __init__(self, text: str) -> None:
        super().__init__(f"the Host header {text[:100]!r} is no valid host and port")


@dataclass(frozen=True)
class HostPort:
    """A host (IPv6 in brackets, in the client's letter case) and its port, if one was given."""

    host: str
    port: int | None = None

    def __str__(self) -> str:
        return self.host if self.port is None else f"{self.host}:{self.port}"


def parse_host(text: str) -> HostPort:
    """The parts of a `Host` header.

    Raises:
        InvalidHost: empty, user information, a path, a bad port, two hosts in one.

    """
    if text.startswith("["):
        address, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")) or not _is_ipv6(address):
            raise InvalidHost(text)
        return HostPort(f"[{address}]", _port(text, rest[1:]) if rest else None)
    host, colon, port = text.partition(":")
    if not _NAME.fullmatch(host) or len(host) > _LONGEST_NAME:
        raise InvalidHost(text)
    if re.fullmatch(r"[0-9.]+", host) and not _is_ipv4(host):
        raise InvalidHost(text)
    return HostPort(host, _port(text, port) if colon else None)


def _port(text: str, digits: str) -> int:
    if not _PORT.fullmatch(digits) or not 0 < int(digits) <= _HIGHEST_PORT:
        raise InvalidHost(text)
    return int(digits)


def _is_ipv4(text: str) -> bool:
    try:
        ipaddress.IPv4Address(text.removesuffix("."))
    except ValueError:
        return False
    return True


def _is_ipv6(text: str) -> bool:
    try:
        return ipaddress.IPv6Address(text).scope_id is None
    except ValueError:
        return False


def base_url_of(environ: Mapping[str, Any], public_url: str | None = None) -> str:
    """Scheme, host and port for absolute URLs in the answer, without trailing slash.

    The public URL, if there is one; else what the client addressed. Some clients send `Host`
    without its port (seen in PSOAuthHelper), so the listening port is added where it is not the
    scheme's own.

    Raises:
        InvalidHost: the client's `Host` is no host and port, or an HTTP/1.1 request has none.

    """
    scheme: str = environ["wsgi.url_scheme"]
    listening = int(environ["SERVER_PORT"])
    text = environ.get("HTTP_HOST")
    if text is None:
        if environ.get("SERVER_PROTOCOL") != "HTTP/1.0":
            raise InvalidHost("")
        addressed = HostPort(_bracketed(environ["SERVER_NAME"]))
    else:
        addressed = parse_host(text)
    if public_url:
        return public_url.rstrip("/")
    if addressed.port is None and listening != DEFAULT_PORTS[scheme]:
        return f"{scheme}://{addressed.host}:{listening}"
    return f"{scheme}://{addressed}"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host and not host.startswith("[") else host


def split_namespace(path: str) -> tuple[str, str]:
    """Splits `/namespaces/<anything>` off a path: the prefix (or nothing) and the rest.

    On-premises and Human Resources environments have it in front of the same services.
    """
    match = _NAMESPACE.fullmatch(path)
    if match is None:
        return "", path
    return match[1], match[2] or ""


@dataclass(frozen=True)
class OwnAddresses:
    """Every form of the server's own address, for token audiences.

    Attributes:
        ports: the listening ports by scheme.
        names: hosts in lower case, IPv6 in brackets.
        public_url: without trailing slash; empty: none.

    """

    ports: tuple[tuple[str, int], ...]
    names: frozenset[str]
    public_url: str = ""

    def is_own_audience(self, audience: str) -> bool:
        """Whether a token's audience, written as a URL without trailing slash, is this server.

        Letter case of scheme and host does not count; a `/namespaces/<x>` may follow. The real
        service refuses an audience with a trailing slash, so that one is not ours.
        """
        scheme, separator, rest = audience.partition("://")
        if not separator or audience.endswith("/"):
            return False
        authority, slash, tail = rest.partition("/")
        path = slash + tail
        if self._is_public(f"{scheme}://{authority}", path):
            return True
        try:
            at = parse_host(authority)
        except InvalidHost:
            return False
        scheme = scheme.lower()
        port = at.port or DEFAULT_PORTS.get(scheme, 0)
        return at.host.lower() in self.names and (scheme, port) in self.ports and _is_bare(path)

    def _is_public(self, origin: str, path: str) -> bool:
        if not self.public_url:
            return False
        own_scheme, _, own_rest = self.public_url.partition("://")
        own_authority, slash, own_tail = own_rest.partition("/")
        own_path = slash + own_tail
        if _origin(origin) != _origin(f"{own_scheme}://{own_authority}"):
            return False
        return path.startswith(own_path) and _is_bare(path[len(own_path) :])


def _is_bare(path: str) -> bool:
    prefix, rest = split_namespace(path)
    return path == prefix and not rest


def _origin(url: str) -> tuple[str, str]:
    scheme, _, authority = url.lower().partition("://")
    return scheme, authority.removesuffix(f":{DEFAULT_PORTS.get(scheme)}")


def own_addresses(
    ports: Mapping[str, Iterable[int]], names: Iterable[str] = (), public_url: str | None = None
) -> OwnAddresses:
    """The server's own addresses.

    Args:
        ports: by scheme, such as ``{"http": [8365], "https": [8443]}``.
        names: further host names and addresses, those of the certificate above all.
        public_url: the configured one.

    """
    return OwnAddresses(
        ports=tuple((scheme, port) for scheme, each in ports.items() for port in each),
        names=frozenset(_bracketed(name).lower() for name in (*LOOPBACK_NAMES, *names)),
        public_url=(public_url or "").rstrip("/"),
    )
