"""Client libraries as they are; the machine's own trust settings stay out."""

import pytest

import job_tools
from senders import Sender


@pytest.fixture(autouse=True)
def no_trust_of_the_machine(monkeypatch):
    """`requests` puts these before what a client was told, so they would hide our bundle."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def config(d365fo):
    return d365fo.client_config()


@pytest.fixture
def client(config):
    with job_tools.Client(config) as client:
        yield client


@pytest.fixture
def send(client):
    assert client.token
    return Sender(client)
