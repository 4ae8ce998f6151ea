"""The emulator's own settings: one table from which flags, variables, file keys and docs follow.

What the imitated service does where it varies is not here but in `kernel.settings`.
"""

# ruff: noqa: RUF009  each default is a call that makes one row of the table
from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from pathlib import Path  # noqa: TC003  field types are read at run time
from typing import Any
from urllib.parse import urlsplit

from d365fo_emulator.kernel.errors import ConfigurationError

ENVIRONMENT_PREFIX = "D365FO_EMULATOR_"

#: The storage emulators' published account and key: the same everywhere, worthless as a secret.
STORAGE_ACCOUNT = "devstoreaccount1"
STORAGE_KEY = (
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)


@dataclass(frozen=True)
class Setting:
    """One row of the table.

    Attributes:
        kind: ``text``, ``number``, ``switch``, ``path`` or ``list`` (of texts).
        options: the only values it can take; empty: any.
        in_file: whether the environment file may hold it (not: where that file is).

    """

    name: str
    kind: str
    default: Any
    help: str
    options: tuple[str, ...] = ()
    metavar: str = ""
    in_file: bool = True

    @property
    def flag(self) -> str:
        """The flag of the command: ``--http-port``."""
        return "--" + self.name.replace("_", "-")

    @property
    def variable(self) -> str:
        """The environment variable: ``D365FO_EMULATOR_HTTP_PORT``."""
        return ENVIRONMENT_PREFIX + self.name.upper()

    @property
    def key(self) -> str:
        """The key below `server` in the environment file: ``httpPort``."""
        head, *rest = self.name.split("_")
        return head + "".join(part.capitalize() for part in rest)


def _setting(
    kind: str,
    default: Any,
    text: str,
    options: tuple[str, ...] = (),
    metavar: str = "",
    *,
    in_file: bool = True,
) -> Any:
    metadata = {
        "kind": kind,
        "help": text,
        "options": options,
        "metavar": metavar,
        "in_file": in_file,
    }
    return dataclasses.field(default=default, metadata=metadata)


@dataclass(frozen=True)
class Config:
    """Everything that `serve` can be told. The defaults are those of the command.

    Raises:
        ConfigurationError: values that exclude each other, or that nothing stands behind yet.

    """

    host: str = _setting(
        "text", "127.0.0.1", "Address to listen on; with the default, ::1 as well.", metavar="HOST"
    )
    http_port: int = _setting("number", 8365, "Port for http; 0: any free one, -1: none.")
    https_port: int = _setting("number", 8443, "Port for https; 0: any free one, -1: none.")
    public_url: str = _setting(
        "text", "", "The address that clients see, when it is not that of the request.", (), "URL"
    )
    data_dir: Path | None = _setting(
        "path", None, "Where everything is kept; default: a per-user data directory.", (), "DIR"
    )
    ephemeral: bool = _setting("switch", False, "Keep nothing: a temporary folder, removed at end.")
    environment: Path | None = _setting(
        "path", None, "The environment file to imitate.", (), "FILE", in_file=False
    )
    scenario: tuple[str, ...] = _setting(
        "list", (), "A scenario: a file, or the name of a shipped one.", (), "FILE_OR_NAME"
    )
    clock: str = _setting(
        "text",
        "real",
        "How time passes: with the machine's, by polls, or by `clock advance` alone.",
        ("real", "auto", "virtual"),
    )
    seed: int = _setting("number", 0, "Where all ids follow from: same seed, same ids.")
    blob_backend: str = _setting(
        "text",
        "embedded",
        "What stores blobs; azure is not emulated yet.",
        ("embedded", "azure"),
    )
    blob_connection_string: str = _setting(
        "text", "", "Connection string for the blob backend azure.", (), "TEXT"
    )
    tls_cert: Path | None = _setting(
        "path", None, "Certificate chain (PEM) for https, in place of our own.", (), "FILE"
    )
    tls_key: Path | None = _setting("path", None, "Private key (PEM) of --tls-cert.", (), "FILE")
    tls_san: tuple[str, ...] = _setting(
        "list", (), "A further name or address for our certificate.", (), "NAME"
    )
    accept_loopback_mock_token: bool = _setting(
        "switch", False, "Take unsigned tokens from this machine; not emulated yet."
    )
    admin_token: str = _setting(
        "text", "", "Lets clients of other machines use the admin API, as a bearer.", (), "TOKEN"
    )
    ready_file: Path | None = _setting(
        "path", None, "File to write once everything answers (mode 0600).", (), "PATH"
    )
    log_format: str = _setting("text", "text", "Form of the request log.", ("text", "json"))
    log_level: str = _setting(
        "text", "info", "Least level that is logged.", ("debug", "info", "warning", "error")
    )
    emulator_headers: bool = _setting(
        "switch", True, "Send X-Emulator-Request-Id and X-Emulator-Reason."
    )
    storage_account: str = _setting(
        "text", STORAGE_ACCOUNT, "Account name in blob addresses.", (), "NAME"
    )
    storage_key: str = _setting(
        "text", STORAGE_KEY, "Key (base64) that signs blob addresses.", (), "KEY"
    )

    def __post_init__(self) -> None:
        for check in (_check_ports, _check_public_url, _check_pairs, _check_built):
            check(self)


def settings() -> tuple[Setting, ...]:
    """The table, in the order of the reference page."""
    return tuple(
        Setting(name=f.name, default=f.default, **f.metadata) for f in dataclasses.fields(Config)
    )


def _check_ports(config: Config) -> None:
    for name in ("http_port", "https_port"):
        port = getattr(config, name)
        if not -1 <= port <= 65535:
            raise ConfigurationError(f"{name}: {port} is no port: take 1 to 65535, 0 or -1")
    if config.http_port == config.https_port == -1:
        raise ConfigurationError("http_port and https_port are both -1: leave one of them on")
    if config.http_port == config.https_port > 0:
        raise ConfigurationError(f"http_port and https_port are both {config.http_port}")


def _check_public_url(config: Config) -> None:
    if not config.public_url:
        return
    parts = urlsplit(config.public_url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ConfigurationError(
            f"public_url: {config.public_url!r} is no address: write https://name:port"
        )
    if parts.path not in ("", "/"):
        raise ConfigurationError(
            "public_url: leave out the path; the emulator serves all of a host"
        )


def _check_pairs(config: Config) -> None:
    if (config.tls_cert is None) != (config.tls_key is None):
        raise ConfigurationError("tls_cert and tls_key belong together: give both or neither")
    if config.tls_cert is not None and config.tls_san:
        raise ConfigurationError("tls_san adds names to our own certificate; tls_cert brings yours")
    if config.ephemeral and config.data_dir is not None:
        raise ConfigurationError("ephemeral keeps nothing, data_dir keeps everything: take one")
    if not re.fullmatch(r"[a-z0-9]{3,24}", config.storage_account):
        raise ConfigurationError("storage_account: 3 to 24 lower-case letters and digits")


def _check_built(config: Config) -> None:
    if config.blob_backend == "azure" or config.blob_connection_string:
        raise ConfigurationError("blob_backend azure is not emulated yet: leave it at embedded")
    if config.accept_loopback_mock_token:
        raise ConfigurationError(
            "accept_loopback_mock_token is not emulated yet: get a token from the token service"
        )
