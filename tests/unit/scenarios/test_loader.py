import datetime as dt
import json

import pytest
from jsonschema import Draft202012Validator

from d365fo_emulator.kernel.clock import ClockMode
from d365fo_emulator.kernel.errors import ConfigurationError
from d365fo_emulator.scenarios import library, loader
from d365fo_emulator.scenarios.model import NATURAL, StepState
from d365fo_emulator.scenarios.problems import ScenarioInvalid

PARTIAL = """\
# yaml-language-server: $schema=./scenario.v1.schema.json
version: 1
name: customers-partially-succeed
seed: 7
clock: virtual
rules:
  - id: customers-import
    match:
      action: [ImportFromPackage, ImportFromPackageAsync]
      definitionGroup: "Customers *"
    required: true
    execution:
      timeline:
        - {state: NotFound, stay: {polls: 1}}
        - {state: NotRun, stay: {time: 2s, polls: 1, need: all}}
        - {state: Executing, stay: {until: manual}}
        - {state: PartiallySucceeded}
      rowErrors:
        - {entity: C, where: {CUSTOMERACCOUNT: US-003, A: 010, B: true}, field: F, message: M}
        - {row: every 50, stage: staging, message: Address is required}
        - {row: 3, stage: source, message: gone}
      executionErrors: [It went wrong]
      onCancel: ignored
  - match: {action: "ImportFromPackage*", surface: action}
    enabled: false
    times: 2
    execution: {}
"""


def problems(text):
    with pytest.raises(ScenarioInvalid) as invalid:
        loader.load_text(text, "f.yaml")
    return invalid.value.problems


def rule(members):
    return f"version: 1\nrules:\n  - {{match: {{action: x}}, execution: {{}}, {members}}}\n"


@pytest.mark.evidence("inferred")
def test_a_file_becomes_rules():
    scenario = loader.load_text(PARTIAL)
    assert (scenario.name, scenario.seed, scenario.clock) == (
        "customers-partially-succeed", 7, ClockMode.VIRTUAL,
    )  # fmt: skip
    first, second = scenario.rules
    assert first.required
    assert first.script.rule_id == first.id == "customers-import"
    assert first.script.timeline[1].stay.time == dt.timedelta(seconds=2)
    assert first.script.timeline[1].stay.need_all
    assert first.script.timeline[2].stay.manual
    assert first.script.execution_errors == ("It went wrong",)
    assert first.script.on_cancel == "ignored"
    assert [(e.row, e.every, e.stage) for e in first.script.row_errors] == [
        (None, None, "target"), (None, 50, "staging"), (3, None, "source"),
    ]  # fmt: skip
    assert first.script.row_errors[0].where == {"CUSTOMERACCOUNT": "US-003", "A": "010", "B": "Yes"}
    assert (second.id, second.enabled, second.times) == ("rule-2", False, 2)
    assert second.script.timeline == NATURAL
    assert second.match == {"action": "ImportFromPackage*"}


@pytest.mark.evidence("inferred")
def test_json_is_read_as_well_even_indented_by_tabs():
    as_json = json.dumps(loader.load_text(PARTIAL).source, indent="\t")
    assert loader.load_text(as_json).rules[0].script == loader.load_text(PARTIAL).rules[0].script


@pytest.mark.evidence("inferred")
def test_the_default_timeline_serves_rules_without_one_and_a_lone_end_gets_its_way():
    scenario = loader.load_text(
        "version: 1\ndefaults: {timeline: [{state: Failed}]}\n"
        "rules: [{match: {action: x}, execution: {}}]",
        "n",
    )
    assert scenario.name == "n"
    assert [s.state for s in scenario.default_timeline] == [
        StepState.NOT_RUN, StepState.EXECUTING, StepState.FAILED,
    ]  # fmt: skip
    assert scenario.rules[0].script.timeline == scenario.default_timeline


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        (PARTIAL.replace("state: Executing", "state: Excuting"), 16, 12,
         ("rules[0].execution.timeline[2].state: 'Excuting' is not one of NotRun, Executing,"
         " Succeeded, PartiallySucceeded, Failed, Canceled, Unknown, NotFound, Computed;"
         " did you mean 'Executing'?")),
        (PARTIAL.replace("    execution:", "    excecution:"), 12, 5,
         "rules[0].excecution: there is no such key; did you mean 'execution'?"),
        ("version: 1\nrules: [{match: {acton: x}, execution: {}}]", 2, 18,
         "rules[0].match.acton: there is no such key; did you mean 'action'?"),
        ("version: 1\nrules: [{match: {}}]", 2, 9,
         'rules[0]: {"match": {}} is not a rule with an effect: execution, fault or latency'),
        ("rules: []", 1, 1, "'version' is missing"),
        ("version: 2\nrules: []", 1, 1, "version: 1 was expected"),
        (PARTIAL.replace("time: 2s", "time: 2 s"), 15, 34,
         ('rules[0].execution.timeline[1].stay.time: "2 s" is not a duration: a number and a unit'
         " (ms, s, m, h, d), such as 2s")),
        (PARTIAL.replace("time: 2s", "time: 2"), 15, 34,
         ("rules[0].execution.timeline[1].stay.time: 2 is not a duration: a number and a unit"
         " (ms, s, m, h, d), such as 2s")),
        (PARTIAL.replace("every 50", "each 50"), 20, 12,
         ('rules[0].execution.rowErrors[1].row: "each 50" is not a row\'s number, or a text such'
         " as every 50")),
        ("version: 1\nrules: [", 3, 1, None),
        ("version: 1\nversion: 1", 2, 1, "the key 'version' is there twice"),
        ("", 1, 1, "the document is empty"),
        ("a: !!python/object:os.system {}", 1, 4, None),
        ("a: &a [1]\nb: [" + "*a," * 9 + "]", 2, 29, "more than 8 aliases (*name) are not read"),
        ("&a [*a]", 1, 1, "the aliases (*name) expand to too much"),
        ("[" * 200 + "]" * 200, 1, 41, "nested deeper than 40"),
        ("#" * (1024 * 1024 + 1), 1, 1, "the document is larger than 1048576 characters"),
        ("a: \x00", 1, 1, None),
    ],
)  # fmt: skip
def test_a_wrong_file_is_told_where_and_what_is_nearest(text, line, column, message):
    first = problems(text)[0]
    assert message is None or first.message == message
    assert first.line == line
    if message is not None:
        assert first.column == column


@pytest.mark.evidence("inferred")
def test_all_problems_are_told_at_once_with_their_places():
    text = PARTIAL.replace("NotFound", "NotFond").replace("onCancel", "onCansel")
    with pytest.raises(ScenarioInvalid) as invalid:
        loader.load_text(text, "f.yaml")
    lines = str(invalid.value).splitlines()
    assert [line.split(" ")[0] for line in lines] == ["f.yaml:14:12:", "f.yaml:23:7:"]


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize(
    ("text", "message"),
    [
        (rule("fault: {kind: reset}"),
         "rules[0].fault: a fault of kind 'reset' is not emulated yet"),
        (rule("latency: 2s"), "rules[0].latency: a latency is not emulated yet"),
        (rule("probability: 0.5"), "rules[0].probability: a probability is not emulated yet"),
        *(
            (rule("").replace("{action: x}", f"{{{key}: {value}}}"),
             f"rules[0].match.{key}: matching on '{key}' is not emulated yet")
            for key, value in [("call", 2), ("per", "client"), ("header", "{a: b}"),
                               ("body", "{a: b}"), ("operation", "PutBlob"), ("method", "GET")]
        ),
        (rule("").replace("action: x", "surface: blob"),
         "rules[0].match.surface: rules for the surface 'blob' are not emulated yet"),
        ("version: 1\nextends: [a]\nrules: []",
         "extends: extending other scenarios is not emulated yet"),
        ("version: 1\ndefaults: {latency: 2s}\nrules: []",
         "defaults.latency: latency is not emulated yet"),
    ],
)  # fmt: skip
def test_what_is_not_built_is_refused_by_name(text, message):
    assert [p.message for p in problems(text)] == [message]


@pytest.mark.evidence("inferred")
def test_two_rules_of_one_id_are_refused():
    twice = (
        "version: 1\nrules: [{id: a, match: {}, execution: {}}, {id: a, match: {}, execution: {}}]"
    )
    assert [p.path for p in problems(twice)] == ["rules[1].id"]


@pytest.mark.evidence("inferred")
def test_a_dumped_scenario_reads_back_the_same():
    scenario = loader.load_text(PARTIAL)
    again = loader.load_text(loader.dump(scenario))
    assert [(r.id, r.match, r.script, r.enabled, r.times, r.required) for r in again.rules] == [
        (r.id, r.match, r.script, r.enabled, r.times, r.required) for r in scenario.rules
    ]
    assert (again.name, again.seed, again.clock) == (scenario.name, scenario.seed, scenario.clock)


@pytest.mark.evidence("inferred")
def test_files_and_mappings_are_read(tmp_path):
    path = tmp_path / "s.yaml"
    path.write_text("\ufeff" + PARTIAL, encoding="utf-8")
    assert loader.load_path(path).seed == 7
    assert loader.load_mapping(loader.load_text(PARTIAL).source).seed == 7
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match="UTF-8"):
        loader.load_path(path)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        loader.load_path(tmp_path)
    with pytest.raises(ScenarioInvalid):
        loader.load_mapping({"version": 1, "rules": [object()]})


@pytest.mark.evidence("inferred")
def test_the_schema_is_a_schema():
    Draft202012Validator.check_schema(json.loads(loader.schema_text()))


@pytest.mark.evidence("inferred")
def test_each_shipped_scenario_loads_and_says_in_one_line_what_it_does():
    shipped = dict(library.names())
    assert set(shipped) == {
        "canceled", "failed", "happy-path", "not-found-then-ok", "partially-succeeded", "slow",
        "stuck-executing", "stuck-not-run",
    }  # fmt: skip
    for name, description in shipped.items():
        assert description
        assert "\n" not in description
        assert library.load(name).name == name


@pytest.mark.evidence("inferred")
def test_an_unknown_shipped_scenario_is_refused_with_the_nearest_name():
    with pytest.raises(ConfigurationError, match="did you mean 'happy-path'"):
        library.load("hapy-path")


@pytest.mark.evidence("inferred")
def test_a_whole_number_may_be_written_with_a_point():
    text = (
        "version: 1\nseed: 7.0\nrules: [{match: {}, times: 2.0, execution: {rowErrors:"
        " [{row: 3.0, message: m}], timeline: [{state: NotRun, stay: {polls: 4.0}}]}}]"
    )
    scenario = loader.load_text(text)
    [rule] = scenario.rules
    numbers = (
        scenario.seed, rule.times, rule.script.row_errors[0].row, rule.script.timeline[0].stay.polls
    )  # fmt: skip
    assert numbers == (7, 2, 3, 4)
    assert all(isinstance(number, int) for number in numbers)
