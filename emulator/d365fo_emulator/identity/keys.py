"""The key that signs tokens, and the certificate that names it.

One key serves all workspaces of a server: validators fetch one key set, and a fresh workspace
costs nothing. A key that is kept is made or read when the first token is, not when the server
starts.
"""

from __future__ import annotations

import base64
import datetime as dt
import os
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from d365fo_emulator.kernel.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
    from cryptography.x509 import Certificate

FILE_NAME = "token-signing.pem"
LIFETIME = dt.timedelta(days=3650)


@dataclass(frozen=True)
class SigningKey:
    """A private key with its certificate; `kid` is the certificate's thumbprint."""

    private_key: RSAPrivateKey
    certificate: Certificate
    kid: str

    @property
    def public_key(self) -> RSAPublicKey:
        """What verifies the tokens."""
        return self.private_key.public_key()


class SigningKeys:
    """The signing key of one server, made or read at first use; safe to use from several threads.

    Args:
        folder: where the key is kept, so that tokens survive a restart; None: nowhere.
        now: the machine's time (not a workspace's), from which the certificate is valid.

    """

    def __init__(self, folder: Path | None, now: dt.datetime) -> None:
        self._folder = folder
        self._now = now
        self._key: SigningKey | None = None
        self._making = threading.Lock()

    @classmethod
    def load_or_create(cls, folder: Path | None, now: dt.datetime) -> SigningKeys:
        """The keys of `folder`; its files are not touched before the first use.

        Making a key takes some 40 ms and leaves other threads alone meanwhile, so one that is
        kept nowhere is made beside what else a start has to do.
        """
        keys = cls(folder, now)
        if folder is None:
            threading.Thread(target=lambda: keys.current, name="signing key", daemon=True).start()
        return keys

    @property
    def current(self) -> SigningKey:
        """The key that signs now.

        Raises:
            ConfigurationError: the kept key cannot be read.

        """
        if self._key is None:
            with self._making:
                if self._key is None:
                    self._key = self._obtain()
        return self._key

    @property
    def kid(self) -> str:
        """The id of the key that signs now: base64url of the certificate's SHA-1 (documented)."""
        return self.current.kid

    def jwks(self, issuer: str) -> dict[str, Any]:
        """The public key set as token validators fetch it; never with a private member."""
        from cryptography.hazmat.primitives.serialization import Encoding  # noqa: PLC0415  heavy

        key = self.current
        numbers = key.public_key.public_numbers()
        der = key.certificate.public_bytes(Encoding.DER)
        return {
            "keys": [
                {
                    "kty": "RSA",
                    "use": "sig",
                    "kid": key.kid,
                    "x5t": key.kid,
                    "n": base64url_number(numbers.n),
                    "e": base64url_number(numbers.e),
                    "x5c": [base64.b64encode(der).decode()],
                    "issuer": issuer,
                }
            ]
        }

    def _obtain(self) -> SigningKey:
        if self._folder is None:
            return generate(self._now)
        path = self._folder / FILE_NAME
        if path.exists():
            return _read(path)
        key = generate(self._now)
        _write(path, key)
        return key


def generate(now: dt.datetime) -> SigningKey:
    """A new RSA key of 2048 bits with a self-signed certificate, valid from the day before `now`.

    .NET validators look at the certificate's dates too (client), hence ten years.
    """
    from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415  heavy

    private_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    from cryptography import x509  # noqa: PLC0415  heavy, so the key is made beside this import
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415  heavy

    name = x509.Name(
        [x509.NameAttribute(x509.NameOID.COMMON_NAME, "d365fo-emulator token signing")]
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private_key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + LIFETIME)
        .sign(private_key, hashes.SHA256())
    )
    return SigningKey(private_key, certificate, thumbprint(certificate))


def thumbprint(certificate: Certificate) -> str:
    """The certificate's SHA-1 in base64url without padding, as `kid` and `x5t` carry it."""
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415  heavy

    digest = certificate.fingerprint(hashes.SHA1())  # noqa: S303  x5t is SHA-1 by RFC 7515
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def base64url_number(number: int) -> str:
    """A number as JSON Web Keys write it: big-endian octets in base64url without padding."""
    octets = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")


def _read(path: Path) -> SigningKey:
    from cryptography import x509  # noqa: PLC0415  heavy
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415  heavy
    from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415  heavy

    try:
        pem = path.read_bytes()
        # Our own file: checking the primes again would cost more than making the key.
        private_key = serialization.load_pem_private_key(
            pem, password=None, unsafe_skip_rsa_key_validation=True
        )
        certificate = x509.load_pem_x509_certificate(pem)
    except (OSError, ValueError, TypeError) as error:
        raise ConfigurationError(_unreadable(path)) from error
    if (
        not isinstance(private_key, rsa.RSAPrivateKey)
        or certificate.public_key() != private_key.public_key()
    ):
        raise ConfigurationError(_unreadable(path))
    return SigningKey(private_key, certificate, thumbprint(certificate))


def _unreadable(path: Path) -> str:
    return (
        f"{path} holds no RSA key with its certificate: remove the file, and a new key is made"
        " (tokens issued before become invalid)"
    )


def _write(path: Path, key: SigningKey) -> None:
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415  heavy

    pem = key.private_key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ) + key.certificate.public_bytes(serialization.Encoding.PEM)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".tmp")
    unfinished.unlink(missing_ok=True)  # left by a process that ended half-way
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)
    unfinished.replace(path)
