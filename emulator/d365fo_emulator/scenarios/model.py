"""Scenarios as values: rules, timelines, row errors."""

from __future__ import annotations

# Scripts are kept with executions and read by these types, so they are imported at run time.
import datetime as dt  # noqa: TC003
from collections.abc import Mapping  # noqa: TC003
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from d365fo_emulator.kernel.clock import ClockMode


class StepState(StrEnum):
    """What a step of a timeline shows to polls.

    The seven states of the service, plus `NotFound` (no summary row yet) and `Computed` (whatever
    the real rows lead to).
    """

    UNKNOWN = "Unknown"
    NOT_RUN = "NotRun"
    EXECUTING = "Executing"
    SUCCEEDED = "Succeeded"
    PARTIALLY_SUCCEEDED = "PartiallySucceeded"
    FAILED = "Failed"
    CANCELED = "Canceled"
    NOT_FOUND = "NotFound"
    COMPUTED = "Computed"


@dataclass(frozen=True)
class Stay:
    """How long a step lasts; the first condition to happen ends it, unless `need_all`.

    All empty: the step lasts as long as it naturally does (NotRun until the engine takes the
    execution up, Executing until its work is done).
    """

    time: dt.timedelta | None = None
    polls: int | None = None
    manual: bool = False
    need_all: bool = False


@dataclass(frozen=True)
class Step:
    """One step of a timeline."""

    state: StepState
    stay: Stay = field(default_factory=Stay)


Timeline = tuple[Step, ...]

NATURAL: Timeline = (
    Step(StepState.NOT_RUN),
    Step(StepState.EXECUTING),
    Step(StepState.COMPUTED),
)


@dataclass(frozen=True)
class ScriptedRowError:
    """Rows that a script lets fail: row n, every n-th, or `where` (staging field to text)."""

    message: str
    entity: tuple[str, ...] = ("*",)
    row: int | None = None
    every: int | None = None
    where: Mapping[str, str] = field(default_factory=dict)
    stage: str = "target"
    field: str = ""


@dataclass(frozen=True)
class ExecutionScript:
    """What a rule says of an execution; bound when the job is accepted, never changed after."""

    timeline: Timeline = NATURAL
    row_errors: tuple[ScriptedRowError, ...] = ()
    execution_errors: tuple[str, ...] = ()
    on_cancel: str = "Canceled"
    rule_id: str = ""


@dataclass(frozen=True)
class Rule:
    """One rule. `match`: matcher name to globs (any of them), as in the file's spelling."""

    id: str
    match: Mapping[str, Any]
    script: ExecutionScript | None = None
    enabled: bool = True
    times: int | None = None
    required: bool = False
    source: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Scenario:
    """A scenario file."""

    name: str
    rules: tuple[Rule, ...]
    description: str = ""
    seed: int | None = None
    clock: ClockMode | None = None
    default_timeline: Timeline | None = None
    source: Mapping[str, Any] = field(default_factory=dict)
