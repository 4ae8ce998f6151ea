"""The recorded pairs of entity sets, replayed where this machine has them."""

from __future__ import annotations

import json
import re

import pytest

import builders
from d365fo_emulator import Emulator
from wire import raw
from wire.patterns import differences, fill
from wire.recordings import VARIABLE, expected, recordings
from wire.set_recordings import SET_REPLAYS
from wire.situations import ENVIRONMENT, Stage, finish, run_import, upload

PAIRS = recordings()
pytestmark = [
    pytest.mark.evidence("recorded"),
    pytest.mark.skipif(PAIRS is None, reason=f"no recordings here; {VARIABLE} names the file"),
]


@pytest.mark.parametrize("name", SET_REPLAYS)
def test_a_recorded_pair_of_a_set_is_answered_as_recorded(name):
    pair, replay = PAIRS[name], SET_REPLAYS[name]
    with Emulator(environment=ENVIRONMENT | dict(replay.environment)) as emulator:
        base = emulator.https_url
        stage = Stage(emulator, base, {"base": base, "project": "Recorded", **dict(replay.values)})
        if replay.imported:
            stage.values["execution-id"] = imported(stage, *replay.imported)
        for method, path, body in replay.before:
            assert send(stage, method, path, body).status < 300
        request = pair["request"]
        body = None if request["body"] is None else fill(request["body"], stage.values)
        path = fill(request["path"], stage.values)
        answer = send(stage, request["method"], path, body)
        assert answer.status == pair["response"]["status"], answer.body
        recorded = pair["response"]["body"]
        if recorded is not None:
            actual = as_far_as(recorded, answer.json) if replay.partial else answer.json
            assert differences(in_our_forms(expected(recorded)), actual, stage.values) == []


def imported(stage, rows, failing):
    """An import of the project `Situation` that has ended; its id."""
    table = builders.Table(
        "Customer groups",
        ("CUSTOMERGROUPID", "DESCRIPTION"),
        tuple((f"R{number}", "recorded") for number in range(rows)),
        "CustCustomerGroupEntity",
    )
    rule = stage.emulator.on(action="ImportFromPackage")
    for row in range(1, failing + 1):
        rule.row_error(entity="Customer groups", row=row, stage="target", message="refused")
    url = upload(stage, builders.package(table))
    identifier = run_import(stage, url, project="Situation")
    finish(stage, identifier)
    return identifier


def send(stage, method, path, body):
    headers = {
        "Authorization": f"Bearer {raw.token(stage.emulator, stage.base)}",
        "Content-Type": "application/json",
    }
    content = None if body is None else json.dumps(body).encode()
    path = path.replace(" ", "%20")
    return raw.send(stage.emulator, stage.base, method, path, headers, content)


def as_far_as(recorded, actual):
    """The members of rows that the recording shows."""
    members = recorded["value"][0]
    rows = [{name: row[name] for name in members} for row in actual["value"]]
    return actual | {"value": rows}


def in_our_forms(body):
    """Tags, packed queries and cut texts as placeholders that `patterns` knows."""
    if isinstance(body, dict):
        return {name: in_our_forms(value) for name, value in body.items()}
    if isinstance(body, list):
        return [in_our_forms(value) for value in body]
    if isinstance(body, str):
        body = re.sub(r'W/"[\w=]+"|<etag>', 'W/"<tag>"', body)
        return body.replace("<base64>", "<text>").replace("<...>", "<text>")
    return body
