"""What all tests share: the count of authorities that the tests rest on."""

from __future__ import annotations

import _thread
import sys
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

EVIDENCE = ("documented", "recorded", "client", "inferred")
"""What a test's expectation can rest on, strongest first."""


def pytest_configure() -> None:
    """Has coverage see the listener's threads, which are started below `threading`."""
    trace = threading.gettrace()
    if trace is None:  # not measured, or by a means that needs no help
        return
    start = _thread.start_new_thread

    def start_traced(run: Callable[..., object], arguments: tuple[Any, ...] = ()) -> int:
        def traced() -> None:
            sys.settrace(trace)
            run(*arguments)

        return start(traced, ())

    _thread.start_new_thread = start_traced


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Hands each test's authority on to its report (markers do not leave a worker process)."""
    for item in items:
        for kind in authorities(item):
            if kind not in EVIDENCE:
                msg = f"{item.nodeid}: evidence {kind!r} is none of {', '.join(EVIDENCE)}"
                raise pytest.UsageError(msg)
            item.user_properties.append(("evidence", kind))


def authorities(item: pytest.Item) -> list[str]:
    """The kinds that the nearest evidence marker names; a parameter's own goes first."""
    marker = item.get_closest_marker("evidence")
    return [str(kind) for kind in marker.args] if marker else []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints how many passed tests rest on which authority, and what tests had to remark."""
    counts: Counter[str] = Counter()
    for report in terminalreporter.stats.get("passed", []):
        kinds = [value for name, value in report.user_properties if name == "evidence"]
        counts.update(kinds or ["none stated"])
        for name, value in report.user_properties:
            if name == "note":
                terminalreporter.write_line(str(value))
    if counts:
        order = [*EVIDENCE, "none stated"]
        parts = [f"{kind} {counts[kind]}" for kind in order if counts[kind]]
        terminalreporter.write_line(f"evidence: {', '.join(parts)}")
