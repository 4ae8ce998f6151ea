"""Each action as it is on the wire, from the exchanges that tests replay."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from d365fo_emulator.dmf.signatures import ACTIONS
from d365fo_emulator.odata.actions import NAMESPACE

EXCHANGES = Path(__file__).resolve().parents[1] / "fixtures" / "exchanges"
Exchange = dict[str, Any]


def by_action() -> dict[str, list[Exchange]]:
    """The exchanges of each action, in the order of their files."""
    found: dict[str, list[Exchange]] = {}
    for path in sorted(EXCHANGES.glob("*.yaml")):
        document = yaml.safe_load(path.read_text("utf-8"))
        for exchange in document.get("exchanges", ()):
            _, namespace, action = str(exchange["request"]["path"]).partition(f"{NAMESPACE}.")
            if namespace:
                found.setdefault(action, []).append(exchange)
    return found


def chosen(exchanges: list[Exchange]) -> list[Exchange]:
    """The first that succeeds, and the first that is refused."""
    first: dict[bool, Exchange] = {}
    for exchange in exchanges:
        first.setdefault(exchange["response"]["status"] < 300, exchange)
    return [first[kind] for kind in (True, False) if kind in first]


def example(exchange: Exchange) -> str:
    """Request and answer; what varies stands in angle brackets."""
    request, response = exchange["request"], exchange["response"]
    lines = [
        f"**{exchange['name'][:1].upper()}{exchange['name'][1:]}** ({exchange['evidence']})",
        "",
        "```http",
        f"{request.get('method', 'POST')} {request['path']}",
    ]
    lines += [f"{name}: {value}" for name, value in (request.get("headers") or {}).items()]
    lines += ["", body(request), "```", "", "```http", f"HTTP/1.1 {response['status']}"]
    lines += ["", body(response), "```"]
    return "\n".join(lines)


def body(message: dict[str, Any]) -> str:
    """The body of a request or an answer, as one line of JSON where it is JSON."""
    if "json" in message:
        return json.dumps(as_sent(message["json"]), ensure_ascii=False)
    for kind in ("text", "body"):
        if kind in message:
            return str(message[kind])
    return "(no body)"


def as_sent(value: Any) -> Any:
    """A value as it is sent: what the exchange describes as JSON inside of a text is a text."""
    if isinstance(value, dict):
        if set(value) == {"$json"}:
            return json.dumps(value["$json"], ensure_ascii=False, separators=(",", ":"))
        return {name: as_sent(below) for name, below in value.items()}
    return [as_sent(below) for below in value] if isinstance(value, list) else value


def parts() -> list[str]:
    """One part for each action."""
    known = by_action()
    found = []
    for action in ACTIONS:
        heading = f"## `{action.name}`"
        examples = [example(one) for one in chosen(known.get(action.name, []))]
        found.append("\n\n".join([heading, *examples]))
    return found
