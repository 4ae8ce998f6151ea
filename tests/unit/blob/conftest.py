"""Two workspaces behind one blob surface."""

from __future__ import annotations

import pytest

from blob_tools import Wire, place_in
from d365fo_emulator.blob.signatures import SignatureIndex


@pytest.fixture
def wire(tmp_path):
    places = {}
    index = SignatureIndex(lambda: [place.workspace for place in places.values()])
    for name in ("default", "other"):
        places[name] = place_in(tmp_path / name, name, index)
    yield Wire(places, index)
    for place in places.values():
        place.database.close()


@pytest.fixture
def place(wire):
    return wire.places["default"]


@pytest.fixture
def other(wire):
    return wire.places["other"]
