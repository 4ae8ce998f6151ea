"""Which surface a request is for: by listening port, then `Host`, then first path segment."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from d365fo_emulator.http.addresses import split_namespace
from d365fo_emulator.http.exchange import SurfaceName

if TYPE_CHECKING:
    from collections.abc import Mapping

ADMIN_SEGMENT = "_emulator"
FINANCE_SEGMENTS = frozenset({"data", "metadata", "api"})
_TOKEN_PATH = re.compile(
    r"/(?:(?:common|organizations|consumers|adfs|\.well-known)"
    r"|[^/]+/(?:oauth2|v2\.0|\.well-known|discovery))(?:/.*)?",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True)
class Route:
    """Where a request goes.

    Attributes:
        prefix: what stood in front of the surface's own paths.
        path: the path as the surface's routes know it: finance segments in lower case, the
            storage account in front also where the host named it.

    """

    surface: SurfaceName
    prefix: str
    path: str


def choose(
    environ: Mapping[str, Any],
    storage_account: str,
    port_surfaces: Mapping[int, SurfaceName] | None = None,
) -> Route:
    """The surface of a request and its path there."""
    path: str = environ["PATH_INFO"]
    first = path[1:].partition("/")[0]
    bound = port_surfaces.get(int(environ["SERVER_PORT"])) if port_surfaces else None
    blob_host = environ.get("HTTP_HOST", "").lower().startswith(f"{storage_account}.blob.")
    if bound is SurfaceName.BLOB or (bound is None and blob_host and first != ADMIN_SEGMENT):
        return Route(SurfaceName.BLOB, "", f"/{storage_account}{path}" if blob_host else path)
    if bound not in {None, SurfaceName.FINANCE}:
        return Route(bound or SurfaceName.FINANCE, "", path)
    if bound is None:
        if first == ADMIN_SEGMENT:
            return Route(SurfaceName.ADMIN, "", path)
        if first == storage_account:
            return Route(SurfaceName.BLOB, "", path)
    return _finance(path) or _token_or_nothing(path, bound)


def _finance(path: str) -> Route | None:
    prefix, rest = split_namespace(path)
    first, slash, tail = rest[1:].partition("/")
    if first.lower() not in FINANCE_SEGMENTS:
        return None
    return Route(SurfaceName.FINANCE, prefix, f"/{first.lower()}{slash}{tail}")


def _token_or_nothing(path: str, bound: SurfaceName | None) -> Route:
    if bound is None and _TOKEN_PATH.fullmatch(path):
        return Route(SurfaceName.TOKEN, "", path)
    return Route(SurfaceName.FINANCE, "", path)  # whose 404 it gets
