from concurrent.futures import ThreadPoolExecutor

import pytest

from d365fo_emulator.kernel.errors import NotEmulated
from d365fo_emulator.scenarios import builder as b
from d365fo_emulator.scenarios import loader
from d365fo_emulator.scenarios.matching import explain_mismatch, matches
from d365fo_emulator.scenarios.model import NATURAL, Step, StepState
from d365fo_emulator.scenarios.problems import ScenarioInvalid
from d365fo_emulator.scenarios.service import NO_RULE, ScenarioService

FACTS = {
    "action": "ImportFromPackage",
    "definitionGroup": "Customers 1",
    "legalEntity": "USMF",
    "entity": ("Customer groups", "Customers V3"),
    "executionId": "E-1",
}


def scenario(*rules, **members):
    rules = [{"match": {"action": "*"}, "execution": {}, **rule} for rule in rules]
    return loader.load_mapping({"version": 1, **members, "rules": rules})


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize(
    ("match", "fits"),
    [
        ({}, True),
        ({"action": "Import*"}, True),
        ({"action": "import*"}, False),
        ({"action": ["Export*", "ImportFromPackage"]}, True),
        ({"definitionGroup": "customers ?", "legalEntity": "usmf"}, True),
        ({"entity": "customers*"}, True),
        ({"entity": "Vendors"}, False),
        ({"executionId": "e-1"}, True),
        ({"clientId": "*"}, False),
        ({"action": "*", "legalEntity": "DEMF"}, False),
    ],
)
def test_a_rule_matches_when_all_its_globs_fit(match, fits):
    assert matches(match, FACTS) is fits
    assert (explain_mismatch(match, FACTS) == "") is fits


@pytest.mark.evidence("inferred")
def test_a_mismatch_names_the_first_matcher_that_differs():
    match = {"action": "*", "legalEntity": ["DEMF", "GB*"], "entity": "x"}
    assert explain_mismatch(match, FACTS) == "legalEntity is 'USMF', not 'DEMF' or 'GB*'"
    assert explain_mismatch({"clientId": "a"}, FACTS) == "clientId is nothing, not 'a'"


@pytest.mark.evidence("inferred")
def test_the_first_matching_enabled_rule_with_times_left_wins():
    service = ScenarioService("w")
    service.load(
        scenario({"id": "off", "enabled": False}, {"id": "once", "times": 1}, {"id": "rest"})
    )
    assert [service.script_for(FACTS)[0].rule_id for _ in range(3)] == ["once", "rest", "rest"]
    assert [(rh.rule.id, rh.hits) for rh in service.rules_with_hits()] == [
        ("off", 0), ("once", 1), ("rest", 2),
    ]  # fmt: skip
    assert service.set_enabled("off", True)
    assert service.script_for(FACTS)[1] == "rule 'off' matched"
    assert service.reset_hits("once")
    assert not service.reset_hits("nobody")
    assert not service.set_enabled("nobody", True)


@pytest.mark.evidence("inferred")
def test_without_a_rule_the_default_timeline_or_the_natural_way_is_taken():
    service = ScenarioService("w")
    script, because = service.script_for(FACTS)
    assert (script.timeline, because) == (NATURAL, NO_RULE)
    service.load(scenario(defaults={"timeline": [{"state": "Unknown"}]}))
    assert service.script_for(FACTS)[0].timeline == (Step(StepState.UNKNOWN),)


@pytest.mark.evidence("inferred")
def test_required_rules_that_never_matched_are_named():
    service = ScenarioService("w")
    service.load(
        scenario({"id": "a", "required": True}, {"id": "b", "required": True}, {"id": "c"})
    )
    service.script_for(FACTS)
    assert service.unused_required() == ["b"]


@pytest.mark.evidence("inferred")
def test_loading_another_scenario_leaves_bound_scripts_alone_and_reset_brings_the_default_back():
    default = scenario({"id": "default"})
    service = ScenarioService("w", default)
    bound, _ = service.script_for(FACTS)
    service.load(scenario({"id": "other"}))
    assert bound.rule_id == "default"
    assert service.script_for(FACTS)[0].rule_id == "other"
    service.reset()
    assert service.current is default
    assert [rh.hits for rh in service.rules_with_hits()] == [0]


@pytest.mark.evidence("inferred")
def test_threads_never_share_the_last_of_a_rules_times():
    service = ScenarioService("w")
    service.load(scenario({"id": "ten", "times": 10}))
    with ThreadPoolExecutor(8) as pool:
        bound = list(pool.map(lambda _: service.script_for(FACTS)[0].rule_id, range(50)))
    assert bound.count("ten") == 10


@pytest.mark.evidence("documented")
def test_a_rule_made_in_python_is_in_force_at_once_in_front_of_the_others():
    service = ScenarioService("w", scenario({"id": "all"}))
    b.RuleBuilder({"action": "Import*"}, service.add_rule).timeline(
        b.NotRun(time="2s", polls=1), b.Executing(polls=3), {"state": "PartiallySucceeded"}
    ).row_error(where={"CUSTOMERACCOUNT": "US-003"}, message="no").row_error(
        every=2, entity=["A", "B"], stage="staging", field="F", message="x"
    ).times(1).required().execution_error("oh")
    assert [r.id for r in service.current.rules] == ["on-1", "all"]
    script, _ = service.script_for(FACTS)
    assert script.rule_id == "on-1"
    assert [str(s.state) for s in script.timeline] == ["NotRun", "Executing", "PartiallySucceeded"]
    assert [(e.every, e.entity) for e in script.row_errors] == [(None, ("*",)), (2, ("A", "B"))]
    assert service.script_for(FACTS)[0].rule_id == "all"
    again = loader.load_text(loader.dump(service.current)).rules[0]
    assert again.script == script


@pytest.mark.evidence("inferred")
def test_a_rule_without_a_timeline_takes_the_scenarios_default():
    service = ScenarioService("w", scenario(defaults={"timeline": [{"state": "Unknown"}]}))
    b.RuleBuilder({"action": "*"}, service.add_rule).row_error(row=1, message="no")
    assert service.script_for(FACTS)[0].timeline == (Step(StepState.UNKNOWN),)


@pytest.mark.evidence("inferred")
def test_a_refused_call_leaves_the_rule_as_it_was():
    rule = b.RuleBuilder({"definition_group": "x"}).timeline(b.Unknown)
    with pytest.raises(ScenarioInvalid, match="did you mean 'Executing'"):
        rule.timeline({"state": "Excuting"})
    assert rule.rule().script.timeline == (Step(StepState.UNKNOWN),)
    assert rule.rule().match == {"definitionGroup": "x"}


@pytest.mark.evidence("inferred")
def test_an_unknown_matcher_is_refused_with_the_nearest():
    with pytest.raises(ScenarioInvalid, match="did you mean 'definition_group'"):
        b.RuleBuilder({"definition_grup": "x"})


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize(
    ("use", "name"),
    [
        (lambda rule: rule.latency("2s"), "latency"),
        (lambda rule: rule.fault("reset"), "reset"),
        (lambda rule: rule.lose_response(), "lose_response"),
        (lambda rule: rule.call(2, per="client"), "call"),
    ],
)
def test_what_is_not_built_says_so_by_name(use, name):
    with pytest.raises(NotEmulated, match=name):
        use(b.RuleBuilder({"action": "*"}))
