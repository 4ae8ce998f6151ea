from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
import stat
import threading

import jwt
import pytest
from cryptography import x509

from d365fo_emulator.identity import keys as module
from d365fo_emulator.identity.keys import FILE_NAME, SigningKeys
from d365fo_emulator.kernel.errors import ConfigurationError

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


@pytest.mark.evidence("documented")
def test_the_kid_is_the_thumbprint_of_the_certificate_that_the_key_set_shows(keys):
    [key] = keys.jwks("https://issuer/")["keys"]
    der = base64.b64decode(key["x5c"][0])
    digest = hashlib.sha1(der, usedforsecurity=False).digest()
    assert key["kid"] == key["x5t"] == base64.urlsafe_b64encode(digest).decode().rstrip("=")
    assert (key["kty"], key["use"], key["e"]) == ("RSA", "sig", "AQAB")
    assert key["issuer"] == "https://issuer/"


@pytest.mark.evidence("documented")
def test_the_key_set_shows_no_private_member(keys):
    [key] = keys.jwks("https://issuer/")["keys"]
    assert set(key) == {"kty", "use", "kid", "x5t", "n", "e", "x5c", "issuer"}
    public = jwt.PyJWK.from_json(json.dumps({**key, "alg": "RS256"})).key
    assert public.public_numbers() == keys.current.public_key.public_numbers()


@pytest.mark.evidence("client")
def test_the_certificate_is_valid_for_years_around_the_time_it_was_made(keys):
    certificate = keys.current.certificate
    assert certificate.not_valid_before_utc < NOW
    assert certificate.not_valid_after_utc > NOW + dt.timedelta(days=3000)
    assert certificate.public_key() == keys.current.public_key
    assert isinstance(certificate, x509.Certificate)


@pytest.mark.evidence("inferred")
def test_a_kept_key_survives_a_restart_and_is_for_its_owner_alone(tmp_path):
    folder = tmp_path / "data"
    first = SigningKeys.load_or_create(folder, NOW)
    assert not folder.exists(), "start-up makes no key"
    kid = first.kid
    assert stat.S_IMODE((folder / FILE_NAME).stat().st_mode) == 0o600
    second = SigningKeys.load_or_create(folder, NOW)
    assert second.kid == kid
    assert second.current.public_key == first.current.public_key
    assert [p.name for p in folder.iterdir()] == [FILE_NAME]


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize("content", [b"", b"rubbish", b"-----BEGIN PRIVATE KEY-----\nAAAA\n"])
def test_a_kept_key_that_cannot_be_read_is_refused_with_the_remedy(tmp_path, content):
    (tmp_path / FILE_NAME).write_bytes(content)
    with pytest.raises(ConfigurationError, match="remove the file"):
        _ = SigningKeys.load_or_create(tmp_path, NOW).current


@pytest.mark.evidence("inferred")
def test_a_key_beside_the_certificate_of_another_is_refused(tmp_path, keys, foreign_keys):
    module._write(
        tmp_path / FILE_NAME,
        module.SigningKey(keys.current.private_key, foreign_keys.current.certificate, "x"),
    )
    with pytest.raises(ConfigurationError, match="remove the file"):
        _ = SigningKeys.load_or_create(tmp_path, NOW).current


@pytest.mark.evidence("inferred")
def test_threads_that_come_first_together_get_one_key(monkeypatch, keys):
    made = []
    monkeypatch.setattr(module, "generate", lambda _now: made.append(1) or keys.current)
    fresh = SigningKeys.load_or_create(None, NOW)
    start = threading.Barrier(8)
    seen = []

    def first_use():
        start.wait()
        seen.append(fresh.kid)

    threads = [threading.Thread(target=first_use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert seen == [keys.kid] * 8
    assert made == [1]
