"""The rules in force in one workspace, and which of them an execution is bound to."""

from __future__ import annotations

import dataclasses
import threading
from collections import Counter
from typing import TYPE_CHECKING

from d365fo_emulator.scenarios.matching import matches
from d365fo_emulator.scenarios.model import NATURAL, ExecutionScript, Rule, Scenario, Timeline

if TYPE_CHECKING:
    from collections.abc import Mapping

    from d365fo_emulator.kernel.workspace import WorkspaceId

NO_RULE = "no rule matched; the execution takes its natural way"
_NOTHING = Scenario(name="", rules=())


@dataclasses.dataclass(frozen=True)
class RuleHits:
    """A rule and how often it was bound to an execution."""

    rule: Rule
    hits: int


class ScenarioService:
    """The scenario of one workspace; safe to use from several threads.

    Scripts are values: loading another scenario never changes an execution that runs already.

    Args:
        workspace_id: whose it is.
        default: the scenario that a reset goes back to.

    """

    def __init__(self, workspace_id: WorkspaceId, default: Scenario | None = None) -> None:
        self.workspace_id = workspace_id
        self._default = default or _NOTHING
        self._scenario = self._default
        self._hits: Counter[str] = Counter()
        self._made = 0
        self._lock = threading.Lock()

    @property
    def current(self) -> Scenario:
        """The scenario in force, with the rules that were added to it."""
        return self._scenario

    def load(self, scenario: Scenario) -> None:
        """Replaces all rules; hit counts begin anew."""
        with self._lock:
            self._scenario = scenario
            self._hits.clear()

    def reset(self) -> None:
        """Back to the default scenario, with no hits."""
        self.load(self._default)

    def add_rule(self, rule: Rule) -> Rule:
        """Puts `rule` in front, or in the place of the rule that has its id; returns it as stored.

        A rule without an id gets one; one without a timeline of its own the scenario's default.
        """
        with self._lock:
            if not rule.id:
                rule = _named(rule, self._fresh_id())
            rule = self._with_default_timeline(rule)
            rules = list(self._scenario.rules)
            places = [index for index, other in enumerate(rules) if other.id == rule.id]
            if places:
                rules[places[0]] = rule
            else:
                rules.insert(0, rule)
            self._scenario = dataclasses.replace(self._scenario, rules=tuple(rules))
            return rule

    def set_enabled(self, rule_id: str, enabled: bool) -> bool:
        """Switches a rule on or off; False when there is none of that id."""
        with self._lock:
            found = any(rule.id == rule_id for rule in self._scenario.rules)
            rules = tuple(
                dataclasses.replace(rule, enabled=enabled) if rule.id == rule_id else rule
                for rule in self._scenario.rules
            )
            self._scenario = dataclasses.replace(self._scenario, rules=rules)
            return found

    def reset_hits(self, rule_id: str) -> bool:
        """Forgets a rule's hits, so that its `times` count anew; False when there is none."""
        with self._lock:
            self._hits.pop(rule_id, None)
            return any(rule.id == rule_id for rule in self._scenario.rules)

    def script_for(self, facts: Mapping[str, str | tuple[str, ...]]) -> tuple[ExecutionScript, str]:
        """The script for an execution with these facts, and which rule gave it.

        The first rule that is enabled, has `times` left and matches wins, and counts a hit.
        """
        with self._lock:
            for rule in self._scenario.rules:
                if rule.script is None or not rule.enabled or not self._has_times_left(rule):
                    continue
                if matches(rule.match, facts):
                    self._hits[rule.id] += 1
                    return rule.script, f"rule {rule.id!r} matched"
            return ExecutionScript(timeline=self._default_timeline()), NO_RULE

    def rules_with_hits(self) -> list[RuleHits]:
        """The rules in their order, each with its hits."""
        with self._lock:
            return [RuleHits(rule, self._hits[rule.id]) for rule in self._scenario.rules]

    def unused_required(self) -> list[str]:
        """Ids of the rules marked `required` that were never bound."""
        return [rh.rule.id for rh in self.rules_with_hits() if rh.rule.required and not rh.hits]

    def _has_times_left(self, rule: Rule) -> bool:
        return rule.times is None or self._hits[rule.id] < rule.times

    def _default_timeline(self) -> Timeline:
        return self._scenario.default_timeline or NATURAL

    def _fresh_id(self) -> str:
        taken = {rule.id for rule in self._scenario.rules}
        while True:
            self._made += 1
            rule_id = f"on-{self._made}"
            if rule_id not in taken:
                return rule_id

    def _with_default_timeline(self, rule: Rule) -> Rule:
        execution = rule.source.get("execution")
        if rule.script is None or execution is None or "timeline" in execution:
            return rule
        script = dataclasses.replace(rule.script, timeline=self._default_timeline())
        return dataclasses.replace(rule, script=script)


def _named(rule: Rule, rule_id: str) -> Rule:
    script = rule.script and dataclasses.replace(rule.script, rule_id=rule_id)
    return dataclasses.replace(rule, id=rule_id, script=script)
