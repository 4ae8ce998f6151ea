"""Where a URL leads: account, container and blob, read from the undecoded path."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote_to_bytes, urlsplit

from d365fo_emulator.blob.errors import BlobError, ForeignUrl

if TYPE_CHECKING:
    from collections.abc import Callable

HOST_LABEL = "blob"


@dataclass(frozen=True)
class BlobAddress:
    """A place in the service; `container` and `name` are empty where the path ends before them.

    The name is decoded once and never normalised: `//`, `.`, a trailing `/`, `+` belong to it.
    """

    account: str
    container: str = ""
    name: str = ""


def parse_address(host: str, raw_path: str, account: str) -> BlobAddress:
    """The address of a request.

    Args:
        host: the `Host` header; `<account>.blob.<anything>` gives the account (host style).
        raw_path: the path as it came, still percent-encoded.
        account: the storage account of the workspace.

    Raises:
        BlobError: `InvalidUri`, when the path is no UTF-8.

    """
    rest = raw_path.removeprefix("/")
    if host_style(host, account):
        named = account
    else:
        named, _, rest = rest.partition("/")
    container, _, name = rest.partition("/")
    return BlobAddress(_decode(named), _decode(container), _decode(name))


def host_style(host: str, account: str) -> bool:
    """Whether the host names the account, as in `devstoreaccount1.blob.localhost:10000`."""
    return host.lower().startswith(f"{account.lower()}.{HOST_LABEL}.")


def url_path(address: BlobAddress) -> str:
    """The path-style path of a blob; all but `/` and unreserved characters percent-encoded."""
    parts = (address.account, address.container, address.name)
    return "/" + "/".join(quote(part, safe="/~") for part in parts)


@dataclass(frozen=True)
class OwnUrl:
    """A URL that leads to a blob of this emulator; `secure`: by https."""

    address: BlobAddress
    query: str
    secure: bool


def own_url(url: str, account: str, is_own_base: Callable[[str], bool]) -> OwnUrl:
    """The blob of ours that a URL names, path style or host style.

    Args:
        url: as a caller passed it.
        account: the storage account of the workspace.
        is_own_base: whether `scheme://host:port` is an address of this server.

    Raises:
        ForeignUrl: it leads elsewhere.
        BlobError: `InvalidUri`.

    """
    try:
        parts = urlsplit(url)
    except ValueError:
        raise ForeignUrl(url, "it is no URL") from None
    host = parts.netloc
    if host_style(host, account):
        host = host[len(f"{account}.{HOST_LABEL}.") :]
    if parts.scheme not in {"http", "https"} or not is_own_base(f"{parts.scheme}://{host}"):
        raise ForeignUrl(url, "another scheme or host")
    address = parse_address(parts.netloc, parts.path, account)
    if address.account != account or not address.name:
        raise ForeignUrl(url, f"no blob of the account {account}")
    return OwnUrl(address, parts.query, parts.scheme == "https")


def _decode(part: str) -> str:
    try:
        return unquote_to_bytes(part).decode()
    except UnicodeDecodeError:
        raise BlobError("InvalidUri", reason="the path is no UTF-8") from None
