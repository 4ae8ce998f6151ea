"""One server for the tests of the engine, and a fresh workspace for each."""

from __future__ import annotations

import contextlib
import threading

import pytest

from d365fo_emulator import Emulator
from job_tools import ENVIRONMENT, Client


@pytest.fixture(scope="module")
def server():
    with Emulator() as emulator:
        yield emulator


@pytest.fixture
def job_of(server):
    """Makes workspaces: `job_of(environment, clock="real")` gives (view, client)."""
    with contextlib.ExitStack() as stack:

        def make(environment, **options):
            view = server.create_workspace(environment=environment, **options)
            stack.callback(server.drop_workspace, view.id)
            client = stack.enter_context(Client(view.client_config(), base=server.http_url))
            return view, client

        yield make


@pytest.fixture
def open_job(job_of):
    """Makes workspaces of the main job: `open_job(clock="real", settings={...})`."""

    def make(settings=None, **options):
        return job_of(ENVIRONMENT | {"settings": settings or {}}, **options)

    return make


@pytest.fixture
def job(open_job):
    return open_job()


@pytest.fixture
def wait_until():
    """Waits for what another thread or process does; says so when it never comes."""

    def wait(holds, seconds=30):
        moment = threading.Event()
        for _ in range(seconds * 100):
            if holds():
                return
            moment.wait(0.01)
        pytest.fail(f"waited {seconds} s in vain")

    return wait
