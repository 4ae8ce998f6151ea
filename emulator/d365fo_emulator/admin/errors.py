"""What can be wrong with a call of the admin API; status and title of each, in one table."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from d365fo_emulator.dmf.errors import ControlRefused, ExecutionNotFound
from d365fo_emulator.kernel.errors import (
    ClockRefused,
    ConfigurationError,
    EmulatorError,
    NotEmulated,
    WorkspaceExists,
    WorkspaceNotFound,
)
from d365fo_emulator.scenarios.problems import ScenarioInvalid

if TYPE_CHECKING:
    from collections.abc import Mapping


class BadRequest(EmulatorError):
    """A parameter or body that cannot be used."""


class EntityNotKnown(EmulatorError):
    """The catalogue of the workspace has no such entity."""


class EntryNotFound(EmulatorError):
    """The journal has no entry of this id."""


class AdminProblem(EmulatorError):
    """An answer of the admin API that refuses, as its client sees it."""

    def __init__(self, status: int, document: Mapping[str, Any]) -> None:
        super().__init__(str(document.get("detail") or document.get("title") or f"HTTP {status}"))
        self.status = status
        self.kind = str(document.get("type", "")).rpartition(":")[2]
        self.problems: list[dict[str, Any]] = list(document.get("problems", []))


class AdminUnreachable(EmulatorError):
    """Nothing that speaks the admin API answers at this address."""


@dataclass(frozen=True)
class ProblemKind:
    """How an error shows: status, the last part of `type`, and `title`."""

    status: int
    slug: str
    title: str


PROBLEMS: dict[type[EmulatorError], ProblemKind] = {
    WorkspaceNotFound: ProblemKind(404, "workspace-not-found", "No such workspace"),
    WorkspaceExists: ProblemKind(409, "workspace-exists", "The workspace exists"),
    ExecutionNotFound: ProblemKind(404, "execution-not-found", "No such execution"),
    ControlRefused: ProblemKind(409, "control-refused", "The execution cannot be moved so"),
    ClockRefused: ProblemKind(409, "clock-refused", "The clock cannot be moved so"),
    EntityNotKnown: ProblemKind(404, "entity-not-known", "No such entity"),
    EntryNotFound: ProblemKind(404, "entry-not-found", "No such journal entry"),
    ScenarioInvalid: ProblemKind(422, "scenario-invalid", "The scenario cannot be used"),
    NotEmulated: ProblemKind(501, "not-emulated", "Not emulated"),
    ConfigurationError: ProblemKind(400, "configuration", "A setting cannot be used"),
    BadRequest: ProblemKind(400, "bad-request", "The request cannot be used"),
    EmulatorError: ProblemKind(400, "refused", "Refused"),
}
"""Looked up along the class's ancestry, so the last row takes what has none of its own."""


def problem_kind(error: EmulatorError) -> ProblemKind:
    """How `error` shows on the wire."""
    return next(PROBLEMS[kind] for kind in type(error).__mro__ if kind in PROBLEMS)


def problems_of(error: EmulatorError) -> list[dict[str, Any]]:
    """Path, line, column and message of all that is wrong with a scenario; else nothing."""
    if isinstance(error, ScenarioInvalid):
        return [dataclasses.asdict(problem) for problem in error.problems]
    return []
