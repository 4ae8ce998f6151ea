"""Wire faults as values. Scenarios name them, `http.faults` performs them.

No rule can ask for one yet: the request's list has the step, and its table is empty.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


class FaultPhase(StrEnum):
    """Whether the request takes effect: ``before`` it does not, ``after`` it did in full."""

    BEFORE = "before"
    AFTER = "after"


@dataclass(frozen=True)
class Fault:
    """One fault to perform on one exchange."""

    kind: str
    phase: FaultPhase = FaultPhase.BEFORE
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Decision:
    """What the scenario says of one exchange, and why."""

    fault: Fault | None = None
    latency_seconds: float = 0.0
    because: tuple[str, ...] = ()
