"""Compares answers with expectations that hold placeholders such as `<guid>`.

A mapping must have exactly the members named, in that order. A text is compared literally but for
its placeholders: names of values known to the test stand for these, the names below for a form.
`{"$json": …}` expects a text that is JSON itself, `{"$number": "1..9"}` a number in that range.
"""

from __future__ import annotations

import json
import re
from itertools import zip_longest

FORMS = {
    "guid": r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    "GUID": r"[0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12}",
    "any-guid": r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}",
    # Order, escaping and members as in a recorded URL; resource b is one blob.
    "sas-rw": r"sv=[\d-]+&sr=b&sig=[\w%+/=-]+&st=[\d%A-FTZ-]+&se=[\d%A-FTZ-]+&sp=rw",
    "sas-r": r"sv=[\d-]+&sr=b&sig=[\w%+/=-]+&st=[\d%A-FTZ-]+&se=[\d%A-FTZ-]+&sp=r",
    "stack": r"   at Microsoft\.Dynamics\.Platform\.Integration\.Services\.OData\.[\s\S]+",
    "signature": r"[\w%+/=-]+",
    "utc": r"\d{4}-\d\d-\d\dT\d\d%3A\d\d%3A\d\dZ",
    "date": r"\d{4}-\d\d-\d\d",
    "execution-id": r"[0-9A-Fa-f-]{36}",
    "name": r"[^?]+",
    "jwt": r"[\w-]+\.[\w-]+\.[\w-]+",
    "digits": r"\d+",
    "tag": r"[\w+/]+=*",
    "timestamp": r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ",
    "file": r"[\w.%-]+",
    "text": r"[\s\S]+",
}
PLACEHOLDER = re.compile(r"<([\w-]+)>")


def fill(template, values):
    """`template` (text, or JSON with texts) with the known values put in."""
    if isinstance(template, str):
        return PLACEHOLDER.sub(lambda found: str(values[found[1]]), template)
    if isinstance(template, dict):
        return {name: fill(value, values) for name, value in template.items()}
    if isinstance(template, list):
        return [fill(item, values) for item in template]
    return template


def differences(expected, actual, values, where="answer"):
    """Every place where `actual` is not as expected, in words; empty when it is."""
    if isinstance(expected, dict) and "$json" in expected:
        if not isinstance(actual, str):
            return [f"{where}: expected JSON text, got {actual!r}"]
        return differences(expected["$json"], json.loads(actual), values, f"{where} (as JSON)")
    if isinstance(expected, dict) and "$number" in expected:
        low, high = map(int, expected["$number"].split(".."))
        good = type(actual) is int and low <= actual <= high
        return [] if good else [_differs(where, expected["$number"], actual)]
    if isinstance(expected, dict):
        return _members(expected, actual, values, where)
    if isinstance(expected, list):
        if not isinstance(actual, list) or len(actual) != len(expected):
            return [f"{where}: expected a list of {len(expected)}, got {actual!r}"]
        pairs = zip_longest(expected, actual)
        return [
            found
            for index, (want, got) in enumerate(pairs)
            for found in differences(want, got, values, f"{where}[{index}]")
        ]
    if isinstance(expected, str) and isinstance(actual, str):
        return (
            []
            if _pattern(expected, values).fullmatch(actual)
            else [_differs(where, expected, actual)]
        )
    same = type(expected) is type(actual) and expected == actual
    return [] if same else [_differs(where, expected, actual)]


def _members(expected, actual, values, where):
    if not isinstance(actual, dict) or list(actual) != list(expected):
        got = list(actual) if isinstance(actual, dict) else actual
        return [f"{where}: expected members {list(expected)}, got {got!r}"]
    return [
        found
        for name, want in expected.items()
        for found in differences(want, actual[name], values, f"{where}.{name}")
    ]


def _pattern(template, values):
    def form(name):  # other words in angle brackets are text: stack traces have them
        if name in values:
            return re.escape(str(values[name]))
        return FORMS.get(name, re.escape(f"<{name}>"))

    pieces = PLACEHOLDER.split(template)
    odd = (form(piece) if index % 2 else re.escape(piece) for index, piece in enumerate(pieces))
    return re.compile("".join(odd))


def _differs(where, expected, actual):
    return f"{where}: expected {expected!r}, got {actual!r}"
