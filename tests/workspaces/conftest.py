"""The machine's own trust settings stay out: clients here are told whom to trust."""

import pytest


@pytest.fixture(autouse=True)
def no_trust_of_the_machine(monkeypatch):
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
