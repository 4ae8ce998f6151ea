"""Scenario rules in Python: ``on(action=…).timeline(NotRun(polls=1), Succeeded())``.

The same as the file, and made through it: a builder holds the file's mapping, and the loader
checks it. So both refuse the same things in the same words.
"""

from __future__ import annotations

import copy
import dataclasses
from typing import TYPE_CHECKING, Any, Self

from d365fo_emulator.kernel.durations import parse_duration
from d365fo_emulator.kernel.errors import NotEmulated
from d365fo_emulator.kernel.tables import did_you_mean
from d365fo_emulator.scenarios.loader import load_mapping, step_to_mapping
from d365fo_emulator.scenarios.model import Rule, Stay, Step, StepState
from d365fo_emulator.scenarios.problems import Problem, ScenarioInvalid

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Mapping

MATCHERS = {
    "surface": "surface",
    "action": "action",
    "definition_group": "definitionGroup",
    "legal_entity": "legalEntity",
    "entity": "entity",
    "execution_id": "executionId",
    "client_id": "clientId",
    "method": "method",
    "operation": "operation",
    "header": "header",
    "body": "body",
    "call": "call",
    "per": "per",
}
"""Matchers in snake case to the file's spelling."""


@dataclasses.dataclass(frozen=True)
class StepForm:
    """A state that can be called to make a step of it."""

    state: StepState

    def __call__(
        self,
        *,
        time: str | dt.timedelta | None = None,
        polls: int | None = None,
        manual: bool = False,
        need_all: bool = False,
    ) -> Step:
        """A step that lasts for `time`, for `polls`, or until advanced by hand.

        The first to happen ends it, with `need_all` the last.

        Raises:
            ValueError: `time` is no duration.

        """
        duration = None if time is None else parse_duration(time)
        return Step(self.state, Stay(duration, polls, manual, need_all))


NotFound = StepForm(StepState.NOT_FOUND)
NotRun = StepForm(StepState.NOT_RUN)
Executing = StepForm(StepState.EXECUTING)
Succeeded = StepForm(StepState.SUCCEEDED)
PartiallySucceeded = StepForm(StepState.PARTIALLY_SUCCEEDED)
Failed = StepForm(StepState.FAILED)
Canceled = StepForm(StepState.CANCELED)
Unknown = StepForm(StepState.UNKNOWN)
Computed = StepForm(StepState.COMPUTED)


class RuleBuilder:
    """A rule in the making; every call changes it and, where given, publishes it anew.

    Args:
        match: matchers in snake case.
        publish: takes the rule into force and returns it as stored (with its id).

    Raises:
        ScenarioInvalid: a matcher or an argument that a file could not have.

    """

    def __init__(
        self, match: Mapping[str, Any], publish: Callable[[Rule], Rule] | None = None
    ) -> None:
        self._publish = publish
        self._mapping: dict[str, Any] = {"match": _wire_match(match), "execution": {}}
        self.rule()

    def rule(self) -> Rule:
        """The rule as it is now; its id is empty until it was published."""
        return _checked(self._mapping)

    def timeline(self, *steps: Step | StepForm | Mapping[str, Any]) -> Self:
        """The steps that an execution takes, in order."""
        draft = copy.deepcopy(self._mapping)
        draft["execution"]["timeline"] = [_wire_step(step) for step in steps]
        return self._take(draft)

    def row_error(
        self,
        *,
        message: str,
        where: Mapping[str, Any] | None = None,
        row: int | None = None,
        every: int | None = None,
        entity: str | list[str] | None = None,
        stage: str | None = None,
        field: str | None = None,
    ) -> Self:
        """Rows that fail: row number `row`, each `every`-th, or those with the values `where`."""
        error = {
            "entity": entity,
            "row": row if every is None else f"every {every}",
            "where": None if where is None else dict(where),
            "stage": stage,
            "field": field,
            "message": message,
        }
        draft = copy.deepcopy(self._mapping)
        errors = draft["execution"].setdefault("rowErrors", [])
        errors.append({name: value for name, value in error.items() if value is not None})
        return self._take(draft)

    def execution_error(self, message: str) -> Self:
        """A message of the execution as a whole."""
        draft = copy.deepcopy(self._mapping)
        draft["execution"].setdefault("executionErrors", []).append(message)
        return self._take(draft)

    def times(self, number: int) -> Self:
        """Matches so many executions, then no more."""
        return self._take({**self._mapping, "times": number})

    def required(self) -> Self:
        """The test fails when the rule never matched."""
        return self._take({**self._mapping, "required": True})

    def latency(self, *_: Any, **__: Any) -> Self:
        """Not emulated yet."""
        raise NotEmulated("latency in a scenario rule")

    def fault(self, kind: str, **_: Any) -> Self:
        """Not emulated yet."""
        raise NotEmulated(f"the fault {kind!r} in a scenario rule")

    def lose_response(self) -> Self:
        """Not emulated yet."""
        raise NotEmulated("lose_response in a scenario rule")

    def call(self, nth: int | str, per: str = "rule") -> Self:
        """Not emulated yet."""
        raise NotEmulated(f"matching call {nth} per {per} in a scenario rule")

    def _take(self, draft: dict[str, Any]) -> Self:
        """Makes `draft` the rule; a draft that is refused leaves the rule as it was."""
        rule = _checked(draft)
        if self._publish is not None:
            draft = {**draft, "id": self._publish(rule).id}
        self._mapping = draft
        return self


def _checked(mapping: Mapping[str, Any]) -> Rule:
    [rule] = load_mapping({"version": 1, "rules": [mapping]}, "on(...)").rules
    if "id" in mapping:
        return rule
    script = rule.script and dataclasses.replace(rule.script, rule_id="")
    return dataclasses.replace(rule, id="", script=script)


def _wire_match(match: Mapping[str, Any]) -> dict[str, Any]:
    wire = {}
    for name, globs in match.items():
        if name not in MATCHERS:
            message = f"match.{name}: there is no such matcher{did_you_mean(name, MATCHERS)}"
            raise ScenarioInvalid("on(...)", (Problem(f"match.{name}", 1, 1, message),))
        wire[MATCHERS[name]] = list(globs) if isinstance(globs, (list, tuple)) else globs
    return wire


def _wire_step(step: Step | StepForm | Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(step, StepForm):
        step = step()
    return step_to_mapping(step) if isinstance(step, Step) else dict(step)
