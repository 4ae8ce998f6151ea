"""Wire faults performed: a table from a fault's kind to what carries it out.

No kind has a performer yet. A decision that asks for one is refused by name before the request
takes effect, so that no test believes in a fault that did not happen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from d365fo_emulator.kernel.errors import NotEmulated

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

    from d365fo_emulator.http.exchange import Exchange
    from d365fo_emulator.kernel.faults import Decision, Fault

Performer = Callable[["Exchange", "Fault", Mapping[str, Any]], "WSGIApplication"]
"""Carries a fault out and returns what answers in the handler's stead."""

PERFORMERS: Mapping[str, Performer] = MappingProxyType({})


def check(decision: Decision) -> None:
    """Refuses a decision that cannot be carried out.

    Raises:
        NotEmulated: no performer for its fault, or a latency.

    """
    if decision.fault is not None and decision.fault.kind not in PERFORMERS:
        raise NotEmulated(f"the fault {decision.fault.kind!r}")
    if decision.latency_seconds:
        raise NotEmulated("latency of an answer")


def perform(exchange: Exchange, fault: Fault, environ: Mapping[str, Any]) -> WSGIApplication:
    """What answers in the handler's stead.

    Raises:
        NotEmulated: no performer for this kind.

    """
    performer = PERFORMERS.get(fault.kind)
    if performer is None:
        raise NotEmulated(f"the fault {fault.kind!r}")
    return performer(exchange, fault, environ)
