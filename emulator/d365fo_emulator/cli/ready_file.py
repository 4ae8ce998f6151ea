"""The ready file: what a running emulator tells those who wait for it."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from d365fo_emulator.kernel.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

MEMBERS = (
    "version",
    "pid",
    "http_url",
    "https_url",
    "admin_url",
    "blob_url",
    "ca_bundle",
    "data_dir",
    "tenant_id",
    "client_id",
    "client_secret",
    "username",
    "password",
    "resource",
    "company",
)
"""Fixed: programs outside the project read them."""


def well_known_path() -> Path:
    """Where `serve` says that it runs, for the other verbs of the same user."""
    import platformdirs  # noqa: PLC0415  only some verbs need it

    return platformdirs.user_state_path("d365fo-emulator", appauthor=False) / "ready.json"


def write_ready_file(path: Path, document: Mapping[str, Any]) -> None:
    """Writes the file in one step, readable by the user alone (it holds secrets).

    Raises:
        OSError: the folder cannot be made or written.

    """
    path.parent.mkdir(parents=True, exist_ok=True)
    ordered = {member: document[member] for member in MEMBERS}
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(ordered, file, ensure_ascii=False, indent=2)
            file.write("\n")
        Path(temporary).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        raise


def read_ready_file(path: Path) -> dict[str, Any] | None:
    """The document; None when there is no file.

    Raises:
        ConfigurationError: the file is something else.

    """
    try:
        document = json.loads(path.read_text("utf-8"))
    except OSError:
        return None
    except ValueError:
        raise ConfigurationError(f"{path} is no ready file") from None
    if not isinstance(document, dict) or "http_url" not in document:
        raise ConfigurationError(f"{path} is no ready file")
    return document


def remove_ready_file(path: Path) -> None:
    """Removes the file if it is still this process's own."""
    with contextlib.suppress(ConfigurationError, OSError):
        document = read_ready_file(path)
        if document and document.get("pid") == os.getpid():
            path.unlink()
