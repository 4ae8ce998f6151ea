"""Scenario files: text to :class:`Scenario` and back.

What the format has and the emulator does not build yet is refused by name, never passed over.
"""

from __future__ import annotations

import functools
import json
from importlib import resources
from typing import TYPE_CHECKING, Any

import yaml

from d365fo_emulator.kernel.clock import ClockMode
from d365fo_emulator.kernel.durations import format_duration, parse_duration
from d365fo_emulator.kernel.errors import ConfigurationError
from d365fo_emulator.scenarios.model import (
    NATURAL,
    ExecutionScript,
    Rule,
    Scenario,
    ScriptedRowError,
    Stay,
    Step,
    StepState,
    Timeline,
)
from d365fo_emulator.scenarios.problems import (
    Problem,
    ScenarioInvalid,
    problem,
    schema_problems,
)
from d365fo_emulator.scenarios.timeline import normalized
from d365fo_emulator.scenarios.yaml_source import MAX_CHARACTERS, Source, SourceRefused, read_source

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Iterator, Mapping

    from d365fo_emulator.scenarios.yaml_source import Path

SCHEMA_NAME = "scenario.v1.schema.json"

UNBUILT_RULE_KEYS = ("fault", "latency", "probability")
UNBUILT_MATCHERS = ("call", "per", "header", "body", "operation", "method")


@functools.cache
def schema_text() -> str:
    """The JSON Schema of scenario files, as the command prints and the server serves it."""
    file = resources.files("d365fo_emulator.scenarios").joinpath(SCHEMA_NAME)
    return file.read_text(encoding="utf-8")


def load_text(text: str, source_name: str = "scenario") -> Scenario:
    """The scenario that a YAML or JSON text describes; without a `name` it has `source_name`'s.

    Raises:
        ScenarioInvalid: no YAML, against the schema, or something that is not emulated yet.

    """
    try:
        source = read_source(text)
    except SourceRefused as refused:
        found = Problem("", refused.mark.line, refused.mark.column, refused.message)
        raise ScenarioInvalid(source_name, (found,)) from refused
    return _load(source, source_name)


def load_path(path: pathlib.Path) -> Scenario:
    """The scenario in a file (UTF-8).

    Raises:
        ScenarioInvalid: as :func:`load_text`.
        ConfigurationError: the file cannot be read.

    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_CHARACTERS * 4 + 1)
        text = data.decode("utf-8-sig")
    except OSError as error:
        reason = error.strerror or error
        raise ConfigurationError(f"the scenario {path} cannot be read: {reason}") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"the scenario {path} is not written in UTF-8") from error
    return load_text(text, str(path))


def load_mapping(mapping: Mapping[str, Any], source_name: str = "scenario") -> Scenario:
    """The scenario that a mapping with the file's keys describes.

    Raises:
        ScenarioInvalid: as :func:`load_text`; all problems are at line 1, column 1.

    """
    try:
        value = json.loads(json.dumps(mapping))
    except (TypeError, ValueError, RecursionError) as error:
        found = Problem("", 1, 1, f"a scenario holds texts, numbers, lists and mappings: {error}")
        raise ScenarioInvalid(source_name, (found,)) from error
    return _load(Source(value), source_name)


def _load(source: Source, source_name: str) -> Scenario:
    problems = schema_problems(source, json.loads(schema_text()))
    if not problems:
        refused = (problem(source, path, text) for path, text in _refusals(source.value))
        problems = sorted(refused, key=lambda p: (p.line, p.column))
    if problems:
        raise ScenarioInvalid(source_name, tuple(problems))
    try:
        return _scenario(source.value, source_name)
    except (ValueError, OverflowError) as error:  # numbers that the schema takes and nothing holds
        raise ScenarioInvalid(source_name, (Problem("", 1, 1, str(error)),)) from error


def _refusals(value: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    if "extends" in value:
        yield ("extends",), "extending other scenarios is not emulated yet"
    if "latency" in value.get("defaults", {}):
        yield ("defaults", "latency"), "latency is not emulated yet"
    seen: set[str] = set()
    for index, rule in enumerate(value["rules"]):
        yield from _rule_refusals(("rules", index), rule)
        if rule.get("id", "") in seen:
            yield ("rules", index, "id"), f"another rule has the id {rule['id']!r} already"
        seen.update([rule["id"]] if rule.get("id") else [])


def _rule_refusals(path: Path, rule: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    for key in UNBUILT_RULE_KEYS:
        if key in rule:
            kind = f" of kind {rule[key]['kind']!r}" if key == "fault" else ""
            yield (*path, key), f"a {key}{kind} is not emulated yet"
    match = rule["match"]
    for key in UNBUILT_MATCHERS:
        if key in match:
            yield (*path, "match", key), f"matching on {key!r} is not emulated yet"
    surface = match.get("surface", "action")
    if surface != "action":
        yield (*path, "match", "surface"), f"rules for the surface {surface!r} are not emulated yet"


def _scenario(value: Mapping[str, Any], source_name: str) -> Scenario:
    default = value.get("defaults", {}).get("timeline")
    default_timeline = _timeline(default) if default else None
    return Scenario(
        name=value.get("name") or source_name,
        rules=tuple(
            _rule(rule, f"rule-{number}", default_timeline or NATURAL)
            for number, rule in enumerate(value["rules"], 1)
        ),
        description=value.get("description", ""),
        seed=_whole(value.get("seed")),
        clock=ClockMode(value["clock"]) if "clock" in value else None,
        default_timeline=default_timeline,
        source=value,
    )


def _rule(rule: Mapping[str, Any], default_id: str, default: Timeline) -> Rule:
    rule_id = rule.get("id") or default_id
    # Only rules of the action surface are built, so the matcher says nothing more.
    match = {name: globs for name, globs in rule["match"].items() if name != "surface"}
    return Rule(
        id=rule_id,
        match=match,
        script=_script(rule["execution"], rule_id, default),
        enabled=rule.get("enabled", True),
        times=_whole(rule.get("times")),
        required=rule.get("required", False),
        source=rule,
    )


def _script(execution: Mapping[str, Any], rule_id: str, default: Timeline) -> ExecutionScript:
    return ExecutionScript(
        timeline=_timeline(execution["timeline"]) if "timeline" in execution else default,
        row_errors=tuple(_row_error(e) for e in execution.get("rowErrors", ())),
        execution_errors=tuple(execution.get("executionErrors", ())),
        on_cancel=execution.get("onCancel", "Canceled"),
        rule_id=rule_id,
    )


def _timeline(steps: list[Mapping[str, Any]]) -> Timeline:
    return normalized(tuple(Step(StepState(s["state"]), _stay(s.get("stay", {}))) for s in steps))


def _stay(stay: Mapping[str, Any]) -> Stay:
    return Stay(
        time=parse_duration(stay["time"]) if "time" in stay else None,
        polls=_whole(stay.get("polls")),
        manual=stay.get("until") == "manual",
        need_all=stay.get("need") == "all",
    )


def _row_error(error: Mapping[str, Any]) -> ScriptedRowError:
    entity = error.get("entity", "*")
    row = error.get("row")
    return ScriptedRowError(
        message=error["message"],
        entity=(entity,) if isinstance(entity, str) else tuple(entity),
        row=None if isinstance(row, str) else _whole(row),
        every=int(row.removeprefix("every ")) if isinstance(row, str) else None,
        where={name: _cell(value) for name, value in error.get("where", {}).items()},
        stage=error.get("stage", "target"),
        field=error.get("field", ""),
    )


def _whole(number: float | None) -> int | None:
    """JSON Schema takes 3.0 for an integer as well."""
    return None if number is None else int(number)


def _cell(value: str | float | bool) -> str:
    """A value as it stands in a package's file; truth is the enumeration NoYes there."""
    if isinstance(value, bool):
        return "Yes" if value else "No"
    return str(value)


def dump(scenario: Scenario) -> str:
    """`scenario` as YAML that :func:`load_text` reads back to the same rules."""
    return yaml.safe_dump(to_mapping(scenario), sort_keys=False, allow_unicode=True)


def to_mapping(scenario: Scenario) -> dict[str, Any]:
    """`scenario` in the file's keys; what the file leaves to defaults is written out."""
    optional = {
        "description": scenario.description or None,
        "seed": scenario.seed,
        "clock": str(scenario.clock) if scenario.clock else None,
        "defaults": scenario.default_timeline
        and {"timeline": timeline_to_list(scenario.default_timeline)},
    }
    return {
        "version": 1,
        "name": scenario.name,
        **{name: value for name, value in optional.items() if value is not None},
        "rules": [rule_to_mapping(rule) for rule in scenario.rules],
    }


def rule_to_mapping(rule: Rule) -> dict[str, Any]:
    """`rule` in the file's keys."""
    mapping: dict[str, Any] = {"id": rule.id, "match": _plain(rule.match)}
    if not rule.enabled:
        mapping["enabled"] = False
    if rule.times is not None:
        mapping["times"] = rule.times
    if rule.required:
        mapping["required"] = True
    script = rule.script or ExecutionScript()
    execution: dict[str, Any] = {"timeline": timeline_to_list(script.timeline)}
    if script.row_errors:
        execution["rowErrors"] = [row_error_to_mapping(e) for e in script.row_errors]
    if script.execution_errors:
        execution["executionErrors"] = list(script.execution_errors)
    if script.on_cancel != "Canceled":
        execution["onCancel"] = script.on_cancel
    return {**mapping, "execution": execution}


def timeline_to_list(timeline: Timeline) -> list[dict[str, Any]]:
    """`timeline` in the file's keys."""
    return [step_to_mapping(step) for step in timeline]


def step_to_mapping(step: Step) -> dict[str, Any]:
    """`step` in the file's keys."""
    stay: dict[str, Any] = {}
    if step.stay.time is not None:
        stay["time"] = format_duration(step.stay.time)
    if step.stay.polls is not None:
        stay["polls"] = step.stay.polls
    if step.stay.manual:
        stay["until"] = "manual"
    if step.stay.need_all:
        stay["need"] = "all"
    return {"state": str(step.state), **({"stay": stay} if stay else {})}


def row_error_to_mapping(error: ScriptedRowError) -> dict[str, Any]:
    """`error` in the file's keys."""
    mapping: dict[str, Any] = {"entity": list(error.entity)}
    if error.row is not None:
        mapping["row"] = error.row
    if error.every is not None:
        mapping["row"] = f"every {error.every}"
    if error.where:
        mapping["where"] = dict(error.where)
    mapping["stage"] = error.stage
    if error.field:
        mapping["field"] = error.field
    return {**mapping, "message": error.message}


def _plain(match: Mapping[str, Any]) -> dict[str, Any]:
    return {k: list(v) if isinstance(v, (list, tuple)) else v for k, v in match.items()}
