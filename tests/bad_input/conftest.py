"""One server for the whole suite; each test has a workspace of its own on it."""

from __future__ import annotations

import tempfile

import pytest

from bad_input.support import ENVIRONMENT, Place


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """An emulator whose temporary files all lie in one folder that snapshots can list."""
    from d365fo_emulator import Emulator

    usual = tempfile.tempdir
    tempfile.tempdir = str(tmp_path_factory.mktemp("everything-temporary"))
    try:
        with Emulator(environment=ENVIRONMENT) as emulator:
            yield emulator
    finally:
        tempfile.tempdir = usual


@pytest.fixture(autouse=True)
def no_failures(server, monkeypatch):
    """The machine's own trust settings stay out, and the emulator itself never fails."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
    earlier = len(server.failures)
    yield
    assert server.failures[earlier:] == ()


@pytest.fixture
def settings():
    """Settings of the workspace; a test class or parameter may say others."""
    return {}


@pytest.fixture
def place(server, settings):
    view = server.create_workspace(environment=ENVIRONMENT | {"settings": settings})
    yield Place(server, view)
    server.drop_workspace(view.id)
    server.workspaces.wait_until_swept()  # the next test looks at what is on the disk


@pytest.fixture
def other(server):
    """A second workspace."""
    view = server.create_workspace(environment=ENVIRONMENT)
    yield Place(server, view)
    server.drop_workspace(view.id)
    server.workspaces.wait_until_swept()  # the next test looks at what is on the disk
