"""Scenarios as they are named to an emulator: by value, mapping, file or shipped name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from d365fo_emulator.kernel.errors import ConfigurationError
from d365fo_emulator.scenarios import library
from d365fo_emulator.scenarios.loader import load_mapping, load_path
from d365fo_emulator.scenarios.model import Scenario

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    ScenarioSource = str | Path | Mapping[str, Any] | Scenario


def read_scenario(source: ScenarioSource) -> Scenario:
    """The scenario that `source` is or names.

    Raises:
        ScenarioInvalid: with the path, line and nearest valid word of each problem.
        ConfigurationError: neither a file nor a shipped name.

    """
    if isinstance(source, Scenario):
        return source
    if isinstance(source, (str, Path)):
        shipped = {name for name, _line in library.names()}
        if str(source) in shipped:
            return library.load(str(source))
        return load_path(Path(source))
    return load_mapping(source)


def join_scenarios(sources: Sequence[ScenarioSource]) -> Scenario | None:
    """One scenario of all that were named: rules in their order; the first seed, clock and default
    timeline that any of them has.

    Raises:
        ScenarioInvalid: as `read_scenario`.
        ConfigurationError: as `read_scenario`, or two rules of one id.

    """
    scenarios = [read_scenario(source) for source in sources]
    if len(scenarios) < 2:
        return scenarios[0] if scenarios else None
    rules = tuple(rule for scenario in scenarios for rule in scenario.rules)
    ids = [rule.id for rule in rules]
    twice = sorted({one for one in ids if ids.count(one) > 1})
    if twice:
        raise ConfigurationError(f"two scenarios have rules of one id: {', '.join(twice)}")
    return Scenario(
        name=" + ".join(scenario.name for scenario in scenarios),
        rules=rules,
        seed=next((one.seed for one in scenarios if one.seed is not None), None),
        clock=next((one.clock for one in scenarios if one.clock), None),
        default_timeline=next(
            (one.default_timeline for one in scenarios if one.default_timeline), None
        ),
    )
