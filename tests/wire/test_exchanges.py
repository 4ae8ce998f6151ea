"""Each exchange of fixtures/exchanges, sent as bytes over http and https, compared whole."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from d365fo_emulator import Emulator
from wire import raw
from wire.patterns import differences, fill
from wire.situations import ENVIRONMENT, GIVEN, Stage

FOLDER = Path(__file__).resolve().parents[2] / "fixtures" / "exchanges"
HEADER_SETS = yaml.safe_load((FOLDER / "header-sets.yaml").read_text(encoding="utf-8"))
TRANSPORT = {
    "content-length",
    "transfer-encoding",
    "connection",
    "date",
    "server",
    "keep-alive",
}
CLIENTS = {
    "unmapped": "d365f0e0-0000-4000-8000-0000000000ff",
    "without rights": "d365f0e0-0000-4000-8000-0000000000fe",
}


def all_exchanges():
    for path in sorted(FOLDER.glob("*.yaml")):
        if path.name != "header-sets.yaml":
            for exchange in yaml.safe_load(path.read_text(encoding="utf-8"))["exchanges"]:
                yield pytest.param(
                    exchange,
                    id=f"{path.stem}: {exchange['name']}",
                    marks=pytest.mark.evidence(exchange["evidence"]),
                )


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("exchange", list(all_exchanges()))
def test_the_answer_is_exactly_as_the_exchange_says(exchange, scheme):
    environment = ENVIRONMENT | exchange.get("environment", {})
    with Emulator(environment=environment) as emulator:
        base = {"http": emulator.http_url, "https": emulator.https_url}[scheme]
        stage = Stage(emulator, base, known_values(emulator, base))
        for given in exchange.get("given", ()):
            ((word, argument),) = given.items()
            stage.values |= GIVEN[word](stage, argument)
        answer = play(stage, exchange["request"])
        assert compare(exchange["response"], answer, stage.values) == []


def known_values(emulator, base):
    config = emulator.client_config()
    names = ("tenant_id", "client_id", "client_secret")
    known = {name.replace("_", "-"): raw.value_of(config, name) for name in names}
    port = base.rpartition(":")[2]
    scheme = base.partition(":")[0]
    return {
        "base": base,
        "scheme": scheme,
        "port": port,
        "blob": f"{base}/devstoreaccount1",
        **known,
    }


def play(stage, request):
    """Sends an exchange's request; what it leaves out is left out on the wire."""
    headers = fill(dict(request.get("headers", {})), stage.values)
    who = request.get("token", "mapped")
    if who == "mapped" or who in CLIENTS:
        bearer = raw.token(stage.emulator, stage.base, CLIENTS.get(who))
        headers["Authorization"] = f"Bearer {bearer}"
    body = None
    if "json" in request:
        body = json.dumps(fill(request["json"], stage.values)).encode()
    elif "body" in request:
        body = fill(request["body"], stage.values).encode()
    method = request.get("method", "POST")
    path = fill(request["path"], stage.values)
    return raw.send(stage.emulator, stage.base, method, path, headers, body)


def compare(expected, answer, values):
    """All differences of status, headers (none missing, none more) and body."""
    found = [] if answer.status == expected["status"] else [f"status {answer.status}"]
    wanted = {}
    for name in expected["headers"]:
        wanted |= HEADER_SETS[name]
    actual = {k: v for k, v in answer.headers.items() if k.lower() not in TRANSPORT}
    for name in sorted(wanted.keys() | actual.keys()):
        if name not in wanted or name not in actual:
            found.append(f"header {name}: {'missing' if name in wanted else 'not expected'}")
        else:
            found += differences(wanted[name], actual[name], values, f"header {name}")
    if "json" in expected:
        found += differences(expected["json"], answer.json, values, "body")
    elif answer.body != expected.get("body", "").encode():
        found.append(f"body {answer.body!r}")
    return found


@pytest.mark.evidence("documented")
def test_every_action_of_the_main_job_has_exchanges():
    paths = {p.values[0]["request"]["path"].rpartition(".")[2] for p in all_exchanges()}
    assert {
        "GetAzureWriteUrl",
        "ImportFromPackage",
        "GetExecutionSummaryStatus",
        "ExportToPackage",
        "GetExportedPackageUrl",
        "GetExecutionErrors",
    } <= paths
