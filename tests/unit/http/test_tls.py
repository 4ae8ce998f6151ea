from __future__ import annotations

import datetime as dt
import os
import stat

import pytest
from cryptography import x509

from d365fo_emulator.http.tls import Authority, context_from_files, default_names
from d365fo_emulator.kernel.errors import ConfigurationError

pytestmark = pytest.mark.evidence("inferred")

NOW = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
NAMES = ("localhost", "127.0.0.1", "::1")


def server_certificate(folder):
    return x509.load_pem_x509_certificate((folder / "server.pem").read_bytes())


def test_the_authority_stays_the_same_over_starts(tmp_path):
    first = Authority.load_or_create(tmp_path, NOW)
    second = Authority.load_or_create(tmp_path, NOW + dt.timedelta(days=1000))
    assert second.ca_pem == first.ca_pem


def test_two_authorities_of_one_run_differ():
    assert Authority.load_or_create(None, NOW).ca_pem != Authority.load_or_create(None, NOW).ca_pem


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_keys_are_for_their_owner_alone(tmp_path):
    Authority.load_or_create(tmp_path, NOW).server_context(NAMES)
    modes = {
        name: stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("ca.key", "server.pem")
    }
    assert modes == {"ca.key": 0o600, "server.pem": 0o600}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ca.key", "ca.pem", "server.pem"]


@pytest.mark.parametrize(
    ("days", "names", "renewed"),
    [
        (0, NAMES, False),
        (300, NAMES, False),
        (0, tuple(reversed(NAMES)), False),
        (0, ("localhost", "127.0.0.1", "0:0:0:0:0:0:0:1"), False),
        (370, NAMES, True),
        (500, NAMES, True),
        (0, (*NAMES, "other"), True),
        (0, NAMES[:1], True),
    ],
)
def test_the_server_certificate_is_renewed_near_its_end_or_for_other_names(
    tmp_path, days, names, renewed
):
    Authority.load_or_create(tmp_path, NOW).server_context(NAMES)
    before = server_certificate(tmp_path).serial_number
    later = NOW + dt.timedelta(days=days)
    Authority.load_or_create(tmp_path, later).server_context(names)
    assert (server_certificate(tmp_path).serial_number != before) is renewed


def test_dates_follow_from_the_time_given(tmp_path):
    Authority.load_or_create(tmp_path, NOW).server_context(NAMES)
    leaf = server_certificate(tmp_path)
    authority = x509.load_pem_x509_certificate((tmp_path / "ca.pem").read_bytes())
    assert leaf.not_valid_after_utc - NOW == dt.timedelta(days=397)
    assert authority.not_valid_after_utc - NOW == dt.timedelta(days=3650)
    assert leaf.not_valid_before_utc < NOW


def test_an_authority_near_its_end_is_replaced_with_its_certificates(tmp_path):
    first = Authority.load_or_create(tmp_path, NOW)
    first.server_context(NAMES)
    second = Authority.load_or_create(tmp_path, NOW + dt.timedelta(days=3640))
    second.server_context(NAMES)
    assert second.ca_pem != first.ca_pem
    server_certificate(tmp_path).verify_directly_issued_by(
        x509.load_pem_x509_certificate(second.ca_pem)
    )


def test_files_that_are_no_authority_are_refused_with_a_remedy(tmp_path):
    (tmp_path / "ca.pem").write_text("no certificate")
    (tmp_path / "ca.key").write_text("no key")
    with pytest.raises(ConfigurationError, match="remove both"):
        Authority.load_or_create(tmp_path, NOW)


def test_a_broken_server_certificate_is_replaced(tmp_path):
    (tmp_path / "server.pem").write_text("cut sh")
    Authority.load_or_create(tmp_path, NOW).server_context(NAMES)
    assert server_certificate(tmp_path).not_valid_after_utc > NOW


def test_a_name_that_no_certificate_can_carry_is_refused():
    with pytest.raises(ConfigurationError, match="no certificate can be made"):
        Authority.load_or_create(None, NOW).server_context(["a b..", "\n"])


def test_the_bundle_holds_the_public_authorities_and_ours(tmp_path):
    authority = Authority.load_or_create(None, NOW)
    authority.write_bundle(tmp_path / "bundle.pem")
    content = (tmp_path / "bundle.pem").read_bytes()
    assert content.endswith(authority.ca_pem)
    assert content.count(b"BEGIN CERTIFICATE") > 100


def test_tls_1_1_is_not_spoken():
    context = Authority.load_or_create(None, NOW).server_context(NAMES)
    assert context.minimum_version.name == "TLSv1_2"


def test_default_names_have_no_repetition_and_the_blob_host():
    names = default_names("acc")
    assert len(names) == len(set(names))
    assert {"localhost", "127.0.0.1", "::1", "acc.blob.localhost"} <= set(names)


def test_somebodys_own_certificate_is_taken(tmp_path):
    Authority.load_or_create(tmp_path, NOW).server_context(NAMES)
    own = tmp_path / "server.pem"
    assert context_from_files(own, own).minimum_version.name == "TLSv1_2"


def test_a_key_of_another_certificate_is_refused(tmp_path):
    Authority.load_or_create(tmp_path, NOW).server_context(NAMES)
    with pytest.raises(ConfigurationError, match="cannot be used"):
        context_from_files(tmp_path / "server.pem", tmp_path / "ca.key")
    with pytest.raises(ConfigurationError, match="cannot be used"):
        context_from_files(tmp_path / "absent.pem", tmp_path / "ca.key")
