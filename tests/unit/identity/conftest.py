"""The token service of one workspace, and the surface in front of it."""

from __future__ import annotations

from typing import Any

import pytest

from d365fo_emulator.identity.keys import SigningKeys
from d365fo_emulator.identity.service import IdentityService
from identity_tools import DIRECTORY, NOW, Wire, is_own_audience, wire_for, workspace_in


@pytest.fixture(scope="session")
def keys() -> SigningKeys:
    return SigningKeys.load_or_create(None, NOW)


@pytest.fixture(scope="session")
def foreign_keys() -> SigningKeys:
    return SigningKeys.load_or_create(None, NOW)


@pytest.fixture
def service(tmp_path, keys) -> IdentityService:
    return IdentityService(workspace_in(tmp_path), DIRECTORY, keys, is_own_audience)


@pytest.fixture
def service_with(tmp_path, keys):
    """A token service whose environment has other settings."""

    def build(**settings: Any) -> IdentityService:
        return IdentityService(workspace_in(tmp_path, **settings), DIRECTORY, keys, is_own_audience)

    return build


@pytest.fixture
def wire(service) -> Wire:
    return wire_for(service)
