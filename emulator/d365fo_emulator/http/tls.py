"""Certificates for https: an authority of our own, and server certificates that it signs.

Clients trust the authority once (`ca.pem`, or `bundle.pem` where a library wants its whole trust
store); server certificates come and go under it.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import ipaddress
import os
import socket
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING

from d365fo_emulator.kernel.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import trustme
    from cryptography import x509

CA_FILE = "ca.pem"
CA_KEY_FILE = "ca.key"
SERVER_FILE = "server.pem"
BUNDLE_FILE = "bundle.pem"

CA_LIFE = dt.timedelta(days=3650)
SERVER_LIFE = dt.timedelta(days=397)  # macOS refuses server certificates of more than 825 days
RENEW_BEFORE = dt.timedelta(days=30)
SKEW = dt.timedelta(days=1)  # a container's clock may be behind the host's

_OWNER_ONLY = 0o600


def default_names(account: str = "devstoreaccount1") -> tuple[str, ...]:
    """Names under which the server is reached on this machine, host-style blob address included."""
    machine = socket.gethostname().lower()
    names = ("localhost", "127.0.0.1", "::1", machine, f"{account}.blob.localhost")
    return tuple(dict.fromkeys(name for name in names if name))


@dataclass(frozen=True)
class Authority:
    """A certificate authority, kept in a folder or for this run alone.

    Attributes:
        ca_pem: its certificate, for clients to trust.
        folder: where it is kept with the server's certificate; None: nowhere.
        now: the machine's time when it was loaded, for dates of validity.

    """

    ca_pem: bytes
    _key_pem: bytes
    folder: Path | None
    now: dt.datetime

    @classmethod
    def load_or_create(cls, folder: Path | None, now: dt.datetime) -> Authority:
        """The authority kept in `folder`, or a new one if there is none or it ends soon.

        A kept authority stays the same over starts, so that clients need to trust it only once.

        Raises:
            ConfigurationError: the files there cannot be read as certificate and key.

        """
        if folder is not None and (folder / CA_FILE).exists() and (folder / CA_KEY_FILE).exists():
            kept = cls((folder / CA_FILE).read_bytes(), _read(folder / CA_KEY_FILE), folder, now)
            if kept._is_usable():
                return kept
        ca_pem, key_pem = _new_authority(now)
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            _write_private(folder / CA_KEY_FILE, key_pem)
            _write(folder / CA_FILE, ca_pem)
        return cls(ca_pem, key_pem, folder, now)

    def server_context(self, names: Iterable[str]) -> ssl.SSLContext:
        """TLS 1.2 or better with a certificate for `names` (host names and addresses).

        The kept certificate serves again unless the names differ or it ends within 30 days.

        Raises:
            ConfigurationError: a name that no certificate can carry.

        """
        wanted = tuple(dict.fromkeys(names))
        context = _server_context()
        if self.folder is None:
            self._issue(wanted).configure_cert(context)
            return context
        path = self.folder / SERVER_FILE
        if not self._still_serves(path, wanted):
            _write_private(path, self._issue(wanted).private_key_and_cert_chain_pem.bytes())
        context.load_cert_chain(path)
        return context

    def write_bundle(self, path: Path) -> None:
        """Writes the usual public authorities and ours, for `REQUESTS_CA_BUNDLE` and the like."""
        import certifi  # noqa: PLC0415  only https needs it

        _write(path, certifi.contents().encode("ascii") + b"\n" + self.ca_pem)

    def _is_usable(self) -> bool:
        """Whether the kept authority outlives the near future and its key belongs to it.

        Raises:
            ConfigurationError: not a certificate and a key.

        """
        from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415  only https
            load_pem_private_key,
        )

        try:
            certificate = _load(self.ca_pem)
            key = load_pem_private_key(self._key_pem, None)
        except (ValueError, TypeError) as broken:
            raise ConfigurationError(
                f"{self.folder}: {CA_FILE} and {CA_KEY_FILE} are no certificate and key; remove"
                " both to have new ones made"
            ) from broken
        ends = certificate.not_valid_after_utc
        return ends - self.now > RENEW_BEFORE and key.public_key() == certificate.public_key()

    def _still_serves(self, path: Path, names: tuple[str, ...]) -> bool:
        if not path.exists():
            return False
        try:
            certificate = _load(_read(path))
            certificate.verify_directly_issued_by(_load(self.ca_pem))
        except (ValueError, TypeError, _invalid_signature()):
            return False  # of another authority, or cut short: a new one replaces it
        return (
            certificate.not_valid_after_utc - self.now > RENEW_BEFORE
            and certificate.not_valid_before_utc <= self.now
            and _names_of(certificate) == set(_canonical(names))
        )

    def _issue(self, names: tuple[str, ...]) -> trustme.LeafCert:
        import trustme  # noqa: PLC0415  40 ms that only https needs

        ends = min(self.now + SERVER_LIFE, _load(self.ca_pem).not_valid_after_utc)
        try:
            return trustme.CA.from_pem(self.ca_pem, self._key_pem).issue_cert(
                *names,
                not_before=self.now - SKEW,
                not_after=ends,
                organization_name="d365fo-emulator",
                common_name=names[0],
            )
        except ValueError as refused:
            raise ConfigurationError(f"no certificate can be made: {refused}") from refused


def context_from_files(certificate: Path, key: Path) -> ssl.SSLContext:
    """TLS 1.2 or better with somebody's own certificate (chain) and key.

    Raises:
        ConfigurationError: a file is missing, or the two do not belong together.

    """
    context = _server_context()
    try:
        # Without a password callback OpenSSL would ask on the terminal.
        context.load_cert_chain(certificate, key, password=lambda: b"")
    except (OSError, ValueError) as refused:
        raise ConfigurationError(
            f"the certificate {certificate} and the key {key} cannot be used: {refused}"
        ) from refused
    return context


def _server_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context


def _new_authority(now: dt.datetime) -> tuple[bytes, bytes]:
    """Certificate and key (P-256: a millisecond, where RSA takes a hundred) of a new authority."""
    from cryptography import x509  # noqa: PLC0415  only https
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [
            x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "d365fo-emulator"),
            x509.NameAttribute(x509.NameOID.COMMON_NAME, "d365fo-emulator local authority"),
        ]
    )
    signs = {"key_cert_sign": True, "crl_sign": True, "digital_signature": True}
    others = (
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "encipher_only",
        "decipher_only",
    )
    usage = x509.KeyUsage(**signs, **dict.fromkeys(others, False))
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - SKEW)
        .not_valid_after(now + CA_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(identifier, critical=False)
        .sign(key, hashes.SHA256())
    )
    key_pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return certificate.public_bytes(serialization.Encoding.PEM), key_pem


def _load(pem: bytes) -> x509.Certificate:
    from cryptography import x509  # noqa: PLC0415  only https

    return x509.load_pem_x509_certificate(pem)


def _invalid_signature() -> type[Exception]:
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415  only https

    return InvalidSignature


def _names_of(certificate: x509.Certificate) -> set[str]:
    from cryptography import x509  # noqa: PLC0415  only https

    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {
        *names.get_values_for_type(x509.DNSName),
        *map(str, names.get_values_for_type(x509.IPAddress)),
    }


def _canonical(names: Iterable[str]) -> list[str]:
    canonical = []
    for name in names:
        try:
            canonical.append(str(ipaddress.ip_address(name)))
        except ValueError:
            canonical.append(name)
    return canonical


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as refused:
        raise ConfigurationError(f"{path} cannot be read: {refused.strerror}") from refused


def _write_private(path: Path, content: bytes) -> None:
    _write(path, content, _OWNER_ONLY)


def _write(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Writes a file as a whole: a reader, or a start after a crash, never sees half of it."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    with contextlib.suppress(FileNotFoundError):
        fresh.unlink()
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    fresh.replace(path)
